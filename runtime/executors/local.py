"""Trials on this machine: a warm parent process that forks a child for each trial.

See `automlc.runtime.worker` for the other side. Where fork is missing, or unsafe (macOS, whose
frameworks do not survive it), each trial gets a fresh process; that is slower and is said aloud.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automlc.runtime.executors.base import Ended, Job, Message, Reported
from automlc.runtime.worker import Lines, kill_group, send
from automlc.spec.errors import AutomlcError

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)", re.IGNORECASE)
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_MAX_LINE = 32 * 1024 * 1024
_MAX_DEATHS = 3
_IDLE_S = 0.25


def can_fork() -> bool:
    """Whether trials are forked from a warm parent."""
    return hasattr(os, "fork") and sys.platform != "darwin"


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker: nothing that looks like a secret, one thread to begin with."""
    kept = {name: value for name, value in environ.items() if not _SECRET.search(name)}
    # Threads that wait by spinning make a trial several times slower as soon as anything else
    # computes on the machine; sleeping costs little when nothing does.
    return {"OMP_WAIT_POLICY": "PASSIVE"} | kept | dict.fromkeys(_ONE_THREAD, "1")


@dataclass
class _Running:
    """A job and this side of its channel."""

    job: Job
    channel: socket.socket
    worker: _Worker
    pid: int | None = None
    buffer: bytes = b""
    failure: Mapping[str, Any] | None = None
    result: Any = None
    closed: bool = False


class _Worker:
    """A worker process and the control channel to it."""

    def __init__(
        self, arguments: list[str], folder: Path, log: Path, environment: Mapping[str, str]
    ):
        self.control, theirs = socket.socketpair()
        with log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "automlc.runtime.worker",
                    *arguments,
                    "--control",
                    str(theirs.fileno()),
                ],
                cwd=folder,
                env={**clean_environment(os.environ), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        theirs.close()
        self.lines = Lines(self.control)
        self.ready = False

    def close(self) -> None:
        self.control.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            kill_group(self.process.pid)
            self.process.wait()


@dataclass
class LocalExecutor:
    """Runs jobs of one project; `source` is the path of its data, or a builtin name.

    `log`: the file that gets what the parent process prints. `environment`: variables of the
    workers that count whatever the caller's own say. `fork`: whether a warm parent is used.
    `idle` is called every now and then while the project is being loaded; it may raise.
    """

    project: Path
    source: str | None
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    fork: bool = field(default_factory=can_fork)
    idle: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._running: dict[str, _Running] = {}
        self._messages: list[Message] = []
        self._deaths = 0

    # ---- the contract ----

    def start(self, job: Job) -> None:
        worker = self._worker()
        ours, theirs = socket.socketpair()
        running = _Running(job, ours, worker)
        command = {
            "op": "start",
            "id": job.name,
            "kind": job.kind,
            "trial": dict(job.trial),
            "log": job.log,
            "memory": job.memory,
            "weights": job.weights,
            "seconds": job.seconds,
        }
        self._running[job.name] = running
        try:
            line = json.dumps(command).encode() + b"\n"
            socket.send_fds(worker.control, [line[:1]], [theirs.fileno()])
            worker.control.sendall(line[1:])
        except OSError:
            pass  # The worker just died: reading from it says so and ends the job as lost.
        theirs.close()
        ours.setblocking(False)
        self._selector.register(ours, selectors.EVENT_READ, running)

    def poll(self, timeout: float) -> list[Message]:
        if not self._messages:
            for key, _ in self._selector.select(timeout):
                if isinstance(key.data, _Worker):
                    self._hear_worker(key.data)
                else:
                    self._hear_job(key.data)
        found, self._messages = self._messages, []
        return found

    def answer(self, name: str, word: str) -> None:
        running = self._running.get(name)
        if running is not None:
            with contextlib.suppress(OSError):
                running.channel.send(json.dumps({"answer": word}).encode() + b"\n")

    def kill(self, name: str) -> None:
        running = self._running.get(name)
        if running is None:
            return
        if not self.fork:
            kill_group(running.worker.process.pid)
            return
        with contextlib.suppress(OSError):
            send(running.worker.control, {"op": "kill", "id": name})

    def close(self) -> None:
        for running in self._running.values():
            running.channel.close()
        for worker in self._workers:
            worker.close()
        self._running.clear()
        self._workers.clear()
        self._selector.close()

    # ---- workers ----

    def _worker(self) -> _Worker:
        """The warm parent, started when there is none; or a new process for one trial."""
        if self.fork and self._workers:
            return self._workers[0]
        arguments = [str(self.project)]
        if self.source is not None:
            arguments += ["--source", self.source]
        if not self.fork:
            arguments.append("--single")
        worker = _Worker(arguments, self.project, self.log, self.environment)
        self._workers.append(worker)
        if self.fork:
            self._wait_until_ready(worker)
        self._selector.register(worker.control, selectors.EVENT_READ, worker)
        return worker

    def _wait_until_ready(self, worker: _Worker) -> None:
        """Wait while the project is imported and its data is read."""
        while not worker.ready:
            if not select.select([worker.control], [], [], _IDLE_S)[0]:
                self.idle()
                continue
            messages = worker.lines.read()
            if messages is None:
                self._workers.remove(worker)
                worker.close()
                code = worker.process.returncode
                raise AutomlcError(
                    f"the project could not be loaded: its process ended with {code}",
                    f"see {self.log}",
                )
            for message in messages:
                self._obey(worker, message)

    def _hear_worker(self, worker: _Worker) -> None:
        try:
            messages = worker.lines.read()
        except OSError:
            messages = None
        if messages is None:
            self._bury(worker)
            return
        for message in messages:
            self._obey(worker, message)

    def _obey(self, worker: _Worker, message: Mapping[str, Any]) -> None:
        if message["op"] == "ready":
            worker.ready = True
        elif message["op"] == "failed":
            raise AutomlcError(
                f"the project could not be loaded: {message['message']}", f"see {self.log}"
            )
        elif message["op"] == "started":
            if message["id"] in self._running:
                self._running[message["id"]].pid = message["pid"]
        else:
            self._deaths = 0
            self._end(message["id"], message["code"], message["memory"])

    def _bury(self, worker: _Worker) -> None:
        """The worker process is gone: so are its trials."""
        self._selector.unregister(worker.control)
        self._workers.remove(worker)
        worker.control.close()
        code, memory = _wait(worker.process)
        theirs = [r for r in self._running.values() if r.worker is worker]
        for running in theirs:
            if running.pid is not None:
                kill_group(running.pid)
            kill_group(worker.process.pid)
            self._end(running.job.name, None if self.fork else code, memory)
        if not self.fork:
            return
        self._deaths += 1
        if self._deaths >= _MAX_DEATHS:
            raise AutomlcError(
                f"the worker process died {self._deaths} times in a row (last: {_ending(code)})",
                f"see {self.log}; is there enough memory for the data?",
            )

    # ---- jobs ----

    def _hear_job(self, running: _Running) -> None:
        """Read what a child said; its end is announced by the worker, not by silence here."""
        while not running.closed:
            try:
                data = running.channel.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data or len(running.buffer) > _MAX_LINE:
                running.closed = True
                self._selector.unregister(running.channel)
                return
            *lines, running.buffer = (running.buffer + data).split(b"\n")
            for line in lines:
                self._understand(running, line)

    def _understand(self, running: _Running, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            message = {"report": None}
        if "failed" in message:
            running.failure = message["failed"]
        elif "result" in message:
            running.result = message["result"]
        elif "report" in message:
            self._messages.append(Reported(running.job.name, message["report"]))

    def _end(self, name: str, code: int | None, memory: int | None) -> None:
        running = self._running.get(name)
        if running is None:
            return
        self._hear_job(running)
        del self._running[name]
        if not running.closed:
            self._selector.unregister(running.channel)
        running.channel.close()
        self._messages.append(Ended(name, code, running.failure, running.result, memory))


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, int | None]:
    """Exit code of a process that has closed its channel; it is killed if it lingers."""
    deadline = time.monotonic() + 2
    while process.poll() is None:
        if time.monotonic() > deadline:
            kill_group(process.pid)
        time.sleep(0.005)
    return process.returncode, None


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
