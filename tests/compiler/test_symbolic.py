"""Symbolic values: folding, ranges, and programs that agree with plain evaluation."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.compiler.symbolic import Builder, Interval, Sym, apply
from automlc.runtime.costs import CostProgram
from automlc.spec.domains import Choice, Fixed, Integer
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import ExpressionError, evaluate, parse

DOMAINS = {"a": Integer(1, 9), "b": Choice((2, 3, 5)), "c": Choice(("x", "y")), "d": Fixed(4)}


def numbers() -> st.SearchStrategy[str]:
    """Texts of arithmetic expressions over the numeric parameters."""
    leaves = st.sampled_from(["a", "b", "d", "1", "2", "7"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+ - * // %".split()), inner).map(
                lambda t: f"({t[0]} {t[1]} {t[2]})"
            ),
            st.tuples(inner, inner).map(lambda t: f"min({t[0]}, {t[1]})"),
            st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
            st.tuples(inner, inner, inner, inner).map(
                lambda t: f"select({t[0]} < {t[1]}, {t[2]}, {t[3]})"
            ),
        ),
        max_leaves=12,
    )


@given(numbers(), st.integers(0, 10_000))
def test_programs_agree_with_evaluation_and_stay_in_their_range(text: str, seed: int) -> None:
    expr = parse(text)
    rng = random.Random(seed)
    config = {name: domain.sample(rng) for name, domain in DOMAINS.items()}
    try:
        expected = evaluate(expr, config)
    except ExpressionError:
        return  # division by zero
    builder = Builder()
    env = {name: builder.parameter(name, domain) for name, domain in DOMAINS.items()}
    try:
        value = apply(expr, env, builder)
    except ZeroDivisionError:
        return  # folded constants that this configuration does not reach
    program = builder.program({"value": value})
    try:
        assert program.evaluate(config)["value"] == expected
    except AutomlcError:
        return  # a division by zero in a branch that is not taken
    if isinstance(value, Sym):
        assert value.range.low <= expected <= value.range.high


def test_a_program_survives_its_json_form() -> None:
    builder = Builder()
    env = {name: builder.parameter(name, domain) for name, domain in DOMAINS.items()}
    value = apply(parse('select(c in ["x"], a * b, 0 - a)'), env, builder)
    program = builder.program({"value": value})
    again = CostProgram.from_json(program.to_json())
    assert again == program
    assert again.evaluate({"a": 3, "b": 5, "c": "x"}) == {"value": 15}
    assert again.evaluate({"a": 3, "b": 5, "c": "y"}) == {"value": -3}


def test_an_inactive_parameter_is_dropped_with_its_branch() -> None:
    builder = Builder()
    a, b = builder.parameter("a", DOMAINS["a"]), builder.parameter("b", DOMAINS["b"])
    chosen = builder.select(builder.binary("eq", a, 1), b * 10, a)
    program = builder.program({"value": chosen})
    assert program.evaluate({"a": 7}) == {"value": 7}


def test_a_division_by_zero_in_a_branch_not_taken_is_no_error() -> None:
    builder = Builder()
    k = builder.parameter("k", Integer(0, 3))
    value = apply(parse("select(k == 0, 8, 8 // k)"), {"k": k}, builder)
    program = builder.program({"value": value})
    assert [program.evaluate({"k": n})["value"] for n in range(4)] == [8, 8, 4, 2]
    broken = builder.program({"value": apply(parse("8 // k"), {"k": k}, builder)})
    with pytest.raises(AutomlcError, match="undefined"):
        broken.evaluate({"k": 0})


def test_known_values_cost_no_instructions() -> None:
    builder = Builder()
    assert apply(parse("d * 2 + 1"), {"d": 4}, builder) == 9
    assert builder.code == []


def test_ranges_bound_powers_and_divisions() -> None:
    builder = Builder()
    a = builder.parameter("a", Integer(0, 3))
    assert builder.binary("pow", 2, a).range == Interval(1, 8)
    assert builder.binary("floordiv", 9, a).range.high == float("inf")


@pytest.mark.parametrize(
    "code",
    [[["const", 1], ["add", 0, 5]], [["frobnicate", 0]], [["select", 0, 0, 0]]],
)
def test_a_damaged_program_is_refused(code: list[list[object]]) -> None:
    with pytest.raises(AutomlcError):
        CostProgram.from_json({"code": code, "outputs": {"x": 0}})
