"""The import gate: whatever backend a spec names, checking and compiling it touches no framework.

No framework is imported, and no file of one is opened; whether one is installed is asked without
that. The second half shows that the gate would notice.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from automlc.runtime.backends import is_installed

SCRIPT = Path(__file__).with_name("frameworks.py")
BACKENDS = {
    "default": "",
    "pytorch": "backend: pytorch\n",
    "keras": "backend: keras\n",
    "keras on jax": "backend: {kind: keras, engine: jax}\n",
    "auto": "backend: auto\n",
    "auto with jax": "backend: {kind: auto, engine: jax}\n",
    "auto with torch": "backend: {kind: auto, engine: torch}\n",
    "mistyped": "backend: keres\n",
}
SPECS = {
    "images": "automlc: 1\ntask: {kind: image_classification}\ndata: {source: 'builtin:digits'}\n",
    # gp computes with PyTorch, but only when it is asked for a proposal.
    "table": "automlc: 1\ntask: {kind: tabular_classification}\n"
    "data: {source: 'builtin:breast_cancer'}\nsearch: gp\n",
}


JOBS = [
    *((verb, "images", name) for verb in ("plan", "compile") for name in ("keras", "auto")),
    *(("validate", "images", name) for name in BACKENDS),
    *(("compile", "images", name) for name in ("default", "auto with torch", "auto with jax")),
    *((verb, "images", "auto") for verb in ("graph", "explain")),
    *((verb, "table", "keras") for verb in ("validate", "plan", "compile")),
]


def run_jobs(jobs: list[dict[str, Any]], path: Path | None = None) -> list[dict[str, Any]]:
    """The results of jobs; packages below `path` stand before those that are installed."""
    done = subprocess.run(
        [sys.executable, "-P", str(SCRIPT)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "PYTHONNOUSERSITE": "1", "PYTHONPATH": str(path or "")},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@functools.cache
def results() -> list[dict[str, Any]]:
    """Every job in a fresh process."""
    base = Path(tempfile.mkdtemp(prefix="automlc-frameworks-"))
    jobs = []
    try:
        for number, (verb, spec, backend) in enumerate(JOBS):
            folder = base / str(number)
            folder.mkdir()
            (folder / "task.yaml").write_text(SPECS[spec] + BACKENDS[backend], encoding="utf-8")
            key = ["backend.kind"] if verb == "explain" else []
            jobs.append(
                {
                    "label": f"{verb}: {spec}, {backend}",
                    "folder": str(folder),
                    "arguments": [verb, *key, "task.yaml"],
                }
            )
        return run_jobs(jobs)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def test_no_backend_makes_a_command_import_a_framework_or_open_a_file_of_one() -> None:
    touched = {r["label"]: r["touched"] for r in results() if r["touched"]}
    # An unknown name is looked for among the plug-ins, and those stand in the packages' metadata.
    asked = touched.pop("validate: images, mistyped", [])
    assert not [t for t in asked if not t.endswith(".dist-info/entry_points.txt")]
    assert not touched
    assert not {r["label"]: r["imported"] for r in results() if r["imported"]}


def test_every_command_did_its_work() -> None:
    codes = {r["label"]: (r["exit"], r["stderr"][-300:]) for r in results()}
    wrong = {k: v for k, v in codes.items() if v[0] != (1 if "mistyped" in k else 0)}
    assert not wrong
    assert len(codes) == len(JOBS)


def test_auto_says_what_it_chose_and_why() -> None:
    said = {r["label"]: r["stdout"] for r in results()}
    for verb in ("plan", "compile", "explain"):
        assert "auto: " in said[f"{verb}: images, auto"]
    for verb in ("plan", "compile"):
        assert "auto: " not in said[f"{verb}: images, keras"]
    reasons = "torch is installed" if is_installed("torch") else "keras and"
    assert f"auto: {reasons}" in said["compile: images, auto"]


# --- the gate itself can fail -----------------------------------------------------------------

CAUGHT = {
    "an import": "import torch",
    "an import of a part": "import importlib; importlib.import_module('keras.layers')",
    "looking for a part, which imports the whole": "find_spec('torch.nn')",
    "reading a source file": "open(find_spec('keras').origin).read()",
    "asking for the version": "import importlib.metadata as m; m.version('torch')",
    "reading every entry point": "import importlib.metadata as m; m.entry_points(group='none')",
    "listing a folder": "import os; os.listdir(os.path.dirname(find_spec('tensorflow').origin))",
}
ALLOWED = {
    "whether one is installed": "print(is_installed('torch'), is_installed('keras'))",
    "whether one is there that is not": "print(is_installed('jax_of_nobody'))",
    "looking for it": "find_spec('tensorflow')",
    "a package with a similar name": "import torchlike",
}
PRELUDE = (
    "from importlib.util import find_spec\nfrom automlc.runtime.backends import is_installed\n"
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installed packages that have the names of frameworks and nothing in them."""
    folder = tmp_path_factory.mktemp("packages")
    for name, part in (("torch", "nn"), ("keras", "layers"), ("tensorflow", "x")):
        for inside in (name, f"{name}/{part}"):
            (folder / inside).mkdir()
            (folder / inside / "__init__.py").touch()
        info = folder / f"{name}-9.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.0\n")
        (info / "entry_points.txt").touch()
    (folder / "torchlike.py").touch()
    return folder


@pytest.mark.parametrize("what", CAUGHT)
def test_the_gate_catches(what: str, packages: Path) -> None:
    job = {"label": what, "folder": str(packages), "code": PRELUDE + CAUGHT[what]}
    (result,) = run_jobs([job], packages)
    assert [t for t in result["touched"] if str(packages) in t or t.startswith("import ")]


@pytest.mark.parametrize("what", ALLOWED)
def test_the_gate_lets_pass(what: str, packages: Path) -> None:
    job = {"label": what, "folder": str(packages), "code": PRELUDE + ALLOWED[what]}
    (result,) = run_jobs([job], packages)
    assert (result["touched"], result["exit"]) == ([], 0)
    if what == "whether one is installed":
        assert result["stdout"] == "True True\n"
