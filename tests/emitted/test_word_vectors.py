"""A training that begins with word vectors, on both backends: the words that the file has begin
with its numbers, all others as they would without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automlc.backends import build

QUESTIONS = Path(__file__).parents[2] / "examples" / "text" / "questions.csv"
WIDTH = 5
SPEC = """automlc: 1
task: {kind: text_classification}
data: {source: questions.csv, target: topic}
space:
  embeddings: {mine: v.vec}
  parameters: {max_tokens: fixed(500), sequence_length: fixed(32)}
backend: {kind: KIND, device: cpu, threads: 1ENGINE}
"""
CASES = [
    pytest.param("pytorch", "", "vanilla", marks=pytest.mark.torch),
    pytest.param("pytorch", "", "transformer", marks=pytest.mark.torch),
    pytest.param("keras", "torch", "transformer", marks=pytest.mark.keras),
    pytest.param("keras", "tensorflow", "transformer", marks=[pytest.mark.keras, pytest.mark.slow]),
    pytest.param("keras", "jax", "vanilla", marks=[pytest.mark.keras, pytest.mark.slow]),
]
FILE = {"what": 0.5, "the": -1.25, "?": 3.0, "nowhere": 9.0}


def write_vectors(folder: Path) -> None:
    """A file with a header, blanks at the ends, a word that no question has, and one twice."""
    rows = [f"{word} " + " ".join([str(value)] * WIDTH) for word, value in FILE.items()]
    rows += ["the " + " ".join(["7"] * WIDTH)]
    text = f"{len(rows)} {WIDTH}\n" + "".join(f"{row} \n" for row in rows)
    (folder / "v.vec").write_text(text, encoding="utf-8")


def answers_of(folder: Path, kind: str, engine: str, block: str) -> dict[str, Any]:
    """What vectors_probe.py says of a trial that begins with the vectors."""
    needed = ("torch",) if kind == "pytorch" else ("keras", engine)
    for package in needed:
        if find_spec(package) is None:
            pytest.skip(f"needs {package}")
    (folder / "questions.csv").write_bytes(QUESTIONS.read_bytes())
    write_vectors(folder)
    text = SPEC.replace("KIND", kind).replace("ENGINE", f", engine: {engine}" if engine else "")
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    made = build(folder / "task.yaml", folder / "project")
    values = {"pretraining": "mine", "block": block}
    config = made.graph.space.build(lambda p: values.get(p.name, p.default))
    trial = {"config": config, "seed": 3, "epochs": 1, "folder": str(folder), "device": "cpu"}
    (folder / "trial.json").write_text(json.dumps(trial | {"threads": 1}), encoding="utf-8")
    script = Path(__file__).with_name("vectors_probe.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), str(made.path), str(folder / "trial.json")],
        cwd=folder.anchor, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("ANSWERS"))
    found: dict[str, Any] = json.loads(line.removeprefix("ANSWERS"))
    return found | {"log": done.stdout}


@pytest.mark.parametrize(("kind", "engine", "block"), CASES)
def test_words_of_the_file_begin_with_its_vectors(
    tmp_path: Path, kind: str, engine: str, block: str
) -> None:
    answers = answers_of(tmp_path, kind, engine, block)
    table, plain = np.array(answers["table"]), np.array(answers["plain"])
    assert table.shape == plain.shape == (500, WIDTH)
    ids = {word: i for i, word in enumerate(answers["vocabulary"], start=2)}
    known = {ids[word]: value for word, value in FILE.items() if word in ids}
    assert len(known) == 3
    for row in range(500):
        expected = np.full(WIDTH, known[row]) if row in known else plain[row]
        np.testing.assert_array_equal(table[row], expected)
    (record,) = answers["records"]
    words = f"3 of {min(498, len(ids))} words begin with the vectors of mine"
    assert record["vectors"] == words
    assert words in answers["log"]
    assert np.isfinite(record["metrics"]["loss"])
    warm = np.array(answers["warm"])
    assert not np.array_equal(warm, table), "a warm start goes before the vectors"
    assert np.isfinite(warm).all()
