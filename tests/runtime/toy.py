"""Builds toy projects and runs them, in this process's forks or as the command line does."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from automlc.runtime import faults
from automlc.runtime.progress import Lines, Progress, Quiet
from automlc.runtime.run import Options, execute
from automlc.runtime.store import Store, open_store
from automlc.spec.errors import AutomlcError

TRAIN = Path(__file__).with_name("toy_train.py")


def parameter(name: str, domain: dict[str, Any], default: Any, when: str | None = None) -> Any:
    return {"name": name, "domain": domain, "default": default, "when": when}


X = parameter("x", {"kind": "float", "low": 0.0, "high": 1.0, "log": False}, 0.5)
KIND = parameter("kind", {"kind": "choice", "values": ["a", "b", "c"]}, "a")
DEPTH = parameter(
    "depth", {"kind": "int", "low": 1, "high": 8, "step": 1, "log": False}, 3, 'kind == "b"'
)
SIZE_OF_X = {"code": [["param", "x"], ["const", 1000], ["mul", 0, 1]], "outputs": {"model.size": 2}}


def plan(**changes: Any) -> dict[str, Any]:
    """A plan of the toy task; nested keys with a double underscore: budget__trials=3."""
    data: dict[str, Any] = {
        "schema": "automlc.plan/1",
        "name": "toy",
        "task": {
            "kind": "tabular_classification",
            "metric": "accuracy",
            "goal": "maximize",
            "target": None,
        },
        "space": {"parameters": [X, KIND, DEPTH], "forbidden": []},
        "constraints": [],
        "costs": {"code": [], "outputs": {}},
        "search": {"strategy": "random", "options": {}},
        "stopping": {"policy": "none", "options": {}},
        "budget": {"trials": 4, "epochs": 3, "wall": None, "epoch_wall": 60, "memory": None},
        "backend": {"kind": "pytorch", "device": "cpu", "precision": "float32", "threads": 1},
        "data": {"source": "builtin:{}", "fingerprint": "sha256:0"},
        "seed": 0,
    }
    for key, value in changes.items():
        section, _, rest = key.partition("__")
        if rest:
            data[section] = {**data[section], rest: value}
        else:
            data[section] = value
    return data


def make_project(folder: Path, behavior: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Write a project as the compiler would; `behavior`: see toy_train.py."""
    source = "builtin:" + json.dumps({"sleep": 0.002, **(behavior or {})})
    folder.mkdir(parents=True)
    (folder / "train.py").write_bytes(TRAIN.read_bytes())
    (folder / "plan.json").write_text(json.dumps(plan(data__source=source, **changes)))
    write_manifest(folder)
    return folder


def write_manifest(folder: Path) -> None:
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != "automlc.lock"
    }
    manifest = {"schema": "automlc.lock/1", "files": files}
    (folder / "automlc.lock").write_text(json.dumps(manifest))


def run_here(project: Path, run: Path, **options: Any) -> int:
    """Run in this process; returns the exit code."""
    options.setdefault("progress", Quiet(io.StringIO()))
    return execute(project, Options(run_dir=run, **options)).exit_code


def run_forked(
    project: Path, run: Path, *, fault: str | None = None, log: Path | None = None, **options: Any
) -> int:
    """Run in a fork of this process: as good as a fresh one, and fast. Negative: a signal."""
    pid = start_forked(project, run, fault=fault, log=log, **options)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def start_forked(
    project: Path, run: Path, *, fault: str | None = None, log: Path | None = None, **options: Any
) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        with (log or Path(os.devnull)).open("a") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
            if fault:
                os.environ["FAULT"] = fault
                faults._fault = faults.read_fault(os.environ)
            progress: Progress = Lines(stream)
            try:
                code = execute(
                    project, Options(run_dir=run, progress=progress, **options)
                ).exit_code
            except AutomlcError as error:
                print("error:", error.message, "|", error.hint, file=stream, flush=True)
                code = error.exit_code
    finally:
        os._exit(code)


def run_command(project: Path, run: Path, *, fault: str | None = None, resume: bool = False) -> int:
    """Run the real command to its end: for what must not run in a fork, such as PyTorch."""
    arguments = [project, "--run-dir", run, *(["--resume"] if resume else [])]
    process = start_command(*arguments, **({"FAULT": fault} if fault else {}))
    process.communicate()
    return process.returncode


def start_command(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start the real command line."""
    return subprocess.Popen(
        [sys.executable, "-m", "automlc", "run", *map(str, arguments)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def store_of(run: Path, goal: str = "maximize") -> Store:
    return open_store(run / "study.db", goal)


def digest_of(run: Path) -> str:
    store = store_of(run)
    try:
        return store.digest()
    finally:
        store.close()


def processes_of(run: Path) -> dict[int, str]:
    """The live processes (not zombies) that belong to a run: {pid: state}."""
    found = {}
    needle = str(run.resolve() / "project").encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if needle in (entry / "cmdline").read_bytes():
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    found[int(entry.name)] = state
    return found


def trial_processes(run: Path) -> list[int]:
    """The processes of trials: those whose parent is a process of the run as well."""
    found = processes_of(run)
    children = []
    for pid in found:
        with contextlib.suppress(OSError):
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if parent in found:
                children.append(pid)
    return children


def wait_for(condition: Any, timeout: float = 20.0) -> Any:
    """The first true answer of `condition`; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"nothing happened in {timeout} s")


def rows(run: Path, sql: str) -> list[tuple[Any, ...]]:
    store = store_of(run)
    try:
        return list(store._query(sql))
    finally:
        store.close()
