"""Fault points: named places at which a test makes this process die, fail or wait.

`FAULT=<point>:<n>:<action>` is read once, when a process starts; without it `hit` is one look-up.
A point may be a pattern (`driver.*`), in which case the n-th hit of any matching point counts.
Actions: `sigkill`, `sigterm`, `sigint`, `exit1`, `enospc` (OSError), `sleep` (30 seconds),
`torn` (the file given to `hit` loses its last 20 bytes, then the process is killed).
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

VARIABLE = "FAULT"
_TORN_BYTES = 20


@dataclass
class Fault:
    """One planned fault; `left` counts the hits until it fires."""

    point: str
    left: int
    action: str


def read_fault(environ: Mapping[str, str]) -> Fault | None:
    """The fault that the environment asks for, if any; ValueError for a malformed one."""
    text = environ.get(VARIABLE)
    if not text:
        return None
    point, number, action = text.rsplit(":", 2)
    return Fault(point, int(number), action)


_fault = read_fault(os.environ)


def hit(point: str, file: Path | None = None) -> None:
    """Pass a fault point; does nothing unless this very hit was asked for."""
    if _fault is None or not fnmatchcase(point, _fault.point):
        return
    _fault.left -= 1
    if _fault.left == 0:
        _fire(_fault.action, file)


def _fire(action: str, file: Path | None) -> None:
    if action == "sleep":
        time.sleep(30)
    elif action == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif action == "exit1":
        os._exit(1)
    elif action == "sigterm":
        os.kill(os.getpid(), signal.SIGTERM)
    elif action == "sigint":
        os.kill(os.getpid(), signal.SIGINT)
    else:
        if action == "torn" and file is not None:
            os.truncate(file, max(0, file.stat().st_size - _TORN_BYTES))
        os.kill(os.getpid(), signal.SIGKILL)
