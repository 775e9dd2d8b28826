"""What two groups of some size can decide: closed forms, exact probabilities, simulation."""

from __future__ import annotations

from math import exp, inf, isclose, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from automlc.compiler.claims import CRITICAL, by_chance, decides, rows_needed

SIZES = [(30, 30), (12, 47), (100, 100), (50, 2000), (400, 900)]
ROWS = st.integers(1, 10**6)


def exact_chance_of_a_larger_difference(first: int, second: int, bound: float) -> float:
    """P(|X/n - Y/m| > bound) for two binomial counts with p = 1/2, summed over all outcomes."""
    x, y = np.arange(first + 1), np.arange(second + 1)
    weights = np.outer(binom.pmf(x, first, 0.5), binom.pmf(y, second, 0.5))
    distance = np.abs(x[:, None] / first - y[None, :] / second)
    return float(weights[distance > bound].sum())


def test_the_critical_value_is_the_quantile_of_the_normal_distribution() -> None:
    assert isclose(CRITICAL, norm.ppf(0.975), rel_tol=1e-12)


@pytest.mark.parametrize(("first", "second"), SIZES)
def test_the_difference_is_the_half_width_of_the_interval_at_one_half(
    first: int, second: int
) -> None:
    half = norm.ppf(0.975) * sqrt(0.25 / first + 0.25 / second)
    assert isclose(by_chance("difference", first, second), half, rel_tol=1e-9)
    log_half = norm.ppf(0.975) * sqrt(1 / first + 1 / second)  # (1 - p) / p is 1
    assert isclose(by_chance("ratio", first, second), exp(-log_half), rel_tol=1e-9)


@pytest.mark.parametrize(("first", "second"), SIZES)
def test_five_of_a_hundred_fair_samples_go_beyond_it(first: int, second: int) -> None:
    limit = by_chance("difference", first, second)
    assert exact_chance_of_a_larger_difference(first, second, limit) == pytest.approx(
        0.05, abs=0.02
    )


@pytest.mark.parametrize(("first", "second"), SIZES[2:])
def test_a_simulation_of_ratios_agrees(first: int, second: int) -> None:
    rng = np.random.default_rng(7)
    one = rng.binomial(first, 0.5, 100_000) / first
    other = rng.binomial(second, 0.5, 100_000) / second
    ratio = np.minimum(one, other) / np.maximum(one, other)
    beyond = float(np.mean(ratio < by_chance("ratio", first, second)))
    assert beyond == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("rate", [0.02, 0.2, 0.8, 0.98])
def test_differences_scatter_less_at_other_rates(rate: float) -> None:
    rng = np.random.default_rng(11)
    one, other = rng.binomial(80, rate, 20_000) / 80, rng.binomial(120, rate, 20_000) / 120
    assert float(np.mean(np.abs(one - other) > by_chance("difference", 80, 120))) <= 0.05


def test_more_groups_scatter_more_than_the_two_smallest() -> None:
    rng = np.random.default_rng(13)
    rates = rng.binomial(60, 0.5, (20_000, 5)) / 60
    span = rates.max(axis=1) - rates.min(axis=1)
    assert float(np.mean(span > by_chance("difference", 60, 60))) > 0.05


@given(ROWS, ROWS, ROWS)
def test_more_rows_never_make_a_claim_harder(first: int, second: int, more: int) -> None:
    assert by_chance("difference", first + more, second) < by_chance("difference", first, second)
    assert by_chance("ratio", first + more, second) > by_chance("ratio", first, second)
    assert by_chance("difference", first, second) == by_chance("difference", second, first)


@given(st.floats(0.01, 1), st.floats(0.01, 0.99))
def test_the_rows_that_are_needed_are_the_fewest_that_decide(less: float, more: float) -> None:
    for form, bound in (("difference", less), ("ratio", more)):
        rows = int(rows_needed(form, bound))
        assert decides(form, bound, rows, rows)
        assert rows == 1 or not decides(form, bound, rows - 1, rows - 1)


def test_equality_to_the_last_digit_cannot_be_decided() -> None:
    assert rows_needed("difference", 0) == rows_needed("ratio", 1) == inf
    assert not decides("difference", 0, 10**9, 10**9)
    assert not decides("ratio", 1, 10**9, 10**9)
    assert rows_needed("ratio", 0) == 1
    assert decides("ratio", 0, 1, 1)
