"""Classes of differences between plans, and what they promise, against looking at every trial."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import DEPTH, KIND, SIZE_OF_X, X, parameter, plan

from automlc.runtime.changes import FILTERS, Comparison, Side, carry, compare, objection
from automlc.runtime.plan import Plan
from automlc.spec.inclusion import configurations


def side(**changes: Any) -> Side:
    return Side(Plan.from_json(plan(**changes)))


def differences(new: dict[str, Any], old: dict[str, Any] | None = None) -> Comparison:
    return compare(side(**(old or {})), side(**new))


def kinds(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    return [(change.key, change.kind) for change in differences(new, old).changes]


def space(*parameters: Any, forbidden: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"space": {"parameters": list(parameters), "forbidden": list(forbidden)}}


def limit(op: str, bound: float) -> dict[str, Any]:
    text = f"model.size {op} {bound:g}"
    one = {"text": text, "metric": "model.size", "op": op, "bound": bound, "stage": "static"}
    return {"constraints": [one], "costs": SIZE_OF_X}


def number(name: str, low: float, high: float, *, log: bool = False) -> Any:
    return parameter(name, {"kind": "float", "low": low, "high": high, "log": log}, low)


def choice(name: str, *values: Any, when: str | None = None) -> Any:
    return parameter(name, {"kind": "choice", "values": list(values)}, values[0], when)


SECTIONS = [
    ({"name": "other"}, "name", "cosmetic", "keep"),
    ({"budget__trials": 9}, "budget.trials", "budget", "keep"),
    ({"budget__wall": 60.0}, "budget.wall", "budget", "keep"),
    ({"task__target": 0.9}, "task.target", "budget", "keep"),
    ({"backend__threads": 2}, "backend.threads", "budget", "keep"),
    ({"search__strategy": "tpe"}, "search.strategy", "search", "keep"),
    ({"search__options": {"start_with_default": True}}, "search.start_with_default", "search",
     "keep"),
    ({"stopping__policy": "median"}, "stopping.policy", "search", "keep"),
    ({"seed": 1}, "seed", "search", "keep"),
    ({"budget__epochs": 9}, "budget.epochs", "training", "refuse"),
    ({"backend__precision": "bfloat16"}, "backend.precision", "training", "refuse"),
    ({"backend__kind": "keras"}, "backend.kind", "training", "refuse"),
    ({"task__metric": "f1"}, "task.metric", "objective", "refuse"),
    ({"task__goal": "minimize"}, "task.goal", "objective", "refuse"),
    ({"data__fingerprint": "sha256:1"}, "data.source", "data", "refuse"),
    ({"data__source": "builtin:other"}, "data.source", "cosmetic", "keep"),
]  # fmt: skip


@pytest.mark.parametrize(("new", "key", "kind", "effect"), SECTIONS)
def test_a_key_that_differs_has_its_class_and_its_effect(
    new: dict[str, Any], key: str, kind: str, effect: str
) -> None:
    found = differences(new)
    assert [(c.key, c.kind) for c in found.changes] == [(key, kind)]
    assert found.effect == effect


def test_nothing_differs_between_a_plan_and_itself() -> None:
    found = differences({})
    assert found.changes == ()
    assert found.effect == "nothing"


def test_values_inside_of_an_option_are_told_one_by_one() -> None:
    old = {"search__options": {"start": {"x": 0.25, "kind": "a"}}}
    new = {"search__options": {"start": {"x": 0.75, "kind": "a"}}}
    (change,) = differences(new, old).changes
    told = (change.key, change.old, change.new, change.kind)
    assert told == ("search.start.x", "0.25", "0.75", "search")
    nothing, null = ({"search__options": {"start": s}} for s in ({"x": 1.0}, {"x": 1.0, "k": None}))
    (change,) = differences(null, nothing).changes
    assert (change.key, change.kind) == ("search", "search")


def data_py(seed: int) -> str:
    return f"import numpy as np\n\nTEST_FRACTION = 0.2\nSPLIT_SEED = {seed}  # of the rows\n"


def by_reader(seed: int, reader: str | None) -> Side:
    return Side(side(seed=seed).plan, reader=reader)


SPLITS = [
    (by_reader(0, data_py(0)), by_reader(5, data_py(5)), [("seed", "data")]),
    (by_reader(0, data_py(3)), by_reader(5, data_py(3)), [("seed", "search")]),
    (by_reader(0, "x = 1\n"), by_reader(5, "x = 1\n"), [("seed", "search")]),
    (by_reader(0, data_py(0)), by_reader(0, data_py(3)), [("data.split.seed", "data")]),
    (
        by_reader(0, data_py(0)),
        by_reader(5, data_py(3)),
        [("seed", "search"), ("data.split.seed", "data")],
    ),
    (by_reader(0, None), by_reader(5, data_py(5)), [("seed", "search")]),
    (by_reader(4, None), by_reader(4, data_py(4)), []),
]


@pytest.mark.parametrize(("old", "new", "expected"), SPLITS)
def test_a_seed_changes_the_data_where_it_draws_the_split(
    old: Side, new: Side, expected: list[tuple[str, str]]
) -> None:
    assert [(c.key, c.kind) for c in compare(old, new).changes] == expected
    known = old.reader is not None and new.reader is not None
    unsure = any("is not known" in c.note for c in compare(old, new).changes)
    assert unsure == (not known and bool(expected))


PAIRS = [
    (space(number("x", 0, 1)), space(number("x", 0, 2)), "widened"),
    (space(choice("k", "a", "b")), space(choice("k", "b", "a", "c")), "widened"),
    (space(X, KIND, forbidden=('kind == "a"',)), space(X, KIND), "widened"),
    (space(KIND, DEPTH, forbidden=('kind == "c"',)), space(KIND, DEPTH), "widened"),
    (limit("<=", 10), limit("<=", 20), "looser"),
    (limit("<", 10), limit("<=", 10), "looser"),
    (limit(">=", 20), limit(">", 10), "looser"),
    (limit("<=", 20), {"costs": SIZE_OF_X}, "looser"),
]
DUAL = {"widened": "narrowed", "looser": "tighter"}


@pytest.mark.parametrize(("less", "more", "kind"), PAIRS)
def test_what_widens_one_way_narrows_the_other(
    less: dict[str, Any], more: dict[str, Any], kind: str
) -> None:
    assert [c.kind for c in differences(more, less).changes] == [kind]
    assert [c.kind for c in differences(less, more).changes] == [DUAL[kind]]


def test_a_logarithm_changes_the_search_only() -> None:
    old, new = space(number("x", 1, 2)), space(number("x", 1, 2, log=True))
    assert kinds(new, old) == [("space.parameters.x", "search")]


def test_a_domain_that_moves_changes_the_space() -> None:
    old, new = space(number("x", 0, 1)), space(number("x", 0.5, 2))
    assert kinds(new, old) == [("space.parameters.x", "space")]


def test_a_condition_in_other_words_is_cosmetic() -> None:
    old = space(KIND, choice("d", 1, 2, when='kind == "b"'))
    new = space(KIND, choice("d", 1, 2, when='kind not in ["a", "c"]'))
    assert kinds(new, old) == [("space.parameters.d.when", "cosmetic")]


def test_a_condition_that_more_trials_meet_leaves_some_without_a_value() -> None:
    old = space(KIND, choice("d", 1, 2, when='kind == "b"'))
    assert kinds(space(KIND, choice("d", 1, 2)), old) == [("space.parameters.d.when", "space")]


def test_forbidden_combinations_are_compared_one_by_one_where_they_are_few() -> None:
    parameters = (KIND, choice("d", 1, 2, 3))
    old = space(*parameters, forbidden=("d == 3",))
    assert kinds(space(*parameters, forbidden=("d > 2",)), old) == [("space.forbid", "cosmetic")]
    assert kinds(space(*parameters, forbidden=("d > 1",)), old) == [("space.forbid", "narrowed")]
    assert kinds(space(*parameters, forbidden=("d == 1",)), old) == [("space.forbid", "space")]
    infinite = space(X, forbidden=("x > 0.5",))
    (change,) = differences(space(X, forbidden=("x > 0.7",)), infinite).changes
    assert change.kind == "space"
    assert "may" in change.note


def test_a_training_parameter_that_is_new_stands_at_what_the_training_did_without_it() -> None:
    found = differences(space(X, number("weight_decay", 0.0, 0.1)), space(X))
    assert [c.kind for c in found.changes] == ["widened"]
    assert found.added == {"weight_decay": 0.0}
    new = side(**space(X, number("weight_decay", 0.0, 0.1))).plan
    assert carry({"x": 0.25}, new.space, found) == {"x": 0.25, "weight_decay": 0.0}


def test_a_training_parameter_without_such_a_value_changes_the_training() -> None:
    found = differences(space(X, number("weight_decay", 0.01, 0.1)), space(X))
    assert found.effect == "refuse"


def test_a_training_parameter_that_is_taken_away_keeps_trials_that_did_not_use_it() -> None:
    old, new = space(X, choice("momentum", 0.0, 0.9)), space(X)
    found = differences(new, old)
    assert [c.kind for c in found.changes] == ["narrowed"]
    after = side(**new).plan
    without, having = ({"x": 0.5, "momentum": value} for value in (0.0, 0.9))
    assert objection(carry(without, after.space, found), after) is None
    assert objection(carry(having, after.space, found), after) is not None


def graph(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": list(layers), "contract": {}}


def dense(position: str, units: str) -> dict[str, Any]:
    return {"id": f"model.{position}", "kind": "operation", "op": "dense", "args": {"units": units}}


def test_a_model_parameter_that_is_new_is_harmless_at_the_value_the_model_had() -> None:
    old = Side(side(**space(X)).plan, graph(dense("0", "64")))
    wide = side(**space(X, choice("width", 32, 64))).plan
    found = compare(old, Side(wide, graph(dense("0", "width"))))
    assert [c.kind for c in found.changes] == ["widened"]
    assert found.added == {"width": 64}
    other = compare(old, Side(wide, graph(dense("0", "width * 3"))))
    assert other.effect == "refuse"


def test_a_contract_that_counts_more_is_no_other_data() -> None:
    """Earlier versions did not count the classes of parts that the source has of its own."""
    target = {"kind": "class", "classes": [0, 1], "counts": [5, 5]}

    def having(**counts: list[int]) -> Side:
        return Side(side().plan, {"nodes": [], "contract": {"target": {**target, **counts}}})

    assert compare(having(), having(test=[2, 3])).changes == ()
    assert compare(having(test=[2, 3]), having()).changes == ()
    (change,) = compare(having(test=[2, 3]), having(test=[3, 2])).changes
    assert (change.key, change.kind) == ("data.target.test", "data")


def test_word_vectors_with_other_contents_change_the_training() -> None:
    def having(digest: str) -> Side:
        vectors = [{"name": "glove", "words": 9, "sha256": digest}]
        return Side(side(**space(X)).plan, {**graph(dense("0", "64")), "vectors": vectors})

    assert compare(having("a"), having("a")).changes == ()
    (change,) = compare(having("a"), having("b")).changes
    assert (change.key, change.kind) == ("space.embeddings.glove", "training")


def test_weights_of_a_backbone_that_are_others_change_the_training() -> None:
    def having(digest: str, family: str = "resnet") -> Side:
        node = {"id": "model.0", "kind": "backbone", "name": "models/small", "sha256": digest}
        return Side(side(**space(X)).plan, graph({**node, "family": family, "trainable": "true"}))

    assert compare(having("a" * 64), having("a" * 64)).changes == ()
    (change,) = compare(having("a" * 64), having("b" * 64)).changes
    assert (change.key, change.kind) == ("space.backbones", "training")
    assert (change.old, change.new) == ("models/small (aaaaaaaa)", "models/small (bbbbbbbb)")
    (change,) = compare(having("a" * 64), having("a" * 64, "xception")).changes
    assert (change.key, change.kind) == ("space.model", "training")


def branch(parameter_: str, **bodies: str) -> list[dict[str, Any]]:
    head = {"id": "model.0", "kind": "choice", "parameter": parameter_, "values": list(bodies)}
    units = enumerate(bodies.values())
    return [head, *(dense(f"0.of{index}.0", text) for index, text in units)]


def test_a_branch_that_is_new_leaves_the_others_what_they_were() -> None:
    old = Side(side(**space(choice("k", "a", "b"))).plan, graph(*branch("k", a="1", b="2")))
    more = side(**space(choice("k", "a", "b", "c"))).plan
    found = compare(old, Side(more, graph(*branch("k", a="1", b="2", c="3"))))
    assert [c.kind for c in found.changes] == ["widened"]
    assert compare(old, Side(more, graph(*branch("k", a="1", b="9", c="3")))).effect == "refuse"


# --- laws over random small spaces ---------------------------------------------------------------

_CONDITIONS = (None, None, 'p0 == "a"', 'p0 in ["a", "b"]', 'p0 != "c"')
_FORBIDDEN = ("p1 == 1", "p1 > 2", 'p0 == "a" and p1 == 2', "p2 == true")


def small(rng: random.Random) -> dict[str, Any]:
    letters = rng.sample(["a", "b", "c"], rng.randint(2, 3))
    if "a" not in letters:
        letters.append("a")
    low = rng.randint(0, 2)
    whole = {"kind": "int", "low": low, "high": low + rng.randint(0, 3), "step": 1, "log": False}
    forbidden = rng.sample(_FORBIDDEN, rng.randint(0, 2))
    return space(
        choice("p0", *letters),
        parameter("p1", whole, low, rng.choice(_CONDITIONS)),
        choice("p2", *rng.sample([True, False], rng.randint(1, 2)), when=rng.choice(_CONDITIONS)),
        forbidden=tuple(forbidden),
    )


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_classes_promise_no_more_than_every_configuration_keeps(seed: int) -> None:
    rng = random.Random(seed)
    old, new = side(**small(rng)), side(**small(rng))
    if rng.random() < 0.4:  # pairs that differ in one thing
        changed = {**plan()["space"], **new.plan.space.to_json()}
        before = old.plan.space.to_json()
        part = rng.choice(["forbidden", "parameters"])
        mixed = {**before, part: changed[part]}
        new = side(space=mixed)
    found = compare(old, new)
    before_, after = configurations(old.plan.space), configurations(new.plan.space)
    assert before_ is not None
    assert after is not None
    kept = all(objection(carry(c, new.plan.space, found), new.plan) is None for c in before_)
    if not found.of(FILTERS):
        assert kept
    classes = {change.kind for change in found.changes} - {"search", "cosmetic"}
    if classes == {"narrowed"}:
        back = compare(new, old)
        assert all(objection(carry(c, old.plan.space, back), old.plan) is None for c in after)
    assert compare(old, old).changes == ()
