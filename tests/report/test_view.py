import fcntl
import json
import sqlite3
from pathlib import Path

import pytest
from made_run import DDL, make_run

from automlc.runtime.monitor import DEFINITIONS
from automlc.runtime.view import RunView, find_run, is_locked
from automlc.spec.errors import AutomlcError


def test_summary_counts_trials_by_state_and_names_the_incumbent(run: Path) -> None:
    with RunView.open(run) as view:
        summary = view.summary()
        ended = [t for t in view.trials() if t.state in ("complete", "stopped") and t.feasible]
    assert summary.state == "finished"
    assert summary.trials["total"] == 26
    assert sum(summary.trials[s] for s in ("complete", "stopped", "failed", "running")) == 26
    assert summary.best is not None
    assert summary.best["value"] == max(t.value for t in ended if t.value is not None)
    assert summary.test == {"metrics": {"accuracy": 0.975, "loss": 0.11}, "samples": 360}


def test_a_dead_driver_reads_as_interrupted_and_a_live_one_as_running(tmp_path: Path) -> None:
    run = make_run(tmp_path / "digits-1", trials=3, state="running")
    with RunView.open(run) as view:
        dead = view.summary()
        with (run / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert is_locked(run / "lock")
            alive = view.summary()
    assert (dead.state, alive.state) == ("interrupted", "running")
    assert dead.resume == f"automlc run {run} --resume"
    assert alive.resume is None


def test_the_view_never_writes_and_reads_beside_a_writer(run: Path) -> None:
    writer = sqlite3.connect(run / "study.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE trials SET reason = 'other' WHERE number = 0")
    with RunView.open(run) as view:
        assert view.trial(0).reason == "all epochs done"
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            view._database.execute("DELETE FROM trials")
    writer.execute("ROLLBACK")
    writer.close()


def test_a_snapshot_stays_at_one_instant_while_the_study_goes_on(run: Path) -> None:
    writer = sqlite3.connect(run / "study.db", isolation_level=None)
    with RunView.open(run) as view:
        with view.snapshot():
            before = view.counts()["total"]
            writer.execute("DELETE FROM trials WHERE number = 0")
            assert view.counts()["total"] == before
        assert view.counts()["total"] == before - 1
    writer.close()


def test_an_infeasible_trial_is_best_only_when_nothing_is_feasible(run: Path) -> None:
    database = sqlite3.connect(run / "study.db")
    database.execute("UPDATE trials SET value = 2, feasible = 0, state = 'complete' WHERE number=0")
    database.commit()
    with RunView.open(run) as view:
        best = view.best()
        assert best is not None
        assert best.number != 0
        assert view.rank(best) == (1, view.rank(view.trial(0))[1])  # type: ignore[index]
        database.execute("UPDATE trials SET feasible = 0")
        database.commit()
        worst = view.best()
    assert worst is not None
    assert (worst.number, worst.feasible) == (0, False)
    database.close()


def test_pauses_between_sessions_are_not_elapsed_time(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r-1", trials=0)
    database = sqlite3.connect(run / "study.db")
    database.execute("DELETE FROM events")
    moments = [(10.0, "study_started"), (15.0, "interrupted"), (900.0, "study_resumed")]
    moments += [(903.0, "study_ended")]
    database.executemany("INSERT INTO events(time, kind) VALUES (?, ?)", moments)
    database.commit()
    database.close()
    with RunView.open(run) as view:
        assert view.elapsed() == 8.0


def test_the_latest_run_is_the_default(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run.parent / "latest").write_text("digits-1\n")
    monkeypatch.chdir(run.parent.parent)
    assert find_run() == Path("runs/digits-1")
    assert find_run("runs") == Path("runs/digits-1")
    assert find_run("runs/latest") == Path("runs/digits-1")


@pytest.mark.parametrize("pointer", ["", "../elsewhere", "/etc", "gone", "a\0b", "."])
def test_a_pointer_to_anything_but_a_sibling_run_is_refused(run: Path, pointer: str) -> None:
    (run.parent / "latest").write_text(pointer)
    with pytest.raises(AutomlcError):
        find_run(run.parent)


def test_what_is_not_a_run_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(AutomlcError, match="is not a run directory"):
        RunView.open(tmp_path)
    with pytest.raises(AutomlcError, match="does not exist"):
        RunView.open(tmp_path / "nowhere")
    (tmp_path / "study.db").write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(AutomlcError, match="cannot be read as a study"):
        RunView.open(tmp_path)


def test_a_study_of_another_shape_is_refused(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "study.db")
    database.executescript(DDL.replace("best_epoch INTEGER,", ""))
    database.close()
    with pytest.raises(AutomlcError, match="best_epoch"):
        RunView.open(tmp_path)


def test_stored_values_of_the_wrong_type_become_empty(run: Path) -> None:
    database = sqlite3.connect(run / "study.db")
    database.execute("UPDATE trials SET value='x', config='[1', costs='{\"a\": NaN}', why='[]'")
    database.execute("UPDATE epochs SET value=x'00ff', metrics=3")
    database.execute("UPDATE meta SET value='[' WHERE key='test'")
    database.commit()
    database.close()
    with RunView.open(run) as view:
        trial = view.trial(1)
        assert (trial.value, trial.config, trial.costs, trial.why) == (None, {}, {}, {})
        assert view.epochs(1)[0].value is None
        assert view.summary().test is None
        assert view.best() is None


def test_links_in_a_run_directory_are_not_followed(run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (run / "t0003" / "log.txt").unlink()
    (run / "t0003" / "log.txt").symlink_to(secret)
    with RunView.open(run) as view:
        assert view.log_tail(view.trial(3)) == []


def test_trials_become_a_frame(run: Path) -> None:
    with RunView.open(run) as view:
        frame = view.trials_frame()
    assert len(frame) == 26
    assert frame["param.lr"].between(1e-4, 0.1).all()
    assert frame["param.momentum"].isna().sum() > 0
    assert set(frame["state"]) == {"complete", "stopped", "failed"}


def test_a_trial_is_seen_as_the_store_would_see_it(tmp_path: Path) -> None:
    run = make_run(tmp_path / "digits-1", steered=True, trials=3)
    database = sqlite3.connect(run / "study.db")
    diverged = '{"weights_nonfinite": 4}'
    database.execute("INSERT INTO feedback VALUES (1, 13, ?)", (diverged,))
    database.execute("UPDATE feedback SET payload = 'x' WHERE trial = 1 AND epoch = 2")
    database.commit()
    database.close()
    with RunView.open(run) as view:
        seen = view.seen(1)
        assert [one.epoch for one in seen] == list(range(1, 14))
        assert (seen[12].value, seen[12].feedback) == (None, {"weights_nonfinite": 4})
        assert seen[1].feedback is None
        assert seen[0].feedback is not None
        last = view.condition(view.trial(1))
        assert last is not None
        assert (last.convergence, last.weights) == ("slow", "nan")
        assert view.timeline(view.trial(1))[-1] == (13, last)


@pytest.mark.parametrize(
    "payload", ["[]", '"x"', "null", "3", '{"probe": 3}', '{"probe": {"zero_units": "9"}}', "{"]
)
def test_feedback_of_another_shape_is_no_feedback(tmp_path: Path, payload: str) -> None:
    run = make_run(tmp_path / "digits-1", steered=True, trials=2)
    database = sqlite3.connect(run / "study.db")
    database.execute("UPDATE feedback SET payload = ?", (payload,))
    database.commit()
    database.close()
    with RunView.open(run) as view:
        last = view.condition(view.trial(1))
    assert last is not None
    assert last.gradient == "normal"


@pytest.mark.parametrize(
    "monitor", [[], 3, {}, {"slow": None}, {**DEFINITIONS["code"].to_json(), "epochs": "all"}]
)
def test_a_damaged_monitor_is_none(run: Path, monitor: object) -> None:
    plan = json.loads((run / "plan.json").read_text())
    (run / "plan.json").write_text(json.dumps(plan | {"monitor": monitor}))
    with RunView.open(run) as view:
        assert view.monitor is None
        assert view.timeline(view.trial(1)) == []
        assert view.summary().condition is None


def test_the_plans_monitor_is_used_and_the_usual_one_where_there_is_none(run: Path) -> None:
    with RunView.open(run) as view:
        assert view.monitor == DEFINITIONS["automlc"]
    plan = json.loads((run / "plan.json").read_text())
    plan["monitor"] = DEFINITIONS["paper"].to_json()
    (run / "plan.json").write_text(json.dumps(plan))
    with RunView.open(run) as view:
        assert view.monitor == DEFINITIONS["paper"]
