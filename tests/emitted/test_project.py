"""Whole projects: the same bytes every time, clean as emitted, safe with what lies there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from automlc.backends import build
from automlc.spec.errors import AutomlcError

TASKS = {
    "digits": "task: {kind: image_classification}\ndata: {source: builtin:digits}\n",
    "cancer": """task: {kind: tabular_classification, metric: f1}
data: {source: builtin:breast_cancer}
""",
    "diabetes": """task: {kind: tabular_regression}
data: {source: builtin:diabetes}
space:
  parameters:
    optimizer: choice(adam, nadam, rmsprop, sgd)
    clip_norm: float(0, 1)
    schedule: choice(constant, cosine, linear)
""",
    "words": """task: {kind: text_classification}
data: {source: questions.csv, target: topic}
space: {embeddings: {glove: v.txt}, parameters: {pretraining: glove}}
""",
}
QUESTIONS = Path(__file__).parents[2] / "examples" / "text" / "questions.csv"


def write(folder: Path, name: str) -> Path:
    (folder / "questions.csv").write_bytes(QUESTIONS.read_bytes())
    (folder / "v.txt").write_text("what 1 2.5 -3\nthe 0 1 2\n", encoding="utf-8")
    path = folder / f"{name}.yaml"
    path.write_text(f"automlc: 1\n{TASKS[name]}", encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.mark.parametrize("name", TASKS)
def test_emission_is_the_same_whatever_the_process_is_like(name: str, tmp_path: Path) -> None:
    spec = write(tmp_path, name)
    made = []
    for index, (seed, locale) in enumerate([("0", "C"), ("1", "C.UTF-8"), ("4242", "C")]):
        out = tmp_path / f"out{index}"
        cwd = tmp_path if index < 2 else tmp_path.parent
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": f"UTC+{index}"}
        command = [sys.executable, "-m", "automlc", "compile", str(spec), "-o", str(out)]
        command += ["--data-root", str(tmp_path)]
        subprocess.run(command, check=True, cwd=cwd, env=environment, capture_output=True)
        made.append(contents(out))
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("name", TASKS)
def test_emitted_files_need_no_linter_and_no_formatter(name: str, tmp_path: Path) -> None:
    project = build(write(tmp_path, name), tmp_path / "out").path
    for arguments in (["check"], ["format", "--check", "--diff"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", str(project)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_compiling_again_replaces_our_files_and_nothing_else(tmp_path: Path) -> None:
    spec = write(tmp_path, "digits")
    build(spec, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    build(spec, tmp_path / "out")
    assert (tmp_path / "out" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_an_edited_file_is_not_overwritten(tmp_path: Path) -> None:
    spec = write(tmp_path, "digits")
    build(spec, tmp_path / "out")
    model = tmp_path / "out" / "model.py"
    model.write_text(model.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    with pytest.raises(AutomlcError, match=r"model\.py was changed"):
        build(spec, tmp_path / "out")
    assert model.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work", encoding="utf-8")
    spec = write(tmp_path, "digits")
    with pytest.raises(AutomlcError, match="did not write"):
        build(spec, other)
    link = tmp_path / "link"
    link.symlink_to(other)
    with pytest.raises(AutomlcError, match="is a link"):
        build(spec, link)
    assert [p.name for p in other.iterdir()] == ["thesis.tex"]


def test_the_lock_names_every_file(tmp_path: Path) -> None:
    project = build(write(tmp_path, "digits"), tmp_path / "out").path
    lock = json.loads((project / "automlc.lock").read_text(encoding="utf-8"))
    assert {*lock["files"], "automlc.lock"} == {p.name for p in project.iterdir()}


@pytest.mark.torch
@pytest.mark.parametrize("name", TASKS)
def test_an_emitted_project_passes_its_own_tests_without_automlc(name: str, tmp_path: Path) -> None:
    project = build(write(tmp_path, name), tmp_path / "out").path
    (project / "search.py").unlink()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_project.py"]
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "automlc.py").write_text("raise ImportError('not here')\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(blocked), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(project)
