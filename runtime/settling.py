"""A project changes as a whole: its new files are staged, and one rename decides that they count.

    .automlc-new/      being written; of no account
    .automlc-commit/   complete; whoever comes next moves its files to their places

A process that dies in between leaves the old project, or the new one for `settle` to finish.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from automlc.runtime.faults import hit
from automlc.spec.errors import AutomlcError

STAGE = ".automlc-new"
COMMIT = ".automlc-commit"
_LONGEST = 255  # bytes of a file's name
_GONE = ".gone"  # names of files that the new project does not have


def is_plain(name: object) -> bool:
    """Whether a name is that of a file directly in a folder, and one that a file can have."""
    if not isinstance(name, str) or name != os.path.basename(name) or name in ("", ".", ".."):
        return False
    return "\0" not in name and len(name.encode("utf-8", "surrogatepass")) <= _LONGEST


def replace_files(folder: Path, files: Mapping[str, str], gone: Iterable[str], last: str) -> None:
    """Put files into a folder and remove those that are gone: all of it or nothing.

    `last` is the file that is moved last, so that a folder with it is whole. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settle(folder, last)
    stage = folder / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    try:
        for name, text in (*sorted(files.items()), (_GONE, json.dumps(sorted(gone)))):
            _write(stage / name, text)
            hit("compile.staged")
        os.replace(stage, folder / COMMIT)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    hit("compile.committed")
    settle(folder, last)


def settle(folder: Path, last: str = "automlc.lock") -> bool:
    """Finish a replacement that was cut off; returns whether there was one.

    Several processes may do so at once, the one that compiles among them: each file is moved by one
    of them, and nobody removes what another has not moved yet. Raises AutomlcError where it cannot
    be finished.
    """
    commit = folder / COMMIT
    if commit.is_symlink() or not commit.is_dir():
        return False
    try:
        _roll_forward(commit, folder, last)
    except (OSError, ValueError) as error:
        raise AutomlcError(
            f"{commit} holds an unfinished compile that cannot be finished: {error}",
            "make the folder writable, or remove it and compile again",
        ) from error
    return True


def _roll_forward(commit: Path, folder: Path, last: str) -> None:
    try:
        gone = json.loads((commit / _GONE).read_text(encoding="utf-8"))
        names = sorted(path.name for path in commit.iterdir() if path.name != _GONE)
    except FileNotFoundError:
        # All files were moved; what is left is the folder, if that.
        with suppress(FileNotFoundError):
            commit.rmdir()
        return
    for name in filter(is_plain, gone):
        (folder / name).unlink(missing_ok=True)
    for name in sorted(names, key=lambda n: (n == last, n)):
        with suppress(FileNotFoundError):  # moved by another process
            os.replace(commit / name, folder / name)
        hit("compile.moved")
    (commit / _GONE).unlink(missing_ok=True)
    with suppress(OSError):  # gone, or the next compile's already
        commit.rmdir()


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
