"""Cores, memory, disk, the database, the terminal and the clock."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from automlc.runtime.checkup.finding import NOTE, OK, PROBLEM, Finding

LEAST_DISK = 2**30
LITTLE_MEMORY = 2 * 2**30
LEAST_SQLITE = (3, 24, 0)  # INSERT ... ON CONFLICT DO UPDATE
_EARLIEST = 1_735_689_600  # 2025-01-01: a clock before it is wrong
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "lustre", "afs"})


def hardware() -> Iterator[Finding]:
    """Cores and memory that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    yield Finding("machine", "cores", OK, f"{cores} usable")
    memory = _memory()
    if memory is not None:
        few = memory < LITTLE_MEMORY
        mend = "train few models at a time: --workers 1, and set budget.memory" if few else ""
        found = f"{memory / 2**30:.1f} GiB in all"
        yield Finding("machine", "memory", NOTE if few else OK, found, mend)


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def disks(folder: Path) -> Iterator[Finding]:
    """Where runs will be written, and temporary files."""
    free = shutil.disk_usage(folder).free
    found = f"{free / 2**30:.1f} GiB free in {folder}"
    few = free < LEAST_DISK
    mend = "free some space, or run elsewhere: --run-dir" if few else ""
    yield Finding("disk", "free", PROBLEM if few else OK, found, mend)
    yield _writable("this folder", folder, "go to a folder of yours, or use --run-dir")
    temporary = _temporary()
    mend = "set TMPDIR to a folder that can be written"
    if temporary is None:
        yield Finding("disk", "temporary files", PROBLEM, "no folder can be written", mend)
    else:
        yield _writable("temporary files", temporary, mend)


def _temporary() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return None


def _writable(name: str, folder: Path, mend: str) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(prefix=".automlc-doctor-", dir=folder) as file:
            file.write(b"x" * 4096)
            file.flush()
    except OSError as error:
        found = f"{folder} cannot be written: {error.strerror}"
        return Finding("disk", name, PROBLEM, found, mend)
    return Finding("disk", name, OK, f"{folder} can be written")


def database(folder: Path) -> Iterator[Finding]:
    """SQLite, and whether its write-ahead log works on the file system of a folder."""
    try:
        import sqlite3
    except ImportError:
        mend = "install a Python with SQLite (Debian: libsqlite3-0, then Python anew)"
        yield Finding("database", "SQLite", PROBLEM, "this Python has none", mend)
        return
    old = sqlite3.sqlite_version_info < LEAST_SQLITE
    mend = "install a newer Python, which brings a newer SQLite" if old else ""
    found = sqlite3.sqlite_version + (" is too old" if old else "")
    yield Finding("database", "SQLite", PROBLEM if old else OK, found, mend)
    yield _wal(folder)


def _wal(folder: Path) -> Finding:
    """A study needs a database in write-ahead mode where its run directory lies."""
    import sqlite3

    kind = file_system(folder)
    local = "a disk of this machine: --run-dir /tmp/run"
    try:
        with tempfile.TemporaryDirectory(prefix=".automlc-doctor-", dir=folder) as made:
            connection = sqlite3.connect(Path(made) / "probe.db")
            try:
                mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                connection.execute("CREATE TABLE probe (value INTEGER)")
                connection.commit()
            finally:
                connection.close()
    except (OSError, sqlite3.Error) as error:
        found = f"does not work in {folder}: {error}"
        return Finding("database", "write-ahead log", PROBLEM, found, f"write runs to {local}")
    if str(mode).lower() != "wal":
        found = f"not on this file system ({kind or 'unknown'})"
        return Finding("database", "write-ahead log", PROBLEM, found, f"write runs to {local}")
    if kind in _NETWORK:
        found = f"works here, but {kind} is a network file system, whose locks may fail"
        return Finding("database", "write-ahead log", NOTE, found, f"better {local}")
    return Finding("database", "write-ahead log", OK, f"works{f' on {kind}' if kind else ''}")


def file_system(folder: Path, table: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system that a folder lies on; "" where the system does not say."""
    try:
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
        resolved = folder.resolve()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        left, _, right = line.partition(" - ")
        fields, types = left.split(), right.split()
        if len(fields) < 5 or not types:
            continue
        point = Path(fields[4].replace("\\040", " "))
        if resolved.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), types[0]
    return kind


def terminal() -> Finding:
    """Whether what is printed can be read."""
    encoding = (sys.stdout.encoding or "").lower() or locale.getpreferredencoding(False)
    if encoding.replace("-", "") in ("utf8", "utf8sig"):
        return Finding("terminal", "encoding", OK, encoding)
    mend = "set PYTHONUTF8=1, or LANG to one that ends in UTF-8"
    found = f"{encoding or 'unknown'}: texts outside it may look broken"
    return Finding("terminal", "encoding", NOTE, found, mend)


def clock() -> Finding:
    """Walls are kept with a clock that only goes forward; names of runs have the date."""
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    resolution = time.get_clock_info("monotonic")
    if time.time() < _EARLIEST:
        mend = "set the clock of the machine"
        return Finding("machine", "clock", NOTE, f"{now}, which is past", mend)
    if not resolution.monotonic:
        mend = "walls of budgets may be wrong on this system"
        return Finding("machine", "clock", NOTE, "not monotonic", mend)
    return Finding("machine", "clock", OK, now)
