"""The split rule: how many rows of a source go to training, validation and test.

This is the one place where the rule is written down; the emitted data.py follows it and
tests/emitted/test_data_py.py holds the two equal.

  1. A part that the source has of its own (x_test, a test folder, rows marked "test") is used
     as it is. Only what is left in `train` is divided.
  2. With stratification (the default for classification) each class is divided by itself,
     otherwise all rows together are one group.
  3. Of a group of n rows a part with fraction f takes `held_out(n, f)` rows: n * f rounded half
     up, but at least one row as long as f > 0. Test is taken first, then validation; the rest
     is training. Both fractions are of n.
  4. Which rows: each row draws one number from numpy's default_rng(seed).random(rows), in file
     order over the divided rows; a group is ordered by these numbers, smallest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from automlc.compiler.contracts.contract import Rows
from automlc.spec.record import record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@record
class Fractions:
    """Fractions of the rows that are divided; 0 for a part that the source has of its own."""

    validation: float
    test: float

    @property
    def parts(self) -> int:
        """The number of parts that a group is divided into."""
        return 1 + (self.validation > 0) + (self.test > 0)


def held_out(rows: int, fraction: float) -> int:
    """Rows of a group that a part takes.

    >>> held_out(10, 0.25), held_out(2, 0.1), held_out(0, 0.5), held_out(5, 0.0)
    (3, 1, 0, 0)
    """
    if rows == 0 or fraction == 0:
        return 0
    return max(1, int(rows * fraction + 0.5))


def divide(rows: int, fractions: Fractions) -> Rows:
    """Divide one group. The training part is negative or 0 where the group is too small.

    >>> divide(10, Fractions(validation=0.2, test=0.2))
    Rows(train=6, validation=2, test=2)
    """
    test = held_out(rows, fractions.test)
    validation = held_out(rows, fractions.validation)
    return Rows(train=rows - test - validation, validation=validation, test=test)


def divide_groups(groups: Sequence[int], fractions: Fractions) -> Rows:
    """Divide each group (rows per class, or one group of all rows) and add up."""
    divided = [divide(rows, fractions) for rows in groups]
    return Rows(
        train=sum(part.train for part in divided),
        validation=sum(part.validation for part in divided),
        test=sum(part.test for part in divided),
    )


PARTS = ("train", "validation", "test")


def assign(
    labels: NDArray[np.integer], fractions: Fractions, seed: int, *, stratify: bool
) -> NDArray[np.int8]:
    """The part of each divided row, as a place in PARTS: rule 4, row by row.

    `labels` are the classes of the rows in file order; without `stratify` only their number counts.
    """
    import numpy as np  # a spec is validated without it

    draw = np.random.default_rng(seed).random(len(labels))
    parts = np.zeros(len(labels), dtype=np.int8)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)] if stratify else None
    for rows in groups if groups is not None else [np.arange(len(labels))]:
        ordered = rows[np.argsort(draw[rows], kind="stable")]
        sizes = divide(len(rows), fractions)
        parts[ordered[: sizes.test]] = PARTS.index("test")
        parts[ordered[sizes.test : sizes.test + sizes.validation]] = PARTS.index("validation")
    return parts
