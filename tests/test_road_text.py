"""The whole road of a text task: run, stop and resume, export, predict; on both backends."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

QUESTIONS = Path(__file__).parents[1] / "examples" / "text" / "questions.csv"
SPEC = """automlc: 1
name: road
task: {kind: text_classification}
data: {source: questions.csv, target: topic}
space:
  parameters: {block: BLOCK, max_tokens: fixed(500), sequence_length: fixed(32), hidden: fixed(0)}
search: random
budget: {trials: 2, epochs: 2}
backend: BACKEND
seed: 5
"""
REGRESSION = """automlc: 1
name: lengths
task: {kind: text_regression, metric: mae}
data: {source: lengths.csv, target: letters, columns: {question: text}}
space: {parameters: {block: ngram, max_tokens: fixed(500), sequence_length: fixed(32)}}
search: random
budget: {trials: 1, epochs: 3}
backend: {kind: pytorch, device: cpu, threads: 1}
"""
PYTORCH = "{kind: pytorch, device: cpu, threads: 1}"
KERAS = "{kind: keras, device: cpu, threads: 1}"


def automlc(*arguments: str | Path, cwd: Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "automlc", *map(str, arguments)]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def folder_of(tmp_path: Path, block: str, backend: str) -> Path:
    """A folder with the example's questions and a finished run."""
    (tmp_path / "questions.csv").write_bytes(QUESTIONS.read_bytes())
    text = SPEC.replace("BLOCK", block).replace("BACKEND", backend)
    (tmp_path / "task.yaml").write_text(text, encoding="utf-8")
    automlc("run", "task.yaml", "--run-dir", "run", cwd=tmp_path)
    return tmp_path


def answers(folder: Path, file: str) -> list[str]:
    """What the exported predict.py prints, far from the data."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "predict.py", str(folder / file)],
        cwd=folder / "run/export/source",
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def check_source(folder: Path) -> None:
    """The exported source answers to lines and to columns, without the data."""
    automlc("export", "run", "--format", "source", cwd=folder)
    best, source = folder / "run/best", folder / "run/export/source"
    assert (source / "vocabulary.json").read_bytes() == (best / "vocabulary.json").read_bytes()
    (folder / "questions.csv").unlink()
    asked = ["How do I bake bread?", "", "My computer, is it slow?"]
    (folder / "a.txt").write_text("\n".join(asked) + "\n", encoding="utf-8")
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["question"], *([text] for text in asked if text)])
    lines, columns = answers(folder, "a.txt"), answers(folder, "a.csv")
    assert len(lines) == 3
    assert set(lines) <= {"cooking", "travel", "computer", "garden", "health"}
    assert columns == [lines[0], lines[2]]


@pytest.mark.torch
@pytest.mark.parametrize(
    "block", ["vanilla", pytest.param("transformer", marks=pytest.mark.slow), "ngram"]
)
def test_a_search_over_texts_ends_with_a_model_that_reads_texts(block: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, block, PYTORCH)
    status = json.loads(automlc("status", "run", "--json", cwd=folder))
    assert status["trials"]["failed"] == 0
    assert status["best"]["value"] > 0.2
    before = (folder / "run/best/weights.safetensors").read_bytes()
    automlc("run", "run", "--resume", cwd=folder)
    assert (folder / "run/best/weights.safetensors").read_bytes() == before
    automlc("export", "run", "--format", "weights", cwd=folder)
    assert (folder / "run/export/vocabulary.json").exists()
    check_source(folder)


@pytest.mark.torch
def test_texts_are_exported_to_onnx(tmp_path: Path) -> None:
    for package in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(package)
    folder = folder_of(tmp_path, "ngram", PYTORCH)
    assert "same answers" in automlc("export", "run", "--format", "onnx", cwd=folder)
    assert (folder / "run/export/vocabulary.json").exists()


@pytest.mark.torch
def test_train_py_alone_repeats_a_trial_over_texts_bit_for_bit(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "transformer", PYTORCH)
    best = json.loads((folder / "run/best/metrics.json").read_text(encoding="utf-8"))
    command = [sys.executable, "train.py", "--config", "../best/config.json", "--out", "again"]
    done = subprocess.run(
        command, cwd=folder / "run/project", capture_output=True, text=True, check=True
    )
    assert f"best accuracy {best['validation']!r} in epoch" in done.stdout
    again = folder / "run/project/again/vocabulary.json"
    assert again.read_bytes() == (folder / "run/best/vocabulary.json").read_bytes()


@pytest.mark.torch
def test_a_number_is_predicted_from_a_text(tmp_path: Path) -> None:
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        rows = [[row["question"], len(row["question"])] for row in csv.DictReader(file)]
    with (tmp_path / "lengths.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["question", "letters"], *rows])
    (tmp_path / "task.yaml").write_text(REGRESSION, encoding="utf-8")
    automlc("run", "task.yaml", "--run-dir", "run", cwd=tmp_path)
    status = json.loads(automlc("status", "run", "--json", cwd=tmp_path))
    assert status["best"]["value"] < 15
    automlc("export", "run", "--format", "source", cwd=tmp_path)
    (tmp_path / "a.txt").write_text("Why?\n", encoding="utf-8")
    assert 0 < float(answers(tmp_path, "a.txt")[0]) < 100


@pytest.mark.keras
@pytest.mark.slow
@pytest.mark.parametrize(
    "block", ["vanilla", pytest.param("transformer", marks=pytest.mark.slow), "ngram"]
)
def test_a_search_over_texts_in_keras(block: str, tmp_path: Path) -> None:
    pytest.importorskip("keras")
    folder = folder_of(tmp_path, block, KERAS)
    assert "same answers" in automlc("export", "run", "--format", "keras", cwd=folder)
    check_source(folder)
