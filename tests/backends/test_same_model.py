"""The PyTorch and the Keras model of a spec are one model: sizes, parameters, answers."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.keras]

SCRIPT = Path(__file__).with_name("same_model.py")
# The default engine is looked at most; the others show that nothing depends on it.
RUNS = [
    ("tensorflow", 4, ("digits", "color", "odd")),
    ("tensorflow", 4, ("numbers", "mixed")),
    ("torch", 2, ("odd", "mixed")),
    ("jax", 1, ("odd", "mixed")),
]


@pytest.mark.parametrize(("engine", "examples", "inputs"), RUNS, ids=lambda v: str(v))
def test_both_backends_build_the_same_model(
    engine: str, examples: int, inputs: tuple[str, ...]
) -> None:
    for package in ("keras", "torch", engine):
        if find_spec(package) is None:
            pytest.skip(f"needs {package}")
    environment = {**os.environ, "KERAS_BACKEND": engine, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), engine, str(examples), *inputs],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert done.stdout.count(": agree") == 2 * len(inputs)
