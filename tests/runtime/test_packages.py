"""A missing package is one clear line before a run begins."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from automlc.runtime import run
from automlc.runtime.backends import BACKENDS, is_installed
from automlc.runtime.plan import Backend, Choice, Plan
from automlc.runtime.run import check_packages
from automlc.spec.errors import AutomlcError
from tests.compiler.spaces import preset_graph

PYTORCH = Backend("pytorch", "cpu", "float32", 1)
ROOT = Path(__file__).resolve().parents[2]


def keras_on(engine: str | None) -> Backend:
    return Backend("keras", "cpu", "float32", 1, engine)


def plan_of(backend: Backend = PYTORCH, strategy: str = "random") -> Plan:
    plan = preset_graph("digits", False).plan()
    return replace(plan, backend=backend, search=Choice(strategy, {}))


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def hide(*missing: str) -> None:
        monkeypatch.setattr(run, "is_installed", lambda name: name not in missing)

    return hide


@pytest.mark.parametrize(
    ("backend", "strategy", "missing", "message", "command"),
    [
        (PYTORCH, "random", "torch", "the backend pytorch needs the package torch",
         "pip install 'automlc[pytorch]'"),
        (PYTORCH, "tpe", "optuna", "the search strategy tpe needs the package optuna",
         "pip install 'automlc[run]'"),
        (PYTORCH, "gp", "optuna", "the search strategy gp needs the package optuna",
         "pip install 'automlc[run]'"),
        (keras_on("tensorflow"), "gp", "torch", "the search strategy gp needs the package torch",
         "pip install 'automlc[pytorch]'"),
        (keras_on("tensorflow"), "tpe", "keras tensorflow",
         "the backend keras on tensorflow needs the packages keras and tensorflow",
         "pip install 'automlc[keras]' tensorflow"),
        (keras_on("tensorflow"), "tpe", "tensorflow jax",
         "the backend keras on tensorflow needs the package tensorflow",
         "pip install 'automlc[keras]' tensorflow"),
        (keras_on("torch"), "tpe", "torch", "the backend keras on torch needs the package torch",
         "pip install 'automlc[keras]' 'torch>=2.10,<2.14'"),
        (keras_on("jax"), "tpe", "jax", "the backend keras on jax needs the package jax",
         "pip install 'automlc[keras]' jax"),
    ],
)  # fmt: skip
def test_a_missing_package_is_one_line_and_one_command(
    without: Callable[..., None],
    backend: Backend,
    strategy: str,
    missing: str,
    message: str,
    command: str,
) -> None:
    without(*missing.split())
    with pytest.raises(AutomlcError) as caught:
        check_packages(plan_of(backend, strategy))
    assert (caught.value.message, caught.value.hint) == (message, f"install with: {command}")


@pytest.mark.parametrize(
    ("backend", "missing"),
    [
        (PYTORCH, "optuna keras tensorflow jax"),
        (keras_on("tensorflow"), "optuna torch jax"),
        (keras_on("torch"), "optuna tensorflow jax"),
        (keras_on("jax"), "optuna torch tensorflow"),
    ],
)
def test_a_run_needs_nothing_of_the_other_frameworks(
    without: Callable[..., None], backend: Backend, missing: str
) -> None:
    without(*missing.split())
    check_packages(plan_of(backend))


@pytest.mark.parametrize(
    "backend", [keras_on(None), keras_on("theano"), replace(PYTORCH, engine="torch")]
)
def test_a_plan_with_an_engine_that_nobody_has_is_refused(backend: Backend) -> None:
    with pytest.raises(AutomlcError, match="has no engine"):
        check_packages(plan_of(backend))


def test_a_plan_of_an_unknown_backend_is_refused() -> None:
    with pytest.raises(AutomlcError, match="no backend is called 'mxnet'"):
        check_packages(plan_of(replace(PYTORCH, kind="mxnet")))


def test_the_commands_install_what_the_extras_promise() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    torch = next(r for r in extras["pytorch"] if r.startswith("torch"))
    assert f"'{torch}'" in BACKENDS.get("keras").install("torch")
    for name in ("pytorch", "keras"):
        assert BACKENDS.get(name).package == f"'automlc[{name}]'"
        assert name in extras


def test_the_versions_of_a_run_are_those_of_its_own_frameworks() -> None:
    pytorch, keras = run._versions(plan_of()), run._versions(plan_of(keras_on("torch")))
    assert {"automlc", "numpy", "torch", "safetensors"} <= set(pytorch)
    assert not {"keras", "tensorflow", "tensorflow-cpu", "jax"} & set(pytorch)
    assert "torch" in keras
    assert ("keras" in keras) == is_installed("keras")


@pytest.mark.skipif(not is_installed("tensorflow"), reason="needs TensorFlow")
def test_tensorflow_is_recorded_under_the_name_of_its_build() -> None:
    found = run._versions(plan_of(keras_on("tensorflow")))
    assert [name for name in found if name.startswith(("tensorflow", "tf-"))]
    assert "torch" not in found
    gp = run._versions(plan_of(keras_on("tensorflow"), "gp"))
    assert "torch" in gp, "the searcher computes with it"


def test_a_folder_that_an_uninstall_left_behind_is_no_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "left_behind" / "lib").mkdir(parents=True)
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not is_installed("left_behind")
    assert not is_installed("not_there_at_all")
    assert is_installed("whole")
