"""Writes a project: every file or none, only into folders that are ours."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from automlc.backends.base import emitter
from automlc.compiler.checks import load_checked
from automlc.compiler.contracts.reading import resolve_source
from automlc.compiler.driver import compile_spec
from automlc.compiler.graph import SearchGraph
from automlc.compiler.lock import LOCK, digest, lock_text
from automlc.compiler.plan_text import plan_text
from automlc.runtime.json_files import DamagedFile, read_json, read_regular
from automlc.runtime.settling import STAGE, is_plain, replace_files, settle
from automlc.spec.diagnostics import Diagnostic, quote
from automlc.spec.errors import AutomlcError
from automlc.spec.load import LoadedSpec
from automlc.spec.record import record

RESOLVED = "spec.yaml"  # what a spec of several layers comes to; others are their own file


@record
class Project:
    """An emitted project: where it is, the graph it was written from, and what was warned of."""

    path: Path
    graph: SearchGraph
    warnings: tuple[Diagnostic, ...]
    data: Path | None


@record
class Made:
    """A project in memory: its files, where they belong, and what they were made from."""

    folder: Path
    files: Mapping[str, str]
    graph: SearchGraph
    warnings: tuple[Diagnostic, ...]
    data: Path | None


def make(spec: LoadedSpec | Path, out: Path | None = None, roots: Sequence[Path] = ()) -> Made:
    """Compile a spec without writing anything; see `build`."""
    loaded = load_checked(spec) if isinstance(spec, Path) else spec
    graph, warnings = compile_spec(loaded, roots)
    folder = out if out is not None else Path("build") / graph.name
    data = _data_path(loaded, roots)
    return Made(folder, project_text(graph, loaded, data, folder), graph, warnings, data)


def build(
    spec: LoadedSpec | Path,
    out: Path | None = None,
    roots: Sequence[Path] = (),
    *,
    force: bool = False,
) -> Project:
    """Compile a spec and write its project to `out` (default: build/<name> here).

    `roots` are further folders in which data may lie; `force` overwrites files that were edited.
    Raises SpecError for a wrong spec or wrong data, AutomlcError where the folder cannot be written
    or holds something else.
    """
    made = make(spec, out, roots)
    write(made.folder, made.files, force=force)
    return Project(made.folder, made.graph, made.warnings, made.data)


def project_text(
    graph: SearchGraph, loaded: LoadedSpec, data: Path | None, folder: Path
) -> dict[str, str]:
    """All files of a project: name -> text. `data` is seen from `folder`."""
    source = None
    if loaded.spec.data.source.startswith("builtin:"):
        source = None
    elif data is not None:
        source = Path(os.path.relpath(data, folder.resolve())).as_posix()
    else:
        source = loaded.spec.data.source
    emit = emitter(graph.backend.kind)
    files = dict(emit.project_files(graph, loaded.spec.data, source))
    files["graph.json"] = graph.dumps()
    plan = graph.plan().to_json()
    files["plan.json"] = json.dumps(plan, indent=1, sort_keys=True, allow_nan=False) + "\n"
    files["plan.txt"] = plan_text(graph)
    files["contract.json"] = graph.contract.dumps()
    if loaded.layers is not None and not loaded.layers.is_one_file:
        from automlc.spec import resolved  # not for every spec to wait for

        files[RESOLVED] = resolved.project_text(loaded)
    files[LOCK] = lock_text(graph, loaded, files)
    return files


def _data_path(loaded: LoadedSpec, roots: Sequence[Path]) -> Path | None:
    """Where the data is; None for builtin data and where a recorded contract stands in."""
    if loaded.spec.data.contract is None:
        return resolve_source(loaded, roots)
    try:
        return resolve_source(loaded, roots)
    except AutomlcError:
        return None


def write(folder: Path, files: Mapping[str, str], *, force: bool = False) -> None:
    """Write a project whole: a process that is killed leaves the old one or the new one.

    Refuses a link, and a folder that holds anything but an emitted project. Files that were edited
    after an earlier compile are overwritten with `force` only.
    """
    try:
        settle(folder)
        old = _checked(folder)
        if not force:
            own = [*edited_files(folder, old), *_strangers(folder, old, files)]
            _refuse_edited(folder, own, files)
        _refuse_folders(folder, [*files, *old])
        replace_files(folder, files, set(old) - set(files), LOCK)
    except OSError as error:
        raise AutomlcError(f"{folder} cannot be written: {error.strerror or error}") from error


def _checked(folder: Path) -> dict[str, str]:
    """The digests of an earlier emission that stands in this folder; else it must be free."""
    if folder.is_symlink():
        raise AutomlcError(f"{folder} is a link", "name the folder itself with -o DIR")
    if folder.exists() and not folder.is_dir():
        raise AutomlcError(f"{folder} is a file", "name another folder with -o DIR")
    old = own_files(folder)
    if old is None and folder.is_dir() and {path.name for path in folder.iterdir()} - {STAGE}:
        raise AutomlcError(
            f"{folder} holds files that automlc did not write",
            "name an empty or a new folder with -o DIR",
        )
    return old or {}


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write an export: a project of its own, with a lock that names its files."""
    lock = {"schema": "automlc.lock/1", "files": {n: digest(t) for n, t in sorted(files.items())}}
    write(folder, {**files, LOCK: json.dumps(lock, indent=1, sort_keys=True) + "\n"})


def own_files(folder: Path) -> dict[str, str] | None:
    """The files of an earlier emission and their digests, or None if there was none.

    Raises DamagedFile where there is a lock that does not tell.
    """
    path = folder / LOCK
    hint = f"restore it, as from version control, or remove {folder} and compile again"
    try:
        lock = read_json(path, hint)
    except (FileNotFoundError, NotADirectoryError):
        return None
    files = lock.get("files") if isinstance(lock, dict) else None
    if not isinstance(files, dict):
        raise DamagedFile(f"{path} is damaged: it names no files", hint)
    strange = next((name for name in files if not is_plain(name)), None)
    if strange is not None:
        what = f"{quote(strange)} is no file of a project"
        raise DamagedFile(f"{path} is damaged: {what}", hint)
    return {name: str(digest) for name, digest in files.items()}


def edited_files(folder: Path, old: Mapping[str, str]) -> list[str]:
    """The files that are no longer what the lock says; files that are gone are not among them."""
    return sorted(name for name, digest in old.items() if _is_edited(folder / name, digest))


def _strangers(folder: Path, old: Mapping[str, str], files: Mapping[str, str]) -> list[str]:
    """Files that somebody else put where the project is to have one."""
    names = sorted(set(files) - set(old) - {LOCK}) if old else []
    return [name for name in names if _is_edited(folder / name, digest(files[name]))]


def _refuse_edited(folder: Path, edited: Sequence[str], files: Mapping[str, str]) -> None:
    """Raises AutomlcError where somebody's edits would be lost."""
    lost = [name for name in edited if _content(folder / name) != files.get(name)]
    if lost:
        raise AutomlcError(
            f"{folder}: {', '.join(lost)} was changed after it was written",
            "keep your version by compiling to another folder with -o DIR, or overwrite it with"
            f" automlc compile SPEC -o {folder} --force",
        )


def _refuse_folders(folder: Path, names: Sequence[str]) -> None:
    """Raises AutomlcError where a folder stands in a file's place: half a project would be left."""
    found = sorted(name for name in set(names) if (folder / name).is_dir())
    if found:
        raise AutomlcError(
            f"{folder / found[0]} is a folder, and the project has a file of that name",
            "move it away, or compile to another folder with -o DIR",
        )


def _content(path: Path) -> str | None:
    try:
        return read_regular(path).decode("utf-8")
    except (OSError, ValueError):
        return None


def _is_edited(path: Path, digest: str) -> bool:
    try:
        content = read_regular(path)
    except OSError:
        return False  # gone: nothing to lose
    return hashlib.sha256(content).hexdigest() != digest
