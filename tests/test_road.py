"""The whole road with the real command on real data: compile, run, read, export, train again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.torch

SPEC = """automlc: 1
name: road
task: {kind: image_classification, metric: accuracy}
data: {source: builtin:digits}
space:
  preset: image/blocks
  parameters: {width: fixed(16), depth: 'int(1, 2)', layers: fixed(1)}
constraints: [model.size <= 500kB]
search: {strategy: tpe, startup: 3}
stopping: asha
budget: {trials: 5, epochs: 3}
backend: {kind: pytorch, device: cpu, threads: 1}
seed: 11
"""


def automlc(*arguments: str | Path, cwd: Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "automlc", *map(str, arguments)]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and a finished run of it."""
    folder = tmp_path_factory.mktemp("road")
    (folder / "task.yaml").write_text(SPEC, encoding="utf-8")
    automlc("run", "task.yaml", "--run-dir", "run", cwd=folder)
    return folder


def test_the_run_tells_what_it_found(folder: Path) -> None:
    status = json.loads(automlc("status", "run", "--json", cwd=folder))
    assert status["state"] == "finished"
    assert status["trials"]["total"] == 5
    assert status["trials"]["complete"] >= 1
    assert status["trials"]["failed"] == 0
    assert status["best"]["feasible"] is True
    assert status["best"]["value"] > 0.8
    assert status["test"]["metrics"]["accuracy"] > 0.8
    why = automlc("why", str(status["best"]["trial"]), "run", cwd=folder)
    assert "epoch" in why


def test_resuming_a_finished_run_changes_nothing(folder: Path) -> None:
    before = (folder / "run" / "best" / "weights.safetensors").read_bytes()
    automlc("run", "run", "--resume", cwd=folder)
    assert (folder / "run" / "best" / "weights.safetensors").read_bytes() == before
    status = json.loads(automlc("status", "run", "--json", cwd=folder))
    assert status["trials"]["total"] == 5


def test_a_run_is_never_started_over(folder: Path) -> None:
    automlc("run", "task.yaml", "--run-dir", "run", cwd=folder, code=2)


def test_train_py_alone_repeats_the_best_trial_bit_for_bit(folder: Path) -> None:
    best = folder / "run" / "best"
    metrics = json.loads((best / "metrics.json").read_text(encoding="utf-8"))
    project = folder / "run" / "project"
    blocked = folder / "blocked"
    blocked.mkdir()
    (blocked / "automlc.py").write_text("raise ImportError('not here')\n", encoding="utf-8")
    command = [sys.executable, "train.py", "--config", str(best / "config.json")]
    command += ["--out", str(folder / "again")]
    environment = {**os.environ, "PYTHONPATH": str(blocked)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"best accuracy {metrics['validation']!r} in epoch {metrics['epoch']}" in done.stdout
    made = folder / "again" / f"weights-{metrics['epoch']:04d}.safetensors"
    assert made.read_bytes() == (best / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["source", "weights", "torch-export"])
def test_exports_answer_as_the_trained_model(folder: Path, name: str) -> None:
    out = automlc("export", "run", "--format", name, "-o", f"out-{name}", cwd=folder)
    assert f"out-{name}" in out
    if name != "weights":
        assert "largest difference" in out


def test_onnx_answers_as_the_trained_model(folder: Path) -> None:
    pytest.importorskip("onnxruntime", reason="pip install 'automlc[onnx]'")
    pytest.importorskip("onnxscript", reason="pip install 'automlc[onnx]'")
    assert "largest difference" in automlc("export", "run", "--format", "onnx", cwd=folder)


def test_exported_source_predicts_without_automlc(folder: Path) -> None:
    automlc("export", "run", "--format", "source", "-o", "model", cwd=folder)
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = (images * 15).astype("uint8").reshape(-1, 1, 8, 8)
    np.save(folder / "inputs.npy", pixels)
    command = [sys.executable, "predict.py", str(folder / "inputs.npy")]
    done = subprocess.run(command, cwd=folder / "model", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = np.array([int(line) for line in done.stdout.split()])
    assert (answers == labels).mean() > 0.8
    for arguments in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *arguments, "--no-cache", str(folder / "model")]
        checked = subprocess.run(ruff, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout


def test_the_report_of_a_real_run_is_one_file(folder: Path) -> None:
    automlc("report", "run", cwd=folder)
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert "road" in page
    assert "https://" not in page.split("</head>")[0].split("<script")[0]


def test_search_py_runs_the_same_search(folder: Path) -> None:
    automlc("compile", "task.yaml", "-o", "project", cwd=folder)
    command = [sys.executable, "project/search.py", "--run-dir", "second"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = (
        json.loads(automlc("status", run, "--json", cwd=folder)) for run in ("run", "second")
    )
    assert first["best"] == second["best"]
    assert first["test"]["metrics"] == second["test"]["metrics"]


def test_a_run_without_a_feasible_model_says_so(tmp_path: Path) -> None:
    text = SPEC.replace("model.size <= 500kB", "model.size <= 1kB")
    (tmp_path / "task.yaml").write_text(text, encoding="utf-8")
    automlc("run", "task.yaml", cwd=tmp_path, code=1)
