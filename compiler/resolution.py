"""What a part of the data can resolve: how far an accuracy on so many rows may be off by chance."""

from __future__ import annotations

import math

Z = 1.959963984540054  # of a normal distribution 95 % lie within so many deviations
FEWEST = 6  # the smallest n with 2 x 0.5**n <= 5 %


def half_width(rows: int) -> float:
    """Half the width of the 95 % interval (Wilson, 1927) of a share of `rows`, at its widest.

    That is where one half of the rows is right; no other accuracy has a wider one.

    >>> round(half_width(359), 4)
    0.0514
    """
    return Z / (2 * math.sqrt(rows + Z * Z))


def least_difference(rows: int) -> float:
    """The smallest difference of two accuracies on the same rows that may be more than chance.

    Only rows that one model has right and the other wrong count. Fewer than FEWEST of them, even
    all in favour of one, are no more than an exact sign test (McNemar, 1947) leaves to chance at
    5 %; with more of them on both sides it takes a larger difference.

    >>> round(least_difference(359), 4)
    0.0167
    """
    return FEWEST / rows
