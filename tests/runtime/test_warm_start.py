"""Weights that one trial lends to another."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from automlc.runtime.proposing import Accepted
from automlc.runtime.store import Store, open_store
from automlc.runtime.trial import Artifact, Report, State, sweep
from automlc.runtime.warm_start import START, WarmStarts

SIZES = {"model.params": 10, "model.size": 40}
WEIGHTS = b"weights of trial 1"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """A study whose first trial has ended and still has its weights."""
    made = open_store(tmp_path / "study.db", "maximize")
    made.start_study({"run_id": "r", "plan": "", "seed": 0, "data": "builtin:x"})
    folder = tmp_path / "t0001"
    folder.mkdir()
    (folder / "weights-0001.safetensors").write_bytes(WEIGHTS)
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    weights = Artifact("weights-0001.safetensors", digest, 1)
    attempt = made.start_trial(1, {"lr": 1}, 0, why={}, costs=SIZES)
    made.record_epoch(1, attempt, Report(1, 0.5, {}, 0.1, 1.0, 10, None, None, weights))
    made.end_trial(1, attempt, State.COMPLETE, "all epochs done")
    made.start_trial(2, {"lr": 2}, 0, why={}, costs=SIZES)
    yield made
    made.close()


def asks(trial: int | None = 1, costs: Any = SIZES) -> Accepted:
    proposal = {} if trial is None else {"warm_start": {"trial": trial}}
    return Accepted({"lr": 2}, costs, {"proposal": proposal})


def test_weights_are_lent_and_stay_when_their_trial_loses_them(
    store: Store, tmp_path: Path
) -> None:
    lending = WarmStarts(store, tmp_path)
    lending.lend(2, asks())
    path = tmp_path / "t0002" / START
    assert lending.start_of(2) == {"file": str(path), "trial": 1}
    sweep(tmp_path / "t0001")
    sweep(tmp_path / "t0002")
    assert path.read_bytes() == WEIGHTS
    assert lending.start_of(2) is not None


@pytest.mark.parametrize(
    "accepted",
    [
        asks(None),
        asks(costs={**SIZES, "model.params": 11}),
        asks(costs={"model.params": 10}),
    ],
    ids=["not asked for", "another size", "size unknown"],
)
def test_nothing_is_lent_where_it_would_not_fit(
    store: Store, tmp_path: Path, accepted: Accepted
) -> None:
    lending = WarmStarts(store, tmp_path)
    lending.lend(2, accepted)
    assert lending.start_of(2) is None
    assert not (tmp_path / "t0002" / START).exists()


def test_weights_that_are_gone_or_damaged_are_not_lent(store: Store, tmp_path: Path) -> None:
    lending = WarmStarts(store, tmp_path)
    (tmp_path / "t0001" / "weights-0001.safetensors").write_bytes(b"other")
    lending.lend(2, asks())
    assert lending.start_of(2) is None


def test_lent_weights_that_were_changed_since_are_not_taken(store: Store, tmp_path: Path) -> None:
    lending = WarmStarts(store, tmp_path)
    lending.lend(2, asks())
    path = tmp_path / "t0002" / START
    path.unlink()
    path.write_bytes(b"other")
    assert lending.start_of(2) is None
