"""What stays of a table in a space, and mistakes in the rules of a spec.

The strategy is random search here, told that it looks at rules: the pass is the same for all.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automlc.compiler.checks import check
from automlc.compiler.driver import compile_spec
from automlc.compiler.graph import SearchGraph
from automlc.compiler.steering import fit, resolve
from automlc.runtime.rules.actions import Action
from automlc.runtime.rules.library import digest, load_builtin
from automlc.runtime.rules.table import SCHEMA, Ranked, Row, Table
from automlc.runtime.searchers.random_search import RandomSearch
from automlc.spec.diagnostics import Diagnostic
from automlc.spec.domains import Choice, Float, Integer, Parameter, Space
from automlc.spec.expressions import parse
from automlc.spec.load import load_text
from automlc.spec.rules import parse_action

SPACE = Space(
    [
        Parameter("optimizer", Choice(("adamw", "sgd")), "adamw"),
        Parameter("sgd", Integer(0, 3), 0),
        Parameter("lr", Float(1e-5, 1e-1, log=True), 1e-3),
        Parameter("warmup", Float(0.0, 0.5), 0.0),
        Parameter("momentum", Float(0.0, 0.99), 0.9, parse('optimizer == "sgd"')),
    ]
)


def table(*actions: Ranked, **state: str) -> Table:
    return Table("t", (Row(state, actions),), provenance={"from": "here"})


def ranked(text: str, score: float = 0.0, also: str = "") -> Ranked:
    return Ranked(Action(text), score, also=also)


def texts(found: Table) -> list[str]:
    return [one.action.text for row in found.rows for one in row.actions]


# ---- fitting a table to a space ----


def test_an_action_that_the_space_cannot_take_is_left_out_and_counted() -> None:
    given = table(
        ranked("lr = 1e-2", 3),
        ranked("depth = 2", 2),
        ranked("lr = 1", 1.5),
        ranked("depth = 3", 1),
        ranked("optimizer = lion", 0.5),
        ranked("lr = lr / depth", 0.4),
        ranked("lr = what / 2", 0.3),
        ranked("optimizer = sgd / 2", 0.2),
        ranked("momentum = 0.5", 0),
    )
    kept, left_out = fit(given, SPACE, "image")
    assert texts(kept) == ["lr = 1e-2", "momentum = 0.5"]
    assert left_out == {
        "depth": 3,
        "lr = 1": 1,
        'optimizer = "lion"': 1,
        "what": 1,
        'optimizer = "sgd" / 2': 1,
    }
    assert [one.score for one in kept.rows[0].actions] == [3, 0]
    assert (kept.name, kept.provenance) == (given.name, given.provenance)


def test_what_belongs_to_an_action_is_joined_up_to_the_first_that_the_space_lacks() -> None:
    # What follows is only meant together with it: a small rate belongs to pretrained weights.
    also = "warmup = 0.1 and optimizer = adamw and schedule = polynomial and lr = 1e-2"
    kept, left_out = fit(table(ranked("optimizer = sgd", also=also)), SPACE, "image")
    assert texts(kept) == ['optimizer = "sgd" and warmup = 0.1']
    assert kept.rows[0].actions[0].also == ""
    assert not left_out


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("optimizer = sgd", 'optimizer = "sgd"'),  # a value before a parameter of that name
        ("warmup = sgd", "warmup = sgd"),
        ("optimizer = lion", 'optimizer = "lion"'),
        ("lr = lion", "lr = lion"),
        (
            "optimizer = select(lr > 1, sgd, adamw)",
            'optimizer = select(lr > 1, "sgd", "adamw")',
        ),
        ("lr = min(lr * 2, 0.1) and warmup = lr", "lr = min(lr * 2, 0.1) and warmup = lr"),
    ],
)
def test_a_word_is_a_value_that_the_parameter_has_or_a_parameter(text: str, resolved: str) -> None:
    assert resolve(parse_action(text), SPACE).text == resolved


def test_rows_of_another_kind_of_input_are_left_out() -> None:
    rows = (
        Row({"weights": "nan"}, (ranked("lr = 0.01"),)),
        Row({"weights": "nan", "input": "image"}, (ranked("lr = 0.02"),)),
        Row({"gradient": "dying"}, (ranked("lr = 0.03"),)),
        Row({"gradient": "dying", "input": "text"}, (ranked("lr = 0.04"),)),
    )
    kept, left_out = fit(Table("t", rows), SPACE, "image")
    assert texts(kept) == ["lr = 0.02", "lr = 0.03"]
    assert [dict(row.state) for row in kept.rows] == [{"weights": "nan"}, {"gradient": "dying"}]
    assert not left_out
    assert Table.from_json(kept.to_json()) == kept


def test_a_row_without_actions_goes() -> None:
    kept, left_out = fit(table(ranked("depth = 2"), weights="nan"), SPACE, "image")
    assert kept.rows == ()
    assert left_out == {"depth": 1}


def test_fitting_twice_changes_nothing() -> None:
    given = table(ranked("optimizer = sgd", also="warmup = 0.1"), ranked("lr = lr / 10", 2))
    once, _ = fit(given, SPACE, "image")
    assert fit(once, SPACE, "image") == (once, {})


# ---- specs ----

SPEC = "automlc: 1\ntask: {kind: image_classification}\ndata: {source: builtin:digits}\n"


@pytest.fixture
def steered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random search looks at rules."""
    monkeypatch.setattr(RandomSearch, "uses_rules", True, raising=False)


def compiled(rules: str) -> tuple[SearchGraph, list[str]]:
    graph, warnings = compile_spec(load_text(f"{SPEC}search: random\n{rules}", "task.yaml"))
    return graph, [d.code for d in warnings]


def problems(rules: str) -> list[Diagnostic]:
    return check(load_text(f"{SPEC}search: random\n{rules}", "task.yaml"))


@pytest.mark.usefixtures("steered")
def test_the_plan_has_the_part_of_the_table_that_fits_and_says_how_much_that_is() -> None:
    graph, _ = compiled("rules: builtin/dream\n")
    rules = graph.rules
    assert rules is not None
    assert rules.digest == digest(load_builtin("builtin/dream"))
    assert {row.state["architecture"] for row in rules.table.rows} == {
        "vanilla", "resnet", "xception", "efficientnet",
    }  # fmt: skip
    assert not any("input" in row.state for row in rules.table.rows)
    count = sum(len(row.actions) for row in rules.table.rows)
    (record,) = [one for one in graph.records if one.key == "rules.use"]
    assert f"builtin/dream: {count} actions in 17 conditions" in record.decision
    assert "left out" in record.decision
    assert 100 < count < 1070


@pytest.mark.usefixtures("steered")
def test_rules_of_a_spec_are_in_the_plan_with_their_lines() -> None:
    graph, warnings = compiled(
        "rules:\n"
        "  use: builtin/none\n"
        "  when:\n"
        "    - gradient == dying and lr > 0.001 => optimizer = sgd, lr = lr / 10\n"
        "    - architecture in [resnet, vanilla] => depth = min(depth + 1, 3) and block = vanilla\n"
    )
    assert graph.rules is not None
    one, other = graph.rules.written
    assert one.when == 'gradient == "dying" and lr > 0.001'
    assert [action.text for action in one.actions] == ['optimizer = "sgd"', "lr = lr / 10"]
    assert one.line == "task.yaml:8"
    assert other.when == 'architecture in ["resnet", "vanilla"]'
    assert other.holds({"architecture": "resnet"})
    assert warnings == []


def test_without_a_search_that_looks_at_rules_there_are_none() -> None:
    graph, warnings = compiled("")
    assert graph.rules is None
    assert warnings == []


def test_rules_that_nobody_uses_are_a_warning() -> None:
    (problem,) = problems("rules: builtin/dream\n")
    assert problem.code == "W523"
    assert problem.message == "the random search does not look at rules"
    assert problem.span is not None
    assert problem.span.line == 5
    _, warnings = compiled("rules: builtin/dream\n")
    assert warnings == ["W523"]


@pytest.mark.usefixtures("steered")
def test_a_table_that_hardly_fits_is_a_warning_where_the_data_is_known(tmp_path: Path) -> None:
    rows = [{"state": {}, "actions": ["lr = 0.01", "unheard_of = 1"]}]
    (tmp_path / "mine.json").write_text(json.dumps({"schema": SCHEMA, "rows": rows}))
    spec = tmp_path / "task.yaml"
    spec.write_text(f"{SPEC}search: random\nrules: mine.json\n")
    loaded = load_text(spec.read_text(), str(spec))
    graph, warnings = compile_spec(loaded)
    assert [d.code for d in warnings] == ["W524"]
    (record,) = [one for one in graph.records if one.key == "rules.use"]
    assert record.decision == (
        "mine.json: 1 actions in 1 conditions; 1 left out, this space has no unheard_of"
    )


@pytest.mark.usefixtures("steered")
@pytest.mark.parametrize(
    ("rule", "code", "message", "column"),
    [
        ("gradient == dead => lr = 0.01", "E337", "gradient is never 'dead'", 19),
        ("gradiant == dying => lr = 0.01", "E337", "nothing is called 'gradiant' here", 7),
        ("architecture == bert => lr = 0.01", "E337", "architecture is never 'bert'", 23),
        ("gradiant in [dying, vanishing] => lr = 0.01", "E337", "'gradiant' here", 7),
        ("optimizer == sgd => lr = 0.01", "E337", "nothing is called 'sgd' here", 20),
        ("weights in [nan, bad] => lr = 0.01", "E337", "weights is never 'bad'", 24),
        ("weights == nan => lrr = 0.01", "E337", "lrr is not a parameter", 25),
        ("weights == nan => lr = lrr / 10", "E337", "lrr is not a parameter", 30),
        ("weights == nan => lr = fast", "E337", "fast is not a parameter", 30),
        ("weights == nan => optimizer = lion", "E339", 'optimizer = "lion" can never be', 25),
        ("weights == nan => lr = 5", "E339", "lr = 5 can never be: lr is", 25),
        ("weights == nan => optimizer = sgd / 2", "E339", 'optimizer = "sgd" / 2', 25),
    ],
)
def test_a_mistake_in_a_rule_is_shown_where_it_is(
    rule: str, code: str, message: str, column: int
) -> None:
    (problem,) = problems(f"rules:\n  use: builtin/none\n  when:\n    - {rule}\n")
    assert problem.code == code
    assert message in problem.message
    assert problem.span is not None
    assert (problem.span.line, problem.span.column) == (8, column)


@pytest.mark.usefixtures("steered")
@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("builtin/dreem", "no table of rules is called 'builtin/dreem'"),
        ("mine.json", "there is no file 'mine.json'"),
        ("../../../../etc/passwd", "is outside the project folder"),
        ('"a\\0b"', "is not a path"),
        ("broken.json", "broken.json: 'rows' must be a list"),
        (".", "there is no file"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_error(use: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text(json.dumps({"schema": SCHEMA}))
    path = tmp_path / "task.yaml"
    loaded = load_text(f"{SPEC}search: random\nrules: {{use: {use}}}\n", str(path))
    (problem,) = check(loaded)
    assert problem.code == "E338"
    assert message in problem.message
    assert "\n" not in problem.message
    assert problem.span is not None
    assert problem.span.line == 5
