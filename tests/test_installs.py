"""What works with which installation: the core alone, with PyTorch, with Keras and TensorFlow.

Each installation is a real virtual environment with exactly the packages that pip would put there:
the requirements of pyproject.toml, and what those require, linked to the packages installed here.
Nothing is hidden by tricks, so what is not there cannot be imported, found or asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import numpy
import pytest
from packaging.requirements import Requirement

from automlc.runtime.backends import is_installed

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SPEC = (
    "automlc: 1\ntask: {kind: image_classification}\ndata: {source: data.npz}\n"
    "budget: {trials: 1, epochs: 1}\n"
)
BACKENDS = ("pytorch", "keras", "auto")
TENSORFLOW = "tensorflow-cpu" if sys.platform == "linux" else "tensorflow"


@cache
def installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def requirements(wanted: Requirement) -> list[Requirement]:
    """What a requirement requires in turn, with its extras, on this machine."""
    if wanted.name == "automlc":  # an editable install may know an older pyproject.toml
        extras = PROJECT["optional-dependencies"]
        texts = [*PROJECT["dependencies"], *(t for e in wanted.extras for t in extras[e])]
    else:
        about = installed(wanted.name)
        texts = list(about.requires or ()) if about is not None else []
    found = [Requirement(text) for text in texts]
    return [
        r
        for r in found
        if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in ("", *wanted.extras))
    ]


def closure(*wanted: str) -> set[str]:
    """Names of the distributions that `pip install` of these requirements would put there."""
    todo = [Requirement(text) for text in wanted]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        requirement = todo.pop()
        key = (requirement.name, frozenset(requirement.extras))
        if key not in seen:
            seen.add(key)
            todo += requirements(requirement)
    return {name for name, _ in seen if installed(name) is not None} - {"automlc"}


def link_automlc(packages: Path) -> None:
    """Lay automlc out as an installation does."""
    (packages / "automlc").mkdir()
    for path in (ROOT / "automlc").iterdir():
        (packages / "automlc" / path.name).symlink_to(path)
    for name in ("backends", "compiler", "grammar", "runtime", "spec"):
        (packages / "automlc" / name).symlink_to(ROOT / name)
    info = packages / f"automlc-{PROJECT['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: automlc\nVersion: {PROJECT['version']}\n"
    )


class Installation:
    """A virtual environment with the packages of some requirements, and a spec with its data."""

    def __init__(self, folder: Path, *wanted: str):
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self.python = folder / "venv" / "bin" / "python"
        (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
        link_automlc(packages)
        for name in closure(*wanted):
            about = installed(name)
            assert about is not None
            for file in about.files or ():
                top = file.parts[0]
                if top != ".." and not (packages / top).exists():
                    (packages / top).symlink_to(Path(str(about.locate_file(top))).resolve())
        self.folder = folder / "task"
        self.folder.mkdir()
        rng = numpy.random.default_rng(0)
        numpy.savez(
            self.folder / "data.npz",
            x=rng.integers(0, 255, (60, 8, 8), dtype=numpy.uint8),
            y=numpy.arange(60) % 2,
        )

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KERAS_", "VIRTUAL"))
        }
        return subprocess.run(
            [str(self.python), "-P", *arguments],
            cwd=self.folder,
            env={**environment, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def automlc(
        self, verb: str, backend: str, *more: str, search: str = "random"
    ) -> subprocess.CompletedProcess[str]:
        text = f"{SPEC}search: {search}\nbackend: {backend}\n"
        (self.folder / "task.yaml").write_text(text, encoding="utf-8")
        return self.call("-m", "automlc", verb, "task.yaml", *more)

    def has(self, *modules: str) -> list[str]:
        code = (
            "import sys; from importlib.util import find_spec\n"
            "print(*(name for name in sys.argv[1:] if find_spec(name)))"
        )
        return self.call("-c", code, *modules).stdout.split()


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("core"), "automlc")


@pytest.fixture(scope="module")
def torch_only(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    if not is_installed("torch"):
        pytest.skip("needs PyTorch")
    return Installation(tmp_path_factory.mktemp("torch"), "automlc[pytorch]")


@pytest.fixture(scope="module")
def keras_only(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    if not (is_installed("keras") and installed(TENSORFLOW)):
        pytest.skip("needs Keras and TensorFlow")
    return Installation(tmp_path_factory.mktemp("keras"), "automlc[keras]", TENSORFLOW)


FRAMEWORKS = ("torch", "keras", "tensorflow", "jax", "optuna", "pandas", "sklearn", "safetensors")


def test_the_core_validates_plans_and_compiles_for_every_backend(core: Installation) -> None:
    assert core.has(*FRAMEWORKS) == []
    for backend in BACKENDS:
        for verb in ("validate", "plan", "compile"):
            done = core.automlc(verb, backend, *(["-o", backend] if verb == "compile" else []))
            assert done.returncode == 0, done.stderr
            if verb != "validate" and backend == "auto":
                reason = "auto: no backend is installed, so the first one"
                assert f"pytorch ({reason})" in done.stdout
        assert (core.folder / backend / "train.py").exists()


def test_the_core_says_in_one_line_what_a_run_needs(core: Installation) -> None:
    assert refusal(core, "pytorch") == (
        "error: the backend pytorch needs the packages torch and safetensors\n"
        "  help: install with: pip install 'automlc[pytorch]'\n"
    )
    assert refusal(core, "{kind: keras, engine: jax}") == (
        "error: the backend keras on jax needs the packages keras, safetensors and jax\n"
        "  help: install with: pip install 'automlc[keras]' jax\n"
    )


def refusal(installation: Installation, backend: str, search: str = "random") -> str:
    """What `automlc run` says on standard error; nothing may be begun."""
    done = installation.automlc("run", backend, search=search)
    assert done.returncode == 2
    assert not (installation.folder / "runs").exists()
    return done.stderr


@pytest.mark.torch
def test_pytorch_alone_refuses_keras_in_one_line(torch_only: Installation) -> None:
    assert torch_only.has(*FRAMEWORKS[:4]) == ["torch"]
    assert refusal(torch_only, "keras") == (
        "error: the backend keras on tensorflow needs the packages keras and tensorflow\n"
        "  help: install with: pip install 'automlc[keras]' tensorflow\n"
    )


@pytest.mark.keras
def test_keras_alone_refuses_pytorch_in_one_line(keras_only: Installation) -> None:
    assert keras_only.has(*FRAMEWORKS[:4]) == ["keras", "tensorflow"]
    assert refusal(keras_only, "pytorch") == (
        "error: the backend pytorch needs the package torch\n"
        "  help: install with: pip install 'automlc[pytorch]'\n"
    )


@pytest.mark.keras
def test_keras_alone_refuses_the_searcher_that_computes_with_pytorch(
    keras_only: Installation,
) -> None:
    assert refusal(keras_only, "keras", search="gp") == (
        "error: the search strategy gp needs the package torch\n"
        "  help: install with: pip install 'automlc[pytorch]'\n"
    )


@pytest.mark.torch
@pytest.mark.slow
def test_pytorch_alone_runs_a_study(torch_only: Installation) -> None:
    assert study(torch_only, "auto") == "backend: pytorch (auto: torch is installed)"


@pytest.mark.keras
@pytest.mark.slow
def test_keras_alone_runs_a_study(keras_only: Installation) -> None:
    said = study(keras_only, "auto")
    assert said == "backend: keras on tensorflow (auto: keras and tensorflow are installed)"


def study(installation: Installation, backend: str) -> str:
    """The first line that a study of one trial says; it must find a model."""
    done = installation.automlc("run", backend, "--run-dir", "run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (installation.folder / "run" / "best" / "metrics.json").exists()
    return done.stdout.splitlines()[0]
