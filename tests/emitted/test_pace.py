"""The pace of a trial, asked through a real worker process."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from automlc.runtime.executors.base import Ended, Job
from automlc.runtime.executors.local import LocalExecutor
from tests.emitted.keras_projects import project

CONFIG: dict[str, Any] = {
    "batch_size": 16,
    "clip_norm": 0.0,
    "lr": 0.01,
    "momentum": 0.9,
    "optimizer": "sgd",
    "schedule": "constant",
    "warmup": 0.0,
    "weight_decay": 0.0,
}


def answer(executor: LocalExecutor, job: Job) -> Ended:
    executor.start(job)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for message in executor.poll(1.0):
            if isinstance(message, Ended):
                return message
    raise AssertionError("no answer")


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("pytorch", marks=pytest.mark.torch),
        pytest.param("keras", marks=pytest.mark.keras),
    ],
)
def test_a_worker_tells_the_pace_of_a_configuration(kind: str, tmp_path: Path) -> None:
    if find_spec("torch" if kind == "pytorch" else "tensorflow") is None:
        pytest.skip(f"needs what {kind} computes with")
    written = project(tmp_path, "table", kind)
    before = sorted(path.name for path in written.iterdir())
    trial = {"config": CONFIG, "seed": 1, "epochs": 3, "device": "cpu", "folder": str(tmp_path)}
    executor = LocalExecutor(written, str(tmp_path / "rows.csv"), tmp_path / "worker.txt")
    try:
        log = str(tmp_path / "log.txt")
        ended = answer(executor, Job("pace", "pace", trial, log, seconds=0.5))
    finally:
        executor.close()
    assert (ended.code, ended.failure) == (0, None), (tmp_path / "log.txt").read_text()
    assert set(ended.result) == {
        *("batch_size", "build_seconds", "epoch_seconds", "evaluation_seconds_per_row"),
        *("step_seconds", "steps"),
    }
    assert ended.result["batch_size"] == 16
    assert ended.result["epoch_seconds"] > ended.result["step_seconds"] > 0
    assert sorted(path.name for path in written.iterdir()) == before
