"""T7 to T11: damaged files, full disks, memory, hangs and signals; each costs what it must."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from toy import (
    digest_of,
    make_project,
    processes_of,
    rows,
    run_forked,
    run_here,
    start_command,
    start_forked,
    store_of,
    trial_processes,
    wait_for,
)

from automlc.runtime.executors.local import LocalExecutor, clean_environment
from automlc.spec.errors import AutomlcError

STATES = "SELECT state, failure, reason FROM trials WHERE number = 2"


def run_wrong(tmp_path: Path, wrong: str, **changes: Any) -> tuple[str, str, str]:
    """A study whose second trial misbehaves; the others must be complete."""
    behavior = changes.pop("behavior", {})
    project = make_project(tmp_path / "p", {**behavior, "wrong": {"2": wrong}}, **changes)
    assert run_here(project, tmp_path / "r") == 0
    others = rows(tmp_path / "r", "SELECT DISTINCT state FROM trials WHERE number != 2")
    assert others == [("complete",)]
    state, failure, reason = rows(tmp_path / "r", STATES)[0]
    return state, failure, reason


@pytest.mark.parametrize(
    ("wrong", "failure", "reason"),
    [
        ("nan@2", "nan", "the loss is not finite"),
        ("nan_value@2", "nan", "the validation metric of epoch 2 is not finite"),
        ("diverged@2", "nan", "the loss became nan in epoch 2"),
        ("always_oom", "oom", "MemoryError"),
        ("error@3", "error", "ValueError: a bug in the model"),
        ("exit", "error", "exited with status 7"),
        ("no_metric", "error", "ended without reporting a metric"),
        ("no_value", "error", "epoch 1 has no metric: 'value' is None"),
        ("kill", "killed", "killed by SIGKILL"),
    ],
)
def test_every_way_to_fail_costs_one_trial_and_is_told_apart(
    tmp_path: Path, wrong: str, failure: str, reason: str
) -> None:
    assert run_wrong(tmp_path, wrong) == ("failed", failure, reason)
    attempts = rows(tmp_path / "r", "SELECT attempt FROM trials ORDER BY number")
    expected = {"killed": 3, "oom": 2}.get(failure, 1)
    assert attempts == [(1,), (expected,), (1,), (1,)]


def test_what_a_diverging_trial_saw_last_is_kept_and_its_epoch_is_not(tmp_path: Path) -> None:
    run_wrong(tmp_path, "diverged@2")
    run = tmp_path / "r"
    assert rows(run, "SELECT epochs, best_epoch FROM trials WHERE number = 2") == [(1, 1)]
    assert rows(run, "SELECT epoch FROM epochs WHERE trial = 2") == [(1,)]
    seen = rows(run, "SELECT epoch, payload FROM feedback WHERE trial = 2 ORDER BY epoch")
    assert [(epoch, json.loads(text)) for epoch, text in seen] == [
        (1, {"gradient_norm": 1.0}),
        (2, {"gradient_norm": 0.5}),
    ]


def test_a_trial_killed_once_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    assert run_wrong(tmp_path, "kill_once@3")[0] == "complete"
    log = (tmp_path / "r" / "t0002" / "log.txt").read_text()
    assert [line.split()[1] for line in log.splitlines()] == ["1", "2", "3", "3"]


def test_out_of_memory_is_tried_once_more_with_split_batches(tmp_path: Path) -> None:
    changes = {"budget__memory": 2 * 1024**3}
    assert run_wrong(tmp_path, "allocate@2", **changes)[0] == "complete"
    log = (tmp_path / "r" / "t0002" / "log.txt").read_text()
    assert "epoch 2 attempt accumulate 1" in log
    assert "epoch 2 attempt accumulate 2" in log
    assert "MemoryError" in log


def test_address_space_that_is_only_reserved_is_not_memory(tmp_path: Path) -> None:
    assert run_wrong(tmp_path, "reserve@2", budget__memory=1024**3)[0] == "complete"


@pytest.mark.parametrize("wrong", ["bad_alloc@2", "fill_and_abort@2"])
def test_c_code_that_gets_no_memory_and_aborts_is_out_of_memory(tmp_path: Path, wrong: str) -> None:
    assert run_wrong(tmp_path, wrong, budget__memory=512 * 1024**2)[0] == "complete"
    log = (tmp_path / "r" / "t0002" / "log.txt").read_text()
    assert "epoch 2 attempt accumulate 2" in log
    sql = "SELECT payload FROM events WHERE kind = 'attempt_started' AND trial = 2 ORDER BY seq"
    retry = json.loads(rows(tmp_path / "r", sql)[-1][0])
    assert (retry["cause"], retry["failure"]) == ("retry", "oom")
    assert retry["reason"] == "killed by SIGABRT at its limit of memory (budget.memory)"


@pytest.mark.parametrize("memory", [None, 1024**3])
def test_a_crash_that_is_not_about_memory_is_no_lack_of_it(
    tmp_path: Path, memory: int | None
) -> None:
    found = run_wrong(tmp_path, "abort@2", budget__memory=memory)
    assert found == ("failed", "killed", "killed by SIGABRT")


def test_a_stopped_process_is_ended_by_the_progress_watchdog(tmp_path: Path) -> None:
    state, failure, reason = run_wrong(tmp_path, "hang@2", budget__epoch_wall=1.5)
    assert (state, failure) == ("failed", "timeout")
    assert reason == "no epoch in 1.5 s (budget.epoch_wall)"
    assert not processes_of(tmp_path / "r")


def test_a_report_after_the_end_changes_nothing(tmp_path: Path) -> None:
    assert run_wrong(tmp_path, "goes_on")[0] == "complete"
    late = rows(tmp_path / "r", "SELECT payload FROM events WHERE kind = 'refused'")
    assert late == [('{"what":"a report after the end"}',)]
    assert rows(tmp_path / "r", "SELECT max(epoch) FROM epochs WHERE trial = 2") == [(3,)]


def test_a_project_that_cannot_be_loaded_is_said_and_can_be_resumed(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"load": "fail"})
    with pytest.raises(AutomlcError, match="could not be loaded: RuntimeError: no such data"):
        run_here(project, tmp_path / "r")
    assert rows(tmp_path / "r", "SELECT value FROM meta WHERE key = 'state'") == [
        ('"interrupted"',)
    ]


def test_a_failing_test_keeps_the_model_and_exits_with_1(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"test": "fail"})
    assert run_here(project, tmp_path / "r") == 1
    assert (tmp_path / "r" / "best" / "weights.json").exists()
    assert (
        "the test failed"
        in json.loads(rows(tmp_path / "r", "SELECT value FROM meta WHERE key = 'test'")[0][0])[
            "error"
        ]
    )


def test_a_study_without_a_model_says_so_and_exits_with_1(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"wrong": dict.fromkeys("1234", "error")})
    assert run_forked(project, tmp_path / "r", log=tmp_path / "log") == 1
    text = (tmp_path / "log").read_text()
    assert "no model: no trial ended with one" in text
    assert "\x1b" not in text


def test_a_constraint_that_nothing_meets_names_the_closest_violation(tmp_path: Path) -> None:
    project = make_project(
        tmp_path / "p",
        costs={"code": [["const", 1000]], "outputs": {"model.size": 0}},
        constraints=[
            {
                "text": "model.size <= 900",
                "metric": "model.size",
                "op": "<=",
                "bound": 900,
                "stage": "static",
            }
        ],
    )
    assert run_forked(project, tmp_path / "r", log=tmp_path / "log") == 1
    text = (tmp_path / "log").read_text()
    assert "no allowed configuration found in 1000 proposals" in text
    assert "closest: model.size is 1000, the constraint: model.size <= 900" in text


# ---- budgets and targets ----


def test_a_target_ends_the_study(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", task__target=0.5, budget__trials=50)
    assert run_here(project, tmp_path / "r") == 0
    store = store_of(tmp_path / "r")
    assert store.meta()["reason"] == "target"
    assert store.counts()["complete"] + store.counts().get("stopped", 0) < 50
    best = store.incumbent()
    assert best is not None
    assert best.value is not None
    assert best.value >= 0.5
    assert best.reason.startswith("target reached")
    store.close()


def test_the_wall_ends_the_study_after_the_epoch(tmp_path: Path) -> None:
    project = make_project(
        tmp_path / "p", {"sleep": 0.05}, budget__wall=1.0, budget__trials=500, budget__epochs=50
    )
    assert run_here(project, tmp_path / "r") == 0
    store = store_of(tmp_path / "r")
    assert store.meta()["reason"] == "wall"
    assert store.counts().get("stopped") == 1
    assert list(store._query("SELECT 1 FROM events WHERE kind = 'wall_reached'")) == [(1,)]
    store.close()


def test_workers_share_the_work_and_nothing_is_proposed_twice(tmp_path: Path) -> None:
    project = make_project(
        tmp_path / "p",
        search={"strategy": "tpe", "options": {"startup": 3}},
        budget__trials=10,
        stopping={"policy": "hyperband", "options": {}},
    )
    assert run_here(project, tmp_path / "r", workers=3) == 0
    configs = rows(tmp_path / "r", "SELECT config FROM trials")
    assert len(configs) == len(set(configs)) == 10


def test_a_fresh_process_per_trial_does_the_same(tmp_path: Path, monkeypatch: Any) -> None:
    project = make_project(tmp_path / "p", {"wrong": {"2": "kill_once@2", "3": "error"}})
    assert run_here(project, tmp_path / "forked") == 0
    monkeypatch.setattr("automlc.runtime.executors.local.can_fork", lambda: False)
    monkeypatch.setattr(
        LocalExecutor.__dataclass_fields__["fork"], "default_factory", lambda: False
    )
    import automlc.runtime.run as run_module

    class Spawning(LocalExecutor):
        def __init__(self, *args: Any, **kwargs: Any):
            super().__init__(*args, fork=False, **kwargs)

    monkeypatch.setattr(run_module, "LocalExecutor", Spawning)
    assert run_here(project, tmp_path / "spawned") == 0
    assert digest_of(tmp_path / "spawned") == digest_of(tmp_path / "forked")


# ---- damaged files (T7) ----


def interrupted_run(tmp_path: Path) -> tuple[Path, Path]:
    """A run whose driver was killed after epoch 3 of trial 1, and the digest it should reach."""
    project = make_project(tmp_path / "p", budget__epochs=5, budget__trials=2)
    assert run_forked(project, tmp_path / "straight") == 0
    assert run_forked(project, tmp_path / "r", fault="driver.epoch.recorded:3:sigkill") == -9
    wait_for(lambda: not processes_of(tmp_path / "r"))
    assert (tmp_path / "r" / "t0001" / "checkpoint-0003.json").exists()
    return project, tmp_path / "r"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda t: flip(t / "checkpoint-0003.json"), "checkpoint-0003.json does not match"),
        (lambda t: (t / "checkpoint-0003.json").unlink(), "checkpoint-0003.json is missing"),
        (lambda t: [p.unlink() for p in t.glob("checkpoint-*")], "checkpoint-0003.json is missing"),
        (lambda t: [flip(p) for p in t.glob("weights-*")], "does not match its record"),
        (shutil.rmtree, "is missing"),
    ],
)
def test_a_damaged_checkpoint_is_named_and_an_earlier_one_is_used(
    tmp_path: Path, damage: Any, says: str
) -> None:
    project, run = interrupted_run(tmp_path)
    damage(run / "t0001")
    assert run_forked(project, run, resume=True, log=tmp_path / "log") == 0
    assert says in (tmp_path / "log").read_text()
    assert digest_of(run) == digest_of(tmp_path / "straight")


def test_damaged_weights_of_the_best_trial_are_never_used(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", budget__trials=1)
    assert run_forked(project, tmp_path / "r", fault="driver.end.after:1:sigkill") == -9
    wait_for(lambda: not processes_of(tmp_path / "r"))
    for weights in (tmp_path / "r" / "t0001").glob("weights-*"):
        flip(weights)
    assert run_forked(project, tmp_path / "r", resume=True, log=tmp_path / "log") == 2
    text = (tmp_path / "log").read_text()
    assert "the weights of the best trial" in text
    assert "does not match its record" in text
    assert not (tmp_path / "r" / "best" / "weights.json").exists()


def test_a_clock_that_was_set_back_does_not_matter(tmp_path: Path, monkeypatch: Any) -> None:
    project, run = interrupted_run(tmp_path)
    monkeypatch.setattr(time, "time", lambda now=time.time: now() - 3600)
    assert run_forked(project, run, resume=True) == 0
    assert digest_of(run) == digest_of(tmp_path / "straight")


# ---- disks (T8) ----


def test_a_full_disk_in_a_trial_interrupts_the_study_and_names_the_file(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"wrong": {"2": "enospc"}})
    assert run_forked(project, tmp_path / "r", log=tmp_path / "log") == 2
    text = (tmp_path / "log").read_text()
    assert "trial 2 cannot write its files: No space left on device (checkpoint-0001.json)" in text
    assert "--resume" in text
    assert rows(tmp_path / "r", "SELECT state FROM trials WHERE number = 2") == [("running",)]


def test_files_may_not_grow_without_bound_and_the_run_can_be_resumed(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"wrong": {"2": "fill"}})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * 1024**2, hard))
    try:
        assert run_forked(project, tmp_path / "r", log=tmp_path / "log") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "trial 2 cannot write its files: File too large" in (tmp_path / "log").read_text()
    assert run_forked(project, tmp_path / "r", resume=True) == 0


def test_a_full_disk_under_the_database_is_named_and_the_run_can_be_resumed(
    tmp_path: Path,
) -> None:
    project = make_project(tmp_path / "p")
    assert run_forked(project, tmp_path / "straight") == 0
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 * 1024, hard))
    try:
        assert run_forked(project, tmp_path / "r", log=tmp_path / "log") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "study.db cannot be written" in (tmp_path / "log").read_text()
    assert run_forked(project, tmp_path / "r", resume=True) == 0
    assert digest_of(tmp_path / "r") == digest_of(tmp_path / "straight")


def test_a_fault_of_the_disk_inside_a_commit_is_an_infrastructure_failure(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p")
    assert run_forked(project, tmp_path / "straight") == 0
    code = run_forked(
        project, tmp_path / "r", fault="driver.commit.before:7:enospc", log=tmp_path / "log"
    )
    assert code == 2
    assert "study.db cannot be written" in (tmp_path / "log").read_text()
    assert run_forked(project, tmp_path / "r", resume=True) == 0
    assert digest_of(tmp_path / "r") == digest_of(tmp_path / "straight")


# ---- signals (T11) ----


def start_slow(tmp_path: Path, **changes: Any) -> tuple[Path, Path, Any]:
    project = make_project(
        tmp_path / "p", {"sleep": 0.25}, budget__epochs=5, budget__trials=2, **changes
    )
    process = start_command(project, "--run-dir", tmp_path / "r")
    wait_for(lambda: (tmp_path / "r" / "t0001" / "log.txt").exists())
    wait_for(lambda: rows(tmp_path / "r", "SELECT 1 FROM epochs"))
    return project, tmp_path / "r", process


def test_one_interrupt_saves_the_epoch_and_exits_with_130(tmp_path: Path) -> None:
    project, run, process = start_slow(tmp_path)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, out
    assert "SIGINT: saving the running epoch" in out
    assert f"continue: automlc run {run} --resume" in out
    assert not processes_of(run)
    assert rows(run, "SELECT value FROM meta WHERE key = 'state'") == [('"interrupted"',)]
    assert rows(run, "SELECT state FROM trials") == [("running",)]
    assert run_forked(project, run, resume=True) == 0
    assert run_forked(project, tmp_path / "straight") == 0
    assert digest_of(run) == digest_of(tmp_path / "straight")
    log = (run / "t0001" / "log.txt").read_text().split("\n")
    assert len([line for line in log if line.startswith("epoch")]) == 5


def test_a_second_interrupt_stops_at_once(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"sleep": 60})
    run = tmp_path / "r"
    process = start_command(project, "--run-dir", run)
    wait_for(lambda: trial_processes(run))
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    assert not processes_of(run)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_save_too_and_keep_their_own_exit_code(
    tmp_path: Path, number: int, code: int
) -> None:
    _, run, process = start_slow(tmp_path)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == code, out
    assert rows(run, "SELECT value FROM meta WHERE key = 'state'") == [('"interrupted"',)]
    assert not processes_of(run)


def test_an_interrupt_while_the_data_is_loaded_is_heard(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"load_sleep": 60})
    process = start_command(project, "--run-dir", tmp_path / "r")
    wait_for(lambda: processes_of(tmp_path / "r"))
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    wait_for(lambda: not processes_of(tmp_path / "r"), timeout=2)


# ---- T6 ----


def test_a_second_controller_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"sleep": 0.2}, budget__epochs=10)
    pid = start_forked(project, tmp_path / "r")
    wait_for(lambda: trial_processes(tmp_path / "r"))
    with pytest.raises(AutomlcError, match=f"is being run by process {pid}"):
        run_here(project, tmp_path / "r", resume=True)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


# ---- workers ----


def test_a_worker_gets_one_thread_and_no_secrets() -> None:
    environment = clean_environment(
        {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "HF_TOKEN": "x", "my_password": "x"}
    )
    assert environment["PATH"] == "/bin"
    assert environment["OMP_NUM_THREADS"] == "1"
    assert not {"AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "my_password"} & set(environment)


def test_a_trial_log_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", budget__trials=1)
    assert run_here(project, tmp_path / "r") == 0
    log = tmp_path / "r" / "t0001" / "log.txt"
    assert log.stat().st_mode & 0o077 == 0
    assert "epoch 1" in log.read_text()
