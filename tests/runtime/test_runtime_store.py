"""The store: T2 as a state machine, T12 with an old file, rebuild, and refusals."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from automlc.runtime.lock import RunLock
from automlc.runtime.store import LeaseLost, Store, StoreError, open_reader, open_store
from automlc.runtime.trial import Artifact, Report, State
from automlc.spec.errors import AutomlcError

ASSET = Path(__file__).with_name("assets") / "schema1.db"


def report(epoch: int, value: float, **changes: Any) -> Report:
    artifact = Artifact(f"checkpoint-{epoch:04d}.pt", "0" * 64, epoch)
    fields: dict[str, Any] = {
        "epoch": epoch,
        "value": value,
        "metrics": {"loss": 1 - value},
        "learning_rate": 0.1,
        "seconds": 0.5,
        "samples": 10,
        "feedback": {"gradient_norm": value},
        "checkpoint": artifact,
        "weights": Artifact(f"weights-{epoch:04d}.pt", "1" * 64, epoch),
    }
    return Report(**(fields | changes))


def new_store(path: Path, goal: str = "maximize") -> Store:
    store = open_store(path, goal)
    store.start_study({"run_id": "r-1", "seed": 0, "plan": "p"})
    return store


def start(store: Store, number: int, x: float = 0.0) -> int:
    why = {"searcher": "random", "proposal": {}, "refused": []}
    return store.start_trial(number, {"x": x or number}, number, why=why, costs={"model.size": 1})


class StoreMachine(RuleBasedStateMachine):
    """Random histories of trials, stale reports, crashes and second controllers."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.lock = RunLock(self.folder).acquire()
        self.store = new_store(self.folder / "study.db")
        self.trials: dict[int, dict[str, Any]] = {}

    @rule(target=leases)
    def add(self) -> tuple[int, int]:
        number = self.store.next_number()
        assert number == len(self.trials) + 1
        self.trials[number] = {"attempt": start(self.store, number), "epochs": [], "end": None}
        return number, 1

    @rule(target=leases, lease=leases, keep=st.integers(0, 3))
    def expire(self, lease: tuple[int, int], keep: int) -> Any:
        number, _ = lease
        model = self.trials[number]
        epoch = min(keep, len(model["epochs"]))
        if model["end"] is not None:
            with pytest.raises(LeaseLost):
                self.store.start_attempt(number, "resume", epoch=epoch)
            return multiple()
        model["attempt"] = self.store.start_attempt(number, "resume", epoch=epoch)
        model["epochs"] = model["epochs"][:epoch]
        return number, model["attempt"]

    @rule(lease=leases, value=st.floats(0, 1))
    def report(self, lease: tuple[int, int], value: float) -> None:
        number, attempt = lease
        model = self.trials[number]
        epoch = len(model["epochs"]) + 1
        if model["end"] is not None or attempt != model["attempt"]:
            with pytest.raises(LeaseLost):
                self.store.record_epoch(number, attempt, report(epoch, value))
            return
        self.store.record_epoch(number, attempt, report(epoch, value))
        model["epochs"].append(value)

    @rule(lease=leases, value=st.floats(0, 1))
    def report_out_of_order(self, lease: tuple[int, int], value: float) -> None:
        number, attempt = lease
        epoch = len(self.trials[number]["epochs"]) + 2
        with pytest.raises(LeaseLost):
            self.store.record_epoch(number, attempt, report(epoch, value))

    @rule(lease=leases, state=st.sampled_from([State.COMPLETE, State.STOPPED, State.FAILED]))
    def end(self, lease: tuple[int, int], state: State) -> None:
        number, attempt = lease
        model = self.trials[number]
        if model["end"] is not None or attempt != model["attempt"]:
            with pytest.raises(LeaseLost):
                self.store.end_trial(number, attempt, state, "because")
            return
        self.store.end_trial(number, attempt, state, "because")
        model["end"] = state

    @rule(lease=leases)
    def change_a_terminal_state_directly(self, lease: tuple[int, int]) -> None:
        if self.trials[lease[0]]["end"] is not None:
            with pytest.raises(sqlite3.IntegrityError):
                self.store._execute(
                    "UPDATE trials SET state = 'running' WHERE number = ?", (lease[0],)
                )

    @rule()
    def crash_and_reopen(self) -> None:
        """What was not committed is gone, as after a kill; what was is there."""
        self.store._db.execute("BEGIN IMMEDIATE")
        self.store._execute("DELETE FROM trials")
        self.store.close()
        self.store = open_store(self.folder / "study.db", "maximize")

    @rule()
    def second_controller(self) -> None:
        with pytest.raises(AutomlcError, match="is being run by process"):
            RunLock(self.folder).acquire()

    @rule()
    def rebuild(self) -> None:
        before = self.store.tables()
        self.store.rebuild()
        assert self.store.tables() == before

    @invariant()
    def everything_acknowledged_is_there(self) -> None:
        for number, model in self.trials.items():
            row = self.store.trial(number)
            assert row.state == (model["end"] or State.RUNNING)
            assert row.attempt == model["attempt"]
            assert row.epochs == len(model["epochs"])
            assert row.value == (max(model["epochs"]) if model["epochs"] else None)
        judged = [
            (-max(m["epochs"]), n)
            for n, m in self.trials.items()
            if m["end"] in (State.COMPLETE, State.STOPPED) and m["epochs"]
        ]
        best = self.store.incumbent()
        assert (best.number if best else None) == (min(judged)[1] if judged else None)

    def teardown(self) -> None:
        self.store.close()
        self.lock.release()
        shutil.rmtree(self.folder)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_the_state_tables_follow_from_the_event_log(tmp_path: Path) -> None:
    store = new_store(tmp_path / "study.db", "minimize")
    for number in range(1, 5):
        attempt = start(store, number)
        for epoch, value in enumerate((0.5 / number, 0.7, 0.4), start=1):
            store.record_epoch(number, attempt, report(epoch, value))
        if number == 2:
            attempt = store.start_attempt(2, "retry", epoch=1, failure="killed")
        stop = {"policy": "median", "reason": "slow", "evidence": {}} if number == 3 else None
        store.end_trial(number, attempt, State.STOPPED, "slow", stop=stop)
    store.finish_test({"trial": 4, "metrics": {"accuracy": 1.0}})
    store.end_study("budget", model=True)
    before, digest = store.tables(), store.digest()
    store._execute("DELETE FROM epochs WHERE trial = 1")
    store._execute("DELETE FROM trials WHERE number = 2")
    assert store.tables() != before
    store.rebuild()
    assert store.tables() == before
    assert store.digest() == digest
    assert store.retries(2) == {"killed": 1}
    store.close()


def test_the_digest_sees_values_but_no_times_or_attempts(tmp_path: Path) -> None:
    digests = []
    for name, retry, value in (("a", False, 0.5), ("b", True, 0.5), ("c", False, 0.6)):
        store = new_store(tmp_path / name)
        attempt = start(store, 1)
        if retry:
            attempt = store.start_attempt(1, "retry", epoch=0, failure="lost")
        store.record_epoch(1, attempt, report(1, value))
        store.end_trial(1, attempt, State.COMPLETE, "done")
        digests.append(store.digest())
        store.close()
    assert digests[0] == digests[1] != digests[2]


def test_a_reader_cannot_write_and_does_not_disturb(tmp_path: Path) -> None:
    store = new_store(tmp_path / "study.db")
    reader = open_reader(tmp_path / "study.db")
    attempt = start(store, 1)
    assert reader.execute("SELECT count(*) FROM trials").fetchone() == (1,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM trials")
    store.record_epoch(1, attempt, report(1, 0.5))
    reader.close()
    store.close()


def test_events_cannot_be_changed_or_removed(tmp_path: Path) -> None:
    store = new_store(tmp_path / "study.db")
    for sql in ("DELETE FROM events", "UPDATE events SET kind = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store._execute(sql)
    store.close()


def test_a_store_of_schema_1_is_migrated_and_goes_on(tmp_path: Path) -> None:
    shutil.copyfile(ASSET, tmp_path / "study.db")
    store = open_store(tmp_path / "study.db", "maximize")
    assert store.meta()["schema_version"] == 2
    assert [row.number for row in store.trials(State.COMPLETE)] == [1, 2]
    assert list(store.best_by(3)) == [(1, 0.7), (2, 0.9)]
    before = store.tables()
    store.rebuild()
    assert store.tables() == before
    attempt = store.start_attempt(3, "resume", epoch=1)
    store.record_epoch(3, attempt, report(2, 0.95))
    assert store.end_trial(3, attempt, State.COMPLETE, "done")
    store.close()


def test_the_asset_is_what_its_script_makes(tmp_path: Path) -> None:
    script = ASSET.with_name("make_schema1.py")
    subprocess.run([sys.executable, str(script), str(tmp_path / "new.db")], check=True)
    dumps = ["\n".join(sqlite3.connect(path).iterdump()) for path in (ASSET, tmp_path / "new.db")]
    assert dumps[0] == dumps[1]


def test_a_newer_store_is_refused_with_a_message(tmp_path: Path) -> None:
    new_store(tmp_path / "study.db").close()
    database = sqlite3.connect(tmp_path / "study.db")
    database.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    database.commit()
    database.close()
    with pytest.raises(StoreError, match="schema 99, written by a newer automlc"):
        open_store(tmp_path / "study.db", "maximize")


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    store = new_store(path)
    for number in range(1, 60):
        start(store, number)
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 - 100])
    with pytest.raises(StoreError, match=r"study\.db is damaged"):
        open_store(path, "maximize").digest()
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(StoreError, match=r"study\.db is damaged"):
        open_store(path, "maximize")


def test_a_link_is_not_opened_as_a_store(tmp_path: Path) -> None:
    (tmp_path / "study.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(StoreError, match="symbolic link"):
        open_store(tmp_path / "study.db", "maximize")


def test_metrics_that_are_not_numbers_do_not_break_the_log(tmp_path: Path) -> None:
    store = new_store(tmp_path / "study.db")
    attempt = start(store, 1)
    store.record_epoch(1, attempt, report(1, 0.5, metrics={"loss": None, "note": "a\x1b[0m"}))
    payload = store._one("SELECT payload FROM events WHERE kind = 'epoch'")
    assert json.loads(payload)["metrics"]["loss"] is None
    store.close()
