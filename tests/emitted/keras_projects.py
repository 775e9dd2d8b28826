"""Emitted Keras projects for the tests here, and processes that use them.

A process holds one engine of Keras, so what needs one runs as a command of keras_probe.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automlc.backends import build

ENGINES = ("tensorflow", "torch", "jax")

SPECS = {
    # Every kind of randomness and state: augmentation, dropout, batch norm, standardization.
    "images": """automlc: 1
name: images
task: {kind: image_classification}
data: {source: builtin:digits}
space:
  parameters:
    rate: choice(0.0, 0.3)
    optimizer: choice(adam, adamw, nadam, rmsprop, sgd)
    schedule: choice(constant, cosine, linear, polynomial)
    end_lr: float(0, 1)
    initializer: >-
      choice(default, he_uniform, he_normal, lecun_uniform, lecun_normal, glorot_uniform,
      glorot_normal)
    steps: choice(one, two, three)
    step_ratio: float(0.1, 0.5)
    step_scale: choice(1.0, 0.1)
    step_freeze: choice(all, no, bn)
    lr: float(0, 1)
    warmup: float(0, 0.5)
    momentum: float(0, 0.99)
    weight_decay: float(0, 1)
    clip_norm: float(0, 10)
    label_smoothing: fixed(0.1)
    batch_size: choice(16, 64)
  model:
    - standardize
    - random_flip: {}
      when: rate > 0
    - random_shift: {pixels: 1}
      when: rate > 0
    - conv2d: {filters: 6}
    - batch_norm
    - activation: {kind: "'relu'"}
    - max_pool2d: {size: 2}
    - dropout: {rate: rate}
      when: rate > 0
    - flatten
    - dense: {units: outputs}
budget: {trials: 1, epochs: 3}
backend: {kind: KIND, device: cpu, threads: 1}
""",
    # Embeddings, whose gradients TensorFlow gives row by row, and no batch norm.
    "table": """automlc: 1
name: table
task: {kind: tabular_regression}
data: {source: rows.csv, target: y}
space:
  parameters:
    optimizer: choice(adam, adamw, nadam, rmsprop, sgd)
    schedule: choice(constant, cosine, linear)
    lr: float(0, 1)
    momentum: float(0, 0.99)
    weight_decay: float(0, 1)
    clip_norm: float(0, 10)
    batch_size: choice(16, 64)
  model:
    - standardize
    - embed_categories: {limit: 4}
    - dense: {units: 16}
    - activation: {kind: "'tanh'"}
    - dense: {units: 1}
    - rescale_output
budget: {trials: 1, epochs: 3}
backend: {kind: KIND, device: cpu, threads: 1}
""",
}


def project(folder: Path, name: str, kind: str = "keras") -> Path:
    """A project of SPECS with its data, written for a backend."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / f"{name}.yaml"
    spec.write_text(SPECS[name].replace("KIND", kind), encoding="utf-8")
    rng = np.random.default_rng(5)
    lines = ["a,b,c,d,y"]
    for _ in range(240):
        a, b = rng.normal(size=2)
        c, d = rng.integers(0, 9), rng.integers(0, 3)
        lines.append(f"{a:.6f},{b:.6f},c{c},d{d},{50 + 9 * a * b + 5 * (c % 3) - 4 * d:.6f}")
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return build(spec, folder / f"{name}-{kind}").path


def needs(engine: str) -> None:
    """Skip the test where an engine is missing."""
    for package in ("keras", engine):
        if find_spec(package) is None:
            pytest.skip(f"needs {package}")


def probe(engine: str, project: Path, **commands: dict[str, Any]) -> Any:
    """What commands of keras_probe.py answer, by name: name=its arguments."""
    needs(engine)
    environment = {**os.environ, "KERAS_BACKEND": engine, "OMP_NUM_THREADS": "1"}
    script = Path(__file__).with_name("keras_probe.py")
    done = subprocess.run(
        [sys.executable, str(script), str(project)],
        input=json.dumps(commands),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return json.loads(done.stdout.splitlines()[-1])
