"""Runs commands of automlc in a child process under an audit hook and reports what they touched.

The first row of the trust model (docs/security.md): `validate`, `plan`, `compile`, `graph`,
`explain` and `report` read an untrusted spec, so they may read under the project root, write under
the output folder, and nothing else. Python raises an *audit event* before it does any of the
things that matter; the hook here writes down every event that the row forbids, and refuses it.

    python tests/security/audit.py < jobs.json > results.jsonl

jobs.json is a list of {"label", "arguments", "root", "output"}; one result line for each job:
{"label", "exit", "violations", "stdout", "stderr", "modules"}. One process runs all jobs of a
file, because most of the time of a command is spent in importing; each result is flushed at once,
so that a crash tells which job it was.

What is allowed, and why:
* Opening for reading under the interpreter's prefixes, the entries of sys.path and the checkout:
  that is the installed program itself. Also three files of the system that the standard library
  and numpy read by themselves (SYSTEM_FILES).
* marshal.loads called by importlib: that is how a .pyc is read. Anybody else's call is refused.
* ctypes.dlopen and os.putenv while a *library* is being imported (the innermost module body on
  the stack belongs to an installed package, and no function of automlc runs above it). Importing
  ctypes opens the interpreter itself, and numpy's import sets a variable of its linear algebra.
  What the rule must catch is a library opened because of what a spec said, and that happens in a
  function of ours or in a library that such a function called, not in the import of a library.
  A library file inside an installed package is part of the program (threadpoolctl looks so).
* compile and exec by libraries (dataclasses, pydantic and jinja2 build their own code), never from
  a function of automlc itself. `ast.parse` also raises `compile`, from ast.py: it does not run.
* An output folder's own parents may be created, nothing else may be written outside it.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
OURS = tuple(
    str(CHECKOUT / name) + os.sep
    for name in ("automlc", "backends", "compiler", "grammar", "runtime", "spec")
)
PREFIXES = tuple(
    {
        os.path.realpath(p)
        for p in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path)
        if p and os.path.isdir(p) and os.path.realpath(p) != os.path.realpath(os.getcwd())
    }
    | {name.rstrip(os.sep) for name in OURS}
)
SYSTEM_FILES = frozenset({"/dev/null", "/dev/urandom", "/proc/cpuinfo"})
SYSTEM_FOLDERS = ("/usr/share/zoneinfo", "/proc/self")

# Never, whoever calls.
FORBIDDEN = frozenset(
    {
        "ftplib.connect",
        "http.client.connect",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.kill",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pickle.find_class",
        "pty.spawn",
        "smtplib.connect",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendto",
        "subprocess.Popen",
        "urllib.Request",
        "webbrowser.open",
    }
)
# event -> positions of the arguments that are paths which the event changes
WRITES = {
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.link": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
    "shutil.move": (0, 1),
    "shutil.rmtree": (0,),
}
READS = {"os.listdir": (0,), "os.scandir": (0,), "sqlite3.connect": (0,)}


class Refused(PermissionError):
    """Raised out of the hook, so that what is forbidden does not happen either."""


class Gate:
    """The rules for the job that is running, and what was found against them."""

    def __init__(self) -> None:
        self.root: str | None = None  # None: no job is running, nothing is judged
        self.output = ""
        self.violations: list[str] = []
        self.judging = False

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.root is None or self.judging:
            return
        self.judging = True  # what the judge itself does (realpath) is not judged
        try:
            reason = self.judge(event, arguments)
            if reason:
                where = " <- ".join(
                    f"{f.filename}:{f.lineno}" for f in traceback.extract_stack()[-6:-2]
                )
                self.violations.append(f"{event}: {reason} [{where}]")
        finally:
            self.judging = False
        if reason:
            raise Refused(f"audit: {event}: {reason}")

    def judge(self, event: str, arguments: tuple[Any, ...]) -> str | None:
        """Why the event is forbidden, or None."""
        if event in FORBIDDEN:
            return f"forbidden {arguments!r:.200}"
        if event == "open":
            return self.judge_open(*arguments)
        if event in WRITES:
            paths = [arguments[i] for i in WRITES[event]]
            if event in ("os.remove", "os.rmdir") and arguments[1] >= 0:
                # As seen from a folder that is open, which shutil.rmtree does.
                paths = [os.path.join(os.readlink(f"/proc/self/fd/{arguments[1]}"), paths[0])]
            if event == "os.mkdir" and self.is_parent_of_output(paths[0]):
                return None
            return self.first_outside(paths, (self.output,), "writes")
        if event in READS:
            paths = [clean_uri(arguments[i]) for i in READS[event]]
            return self.first_outside(paths, (self.root or "", self.output, *PREFIXES), "reads")
        if event == "marshal.loads":
            caller = innermost()
            name = caller.f_code.co_filename if caller else ""
            return None if name.startswith("<frozen importlib") else f"called by {name}"
        if event == "ctypes.dlopen" and is_installed(arguments[0]):
            return None
        if event in ("ctypes.dlopen", "os.putenv"):
            return None if importing_a_library() else f"{arguments!r:.200}"
        if event in ("exec", "compile"):
            caller = innermost()
            if caller and caller.f_code.co_filename.startswith(OURS):
                return f"by {caller.f_code.co_filename}:{caller.f_lineno}"
        return None

    def judge_open(self, path: Any, mode: str | None, flags: int) -> str | None:
        if isinstance(path, int):
            return None  # a descriptor: judged when it was opened
        writing = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
        if writing and os.fsdecode(path) != os.devnull:
            return self.first_outside([path], (self.output,), "writes")
        if os.fsdecode(path) in SYSTEM_FILES or real(path).startswith(SYSTEM_FOLDERS):
            return None
        return self.first_outside([path], (self.root or "", self.output, *PREFIXES), "reads")

    def first_outside(self, paths: list[Any], folders: tuple[str, ...], what: str) -> str | None:
        for path in paths:
            if isinstance(path, int) or path is None:
                continue
            resolved = real(path)
            if not any(resolved == f or resolved.startswith(f + os.sep) for f in folders if f):
                return f"{what} {resolved}"
        return None

    def is_parent_of_output(self, path: Any) -> bool:
        return bool(self.output) and (self.output + os.sep).startswith(real(path) + os.sep)


def real(path: Any) -> str:
    return os.path.realpath(os.fsdecode(path))


def clean_uri(path: Any) -> Any:
    """sqlite3 names a file by path, or by file:...?mode=ro."""
    text = os.fsdecode(path) if not isinstance(path, int) else path
    return text.removeprefix("file:").split("?")[0] if isinstance(text, str) else text


def is_installed(library: Any) -> bool:
    """The interpreter itself, or a file inside an installed package."""
    return library is None or (os.path.isabs(library) and real(library).startswith(PREFIXES))


def frames() -> Iterator[FrameType]:
    """The stack of what raised the event, innermost first, without the frames of this file."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            yield frame
        frame = frame.f_back


def innermost() -> FrameType | None:
    return next(frames(), None)


def importing_a_library() -> bool:
    """Whether a library's module body runs, with no function of ours called from within it."""
    for frame in frames():
        if frame.f_code.co_filename.startswith(OURS):
            return False
        if frame.f_code.co_name == "<module>":
            return real(frame.f_code.co_filename).startswith(PREFIXES)
    return False


def run(gate: Gate, job: dict[str, Any]) -> dict[str, Any]:
    """Run one command the way the `automlc` script does, under the gate."""
    from automlc.cli.main import main

    os.chdir(job["root"])
    sys.argv = ["automlc", *job["arguments"]]
    os._exit = sys.exit  # which `validate` ends by
    out, err = io.StringIO(), io.StringIO()
    code: object = "none"
    gate.violations, gate.output = [], os.path.realpath(job["output"]) if job["output"] else ""
    gate.root = os.path.realpath(job["root"])
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # a traceback is a finding, not the end of the other jobs
        gate.root = None
        err.write(traceback.format_exc())
    finally:
        gate.root = None
    return {
        "label": job["label"],
        "exit": code,
        "violations": gate.violations,
        "stdout": out.getvalue(),
        "stderr": err.getvalue(),
        "modules": sorted({name.split(".")[0] for name in sys.modules}),
    }


def serve() -> None:
    jobs = json.load(sys.stdin)
    results = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.dont_write_bytecode = True
    # Asked for before the hook, because it finds a folder by writing into it; a command that
    # really writes there is still caught.
    tempfile.gettempdir()
    gate = Gate()
    sys.addaudithook(gate.hook)
    for job in jobs:
        print(json.dumps(run(gate, job)), file=results, flush=True)


if __name__ == "__main__":
    serve()
