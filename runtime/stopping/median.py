"""Median stopping: end a trial that is behind most others at the same epoch."""

from __future__ import annotations

from statistics import median

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


@POLICIES.add("median")
class Median:
    """Stop when the best value so far is worse than the median of the others' at that epoch.

    Golovin et al., 2017 (Vizier), with each trial's best in place of its running mean. Nothing is
    stopped before `min_epochs`, nor while fewer than `min_trials` others reached the epoch.
    """

    class Options(NoOptions):
        min_trials: int = Field(default=5, ge=1)
        """Others that must have reached the epoch."""
        min_epochs: int = Field(default=1, ge=1)
        """Epochs that every trial runs."""

    def __init__(self, options: Options, goal: str, epochs: int) -> None:
        self._options = options
        self._goal = goal
        self._epochs = epochs

    def first_epochs(self) -> int:
        return min(self._epochs, self._options.min_epochs)

    def cohorts(self, numbers: range) -> tuple[Cohort, ...]:
        """All trials; the first `min_trials` have too few others to be compared with."""
        compared = tuple(range(self._options.min_epochs, self._epochs))
        return (Cohort(len(numbers), compared, self._options.min_trials),)

    def decide(self, trial: int, epoch: int, value: float, history: EpochHistory) -> Decision:
        if epoch < self._options.min_epochs:
            return CONTINUE
        others = [best for number, best in history.best_by(epoch) if number != trial]
        if len(others) < self._options.min_trials:
            return CONTINUE
        middle = median(others)
        evidence = {"epoch": epoch, "value": value, "median": middle, "n": len(others)}
        if not is_better(self._goal, middle, value):
            return Decision(stop=False, evidence=evidence)
        reason = f"worse than the median {middle:.6g} of {len(others)} trials at epoch {epoch}"
        return Decision(True, reason, evidence)
