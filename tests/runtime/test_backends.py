"""What the runtime knows of backends: the worker's environment, errors of the frameworks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from toy import make_project, rows, run_command, run_here, write_manifest

from automlc.runtime import run
from automlc.runtime.backends import BACKENDS, is_installed
from automlc.runtime.worker import describe, gist, is_out_of_memory

SHOW = """
import os

def load(source=None):
    raise RuntimeError(f"{os.environ.get('KERAS_BACKEND')} {os.environ.get('KERAS_HOME')}")
"""
KERAS = {"kind": "keras", "device": "cpu", "precision": "float32", "threads": 1, "engine": "jax"}


def environment_of_a_worker(tmp_path: Path, **changes: object) -> str:
    project = make_project(tmp_path / "p", **changes)
    (project / "train.py").write_text(SHOW)
    (project / "automlc.lock").unlink()
    write_manifest(project)
    with pytest.raises(run.AutomlcError) as caught:
        run_here(project, tmp_path / "r")
    return caught.value.message.rpartition("RuntimeError: ")[2]


def test_the_engine_of_a_worker_is_that_of_the_plan_whatever_the_shell_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "is_installed", lambda name: True)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", "/home/nobody/.keras")
    assert environment_of_a_worker(tmp_path, backend=KERAS) == f"jax {os.devnull}"
    assert os.environ["KERAS_BACKEND"] == "torch"


def test_a_worker_of_another_backend_keeps_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.delenv("KERAS_HOME", raising=False)
    assert environment_of_a_worker(tmp_path) == "torch None"


def test_a_run_with_an_engine_is_recorded_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    from automlc.runtime.progress import Lines

    monkeypatch.setattr(run, "is_installed", lambda name: True)
    said = io.StringIO()
    project = make_project(tmp_path / "p", backend=KERAS, budget__trials=1)
    assert run_here(project, tmp_path / "r", progress=Lines(said)) == 0
    assert "1 at a time, keras (jax) on cpu" in said.getvalue()
    sql = "SELECT value FROM meta WHERE key = 'versions'"
    assert ('"jax"' in rows(tmp_path / "r", sql)[0][0]) == is_installed("jax")


def test_every_backend_names_modules_of_the_top_level_only() -> None:
    for backend in map(BACKENDS.get, ("pytorch", "keras")):
        for engine in backend.engines or (None,):
            assert all(name.isidentifier() for name in backend.modules(engine))
            assert backend.install(engine).startswith(f"pip install {backend.package}")
            assert backend.environment(engine).get("KERAS_BACKEND") == engine
    assert len(BACKENDS.get("keras").modules("torch")) == 3


# --- errors of frameworks ---------------------------------------------------------------------


def raised(module: str, name: str, text: str, base: type[Exception] = Exception) -> Exception:
    """An exception as a framework that may not be installed would raise it."""
    error: Exception = type(name, (base,), {"__module__": module})(text)
    return error


@pytest.mark.parametrize(
    ("error", "is_oom"),
    [
        (raised("tensorflow.python.framework.errors_impl", "ResourceExhaustedError",
                "OOM when allocating tensor with shape[9]"), True),
        (raised("tensorflow.python.framework.errors_impl", "InternalError",
                "Failed to call ThenRnnForward: CUDA_ERROR_OUT_OF_MEMORY: out of memory"), True),
        (raised("tensorflow.python.framework.errors_impl", "InvalidArgumentError",
                "Incompatible shapes: [2] vs. [3]"), False),
        (raised("jax.errors", "JaxRuntimeError",
                "RESOURCE_EXHAUSTED: Out of memory allocating 685517956 bytes.", RuntimeError),
         True),
        (raised("jaxlib._jax", "XlaRuntimeError", "RESOURCE_EXHAUSTED: 9 bytes", RuntimeError),
         True),
        (raised("jax.errors", "JaxRuntimeError", "INVALID_ARGUMENT: x", RuntimeError), False),
        (raised("torch", "OutOfMemoryError", "CUDA out of memory", RuntimeError), True),
        (RuntimeError("Exception encountered when calling Conv2D.call().\n\n[enforce fail] "
                      "DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (ValueError("the word memory, and out of memory even, in an error of one's own"), False),
        (KeyError("out of memory"), False),
    ],
)  # fmt: skip
def test_out_of_memory_is_known_in_every_framework(error: Exception, is_oom: bool) -> None:
    assert is_out_of_memory(error) == is_oom
    assert describe(error)["class"] == ("oom" if is_oom else "error")


def test_a_message_with_a_traceback_in_it_keeps_its_cause() -> None:
    """TensorFlow writes the traceback of the graph before what happened."""
    frames = "\n\n".join(
        f'  File "/usr/lib/python3/site-packages/keras/x{i}.py", line {i}, in call'
        for i in range(40)
    )
    text = f"Graph execution error:\n\nDetected at node a/b defined at:\n{frames}\n\nOOM when x\n"
    assert gist(text) == "Graph execution error: Detected at node a/b defined at: OOM when x"
    assert gist(f"{'long ' * 900}") == ("long " * 100)
    assert gist("") == ""


# --- the limit of memory ----------------------------------------------------------------------

COMPUTES = """
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow as tf
import toy_train
from toy_train import load, test


def run(trial, data, report):
    def after(message):
        some = tf.ones((512, 512))
        assert float((some @ some)[0, 0]) == 512
        if trial["number"] == 2 and message["epoch"] == 2 and trial["accumulate"] == 1:
            tf.zeros((1024, 1024, 1024)) + 1.0  # 4 GiB
        return report(message)

    toy_train.run(trial, data, after)
"""


@pytest.mark.keras
@pytest.mark.skipif(not is_installed("tensorflow"), reason="needs TensorFlow")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts private memory")
def test_a_limit_of_memory_counts_what_tensorflow_uses_not_what_it_maps(tmp_path: Path) -> None:
    """Its libraries alone map 1.5 GB; a trial that needs less than 1 GiB runs within 1 GiB."""
    project = make_project(tmp_path / "p", budget__trials=2, budget__memory=1024**3)
    (project / "train.py").rename(project / "toy_train.py")
    (project / "train.py").write_text(COMPUTES)
    (project / "automlc.lock").unlink()
    write_manifest(project)
    assert run_command(project, tmp_path / "r") == 0
    trials = rows(tmp_path / "r", "SELECT number, state, attempt FROM trials ORDER BY number")
    assert trials == [(1, "complete", 1), (2, "complete", 2)]
    log = (tmp_path / "r" / "t0002" / "log.txt").read_text()
    assert "ResourceExhaustedError" in log
    assert "epoch 2 attempt accumulate 2" in log
