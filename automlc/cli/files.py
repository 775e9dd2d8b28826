"""Spec files that verbs read as text and write anew."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from automlc.spec.errors import AutomlcError, SpecError
from automlc.spec.yaml_nodes import decode

NEW = 0o644  # rights of a file that was not there


def read_spec(path: Path) -> str:
    """A file's text; SpecError if it is too large or not UTF-8, AutomlcError if unreadable."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AutomlcError(f"{path} cannot be read: {error.strerror}") from None
    text, refused = decode(data, str(path))
    if refused is not None:
        raise SpecError([refused], {str(path): text})
    return text


def write_spec(path: Path, text: str, last_check: Callable[[], None] | None = None) -> None:
    """Put a text into a file in one step: a reader sees the old file or the new one.

    Rights and links stay. `last_check` runs just before, and may raise. AutomlcError if the file
    cannot be written.
    """
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(text.encode("utf-8"))
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else NEW)
            if last_check is not None:
                last_check()
            os.replace(name, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as error:
        raise AutomlcError(f"{path} cannot be written: {error.strerror}") from None
