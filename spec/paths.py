"""Where the files of a spec may lie."""

from __future__ import annotations

from pathlib import Path


def project_root(spec_file: Path) -> Path:
    """The project, links resolved: the current folder if the spec lies below it, else its own."""
    folder, current = spec_file.resolve().parent, Path.cwd().resolve()
    return current if folder.is_relative_to(current) else folder
