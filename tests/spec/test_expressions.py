"""The expression language: reading, values, bounds, and text that reads back the same."""

import math
import string
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.grammar import loader
from automlc.spec.diagnostics import Span
from automlc.spec.expressions import (
    Binary,
    Call,
    Compare,
    Expr,
    ExpressionError,
    In,
    Literal,
    Logical,
    Name,
    Scalar,
    Unary,
    check,
    evaluate,
    names,
    parse,
    to_text,
)

ENV: dict[str, Scalar] = {"x": 3, "y": 0.5, "opt": "sgd", "on": True, "none": None, "model.size": 7}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("7 // 2", 3),
        ("7 % 4", 3),
        ("7 / 2", 3.5),
        ("x - 1 - 1", 1),
        ("x > 2 and y < 1", True),
        ("not x > 2 or on", True),
        ("not on", False),
        ('opt == "sgd"', True),
        ("opt == 'adam'", False),
        ('opt in ["sgd", "adam"]', True),
        ('opt not in ["sgd"]', False),
        ("x in []", False),
        ("min(x, 1, 2)", 1),
        ("max([x, 1, 2])", 3),
        ("abs(-x)", 3),
        ('select(on, "a", 1 / 0)', "a"),
        ("on or 1 / 0 > 1", True),
        ("model.size <= 5MB", True),
        ("5MB == 5000000", True),
        ("5MiB == 5242880", True),
        ("20ms == 0.02", True),
        ("2h == 7200", True),
        ("25% == 0.25", True),
        ("250k == 250000", True),
        ("25%4", 1),
        ("on == 1", False),
        ("x == 3.0", True),
        ('"3" == x', False),
        ("none == null", True),
        (r'"a\"b\n" == "a"', False),
    ],
)
def test_values(text: str, value: Scalar) -> None:
    got = evaluate(parse(text), ENV)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("9**9**9", "too large"),
        ("2 ** 63", "too large"),
        ("1e300 * 1e300", "too large"),
        ('"a" * 10**10', "works on numbers"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("(-8) ** 0.5", "negative number"),
        ("opt > 3", "works on numbers"),
        ("x and on", "joins conditions"),
        ("not x", "joins conditions"),
        ("unknown > 1", "has no value"),
        ("mx(1)", "no function"),
        ("none + 1", "works on numbers"),
        ("min([])", "at least one"),
    ],
)
def test_expressions_without_a_value_say_why(text: str, part: str) -> None:
    with pytest.raises(ExpressionError, match=part):
        evaluate(parse(text), ENV)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("opt == ", 7),
        ("a = 3", 3),
        ("a < b < c", 7),
        ("a && b", 3),
        ("a.__class__", 3),
        ("().__class__", 2),
        ("__import__('os')", 1),
        ("a in 3", 6),
        ("1 2", 3),
        ("3x3", 1),
        ('"abc', 1),
        ("(a", 3),
        ("f(a", 4),
        ("a @ b", 3),
        (r'"\x41"', 1),
        ("", 1),
        ("   ", 1),
    ],
)
def test_syntax_errors_point_at_the_mistake(text: str, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.code == "E110"
    assert caught.value.span is not None
    assert caught.value.span.column == column


def test_errors_and_nodes_are_placed_in_the_file() -> None:
    span = Span("f", 7, 11, 7, 18)
    with pytest.raises(ExpressionError) as caught:
        parse("opt == ", span)
    assert caught.value.span == Span("f", 7, 17, 7, 18)
    tree = parse("a == 10", span)
    assert isinstance(tree, Compare)
    assert tree.right.span == Span("f", 7, 16, 7, 18)


def test_a_text_that_does_not_fill_its_span_gets_the_whole_span() -> None:
    span = Span("f", 7, 1, 9, 3)
    tree = parse("a == 10", span)
    assert isinstance(tree, Compare)
    assert tree.right.span == span


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000 + "1" + ")" * 3000,
        "(" * 1990 + "1" + ")" * 1990,
        "-" * 3000 + "1",
        "not " * 900 + "x",
        "1" + "+1" * 1900,
        "2**" * 1300 + "2",
        "a" * 5000,
        "[" * 100_000,
    ],
)
def test_deep_and_long_expressions_are_refused(text: str) -> None:
    try:
        evaluate(parse(text), {})
    except ExpressionError:
        pass
    else:
        assert text.startswith("(")  # parentheses alone leave no depth


def test_names_are_what_has_to_be_known() -> None:
    assert names(parse("a.b > 1 and f(c) < min(d, 2)")) == {"a.b", "c", "d"}


def test_check_finds_constant_parts_without_a_value() -> None:
    assert [e.message for e in check(parse("x > 9**9**9 or 1/0 == y"))] == [
        "the number gets too large",
        "division by zero",
    ]
    assert check(parse("fairness.gap(sex) <= 0.25"), metric_calls=True) == []
    assert check(parse("fairness.gap(sex) <= 0.25")) != []


def test_the_stored_tables_are_of_this_grammar_and_lark() -> None:
    # Rewrite them with: PYTHONHASHSEED=0 python -m automlc.grammar.loader
    import lark

    tables = loader._tables("expr")
    if tables is None:  # another lark: the parser is built from the grammar
        import json

        stored = json.loads((loader.FOLDER / "expr.tables.json").read_text())
        assert stored["lark"] != lark.__version__
        assert stored["grammar"] == loader._mark("expr")


def test_a_parser_built_from_the_grammar_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from automlc.spec import expressions

    texts = ["a in [1, 2,]", "not a.b >= -2 ** 3", "f(a, [1],) < 5MB", 'x == "y" and true or null']
    stored = [parse(text) for text in texts]
    monkeypatch.setattr(loader, "_tables", lambda name: None)
    built = loader.parser("expr", expressions._Build())
    assert stored == [built.parse(text, start="start") for text in texts]


# Laws -------------------------------------------------------------------------------------------

WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=6).filter(
    lambda w: w not in {"and", "or", "not", "in", "true", "false", "null"}
)
LEAVES: st.SearchStrategy[Expr] = st.one_of(
    st.integers(0, 10**6).map(Literal),
    st.floats(0, 1e6, allow_subnormal=False).map(Literal),
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=5).map(Literal),
    st.sampled_from([True, False, None]).map(Literal),
    WORDS.map(Name),
)


def grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    items = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Unary, st.sampled_from(["-", "not"]), inner),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), inner, inner),
        st.builds(Compare, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), inner, inner),
        st.builds(Logical, st.sampled_from(["and", "or"]), inner, inner),
        st.builds(In, inner, items),
        st.builds(Call, WORDS, items),
    )


TREES = st.recursive(LEAVES, grow, max_leaves=12)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_text_reads_back_as_the_same_tree(tree: Expr) -> None:
    text = to_text(tree)
    assert parse(text) == tree
    assert to_text(parse(text)) == text


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_evaluation_gives_a_bounded_value_or_a_reason(tree: Expr) -> None:
    env: dict[str, Scalar] = dict.fromkeys(names(tree), 2)
    try:
        value = evaluate(tree, env)
    except ExpressionError:
        return
    assert value is None or isinstance(value, str | float) or abs(value) < 2**63
    assert not isinstance(value, float) or math.isfinite(value)


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from("ab1. ()[]+-*/%<>=!&|\"'\\,_@é\n\tnotandrin"), max_size=30))
def test_any_text_is_an_expression_or_a_syntax_error(text: str) -> None:
    with suppress(ExpressionError):
        parse(text)
