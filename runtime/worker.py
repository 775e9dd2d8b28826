"""The warm parent of all trials: loads the project and its data once, forks a child per trial.

    python -m automlc.runtime.worker PROJECT --control FD --source DATA [--single]

The driver speaks JSON lines over a socket pair. `start` comes with the descriptor of a channel of
its own for the trial; the child sends its reports there and waits for each answer. The parent
says `ready`, `started` and `exited` (status, signal, peak memory). It starts no threads and
touches no accelerator, so that forking is safe. Whoever loses the other end of a channel dies:
children ask the kernel for it, where it can, and watch the channel besides.

With `--single` (where fork is missing or unsafe) the process runs one trial itself and exits.

This module imports only the standard library: it starts fast and its children stay small.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import ctypes
import errno
import gc
import importlib
import json
import os
import re
import resource
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from automlc.runtime.faults import hit

# What a child's exit status says when it could not say more over its channel.
EXIT_FAILED = 3
_MAX_FILE_BYTES = 64 * 1024**3
_PR_SET_PDEATHSIG = 1
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)
_OOM_NAMES = ("OutOfMemoryError", "ResourceExhaustedError")
_OOM_WORDS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "could not create a primitive",  # oneDNN, where it cannot have its memory
    "cannot allocate",
    "resource_exhausted",
    "bad_alloc",
)
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_FRAMEWORKS = ("jax", "jaxlib", "keras", "tensorflow", "torch")
# Trials are held to what they may write, not to their address space: TensorFlow maps 1.5 GB and
# CUDA more, without ever using it. Linux counts private writable memory against RLIMIT_DATA.
_MEMORY_LIMIT = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS


def send(channel: socket.socket, message: Mapping[str, Any]) -> None:
    channel.sendall(json.dumps(message, ensure_ascii=False).encode() + b"\n")


class Lines:
    """Reads JSON lines, and the descriptors that came with them, from a socket."""

    def __init__(self, channel: socket.socket):
        self._channel = channel
        self._buffer = b""
        self.descriptors: list[int] = []

    def read(self) -> list[Any] | None:
        """The complete messages that are there; None when the other end is closed."""
        size = array.array("i").itemsize
        data, extra, _, _ = self._channel.recvmsg(65536, socket.CMSG_SPACE(8 * size))
        for _level, _kind, content in extra:
            found = array.array("i")
            found.frombytes(content[: len(content) - len(content) % size])
            self.descriptors.extend(found)
        if not data:
            return None
        *complete, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in complete]


def die_with_parent(number: int) -> None:
    """Ask the kernel to send a signal when the parent process dies (Linux only)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


# ---- the child: one trial ----


class Child:
    """One trial in its own process group; never returns."""

    def __init__(self, train: ModuleType, data: Any, command: Mapping[str, Any], channel: int):
        self._train = train
        self._data = data
        self._command = command
        self._socket = socket.socket(fileno=channel)
        self._file = self._socket.makefile("rb")

    def run(self) -> NoReturn:
        code = 0
        try:
            self._prepare()
            send(self._socket, self._work())
        except BaseException as error:
            code = EXIT_FAILED
            traceback.print_exc()
            self._tell(describe(error))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _prepare(self) -> None:
        os.umask(0o077)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._redirect(Path(self._command["log"]))
        threading.stack_size(256 * 1024)
        threading.Thread(target=self._watch, daemon=True).start()
        threading.stack_size(0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        lower_limit(resource.RLIMIT_FSIZE, _MAX_FILE_BYTES)
        memory = self._command.get("memory")
        if memory:
            lower_limit(_MEMORY_LIMIT, int(memory))
        hit("child.start")

    def _redirect(self, log: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        for descriptor, path, mode in ((0, os.devnull, os.O_RDONLY), (1, str(log), flags)):
            opened = os.open(path, mode, 0o600)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.dup2(1, 2)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper

    def _watch(self) -> None:
        """Die when the driver does: its end of the channel is then closed by the kernel."""
        poller = select.poll()
        poller.register(self._socket, 0)
        while not any(events & (select.POLLHUP | select.POLLERR) for _, events in poller.poll()):
            pass
        os.killpg(os.getpid(), signal.SIGKILL)

    def _work(self) -> dict[str, Any]:
        trial, source = self._command["trial"], self._command["source"]
        if self._command["kind"] == "pace":
            return {"result": self._train.pace(trial, self._data, self._command["seconds"])}
        if self._command["kind"] == "test":
            return {"result": self._train.test(trial, self._command["weights"], source)}
        self._train.run(trial, self._data, self._report)
        return {"done": True}

    def _report(self, report: dict[str, Any]) -> str:
        """Send what happened in an epoch; blocks until the driver has it on disk and answers."""
        hit("child.report.before")
        send(self._socket, {"report": report})
        answer = self._file.readline()
        if not answer:
            os._exit(0)
        hit("child.report.after")
        return str(json.loads(answer)["answer"])

    def _tell(self, failure: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):
            send(self._socket, {"failed": failure})


def lower_limit(which: int, value: int) -> None:
    """Set a soft and hard limit; a lower one that is in force stays."""
    in_force = [limit for limit in resource.getrlimit(which) if limit != resource.RLIM_INFINITY]
    lowest = min([value, *in_force])
    resource.setrlimit(which, (lowest, lowest))


def describe(error: BaseException) -> dict[str, Any]:
    """The failure class of an exception and one line about it."""
    name = type(error).__name__
    text = gist(str(error))
    message = f"{name}: {text}" if text else name
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        place = f" ({error.filename})" if error.filename else ""
        return {"class": "disk", "message": f"{os.strerror(error.errno)}{place}"}
    if isinstance(error, FloatingPointError):
        return {"class": "nan", "message": text or "a value is not finite"}
    if is_out_of_memory(error):
        return {"class": "oom", "message": message}
    return {"class": "error", "message": message}


def gist(text: str) -> str:
    """A message on one line, without the traceback and the colors that frameworks write into it."""
    lines = (line.strip() for line in _COLORS.sub("", text).splitlines())
    return " ".join(" ".join(line for line in lines if not line.startswith('File "')).split())[:500]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, of Python or of a framework, says that memory ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ in _OOM_NAMES:
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    framework = type(error).__module__.partition(".")[0] in _FRAMEWORKS
    return (framework or isinstance(error, RuntimeError)) and speaks_of_memory(str(error))


def speaks_of_memory(text: str) -> bool:
    """Whether a message or the end of a log says that memory ran out."""
    return any(word in text.lower() for word in _OOM_WORDS)


# ---- the parent ----


class Parent:
    """Waits for commands and for children that end."""

    def __init__(self, control: socket.socket, train: ModuleType, data: Any, source: str | None):
        self._control = control
        self._lines = Lines(control)
        self._train = train
        self._data = data
        self._source = source
        self._children: dict[int, str] = {}

    def serve(self) -> NoReturn:
        """Obey until the driver closes its end, then kill every child and exit."""
        wake, wake_writer = os.pipe()
        os.set_blocking(wake_writer, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: self._quit())
        die_with_parent(signal.SIGTERM)
        send(self._control, {"op": "ready", "pid": os.getpid()})
        while True:
            ready = set(select.select([self._control.fileno(), wake], [], [])[0])
            if wake in ready:
                os.read(wake, 4096)
                self._reap()
            if self._control.fileno() in ready:
                messages = self._lines.read()
                if messages is None:
                    self._quit()
                for message in messages:
                    self._obey(message)

    def _obey(self, message: Mapping[str, Any]) -> None:
        if message["op"] == "start":
            self._start(message, self._lines.descriptors.pop(0))
        elif message["op"] == "kill":
            for pid, name in self._children.items():
                if name == message["id"]:
                    kill_group(pid)

    def _start(self, message: Mapping[str, Any], channel: int) -> None:
        parent = os.getpid()
        command = {**message, "source": self._source}
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            os.setsid()
            die_with_parent(signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            Child(self._train, self._data, command, channel).run()
        os.close(channel)
        self._children[pid] = message["id"]
        send(self._control, {"op": "started", "id": message["id"], "pid": pid})

    def _reap(self) -> None:
        while self._children:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            # What the child started itself ends with it.
            kill_group(pid)
            name = self._children.pop(pid, None)
            if name is not None:
                code = os.waitstatus_to_exitcode(status)
                send(
                    self._control,
                    {"op": "exited", "id": name, "code": code, "memory": peak_bytes(usage)},
                )

    def _quit(self) -> NoReturn:
        for pid in self._children:
            kill_group(pid)
        os._exit(0)


def peak_bytes(usage: Any) -> int:
    """The largest resident size of a process; the unit of ru_maxrss differs by system."""
    return int(usage.ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def kill_group(pid: int) -> None:
    """Kill a process and all that it started; does nothing if there is none."""
    # macOS answers EPERM for a group that consists of zombies only.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def load_project(folder: Path, source: str | None) -> tuple[ModuleType, Any]:
    """Import the project's train.py and read its training and validation data, once."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    train = importlib.import_module("train")
    load: Callable[[str | None], Any] = train.load
    return train, load(source)


def main() -> NoReturn:
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--source")
    parser.add_argument("--single", action="store_true")
    arguments = parser.parse_args()
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Loading may take long and cannot watch the channel; until then the kernel kills us.
    die_with_parent(signal.SIGKILL)
    control = socket.socket(fileno=arguments.control)
    try:
        train, data = load_project(arguments.project, arguments.source)
    except BaseException as error:
        traceback.print_exc()
        send(control, {"op": "failed", **describe(error)})
        sys.exit(EXIT_FAILED)
    gc.collect()
    gc.freeze()
    if arguments.single:
        serve_one(control, train, data, arguments.source)
    Parent(control, train, data, arguments.source).serve()


def serve_one(control: socket.socket, train: ModuleType, data: Any, source: str | None) -> NoReturn:
    """Run the one trial of this process: the driver started it in a session of its own."""
    lines = Lines(control)
    send(control, {"op": "ready", "pid": os.getpid()})
    while True:
        messages = lines.read()
        if messages is None:
            os._exit(0)
        for message in messages:
            command = {**message, "source": source}
            Child(train, data, command, lines.descriptors.pop(0)).run()


if __name__ == "__main__":
    main()
