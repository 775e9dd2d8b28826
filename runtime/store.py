"""The store of a study: one SQLite file, one writer, an append-only event log.

Every change is an event, and every event changes the state tables in the same transaction by one
function, `_apply`; so the state tables can be derived again from the log (`rebuild`). A commit is
on disk before the caller acts on it (WAL, synchronous=FULL). Terminal states are final: a trigger
refuses to change them. A trial's attempt is its fencing token: a report of an earlier attempt is
refused with LeaseLost.

Schema 2 added `epochs.best`, the best value through an epoch, which stopping policies ask for.
Feedback is an observation, not a state: it is kept once, in its own table, and not in the log.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from automlc.runtime.faults import hit
from automlc.runtime.monitor.conditions import Seen
from automlc.runtime.trial import Artifact, Report, State
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

SCHEMA_VERSION = 2
TABLES = ("meta", "events", "trials", "epochs", "feedback")
_SELECT = (
    "SELECT number, state, config, seed, attempt, epochs, value, best_epoch, checkpoint, weights,"
    " costs, reason, failure, started, ended, why FROM trials"
)
_JUDGED = "state IN ('complete', 'stopped') AND feasible = 1 AND value IS NOT NULL"
_BARS = ("outside", "lost")  # trials of earlier plans that cannot be the best any more
_TERMINAL = "('complete', 'stopped', 'failed')"

_DDL = f"""
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS events(
    seq INTEGER PRIMARY KEY, time REAL, kind TEXT, trial INTEGER, attempt INTEGER, payload TEXT);
CREATE TABLE IF NOT EXISTS trials(
    number INTEGER PRIMARY KEY, state TEXT, config TEXT, seed INTEGER, attempt INTEGER,
    epochs INTEGER, value REAL, best_epoch INTEGER, reason TEXT, failure TEXT, feasible INTEGER,
    costs TEXT, why TEXT, started REAL, ended REAL, checkpoint TEXT, weights TEXT);
CREATE TABLE IF NOT EXISTS epochs(
    trial INTEGER, epoch INTEGER, value REAL, seconds REAL, learning_rate REAL, metrics TEXT,
    best REAL, PRIMARY KEY(trial, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feedback(
    trial INTEGER, epoch INTEGER, payload TEXT, PRIMARY KEY(trial, epoch)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_trial ON events(trial, kind);
CREATE INDEX IF NOT EXISTS trials_by_config ON trials(config);
CREATE INDEX IF NOT EXISTS trials_by_state ON trials(state);
CREATE INDEX IF NOT EXISTS trials_by_value ON trials(value, number) WHERE {_JUDGED};
CREATE INDEX IF NOT EXISTS epochs_by_epoch ON epochs(epoch, trial, best);
CREATE TRIGGER IF NOT EXISTS terminal_states_are_final BEFORE UPDATE ON trials
    WHEN OLD.state IN {_TERMINAL}
    BEGIN SELECT RAISE(ABORT, 'a terminal state is final'); END;
CREATE TRIGGER IF NOT EXISTS events_are_append_only BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER IF NOT EXISTS events_are_kept BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
"""


class StoreError(AutomlcError):
    """The database cannot be used: damaged, of a newer version, or its disk is full."""


class LeaseLost(Exception):
    """A report or a result that comes too late: the trial has ended or has a newer attempt."""


@record
class TrialRow:
    """What the study needs to know of a trial."""

    number: int
    state: State
    config: Mapping[str, Any]
    seed: int
    attempt: int
    epochs: int
    value: float | None
    best_epoch: int | None
    checkpoint: Artifact | None
    weights: Artifact | None
    costs: Mapping[str, Any]
    reason: str
    failure: str
    started: float
    ended: float | None
    why: Mapping[str, Any]


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces; refuses numbers that are not finite."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )


class Store:
    """The writer's side of the store (see the module); open it through `open_store`."""

    def __init__(self, path: Path, database: sqlite3.Connection, goal: str):
        self.path = path
        self.goal = goal
        self.elapsed: Callable[[], float] = lambda: 0.0
        self._db = database
        # What the last switch to another plan made of trials (runtime/switching.py).
        self._moved: dict[str, Any] | None = None

    # ---- meta ----

    def meta(self) -> dict[str, Any]:
        """All of the study's own records, decoded."""
        return {key: json.loads(value) for key, value in self._query("SELECT * FROM meta")}

    # ---- events that change the study ----

    def start_study(self, meta: Mapping[str, Any]) -> None:
        """Begin a study; `meta` is kept as it is (run id, seed, plan digest, versions, ...)."""
        with self._transaction():
            self._record("study_started", payload={"meta": dict(meta)})
        # The first commit reaches the database itself, so a lost -wal file never empties it.
        self.checkpoint()

    def resume_study(self) -> None:
        with self._transaction():
            self._record("study_resumed")

    def change_plan(self, payload: Mapping[str, Any]) -> None:
        """Put the study under another plan (see runtime/switching.py).

        `outside` are trials that it does not allow, with the reason: they are kept, but searchers
        and policies do not see them. `configs` are those of trials as the new plan writes them.
        """
        with self._transaction():
            self._record("plan_changed", payload=payload)
        self._moved = None
        self.checkpoint()

    def interrupt_study(self, reason: str) -> None:
        with self._transaction():
            self._record("interrupted", payload={"reason": reason})
        self.checkpoint()

    def end_study(self, reason: str, **details: Any) -> None:
        with self._transaction():
            self._record("study_ended", payload={"reason": reason, **details})
        self.checkpoint()

    def note(self, kind: str, trial: int | None = None, **payload: Any) -> None:
        """Record an event that changes no trial: wall_reached, target_reached, test_started, ..."""
        with self._transaction():
            self._record(kind, trial, payload=payload)

    def finish_test(self, payload: Mapping[str, Any]) -> None:
        """Record the test of the incumbent: {"trial": n, "metrics": {...}} or {"error": text}."""
        with self._transaction():
            self._record("test_done", payload=dict(payload))

    # ---- events that change a trial ----

    def start_trial(
        self,
        number: int,
        config: Mapping[str, Any],
        seed: int,
        *,
        why: Mapping[str, Any],
        costs: Mapping[str, Any],
    ) -> int:
        """Create a trial and its first attempt; returns the attempt."""
        refused = why.get("refused") or []
        with self._transaction():
            if refused:
                payload = {"count": why.get("refused_count", len(refused)), "examples": refused}
                self._record("refused", number, payload=payload)
            payload = {"config": dict(config), "seed": seed, "why": dict(why), "costs": dict(costs)}
            self._record("trial_started", number, 1, payload)
            self._record("attempt_started", number, 1, {"cause": "new", "epoch": 0})
        return 1

    def start_attempt(self, number: int, cause: str, *, epoch: int, **details: Any) -> int:
        """Begin another attempt from the checkpoint of `epoch` (0: from the start).

        Epochs after it are forgotten; they will be run again. `cause` is resume or retry.
        """
        with self._transaction():
            row = self.trial(number)
            if row.state is not State.RUNNING:
                raise LeaseLost(f"trial {number} is {row.state}")
            attempt = row.attempt + 1
            payload = {"cause": cause, "epoch": epoch, **details}
            self._record("attempt_started", number, attempt, payload)
            # Not part of the event's effect: the log does not hold feedback, so a rebuild keeps it.
            sql = "DELETE FROM feedback WHERE trial = ? AND epoch > ?"
            self._execute(sql, (number, epoch))
        return attempt

    def record_epoch(self, number: int, attempt: int, report: Report) -> None:
        """Record one epoch; LeaseLost if the trial ended or another attempt took over."""
        with self._transaction():
            row = self._leased(number, attempt)
            if report.epoch != row.epochs + 1:
                raise LeaseLost(f"trial {number}: epoch {report.epoch} follows {row.epochs}")
            payload: dict[str, Any] = {
                "epoch": report.epoch,
                "value": report.value,
                "metrics": report.metrics,
                "learning_rate": report.learning_rate,
                "seconds": report.seconds,
                "samples": report.samples,
            }
            for kind in ("checkpoint", "weights"):
                artifact = getattr(report, kind)
                if artifact is not None:
                    payload[kind] = artifact.to_json()
            self._record("epoch", number, attempt, payload)
            self._put_feedback(number, report)

    def keep_feedback(self, number: int, attempt: int, report: Report) -> None:
        """Keep what a trial saw in an epoch that does not count; LeaseLost as in record_epoch."""
        with self._transaction():
            self._leased(number, attempt)
            self._put_feedback(number, report)

    def _put_feedback(self, number: int, report: Report) -> None:
        if report.feedback is not None:
            self._execute(
                "INSERT OR REPLACE INTO feedback VALUES (?, ?, ?)",
                (number, report.epoch, canonical(report.feedback)),
            )

    def end_trial(
        self,
        number: int,
        attempt: int,
        state: State,
        reason: str,
        *,
        failure: str | None = None,
        stop: Mapping[str, Any] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> bool:
        """End a trial for good; returns whether it is the new incumbent."""
        with self._transaction():
            row = self._leased(number, attempt)
            before = self.incumbent()
            payload = {"state": str(state), "reason": reason, "failure": failure, "stop": stop}
            if details:
                payload["details"] = dict(details)
            self._record("trial_ended", number, attempt, payload)
            now = self.incumbent()
            is_best = now is not None and now.number == number
            if is_best:
                previous = None if before is None else before.number
                self._record(
                    "incumbent", number, attempt, {"value": row.value, "previous": previous}
                )
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        return is_best

    # ---- questions ----

    def outside(self, number: int) -> str | None:
        """Why the present plan does not allow a trial of an earlier plan; None where it does."""
        reason = self._moves()["outside"].get(str(number))
        return None if reason is None else str(reason)

    def again(self, number: int) -> dict[str, Any] | None:
        """What a switch of plans asks to train again as this trial: {trial, config}."""
        again = self._moves()["again"]
        return again if again is not None and again["number"] == number else None

    def _moves(self) -> dict[str, Any]:
        if self._moved is None:
            meta = self.meta()
            empty: dict[str, Any] = {"outside": {}, "configs": {}, "lost": {}, "again": None}
            self._moved = {key: meta.get(key) or value for key, value in empty.items()}
            self._moved["texts"] = {canonical(c) for c in self._moved["configs"].values()}
        return self._moved

    def _in_place(self, row: TrialRow) -> TrialRow:
        """The row with its configuration as the present plan writes it."""
        config = self._moves()["configs"].get(str(row.number))
        return row if config is None else replace(row, config=config)

    def _barred(self, *kinds: str) -> str:
        """SQL that leaves out trials which a switch of plans barred."""
        numbers = sorted({int(n) for kind in kinds for n in self._moves()[kind]})
        return f" AND number NOT IN ({', '.join(map(str, numbers))})" if numbers else ""

    def trial(self, number: int) -> TrialRow:
        """One trial; KeyError if there is none of that number."""
        row = self._row(f"{_SELECT} WHERE number = ?", (number,))
        if row is None:
            raise KeyError(number)
        return self._in_place(_trial_row(row))

    def trials(self, *states: State) -> Iterator[TrialRow]:
        """The trials in the given states (all states if none is given), by number."""
        if not states:
            return self._trials("ORDER BY number", ())
        marks = ", ".join("?" * len(states))
        return self._trials(f"WHERE state IN ({marks}) ORDER BY number", states)

    def incumbent(self) -> TrialRow | None:
        """The best trial that ended without failing; the earlier one of equals."""
        best = "min" if self.goal == "minimize" else "max"
        # Two look-ups in the index; sorting would take longer with every trial.
        table, eligible = "trials INDEXED BY trials_by_value", _JUDGED + self._barred(*_BARS)
        value = self._one(f"SELECT {best}(value) FROM {table} WHERE {eligible}")  # noqa: S608
        if value is None:
            return None
        row = self._row(
            f"{_SELECT} WHERE {eligible} AND value = ? ORDER BY number LIMIT 1", (value,)
        )
        return None if row is None else self._in_place(_trial_row(row))

    def counts(self) -> dict[str, int]:
        """How many trials are in each state."""
        return dict(self._query("SELECT state, count(*) FROM trials GROUP BY state"))

    def next_number(self) -> int:
        return int(self._one("SELECT coalesce(max(number), 0) + 1 FROM trials"))

    def has_config(self, config: Mapping[str, Any]) -> bool:
        """Whether a trial of exactly this configuration exists."""
        sql = "SELECT EXISTS(SELECT 1 FROM trials WHERE config = ?)"
        text = canonical(dict(config))
        return text in self._moves()["texts"] or bool(self._one(sql, (text,)))

    def best_by(self, epoch: int) -> Iterator[tuple[int, float]]:
        """(trial, best value through `epoch`) of every trial that reached that epoch."""
        for trial, best in self._query("SELECT trial, best FROM epochs WHERE epoch = ?", (epoch,)):
            if str(trial) not in self._moves()["outside"]:
                yield trial, best

    def epoch_value(self, number: int, epoch: int) -> float:
        sql = "SELECT value FROM epochs WHERE trial = ? AND epoch = ?"
        return float(self._one(sql, (number, epoch)))

    def epoch_seconds(
        self, after: int
    ) -> Iterator[tuple[int, bool, dict[str, Any], dict[str, Any], list[float]]]:
        """(number, ended, config, costs, seconds of each epoch) of the trials behind a number."""
        sql = (
            "SELECT number, state, config, costs, json_group_array(seconds) FROM trials"
            " LEFT JOIN epochs ON trial = number WHERE number > ? GROUP BY number ORDER BY number"
        )
        for number, state, config, costs, seconds in self._query(sql, (after,)):
            times = [float(s) for s in json.loads(seconds) if s is not None]
            ended = State(state) is not State.RUNNING
            yield number, ended, json.loads(config), json.loads(costs), times

    def seen(self, number: int) -> Iterator[Seen]:
        """What the monitor may know of a trial's epochs, in order.

        An epoch at which the trial diverged has feedback but no value.
        """
        sql = (
            "SELECT epoch, value, metrics, payload FROM epochs LEFT JOIN feedback USING"
            " (trial, epoch) WHERE trial = ?1 UNION ALL SELECT epoch, NULL, '{}', payload FROM"
            " feedback WHERE trial = ?1 AND epoch NOT IN (SELECT epoch FROM epochs WHERE"
            " trial = ?1) ORDER BY epoch"
        )
        for epoch, value, metrics, payload in self._query(sql, (number,)):
            yield Seen(epoch, value, json.loads(metrics), json.loads(payload) if payload else None)

    def artifacts(self, number: int) -> list[tuple[int, Artifact | None, Artifact | None]]:
        """(epoch, checkpoint, weights) of a trial's current epochs, from the log, newest first.

        Weights are those of the best epoch so far: None where the best one had none.
        """
        found: dict[int, dict[str, Any]] = {}
        sql = "SELECT kind, payload FROM events WHERE trial = ? AND kind IN (?, ?) ORDER BY seq"
        for kind, text in self._query(sql, (number, "epoch", "attempt_started")):
            payload = json.loads(text)
            if kind == "epoch":
                found[payload["epoch"]] = payload
            else:
                found = {e: p for e, p in found.items() if e <= payload["epoch"]}
        rows: list[tuple[int, Artifact | None, Artifact | None]] = []
        weights, best = None, None
        for epoch, payload in sorted(found.items()):
            if self._better(payload["value"], best):
                best, weights = payload["value"], _artifact(payload.get("weights"))
            rows.append((epoch, _artifact(payload.get("checkpoint")), weights))
        return rows[::-1]

    def last_note(self, kind: str, number: int) -> dict[str, Any] | None:
        """The payload of a trial's latest event of a kind; None if there is none."""
        sql = "SELECT payload FROM events WHERE trial = ? AND kind = ? ORDER BY seq DESC LIMIT 1"
        text = self._one(sql, (number, kind), default=None)
        return None if text is None else dict(json.loads(text))

    def retries(self, number: int) -> dict[str, int]:
        """How often a trial was tried again, by the failure that it was tried again for."""
        counts: dict[str, int] = {}
        for payload in self._attempts(number):
            if payload["cause"] == "retry":
                counts[payload["failure"]] = counts.get(payload["failure"], 0) + 1
        return counts

    def accumulate(self, number: int) -> int:
        """In how many parts the trial's batches are now computed (2 after an out-of-memory)."""
        return max(int(p.get("accumulate", 1)) for p in self._attempts(number))

    def _attempts(self, number: int) -> Iterator[dict[str, Any]]:
        sql = "SELECT payload FROM events WHERE trial = ? AND kind = 'attempt_started'"
        for (text,) in self._query(sql, (number,)):
            yield json.loads(text)

    def digest(self) -> str:
        """A digest of everything that a seed determines: no times, processes or attempts."""
        digest = hashlib.sha256()
        queries = (
            "SELECT key, value FROM meta WHERE key IN ('state', 'reason', 'seed', 'test')",
            "SELECT number, state, config, seed, epochs, value, best_epoch, reason, failure,"
            " feasible, costs, why FROM trials",
            "SELECT trial, epoch, value, learning_rate, metrics, best FROM epochs",
            "SELECT trial, epoch, payload FROM feedback",
        )
        for query in queries:
            for row in self._query(f"{query} ORDER BY 1, 2"):
                digest.update(repr(row).encode())
        return digest.hexdigest()

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """The state tables as they are, for comparison after a rebuild."""
        return {
            name: list(self._query(f"SELECT * FROM {name} ORDER BY 1, 2"))  # noqa: S608
            for name in ("meta", "trials", "epochs")
        }

    # ---- upkeep ----

    def rebuild(self) -> None:
        """Derive the state tables again from the event log."""
        self._moved = None
        with self._transaction():
            kept = self._one("SELECT value FROM meta WHERE key = 'elapsed'", default=None)
            self._execute("DELETE FROM trials")
            self._execute("DELETE FROM epochs")
            self._execute("DELETE FROM meta")
            self._set_meta("schema_version", SCHEMA_VERSION)
            if kept is not None:
                self._execute("INSERT INTO meta VALUES ('elapsed', ?)", (kept,))
            last = 0
            while True:
                sql = "SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT 500"
                rows = list(self._query(sql, (last,)))
                if not rows:
                    return
                for seq, moment, kind, trial, attempt, payload in rows:
                    self._apply(moment, kind, trial, attempt, json.loads(payload))
                    last = seq

    def checkpoint(self) -> None:
        """Move what the write-ahead log holds into the database file."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._db.close()

    # ---- how an event changes the state ----

    def _record(
        self,
        kind: str,
        trial: int | None = None,
        attempt: int | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        moment, content = time.time(), dict(payload or {})
        self._execute(
            "INSERT INTO events(time, kind, trial, attempt, payload) VALUES (?, ?, ?, ?, ?)",
            (moment, kind, trial, attempt, canonical(content)),
        )
        self._apply(moment, kind, trial, attempt, content)
        self._set_meta("elapsed", round(self.elapsed(), 3))

    def _apply(
        self, moment: float, kind: str, trial: int | None, attempt: int | None, payload: Any
    ) -> None:
        change = getattr(self, f"_on_{kind}", None)
        if change is not None:
            change(moment, trial, attempt, payload)

    def _on_study_started(self, moment: float, _t: None, _a: None, payload: Any) -> None:
        for key, value in payload["meta"].items():
            self._set_meta(key, value)
        self._set_meta("state", "running")
        self._set_meta("reason", "")
        self._set_meta("started", moment)

    def _on_study_resumed(self, _m: float, _t: None, _a: None, _payload: Any) -> None:
        self._set_meta("state", "running")
        self._set_meta("reason", "")

    def _on_plan_changed(self, _m: float, _t: None, _a: None, payload: Any) -> None:
        known = self._row("SELECT value FROM meta WHERE key = 'configs'")
        configs = (json.loads(known[0]) if known else {}) | payload["configs"]
        for key in ("plan", "data", "outside", "lost", "again"):
            self._set_meta(key, payload[key])
        self._set_meta("plan_number", payload["number"])
        self._set_meta("configs", configs)
        self._set_meta("state", "interrupted")
        self._set_meta("reason", "the plan was changed")

    def _on_interrupted(self, _m: float, _t: None, _a: None, payload: Any) -> None:
        self._set_meta("state", "interrupted")
        self._set_meta("reason", payload["reason"])

    def _on_study_ended(self, moment: float, _t: None, _a: None, payload: Any) -> None:
        self._set_meta("state", "finished")
        self._set_meta("reason", payload["reason"])
        self._set_meta("ended", moment)
        if "closest" in payload:
            self._set_meta("closest", payload["closest"])

    def _on_test_done(self, _m: float, _t: None, _a: None, payload: Any) -> None:
        self._set_meta("test", payload)

    def _on_pace(self, _m: float, _t: None, _a: None, payload: Any) -> None:
        self._set_meta("pace", payload)

    def _on_wall_left(self, _m: float, _t: None, _a: None, payload: Any) -> None:
        self._set_meta("wall_left", payload)

    def _on_trial_started(self, moment: float, trial: int, attempt: int, payload: Any) -> None:
        sql = (
            "INSERT INTO trials(number, state, config, seed, attempt, epochs, reason, failure,"
            " feasible, costs, why, started) VALUES (?, 'running', ?, ?, ?, 0, '', '', 1, ?, ?, ?)"
        )
        texts = [canonical(payload[key]) for key in ("config", "costs", "why")]
        config, costs, why = texts
        self._execute(sql, (trial, config, payload["seed"], attempt, costs, why, moment))

    def _on_attempt_started(self, _m: float, trial: int, attempt: int, payload: Any) -> None:
        epoch = payload["epoch"]
        self._execute("DELETE FROM epochs WHERE trial = ? AND epoch > ?", (trial, epoch))
        order = "ASC" if self.goal == "minimize" else "DESC"
        sql = "SELECT value, epoch FROM epochs WHERE trial = ? ORDER BY value"
        sql = f"{sql} {order}, epoch LIMIT 1"
        value, best_epoch = self._row(sql, (trial,)) or (None, None)
        texts = [
            canonical(payload[key]) if payload.get(key) else None
            for key in ("checkpoint", "weights")
        ]
        sql = (
            "UPDATE trials SET attempt = ?, epochs = ?, value = ?, best_epoch = ?,"
            " checkpoint = ?, weights = ? WHERE number = ?"
        )
        self._execute(sql, (attempt, epoch, value, best_epoch, *texts, trial))

    def _on_epoch(self, _m: float, trial: int, _a: int, payload: Any) -> None:
        epoch, value = payload["epoch"], payload["value"]
        row = self.trial(trial)
        is_best = self._better(value, row.value)
        best = value if is_best else row.value
        self._execute(
            "INSERT OR REPLACE INTO epochs(trial, epoch, value, seconds, learning_rate, metrics,"
            " best) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                trial,
                epoch,
                value,
                payload["seconds"],
                payload["learning_rate"],
                canonical(payload["metrics"]),
                best,
            ),
        )
        best_epoch = epoch if is_best else row.best_epoch
        self._execute(
            "UPDATE trials SET epochs = ?, value = ?, best_epoch = ? WHERE number = ?",
            (epoch, best, best_epoch, trial),
        )
        if "checkpoint" in payload:
            sql = "UPDATE trials SET checkpoint = ? WHERE number = ?"
            self._execute(sql, (canonical(payload["checkpoint"]), trial))
        if is_best:
            text = canonical(payload["weights"]) if "weights" in payload else None
            self._execute("UPDATE trials SET weights = ? WHERE number = ?", (text, trial))

    def _on_trial_ended(self, moment: float, trial: int, _a: int, payload: Any) -> None:
        if payload["stop"] is not None:
            text = self._one("SELECT why FROM trials WHERE number = ?", (trial,))
            why = json.loads(text) | {"stop": payload["stop"]}
            self._execute("UPDATE trials SET why = ? WHERE number = ?", (canonical(why), trial))
        sql = "UPDATE trials SET state = ?, reason = ?, failure = ?, ended = ? WHERE number = ?"
        values = (payload["state"], payload["reason"], payload["failure"] or "", moment, trial)
        self._execute(sql, values)

    # ---- plumbing ----

    def _better(self, value: float, other: float | None) -> bool:
        if other is None:
            return True
        return value < other if self.goal == "minimize" else value > other

    def _leased(self, number: int, attempt: int) -> TrialRow:
        row = self.trial(number)
        if row.state is not State.RUNNING:
            raise LeaseLost(f"trial {number} has ended: {row.state}")
        if row.attempt != attempt:
            raise LeaseLost(f"trial {number}: attempt {attempt} was replaced by {row.attempt}")
        return row

    def _trials(self, where: str, values: Sequence[Any]) -> Iterator[TrialRow]:
        for row in self._query(f"{_SELECT} {where}", values):
            yield self._in_place(_trial_row(row))

    def _set_meta(self, key: str, value: Any) -> None:
        sql = "INSERT INTO meta VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"
        self._execute(sql, (key, canonical(value)))

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._db.execute(sql, values)

    def _query(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        with _named_errors(self.path):
            yield from self._db.execute(sql, values)

    def _row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row; the cursor is closed, so that it does not hold up a checkpoint."""
        with _named_errors(self.path), closing(self._db.execute(sql, values)) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def _one(self, sql: str, values: Sequence[Any] = (), *, default: Any = 0) -> Any:
        row = self._row(sql, values)
        return default if row is None else row[0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _named_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                hit("driver.commit.before", self.path)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            hit("driver.commit.after", self.path)


def _artifact(data: Mapping[str, Any] | None) -> Artifact | None:
    return None if data is None else Artifact(data["file"], data["sha256"], data["epoch"])


def _trial_row(row: Sequence[Any]) -> TrialRow:
    number, state, config, seed, attempt, epochs, value, best_epoch, *rest = row
    checkpoint, weights, costs, reason, failure, started, ended, why = rest
    return TrialRow(
        number=number,
        state=State(state),
        config=json.loads(config),
        seed=seed,
        attempt=attempt,
        epochs=epochs,
        value=value,
        best_epoch=best_epoch,
        checkpoint=_artifact(json.loads(checkpoint)) if checkpoint else None,
        weights=_artifact(json.loads(weights)) if weights else None,
        costs=json.loads(costs),
        reason=reason,
        failure=failure,
        started=started,
        ended=ended,
        why=json.loads(why),
    )


# ---- opening ----


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a message that names the file and what to do."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        if isinstance(error, sqlite3.IntegrityError):
            raise
        raise _explain(path, error) from error


def _explain(path: Path, error: Exception) -> StoreError:
    text = str(error)
    name = getattr(error, "sqlite_errorname", "")
    resume = f"then continue: automlc run {path.parent} --resume"
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")) or isinstance(error, OSError):
        return StoreError(
            f"{path} cannot be written ({text}): is the disk full?", f"free some space, {resume}"
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StoreError(
            f"{path} cannot be written ({text})", f"make the folder writable, {resume}"
        )
    if name.startswith("SQLITE_BUSY"):
        return StoreError(f"{path} is locked by another program", f"close it, {resume}")
    return StoreError(
        f"{path} is damaged: {text}",
        "restore the file from a copy, or start a new run; trial folders are untouched",
    )


def open_store(path: Path, goal: str) -> Store:
    """Open (or create) the store for writing; the caller holds the run's lock.

    Raises StoreError where the file is damaged, unwritable or written by a newer version; a file
    of an older version is migrated first.
    """
    with _named_errors(path):
        if path.is_symlink():
            raise StoreError(f"{path} is a symbolic link; a study is a plain file")
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        database = sqlite3.connect(path, isolation_level=None, timeout=10)
        for pragma in (
            "busy_timeout = 10000",
            "journal_mode = WAL",
            "synchronous = FULL",
            "trusted_schema = OFF",
        ):
            database.execute(f"PRAGMA {pragma}")
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        _migrate(database, path, goal)
    return Store(path, database, goal)


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection; works while the study runs. StoreError if there is no study."""
    with _named_errors(path):
        if not path.exists():
            raise StoreError(f"{path} does not exist", "is this a run directory?")
        uri = f"file:{quote(str(path.resolve()))}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=10)


def version_of(database: sqlite3.Connection) -> int:
    """The schema version of an open database; 0 for an empty one."""
    tables = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()
    if not tables[0]:
        return 0
    row = database.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    return int(json.loads(row[0])) if row else 0


def _migrate(database: sqlite3.Connection, path: Path, goal: str) -> None:
    version = version_of(database)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema {version}, written by a newer automlc; this one reads up to"
            f" {SCHEMA_VERSION}",
            "update automlc: pip install --upgrade automlc",
        )
    if version == SCHEMA_VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    if version == 1:
        _to_schema_2(database, goal)
    for statement in _statements(_DDL):
        database.execute(statement)
    database.execute(
        "INSERT OR REPLACE INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),)
    )
    database.execute("COMMIT")


def _to_schema_2(database: sqlite3.Connection, goal: str) -> None:
    """Add `epochs.best`: the best value of the trial through that epoch."""
    database.execute("ALTER TABLE epochs ADD COLUMN best REAL")
    best = "min" if goal == "minimize" else "max"
    database.execute(
        f"UPDATE epochs SET best = (SELECT {best}(e.value) FROM epochs e"  # noqa: S608
        " WHERE e.trial = epochs.trial AND e.epoch <= epochs.epoch)"
    )


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit in between."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
