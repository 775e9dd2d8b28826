"""ASHA: successive halving without waiting, in the variant that stops and never pauses."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pydantic import Field

from automlc.runtime.stopping.base import (
    CONTINUE,
    POLICIES,
    Cohort,
    Decision,
    EpochHistory,
    NoOptions,
    is_better,
)


def rungs(first: int, eta: int, epochs: int) -> tuple[int, ...]:
    """The epochs at which trials are compared, all before the last epoch.

    >>> rungs(1, 3, 27)
    (1, 3, 9)
    """
    found = []
    while first < epochs:
        found.append(first)
        first *= eta
    return tuple(found)


def compare(goal: str, eta: int, rung: int, value: float, others: Iterable[float]) -> Decision:
    """Continue only in the best 1/eta (rounded up) of what was recorded at this rung so far."""
    ranked = sorted(others, reverse=goal == "maximize")
    n = len(ranked) + 1
    rank = 1 + sum(is_better(goal, other, value) for other in ranked)
    places = math.ceil(n / eta)
    evidence = {"rung": rung, "value": value, "rank": rank, "n": n, "places": places}
    if rank <= places:
        return Decision(stop=False, evidence=evidence)
    evidence["cutoff"] = ranked[places - 1]
    reason = f"place {rank} of {n} at epoch {rung}: the best {places} continue"
    return Decision(True, reason, evidence)


@POLICIES.add("asha")
class ASHA:
    """Compare at epochs min_epochs, min_epochs x eta, ...; the best 1/eta of each rung go on.

    Li et al., 2020. A trial is compared with those that reached the rung before it, so nobody
    waits; unlike the paper's version a trial that was stopped is not taken up again.
    """

    class Options(NoOptions):
        eta: int = Field(default=3, ge=2)
        """At a rung the best 1/eta continue; each rung is at eta times the epochs of the last."""
        min_epochs: int = Field(default=1, ge=1)
        """The epoch of the first rung."""

    def __init__(self, options: Options, goal: str, epochs: int) -> None:
        self._eta = options.eta
        self._goal = goal
        self._rungs = rungs(options.min_epochs, options.eta, epochs)
        self._epochs = epochs

    def first_epochs(self) -> int:
        return min((self._epochs, *self._rungs))

    def cohorts(self, numbers: range) -> tuple[Cohort, ...]:
        """All trials; the first to reach a rung is the best there, so one always goes on."""
        return (Cohort(len(numbers), self._rungs, 1),)

    def decide(self, trial: int, epoch: int, value: float, history: EpochHistory) -> Decision:
        if epoch not in self._rungs:
            return CONTINUE
        others = (best for number, best in history.best_by(epoch) if number != trial)
        return compare(self._goal, self._eta, epoch, value, others)
