"""The conditions of the trials of a study, from what is in its store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automlc.runtime.metrics import METRICS
from automlc.runtime.monitor.conditions import Condition, Metric, Seen, classify, course
from automlc.runtime.monitor.definitions import Monitor

if TYPE_CHECKING:
    from automlc.runtime.plan import Plan
    from automlc.runtime.store import Store, TrialRow


def metric_of(name: str, goal: str) -> Metric:
    """How the monitor reads the metric of a task; one of a stranger's has no bounds."""
    known = METRICS.get(name) if name in METRICS else None
    bound = None
    if known is not None:
        bound = known.high if goal == "maximize" else known.low
    return Metric(goal, bound)


def timeline(
    epochs: Sequence[Seen], monitor: Monitor, metric: Metric, config: Mapping[str, Any]
) -> list[tuple[int, Condition]]:
    """(epoch, condition after it) of every epoch of a trial."""
    conditions = course(epochs, monitor, metric, config)
    return [(seen.epoch, found) for seen, found in zip(epochs, conditions, strict=True)]


def changes(found: Sequence[tuple[int, Condition]]) -> list[tuple[int, Condition]]:
    """The first entry of a timeline and each whose condition is not that of the one before."""
    return [entry for at, entry in enumerate(found) if at == 0 or entry[1] != found[at - 1][1]]


class Conditions:
    """The last condition of each trial; that of an ended trial is worked out once."""

    def __init__(self, plan: Plan, store: Store):
        self._plan = plan
        self._store = store
        self._metric = metric_of(plan.task.metric, plan.task.goal)
        self._ended: dict[int, Condition | None] = {}

    def of(self, row: TrialRow) -> Condition | None:
        """The condition of a trial; None before anything was measured."""
        if row.number in self._ended:
            return self._ended[row.number]
        epochs = list(self._store.seen(row.number))
        condition = classify(epochs, self._plan.monitor, self._metric, row.config)
        if row.state != "running":
            self._ended[row.number] = condition
        return condition
