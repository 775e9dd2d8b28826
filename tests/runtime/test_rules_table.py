"""Tables of rules: ranking, looking up, the file, and what a broken file says."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.runtime.rules.actions import Action
from automlc.runtime.rules.library import FOLDER, builtin_names, digest, load_builtin, load_file
from automlc.runtime.rules.shuffled import shuffled
from automlc.runtime.rules.table import PARTS, SCHEMA, Ranked, Row, Rules, Table, WrittenRule, rank
from automlc.spec.errors import AutomlcError


def row(text: str, **state: str) -> Row:
    return Row(state, (Ranked(Action(text), 1.0),))


DYING = {"architecture": "resnet", "convergence": "slow", "gradient": "dying", "weights": "normal"}
NORMAL = {"architecture": "resnet", **dict.fromkeys(PARTS[:3], "normal")}
TABLE = Table(
    "t",
    (
        row("a = 1"),
        row("a = 2", architecture="resnet", convergence="slow"),
        row("a = 3", **NORMAL),
        row("a = 4", architecture="vanilla", convergence="slow", gradient="dying"),
    ),
)


def found(state: dict[str, str], unknown: str | None = None) -> tuple[str | None, str]:
    answer = TABLE.find(state, unknown)
    return answer.row.actions[0].action.text if answer.row else None, answer.how


@pytest.mark.parametrize(
    ("state", "unknown", "expected"),
    [
        (NORMAL, None, ("a = 3", "exact")),
        (NORMAL, "random", ("a = 3", "exact")),
        ({}, "normal", ("a = 1", "exact")),
        (DYING, None, ("a = 2", "parent")),
        ({**DYING, "convergence": "normal"}, "parent", ("a = 1", "parent")),
        ({**DYING, "architecture": "vanilla"}, "parent", ("a = 4", "parent")),
        (DYING, "normal", ("a = 3", "normal")),
        ({**DYING, "architecture": "vanilla"}, "normal", (None, "none")),
        (DYING, "random", (None, "none")),
    ],
)
def test_a_state_without_a_row_is_answered_as_the_table_or_the_spec_says(
    state: dict[str, str], unknown: str | None, expected: tuple[str | None, str]
) -> None:
    assert found(state, unknown) == expected


def test_the_architecture_is_given_up_last() -> None:
    rows = [row(f"a = {i}", **dict(list(DYING.items())[: 4 - i])) for i in range(5)]
    for kept in range(5):
        answer = Table("t", tuple(rows[kept:])).find(DYING)
        assert answer.row is rows[kept]
        assert answer.how == ("exact" if kept == 0 else "parent")


SCORES = st.lists(st.floats(-5, 5), min_size=1, max_size=12)


def ranked(scores: list[float]) -> list[Ranked]:
    return [Ranked(Action(f"a = {i}"), score) for i, score in enumerate(scores)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([0.0, -0.0, 0.5, 1.0]), max_size=12))
def test_equal_scores_keep_their_order(scores: list[float]) -> None:
    best_first = rank(ranked(scores))
    for one, other in pairwise(best_first):
        assert one.score >= other.score
        if one.score == other.score:
            assert int(one.action.text[4:]) < int(other.action.text[4:])


@settings(max_examples=50, deadline=None)
@given(SCORES)
def test_ranking_twice_changes_nothing(scores: list[float]) -> None:
    once = rank(ranked(scores))
    assert rank(once) == once


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=12).filter(lambda s: len({*s}) > 1))
def test_normalising_the_scores_does_not_change_the_order(scores: list[int]) -> None:
    low, high = min(scores), max(scores)
    plain = rank(ranked([float(score) for score in scores]))
    normal = rank(ranked([(score - low) / (high - low) for score in scores]))
    assert [one.action for one in plain] == [one.action for one in normal]


TEXTS = st.sampled_from(["lr = lr / 10", 'optimizer = "sgd"', "a = 1 and b = min(c + 1, 9)"])
RANKED = st.builds(
    Ranked,
    TEXTS.map(Action),
    st.floats(-1e9, 1e9),
    st.none() | st.integers(0, 10**6),
    st.none() | st.floats(0, 1e9),
    st.dictionaries(st.sampled_from(["key", "rank"]), st.integers()),
    st.sampled_from(["", "warmup = 0.1", "warmup = 0.1 and lr = 1e-5"]),
)
STATES = st.fixed_dictionaries(
    {}, optional={part: st.sampled_from(["normal", "x"]) for part in (*PARTS, "input")}
)
ROWS = st.lists(
    st.builds(lambda s, a: Row(s, tuple(rank(a))), STATES, st.lists(RANKED, max_size=4)),
    max_size=5,
    unique_by=lambda one: tuple(sorted(one.state.items())),
).map(tuple)
TABLES = st.builds(
    Table, st.sampled_from(["", "mine"]), ROWS, st.sampled_from(["parent", "normal", "random"])
)


@settings(max_examples=50, deadline=None)
@given(TABLES)
def test_a_table_is_the_same_after_json(table: Table) -> None:
    read = Table.from_json(json.loads(json.dumps(table.to_json(), allow_nan=False)))
    assert read == table
    assert digest(read) == digest(table)
    for one, other in zip(read.rows, table.rows, strict=True):
        assert [a.source for a in one.actions] == [a.source for a in other.actions]


def test_rules_of_a_plan_are_the_same_after_json() -> None:
    written = WrittenRule('gradient == "dying"', (Action("lr = lr / 10"),), "task.yaml:3")
    rules = Rules(TABLE, (written,), "normal", digest(TABLE))
    assert Rules.from_json(json.loads(json.dumps(rules.to_json()))) == rules


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ('gradient == "dying" and lr > 0.1', True),
        ('gradient == "normal"', False),
        ("momentum > 0", False),  # it has no value here
        ("lr", False),
        ('lr > "x"', False),
    ],
)
def test_a_written_rule_holds_where_its_condition_is_true(when: str, holds: bool) -> None:
    rule = WrittenRule(when, (), "task.yaml:3")
    assert rule.holds({"gradient": "dying", "lr": 0.5}) is holds


def test_the_digest_is_of_what_the_table_says() -> None:
    other = Table("other name", TABLE.rows, TABLE.unknown, {"from": "elsewhere"})
    assert digest(other) == digest(TABLE)
    assert digest(Table("t", TABLE.rows, "normal")) != digest(TABLE)
    assert digest(Table("t", TABLE.rows[1:])) != digest(TABLE)


# ---- the library, and files ----


def test_shipped_tables_are_loaded_by_name() -> None:
    assert "builtin/dream" in builtin_names()
    for name in builtin_names():
        assert load_builtin(name).name in (name, name.removeprefix("builtin/"))
        # Reading it as if it were somebody's file looks at every value.
        file = FOLDER / f"{name.removeprefix('builtin/')}.json"
        assert not file.exists() or load_file(file) == load_builtin(name)
    assert load_builtin("builtin/none").rows == ()


@pytest.mark.parametrize("name", ["builtin/dreams", "builtin/../table", "builtin/"])
def test_a_table_that_is_not_shipped_is_an_error_with_the_nearest(name: str) -> None:
    with pytest.raises(AutomlcError) as caught:
        load_builtin(name)
    assert repr(name) in caught.value.message
    assert "builtin/dream" in (caught.value.hint or "")


def test_a_table_that_was_not_measured_cannot_leave_data_sets_out() -> None:
    with pytest.raises(AutomlcError, match="not measured"):
        load_builtin("builtin/dream", ["cifar10"])


GOOD: dict[str, Any] = {
    "schema": SCHEMA,
    "name": "mine",
    "rows": [{"state": {"gradient": "dying"}, "actions": [{"action": "lr = 1", "score": 0.5}]}],
}


def test_a_file_may_be_yaml_and_an_action_a_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"schema: {SCHEMA}\nrows:\n  - state: {{gradient: dying}}\n"
        "    actions: [activation = selu, lr = lr / 10]\n"
    )
    table = load_file(path)
    assert table.name == "mine.yaml"
    assert [one.action.text for one in table.rows[0].actions] == [
        "activation = selu",
        "lr = lr / 10",
    ]


def test_the_example_of_the_documents_is_read(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "feedback-rules.md"
    path = tmp_path / "mine.json"
    path.write_text(page.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0])
    table = load_file(path)
    assert [one.score for one in table.rows[0].actions] == [0.4, 0.2, 0.0]
    assert table.unknown == "parent"


def action(**changes: Any) -> dict[str, Any]:
    one = {**GOOD["rows"][0]["actions"][0], **changes}
    return {**GOOD, "rows": [{**GOOD["rows"][0], "actions": [one]}]}


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


BAD: dict[str, tuple[Any, str]] = {
    "a list": ([], "it names no schema"),
    "nothing": (None, "it names no schema"),
    "another schema": ({**GOOD, "schema": "automlc.rules/9"}, "'automlc.rules/9'"),
    "a schema that is a list": ({**GOOD, "schema": [1]}, "it names no schema"),
    "an unknown way": ({**GOOD, "unknown": "guess"}, "'unknown' must be one of"),
    "a list as way": ({**GOOD, "unknown": []}, "'unknown' must be one of"),
    "no rows": ({"schema": SCHEMA}, "'rows' must be a list"),
    "a row that is a text": ({**GOOD, "rows": ["x"]}, "rows[0]: a row is"),
    "a part that there is none of": (
        {**GOOD, "rows": [{"state": {"mood": "x"}, "actions": []}]}, "got one for 'mood'",
    ),
    "a word that is a number": (
        {**GOOD, "rows": [{"state": {"weights": 1}, "actions": []}]}, "got one for 'weights'",
    ),
    "a state twice": ({**GOOD, "rows": GOOD["rows"] * 2}, "rows[1] has the same state as rows[0]"),
    "a name of many lines": ({**GOOD, "name": "a\nb"}, "'name' must be a short text"),
    "a name without end": ({**GOOD, "name": "a" * 10**5}, "'name' must be a short text"),
    "a list as provenance": ({**GOOD, "provenance": [1]}, "'provenance' must be a mapping"),
    "NaN": (action(score=float("nan")), "nan is not a finite number"),
    "infinity": (action(score=float("inf")), "inf is not a finite number"),
    "NaN in a source": (action(source={"x": float("nan")}), "nan is not a finite number"),
    "a score that is a text": (action(score="1"), "'score' must be a finite number"),
    "a score that is true": (action(score=True), "'score' must be a finite number"),
    "a score that is no float": (action(score=10**400), "'score' must be a finite number"),
    "a count below zero": (action(n=-1), "'n' must be a whole number"),
    "a spread below zero": (action(spread=-1.0), "'spread' must be a finite number"),
    "a condition as action": (action(action="lr == 1"), "rows[0].actions[0]: "),
    "code as action": (action(action="__import__('os').system('x')"), "rows[0].actions[0]: "),
    "a power without end": (action(action="lr = 9**9**9"), "rows[0].actions[0]: "),
    "an endless action": (action(action="a = " + "(" * 5000), "characters"),
    "a deep action": (action(action=f"a = {'-' * 1500}b"), "nested deeper than"),
    "an action that is a number": (action(action=1), "an action is"),
    "also that is a number": (action(also=5), "'also' must be an action"),
    "also that is no action": (action(also="x"), "rows[0].actions[0]: "),
    "deep nesting": (action(source={"x": nested(40)}), "nested deeper than 20 levels"),
    "a lone surrogate": ({**GOOD, "name": "\ud800"}, "is not text"),
}  # fmt: skip


def fails(path: Path) -> str:
    """The message of a file that is refused, which is one line of some length."""
    with pytest.raises(AutomlcError) as caught:
        load_file(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    assert len(message) < 300
    assert caught.value.exit_code == 1
    return message


@pytest.mark.parametrize("what", BAD)
def test_a_broken_table_is_one_line_that_says_where(what: str, tmp_path: Path) -> None:
    data, message = BAD[what]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data))
    assert message in fails(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[" * 900 + b"]" * 900, "nested deeper than 20 levels"),
        (b"1" * 5000, "is not JSON"),
        (b"\xff\xfe", "cannot be read"),
        (b"\x80\x04}.", "cannot be read"),
    ],
    ids=["empty", "cut off", "open brackets", "brackets", "digits", "no text", "a pickle"],
)
def test_what_is_no_json_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    assert message in fails(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not YAML"),
        ("a: &x [1]\nb: *x\n", "is not YAML"),
        ("!!python/object/apply:os.system [x]\n", "is not YAML"),
        ("[" * 500, "is not YAML"),
        (f"schema: {SCHEMA}\nrows:\n- state: {{}}\n  actions: [{{action: a = 1, score: .nan}}]\n",
         "nan is not a finite number"),
    ],
    ids=["empty", "an alias", "a tag", "brackets", "nan"],
)  # fmt: skip
def test_what_is_no_yaml_is_one_line(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    assert message in fails(path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole: it has the size, not the bytes
    assert "has more than 16,777,216 bytes" in fails(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in fails(tmp_path / "mine.json")
    assert "cannot be read" in fails(tmp_path)


# ---- the control ----


def numbers(table: Table) -> list[list[str]]:
    return [[one.action.text for one in row.actions] for row in table.rows]


@settings(max_examples=50, deadline=None)
@given(TABLES, st.integers(0, 2**31))
def test_a_shuffled_table_says_the_same_in_a_random_order(table: Table, seed: int) -> None:
    control = shuffled(table, seed)
    assert control == shuffled(table, seed)
    assert control.unknown == table.unknown
    assert Table.from_json(control.to_json()) == control
    for one, other in zip(control.rows, table.rows, strict=True):
        assert one.state == other.state
        texts = [(a.action.text, a.also) for a in one.actions]
        assert sorted(texts) == sorted((a.action.text, a.also) for a in other.actions)
        scores = [a.score for a in one.actions]
        assert scores == sorted(scores, reverse=True)
        assert len({*scores}) == len(scores)
        assert all(a.n is None and a.spread is None for a in one.actions)


def test_every_order_of_a_shuffled_table_is_as_likely() -> None:
    """1,200 shuffles of three actions: each of 6 orders is expected 200 times, deviation 13."""
    three = tuple(ranked([3, 2, 1]))
    table = Table("t", (Row({}, three), Row({"weights": "nan"}, three)))
    counts: dict[tuple[str, ...], int] = {}
    same_in_both = 0
    for seed in range(1200):
        one, other = numbers(shuffled(table, seed))
        counts[tuple(one)] = counts.get(tuple(one), 0) + 1
        same_in_both += one == other
    assert len(counts) == 6
    assert all(140 < count < 260 for count in counts.values())
    assert 140 < same_in_both < 260, "rows are shuffled independently"


def test_a_shuffled_table_of_dreams_forgets_its_ranking() -> None:
    table = load_builtin("builtin/dream")
    places = {one.action.text: i for i, one in enumerate(table.rows[12].actions)}
    apart = [
        abs(i - places[one.action.text]) / len(places)
        for seed in range(5)
        for i, one in enumerate(shuffled(table, seed).rows[12].actions)
    ]
    assert 0.25 < sum(apart) / len(apart) < 0.42, "two random places are a third apart"


def test_a_shuffle_does_not_depend_on_what_was_drawn_before() -> None:
    random.seed(0)
    one = shuffled(TABLE, 3)
    random.seed(1)
    assert shuffled(TABLE, 3) == one
