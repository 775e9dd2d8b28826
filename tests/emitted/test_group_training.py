"""Configurations of every group train: one epoch on a few rows."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from automlc.backends import build
from tests.compiler.spaces import groups_for
from tests.emitted.loading import emitted

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

QUESTIONS = Path(__file__).parents[2] / "examples" / "text" / "questions.csv"
TASKS = {
    "digits": "task: {kind: image_classification}\ndata: {source: builtin:digits}\n",
    "mixed": "task: {kind: tabular_classification}\ndata: {source: builtin:breast_cancer}\n",
    "text": "task: {kind: text_classification}\ndata: {source: questions.csv, target: topic}\n",
}
ALL = [(name, group) for name in TASKS for group in groups_for(name)]


@pytest.mark.parametrize(("name", "group"), ALL)
def test_samples_of_a_group_train_for_an_epoch(name: str, group: str, tmp_path: Path) -> None:
    spec = tmp_path / "task.yaml"
    (tmp_path / "questions.csv").write_bytes(QUESTIONS.read_bytes())
    spec.write_text(f"automlc: 1\n{TASKS[name]}space: {{expand: [{group}]}}\n", encoding="utf-8")
    made = build(spec, tmp_path / "project")
    files = {p.name: p.read_text(encoding="utf-8") for p in made.path.glob("*.py")}
    rng = random.Random(group)
    with emitted(tmp_path / "loaded", files, "train") as train:
        parts = train.load()
        small = type(parts.train)(parts.train.x[:96], parts.train.y[:96])
        few = type(parts)(small, small)
        for number in range(4):
            records: list[dict] = []
            folder = tmp_path / str(number)
            folder.mkdir()
            trial = {"config": made.graph.space.sample(rng), "seed": number, "epochs": 1}
            trial |= {"folder": str(folder), "device": "cpu", "threads": 1}
            train.run(trial, few, lambda record, kept=records: kept.append(record) or "go")
            assert len(records) == 1
            assert math.isfinite(records[0]["metrics"]["loss"]), trial["config"]
