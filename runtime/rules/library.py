"""Tables by name: those that are shipped, and files of one's own."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from automlc.runtime.rules.table import SCHEMA, Table
from automlc.spec.errors import AutomlcError
from automlc.spec.yaml_nodes import parse_yaml, to_plain

PREFIX = "builtin/"
FOLDER = Path(__file__).parent / "builtin"
MAX_BYTES = 16 * 2**20
MAX_DEPTH = 20  # levels of lists and mappings in a file


def builtin_names() -> tuple[str, ...]:
    """The names of the shipped tables."""
    files = sorted(path.stem for path in FOLDER.glob("*.json"))
    return tuple(f"{PREFIX}{name}" for name in [*files, "none"])


def load_builtin(name: str, exclude: Sequence[str] = ()) -> Table:
    """A shipped table; AutomlcError for a name that there is none of."""
    if name == f"{PREFIX}none":
        return Table(name, ())
    # Tests hold that what is shipped is sound; a start should not pay for looking again.
    path = builtin_file(name)
    return read_table(_read(path), path.name, exclude)


def check_builtin(name: str, exclude: Sequence[str] = ()) -> None:
    """What `load_builtin` would object to, without ranking the table's actions."""
    if name == f"{PREFIX}none":
        return
    path = builtin_file(name)
    if not exclude:
        return
    from automlc.runtime.rules.measured import check_excluded, is_measured

    data = _read(path)
    if is_measured(data):
        check_excluded(data["name"], exclude, [one["name"] for one in data["datasets"]])
    else:
        read_table(data, path.name, exclude)


def builtin_file(name: str) -> Path:
    """The file of a shipped table; AutomlcError for a name that there is none of."""
    if name not in builtin_names():
        from automlc.spec.suggest import nearest

        near = nearest(name, builtin_names())
        known = f"known: {', '.join(builtin_names())}, or a file"
        raise AutomlcError(
            f"no table of rules is called {name!r}",
            f"did you mean {near}? ({known})" if near else known,
            exit_code=1,
        )
    return FOLDER / f"{name.removeprefix(PREFIX)}.json"


def load_file(path: Path, exclude: Sequence[str] = ()) -> Table:
    """A table from a file, JSON or YAML; AutomlcError says what is wrong with it.

    `exclude` names data sets whose measurements do not count; only a measured table has some.
    """
    data = _read(path)
    _check_values(data, path.name)
    return read_table(data, path.name, exclude)


def read_table(data: Any, where: str, exclude: Sequence[str] = ()) -> Table:
    """A table from JSON values: one that is written down, or one that is made of measurements."""
    from automlc.runtime.rules.measured import Measurements, is_measured

    if is_measured(data):
        return Measurements.from_json(data, where).table(exclude)
    if exclude:
        raise AutomlcError(
            f"{where}: this table was not measured, so no data set can be left out of it",
            "take `exclude` out",
            exit_code=1,
        )
    return Table.from_json(data, where)


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise AutomlcError(f"{path.name} has more than {MAX_BYTES:,} bytes", exit_code=1)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AutomlcError(f"{path.name} cannot be read: {reason}", exit_code=1) from None
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise AutomlcError(f"{path.name} is not JSON: {error}", exit_code=1) from None
    root, found = parse_yaml(text, path.name)
    if root is None or found:
        raise AutomlcError(
            f"{path.name} is not YAML: {found[0].message if found else 'it is empty'}", exit_code=1
        )
    return to_plain(root)


# Half of a letter: JSON can say it, UTF-8 cannot.
_HALF = re.compile("[\ud800-\udfff]")


def _check_values(data: Any, where: str) -> None:
    """Refuse what cannot be printed or written as JSON again; iterative, since it guards depth."""
    level = [data]
    for _ in range(MAX_DEPTH):
        for value in level:
            if isinstance(value, float) and not math.isfinite(value):
                raise AutomlcError(f"{where}: {value} is not a finite number", exit_code=1)
            if isinstance(value, str) and _HALF.search(value):
                raise AutomlcError(f"{where}: {value!r:.60} is not text", exit_code=1)
        level = [part for value in level for part in _parts(value)]
        if not level:
            return
    raise AutomlcError(f"{where} is nested deeper than {MAX_DEPTH} levels", exit_code=1)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def digest(table: Table) -> str:
    """A digest of everything that a table says, provenance left out."""
    rows = table.to_json()["rows"]
    text = json.dumps([SCHEMA, table.unknown, rows], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
