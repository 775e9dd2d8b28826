"""Rules of a spec: `condition => action, action`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.spec.errors import SpecError
from automlc.spec.expressions import ExpressionError
from automlc.spec.load import load_text
from automlc.spec.rules import parse_action, parse_rule

SPEC = """automlc: 1
task: {kind: image_classification}
data: {source: builtin:digits}
rules:
  use: builtin/none
  when:
    - gradient == vanishing and convergence == slow => activation = selu, initializer = he_uniform
    - weights == nan => lr = lr / 10 and clip_norm = 1.0
"""


def test_a_rule_of_a_spec_knows_its_actions_and_its_place() -> None:
    first, second = load_text(SPEC).spec.rules.when
    assert [str(action) for action in first.actions] == [
        "activation = selu",
        "initializer = he_uniform",
    ]
    assert [a.name for a in second.actions[0].assignments] == ["lr", "clip_norm"]
    assert second.span is not None
    assert second.span.line == 8


def test_rules_may_be_the_name_of_a_table() -> None:
    text = SPEC.split("rules:")[0] + "rules: builtin/dream\n"
    assert load_text(text).spec.rules.use == "builtin/dream"


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("gradient = dying => lr = 1", "`=` does not compare", 10),
        ("gradient == dying => lr == 1", "an action sets a value", 25),
        ("gradient == dying", "the expression ends too early", 18),
        ("gradient == dying =>", "the expression ends too early", 21),
        ("a == 1 => lr = 1 and", "the expression ends too early", 21),
        ("a == 1 => lr = 9**9**9", "the number gets too large", 16),
        ("a == 1 => lr = what(2)", "there is no function `what`", 16),
        ("a == 1 => lr = 1 and lr = 2", "lr is set twice", 22),
    ],
)
def test_a_mistake_in_a_rule_is_shown_where_it_is(text: str, message: str, column: int) -> None:
    with pytest.raises(SpecError) as caught:
        load_text(SPEC + f"    - {text}\n")
    (problem,) = caught.value.diagnostics
    assert problem.message == message
    assert problem.span is not None
    assert (problem.span.line, problem.span.column) == (9, column + 6)


@pytest.mark.parametrize("value", ["[a]", "3", "{a: 1}"])
def test_a_rule_is_a_text(value: str) -> None:
    with pytest.raises(SpecError, match="a rule is a text"):
        load_text(SPEC + f"    - {value}\n")


WORDS = st.sampled_from(["lr", "depth", "activation", "clip_norm"])
VALUES = st.sampled_from(["lr / 10", "selu", "min(depth + 1, 3)", "0.5", "true", '"a b"'])
ACTIONS = st.lists(st.tuples(WORDS, VALUES), min_size=1, max_size=3, unique_by=lambda part: part[0])


@settings(deadline=None)
@given(ACTIONS)
def test_the_text_of_an_action_is_read_as_the_same_action(parts: list[tuple[str, str]]) -> None:
    text = " and ".join(f"{name} = {value}" for name, value in parts)
    action = parse_action(text)
    assert parse_action(str(action)) == action
    assert str(action) == text


@settings(deadline=None)
@given(st.lists(ACTIONS, min_size=1, max_size=3))
def test_the_text_of_a_rule_is_read_as_the_same_rule(actions: list[list[tuple[str, str]]]) -> None:
    listed = ", ".join(" and ".join(f"{n} = {v}" for n, v in parts) for parts in actions)
    rule = parse_rule(f"gradient == dying or lr > 0.1 => {listed}")
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize("text", ["", "=>", "x" * 5000, "a = 1, b = 2"])
def test_what_is_no_action_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_action(text)
