"""Rows of each group, class and part: what a fairness metric would divide by.

A group is a value of one column. Only columns that a constraint names are counted. Which row of
the divided ones comes into which part follows from the seed (compiler/contracts/split.py), so the
counts are exact; of tables beyond EXACT_ROWS they are what a division gives on average.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan

from automlc.compiler.contracts.base import Request, fractions_for, plural
from automlc.compiler.contracts.columns import number
from automlc.compiler.contracts.contract import ClassTarget, Storage, Target
from automlc.compiler.contracts.delimited import Block
from automlc.compiler.contracts.split import PARTS, Fractions, assign
from automlc.compiler.fairness import Claim
from automlc.runtime.fairness import CLASSES
from automlc.spec.diagnostics import quote, swap
from automlc.spec.record import record
from automlc.spec.suggest import nearest

MAX_GROUPS = 100
MAX_VALUES = 10_000  # different cells of one column that are remembered
EXACT_ROWS = 2_000_000  # divided rows, about 50 bytes each while they are divided

Table = tuple[tuple[int, ...], ...]


@record
class Groups:
    """The rows of each group (in the order of `names`) and class, for each part with rows.

    `missing` rows have no value in the column and are in no group.
    """

    column: str
    names: tuple[str, ...]
    counts: Mapping[str, Table]
    exact: bool = True
    missing: int = 0


def check_columns(request: Request, names: Sequence[str]) -> None:
    """Columns that fairness constraints name and the table does not have."""
    for claim in request.claims:
        if claim.column in names:
            continue
        close = nearest(claim.column, names)
        shown = ", ".join(map(quote, names[:8])) + (", …" if len(names) > 8 else "")
        request.problems.report(
            "E365",
            claim.key,
            f"{quote(request.source)} has no column {quote(claim.column)}",
            f"did you mean {quote(close)}?" if close else f"its columns: {shown}",
            span=claim.column_span or claim.span,
            fix=swap(claim.column_span, claim.column, close, safe=False),
        )


@dataclass
class _Column:
    """The cells of one column so far: their codes row by row, and how often each occurs where."""

    place: int
    codes: dict[str, int] = field(default_factory=dict)
    divided: array[int] = field(default_factory=lambda: array("i"))
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # part, label, cell

    @property
    def has_too_many(self) -> bool:
        return len(self.codes) > MAX_VALUES


class GroupScan:
    """Counts groups while a table is read."""

    def __init__(self, columns: Sequence[str], names: Sequence[str]):
        self._columns = {name: _Column(names.index(name)) for name in columns if name in names}
        self._labels: dict[str, int] = {}
        self._divided: array[int] = array("i")  # labels of the rows that are divided
        self._rows = 0

    def add(self, block: Block, labels: Sequence[str], parts: Sequence[str]) -> None:
        """One block of rows, their labels and the parts that the source puts them in."""
        if not self._columns or self._has_too_many_classes:
            return
        classes = [_code(self._labels, label) for label in labels]
        inside = [place for place, part in enumerate(parts) if part == "train"]
        self._rows += len(inside)
        if self._is_exact:
            self._divided.extend(classes[place] for place in inside)
        for column in self._columns.values():
            if column.has_too_many:
                continue
            cells = block.columns[column.place]
            codes = [_code(column.codes, cell) for cell in cells]
            column.counts.update(zip(parts, labels, cells, strict=True))
            if self._is_exact:
                column.divided.extend(codes[place] for place in inside)

    @property
    def _is_exact(self) -> bool:
        return self._rows <= EXACT_ROWS

    @property
    def _has_too_many_classes(self) -> bool:
        """Then nothing is counted: the compiler refuses the constraint (E381)."""
        return len(self._labels) > CLASSES

    def report(self, request: Request, storage: Storage, target: Target) -> None:
        """Counts the groups of each column, or says why it makes none."""
        if request.problems.has_errors or not isinstance(target, ClassTarget):
            return
        if self._has_too_many_classes:
            return
        for name, column in self._columns.items():
            claim = next(one for one in request.claims if one.column == name)
            kind = request.data.columns.get(name)
            groups, missing = _groups(column.codes, is_text=kind == "category")
            if column.has_too_many or not 2 <= len(groups) <= MAX_GROUPS:
                _refuse(request, claim, column, len(groups))
                continue
            absent = sum(n for (_, _, cell), n in column.counts.items() if cell in missing)
            counts = self._counts(request, storage, target, column, groups)
            request.problems.groups.append(
                Groups(name, tuple(groups), counts, self._is_exact, absent)
            )
            if absent:
                _warn_of_missing(request, claim, absent)

    def _counts(
        self,
        request: Request,
        storage: Storage,
        target: ClassTarget,
        column: _Column,
        groups: Mapping[str, frozenset[str]],
    ) -> dict[str, Table]:
        classes = {str(label): place for place, label in enumerate(target.classes)}
        rows = {cell: place for place, cells in enumerate(groups.values()) for cell in cells}
        found = _Cells(rows, classes)
        fractions = fractions_for(request.data, storage)
        for (part, label, cell), count in column.counts.items():
            if part != "train":
                found.add(part, cell, label, count)
            elif not self._is_exact:
                for share, name in _shares(fractions):
                    found.add(name, cell, label, round(count * share))
        if self._is_exact:
            for (part, cell, label), count in self._divided_counts(request, fractions, column):
                found.add(part, cell, label, count)
        return found.tables()

    def _divided_counts(
        self, request: Request, fractions: Fractions, column: _Column
    ) -> list[tuple[tuple[str, str, str], int]]:
        """((part, cell, label), rows) of the rows that are divided, as they will be."""
        import numpy as np  # a spec is validated without it

        labels = np.asarray(self._divided, dtype=np.int64)
        cells = np.asarray(column.divided, dtype=np.int64)
        parts = assign(labels, fractions, request.seed, stratify=request.stratify)
        width, height = len(self._labels), len(column.codes)
        joined = (parts.astype(np.int64) * height + cells) * width + labels
        codes, counts = np.unique(joined, return_counts=True)
        words, texts = list(self._labels), list(column.codes)
        found = []
        for code, rows in zip(codes.tolist(), counts.tolist(), strict=True):
            above, word = divmod(code, width)
            part, text = divmod(above, height)
            found.append(((PARTS[part], texts[text], words[word]), rows))
        return found


@dataclass
class _Cells:
    """Adds up rows by part, group and class."""

    groups: Mapping[str, int]  # cell -> place of its group
    classes: Mapping[str, int]
    found: dict[str, list[list[int]]] = field(default_factory=dict)

    def add(self, part: str, cell: str, label: str, count: int) -> None:
        size = max(self.groups.values()) + 1
        table = self.found.setdefault(part, [[0] * len(self.classes) for _ in range(size)])
        if cell in self.groups:
            table[self.groups[cell]][self.classes[label]] += count

    def tables(self) -> dict[str, Table]:
        """In the order of the parts."""
        return {part: tuple(map(tuple, self.found[part])) for part in PARTS if part in self.found}


def _code(codes: dict[str, int], text: str) -> int:
    return codes.setdefault(text, len(codes))


def _shares(fractions: Fractions) -> list[tuple[float, str]]:
    """How much of the divided rows comes into which part, on average."""
    train = 1 - fractions.validation - fractions.test
    shares = zip((train, fractions.validation, fractions.test), PARTS, strict=True)
    return [(share, part) for share, part in shares if share]


def _groups(
    cells: Mapping[str, int], *, is_text: bool
) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """The groups that the different cells of a column make, in order, and the cells of no group.

    As everywhere (compiler/contracts/columns.py): in a column of numbers 1 and 1.0 are one value,
    and words such as NA are missing; in a column of texts only the empty cell is.
    """
    values = None if is_text else _numbers(cells)
    if values is None:
        filled = sorted(cell for cell in cells if cell)
        return {cell: frozenset({cell}) for cell in filled}, frozenset({""})
    by_value: dict[float, set[str]] = {}
    missing = set()
    for cell, value in values.items():
        if isnan(value):
            missing.add(cell)
        else:
            by_value.setdefault(value, set()).add(cell)
    ordered = (by_value[value] for value in sorted(by_value))
    return {min(one, key=_shortest): frozenset(one) for one in ordered}, frozenset(missing)


def _shortest(cell: str) -> tuple[int, str]:
    return len(cell), cell


def _numbers(cells: Mapping[str, int]) -> dict[str, float] | None:
    try:
        return {cell: number(cell) for cell in cells}
    except ValueError:
        return None


def _refuse(request: Request, claim: Claim, column: _Column, groups: int) -> None:
    count = f"more than {MAX_VALUES:,}" if column.has_too_many else f"{groups:,}"
    if not groups:
        message = f"column {quote(claim.column)} has no values that could be groups: it is empty,"
        message += " or neither numbers nor text"
        hint = "name a column of numbers or texts whose values are the groups"
    elif groups < 2:
        message = f"column {quote(claim.column)} makes {plural(groups, 'group')}; two are compared"
        hint = "name a column with different values, or take the constraint out"
    else:
        message = f"column {quote(claim.column)} has {count} different values, too many for groups"
        hint = f"name a column of at most {MAX_GROUPS} ranges or kinds instead, such as age_group"
    request.problems.report("E380", claim.key, message, hint, span=claim.column_span or claim.span)


def _warn_of_missing(request: Request, claim: Claim, absent: int) -> None:
    has = "has" if absent == 1 else "have"
    request.problems.report(
        "W562",
        claim.key,
        f"{plural(absent, 'row')} {has} no value in column {quote(claim.column)}, so no group",
        "fill the column in, or write a word such as `unknown` to make them a group of their own",
        span=claim.column_span or claim.span,
    )
