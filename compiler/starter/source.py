"""Finding the data that a first spec is for, and looking at it with the readers of contracts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from automlc.compiler.contracts import builtin, image_folder
from automlc.compiler.contracts.base import Findings, Request, Stop
from automlc.compiler.contracts.contract import DataContract
from automlc.compiler.contracts.files import data_roots, is_inside
from automlc.compiler.contracts.reading import inspect
from automlc.compiler.contracts.table import SUFFIXES as TABLES
from automlc.compiler.starter import table
from automlc.compiler.starter.text import scalar
from automlc.spec.diagnostics import Diagnostic, Severity, quote
from automlc.spec.errors import AutomlcError
from automlc.spec.load import LoadedSpec, load_text
from automlc.spec.suggest import nearest

ARRAYS = (".npz",)
_KINDS = (
    "image_classification",
    "tabular_classification",
    "image_regression",
    "tabular_regression",
)
_MOST_ENTRIES = 10_000  # of a folder that is looked through for data


def is_data_file(path: Path) -> bool:
    """Whether the name is one of a file that a reader knows."""
    return path.name.lower().endswith((*TABLES, *ARRAYS))


def candidates(folder: Path) -> list[str]:
    """Data files and folders of images in a folder, by name."""
    try:
        entries = sorted(folder.iterdir())[:_MOST_ENTRIES]
    except OSError:
        return []
    shown = [entry for entry in entries if not entry.name.startswith(".")]
    return [
        entry.name
        for entry in shown
        if (entry.is_file() and is_data_file(entry)) or (entry.is_dir() and holds_images(entry))
    ]


def holds_images(folder: Path) -> bool:
    """Whether images lie in folders in it, one or (with train and test) two levels down."""
    return any(
        entry.name.lower().endswith(image_folder.EXTENSIONS)
        for inner in _inner(folder)
        for place in (inner, *_inner(inner))
        for entry in _entries(place)
    )


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())[:100]
    except OSError:
        return


def _inner(folder: Path) -> Iterator[Path]:
    return (entry for entry in _entries(folder) if entry.is_dir() and entry.name[0] != ".")


def located(source: str, spec: Path, roots: Sequence[Path]) -> str:
    """A source as the spec at `spec` must name it; AutomlcError where it may not be read.

    `source` is builtin:NAME, or a path as seen from the current folder.
    """
    if source.startswith(builtin.PREFIX):
        name = source.removeprefix(builtin.PREFIX)
        if name in builtin.BUILTINS:
            return source
        near = nearest(name, builtin.BUILTINS)
        known = ", ".join(f"builtin:{n}" for n in sorted(builtin.BUILTINS))
        hint = f"did you mean builtin:{near}?" if near else f"there are {known}"
        raise AutomlcError(f"no built-in data set is called {quote(name)}", hint, exit_code=1)
    if "://" in source:
        raise AutomlcError(
            f"{quote(source)} is an address", "download the data, then name the file", exit_code=1
        )
    path = _existing(source)
    if not is_inside(path, data_roots(spec, roots)):
        raise AutomlcError(
            f"{quote(source)} lies outside the project folder",
            f"move it below the folder of the spec, or allow its folder: --data-root {path.parent}",
            exit_code=1,
        )
    if path.is_dir() and not holds_images(path):
        inside = [name for name in candidates(path) if (path / name).is_file()]
        hint = "images of a class lie in a folder with the name of the class"
        if inside:
            hint = f"name the file: --data {(Path(source) / inside[0]).as_posix()}"
        raise AutomlcError(f"{quote(source)} is a folder without images", hint, exit_code=1)
    if not path.is_dir() and not is_data_file(path):
        raise AutomlcError(
            f"{quote(path.name)} is no kind of data that is read here",
            f"known: {', '.join((*ARRAYS, *TABLES))}, folders of images, builtin:digits",
            exit_code=1,
        )
    return Path(os.path.relpath(path, spec.resolve().parent)).as_posix()


def _existing(source: str) -> Path:
    try:
        path = Path(source).resolve()
        there = path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise AutomlcError(f"{quote(source)} is not a path", exit_code=1) from error
    if there:
        return path
    near = nearest(path.name, [entry.name for entry in _entries(path.parent)])
    close = quote((Path(source).parent / near).as_posix()) if near else ""
    hint = f"did you mean {close}?" if near else f"looked in {path.parent}"
    raise AutomlcError(f"there is no {quote(source)}", hint, exit_code=1)


def loaded_for(source: str, spec: Path, kind: str) -> LoadedSpec:
    """A spec of nothing but a source, to ask the readers with. Images are as if resized."""
    path = spec.resolve().parent / source
    resize = ", image: {size: [32, 32]}" if kind.startswith("image") and path.is_dir() else ""
    text = f"automlc: 1\ntask: {{kind: {kind}}}\ndata: {{source: {scalar(source)}{resize}}}\n"
    return load_text(text, str(spec))


def look_at_table(source: str, spec: Path) -> table.Table:
    """The columns of a csv, tsv or parquet file; AutomlcError where it cannot be read."""
    problems = Findings(loaded_for(source, spec, "tabular_classification"))
    try:
        return table.look((spec.resolve().parent / source).resolve(), problems)
    except Stop:
        raise _error(problems.diagnostics()) from None


def look_at_arrays(
    source: str, spec: Path, roots: Sequence[Path], kind: str | None = None
) -> tuple[str, DataContract]:
    """The kind of task that an npz file, an image folder or a built-in data set is for.

    With `kind`, whether it is for that one. Image folders are read as if all were resized.
    """
    found = []
    for wanted in (kind,) if kind else _KINDS:
        loaded = loaded_for(source, spec, wanted)
        seen = inspect(loaded, roots)
        if seen.contract is not None:
            return wanted, seen.contract
        found.append(seen.diagnostics)
    # What is wrong with the data, rather than that a kind of task does not fit it.
    telling = [d for d in found if not all(x.code in ("E376", "E379", "E350") for x in d)]
    raise _error((telling or found)[0])


def sizes_of(source: str, spec: Path) -> dict[tuple[int, int], int]:
    """How many images have which (height, width)."""
    loaded = loaded_for(source, spec, "image_classification")
    problems = Findings(loaded)
    path = (spec.resolve().parent / source).resolve()
    data = loaded.spec.data
    try:
        request = Request(source, path, "image_classification", data, problems)
        return image_folder.sizes(request)
    except Stop:
        raise _error(problems.diagnostics()) from None


def _error(diagnostics: Sequence[Diagnostic]) -> AutomlcError:
    """The first error of a reader as one line, and how many there are besides."""
    first, *rest = [d for d in diagnostics if d.severity is Severity.ERROR]
    more = f" (and {len(rest)} more problems)" if rest else ""
    return AutomlcError(f"{first.message}{more}", first.hint, exit_code=1)
