"""Plug-ins of installed packages are found by name, and only when a name is unknown here."""

import json
import os
import re
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


# --- a backend from outside, as docs/extending.md shows it ------------------------------------

SPEC = """
automlc: 1
task: {kind: image_classification}
data: {source: 'builtin:digits'}
backend: %s
"""


@pytest.fixture
def backend(tmp_path: Path) -> Path:
    text = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"```python\n# my_package/(arrays\w*)\.py\n(.*?)```", text, re.DOTALL))
    assert set(found) == {"arrays", "arrays_emit"}
    install(tmp_path, found)
    points = "[automlc.plugins]\narrays = my_package.arrays\n"
    (tmp_path / "my_package-1.0.dist-info" / "entry_points.txt").write_text(points)
    return tmp_path


def automlc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "automlc", *arguments],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_backend_of_another_package_writes_its_files(backend: Path) -> None:
    (backend / "task.yaml").write_text(SPEC % "arrays")
    for verb in ("validate", "plan"):
        assert automlc(backend, verb, "task.yaml").returncode == 0
    done = automlc(backend, "compile", "task.yaml", "-o", "out")
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (backend / "out").iterdir()}
    assert {p for p in written if p.endswith(".py")} == {"data.py"}
    plan = json.loads((backend / "out" / "plan.json").read_text())
    assert plan["backend"]["kind"] == "arrays"
    code = (
        "import sys; sys.path.insert(0, 'out'); import data\n"
        "parts = data.load(None); print(parts.train.x.shape[1:], parts.train.y.dtype)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=backend, capture_output=True, text=True, check=False
    )
    assert shown.stdout.split("\n")[0].startswith("(8, 8, 1)"), shown.stderr


def test_checking_a_spec_imports_no_emitter(backend: Path) -> None:
    (backend / "task.yaml").write_text(SPEC % "arrays")
    code = (
        "import sys\nfrom pathlib import Path\nfrom automlc.compiler.checks import check\n"
        "from automlc.spec.load import load\n"
        f"assert not check(load(Path({str(backend / 'task.yaml')!r})))\n"
        "print('my_package.arrays' in sys.modules, 'my_package.arrays_emit' in sys.modules)"
    )
    assert python(backend, code) == "True False"


def test_a_backend_of_another_package_is_suggested_and_says_how_it_is_installed(
    backend: Path,
) -> None:
    (backend / "task.yaml").write_text(SPEC % "arays")
    said = automlc(backend, "validate", "task.yaml").stderr
    assert "E340" in said
    assert "did you mean arrays? (known: pytorch, keras, arrays, auto)" in said
    code = (
        "from automlc.runtime.backends import BACKENDS\n"
        "print(BACKENDS.get('arrays').install(), BACKENDS.get('arrays').modules())"
    )
    assert python(backend, code) == "pip install my-package ('numpy',)"
