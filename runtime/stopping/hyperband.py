"""Hyperband: several ASHA brackets that differ in how early they begin to stop trials."""

from __future__ import annotations

import hashlib
import math
from collections import Counter

from pydantic import Field

from automlc.runtime.stopping.asha import compare, rungs
from automlc.runtime.stopping.base import (
    CONTINUE,
    POLICIES,
    Cohort,
    Decision,
    EpochHistory,
    NoOptions,
)


@POLICIES.add("hyperband")
class Hyperband:
    """Bracket s begins to compare at min_epochs x eta^s; trials are compared within a bracket.

    Li et al., 2018, made asynchronous as in Li et al., 2020. A trial's bracket is a hash of its
    number, weighted as in the paper: earlier brackets, which stop more, get more trials.
    """

    class Options(NoOptions):
        eta: int = Field(default=3, ge=2)
        """At a rung the best 1/eta continue; each rung is at eta times the epochs of the last."""
        min_epochs: int = Field(default=1, ge=1)
        """The epoch of the first rung of the first bracket."""
        brackets: int | None = Field(default=None, ge=1)
        """Number of brackets; by default as many as there are rungs, and one without."""

    def __init__(self, options: Options, goal: str, epochs: int) -> None:
        self._eta = options.eta
        self._goal = goal
        self._epochs = epochs
        every = rungs(options.min_epochs, options.eta, epochs)
        # The last bracket has no rung: its trials run to the end, whatever the others do.
        count = options.brackets or len(every) + 1
        self._brackets = tuple(every[s:] for s in range(min(count, len(every) + 1)))
        count = len(self._brackets)
        self._weights = tuple(
            math.ceil(count / (s + 1) * options.eta**s) for s in reversed(range(count))
        )

    def first_epochs(self) -> int:
        return min((self._epochs, *self._brackets[0]))

    def bracket(self, trial: int) -> int:
        """The bracket of a trial; the same in every study."""
        digest = hashlib.sha256(f"bracket/{trial}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") % sum(self._weights)
        for index, weight in enumerate(self._weights):
            place -= weight
            if place < 0:
                return index
        raise AssertionError("the weights sum to more than any place")

    def cohorts(self, numbers: range) -> tuple[Cohort, ...]:
        """A cohort for each bracket that has trials."""
        sizes = Counter(self.bracket(number) for number in numbers)
        return tuple(Cohort(n, self._brackets[b], 1) for b, n in sorted(sizes.items()))

    def decide(self, trial: int, epoch: int, value: float, history: EpochHistory) -> Decision:
        bracket = self.bracket(trial)
        if epoch not in self._brackets[bracket]:
            return CONTINUE
        others = (
            best
            for number, best in history.best_by(epoch)
            if number != trial and self.bracket(number) == bracket
        )
        decision = compare(self._goal, self._eta, epoch, value, others)
        evidence = {**decision.evidence, "bracket": bracket}
        reason = f"bracket {bracket}: {decision.reason}" if decision.stop else ""
        return Decision(decision.stop, reason, evidence)
