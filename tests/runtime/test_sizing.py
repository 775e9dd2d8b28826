"""Where a search starts: the laws of the sized start, on a space with conditions and limits."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import plan as plan_json

from automlc.runtime.pace import USUAL, Pace, work_of
from automlc.runtime.plan import Constraint, DataSource, Plan, Rows
from automlc.runtime.searchers import searcher_of
from automlc.runtime.sizing import Start, allowed_costs, cheapest_start, cost_axes, sized_start
from automlc.runtime.wording import scalar
from automlc.spec.domains import Choice, Fixed, Float, Integer, Parameter, Space
from automlc.spec.expressions import parse

SPACE = Space(
    [
        Parameter("optimizer", Choice(("sgd", "adam")), "adam"),
        Parameter("batch_size", Choice((16, 64, 256)), 64),
        Parameter("block", Choice(("plain", "wide")), "wide"),
        Parameter("width", Integer(8, 128, 8), 128),
        Parameter("depth", Integer(1, 6), 6),
        Parameter("scale", Float(0.25, 4.0, log=True), 2.0, parse('block == "wide"')),
        Parameter("lr", Float(1e-4, 1e-1, log=True), 1e-2),
        Parameter("fixed", Fixed(3), 3),
    ],
    [parse("depth > 4 and width < 32")],
)
# macs = params = depth * width^2 * (scale, where there is one), memory = depth * width.
COSTS = {
    "code": [
        ["param", "depth"],
        ["param", "width"],
        ["mul", 0, 1],
        ["mul", 2, 1],
        ["param", "scale"],
        ["mul", 3, 4],
        ["param", "block"],
        ["const", "wide"],
        ["eq", 6, 7],
        ["select", 8, 5, 3],
    ],
    "outputs": {"model.macs": 9, "model.params": 9, "model.activation_memory": 2},
}
LIMIT = Constraint("model.macs <= 150000", "model.macs", "<=", 150_000, "static")


def made(space: Space = SPACE, constraints: tuple[Constraint, ...] = ()) -> Plan:
    data = plan_json(costs=COSTS, budget__epochs=10, budget__wall=100.0)
    plan = replace(Plan.from_json(data), space=space, constraints=constraints)
    return replace(plan, data=DataSource("builtin:{}", "sha256:0", Rows(1000, 100)))


def pace(mac: float, step: float = 1e-4) -> Pace:
    return Pace((mac, 0.0, 0.0, step, 0.001), 0.05, 1.0, 3)


def seconds_of(plan: Plan, device: Pace, config: Any) -> float:
    assert plan.data.rows is not None
    return device.trial(work_of(config, plan.costs.evaluate(config), plan.data.rows), 10)


devices = st.floats(-14, -7).map(lambda e: pace(10**e))
limits = st.floats(0.01, 1000)
constraints = st.sampled_from([(), (LIMIT,)])


@settings(max_examples=60, deadline=None)
@given(device=devices, limit=limits, bounds=constraints)
def test_a_start_is_allowed_and_within_the_limit_or_the_cheapest(
    device: Pace, limit: float, bounds: tuple[Constraint, ...]
) -> None:
    plan = made(constraints=bounds)
    start = sized_start(plan.space, plan, device, limit)
    assert start is not None
    assert plan.space.problems(start.config) == []
    assert allowed_costs(start.config, plan) is not None
    assert start.estimate == pytest.approx(seconds_of(plan, device, start.config))
    assert start.fits == (start.estimate <= limit)
    if not start.fits:
        # The least work of this space; the descent does not care for the last two percent.
        smallest = {**start.config, "block": "plain", "width": 8, "depth": 1, "batch_size": 256}
        smallest.pop("scale", None)
        assert start.estimate <= seconds_of(plan, device, smallest) / 0.98**4
    # What does not cost time is as it was.
    default = plan.space.default_config()
    assert all(start.config[name] == default[name] for name in ("optimizer", "lr", "fixed"))


@settings(max_examples=60, deadline=None)
@given(device=devices, limit=limits)
def test_the_default_stays_where_it_fits_and_one_change_is_preferred_to_two(
    device: Pace, limit: float
) -> None:
    plan = made()
    default = plan.space.default_config()
    start = sized_start(plan.space, plan, device, limit)
    assert start is not None
    fits = seconds_of(plan, device, default) <= limit
    assert (start.config == default) == fits
    assert (start.changed == ()) == fits
    if fits:
        return
    single = (
        {**default, name: value}
        for name in ("batch_size", "width", "depth", "scale")
        for value in cost_axes(plan.space, plan)[name]
    )
    one = any(
        plan.space.problems(config) == [] and seconds_of(plan, device, config) <= limit
        for config in single
    )
    assert not one or len(start.changed) == 1


@settings(max_examples=20, deadline=None)
@given(device=devices, limit=limits)
def test_a_start_is_the_same_every_time_and_survives_json(device: Pace, limit: float) -> None:
    plan = made()
    start = sized_start(plan.space, plan, device, limit)
    assert start == sized_start(plan.space, plan, device, limit)
    assert start is not None
    assert Start.from_json(start.to_json()) == start


def test_the_nearest_configuration_is_taken_and_the_reason_is_told() -> None:
    plan = made()
    device = pace(1e-9)
    default = seconds_of(plan, device, plan.space.default_config())
    start = sized_start(plan.space, plan, device, default * 0.95)
    assert start is not None
    assert len(start.changed) == 1
    assert start.fits
    name, before, after = start.changed[0]
    assert f"{name} {scalar(before)} to" in start.because
    assert "the default would take" in start.because
    assert (name, before) in {("width", 128), ("depth", 6), ("scale", 2.0)}
    assert after < before  # type: ignore[operator]  # numbers


def test_a_default_that_breaks_a_constraint_is_brought_within_it() -> None:
    plan = made(constraints=(LIMIT,))
    assert allowed_costs(plan.space.default_config(), plan) is None
    start = sized_start(plan.space, plan, pace(1e-14), 1000.0)
    assert start is not None
    assert start.default is None
    assert "the default is not allowed" in start.because
    assert allowed_costs(start.config, plan) is not None


def test_a_space_without_an_allowed_configuration_has_no_start() -> None:
    never = Constraint("model.macs < 1", "model.macs", "<", 1, "static")
    plan = made(constraints=(never,))
    assert sized_start(plan.space, plan, pace(1e-9), 1000.0) is None
    assert cheapest_start(plan.space, plan, 1000.0) is None


def test_a_space_with_nothing_to_change_says_so() -> None:
    frozen = Space([Parameter(p.name, Fixed(p.default), p.default) for p in SPACE.parameters], ())
    start = sized_start(frozen, made(frozen), pace(1e-5), 1.0)
    assert start is not None
    assert start.changed == ()
    assert "nothing is faster" in start.because


def test_without_a_measurement_the_least_work_is_taken() -> None:
    plan = made()
    start = cheapest_start(plan.space, plan, 5.0)
    assert start is not None
    assert start.estimate is None
    assert not start.fits
    usual = Pace(USUAL, 0.0, 1.0, 0)
    rng = random.Random(0)
    least = min(seconds_of(plan, usual, SPACE.sample(rng)) for _ in range(500))
    assert seconds_of(plan, usual, start.config) <= 1.1 * least
    assert "no probe of the device came to its end" in start.because


SEARCHES = ["tpe", "random"]


@pytest.mark.parametrize("strategy", SEARCHES)
def test_a_searcher_that_proposes_the_default_proposes_the_start(strategy: str) -> None:
    plan = made()
    start = sized_start(plan.space, plan, pace(1e-9), 1.0)
    assert start is not None
    sized = replace(plan, space=plan.space.with_defaults(start.config))
    options = {"start_with_default": True}
    searcher = searcher_of(
        replace(sized, search=replace(plan.search, name=strategy, options=options))
    )
    proposal = searcher.ask(1, [], 0)
    assert proposal is not None
    assert proposal.config == start.config


@settings(deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_space_with_other_defaults_has_that_default_configuration(seed: int) -> None:
    config = SPACE.sample(random.Random(seed))
    space = SPACE.with_defaults(config)
    assert space.default_config() == config
    assert space.names == SPACE.names


KNOWN = {"optimizer": "adam", "batch_size": 64, "block": "plain", "lr": 1e-2, "fixed": 3}
LARGER, SMALLER = KNOWN | {"width": 64, "depth": 4}, KNOWN | {"width": 32, "depth": 2}


@pytest.mark.parametrize(
    ("share", "expected"), [(1.01, "default"), (0.99, LARGER), (0.05, SMALLER)]
)
def test_the_first_known_start_that_is_in_time_is_taken(share: float, expected: Any) -> None:
    device = pace(1e-9, 0.0)
    plan = replace(made(), starts=(LARGER, SMALLER))
    default = seconds_of(plan, device, SPACE.default_config())
    start = sized_start(plan.space, plan, device, share * default)
    assert start is not None
    assert start.config == (SPACE.default_config() if expected == "default" else expected)
    assert start.fits


def test_a_known_start_is_not_spoiled_for_little() -> None:
    """Where steps are what takes time, a narrower model saves next to nothing."""
    device = pace(1e-13, 1e-2)
    frozen = Space([p for p in SPACE.parameters if p.name != "batch_size"], SPACE.forbidden)
    start = {k: v for k, v in SMALLER.items() if k != "batch_size"}
    plan = replace(made(frozen), starts=(start,))
    found = sized_start(frozen, plan, device, 1e-3)
    assert found is not None
    assert not found.fits
    assert found.config == start
