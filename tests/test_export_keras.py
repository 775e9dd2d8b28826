"""Exports of Keras models: each answers as the trained model where nothing of the project is left.

Images are trained with TensorFlow, a table with PyTorch below Keras, so that every format is
written once by the engine of the run and once by another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.test_road import automlc

pytestmark = [
    pytest.mark.keras,
    pytest.mark.torch,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("keras", "tensorflow", "torch")),
        reason="pip install 'automlc[keras,pytorch]' tensorflow",
    ),
]

RUNS = {
    "images": """automlc: 1
name: images
task: {kind: image_classification}
data: {source: builtin:digits}
space:
  parameters: {kind: 'choice(gelu, silu)', rate: fixed(0.1)}
  model:
    - standardize
    - random_flip
    - {random_shift: {pixels: 1}}
    - conv2d: {filters: 6, stride: 2}
    - batch_norm
    - activation: {kind: kind}
    - max_pool2d: {size: 3}
    - avg_pool2d: {size: 3}
    - squeeze_excite: {ratio: 2}
    - residual: [{separable_conv2d: {filters: 8}}, spatial_dropout: {rate: rate}]
    - flatten
    - dense: {units: outputs}
budget: {trials: 1, epochs: 1}
backend: {kind: keras, engine: tensorflow, device: cpu, threads: 1}
""",
    "table": """automlc: 1
name: table
task: {kind: tabular_regression}
data: {source: rows.csv, target: y}
budget: {trials: 1, epochs: 1}
backend: {kind: keras, engine: torch, device: cpu, threads: 1}
""",
}
ENGINES = [
    "tensorflow",
    pytest.param("torch", marks=pytest.mark.slow),
    pytest.param("jax", marks=pytest.mark.slow),
]


def rows(count: int) -> np.ndarray:
    """Columns far from zero with a small deviation, tiny ones, and codes of two categories."""
    rng = np.random.default_rng(5)
    far = 1e4 + rng.normal(0, 0.02, count)
    return np.column_stack(
        [far, rng.normal(0, 3e-6, count), rng.integers(1, 4, count), rng.integers(1, 30, count)]
    )


def write_table(path: Path) -> None:
    x = rows(200)
    y = 5000 + 40 * (x[:, 0] - 1e4) + 3 * x[:, 2]
    lines = [
        f"{a!r},{b!r},c{int(c)},d{int(d)},{target!r}"
        for (a, b, c, d), target in zip(x.tolist(), y.tolist(), strict=True)
    ]
    path.write_text("\n".join(["a,b,c,d,y", *lines]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module", params=[pytest.param("images", marks=pytest.mark.slow), "table"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one trial, its export as source, and what to ask the models (x.npy)."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "task.yaml").write_text(RUNS[request.param], encoding="utf-8")
    write_table(folder / "rows.csv")
    automlc("run", "task.yaml", "--run-dir", "run", cwd=folder)
    automlc("export", "run", "--format", "source", "-o", "source", cwd=folder)
    images = np.random.default_rng(5).random((64, 8, 8, 1))
    x = images if request.param == "images" else rows(64)
    np.save(folder / "x.npy", x.astype("float32"))
    return folder


def python(code: str, engine: str, cwd: Path, *paths: Path) -> None:
    """Run code in a process that knows nothing of automlc or the project."""
    environment = {**os.environ, "KERAS_BACKEND": engine, "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    command = [sys.executable, "-c", f"import sys, numpy as np\nx = np.load('x.npy')\n{code}"]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def export_py(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """The project's export.py by hand, under the engine that it names itself."""
    project, best = folder / "run" / "project", folder / "run" / "best"
    command = [sys.executable, "export.py", "--config", str(best / "config.json")]
    command += ["--weights", str(best / "weights.safetensors"), *arguments]
    command += ["--data", str(folder / "rows.csv")] if "table" in folder.name else []
    clean = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    return subprocess.run(
        command, cwd=project, env={**clean, **environment}, capture_output=True, text=True
    )


def without(package: str, tmp_path: Path) -> dict[str, str]:
    """An environment in which a package cannot be found."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\nfound = util.find_spec\n"
        f"util.find_spec = lambda name, *rest: None if name == {package!r} else found(name, *rest)",
        encoding="utf-8",
    )
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture(scope="module")
def expected(folder: Path) -> np.ndarray:
    """What the trained model answers to x.npy: frozen source under the engine of the run."""
    code = "import predict\nnp.save('expected.npy', predict.load().predict(x, verbose=0))"
    engine = "tensorflow" if "images" in folder.name else "torch"
    python(code, engine, folder, folder / "source")
    answers = np.load(folder / "expected.npy")
    assert np.ptp(answers) > 0.05
    return answers


def same(got: Any, expected: np.ndarray) -> None:
    """Held to the spread of the answers, and to float32 where they lie far from zero."""
    assert got.shape == expected.shape
    tolerance = 1e-3 * np.ptp(expected) + 2e-6 * np.abs(expected).max()
    assert np.abs(got - expected).max() <= tolerance


@pytest.fixture(scope="module")
def keras_file(folder: Path) -> Path:
    out = automlc("export", "run", "--format", "keras", "-o", "alone/m.keras", cwd=folder)
    assert "same answers as the trained model" in out
    np.save(folder / "alone" / "x.npy", np.load(folder / "x.npy"))
    return folder / "alone" / "m.keras"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_keras_file_needs_keras_alone(
    keras_file: Path, expected: np.ndarray, engine: str
) -> None:
    if find_spec(engine) is None:
        pytest.skip(f"needs {engine}")
    code = """
import keras
model = keras.saving.load_model("m.keras", safe_mode=True)
assert not {"ops", "model", "automlc"} & set(sys.modules)
got = np.concatenate([model.predict(part, verbose=0) for part in (x[:1], x[1:])])
np.save("got.npy", got)
"""
    python(code, engine, keras_file.parent)
    same(np.load(keras_file.with_name("got.npy")), expected)


def test_a_keras_file_holds_no_code_and_no_class_of_ours(keras_file: Path) -> None:
    with zipfile.ZipFile(keras_file) as file:
        config = json.loads(file.read("config.json"))

    def objects(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from objects(item)

    found = list(objects(config))
    names = {item["class_name"] for item in found}
    assert {"Normalization", "Dense"} <= names
    assert names.isdisjoint({"Lambda", "Standardize", "RescaleOutput", "RandomFlip"})
    modules = {(item.get("module") or "keras").split(".")[0] for item in found}
    assert modules <= {"keras", "builtins"}


@pytest.mark.slow
def test_a_saved_model_serves_any_batch(folder: Path, expected: np.ndarray) -> None:
    out = automlc("export", "run", "--format", "saved-model", "-o", "served", cwd=folder)
    assert "same answers as the trained model" in out
    code = """
import keras
import tensorflow as tf
model = tf.saved_model.load("served")
(name,) = model.signatures["serve"].structured_input_signature[1]
assert name == "x", name
parts = [model.signatures["serve"](x=tf.constant(part)) for part in (x[:1], x[1:])]
np.save("served.npy", np.concatenate([next(iter(part.values())) for part in parts]))
np.save("layer.npy", keras.layers.TFSMLayer("served", call_endpoint="serve")(x))
"""
    python(code, "tensorflow", folder)
    same(np.load(folder / "served.npy"), expected)
    same(np.load(folder / "layer.npy"), expected)


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["nothing", "torch"])
def test_onnx_answers_any_batch(
    folder: Path, expected: np.ndarray, tmp_path: Path, missing: str
) -> None:
    """PyTorch converts; where it is missing, tf2onnx does."""
    runtime = pytest.importorskip("onnxruntime", reason="pip install 'automlc[onnx]'")
    pytest.importorskip("onnxscript" if missing == "nothing" else "tf2onnx")
    if missing == "nothing":
        automlc("export", "run", "--format", "onnx", "-o", tmp_path / "m.onnx", cwd=folder)
    else:
        done = export_py(
            folder, "--format", "onnx", "--out", str(tmp_path / "m.onnx"),
            KERAS_BACKEND="tensorflow", **without("torch", tmp_path),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
    session = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    x = np.load(folder / "x.npy")
    for size in (1, 7, 64):
        parts = [x[start : start + size] for start in range(0, 64, size)]
        same(np.concatenate([session.run(["y"], {"x": part})[0] for part in parts]), expected)


def test_export_py_notices_other_answers(folder: Path, tmp_path: Path) -> None:
    text = (folder / "source" / "model.py").read_text(encoding="utf-8")
    changed = text.replace("keras.Model(inputs, x)", "keras.Model(inputs, x * 1.001)")
    assert changed != text
    for name in ("engine.py", "ops.py"):
        (tmp_path / name).write_bytes((folder / "source" / name).read_bytes())
    (tmp_path / "model.py").write_text(changed, encoding="utf-8")
    done = export_py(folder, "--format", "source", "--out", str(tmp_path))
    assert done.returncode == 1, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["same"] is False
    assert result["largest_difference"] > result["tolerance"]


def test_a_missing_package_is_said_in_one_line(folder: Path, tmp_path: Path) -> None:
    hidden = without("tensorflow", tmp_path)
    done = export_py(folder, "--format", "saved-model", "--out", str(tmp_path / "m"), **hidden)
    assert done.returncode == 1
    line = "writing saved-model needs packages that are not installed: pip install tensorflow"
    assert done.stderr.splitlines()[-1] == line
    assert "Traceback" not in done.stderr
