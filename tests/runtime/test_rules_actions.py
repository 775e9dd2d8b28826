"""Actions: what a configuration becomes by a change, and which changes there are."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.runtime.rules.actions import Action, apply, single_actions, usable
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Parameter, Space
from automlc.spec.expressions import literal_text, parse, same

SPACE = Space(
    [
        Parameter("optimizer", Choice(("adam", "sgd")), "adam"),
        Parameter("momentum", Choice((0.0, 0.5, 0.9)), 0.5, parse('optimizer == "sgd"')),
        Parameter("nesterov", Choice((True, False)), True, parse("momentum > 0")),
        Parameter("lr", Float(1e-5, 1e-1, log=True), 1e-3),
        Parameter("dropout", Float(0.0, 0.8), 0.25),
        Parameter("depth", Integer(1, 8, 3), 4),
        Parameter("width", Integer(16, 512, log=True), 64, parse("depth > 1")),
        Parameter("seed", Fixed(7), 7),
    ],
    [parse('optimizer == "sgd" and lr > 0.05')],
)
ADAM = SPACE.default_config()
SGD = {**ADAM, "optimizer": "sgd", "momentum": 0.9, "nesterov": False}
TEXTS = [
    'optimizer = "sgd"',
    'optimizer = "sgd" and momentum = 0.9',
    'optimizer = "adam"',
    "momentum = 0.0",
    "nesterov = false",
    "lr = lr / 10",
    "lr = 0.1",
    "lr = lr * 3 and dropout = 0.0",
    "depth = 1",
    "depth = depth + 3",
    "width = width * 2",
    "width = width / 3",
    "dropout = min(dropout + 0.25, 0.8)",
    "width = depth * 50",
    "seed = 7",
]
SEEDS = st.integers(0, 2**32)


def drawn(seed: int) -> dict[str, object]:
    return SPACE.sample(random.Random(seed))


@settings(deadline=None)
@given(SEEDS, st.sampled_from(TEXTS))
def test_the_laws_of_an_action(seed: int, text: str) -> None:
    """Valid but for what is forbidden; nothing else changes; new parameters have defaults."""
    config, action = drawn(seed), Action(text)
    before = dict(config)
    made = apply(action, SPACE, config)
    assert config == before
    if made is None:
        return
    assert [p for p in SPACE.problems(made) if not p.startswith("forbidden")] == []
    assert made != config
    untouched = made.keys() - {*action.names()}
    assert all(same(made[name], config[name]) for name in untouched & config.keys())
    assert all(made[name] == SPACE[name].default for name in untouched - config.keys())


@settings(deadline=None)
@given(SEEDS, st.sampled_from([t for t in TEXTS if not any(op in t for op in "+*/")]))
def test_a_constant_set_twice_is_a_no_op(seed: int, text: str) -> None:
    made = apply(Action(text), SPACE, drawn(seed))
    assert made is None or apply(Action(text), SPACE, made) is None


def test_a_parameter_that_becomes_active_takes_its_default() -> None:
    made = apply(Action('optimizer = "sgd"'), SPACE, ADAM)
    assert made is not None
    assert (made["momentum"], made["nesterov"]) == (0.5, True)


def test_a_parameter_that_is_no_longer_active_is_dropped() -> None:
    made = apply(Action("momentum = 0.0"), SPACE, SGD)
    assert made is not None
    assert "nesterov" not in made


def test_an_inactive_parameter_cannot_be_set() -> None:
    assert apply(Action("momentum = 0.9"), SPACE, ADAM) is None
    assert apply(Action('optimizer = "adam" and momentum = 0.0'), SPACE, SGD) is None


def test_an_action_may_make_active_what_it_sets() -> None:
    made = apply(Action('momentum = 0.9 and optimizer = "sgd"'), SPACE, ADAM)
    assert made is not None
    assert (made["optimizer"], made["momentum"]) == ("sgd", 0.9)


def test_what_is_forbidden_is_left_to_the_caller() -> None:
    made = apply(Action("lr = 0.1"), SPACE, SGD)
    assert made is not None
    assert SPACE.violated(made)


def test_values_on_the_right_are_those_before() -> None:
    space = Space([Parameter(n, Integer(0, 9), d) for n, d in (("one", 1), ("two", 2))])
    made = apply(Action("one = two and two = one"), space, {"one": 1, "two": 2})
    assert made == {"one": 2, "two": 1}


def test_an_expression_of_an_inactive_parameter_does_not_apply() -> None:
    assert apply(Action("dropout = momentum"), SPACE, ADAM) is None
    assert apply(Action("dropout = momentum"), SPACE, {**SGD, "momentum": 0.5}) is not None


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("width = width / 3", "width", 21),  # 64 / 3
        ("depth = depth + 2", "depth", 7),  # 6 is not on the grid 1, 4, 7
        ("depth = min(depth + 4, 8)", "depth", 7),
        ("dropout = 0", "dropout", 0.0),
        ("width = 64.4 - 0.1 + depth", "width", 68),
    ],
)
def test_a_number_is_brought_to_the_grid_of_its_domain(text: str, name: str, value: float) -> None:
    made = apply(Action(text), SPACE, ADAM)
    assert made is not None
    assert made[name] == value
    assert type(made[name]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "lr = lr * 1000",
        "depth = depth - 9",
        "width = width ** 9",
        "lr = lr / 0",
        'lr = optimizer + "x"',
        "lr = true",
        "depth = true",
        "unknown = 1",
        "seed = 8",
        "nesterov = 1",
    ],
)
def test_a_value_outside_of_its_domain_does_not_apply(text: str) -> None:
    assert apply(Action(text), SPACE, SGD) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lr = 0.01", None),
        ("lr = lr * 1000", None),  # not from everywhere, but from somewhere
        ("unknown = 1", "unknown"),
        ("lr = unknown * 2", "unknown"),
        ("lr = 1", "lr = 1"),
        ("depth = 2", "depth = 2"),  # a constant says what is meant: it is not brought to a grid
        ("depth = 4.0", None),
        ('optimizer = "lion"', 'optimizer = "lion"'),
        ('lr = "x" / 3', 'lr = "x" / 3'),
        ("dropout = 0 and lr = 9", "lr = 9"),
    ],
)
def test_why_an_action_can_never_be_taken_is_said(text: str, why: str | None) -> None:
    assert usable(Action(text), SPACE) == why


def test_every_single_action_is_usable_and_sets_one_parameter() -> None:
    actions = list(single_actions(SPACE))
    assert all(usable(action, SPACE) is None for action in actions)
    assert {action.names() for action in actions} == {(n,) for n in SPACE.names if n != "seed"}
    assert len({str(action) for action in actions}) == len(actions)


WORDS = st.text(max_size=20).filter(lambda word: word.isprintable())
SCALARS = st.one_of(
    WORDS,
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(-1e6, 1e6, allow_nan=False),
)


@settings(deadline=None)
@given(st.lists(SCALARS, min_size=2, max_size=6, unique_by=literal_text), st.data())
def test_every_value_of_a_choice_is_reached_by_a_single_action(
    values: list[object], data: st.DataObject
) -> None:
    space = Space([Parameter("kind", Choice(tuple(values)), values[0])])  # type: ignore[arg-type]
    start, end = data.draw(st.sampled_from(values)), data.draw(st.sampled_from(values))
    made = [apply(action, space, {"kind": start}) for action in single_actions(space)]  # type: ignore[dict-item]
    assert same(start, end) or any(m and same(m["kind"], end) for m in made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("domain", "start"),
    [
        (Integer(1, 9), 5),
        (Integer(1, 8, 3), 4),
        (Integer(-4, 4, 2), 0),
        (Integer(16, 512, log=True), 64),
        (Float(-1.0, 1.0), 0.0),
        (Float(1e-5, 1e-1, log=True), 1e-3),
    ],
    ids=str,
)
def test_numbers_are_moved_both_ways(domain: Domain, start: int | float) -> None:
    space = Space([Parameter("x", domain, start)])
    made = [apply(action, space, {"x": start}) for action in single_actions(space)]
    found = [m["x"] for m in made if m is not None]
    assert any(x < start for x in found)  # type: ignore[operator]
    assert any(x > start for x in found)  # type: ignore[operator]


@settings(deadline=None)
@given(st.integers(-20, 20), st.integers(0, 30), st.integers(1, 7), SEEDS)
def test_a_step_of_a_whole_number_stays_on_its_grid(
    low: int, size: int, step: int, seed: int
) -> None:
    space = Space([Parameter("x", Integer(low, low + size, step), low)])
    config = space.sample(random.Random(seed))
    for action in single_actions(space):
        made = apply(action, space, config)
        assert made is None or space.problems(made) == []
    edges = [apply(a, space, {"x": low}) for a in single_actions(space)]
    assert size < step or any(edges), "from the lowest value there is a way up"
