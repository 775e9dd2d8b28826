"""Read-only queries on a run directory; safe while the run is live.

The database is opened with SQLite's `mode=ro`, so a reader can neither change a run nor hold up
its writer. A run directory may come from a stranger: every value that is read is checked for its
type, and what does not fit becomes None or empty instead of an exception.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from automlc.runtime.trial import PLANS
from automlc.runtime.wording import moment, plain
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

if TYPE_CHECKING:
    import pandas

    from automlc.runtime.monitor import Condition, Monitor, Seen

STATES = ("complete", "stopped", "failed", "running")
ENDED = "state IN ('complete', 'stopped') AND typeof(value) IN ('real', 'integer')"
# The columns that are read here; a study without them is refused when it is opened.
SCHEMA = {
    "meta": "key, value",
    "events": "seq, time, kind, trial, attempt, payload",
    "trials": "number, state, config, seed, attempt, epochs, value, best_epoch, reason, failure, "
    "feasible, costs, why, started, ended, checkpoint, weights",
    "epochs": "trial, epoch, value, seconds, learning_rate, metrics",
    "feedback": "trial, epoch, payload",
}
_BARS = ("outside", "lost")  # trials of earlier plans that cannot be the best any more
_MAX_PLAN_BYTES = 64 * 1024 * 1024


@record
class Trial:
    """One row of the study: what was tried and how it went. Times are Unix seconds."""

    number: int
    state: str
    config: Mapping[str, Any]
    seed: int | None
    attempt: int
    epochs: int
    value: float | None
    best_epoch: int | None
    reason: str
    failure: str
    feasible: bool
    costs: Mapping[str, float | int]
    why: Mapping[str, Any]
    started: float | None
    ended: float | None
    checkpoint: Mapping[str, Any] | None
    weights: Mapping[str, Any] | None

    @property
    def seconds(self) -> float | None:
        """Wall time from start to end, None while it runs."""
        if self.started is None or self.ended is None:
            return None
        return max(0.0, self.ended - self.started)

    @property
    def folder(self) -> str:
        """Name of the trial's folder in the run directory."""
        return f"t{self.number:04d}"

    def to_json(self) -> dict[str, Any]:
        """The trial as JSON values."""
        return asdict(self) | {"seconds": self.seconds}


@record
class Outside:
    """Why the plan that a run is under now does not allow a trial, and since which plan and when.

    Such a trial is kept, but no searcher and no policy sees it, and it cannot be the best.
    """

    plan: int | None
    since: float | None
    reason: str

    @property
    def text(self) -> str:
        """One line for people."""
        since = "" if self.plan is None else f" since plan {self.plan}"
        when = "" if self.since is None else f" ({moment(self.since)})"
        return f"outside the plan{since}{when}: {plain(self.reason)}"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@record
class Epoch:
    """What a trial reported after one epoch; `value` is the validation metric."""

    epoch: int
    value: float | None
    seconds: float | None
    learning_rate: float | None
    metrics: Mapping[str, float | None]


@record
class Event:
    """One line of the append-only log. `time` is Unix seconds."""

    seq: int
    time: float
    kind: str
    trial: int | None
    attempt: int | None
    payload: Mapping[str, Any]


@record
class Summary:
    """The state of a run in one value; `to_json` is what `automlc status --json` prints."""

    run: str
    name: str
    state: str
    reason: str | None
    trials: Mapping[str, int]
    best: Mapping[str, Any] | None
    metric: str
    goal: str
    target: float | None
    budget: Mapping[str, Any]
    elapsed: float
    test: Mapping[str, Any] | None
    closest: Mapping[str, Any] | None = None  # smallest violation, where nothing was feasible
    resume: str | None = None
    condition: Mapping[str, str] | None = None  # of the best trial's training, in the end
    actions: Mapping[str, int] | None = None  # {taken, better} where the search is steered by rules
    pace: Mapping[str, Any] | None = None  # the probe of the device, where the budget has a wall
    wall_left: float | None = None  # seconds that nothing which was proposed could use
    folder: str = field(default="", compare=False)
    plans: Sequence[Mapping[str, Any]] = ()  # those that the run was switched to

    def to_json(self) -> dict[str, Any]:
        """The summary as JSON values."""
        return asdict(self)


class RunView:
    """A run directory, opened for reading. Close it, or use it in a `with` statement."""

    def __init__(self, folder: Path, database: sqlite3.Connection):
        self.folder = folder
        self._database = database

    @classmethod
    def open(cls, folder: str | Path | None = None) -> RunView:
        """Open a run directory, a folder of runs (its latest), or `runs/latest` by default.

        Raises:
            AutomlcError: there is no run here, or its database cannot be read.
        """
        run = find_run(folder)
        return cls(run, _connect(run / "study.db"))

    def close(self) -> None:
        """Release the database."""
        self._database.close()

    def __enter__(self) -> RunView:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def snapshot(self) -> Iterator[RunView]:
        """Everything read inside sees the study at one instant, even while it is live."""
        self._rows("BEGIN")
        try:
            yield self
        finally:
            self._database.rollback()

    @cached_property
    def plan(self) -> Mapping[str, Any]:
        """plan.json as written by the compiler; empty when it is missing or broken."""
        kept = self._kept()
        return (read_json(kept / "plan.json") if kept else {}) or read_json(
            self.folder / "plan.json"
        )

    @property
    def project(self) -> Path:
        """The code of the plan that the run is under.

        A switch of plans that was cut off stands in the store, and its project in plans/ until the
        run is resumed; a reader looks there and changes nothing.
        """
        own, kept = self.folder / "project", self._kept()
        lock = "automlc.lock"
        if kept is None or read_json(kept / lock) in ({}, read_json(own / lock)):
            return own
        return kept

    def _kept(self) -> Path | None:
        """The kept project of the latest switch of plans; None for a run that had none."""
        number = _integer(self.meta.get("plan_number"))
        return None if number is None else self.folder / PLANS / str(number) / "project"

    @property
    def meta(self) -> dict[str, Any]:
        """The study's own record: state, reason, seed, versions, test result and so on."""
        return {str(key): _loose(value) for key, value in self._rows("SELECT key, value FROM meta")}

    @property
    def name(self) -> str:
        """The spec's name."""
        return str(self.plan.get("name") or self.folder.name)

    @property
    def task(self) -> Mapping[str, Any]:
        """The plan's task: kind, metric, goal, target."""
        return _mapping(self.plan.get("task"))

    @property
    def metric(self) -> str:
        """The validation metric that the study optimizes."""
        return str(self.task.get("metric") or "value")

    @property
    def goal(self) -> str:
        """`maximize` or `minimize`."""
        return "minimize" if self.task.get("goal") == "minimize" else "maximize"

    def summary(self) -> Summary:
        """The state of the run now."""
        meta = self.meta
        state, reason = self._state(meta)
        best = self.best()
        return Summary(
            run=str(meta.get("run_id") or self.folder.name),
            name=self.name,
            state=state,
            reason=reason,
            trials=self.counts(),
            best=None if best is None else _best_json(best),
            metric=self.metric,
            goal=self.goal,
            target=_number(self.task.get("target")),
            budget=_mapping(self.plan.get("budget")),
            elapsed=self.elapsed(live=state == "running"),
            test=_mapping(meta.get("test")) or None,
            closest=_mapping(meta.get("closest")) or None,
            resume=self.resume_command() if state == "interrupted" else None,
            condition=None if best is None else self._last_condition(best),
            actions=self._actions() if isinstance(self.plan.get("rules"), dict) else None,
            pace=_mapping(meta.get("pace")) or None,
            wall_left=_number(_mapping(meta.get("wall_left")).get("seconds")),
            folder=str(self.folder),
            plans=self.plans(),
        )

    def _state(self, meta: Mapping[str, Any]) -> tuple[str, str | None]:
        state = str(meta.get("state") or "unknown")
        reason = meta.get("reason")
        if state == "running" and not is_locked(self.folder / "lock"):
            return "interrupted", "the driver is gone without a word; nothing finished is lost"
        return state, None if reason in (None, "") else str(reason)

    def resume_command(self) -> str:
        """The command that continues this run."""
        from shlex import quote as shell_quote

        return f"automlc run {shell_quote(str(self.folder))} --resume"

    def counts(self) -> dict[str, int]:
        """Trials by state, and their total so far."""
        found = dict(self._rows("SELECT state, count(*) FROM trials GROUP BY state"))
        return {"total": sum(found.values())} | {state: found.get(state, 0) for state in STATES}

    def elapsed(self, *, live: bool = False) -> float:
        """Seconds in which a driver worked on the study; pauses between sessions do not count."""
        return sum(end - start for start, end in self.sessions(live=live))

    def sessions(self, *, live: bool = False) -> list[tuple[float, float]]:
        """(first, last) time of each session, from the event log; Unix seconds."""
        starts = self._rows(
            "SELECT seq FROM events WHERE kind IN ('study_started', 'study_resumed') ORDER BY seq"
        )
        bounds = [*(int(seq) for (seq,) in starts), 2**62]
        found = [self._session(first, following) for first, following in pairwise(bounds)]
        spans = [span for span in found if span is not None]
        if live and spans:
            spans[-1] = (spans[-1][0], max(spans[-1][1], time.time()))
        return spans

    def _session(self, first: int, following: int) -> tuple[float, float] | None:
        rows = self._rows(
            "SELECT min(time), max(time) FROM events WHERE seq >= ? AND seq < ?", (first, following)
        )
        low, high = _number(rows[0][0]), _number(rows[0][1])
        return None if low is None or high is None else (low, high)

    def trials(self) -> list[Trial]:
        """Every trial so far, by number."""
        return [self._trial(row) for row in self._named("SELECT * FROM trials ORDER BY number")]

    def trial(self, number: int) -> Trial:
        """One trial.

        Raises:
            AutomlcError: the study has no trial of this number; the hint names the range.
        """
        known = abs(number) < 2**63  # what SQLite can hold
        rows = self._named("SELECT * FROM trials WHERE number = ?", (number,)) if known else []
        if rows:
            return self._trial(rows[0])
        raise AutomlcError(f"there is no trial {number} in {self.folder}", self._range_hint())

    def _range_hint(self) -> str:
        low, high = self._rows("SELECT min(number), max(number) FROM trials")[0]
        if low is None:
            return "no trial has started yet"
        return f"the trials are {low} to {high}"

    def best(self) -> Trial | None:
        """The incumbent: the best ended trial, feasible ones first; ties go to the earlier."""
        order = "ASC" if self.goal == "minimize" else "DESC"
        rows = self._named(
            f"SELECT * FROM trials WHERE {ENDED}{self._barred(*_BARS)} "  # noqa: S608
            f"ORDER BY coalesce(feasible, 1) DESC, value {order}, number LIMIT 1"
        )
        return self._trial(rows[0]) if rows else None

    def _trial(self, row: Mapping[str, Any]) -> Trial:
        """A trial, its configuration as the plan writes it that the run has now."""
        trial = _trial(row)
        config = self._configs.get(str(trial.number))
        return replace(trial, config=config) if isinstance(config, dict) else trial

    @cached_property
    def _configs(self) -> Mapping[str, Any]:
        return _mapping(self.meta.get("configs"))

    def _barred(self, *kinds: str) -> str:
        """SQL that leaves out trials of earlier plans that a switch barred; own numbers only."""
        meta = self.meta
        numbers = [n for key in kinds for n in _mapping(meta.get(key))]
        own = sorted({int(n) for n in numbers if str(n).isascii() and str(n).isdigit()})
        return f" AND number NOT IN ({', '.join(map(str, own))})" if own else ""

    def plans(self) -> list[dict[str, Any]]:
        """The plans that the run was switched to: number, changes and trials left outside."""
        found = []
        for event in self._named(
            "SELECT time, payload FROM events WHERE kind = 'plan_changed' ORDER BY seq"
        ):
            payload = _object(event["payload"])
            number = _integer(payload.get("number"))
            changes = payload.get("changes")
            found.append(
                {
                    "number": number or 0,
                    "time": _number(event["time"]),
                    "changes": changes if isinstance(changes, list) else [],
                    "outside": dict(_mapping(payload.get("outside"))),
                }
            )
        return found

    @cached_property
    def outsiders(self) -> Mapping[int, Outside]:
        """The trials that the plan of the run does not allow, by number."""
        found: dict[int, Outside] = {}
        plans = self.plans()
        for name, reason in _mapping(self.meta.get("outside")).items():
            if not (name.isascii() and name.isdigit()):
                continue
            number, time_ = None, None
            for plan in reversed(plans):
                if name not in plan["outside"]:
                    break
                number, time_ = plan["number"], plan["time"]
            found[int(name)] = Outside(number, time_, _text(reason))
        return found

    def lost(self, number: int) -> str | None:
        """Why a trial that counts cannot be the best any more; None where it can."""
        reason = _mapping(self.meta.get("lost")).get(str(number))
        return None if reason is None else _text(reason)

    def rank(self, trial: Trial) -> tuple[int, int] | None:
        """(place, of how many) among ended trials by value; None for a trial without one.

        Trials that the plan does not allow have no place.
        """
        ended = trial.value is not None and trial.state in ("complete", "stopped")
        if not ended or trial.number in self.outsiders:
            return None
        better = "<" if self.goal == "minimize" else ">"
        ahead, total = self._rows(
            "SELECT sum(coalesce(feasible, 1) > ? OR (coalesce(feasible, 1) = ? "  # noqa: S608
            f"AND value {better} ?)), count(*) FROM trials "
            f"WHERE {ENDED}{self._barred('outside')}",  # constants and own numbers
            (int(trial.feasible), int(trial.feasible), trial.value),
        )[0]
        return int(ahead or 0) + 1, int(total)

    def epochs(self, number: int) -> list[Epoch]:
        """What trial `number` reported, by epoch."""
        rows = self._named("SELECT * FROM epochs WHERE trial = ? ORDER BY epoch", (number,))
        return [_epoch(row) for row in rows]

    def curves(self, numbers: Sequence[int]) -> dict[int, list[tuple[int, float | None]]]:
        """(epoch, value) pairs of several trials."""
        found: dict[int, list[tuple[int, float | None]]] = {number: [] for number in numbers}
        for chunk in (numbers[i : i + 500] for i in range(0, len(numbers), 500)):
            marks = ", ".join("?" * len(chunk))
            rows = self._rows(
                "SELECT trial, epoch, value FROM epochs "  # noqa: S608 - question marks only
                f"WHERE trial IN ({marks}) ORDER BY trial, epoch",
                tuple(chunk),
            )
            for trial, epoch, value in rows:
                found[trial].append((_integer(epoch) or 0, _number(value)))
        return found

    def feedback(self, number: int) -> list[tuple[int, Mapping[str, Any]]]:
        """(epoch, payload) of trial `number`: per-layer gradient and weight statistics."""
        rows = self._rows(
            "SELECT epoch, payload FROM feedback WHERE trial = ? ORDER BY epoch", (number,)
        )
        return [(_integer(epoch) or 0, _object(payload)) for epoch, payload in rows]

    def events(self, since: int = 0, *, trial: int | None = None) -> Iterator[Event]:
        """The log after sequence number `since`, optionally of one trial, oldest first."""
        sql = "SELECT seq, time, kind, trial, attempt, payload FROM events WHERE seq > ?"
        arguments: tuple[int, ...] = (since,)
        if trial is not None:
            sql, arguments = sql + " AND trial = ?", (since, trial)
        for row in self._cursor(sql + " ORDER BY seq", arguments):
            yield _event(row)

    def importance(self) -> Any:
        """How much each parameter matters: see automlc.runtime.report.importance."""
        from automlc.runtime.report.importance import estimate

        return estimate(self)

    def trials_frame(self) -> pandas.DataFrame:
        """The trials as a pandas DataFrame, one row each, indexed by number.

        Parameters are columns `param.<name>`, costs keep their names (`model.size`). A parameter
        that was inactive in a trial is missing there.
        """
        import pandas

        return pandas.DataFrame(list(self.flat_trials())).set_index("number")

    def flat_trials(self) -> Iterator[dict[str, Any]]:
        """Each trial as one flat row with the same keys in the same order."""
        trials = self.trials()
        parameters = self.parameter_names(trials)
        costs = list(dict.fromkeys(name for trial in trials for name in trial.costs))
        for trial in trials:
            yield _flat(trial, self.outsiders.get(trial.number), parameters, costs)

    def parameter_names(self, trials: Sequence[Trial]) -> list[str]:
        """The space's parameters in the plan's order, then any other that a trial used."""
        declared = [str(p.get("name")) for p in self.parameters()]
        return list(dict.fromkeys([*declared, *(name for t in trials for name in t.config)]))

    def parameters(self) -> list[Mapping[str, Any]]:
        """The plan's parameters: name, domain, default, when."""
        listed = _mapping(self.plan.get("space")).get("parameters")
        return [p for p in listed if isinstance(p, dict)] if isinstance(listed, list) else []

    def log_tail(self, trial: Trial, lines: int = 12) -> list[str]:
        """The last lines of the trial's log.txt; empty when there is none."""
        return tail(self.folder / trial.folder / "log.txt", lines)

    # ---- what training looked like ----

    @cached_property
    def monitor(self) -> Monitor | None:
        """The plan's monitor, the usual one for a plan without; None where it is damaged."""
        from automlc.runtime.monitor import DEFINITIONS
        from automlc.runtime.plan import read_monitor

        data = self.plan.get("monitor")
        if data is None:
            return DEFINITIONS["automlc"]
        try:
            return read_monitor(data)
        except AutomlcError:
            return None

    def seen(self, number: int) -> list[Seen]:
        """What the monitor may know of a trial's epochs, in order, as Store.seen tells it."""
        from automlc.runtime.monitor import Seen

        inside = {epoch: payload or None for epoch, payload in self.feedback(number)}
        seen = [
            Seen(e.epoch, e.value, e.metrics, inside.pop(e.epoch, None))
            for e in self.epochs(number)
        ]
        seen += [Seen(epoch, None, {}, payload) for epoch, payload in inside.items()]
        return sorted(seen, key=lambda one: one.epoch)

    def timeline(self, trial: Trial) -> list[tuple[int, Condition]]:
        """(epoch, condition after it) of a trial; empty before its first epoch."""
        from automlc.runtime.monitor.timeline import metric_of, timeline

        if self.monitor is None:
            return []
        metric = metric_of(self.metric, self.goal)
        return timeline(self.seen(trial.number), self.monitor, metric, trial.config)

    def condition(self, trial: Trial) -> Condition | None:
        """What a trial's training looked like in the end; None before its first epoch."""
        from automlc.runtime.monitor import classify
        from automlc.runtime.monitor.timeline import metric_of

        if self.monitor is None:
            return None
        metric = metric_of(self.metric, self.goal)
        return classify(self.seen(trial.number), self.monitor, metric, trial.config)

    def _last_condition(self, trial: Trial) -> dict[str, str] | None:
        condition = self.condition(trial)
        return None if condition is None else condition.state()

    def _actions(self) -> dict[str, int]:
        """How many actions were taken, and how many made their parent better."""
        from automlc.runtime.decisions import decision_of, effect_of

        trials = {trial.number: trial for trial in self.trials()}
        taken = [
            (trial, trials.get(decision.parent))
            for trial in trials.values()
            if (decision := decision_of(trial.why))
            and decision.action
            and decision.parent is not None
        ]
        effects = [effect_of(trial, parent, self.goal) for trial, parent in taken]
        better = sum(1 for e in effects if e is not None and e.gain is not None and e.gain > 0)
        return {"taken": len(taken), "better": better}

    def _rows(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._cursor(sql, arguments)]

    def _named(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        return [dict(row) for row in self._cursor(sql, arguments)]

    def _cursor(self, sql: str, arguments: tuple[Any, ...]) -> Iterator[sqlite3.Row]:
        try:
            yield from self._database.execute(sql, arguments)
        except sqlite3.Error as error:
            raise _unreadable(self.folder / "study.db", error) from error


def find_run(folder: str | Path | None = None) -> Path:
    """The run directory that is meant: `folder` itself, or the latest run in a folder of runs.

    Raises:
        AutomlcError: there is no run there.
    """
    path = Path("runs") if folder is None else Path(folder)
    if (path / "study.db").is_file():
        return path
    if path.name == "latest" and path.is_file():
        path = path.parent
    if (path / "latest").is_file():
        return _latest(path)
    if folder is None:
        raise AutomlcError("there is no run here yet", "start one with `automlc run SPEC`")
    what = "is not a run directory: it holds no study.db" if path.exists() else "does not exist"
    raise AutomlcError(f"{path} {what}", "name a run directory, such as runs/digits-1")


def _latest(runs: Path) -> Path:
    lines = tail(runs / "latest", 1)
    name = lines[0].strip() if lines else ""
    # The pointer names a sibling and nothing else: no separators, no parent folders.
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise AutomlcError(f"{runs / 'latest'} does not name a run", f"name one: {runs}/<id>")
    if not (runs / name / "study.db").is_file():
        raise AutomlcError(
            f"the latest run {runs / name} is gone", f"name another run directory in {runs}"
        )
    return runs / name


def _connect(path: Path) -> sqlite3.Connection:
    """Open a study for reading, first beside a live writer, then as a file on a read-only disk."""
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    try:
        return _open_uri(uri)
    except sqlite3.Error as error:
        # A WAL database cannot be read where SQLite may not create its -shm file. Without
        # a log to replay nothing can change under us, so it is safe to call it immutable.
        log = path.with_name("study.db-wal")
        if os.access(path.parent, os.W_OK) or (log.exists() and log.stat().st_size):
            raise _unreadable(path, error) from error
    try:
        return _open_uri(uri + "&immutable=1")
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error


def _open_uri(uri: str) -> sqlite3.Connection:
    database = sqlite3.connect(uri, uri=True, timeout=10.0, isolation_level=None)
    database.row_factory = sqlite3.Row
    # A stranger's schema may carry views and triggers: let none of them call functions.
    for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON"):
        database.execute(f"PRAGMA {pragma}")
    for table, columns in SCHEMA.items():
        database.execute(f"SELECT {columns} FROM {table} LIMIT 1").fetchone()  # noqa: S608
    return database


def _unreadable(path: Path, error: Exception) -> AutomlcError:
    return AutomlcError(f"{path} cannot be read as a study: {error}", "is it a run of automlc?")


def is_locked(path: Path) -> bool:
    """Whether a driver holds the run's lock file.

    The probe takes a shared lock for an instant, so a driver that starts must retry once.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)  # also releases the lock
    return False


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a text file of any size; links are not followed; empty if unreadable."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return []
    with os.fdopen(handle, "rb") as file:
        try:
            file.seek(max(0, os.fstat(handle).st_size - 64 * 1024))
            text = file.read(64 * 1024).decode("utf-8", "replace")
        except OSError:  # a pipe or a folder
            return []
    return text.splitlines()[-lines:]


def read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object from a file in a run directory; empty when missing, too big or broken."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return {}
    with os.fdopen(handle, "rb") as file:
        try:
            raw = file.read(_MAX_PLAN_BYTES + 1)
        except OSError:
            return {}
    return {} if len(raw) > _MAX_PLAN_BYTES else _object(raw)


def _best_json(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "value": trial.value,
        "feasible": trial.feasible,
        "config": dict(trial.config),
        "epoch": trial.best_epoch,
    }


def _flat(
    trial: Trial, outside: Outside | None, parameters: Sequence[str], costs: Sequence[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": trial.number,
        "state": trial.state,
        "value": trial.value,
        "best_epoch": trial.best_epoch,
        "epochs": trial.epochs,
        "seconds": trial.seconds,
        "feasible": trial.feasible,
        "failure": trial.failure or None,
        "reason": trial.reason or None,
        "outside": None if outside is None else outside.reason,
        "seed": trial.seed,
        "started": trial.started,
        "ended": trial.ended,
    }
    row |= {name: trial.costs.get(name) for name in costs}
    return row | {f"param.{name}": trial.config.get(name) for name in parameters}


def _trial(row: Mapping[str, Any]) -> Trial:
    return Trial(
        number=_integer(row["number"]) or 0,
        state=_text(row["state"]),
        config=_object(row["config"]),
        seed=_integer(row["seed"]),
        attempt=_integer(row["attempt"]) or 0,
        epochs=_integer(row["epochs"]) or 0,
        value=_number(row["value"]),
        best_epoch=_integer(row["best_epoch"]),
        reason=_text(row["reason"]),
        failure=_text(row["failure"]),
        feasible=row["feasible"] is None or row["feasible"] == 1,
        costs=_numbers(_object(row["costs"])),
        why=_object(row["why"]),
        started=_number(row["started"]),
        ended=_number(row["ended"]),
        checkpoint=_object(row["checkpoint"]) or None,
        weights=_object(row["weights"]) or None,
    )


def _epoch(row: Mapping[str, Any]) -> Epoch:
    metrics = _object(row["metrics"])
    return Epoch(
        epoch=_integer(row["epoch"]) or 0,
        value=_number(row["value"]),
        seconds=_number(row["seconds"]),
        learning_rate=_number(row["learning_rate"]),
        metrics={name: _number(value) for name, value in metrics.items()},
    )


def _event(row: Sequence[Any]) -> Event:
    seq, moment, kind, trial, attempt, payload = row
    return Event(
        _integer(seq) or 0,
        _number(moment) or 0.0,
        _text(kind),
        _integer(trial),
        _integer(attempt),
        _object(payload),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else repr(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(values: Mapping[str, Any]) -> dict[str, float | int]:
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, int | float) and _number(value) is not None
    }


def _object(text: object) -> dict[str, Any]:
    """A JSON object from a stored text; anything else is empty. Not-a-number becomes None."""
    if not isinstance(text, str | bytes):
        return {}
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _loose(value: object) -> Any:
    """A meta value: JSON where it is JSON, else its text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return value
