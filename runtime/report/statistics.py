"""The few statistics that the report prints."""

from __future__ import annotations

import math

Z95 = 1.959963984540054  # two-sided 95% quantile of the normal distribution


def wilson(share: float, rows: int) -> tuple[float, float]:
    """The 95% score interval of a proportion seen on `rows` rows (Wilson 1927).

    Unlike the textbook interval it stays inside [0, 1] and holds for shares near 1.

    >>> low, high = wilson(0.975, 360)
    >>> round(low, 3), round(high, 3)
    (0.953, 0.987)
    """
    scale = 1 + Z95**2 / rows
    center = (share + Z95**2 / (2 * rows)) / scale
    spread = Z95 * math.sqrt(share * (1 - share) / rows + Z95**2 / (4 * rows**2)) / scale
    return max(0.0, center - spread), min(1.0, center + spread)
