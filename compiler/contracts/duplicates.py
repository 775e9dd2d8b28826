"""Rows that occur more than once: across parts, within what will be divided, with other labels.

A row is known by a digest of what the model sees of it: the bytes of an array's row, the cells of a
table without target and split column, the bytes of an image file. At most MAX_ROWS different rows
are remembered, about 200 MB; of larger data the first rows are compared, which a note says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from automlc.compiler.contracts.base import Request, fractions_for, plural
from automlc.compiler.contracts.contract import Storage

MAX_ROWS = 1_000_000
MANY = 0.01  # share of repeated rows from which a random split is worth a warning


@dataclass
class _Known:
    """What has been seen of one row: the first place, its parts and labels."""

    part: str
    label: str
    where: str
    other_part: tuple[str, str] | None = None  # part and place
    other_label: tuple[str, str] | None = None  # label and place


@dataclass
class Duplicates:
    """Collects rows in any order; `report` says what was found."""

    unit: str = "row"
    rows: int = 0
    repeated: int = 0  # rows that are equal to an earlier one of the same part
    skipped: bool = False
    known: dict[bytes, _Known] = field(default_factory=dict)

    def add(self, part: str, content: bytes, label: str, where: str) -> None:
        """One row: its part, what the model sees of it, its label, and what to call it."""
        self.rows += 1
        key = blake2b(content, digest_size=12).digest()
        found = self.known.get(key)
        if found is None:
            if len(self.known) < MAX_ROWS:
                self.known[key] = _Known(part, label, where)
            else:
                self.skipped = True
            return
        if found.part != part:
            found.other_part = found.other_part or (part, where)
        else:
            self.repeated += 1
        if found.label != label:
            found.other_label = found.other_label or (label, where)

    def report(self, request: Request, storage: Storage) -> None:
        """Warnings, located at the source; where there are errors, these come first."""
        if request.problems.has_errors:
            return
        self._across(request)
        self._divided(request, storage)
        if request.is_classification:
            self._labels(request)
        if self.skipped:
            request.problems.note(f"the first {MAX_ROWS:,} different {self.unit}s were compared")

    def _across(self, request: Request) -> None:
        found = [one for one in self.known.values() if one.other_part is not None]
        if not found:
            return
        first = found[0]
        assert first.other_part is not None
        part, where = first.other_part
        request.problems.report(
            "W516",
            "data.source",
            f"{plural(len(found), self.unit)} of one part {_occurs(found)} in another as well:"
            f" {first.where} ({first.part}) is {where} ({part})",
            "take them out of one part; a score on rows that were trained on says little",
        )

    def _divided(self, request: Request, storage: Storage) -> None:
        if fractions_for(request.data, storage).parts < 2 or self.repeated < MANY * self.rows:
            return
        request.problems.report(
            "W517",
            "data.source",
            f"{self.repeated:,} of {self.rows:,} {self.unit}s repeat an earlier one; a random"
            " split puts some of them on both sides",
            "keep one of each, or say the parts yourself, with split: {column: NAME} for a table",
        )

    def _labels(self, request: Request) -> None:
        found = [one for one in self.known.values() if one.other_label is not None]
        if not found:
            return
        first = found[0]
        assert first.other_label is not None
        label, where = first.other_label
        request.problems.report(
            "W518",
            "data.source",
            f"{plural(len(found), self.unit)} {_occurs(found)} with different labels:"
            f" {first.where} is {first.label[:40]!r}, {where} is {label[:40]!r}",
            "correct them or take them out; no model can be right about both",
        )


def _occurs(found: Sequence[object]) -> str:
    return "occurs" if len(found) == 1 else "occur"


def joined(cells: Sequence[str]) -> bytes:
    """The cells of a row as bytes; no two different rows are the same."""
    return "\x1f".join(cells).encode("utf-8", "surrogatepass")
