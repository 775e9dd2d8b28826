"""csv and tsv files (also .gz) as blocks of columns of text, read once from front to back.

Memory is bounded by the block, the line and the cell limits, whatever the file holds.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from automlc.compiler.contracts.base import MAX_ROWS, Findings
from automlc.spec.diagnostics import quote
from automlc.spec.record import record

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
MAX_COLUMNS = 10_000
MAX_NAME_LENGTH = 256
MAX_LINE = 16 * 2**20  # characters; a cell may have csv.field_size_limit() = 131,072
MAX_BYTES = 10 * 2**30  # after decompression
_BLOCK = 4096
_HEADER_SAMPLE = 2**20


@record
class Block:
    """Some rows: the line each begins on (1-based) and the cells of each column, stripped."""

    lines: list[int]
    columns: list[list[str]]


class Delimited:
    """One csv or tsv file. `names` is the header; `blocks()` can be asked for more than once."""

    kind = "csv"

    def __init__(self, path: Path, problems: Findings):
        self.path = path
        self.problems = problems
        self.is_compressed = path.name.endswith(".gz")
        self.delimiter = "\t" if ".tsv" in path.suffixes else ","
        self._reported = False  # malformed rows are reported in the first pass only
        try:
            self.delimiter = self._find_delimiter()
            self.names = self._header()
        except StopIteration:
            raise problems.stop("E367", "data.source", f"{quote(path.name)} is empty") from None
        self.forced: dict[str, str] = {}
        self._check_header()

    @property
    def details(self) -> dict[str, str]:
        """What data.py must know to read the file."""
        found = {"delimiter": self.delimiter}
        return {**found, "compression": "gzip"} if self.is_compressed else found

    def blocks(self) -> Iterator[Block]:
        """The rows; a row whose number of cells is wrong is reported and left out."""
        lines: list[int] = []
        rows: list[list[str]] = []
        total = 0
        for line, row in self._rows(skip=1):
            if len(row) != len(self.names):
                self._report_width(line, row)
                continue
            lines.append(line)
            rows.append(row)
            if len(rows) == _BLOCK:
                yield _block(lines, rows)
                total, lines, rows = total + _BLOCK, [], []
                if total > MAX_ROWS:
                    raise self.problems.stop(
                        "E369", "data.source", f"the file has more than {MAX_ROWS:,} rows"
                    )
        if rows:
            yield _block(lines, rows)
        self._reported = True

    def _report_width(self, line: int, row: list[str]) -> None:
        if not self._reported:
            self.problems.report(
                "E368",
                "data.source",
                f"line {line:,} has {len(row)} cells; the header has {len(self.names)}",
                "quote cells that contain the delimiter or a line break",
            )

    def _find_delimiter(self) -> str:
        """The comma, unless it does not divide the header and a semicolon does."""
        if self.delimiter == "\t":
            return "\t"
        header = next(self._lines())
        return ";" if "," not in header and ";" in header else ","

    def _header(self) -> list[str]:
        return [cell.strip() for cell in next(self._rows(skip=0))[1]]

    def _check_header(self) -> None:
        if len(self.names) > MAX_COLUMNS:
            raise self.problems.stop(
                "E369",
                "data.source",
                f"the file has {len(self.names):,} columns; at most {MAX_COLUMNS:,} are read",
            )
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        for name in twice:
            self.problems.report("E368", "data.source", f"two columns are called {quote(name)}")
        for name in self.names:
            if len(name) > MAX_NAME_LENGTH:
                self.problems.report(
                    "E369",
                    "data.source",
                    f"the name of column {quote(name)} has {len(name):,} characters;"
                    f" at most {MAX_NAME_LENGTH}",
                )
        if self.problems.has_errors:
            raise self.problems.stopped()

    def _rows(self, *, skip: int) -> Iterator[tuple[int, list[str]]]:
        """(line, cells) of each row that is not blank. Reports what makes a file unreadable."""
        reader = csv.reader(self._lines(), delimiter=self.delimiter, strict=True)
        line = 1
        try:
            for row in reader:
                if row and skip:
                    skip -= 1
                elif row:
                    yield line, row
                line = reader.line_num + 1
        except csv.Error as error:
            raise self.problems.stop(
                "E368", "data.source", f"line {line:,}: {error}", _hint(str(error))
            ) from error

    def _lines(self) -> Iterator[str]:
        """The lines of the file, each with its end; every way of being no text is reported."""
        total = number = 0
        try:
            with (
                self._open() as binary,
                io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as file,
            ):
                while line := file.readline(MAX_LINE + 1):
                    number += 1
                    total += len(line)
                    self._check_line(number, line, total)
                    yield line
        except UnicodeDecodeError as error:
            raise self._not_text() from error
        except (gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
            raise self.problems.stop(
                "E353", "data.source", f"{quote(self.path.name)} cannot be read: {error}"
            ) from error

    def _check_line(self, number: int, line: str, total: int) -> None:
        if len(line) > MAX_LINE:
            raise self.problems.stop(
                "E369", "data.source", f"line {number:,} has more than {MAX_LINE:,} characters"
            )
        if "\0" in line:
            raise self.problems.stop(
                "E368",
                "data.source",
                f"line {number:,} contains a NUL character",
                "is it text? UTF-16 files must be saved as UTF-8",
            )
        if total > MAX_BYTES:
            raise self.problems.stop(
                "E369", "data.source", f"the file has more than {MAX_BYTES:,} characters"
            )

    def _open(self) -> IO[bytes]:
        if self.is_compressed:
            return cast(IO[bytes], gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def _not_text(self) -> Exception:
        """UTF-8 text can be cut at line feeds, so the broken line is found line by line."""
        number = 1
        with self._open() as file:
            while line := file.readline(4 * MAX_LINE):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as error:
                    text = f"line {number:,} is not UTF-8 (byte 0x{line[error.start]:02x})"
                    return self.problems.stop("E368", "data.source", text, "save the file as UTF-8")
                number += 1
        return self.problems.stop("E368", "data.source", "the file is not UTF-8 text")


def _block(lines: list[int], rows: list[list[str]]) -> Block:
    columns = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
    return Block(lines, columns)


def _hint(error: str) -> str | None:
    if "field larger" in error:
        return "cells may have 131,072 characters; is a quote not closed?"
    return "check the quotes of this line"
