"""How much two equally treated groups differ by chance alone: what a fairness claim can decide.

A rate in a group of n rows is a share of n, so it scatters with variance p(1 - p) / n around what
the model does in the long run. Of two groups with the same p the difference scatters with the sum
of both variances; 95 % of it lies within CRITICAL standard errors (the normal approximation to the
binomial, method 1 of Newcombe, Statistics in Medicine 17:873-890, 1998). For a ratio the logarithm
scatters with variance (1 - p) / (p n) a group (Katz et al., Biometrics 34:469-474, 1978).

The rates are not known before training: p is one half, where a difference scatters most. A ratio
scatters more where rates are lower, so for ratios this is the least that must be reckoned with.
More than two groups scatter more as well, since the most different ones are compared.
"""

from __future__ import annotations

from math import ceil, exp, inf, log, sqrt

from automlc.runtime.fairness import Form

CRITICAL = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution
RATE = 0.5


def by_chance(form: Form, first: int, second: int) -> float:
    """The value that equal groups of these sizes stay within in 95 of 100 samples.

    A difference stays at or below it, a ratio at or above.

    >>> round(by_chance("difference", 100, 100), 3), round(by_chance("ratio", 100, 100), 3)
    (0.139, 0.758)
    """
    inverse = 1 / first + 1 / second
    if form == "difference":
        return CRITICAL * sqrt(RATE * (1 - RATE) * inverse)
    return exp(-CRITICAL * sqrt((1 - RATE) / RATE * inverse))


def decides(form: Form, bound: float, first: int, second: int) -> bool:
    """Whether equal groups of these sizes would meet the bound in 95 of 100 samples."""
    chance = by_chance(form, first, second)
    return chance <= bound if form == "difference" else chance >= bound


def rows_needed(form: Form, bound: float) -> float:
    """Rows of each of two groups from which the bound can be decided; inf where none are enough.

    >>> rows_needed("difference", 0.1), rows_needed("ratio", 0.8), rows_needed("difference", 0)
    (193, 155, inf)
    """
    distance = bound if form == "difference" else -log(bound) if bound > 0 else inf
    variance = RATE * (1 - RATE) if form == "difference" else (1 - RATE) / RATE
    if distance <= 0:
        return inf
    return max(1, ceil(2 * variance * (CRITICAL / distance) ** 2))
