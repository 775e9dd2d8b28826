"""A real run that goes on with a changed spec, by the real command, on both backends."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automlc.runtime.view import RunView

SPEC = """\
automlc: 1
name: cells
task: {kind: tabular_classification, metric: accuracy}
data: {source: builtin:breast_cancer}
space:
  preset: tabular/mlp
  parameters:
    lr: log_uniform(0.001, 0.01)
    width: fixed(16)
    depth: fixed(1)
    batch_size: fixed(64)
search: random
budget: {trials: 4, epochs: 2}
backend: {kind: KIND, device: cpu, threads: 1}
seed: 3
"""
BACKENDS = [
    pytest.param("pytorch", marks=pytest.mark.torch),
    pytest.param("keras", marks=pytest.mark.keras),
]


def automlc(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "automlc", *map(str, arguments)]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def resumed(folder: Path, *changes: tuple[str, str]) -> subprocess.CompletedProcess[str]:
    """Resume the run of a folder with its spec, in which some words are others now."""
    text = (folder / "task.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "task.yaml").write_text(text)
    return automlc("run", "task.yaml", "--run-dir", "run", "--resume", cwd=folder)


def trials(folder: Path) -> dict[int, Any]:
    with RunView.open(folder / "run") as view:
        return {trial.number: trial for trial in view.trials()}


def status(folder: Path) -> dict[str, Any]:
    done = automlc("status", "run", "--json", cwd=folder)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def digests(folder: Path) -> dict[str, str]:
    """Every file of a run but those that say who has it open: its lock, and SQLite's index."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in ("lock", "study.db-shm")
        and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module", params=BACKENDS)
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and a finished run of four trials."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "task.yaml").write_text(SPEC.replace("KIND", request.param))
    done = automlc("run", "task.yaml", "--run-dir", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_a_wider_space_and_a_larger_budget_keep_every_trial_and_go_on(folder: Path) -> None:
    before = trials(folder)
    done = resumed(
        folder,
        ("log_uniform(0.001, 0.01)", "log_uniform(0.0001, 0.1)"),
        ("width: fixed(16)", "width: choice(16, 32)"),
        ("trials: 4", "trials: 6"),
    )
    assert done.returncode == 0, done.stderr
    after = trials(folder)
    assert sorted(after) == [1, 2, 3, 4, 5, 6]
    for number, trial in before.items():
        assert (after[number].value, after[number].epochs) == (trial.value, trial.epochs)
        assert after[number].config == {**trial.config, "width": 16}
    assert {after[5].state, after[6].state} == {"complete"}
    found = status(folder)
    assert (found["state"], found["trials"]["complete"]) == ("finished", 6)
    assert found["best"]["value"] == max(trial.value for trial in after.values())
    (plan,) = found["plans"]
    classes = {change["key"]: change["kind"] for change in plan["changes"]}
    assert classes == {
        "budget.trials": "budget",
        "space.parameters.lr": "widened",
        "space.parameters.width": "widened",
    }
    assert plan["outside"] == {}


def test_a_narrower_space_filters_trials_and_elects_the_best_that_is_left(folder: Path) -> None:
    before = trials(folder)
    best = status(folder)["best"]["trial"]
    rates = {number: trial.config["lr"] for number, trial in before.items()}
    # Leave the best out, on the side on which fewer others go with it.
    above = [number for number, rate in rates.items() if rate > rates[best]]
    below = [number for number, rate in rates.items() if rate < rates[best]]
    inside = above if len(above) >= len(below) else below
    bounds = (rates[best] * 1.001, 0.01) if inside is above else (0.001, rates[best] * 0.999)
    domain = f"log_uniform({bounds[0]!r}, {bounds[1]!r})"
    done = resumed(folder, ("log_uniform(0.001, 0.01)", domain), ("trials: 4", "trials: 6"))
    assert done.returncode == 0, done.stderr
    assert f"{len(inside)} of 4 trials stay valid" in done.stdout
    after = trials(folder)
    assert sorted(after) == [1, 2, 3, 4, 5, 6]
    assert {n: after[n].value for n in before} == {n: before[n].value for n in before}
    with RunView.open(folder / "run") as view:
        assert set(view.outsiders) == set(before) - set(inside)
    # Of beaten trials no weights are kept: the best that is left is trained again.
    elected = max(inside, key=lambda number: (before[number].value, -number))
    assert after[5].config == before[elected].config
    assert bounds[0] <= after[6].config["lr"] <= bounds[1]
    found = status(folder)
    assert found["best"]["trial"] in (5, 6)
    metrics = json.loads((folder / "run" / "best" / "metrics.json").read_text())
    assert metrics["validation"] == found["best"]["value"]
    assert 0.5 < found["test"]["metrics"]["accuracy"] <= 1
    text = automlc("why", str(best), "run", cwd=folder).stdout
    assert "outside the plan since plan 2 (" in text
    assert f"lr = {rates[best]!r} is not in log_uniform" in text
    # Weights need no framework, which Keras takes half a minute to load.
    is_torch = "kind: pytorch" in (folder / "task.yaml").read_text()
    exported = automlc("export", "run", "--format", "source" if is_torch else "weights", cwd=folder)
    assert exported.returncode == 0, exported.stderr
    assert ("same answers as the trained model" in exported.stdout) == is_torch


REFUSED = [
    ("metric: accuracy", "metric: f1", "objective changed, task.metric: accuracy -> f1"),
    ("seed: 3", "seed: 4", "data changed, seed: 3 -> 4 (the seed draws the split; data.split.seed"),
    ("epochs: 2", "epochs: 3", "training changed, budget.epochs: 2 -> 3"),
]


@pytest.mark.parametrize(("old", "new", "words"), REFUSED)
def test_what_makes_trials_incomparable_is_refused_and_nothing_of_the_run_is_touched(
    folder: Path, old: str, new: str, words: str
) -> None:
    before = digests(folder / "run")
    done = resumed(folder, (old, new), ("trials: 4", "trials: 6"))
    assert done.returncode == 2
    assert words in done.stderr
    assert "automlc diff run build/cells" in done.stderr
    assert digests(folder / "run") == before
    # It goes on as it was.
    again = automlc("run", "run", "--resume", cwd=folder)
    assert again.returncode == 0
    assert "nothing to resume" in again.stdout
