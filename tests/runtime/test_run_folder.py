"""Run directories: names, refusals, manifests, plans, and what is said along the way."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from toy import digest_of, make_project, plan, run_here, write_manifest

from automlc.runtime.costs import CostProgram
from automlc.runtime.plan import Plan, load_plan
from automlc.runtime.progress import JsonLines, Lines
from automlc.runtime.run import Options, execute, find_data, verify_project
from automlc.spec.errors import AutomlcError


def test_runs_are_numbered_and_the_latest_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    project = make_project(tmp_path / "p", budget__trials=1)
    for number in (1, 2):
        assert execute(project, Options()).exit_code == 0
        assert Path("runs/latest").read_text() == f"toy-{number}\n"
    assert digest_of(Path("runs/toy-1")) == digest_of(Path("runs/toy-2"))
    assert execute(project, Options(resume=True)).best == 1
    assert sorted(p.name for p in Path("runs").iterdir()) == ["latest", "toy-1", "toy-2"]


def test_resuming_a_finished_run_three_times_does_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", budget__trials=1)
    assert run_here(project, tmp_path / "r") == 0
    before = (tmp_path / "r" / "study.db").read_bytes()
    for _ in range(3):
        assert execute(tmp_path / "r", Options(resume=True)).exit_code == 0
    assert (tmp_path / "r" / "study.db").read_bytes() == before


def test_resuming_a_run_that_ended_without_a_model_says_so_again(tmp_path: Path) -> None:
    text = io.StringIO()
    project = make_project(tmp_path / "p", {"wrong": {"1": "error"}}, budget__trials=1)
    assert run_here(project, tmp_path / "r") == 1
    outcome = execute(tmp_path / "r", Options(resume=True, progress=Lines(text)))
    assert (outcome.exit_code, outcome.best) == (1, None)
    assert "no model: no trial ended with one" in text.getvalue()
    assert "budget: 1 trial of 3 epochs; 1 at a time" in text.getvalue()


def test_a_run_is_never_started_over(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", budget__trials=1)
    assert run_here(project, tmp_path / "r") == 0
    with pytest.raises(AutomlcError, match="never started over") as caught:
        run_here(project, tmp_path / "r")
    assert "--resume" in str(caught.value.hint)
    with pytest.raises(AutomlcError, match="never started over"):
        execute(tmp_path / "r", Options())


def test_a_plan_that_trains_otherwise_does_not_continue_an_old_run(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", budget__trials=1)
    assert run_here(project, tmp_path / "r") == 0
    other = make_project(tmp_path / "other", budget__trials=1, budget__epochs=4)
    with pytest.raises(AutomlcError, match=r"training changed, budget\.epochs: 3 -> 4"):
        run_here(other, tmp_path / "r", resume=True)


def test_a_plan_edited_inside_a_run_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", budget__trials=1)
    assert run_here(project, tmp_path / "r") == 0
    path = tmp_path / "r" / "plan.json"
    path.write_text(path.read_text().replace('"trials": 1', '"trials": 9'))
    with pytest.raises(AutomlcError, match="was changed since the run started"):
        execute(tmp_path / "r", Options(resume=True))


def test_a_folder_with_strange_contents_or_a_link_is_no_run(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", budget__trials=1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("precious")
    with pytest.raises(AutomlcError, match=r"neither empty nor a run: it holds 'thesis\.txt'"):
        run_here(project, tmp_path / "full")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(AutomlcError, match="symbolic link"):
        run_here(project, tmp_path / "link")


def test_code_that_was_not_emitted_is_refused_unless_allowed(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", budget__trials=1)
    train = project / "train.py"
    train.write_text(train.read_text() + "\n# mine\n")
    with pytest.raises(AutomlcError, match=r"train\.py is not what was compiled") as caught:
        run_here(project, tmp_path / "r")
    assert "--allow-code train.py" in str(caught.value.hint)
    (project / "extra.py").write_text("print('hello')\n")
    with pytest.raises(AutomlcError, match=r"extra\.py was not written by automlc"):
        run_here(project, tmp_path / "r", allow_code=("train.py",))
    with pytest.raises(AutomlcError, match=r"has no file 'other\.py'"):
        verify_project(project, ["other.py"])
    allowed = ("train.py", "extra.py")
    assert run_here(project, tmp_path / "r", allow_code=allowed) == 0
    assert (tmp_path / "r" / "project" / "extra.py").exists()


def test_a_manifest_cannot_reach_outside_the_project(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p")
    manifest = json.loads((project / "automlc.lock").read_text())
    manifest["files"]["../outside.py"] = "0" * 64
    (project / "automlc.lock").write_text(json.dumps(manifest))
    with pytest.raises(AutomlcError, match="outside the project"):
        verify_project(project)
    write_manifest(project)
    (project / "train.py").unlink()
    (project / "train.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(AutomlcError, match="symbolic link"):
        verify_project(project)
    (project / "automlc.lock").write_text("[" * 100_000)
    with pytest.raises(AutomlcError, match="cannot be read"):
        verify_project(project)
    (project / "automlc.lock").unlink()
    with pytest.raises(AutomlcError, match="not a compiled project"):
        verify_project(project)


def test_data_is_found_below_allowed_folders_only(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x\n")
    work = tmp_path / "work" / "deep" / "er"
    project = make_project(work / "build" / "p")
    monkeypatch.chdir(work)

    def find(source: str, *roots: Path) -> str:
        return find_data(Plan.from_json(plan(data__source=source)), project, roots)

    assert find("builtin:digits") == "builtin:digits"
    (work / "b.csv").write_text("x\n")
    assert find("b.csv") == str(work / "b.csv")
    with pytest.raises(AutomlcError, match="is not there"):
        find("c.csv")
    outside = str(tmp_path / "data" / "a.csv")
    with pytest.raises(AutomlcError, match="outside the project") as caught:
        find(outside)
    assert f"--data-root {tmp_path / 'data'}" in str(caught.value.hint)
    assert find(outside, tmp_path / "data") == outside
    assert find("a.csv", tmp_path / "data") == outside


# ---- plan.json ----


def test_a_plan_survives_json_and_its_digest_ignores_layout() -> None:
    read = Plan.from_json(plan())
    again = Plan.from_json(json.loads(json.dumps(read.to_json(), indent=3)))
    assert again.to_json() == read.to_json() == plan()
    assert again.sha256() == read.sha256() != Plan.from_json(plan(seed=1)).sha256()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "unknown key 'colour'"),
        ({"budget__walls": 1}, "unknown key 'budget.walls'"),
        ({"budget__trials": "20"}, "'budget.trials' must be int"),
        ({"budget__trials": 0}, "'budget.trials' must be positive"),
        ({"budget__trials": True}, "'budget.trials' must be int"),
        ({"task__goal": "win"}, "must be minimize or maximize"),
        ({"schema": "automlc.plan/9"}, "the schema is 'automlc.plan/9'"),
        ({"constraints": [{"text": ""}]}, r"'constraints\[0\].metric' is missing"),
        ({"costs": {"code": [["jump", 1]], "outputs": {}}}, "unknown name 'jump'"),
    ],
)
def test_a_plan_that_is_wrong_is_refused_by_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AutomlcError, match=message):
        Plan.from_json(plan(**changes))


def test_a_missing_or_broken_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(AutomlcError, match="does not exist"):
        load_plan(tmp_path / "plan.json")
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(AutomlcError, match="is damaged: no JSON at line 1, column 2"):
        load_plan(tmp_path / "plan.json")
    assert CostProgram((), {}).evaluate({}) == {}


# ---- what is said ----


def test_plain_lines_tell_the_story(tmp_path: Path) -> None:
    text = io.StringIO()
    project = make_project(tmp_path / "p", {"wrong": {"2": "error"}}, budget__trials=3)
    assert run_here(project, tmp_path / "r", progress=Lines(text)) == 0
    lines = text.getvalue().splitlines()
    assert lines[0].startswith("toy: maximize accuracy (tabular classification), search random")
    assert lines[1].startswith("budget: 3 trials of 3 epochs; 1 at a time")
    assert f"automlc run {tmp_path / 'r'} --resume" in lines[3]
    assert len([line for line in lines if line[1:].startswith("trial ")]) == 3
    assert "failed (error)" in text.getvalue()
    assert "\x1b" not in text.getvalue()
    assert any(line.startswith("best: trial ") and "; test accuracy" in line for line in lines)
    assert lines[-1].startswith("next: automlc report")


def test_json_lines_are_one_object_each(tmp_path: Path) -> None:
    text = io.StringIO()
    project = make_project(tmp_path / "p", budget__trials=2)
    assert run_here(project, tmp_path / "r", progress=JsonLines(text)) == 0
    events = [json.loads(line) for line in text.getvalue().splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "begin"
    assert kinds[-1] == "end"
    assert kinds.count("epoch") == 6
    assert kinds.count("trial_ended") == 2
    assert events[-1]["test"]["metrics"]["accuracy"] > 0


def test_a_heartbeat_is_printed_when_nothing_ends(monkeypatch: Any, tmp_path: Path) -> None:
    text = io.StringIO()
    monkeypatch.setattr("automlc.runtime.progress.HEARTBEAT_S", 0.2)
    project = make_project(tmp_path / "p", {"sleep": 1.0}, budget__trials=1, budget__epochs=1)
    assert run_here(project, tmp_path / "r", progress=Lines(text)) == 0
    assert "... trial 1 at epoch 1 of 1; 0 of 1 trials done" in text.getvalue()


def test_best_holds_the_incumbent_and_nothing_else_keeps_weights(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", budget__trials=5)
    assert run_here(project, tmp_path / "r") == 0
    best = tmp_path / "r" / "best"
    assert sorted(p.name for p in best.iterdir()) == ["config.json", "metrics.json", "weights.json"]
    metrics = json.loads((best / "metrics.json").read_text())
    kept = [path.parent.name for path in (tmp_path / "r").glob("t*/weights-*")]
    assert kept == [f"t{metrics['trial']:04d}"]
    assert metrics["test"]["accuracy"] > 0
