"""Measured tables: pooled gains, shrunk scores, and the order that they give."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.runtime.rules.actions import Action, apply
from automlc.runtime.rules.library import load_file
from automlc.runtime.rules.measured import (
    PRIOR_WEIGHT,
    SCHEMA,
    DataSet,
    Gains,
    Measurements,
    chain,
)
from automlc.runtime.rules.table import Table
from automlc.spec.domains import Choice, Config, Parameter, Space
from automlc.spec.errors import AutomlcError

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=30)
STATE = {"architecture": "resnet", "convergence": "slow", "gradient": "dying", "weights": "normal"}


def gains(values: list[float]) -> Gains:
    made = Gains()
    for value in values:
        made = made.add(value)
    return made


def agree(found: Gains, values: list[float]) -> None:
    assert found.n == len(values)
    assert math.isclose(found.mean, float(np.mean(values)), abs_tol=1e-9)
    assert math.isclose(found.squares, len(values) * float(np.var(values)), abs_tol=1e-6)
    if len(values) > 1:
        assert found.spread is not None
        assert math.isclose(found.spread, float(np.std(values, ddof=1)), abs_tol=1e-4)


@settings(max_examples=50, deadline=None)
@given(VALUES, st.data())
def test_joining_the_gains_of_any_parts_is_measuring_the_whole(
    values: list[float], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=4)))
    edges = [0, *cuts, len(values)]
    joined = Gains()
    for start, end in pairwise(edges):
        joined = joined.join(gains(values[start:end]))
    agree(joined, values)
    agree(gains(values), values)


def test_of_a_single_gain_there_is_no_spread() -> None:
    assert gains([0.5]).spread is None
    assert Gains().join(Gains()) == Gains()


def test_a_large_offset_does_not_lose_the_spread() -> None:
    found = gains([1e9 + value for value in (1, 2, 3)])
    assert found.spread == pytest.approx(1.0, rel=1e-6)


def test_a_state_is_followed_by_its_broader_ones() -> None:
    assert list(chain({"input": "image", **STATE})) == [
        {"input": "image", **STATE},
        {"input": "image", "architecture": "resnet", "convergence": "slow", "gradient": "dying"},
        {"input": "image", "architecture": "resnet", "convergence": "slow"},
        {"input": "image", "architecture": "resnet"},
        {"input": "image"},
    ]


def measured(*sets: tuple[str, list[tuple[dict[str, str], str, float]]]) -> Measurements:
    made = Measurements("mine")
    for name, rows in sets:
        made.datasets[name] = DataSet(name, "accuracy", 0.1)
        for state, action, gain in rows:
            made.datasets[name].add(state, action, gain)
    return made


def scores(table: Table, state: dict[str, str]) -> dict[str, float]:
    row = table.find(state).row
    return {one.action.text: one.score for one in row.actions} if row else {}


def test_a_score_is_shrunk_towards_that_of_the_broader_state() -> None:
    """By hand: gains 0.2 and 0.4 of scale 0.1 when dying, -0.1 when vanishing; weight 4."""
    rows = [({"gradient": "dying"}, "a = 1", gain) for gain in (0.2, 0.4)]
    table = measured(("one", [*rows, ({"gradient": "vanishing"}, "a = 1", -0.1)])).table()
    everywhere = (2 + 4 - 1) / (3 + 4)
    assert PRIOR_WEIGHT == 4
    assert scores(table, {})["a = 1"] == pytest.approx(everywhere)
    # The broader score is of what was measured elsewhere: nothing counts twice.
    dying = scores(table, {"gradient": "dying"})["a = 1"]
    assert dying == pytest.approx((2 + 4 + 4 * (-1 / (1 + 4))) / (2 + 4))
    vanishing = scores(table, {"gradient": "vanishing"})["a = 1"]
    assert vanishing == pytest.approx((-1 + 4 * ((2 + 4) / (2 + 4))) / (1 + 4))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=200))
def test_the_same_measurements_give_the_same_score_at_every_level(values: list[float]) -> None:
    table = measured(("one", [(STATE, "a = 1", value) for value in values])).table()
    n, mean = len(values), float(np.mean(values)) / 0.1
    for state in chain(STATE):  # all was measured in one state, so no level adds anything
        assert scores(table, state)["a = 1"] == pytest.approx(n * mean / (n + 4), abs=1e-9)


def test_counts_means_and_spreads_are_reported() -> None:
    rows = [({"weights": "nan"}, "a = 1", gain) for gain in (0.1, 0.3)]
    table = measured(("one", rows), ("two", [({"weights": "nan"}, "a = 1", 0.5)])).table()
    (one,) = table.find({"weights": "nan"}).row.actions  # type: ignore[union-attr]
    assert (one.n, one.source["mean"]) == (3, pytest.approx(3.0))
    assert one.spread == pytest.approx(float(np.std([1, 3, 5], ddof=1)))
    assert table.provenance["measured_on"] == ["one", "two"]


def test_gains_are_in_units_of_their_data_sets_scale() -> None:
    made = Measurements("mine")
    for name, scale in (("easy", 0.01), ("hard", 0.2)):
        made.datasets[name] = DataSet(name, "accuracy", scale)
        made.datasets[name].add({}, "a = 1", scale)
    (one,) = made.table().rows[0].actions
    assert (one.n, one.spread) == (2, 0.0)


def test_a_data_set_that_is_left_out_does_not_count() -> None:
    one, two = [({}, "a = 1", 0.1)], [({}, "a = 1", -0.5), ({}, "a = 2", 0.1)]
    both, alone = measured(("one", one), ("two", two)), measured(("one", one))
    assert both.table(["two"]).rows == alone.table().rows
    assert both.table(["two"]).provenance["left_out"] == ["two"]
    assert both.table(["one", "two"]).rows == ()
    assert len(both.table().rows[0].actions) == 2


def test_an_unknown_data_set_cannot_be_left_out() -> None:
    with pytest.raises(AutomlcError) as caught:
        measured(("one", [])).table(["won"])
    assert "'won'" in caught.value.message
    assert "one" in (caught.value.hint or "")


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(4)), st.integers(0, 99))
def test_the_order_of_measuring_does_not_matter(order: list[int], seed: int) -> None:
    rng = random.Random(seed)
    rows = [({"weights": rng.choice("ab")}, "a = 1", rng.uniform(-1, 1)) for _ in range(4)]
    one = measured(("x", rows)).table()
    other = measured(("x", [rows[i] for i in order])).table()
    for row in one.rows:
        assert scores(other, dict(row.state)) == pytest.approx(scores(one, dict(row.state)))


# ---- a response surface whose effects are known ----

SPACE = Space([Parameter(name, Choice((0, 1)), 0) for name in "abcdef"])
EFFECTS = dict(zip("abcdef", (0.06, -0.05, 0.03, 0.0, -0.02, 0.015), strict=True))
NOISE = 0.02


def study(
    response: Callable[[Config], float], state: dict[str, str], seed: int
) -> list[tuple[dict[str, str], str, float]]:
    """150 random configurations, each with every action applied alone (DREAM, section 4.2)."""
    rng = random.Random(seed)
    rows = []
    for _ in range(150):
        config = SPACE.sample(rng)
        before = response(config) + rng.gauss(0, NOISE)
        for name in SPACE.names:
            action = f"{name} = 1"
            made = apply(Action(action), SPACE, config)
            if made is not None:
                rows.append((state, action, response(made) + rng.gauss(0, NOISE) - before))
    return rows


def surface(effects: dict[str, float]) -> Callable[[Config], float]:
    return lambda config: 0.5 + sum(effects[name] * float(v) for name, v in config.items())  # type: ignore[arg-type]


TRUE_ORDER = [f"{name} = 1" for name in sorted(EFFECTS, key=lambda name: -EFFECTS[name])]


@pytest.mark.parametrize("seed", range(3))
def test_additive_effects_are_ranked_in_their_true_order(seed: int) -> None:
    table = measured(("one", study(surface(EFFECTS), {"gradient": "normal"}, seed))).table()
    row = table.find({"gradient": "normal"}).row
    assert row is not None
    assert [one.action.text for one in row.actions] == TRUE_ORDER
    for one in row.actions:
        assert one.n is not None
        assert one.spread is not None
        assert 50 < one.n < 100, "half of the configurations have the value already"
        # The difference of two noisy values, in units of the scale 0.1.
        assert one.spread == pytest.approx(math.sqrt(2) * NOISE / 0.1, rel=0.35)
        deviations = abs(one.source["mean"] * 0.1 - EFFECTS[one.action.text[0]]) / NOISE
        assert deviations < 4 * math.sqrt(2 / one.n)


def test_where_effects_depend_on_the_condition_its_own_row_is_right() -> None:
    flipped = {name: -effect for name, effect in EFFECTS.items()}
    rows = study(surface(EFFECTS), {"gradient": "normal"}, 0)
    rows += study(surface(flipped), {"gradient": "dying"}, 1)
    table = measured(("one", rows)).table()
    normal, dying, both = (
        [one.action.text for one in table.find(state).row.actions]  # type: ignore[union-attr]
        for state in ({"gradient": "normal"}, {"gradient": "dying"}, {})
    )
    assert normal == TRUE_ORDER
    assert dying == TRUE_ORDER[::-1]
    assert both not in (normal, dying)
    assert max(abs(score) for score in scores(table, {}).values()) < 0.15


# ---- the file ----

CELLS = st.lists(
    st.tuples(
        st.sampled_from([{}, {"gradient": "dying"}, {"input": "image", **STATE}]),
        st.sampled_from(["a = 1", "lr = lr / 10 and b = 2"]),
        st.floats(-1, 1),
    ),
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(["x", "y", "z"]), CELLS, max_size=3))
def test_measurements_are_the_same_after_json(sets: dict[str, Any]) -> None:
    made = measured(*sets.items())
    read = Measurements.from_json(json.loads(json.dumps(made.to_json(), allow_nan=False)))
    assert read.to_json() == made.to_json()
    assert [row.state for row in read.table().rows] == [row.state for row in made.table().rows]


def write(path: Path, **changes: Any) -> Path:
    data = measured(("one", [({"gradient": "dying"}, "a = 1", 0.1)])).to_json()
    (cell,) = data["datasets"][0]["gains"]
    for name, value in changes.items():
        target = cell if name in cell else data["datasets"][0] if name == "scale" else data
        target[name] = value
    path.write_text(json.dumps(data))
    return path


def test_a_file_of_measurements_is_a_table(tmp_path: Path) -> None:
    table = load_file(write(tmp_path / "mine.json"))
    assert [one.action.text for one in table.find({"gradient": "dying"}).row.actions] == ["a = 1"]  # type: ignore[union-attr]
    assert load_file(write(tmp_path / "mine.json"), ["one"]).rows == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 0},
        {"n": "many"},
        {"n": None},
        {"mean": float("nan")},
        {"mean": 10**400},
        {"squares": -1.0},
        {"squares": float("inf")},
        {"scale": 0},
        {"scale": float("nan")},
        {"scale": [1]},
        {"action": "a == 1"},
        {"action": 3},
        {"state": {"mood": "x"}},
        {"state": [1]},
        {"state": {"gradient": 1}},
        {"datasets": 3},
        {"datasets": [3]},
        {"name": "a\nb"},
        {"provenance": 5},
    ],
    ids=str,
)
def test_damaged_measurements_are_one_line(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(AutomlcError) as caught:
        load_file(write(tmp_path / "mine.json", **changes))
    message = str(caught.value)
    assert message.startswith("mine.json")
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize("twice", ["a data set", "an action"])
def test_what_is_there_twice_is_refused(twice: str, tmp_path: Path) -> None:
    data = measured(("one", [({}, "a = 1", 0.1)])).to_json()
    if twice == "a data set":
        data["datasets"] *= 2
    else:
        data["datasets"][0]["gains"] *= 2
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data))
    with pytest.raises(AutomlcError, match="there twice"):
        load_file(path)
    assert data["schema"] == SCHEMA
