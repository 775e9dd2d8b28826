"""What a searcher is told of time: seconds by the pace, and no bonus for very short trials."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import plan as plan_json

from automlc.runtime.pace import Pace
from automlc.runtime.pacing import Pacing
from automlc.runtime.plan import Plan
from automlc.runtime.proposing import Proposer
from automlc.runtime.store import open_store

# A multiply-accumulate takes a second; each of 3 epochs has 3 x of them.
PACE = Pace((1.0, 0.0, 0.0, 0.0, 0.0), 0.0, 1.0, 1)
PLAN = plan_json(
    costs={"code": [["param", "x"]], "outputs": {"model.macs": 0}},
    data__rows={"train": 1, "validation": 0},
    budget__epochs=3,
    budget__wall=100.0,
)


@pytest.mark.parametrize(("x", "expected"), [(1.0, 9.0), (0.6, 5.4), (0.5, 5.0), (0.0, 5.0)])
def test_a_trial_counts_at_least_as_long_as_the_first_may_take(
    tmp_path: Path, x: float, expected: float
) -> None:
    plan = Plan.from_json(PLAN)
    store = open_store(tmp_path / "study.db", plan.task.goal)
    try:
        proposer = Proposer(plan, store, Pacing(plan, store, lambda: 0.0))
        assert proposer._seconds(PACE)({"kind": "a", "x": x}) == pytest.approx(expected)
    finally:
        store.close()
