"""The lock of a run: one controller at a time, freed by the kernel when it dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from automlc.spec.errors import AutomlcError

_TRIES = 5


def _locked(descriptor: int) -> bool:
    """Take the lock; a reader that looks whether a run is alive may hold it for an instant."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            time.sleep(0.02)
    return False


class RunLock:
    """An exclusive `flock` on `<run>/lock`; the file holds the controller's process id.

    The file itself is left behind: only the kernel's lock on it counts, so a stale file, even
    one that names a living process, blocks nobody.
    """

    def __init__(self, folder: Path):
        self._file = folder / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> RunLock:
        """Take the lock; AutomlcError with the holder's process id if another one has it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._file, flags, 0o600)
        if not _locked(descriptor):
            pid = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise AutomlcError(
                f"{self._file.parent} is being run by process {pid}",
                f"wait for it, or stop it first: kill -INT {pid}",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> RunLock:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
