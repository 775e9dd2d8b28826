"""T1, T4, T5: a study killed at any instant and resumed equals an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from toy import (
    SIZE_OF_X,
    digest_of,
    make_project,
    processes_of,
    rows,
    run_command,
    run_forked,
    start_forked,
    store_of,
    trial_processes,
    wait_for,
)

SMALL = {
    "budget__trials": 3,
    "budget__epochs": 2,
    "search": {"strategy": "random", "options": {}},
    "stopping": {"policy": "asha", "options": {"eta": 2}},
}


def sweep(tmp_path: Path, point: str, action: str, step: int = 1, **changes: object) -> int:
    """Kill at the n-th hit for n = 1, 1 + step, ... until nothing fires; returns the last n."""
    project = make_project(tmp_path / "project", {"sleep": 0}, **changes)
    assert run_forked(project, tmp_path / "straight") == 0
    expected = digest_of(tmp_path / "straight")
    n = 1
    while True:
        run = tmp_path / f"run-{n}"
        code = run_forked(project, run, fault=f"{point}:{n}:{action}")
        if code == 0:
            break
        resumed = run_forked(project, run, resume=True, log=tmp_path / "log")
        assert resumed == 0, f"hit {n}: {(tmp_path / 'log').read_text()[-2000:]}"
        assert digest_of(run) == expected, f"hit {n} of {point}"
        assert not list(run.glob("t*/*.tmp")) + list(run.glob("t*/checkpoint*"))
        assert len(list(run.glob("t*/weights*"))) == 1
        n += step
    assert digest_of(run) == expected
    return n


def test_a_driver_killed_at_any_operation_resumes_to_the_same_study(tmp_path: Path) -> None:
    assert sweep(tmp_path, "driver.*", "sigkill", **SMALL) > 40


@pytest.mark.slow
def test_a_driver_killed_at_any_operation_of_a_longer_study(tmp_path: Path) -> None:
    changes = {**SMALL, "budget__trials": 6, "budget__epochs": 3}
    changes["search"] = {"strategy": "tpe", "options": {"startup": 2}}
    assert sweep(tmp_path, "driver.*", "sigkill", **changes) > 90


@pytest.mark.parametrize("point", ["child.checkpoint.mid", "child.checkpoint.after"])
def test_a_trial_killed_around_its_checkpoint_goes_on_from_the_last_one(
    tmp_path: Path, point: str
) -> None:
    # The fault is read anew by every child of the worker: each trial dies at its n-th checkpoint,
    # is tried again and dies again, so only points late enough for a retry to pass are used.
    project = make_project(tmp_path / "project", {"sleep": 0}, **SMALL)
    assert run_forked(project, tmp_path / "straight") == 0
    run = tmp_path / "run"
    os.environ["FAULT"] = f"{point}:4:sigkill"
    try:
        assert run_forked(project, run) == 0
    finally:
        del os.environ["FAULT"]
    assert digest_of(run) == digest_of(tmp_path / "straight")
    assert rows(run, "SELECT max(attempt) FROM trials")[0][0] > 1


def test_a_database_whose_last_commit_is_torn_off_resumes(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", {"sleep": 0}, **SMALL)
    assert run_forked(project, tmp_path / "straight") == 0
    for n in (3, 8, 12):
        run = tmp_path / f"run-{n}"
        assert run_forked(project, run, fault=f"driver.commit.after:{n}:sigkill") == -9
        wal = run / "study.db-wal"
        os.truncate(wal, max(0, wal.stat().st_size - 20))
        assert run_forked(project, run, resume=True) == 0
        assert digest_of(run) == digest_of(tmp_path / "straight")


def test_a_lost_write_ahead_log_costs_trials_but_never_the_study(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", {"sleep": 0}, **SMALL)
    assert run_forked(project, tmp_path / "straight") == 0
    for n in (2, 7, 12):
        run = tmp_path / f"run-{n}"
        assert run_forked(project, run, fault=f"driver.commit.after:{n}:sigkill") == -9
        (run / "study.db-wal").unlink()
        (run / "study.db-shm").unlink(missing_ok=True)
        assert run_forked(project, run, resume=True) == 0
        assert digest_of(run) == digest_of(tmp_path / "straight")


def kill_and_resume(tmp_path: Path, downtime: float) -> None:
    changes = {**SMALL, "budget__trials": 6, "budget__epochs": 6}
    project = make_project(tmp_path / "project", {"sleep": 0.02}, **changes)
    assert run_forked(project, tmp_path / "straight") == 0
    run, progress = tmp_path / "run", -1
    for _ in range(3):
        pid = start_forked(project, run, resume=True)
        done = "SELECT coalesce(sum(epochs), 0) FROM trials"
        wait_for(lambda: (run / "best").exists() or trial_processes(run))
        time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        wait_for(lambda: not processes_of(run), timeout=2)
        reached = rows(run, done)[0][0]
        assert reached >= progress
        progress = reached
        time.sleep(downtime)
    assert run_forked(project, run, resume=True) == 0
    assert digest_of(run) == digest_of(tmp_path / "straight")


def test_a_killed_driver_takes_its_processes_along_and_resumes(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, downtime=0)


@pytest.mark.slow
@pytest.mark.parametrize("downtime", [5, 30])
def test_a_killed_driver_resumes_after_a_downtime(tmp_path: Path, downtime: float) -> None:
    kill_and_resume(tmp_path, downtime)


@pytest.mark.parametrize("seed", range(4))
def test_trials_killed_at_random_are_tried_again_and_others_are_unharmed(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    changes = {"budget__trials": 4, "budget__epochs": 5}
    project = make_project(tmp_path / "project", {"sleep": 0.03}, **changes)
    assert run_forked(project, tmp_path / "straight") == 0
    run = tmp_path / "run"
    pid = start_forked(project, run, workers=2)
    kills, killed = 2, []
    while len(killed) < kills and os.waitpid(pid, os.WNOHANG)[0] == 0:
        time.sleep(rng.uniform(0.03, 0.12))
        victims = [p for p in trial_processes(run) if p not in killed]
        if victims:
            killed.append(rng.choice(victims))
            os.kill(killed[-1], signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    # Random search does not look at results, so even the digest is the same.
    assert digest_of(run) == digest_of(tmp_path / "straight")
    retried = "SELECT count(*) FROM events WHERE kind = 'attempt_started' AND payload LIKE ?"
    store = store_of(run)
    assert store._one(retried, ('%"cause":"retry"%',)) <= kills
    store.close()


def test_a_killed_worker_parent_is_started_again(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", {"sleep": 0.03}, budget__epochs=5)
    assert run_forked(project, tmp_path / "straight") == 0
    run = tmp_path / "run"
    pid = start_forked(project, run)
    child = wait_for(lambda: trial_processes(run))[0]
    (parent,) = set(processes_of(run)) - {child}
    os.kill(parent, signal.SIGKILL)
    wait_for(lambda: not {parent, child} & set(processes_of(run)), timeout=5)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert digest_of(run) == digest_of(tmp_path / "straight")
    causes = rows(run, "SELECT payload FROM events WHERE kind = 'attempt_started'")
    assert any('"failure":"lost"' in text for (text,) in causes)


SEARCHERS = {
    "random": {},
    "grid": {"points": 5},
    "tpe": {"startup": 5},
    "gp": {"startup": 5},
}


@pytest.mark.parametrize("strategy", SEARCHERS)
def test_every_searcher_proposes_the_same_after_a_resume(tmp_path: Path, strategy: str) -> None:
    changes = {
        "budget__trials": 9 if strategy == "gp" else 17,
        "budget__epochs": 2,
        "search": {"strategy": strategy, "options": SEARCHERS[strategy]},
        "stopping": {"policy": "median", "options": {"min_trials": 3}},
        "costs": SIZE_OF_X,
        "constraints": [
            {
                "text": "model.size <= 900",
                "metric": "model.size",
                "op": "<=",
                "bound": 900,
                "stage": "static",
            }
        ],
    }
    project = make_project(tmp_path / "project", {"sleep": 0}, **changes)
    # The gp searcher computes with PyTorch, whose threads do not survive a fork of this process.
    start = run_command if strategy == "gp" else run_forked
    assert start(project, tmp_path / "straight") == 0
    run = tmp_path / "run"
    for stop in (7, 8, 15):
        code = start(project, run, fault=f"driver.claim.after:{stop}:sigkill", resume=True)
        assert code in (0, -9)
    assert start(project, run, resume=True) == 0
    assert digest_of(run) == digest_of(tmp_path / "straight")
