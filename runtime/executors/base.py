"""The contract of an executor: it runs trials somewhere and tells what becomes of them.

An executor decides nothing: no retries, no stopping, no timeouts. It carries reports to the study
and answers back, and says how each job ended. Every job ends with exactly one `Ended`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from automlc.spec.record import record


@record
class Job:
    """One attempt of a trial, or another question to the project; `name` is unique in a session.

    `kind`: run (an attempt), test (of `weights`), pace (how long a configuration takes; `seconds`
    is how long it may measure).
    """

    name: str
    kind: str
    trial: Mapping[str, Any]
    log: str
    memory: int | None = None
    weights: str | None = None
    seconds: float | None = None


@record
class Reported:
    """A job finished an epoch and waits for an answer; `data` is unchecked."""

    name: str
    data: Any


@record
class Ended:
    """A job is over.

    `code` is the exit status, negative for a signal; None when the worker itself was lost.
    `failure`: what the job said about its end, {"class", "message"}. `memory`: peak bytes.
    `result`: what a test or a pace returned.
    """

    name: str
    code: int | None
    failure: Mapping[str, Any] | None = None
    result: Any = None
    memory: int | None = None
    notes: tuple[str, ...] = field(default=())


Message = Reported | Ended


class Executor(Protocol):
    """Who runs trials."""

    def start(self, job: Job) -> None:
        """Begin a job; AutomlcError if nothing can be run at all."""
        ...

    def poll(self, timeout: float) -> list[Message]:
        """What happened since the last call; waits up to `timeout` seconds for something."""
        ...

    def answer(self, name: str, word: str) -> None:
        """Answer the last report of a job: continue or stop."""
        ...

    def kill(self, name: str) -> None:
        """End a job at once; its `Ended` follows."""
        ...

    def close(self) -> None:
        """Kill what still runs and give everything back."""
        ...
