"""What a table holds, column by column, before anybody said what its columns are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from automlc.compiler.contracts import parquet
from automlc.compiler.contracts.base import Findings
from automlc.compiler.contracts.columns import Facts
from automlc.compiler.contracts.delimited import Delimited
from automlc.compiler.contracts.parquet import Parquet
from automlc.compiler.contracts.table import PART_WORDS
from automlc.compiler.contracts.text import SAMPLE, looks_like_text
from automlc.spec.record import record

MAX_DISTINCT = 10_001  # values of a column that are counted
_WIDE = 200  # columns; of a wider table fewer values are counted
_MAX_DISTINCT_WIDE = 256
_FEW_ROWS = 20  # with fewer, that all values differ says nothing
_PART_NAMES = frozenset({"split", "part", "subset", "set", "fold", "partition"})
_ID_WORDS = frozenset({"id", "uuid", "guid", "key", "index", "rowid", "number", "no"})


@record
class Column:
    """One column. `counts` are its values without missing ones, complete unless `is_cut`."""

    name: str
    rows: int
    missing: int
    is_number: bool
    counts_up: bool
    is_readable: bool
    is_text: bool
    is_cut: bool
    counts: Mapping[str, int]

    @property
    def filled(self) -> int:
        return self.rows - self.missing

    @property
    def distinct(self) -> int:
        """Number of different values, at least so many where `is_cut`."""
        return len(self.counts)

    @property
    def all_differ(self) -> bool:
        return self.filled > 0 and (self.is_cut or self.distinct == self.filled)

    @property
    def is_whole(self) -> bool:
        return self.is_number and not self.is_cut and all(_is_whole(v) for v in self.counts)

    @property
    def is_constant(self) -> bool:
        return self.distinct <= 1

    @property
    def is_identifier(self) -> bool:
        """Whether it names rows: a count, a text of its own for nearly each, or an id by name."""
        if self.rows <= _FEW_ROWS or self.is_text:
            return False
        words = self.name.lower().replace("-", "_").replace(" ", "_").split("_")
        named = not _ID_WORDS.isdisjoint(words) and self.all_differ
        named = named and (not self.is_number or self.is_whole or self.is_cut)
        many = not self.is_number and self.distinct > 0.9 * self.filled
        return (self.is_number and self.counts_up) or named or many

    @property
    def is_split(self) -> bool:
        """Whether it says for each row which part it is of, in words that a split column has."""
        words = [value.lower() for value in self.counts]
        parts = [PART_WORDS.get(word) for word in words]
        fits = self.missing == 0 and None not in parts and len(set(parts)) == len(parts) > 1
        named = self.name.lower() in _PART_NAMES
        return fits and "train" in parts and (named or not all(map(str.isdigit, words)))


def _is_whole(cell: str) -> bool:
    try:
        return float(cell).is_integer()
    except ValueError:
        return True  # a word for missing


@record
class Table:
    """All columns of a table in their order."""

    rows: int
    columns: Mapping[str, Column]


@dataclass
class _Pass:
    facts: Facts
    limit: int
    counts: Counter[str] = field(default_factory=Counter)
    sample: list[str] = field(default_factory=list)

    def add(self, cells: list[str], lines: list[int]) -> None:
        self.facts.add(cells, lines)
        if not self.sample:
            self.sample = cells[:SAMPLE]
        if len(self.counts) > self.limit:
            return  # cut already
        self.counts.update(cell for cell in cells if cell)
        if len(self.counts) > self.limit:
            self.counts = Counter(dict(list(self.counts.items())[: self.limit + 1]))

    def column(self, is_readable: bool) -> Column:
        facts = self.facts
        is_number = facts.is_number and not facts.is_empty
        return Column(
            name=facts.name,
            rows=facts.rows,
            missing=facts.missing_numbers if is_number else facts.empty,
            is_number=is_number,
            counts_up=facts.counts_up,
            is_readable=is_readable,
            is_text=looks_like_text(self.sample),
            is_cut=len(self.counts) > self.limit,
            counts=dict(self.counts),
        )


def look(path: Path, problems: Findings) -> Table:
    """One pass over a csv, tsv or parquet file. Raises Stop; `problems` tells why."""
    is_parquet = path.name.lower().endswith(parquet.SUFFIXES)
    source = (Parquet if is_parquet else Delimited)(path, problems)
    limit = MAX_DISTINCT - 1 if len(source.names) <= _WIDE else _MAX_DISTINCT_WIDE
    passes = [_Pass(Facts(name), limit) for name in source.names]
    rows = 0
    for block in source.blocks():
        rows += len(block.lines)
        for one, cells in zip(passes, block.columns, strict=True):
            one.add(cells, block.lines)
    if problems.has_errors:
        raise problems.stopped()
    if not rows:
        raise problems.stop("E367", "data.source", f"`{path.name}` has a header and no rows")
    readable = [source.forced.get(name) != "ignore" for name in source.names]
    columns = [one.column(ok) for one, ok in zip(passes, readable, strict=True)]
    return Table(rows, {column.name: column for column in columns})
