"""Finding a source inside the data roots, and fingerprints of what is found."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from automlc.spec.paths import project_root

ROOT_VARIABLE = "AUTOMLC_DATA_ROOT"
_CHUNK = 2**20


def data_roots(spec_file: Path, extra: Sequence[Path] = ()) -> tuple[Path, ...]:
    """The folders that data may be read from, links resolved.

    The project root (the current folder if the spec lies below it, else the spec's folder), then
    `extra` (--data-root), then those of AUTOMLC_DATA_ROOT.
    """
    environment = [Path(p) for p in os.environ.get(ROOT_VARIABLE, "").split(os.pathsep) if p]
    folders = (project_root(spec_file), *extra, *environment)
    return tuple(dict.fromkeys(path.resolve() for path in folders))


def is_inside(path: Path, roots: Iterable[Path]) -> bool:
    """Whether a resolved path is one of the roots or lies below one."""
    return any(path.is_relative_to(root) for root in roots)


def sha256_of_file(path: Path) -> str:
    """ "sha256:<hex>" of the bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def sha256_of_listing(entries: Iterable[tuple[str, str]]) -> str:
    """ "sha256:<hex>" of a folder, from (relative posix path, hex digest) of its files.

    One line `<digest>  <path>` for each file, ordered by path.
    """
    lines = [f"{digest}  {path}\n" for path, digest in sorted(entries)]
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"
