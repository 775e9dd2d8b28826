"""Reading files that anybody may have touched: what is wrong with them, in words."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from automlc.spec.errors import AutomlcError

_CONFLICT = "<<<<<<< "  # what git writes into a file that it could not merge


class DamagedFile(AutomlcError):
    """A file is there and cannot be read, or holds no JSON."""


def read_json(path: Path, hint: str | None = None) -> Any:
    """The value in a file. Raises FileNotFoundError where there is none, else DamagedFile."""
    if not os.path.exists(path):
        raise FileNotFoundError(path)
    try:
        # A pipe would wait for somebody who writes, a device might never end.
        if not path.is_file():
            raise DamagedFile(
                f"{path} is {'a folder' if path.is_dir() else 'a pipe or a device'}", hint
            )
        text = path.read_text(encoding="utf-8")
        return json.loads(text)
    except FileNotFoundError:
        raise  # gone a moment ago
    except OSError as error:
        raise DamagedFile(f"{path} cannot be read: {error.strerror or error}", hint) from error
    except UnicodeDecodeError as error:
        raise DamagedFile(f"{path} is damaged: it is no text in UTF-8", hint) from error
    except RecursionError as error:
        raise DamagedFile(f"{path} is damaged: it is nested too deeply", hint) from error
    except ValueError as error:
        raise DamagedFile(f"{path} is damaged: {_why(text, error)}", hint) from error


def read_regular(path: Path) -> bytes:
    """The bytes of a file; OSError for what may never end or come: a pipe, a device."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no regular file", str(path))
    return path.read_bytes()


@contextmanager
def naming(file: str, path: Path) -> Iterator[None]:
    """Errors about `file` tell its whole path: two projects have files of one name."""
    try:
        yield
    except AutomlcError as error:
        if not error.message.startswith(file):
            raise
        message = f"{path}{error.message.removeprefix(file)}"
        raise AutomlcError(message, error.hint, exit_code=error.exit_code) from None


def _why(text: str, error: ValueError) -> str:
    if not text.strip():
        return "it is empty"
    if text.startswith(_CONFLICT) or f"\n{_CONFLICT}" in text:
        return "it holds the marks of a merge that met a conflict"
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    return "it holds a number that is too long" if "digits" in str(error) else str(error)
