"""Trials as CSV that a spreadsheet will not run (security S18)."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from automlc.runtime.view import RunView

_NUMBER = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
# What a spreadsheet takes as the start of a formula; the full-width forms are folded by some.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def guard_cell(value: Any) -> Any:
    """`value` for a CSV cell: text that would be a formula gets a leading apostrophe.

    >>> guard_cell("=1+1"), guard_cell("-1.5"), guard_cell(-1.5), guard_cell("adam")
    ("'=1+1", '-1.5', -1.5, 'adam')
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    shaky = value.startswith(("\t", "\r", "\n")) or value.lstrip().startswith(_FORMULA)
    return "'" + value if shaky else value


def write_csv(view: RunView, file: TextIO) -> int:
    """Write every trial as one row with a header; returns the number of rows."""
    writer = csv.writer(file, lineterminator="\n")
    rows = 0
    for rows, row in enumerate(view.flat_trials(), start=1):
        if rows == 1:
            writer.writerow([guard_cell(name) for name in row])
        writer.writerow([guard_cell(value) for value in row.values()])
    return rows
