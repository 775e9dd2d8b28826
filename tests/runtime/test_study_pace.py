"""Studies with a wall: what the probe decides, what is not started, and that a resume agrees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from toy import (
    digest_of,
    make_project,
    rows,
    run_command,
    run_forked,
    run_here,
    start_forked,
    store_of,
    trial_processes,
    wait_for,
)

from automlc.compiler.plan_text import plan_text
from automlc.runtime.pacing import LATE, Pacing
from automlc.runtime.plan import Plan, load_plan
from automlc.runtime.store import Store
from automlc.runtime.view import RunView
from automlc.runtime.why import tell, why
from tests.compiler.spaces import preset_graph

# An epoch of the toy takes `slow` seconds for x = 1, and costs 10^9 multiplications.
COSTS = {
    "code": [["param", "x"], ["const", 10**9], ["mul", 0, 1]],
    "outputs": {"model.macs": 2},
}
WALLED: dict[str, Any] = {
    "costs": COSTS,
    "data__rows": {"train": 100, "validation": 20},
    "search": {"strategy": "tpe", "options": {"startup": 2}},
    "budget__trials": 3,
    "budget__wall": 100.0,
}


def record_of(run: Path) -> dict[str, Any]:
    """The payload of the one event `pace`."""
    ((text,),) = rows(run, "SELECT payload FROM events WHERE kind = 'pace'")
    found: dict[str, Any] = json.loads(text)
    return found


def first_of(run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration and the why-record of the first trial."""
    ((config, reason),) = rows(run, "SELECT config, why FROM trials WHERE number = 1")
    return json.loads(config), json.loads(reason)


def test_a_default_that_takes_too_long_is_made_smaller(tmp_path: Path) -> None:
    # The default, x = 0.5, takes 3 epochs of 5 s; the first trial may take 5 of 100 s.
    project = make_project(tmp_path / "p", {"sleep": 0.001, "slow": 10}, **WALLED)
    run = tmp_path / "r"
    assert run_here(project, run) == 0
    found, (config, reason) = record_of(run), first_of(run)
    assert len(found["probes"]) == 3
    assert found["caution"] == pytest.approx(1, abs=0.1)
    assert config == {"kind": "a", "x": 0.125}
    assert reason["proposal"]["rule"] == "default"
    start = reason["start"]
    assert start["changed"] == {"x": {"from": 0.5, "to": 0.125}}
    assert start["default"] == pytest.approx(15, rel=0.1)
    assert start["estimate"] == pytest.approx(3.75, rel=0.1)
    assert (start["limit"], start["fits"]) == (5, True)
    assert "the default would take 15 s, the first trial may take 5 s" in start["because"]
    assert reason["estimate"]["epochs"] == 3


def test_the_decision_is_told_by_status_and_why(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"sleep": 0.001, "slow": 10}, **WALLED)
    run = tmp_path / "r"
    assert run_here(project, run) == 0
    with RunView.open(run) as view:
        summary = view.summary().to_json()
        lines = [line for _, found in tell(why(view, 1)) for line in found]
    assert summary["pace"] == record_of(run)
    assert summary["wall_left"] is None
    assert any("x 0.5 to 0.125 takes about" in line for line in lines)


def test_a_default_that_fits_is_where_the_search_starts(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"sleep": 0.001, "slow": 1}, **WALLED)
    run = tmp_path / "r"
    assert run_here(project, run) == 0
    config, reason = first_of(run)
    assert config == {"kind": "a", "x": 0.5}
    assert reason["start"]["changed"] == {}
    assert "the default takes about 1.5 s" in reason["start"]["because"]


def test_without_a_wall_nothing_is_probed(tmp_path: Path) -> None:
    quiet = {**WALLED, "budget__wall": None}
    project = make_project(tmp_path / "p", {"sleep": 0.001, "slow": 10, "pace": "fail"}, **quiet)
    run = tmp_path / "r"
    assert run_here(project, run) == 0
    assert rows(run, "SELECT 1 FROM events WHERE kind = 'pace'") == []
    assert not (run / "pace.txt").exists()
    config, reason = first_of(run)
    assert config == {"kind": "a", "x": 0.5}
    assert not reason.keys() & {"start", "estimate"}


def test_a_plan_of_before_there_were_rows_is_not_probed(tmp_path: Path) -> None:
    old = {key: value for key, value in WALLED.items() if key != "data__rows"}
    project = make_project(tmp_path / "p", {"sleep": 0.001, "slow": 1000}, **old)
    run = tmp_path / "r"
    assert run_here(project, run) == 0
    assert rows(run, "SELECT 1 FROM events WHERE kind = 'pace'") == []
    assert len(rows(run, "SELECT 1 FROM trials")) == 3


def test_a_probe_that_fails_is_noted_and_the_default_is_tried(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"sleep": 0.001, "slow": 10, "pace": "fail"}, **WALLED)
    run = tmp_path / "r"
    assert run_here(project, run) == 0
    assert record_of(run)["skipped"] == "RuntimeError: no pace today"
    assert first_of(run)[0] == {"kind": "a", "x": 0.5}


def test_a_project_without_pace_runs_as_before(tmp_path: Path, monkeypatch: Any) -> None:
    train = tmp_path / "train.py"
    text = Path(__file__).with_name("toy_train.py").read_text(encoding="utf-8")
    train.write_text(text.replace("def pace(", "def other("), encoding="utf-8")
    monkeypatch.setattr("toy.TRAIN", train)
    project = make_project(tmp_path / "p", {"sleep": 0.001}, **WALLED)
    run = tmp_path / "r"
    assert run_here(project, run) == 0
    found = record_of(run)
    assert "has no `pace`" in found["skipped"]
    # One question is enough to know.
    assert len(found["probes"]) == 1
    assert first_of(run)[0] == {"kind": "a", "x": 0.5}


def test_where_no_probe_ends_in_time_the_cheapest_is_tried_first(tmp_path: Path) -> None:
    changes = {**WALLED, "budget__wall": 20.0}
    project = make_project(tmp_path / "p", {"sleep": 0.001, "pace_sleep": 30}, **changes)
    run = tmp_path / "r"
    assert run_here(project, run) == 0
    found, (config, reason) = record_of(run), first_of(run)
    assert [sorted(probe) for probe in found["probes"]] == [["config", "cut"]]
    assert config == {"kind": "a", "x": 0.0}
    assert reason["start"]["estimate"] is None


@pytest.mark.parametrize("strategy", ["random", "tpe"])
def test_what_cannot_end_before_the_wall_is_not_started(tmp_path: Path, strategy: str) -> None:
    changes = {**WALLED, "search": {"strategy": strategy, "options": {}}}
    project = make_project(tmp_path / "p", {"sleep": 0.001, "slow": 1e9}, **changes)
    run = tmp_path / "r"
    assert run_here(project, run) == 0
    # x = 0 takes no time: the start. Nothing else does.
    assert rows(run, "SELECT count(*) FROM trials") == [(1,)]
    config, reason = first_of(run)
    assert config["x"] == 0.0
    if strategy == "random":
        assert reason["refused_count"] == LATE
        assert "of the wall are left" in reason["refused"][0]["reason"]
    ((left,),) = rows(run, "SELECT payload FROM events WHERE kind = 'wall_left'")
    assert 0 < json.loads(left)["seconds"] < 100
    with RunView.open(run) as view:
        summary = view.summary()
    assert (summary.state, summary.reason) == ("finished", "wall")
    assert summary.wall_left == json.loads(left)["seconds"]


def made_pacing(tmp_path: Path, elapsed: float, **changes: Any) -> tuple[Pacing, Plan, Store]:
    """The pacing of a study of one trial, by a clock of its own; the caller closes the store."""
    project = make_project(tmp_path / "p", {"sleep": 0.001, "slow": 10}, **{**WALLED, **changes})
    assert run_here(project, tmp_path / "r") == 0
    plan, store = load_plan(project / "plan.json"), store_of(tmp_path / "r")
    pacing = Pacing(plan, store, lambda: elapsed)
    pacing.read_probe()
    return pacing, plan, store


@pytest.mark.parametrize(
    ("elapsed", "policy", "epochs", "words"),
    [
        (60.0, "none", 3, None),
        (75.0, "none", 3, "it would take about 30 s and 25 s of the wall are left"),
        (75.0, "asha", 1, None),
        (95.0, "asha", 1, "it would take about 10 s and 5 s of the wall are left"),
        (120.0, "asha", 1, "it would take about 10 s and 0 s of the wall are left"),
    ],
)
def test_a_trial_must_reach_its_first_decision_before_the_wall(
    tmp_path: Path, elapsed: float, policy: str, epochs: int, words: str | None
) -> None:
    stopping = {"policy": policy, "options": {}}
    pacing, plan, store = made_pacing(tmp_path, elapsed, budget__trials=1, stopping=stopping)
    try:
        config = {"kind": "a", "x": 1.0}
        estimate = pacing.estimate(config, plan.costs.evaluate(config), pacing.now())
    finally:
        store.close()
    assert estimate is not None
    assert estimate["epochs"] == epochs
    assert pacing.objection(estimate) == words
    assert pacing.objection(None) is None


def test_epochs_of_trials_sharpen_the_pace(tmp_path: Path) -> None:
    pacing, _, store = made_pacing(tmp_path, 0.0, budget__trials=2)
    try:
        pace = pacing.now()
        again = pacing.now()
    finally:
        store.close()
    assert pace is not None
    assert pace.points == 3 + 2
    assert again == pace


POINTS = [
    "driver.commit.before:2",  # the probe is done, and not recorded
    "driver.pace.after:1",
    "driver.claim.after:1",
    "driver.epoch.recorded:2",
    "driver.claim.after:3",
    "driver.end.after:3",
]


def test_a_study_with_a_wall_that_is_killed_and_resumed_decides_the_same(tmp_path: Path) -> None:
    changes = {**WALLED, "budget__wall": 10_000.0, "budget__first": 0.0005}
    project = make_project(tmp_path / "p", {"sleep": 0.001, "slow": 10}, **changes)
    assert run_forked(project, tmp_path / "straight") == 0
    expected = digest_of(tmp_path / "straight")
    assert first_of(tmp_path / "straight")[1]["start"]["changed"] != {}
    for index, point in enumerate(POINTS):
        run = tmp_path / f"run-{index}"
        assert run_forked(project, run, fault=f"{point}:sigkill") == -signal.SIGKILL, point
        assert run_forked(project, run, resume=True) == 0, point
        assert digest_of(run) == expected, point
        assert record_of(run)["start"] == record_of(tmp_path / "straight")["start"], point


def test_a_probe_is_interrupted_and_taken_up_again(tmp_path: Path) -> None:
    changes = {**WALLED, "budget__wall": 10_000.0, "budget__trials": 1}
    project = make_project(tmp_path / "p", {"sleep": 0.001, "pace_sleep": 0.7}, **changes)
    run = tmp_path / "r"
    pid = start_forked(project, run)
    wait_for(lambda: trial_processes(run))
    os.kill(pid, signal.SIGINT)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    assert rows(run, "SELECT 1 FROM events WHERE kind = 'pace'") == []
    assert run_forked(project, run, resume=True) == 0
    assert len(record_of(run)["probes"]) == 3


def test_a_plan_says_what_will_be_done_where_there_is_a_wall() -> None:
    usual = preset_graph("digits", False)
    walled = replace(usual, budget=replace(usual.budget, wall=120.0))
    text = files("automlc.runtime").joinpath("schemas/plan.schema.json").read_text("utf-8")
    plans = [json.loads(json.dumps(graph.plan().to_json())) for graph in (usual, walled)]
    for plan in plans:
        Draft202012Validator(json.loads(text)).validate(plan)
    assert "rows" not in plans[0]["data"]
    assert plans[1]["data"]["rows"] == {"train": 40, "validation": 10}
    assert Plan.from_json(plans[1]) == walled.plan()
    line = "the first trial may take 6 s of 120 s (budget.first); sized by a probe of the device"
    assert line not in plan_text(usual)
    assert line in plan_text(walled)


SPEC = """automlc: 1
name: sized
task: {kind: image_classification}
data: {source: builtin:digits}
space:
  preset: image/blocks
  parameters:
    width: {choice: [8, 32], default: 32}
    depth: {int: [1, 2], default: 2}
budget: {trials: 1, epochs: 1, wall: 20min, first: 0.000001}
backend: {kind: pytorch, device: cpu, threads: 1}
"""


@pytest.mark.torch
def test_a_pytorch_project_is_probed_and_starts_small(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sized.yaml").write_text(SPEC, encoding="utf-8")
    command = [sys.executable, "-m", "automlc", "compile", "sized.yaml", "-o", "project"]
    subprocess.run(command, check=True, capture_output=True)
    if "def pace(" not in Path("project/train.py").read_text(encoding="utf-8"):
        pytest.skip("train.py has no pace")
    assert run_command(Path("project"), Path("run")) == 0
    found, (config, reason) = record_of(Path("run")), first_of(Path("run"))
    # No configuration takes a millisecond: the start is the cheapest, and says so.
    assert all(probe["epoch_seconds"] > 0 for probe in found["probes"])
    assert reason["start"]["fits"] is False
    assert "nothing faster was found" in reason["start"]["because"]
    assert (config["width"], config["depth"]) == (8, 1)
    assert {"width", "depth"} <= reason["start"]["changed"].keys()
