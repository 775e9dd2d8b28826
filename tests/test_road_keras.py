"""The whole road once more, written for Keras: run, kill, resume, read, train again, predict."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from automlc.runtime.view import RunView
from tests.test_road import automlc

pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("keras", "tensorflow")),
        reason="pip install 'automlc[keras]' tensorflow",
    ),
]

SPEC = """automlc: 1
name: road
task: {kind: image_classification, metric: accuracy}
data: {source: builtin:digits}
space:
  preset: image/blocks
  parameters:
    width: fixed(16)
    layers: fixed(1)
    augment: fixed(shift)
    lr: log_uniform(3e-3, 1e-2)
constraints: [model.size <= 500kB]
search: {strategy: tpe, startup: 2}
stopping: asha
budget: {trials: 3, epochs: 4}
backend: {kind: keras, device: cpu, threads: 1}
seed: 11
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and a finished run of it. A shell's own engine does not count."""
    folder = tmp_path_factory.mktemp("road")
    (folder / "task.yaml").write_text(SPEC, encoding="utf-8")
    before = os.environ.pop("KERAS_BACKEND", None)
    os.environ["KERAS_BACKEND"] = "numpy"
    try:
        automlc("run", "task.yaml", "--run-dir", "run", cwd=folder)
    finally:
        os.environ.pop("KERAS_BACKEND")
        if before is not None:
            os.environ["KERAS_BACKEND"] = before
    return folder


def weights(run: Path) -> bytes:
    return (run / "best" / "weights.safetensors").read_bytes()


def test_the_run_tells_what_it_found(folder: Path) -> None:
    status = json.loads(automlc("status", "run", "--json", cwd=folder))
    assert status["state"] == "finished"
    assert status["trials"]["total"] == 3
    assert status["trials"]["failed"] == 0
    assert status["best"]["value"] > 0.5
    assert status["test"]["metrics"]["accuracy"] > 0.5
    assert "epoch" in automlc("why", str(status["best"]["trial"]), "run", cwd=folder)
    automlc("report", "run", cwd=folder)
    assert "road" in (folder / "run" / "report.html").read_text(encoding="utf-8")


def test_feedback_of_every_layer_is_stored(folder: Path) -> None:
    with RunView.open(folder / "run") as view:
        reports = [found for number in (1, 2, 3) for _, found in view.feedback(number)]
    assert len(reports) >= 3
    for report in reports:
        layers = report["layers"]
        assert len(layers) > 4
        assert all(layer["gradient_norm"] > 0 for layer in layers if "kernel" in layer["name"])
        assert all(layer["nonfinite"] == 0 for layer in layers)


def test_a_killed_run_ends_as_if_nothing_had_happened(folder: Path) -> None:
    command = [sys.executable, "-m", "automlc", "run", "task.yaml", "--run-dir", "killed"]
    process = subprocess.Popen(command, cwd=folder, start_new_session=True)
    try:
        wait_for_epochs(folder / "killed" / "study.db", 2, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    automlc("run", "killed", "--resume", cwd=folder)
    first, second = (
        json.loads(automlc("status", run, "--json", cwd=folder)) for run in ("run", "killed")
    )
    assert second["best"] == first["best"]
    assert second["test"]["metrics"] == first["test"]["metrics"]
    assert weights(folder / "killed") == weights(folder / "run")


def wait_for_epochs(database: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Until that many epochs are stored."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        assert process.poll() is None, "the run ended before it could be killed"
        if database.exists():
            store = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
            try:
                (stored,) = store.execute("SELECT count(*) FROM epochs").fetchone()
            except sqlite3.OperationalError:  # not made yet
                stored = 0
            finally:
                store.close()
            if stored >= count:
                return
        time.sleep(0.05)
    raise AssertionError(f"no {count} epochs within five minutes")


def test_train_py_alone_repeats_the_best_trial_bit_for_bit(folder: Path) -> None:
    best = folder / "run" / "best"
    metrics = json.loads((best / "metrics.json").read_text(encoding="utf-8"))
    blocked = folder / "blocked"
    blocked.mkdir()
    (blocked / "automlc.py").write_text("raise ImportError('not here')\n", encoding="utf-8")
    command = [sys.executable, "train.py", "--config", str(best / "config.json"), "--test"]
    command += ["--out", str(folder / "again")]
    environment = {**os.environ, "PYTHONPATH": str(blocked)}
    done = subprocess.run(
        command, cwd=folder / "run" / "project", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"best accuracy {metrics['validation']!r} in epoch {metrics['epoch']}" in done.stdout
    made = folder / "again" / f"weights-{metrics['epoch']:04d}.safetensors"
    assert made.read_bytes() == weights(folder / "run")
    tested = json.loads(done.stdout.splitlines()[-1])["metrics"]
    status = json.loads(automlc("status", "run", "--json", cwd=folder))
    assert tested == status["test"]["metrics"]


def test_the_project_passes_its_own_tests_and_ruff(folder: Path) -> None:
    project = folder / "run" / "project"
    for arguments in (
        ["pytest", "-q", "-p", "no:cacheprovider", "test_project.py"],
        ["ruff", "check", "--no-cache", "."],
        ["ruff", "format", "--check", "--no-cache", "."],
    ):
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_exported_source_predicts_without_automlc(folder: Path) -> None:
    out = automlc("export", "run", "--format", "source", "-o", "model", cwd=folder)
    assert "largest difference" in out
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    np.save(folder / "inputs.npy", (images * 15).astype("uint8").reshape(-1, 8, 8, 1))
    command = [sys.executable, "predict.py", str(folder / "inputs.npy")]
    environment = {**os.environ, "PYTHONPATH": str(folder / "blocked")}
    done = subprocess.run(
        command, cwd=folder / "model", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    answers = np.array([int(line) for line in done.stdout.split()])
    assert (answers == labels).mean() > 0.5
    for arguments in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *arguments, "--no-cache", str(folder / "model")]
        checked = subprocess.run(ruff, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout
