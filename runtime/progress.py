"""What a person, or a program, sees while a study runs; at least every 10 seconds something."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

from automlc.runtime.plan import Plan
from automlc.runtime.store import TrialRow
from automlc.runtime.trial import State
from automlc.runtime.wording import count, number, plain
from automlc.spec.record import record

HEARTBEAT_S = 10.0
_LIVE_EVERY_S = 0.25


@record
class Session:
    """What the opening lines say; `done` counts the trials that ended in earlier sessions."""

    plan: Plan
    folder: Path
    workers: int
    resumed: bool
    done: int = 0
    best: tuple[int, float] | None = None

    @property
    def resume_command(self) -> str:
        return f"automlc run {shlex.quote(str(self.folder))} --resume"

    def budget(self) -> str:
        """The budget in one line."""
        budget = self.plan.budget
        words = [f"{count(budget.trials, 'trial')} of {count(budget.epochs, 'epoch')}"]
        if budget.wall is not None:
            words.append(f"wall {budget.wall:g} s")
        if self.plan.task.target is not None:
            words.append(f"until {self.plan.task.metric} {self.plan.task.target:g}")
        return ", ".join(words)


@record
class Closing:
    """What the closing lines say."""

    state: str
    reason: str
    seconds: float
    best: TrialRow | None
    test: Mapping[str, Any] | None
    closest: Mapping[str, Any] | None = None


class Progress(Protocol):
    """Who tells about a study; it must never slow it down or end it."""

    def begin(self, session: Session) -> None: ...

    def say(self, text: str) -> None: ...

    def event(self, kind: str, trial: int, payload: Mapping[str, Any]) -> None: ...

    def trial_ended(self, row: TrialRow, is_best: bool) -> None: ...

    def tick(self, running: Mapping[int, int]) -> None:
        """Called a few times a second with {trial: epochs done} of what runs."""
        ...

    def end(self, closing: Closing) -> None: ...


class Quiet:
    """Says nothing but the closing result."""

    def __init__(self, stream: TextIO | None = None):
        self._stream = stream or sys.stdout

    def begin(self, session: Session) -> None:
        self._session = session

    def say(self, text: str) -> None:
        pass

    def event(self, kind: str, trial: int, payload: Mapping[str, Any]) -> None:
        pass

    def trial_ended(self, row: TrialRow, is_best: bool) -> None:
        pass

    def tick(self, running: Mapping[int, int]) -> None:
        pass

    def end(self, closing: Closing) -> None:
        for line in closing_lines(self._session, closing)[:1]:
            self._write(line)

    def _write(self, line: str) -> None:
        # A closed pipe (head, a dead terminal) must not end the study.
        with contextlib.suppress(OSError, ValueError):
            print(line, file=self._stream, flush=True)


class Lines(Quiet):
    """Plain lines: one per finished trial, and a heartbeat while nothing finishes."""

    def __init__(self, stream: TextIO | None = None):
        super().__init__(stream)
        self._said = time.monotonic()
        self._best: tuple[int, float] | None = None
        self._done = 0

    def begin(self, session: Session) -> None:
        super().begin(session)
        self._best, self._done = session.best, session.done
        for line in opening_lines(session):
            self._write(line)

    def say(self, text: str) -> None:
        self._write(plain(text))

    def trial_ended(self, row: TrialRow, is_best: bool) -> None:
        self._done += 1
        if is_best and row.value is not None:
            self._best = (row.number, row.value)
        self._write(trial_line(row, self._best, is_best))

    def tick(self, running: Mapping[int, int]) -> None:
        if time.monotonic() - self._said >= HEARTBEAT_S:
            self._write(self._heartbeat(running))

    def end(self, closing: Closing) -> None:
        for line in closing_lines(self._session, closing):
            self._write(line)

    def _heartbeat(self, running: Mapping[int, int]) -> str:
        budget = self._session.plan.budget
        work = ", ".join(
            f"trial {trial} at epoch {min(done + 1, budget.epochs)} of {budget.epochs}"
            for trial, done in sorted(running.items())
        )
        best = f"; best {number(self._best[1])}" if self._best else ""
        return f"... {work or 'working'}; {self._done} of {budget.trials} trials done{best}"

    def _write(self, line: str) -> None:
        self._said = time.monotonic()
        super()._write(line)


class JsonLines(Quiet):
    """One JSON object per event, for programs."""

    def begin(self, session: Session) -> None:
        self._session = session
        self._emit(
            "begin",
            run=str(session.folder),
            name=session.plan.name,
            metric=session.plan.task.metric,
            goal=session.plan.task.goal,
            trials=session.plan.budget.trials,
            epochs=session.plan.budget.epochs,
            workers=session.workers,
            resumed=session.resumed,
        )
        self._said = time.monotonic()

    def say(self, text: str) -> None:
        self._emit("note", text=plain(text))

    def event(self, kind: str, trial: int, payload: Mapping[str, Any]) -> None:
        self._emit(kind, **{"trial": trial, **payload})

    def trial_ended(self, row: TrialRow, is_best: bool) -> None:
        self._emit(
            "trial_ended",
            trial=row.number,
            state=str(row.state),
            value=row.value,
            epochs=row.epochs,
            reason=plain(row.reason),
            failure=row.failure or None,
            incumbent=is_best,
            seconds=_seconds(row),
        )

    def tick(self, running: Mapping[int, int]) -> None:
        if time.monotonic() - self._said >= HEARTBEAT_S:
            self._emit("heartbeat", running={str(k): v for k, v in running.items()})

    def end(self, closing: Closing) -> None:
        best = closing.best
        self._emit(
            "end",
            state=closing.state,
            reason=closing.reason,
            seconds=round(closing.seconds, 3),
            best=None if best is None else {"trial": best.number, "value": best.value},
            test=closing.test,
            closest=closing.closest,
        )

    def _emit(self, kind: str, **content: Any) -> None:
        self._said = time.monotonic()
        self._write(json.dumps({"event": kind, "time": time.time(), **content}, default=str))


class Live(Lines):
    """A live table of what runs, below the lines of finished trials; needs a terminal."""

    def __init__(self, stream: TextIO | None = None):
        from rich.console import Console
        from rich.live import Live as RichLive

        super().__init__(stream)
        self._console = Console(file=stream or sys.stdout, highlight=False)
        self._live = RichLive(console=self._console, auto_refresh=False, transient=True)
        self._epochs: dict[int, tuple[int, float, float | None]] = {}
        self._drawn = 0.0

    def begin(self, session: Session) -> None:
        super().begin(session)
        self._live.start()

    def event(self, kind: str, trial: int, payload: Mapping[str, Any]) -> None:
        if kind == "epoch":
            self._epochs[trial] = (payload["epoch"], payload["value"], payload["best"])

    def trial_ended(self, row: TrialRow, is_best: bool) -> None:
        self._epochs.pop(row.number, None)
        super().trial_ended(row, is_best)

    def tick(self, running: Mapping[int, int]) -> None:
        now = time.monotonic()
        if now - self._drawn >= _LIVE_EVERY_S:
            self._drawn = now
            self._live.update(self._table(running), refresh=True)

    def end(self, closing: Closing) -> None:
        self._live.stop()
        super().end(closing)

    def _table(self, running: Mapping[int, int]) -> Any:
        from rich.table import Table

        budget = self._session.plan.budget
        table = Table(box=None, padding=(0, 2, 0, 0))
        for title in ("trial", "epoch", "last", "best"):
            table.add_column(title, justify="right", style="dim")
        for trial, done in sorted(running.items()):
            _, value, best = self._epochs.get(trial, (0, None, None))
            epoch = f"{min(done + 1, budget.epochs)}/{budget.epochs}"
            table.add_row(str(trial), epoch, number(value), number(best))
        best_text = f"best {number(self._best[1])} (trial {self._best[0]})" if self._best else ""
        table.add_row(f"{self._done}/{budget.trials}", "done", "", best_text)
        return table

    def _write(self, line: str) -> None:
        from rich.text import Text

        self._console.print(Text(line))


def opening_lines(session: Session) -> list[str]:
    """What is searched, where it goes, how much of it, and how to go on after a stop."""
    plan = session.plan
    engine = f" ({plain(plan.backend.engine)})" if plan.backend.engine else ""
    lines = [
        f"{plain(plan.name)}: {plan.task.goal} {plain(plan.task.metric)}"
        f" ({plan.task.kind.replace('_', ' ')}), search {plain(plan.search.name)},"
        f" stopping {plain(plan.stopping.name)}",
        f"budget: {session.budget()}; {session.workers} at a time,"
        f" {plain(plan.backend.kind)}{engine} on {plain(plan.backend.device)}",
        f"run: {plain(session.folder)}",
        f"Ctrl-C saves; continue with: {plain(session.resume_command)}",
    ]
    if session.resumed:
        lines.append(f"resumed: {session.done} trials are done")
    return lines


def trial_line(row: TrialRow, best: tuple[int, float] | None, is_best: bool) -> str:
    """One line about a finished trial."""
    mark = "*" if is_best else " "
    parameters = row.costs.get("model.params")
    size = f"{number(parameters)} params" if parameters is not None else ""
    state = f"failed ({row.failure})" if row.state is State.FAILED else str(row.state)
    best_text = f"best {number(best[1])} ({best[0]})" if best else "best -"
    words = [
        f"{mark}trial {row.number:<4}",
        f"{state:<16}",
        f"{number(row.value):>9}",
        f"{best_text:<18}",
        f"{row.epochs:>3} epochs",
        f"{_seconds(row):6.1f} s",
        size,
        plain(row.reason, limit=120),
    ]
    return "  ".join(word for word in words if word)


def _seconds(row: TrialRow) -> float:
    return round(max(0.0, (row.ended or row.started) - row.started), 3)


def closing_lines(session: Session, closing: Closing) -> list[str]:
    """The result first, then where it is and what to do next."""
    folder = shlex.quote(str(session.folder))
    if closing.state != "finished":
        return [f"interrupted ({plain(closing.reason)}); continue: {session.resume_command}"]
    best, metric = closing.best, plain(session.plan.task.metric)
    ended = f"ended after {closing.seconds:.1f} s: {plain(closing.reason)}"
    if best is None:
        lines = [f"no model: no trial ended with one ({ended})"]
        if closing.closest:
            lines.append(f"closest: {plain(closing.closest.get('reason'))}")
        return [*lines, f"next: automlc status {folder}"]
    lines = [f"best: trial {best.number}, validation {metric} {number(best.value, digits=5)}"]
    test = closing.test or {}
    if "metrics" in test:
        metrics = dict(test["metrics"])
        found = [f"{plain(k)} {number(v, digits=5)}" for k, v in metrics.items()]
        lines[0] += f"; test {', '.join(found)}"
    elif "error" in test:
        lines.append(f"the test failed: {plain(test['error'])} (see {folder}/test.txt)")
    lines.append(f"{ended}; model: {plain(session.folder / 'best')}")
    lines.append(f"next: automlc report {folder}; automlc export {folder}; automlc status {folder}")
    return lines


def make_progress(
    *, quiet: bool = False, log_format: str = "text", plain_lines: bool = False
) -> Progress:
    """The right way to tell for this stream: a live table only on a terminal."""
    if log_format == "json":
        return JsonLines()
    if quiet:
        return Quiet()
    if plain_lines or not sys.stdout.isatty():
        return Lines()
    return Live()
