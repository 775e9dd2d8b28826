"""Plug-ins of installed packages are found by name, and only when a name is unknown here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """
from automlc.runtime.stopping.base import CONTINUE, POLICIES, NoOptions

@POLICIES.add("patient")
class Patient:
    class Options(NoOptions):
        pass
    def __init__(self, options, goal, epochs):
        pass
    def decide(self, trial, epoch, value, history):
        return CONTINUE
"""


def install(folder: Path, modules: dict[str, str]) -> None:
    """Lay out an installed distribution: a package and its entry points."""
    package = folder / "my_package"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, code in modules.items():
        (package / f"{name}.py").write_text(code, encoding="utf-8")
    info = folder / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    points = "".join(f"{name} = my_package.{name}\n" for name in modules)
    (info / "entry_points.txt").write_text(f"[automlc.plugins]\n{points}")


def python(folder: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    install(tmp_path, {"stopping": POLICY})
    return tmp_path


def test_an_unknown_name_is_found_in_a_plug_in(folder: Path) -> None:
    code = (
        "from automlc.runtime.stopping import make_policy\n"
        "print(type(make_policy('patient', {}, 'maximize', 3)).__name__)"
    )
    assert python(folder, code) == "Patient"


def test_a_known_name_imports_no_plug_in(folder: Path) -> None:
    code = (
        "import sys; from automlc.runtime.stopping import POLICIES\n"
        "POLICIES.get('median'); print('my_package' in sys.modules)"
    )
    assert python(folder, code) == "False"


def test_a_plug_in_is_suggested_for_a_mistyped_name(folder: Path) -> None:
    code = (
        "from automlc.runtime.stopping import POLICIES\n"
        "from automlc.spec.errors import AutomlcError\n"
        "try:\n    POLICIES.get('pateint')\nexcept AutomlcError as e:\n    print(e.hint)"
    )
    assert python(folder, code) == "did you mean 'patient'?"


def test_a_broken_plug_in_is_named_with_its_package(tmp_path: Path) -> None:
    install(tmp_path, {"broken": "import nothing_of_that_name\n"})
    code = (
        "from automlc.runtime.stopping import POLICIES\n"
        "from automlc.spec.errors import AutomlcError\n"
        "try:\n    POLICIES.get('pateint')\nexcept AutomlcError as e:\n    print(e.message, e.hint)"
    )
    out = python(tmp_path, code)
    assert out.startswith("the plug-in 'broken' cannot be loaded: ModuleNotFoundError")
    assert out.endswith("pip uninstall my-package")
