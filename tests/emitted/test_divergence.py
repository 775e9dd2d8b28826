"""A search whose network diverges: the trial fails with a reason, and what it saw is kept."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SPEC = """automlc: 1
name: burst
task: {kind: image_classification, metric: log_loss}
data: {source: builtin:digits}
space:
  parameters: {lr: fixed(1e6), optimizer: fixed(sgd), schedule: fixed(constant)}
  model: [flatten, dense: {units: 8}, activation: {kind: "'relu'"}, dense: {units: outputs}]
budget: {trials: 1, epochs: 9}
backend: {kind: KIND, device: cpu, threads: 1}
"""


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("pytorch", marks=pytest.mark.torch),
        pytest.param("keras", marks=pytest.mark.keras),
    ],
)
def test_a_search_tells_why_a_trial_diverged(kind: str, tmp_path: Path) -> None:
    if find_spec("torch" if kind == "pytorch" else "tensorflow") is None:
        pytest.skip(f"needs what {kind} computes with")
    (tmp_path / "task.yaml").write_text(SPEC.replace("KIND", kind), encoding="utf-8")
    command = [sys.executable, "-m", "automlc", "run", "task.yaml", "--run-dir", "run"]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    store = sqlite3.connect(tmp_path / "run" / "study.db")
    [(state, failure, reason, epochs)] = store.execute(
        "SELECT state, failure, reason, epochs FROM trials"
    ).fetchall()
    seen = store.execute("SELECT epoch, payload FROM feedback ORDER BY epoch").fetchall()
    store.close()
    assert (state, failure) == ("failed", "nan")
    assert reason.endswith(f"in epoch {epochs + 1}")
    assert [epoch for epoch, _ in seen] == [*range(1, epochs + 2)]
    last = json.loads(seen[-1][1])
    assert last["probe"]["output_nonfinite"] + last["weights_nonfinite"] > 0
