"""The one-way import chain holds, and the check that says so can fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLANTS = {
    "spec knows the compiler": ("spec/planted.py", "import automlc.compiler\n"),
    "runtime knows the compiler": ("runtime/planted.py", "import automlc.compiler\n"),
    "the compiler knows the command line": ("compiler/planted.py", "import automlc.cli.main\n"),
    "runtime knows the command line": ("runtime/planted.py", "import automlc.cli.main\n"),
    "compiler knows the backends": (
        "compiler/planted.py",
        "def late() -> None:\n    import automlc.backends\n",
    ),
    "runtime imports a framework": ("runtime/planted.py", "import torch\n"),
    "a backend imports a framework late": (
        "backends/planted.py",
        "def late() -> None:\n    import torch.nn\n",
    ),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages under their true names, as an installation lays them out.

    `make layers` installs for real; tests/test_packaging.py shows that both trees are the same.
    """
    base = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "automlc", base / "automlc")
    for name in ("backends", "compiler", "grammar", "runtime", "spec"):
        shutil.copytree(ROOT / name, base / "automlc" / name)
    shutil.copy(ROOT / "pyproject.toml", base)
    return base


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(tree), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def test_imports_point_one_way(tree: Path) -> None:
    done = lint_imports(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_violation_is_caught(tree: Path, plant: str) -> None:
    file, code = PLANTS[plant]
    planted = tree / "automlc" / file
    planted.write_text(code, encoding="utf-8")
    try:
        done = lint_imports(tree)
    finally:
        planted.unlink()
    assert done.returncode == 1
    assert "1 broken" in done.stdout
    assert "planted" in done.stdout
