"""Real small networks that train badly, each in its own way, are told apart on both backends."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from automlc.runtime.monitor.conditions import Condition
from automlc.runtime.view import RunView

# Twelve layers of sigmoids take the gradient away; ninety of batch norm and ReLU without a way
# around them let it grow by a tenth in each (Yang et al., 2019, arXiv:1902.08129); a rate of 10
# pushes every ReLU to where it answers nothing; 1e-6 moves nothing; 1e6 leaves no number.
SPEC = """automlc: 1
name: conditions
task: {kind: tabular_classification}
data: {source: builtin:breast_cancer}
space:
  parameters:
    case: choice(normal, vanishing, exploding, dying, slow, nan)
    lr: choice(0.1, 1e-3, 1e-6, 1e6, 10.0)
    optimizer: sgd
    momentum: 0.0
    schedule: constant
    weight_decay: 0.0
    batch_size: 32
  forbid:
    - case == "normal" and lr != 0.1
    - case == "vanishing" and lr != 1e-3
    - case == "dying" and lr != 10.0
    - case in ["slow", "exploding"] and lr != 1e-6
    - case == "nan" and lr != 1e6
  model:
    - standardize
    - embed_categories
    - repeat: select(case == "vanishing", 12, select(case == "exploding", 90, 2))
      body:
        - dense: {units: 16}
        - batch_norm:
          when: case == "exploding"
        - activation: {kind: sigmoid}
          when: case == "vanishing"
        - activation: {kind: relu}
          when: case != "vanishing"
    - dense: {units: outputs}
monitor: {epochs: last}  # batch norm needs some epochs until its statistics are those of the net
search: grid
budget: {trials: 6, epochs: 5}
backend: {kind: BACKEND, device: cpu, threads: 1}
"""


def conditions(folder: Path, backend: str) -> dict[str, Condition]:
    """Case -> the condition of its training, by the real command."""
    (folder / "task.yaml").write_text(SPEC.replace("BACKEND", backend))
    command = [sys.executable, "-m", "automlc", "run", "task.yaml", "--run-dir", "run", "-q"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = {}
    with RunView.open(folder / "run") as view:
        for trial in view.trials():
            condition = view.condition(trial)
            assert condition is not None, trial
            found[str(trial.config["case"])] = condition
    return found


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param("pytorch", marks=pytest.mark.torch),
        pytest.param("keras", marks=[pytest.mark.keras, pytest.mark.slow]),
    ],
)
def test_each_label_is_that_of_a_real_network(tmp_path: Path, backend: str) -> None:
    if find_spec("torch" if backend == "pytorch" else "tensorflow") is None:
        pytest.skip(f"needs the framework of {backend}")
    found = conditions(tmp_path, backend)
    normal = found["normal"]
    assert (normal.convergence, normal.gradient, normal.weights) == ("normal",) * 3
    assert found["vanishing"].gradient == "vanishing"
    assert found["exploding"].gradient == "exploding"
    assert found["exploding"].weights == "normal"
    assert found["dying"].gradient == "dying"
    assert found["slow"].convergence == "slow"
    assert found["slow"].gradient == "normal"
    assert found["nan"].weights == "nan"
