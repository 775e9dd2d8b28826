"""parquet files as blocks of columns of text, typed by their schema. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from automlc.compiler.contracts.base import MAX_ROWS, Findings
from automlc.compiler.contracts.delimited import MAX_COLUMNS, MAX_NAME_LENGTH, Block
from automlc.spec.diagnostics import quote

SUFFIXES = (".parquet",)
_BLOCK = 65_536


class Parquet:
    """One parquet file. `forced` says for each column what its type makes it."""

    kind = "parquet"
    details: dict[str, str] = {}  # noqa: RUF012 - never changed

    def __init__(self, path: Path, problems: Findings):
        self.path = path
        self.problems = problems
        self._file = _open(path, problems)
        schema = self._file.schema_arrow
        self.names: list[str] = list(schema.names)
        self.forced = {field.name: _kind(field.type) for field in schema}
        self._check()

    def _check(self) -> None:
        problems = self.problems
        if len(self.names) > MAX_COLUMNS:
            raise problems.stop(
                "E369",
                "data.source",
                f"the file has {len(self.names):,} columns; at most {MAX_COLUMNS:,} are read",
            )
        if self._file.metadata.num_rows > MAX_ROWS:
            raise problems.stop("E369", "data.source", f"the file has more than {MAX_ROWS:,} rows")
        for name in self.names:
            if len(name) > MAX_NAME_LENGTH or self.names.count(name) > 1:
                what = "too long" if len(name) > MAX_NAME_LENGTH else "used twice"
                problems.report("E368", "data.source", f"column name {quote(name)} is {what}")
        if problems.has_errors:
            raise problems.stopped()

    def blocks(self) -> Iterator[Block]:
        """The rows, numbered from 1; columns of other types are blank."""
        start = 1
        readable = [name for name in self.names if self.forced[name] != "ignore"]
        try:
            batches = self._file.iter_batches(
                batch_size=_BLOCK, columns=readable, use_threads=False
            )
            for batch in batches:
                cells = {name: _texts(batch.column(name)) for name in readable}
                blank = [""] * batch.num_rows
                yield Block(
                    list(range(start, start + batch.num_rows)),
                    [cells.get(name, blank) for name in self.names],
                )
                start += batch.num_rows
        except (OSError, ValueError) as error:
            raise self.problems.stop(
                "E353", "data.source", f"{quote(self.path.name)} cannot be read: {error}"
            ) from error


def _open(path: Path, problems: Findings) -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise problems.stop(
            "E354",
            "data.source",
            "reading parquet needs pyarrow, which is not installed",
            "pip install 'automlc[run]'",
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0].split(". ")[0][:100]
        raise problems.stop(
            "E353", "data.source", f"{quote(path.name)} is not a readable parquet file ({reason})"
        ) from error


def _kind(type_: Any) -> str:
    from pyarrow import types

    if types.is_dictionary(type_):
        return _kind(type_.value_type)
    if types.is_integer(type_) or types.is_floating(type_) or types.is_decimal(type_):
        return "number"
    if types.is_string(type_) or types.is_large_string(type_) or types.is_boolean(type_):
        return "category"
    return "ignore"


def _texts(column: Any) -> list[str]:
    """The cells as the emitted data.py writes them: missing as "", others by str()."""
    return ["" if value is None else str(value).strip() for value in column.to_pylist()]
