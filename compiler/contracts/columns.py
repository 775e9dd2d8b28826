"""What the cells of a table mean: missing, number, category. The emitted data.py reads the same.

Cells are stripped of surrounding blanks first. In a number column the words of MISSING (case does
not matter) are missing; in a category column only the empty cell is, because "NA" and "None" are
real categories in real data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

MISSING = frozenset({"", "?", "n/a", "na", "nan", "none", "null"})
MAX_CATEGORIES = 10_000
MAX_CATEGORY_LENGTH = 256


def number(cell: str) -> float:
    """The value of a cell of a number column, NaN where it is missing. Raises ValueError.

    >>> number("1e-3"), number("-5")
    (0.001, -5.0)
    """
    if cell.lower() in MISSING:
        return math.nan
    if "_" in cell or not cell.isascii():
        raise ValueError(cell)  # float() takes 1_000 and digits of other scripts
    return float(cell)


def _plain_numbers(cells: Sequence[str]) -> list[float] | None:
    """The fast path for a block of nothing but numbers."""
    text = "".join(cells)
    if "_" in text or not text.isascii():
        return None
    try:
        return list(map(float, cells))
    except ValueError:
        return None


@dataclass
class Facts:
    """What one pass over a column has found so far."""

    name: str
    rows: int = 0
    empty: int = 0
    missing_numbers: int = 0
    not_numbers: int = 0
    first_not_number: tuple[int, str] | None = None  # (line, cell)
    infinite: int = 0
    first_infinite: int | None = None  # line
    minimum: float = math.inf
    maximum: float = -math.inf
    counts_up: bool = True  # whole numbers, each one more than the last
    _last: float | None = None
    values: set[str] = field(default_factory=set)  # at most MAX_CATEGORIES + 1
    longest: int = 0

    @property
    def is_number(self) -> bool:
        return self.not_numbers == 0 and self.missing_numbers < self.rows

    @property
    def is_empty(self) -> bool:
        return self.empty == self.rows

    def add(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """One block of cells and the lines that they stand on."""
        self.rows += len(cells)
        self.empty += cells.count("")
        numbers = self._numbers(cells, lines)
        finite = [value for value in numbers if math.isfinite(value)]
        if finite:
            self.minimum = min(self.minimum, min(finite))
            self.maximum = max(self.maximum, max(finite))
        self._follow(numbers)

    def _numbers(self, cells: Sequence[str], lines: Sequence[int]) -> list[float]:
        values = _plain_numbers(cells)
        if values is None:
            values = [self._number(cell, line) for cell, line in zip(cells, lines, strict=True)]
        for value, line in zip(values, lines, strict=True):
            if math.isinf(value):
                self.infinite += 1
                self.first_infinite = self.first_infinite or line
        self.missing_numbers += sum(map(math.isnan, values))
        return values

    def _number(self, cell: str, line: int) -> float:
        try:
            return number(cell)
        except ValueError:
            self.not_numbers += 1
            self.missing_numbers -= 1  # it counts as NaN below, and is not missing
            self.first_not_number = self.first_not_number or (line, cell)
            return math.nan

    def _follow(self, numbers: Sequence[float]) -> None:
        for value in numbers:
            if not self.counts_up:
                return
            is_next = self._last is None or value == self._last + 1
            self.counts_up = math.isfinite(value) and value == int(value) and is_next
            self._last = value

    def add_values(self, cells: Sequence[str]) -> None:
        """The second pass, over columns that are categories."""
        if len(self.values) <= MAX_CATEGORIES:
            new = {cell for cell in cells if cell}
            self.longest = max([self.longest, *map(len, new)])
            self.values.update(new)

    @property
    def is_identifier(self) -> bool:
        """A category column that tells rows apart rather than kinds of rows."""
        filled = self.rows - self.empty
        return filled > 20 and len(self.values) > 0.9 * filled
