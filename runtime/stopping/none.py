"""No early stopping: every trial runs all of its epochs."""

from __future__ import annotations

from automlc.runtime.stopping.base import (
    CONTINUE,
    POLICIES,
    Cohort,
    Decision,
    EpochHistory,
    NoOptions,
)


@POLICIES.add("none")
class NoStopping:
    """Always continue."""

    class Options(NoOptions):
        pass

    def __init__(self, options: Options, goal: str, epochs: int) -> None:
        pass

    def cohorts(self, numbers: range) -> tuple[Cohort, ...]:
        """All trials run all epochs."""
        return (Cohort(len(numbers), (), len(numbers)),)

    def decide(self, trial: int, epoch: int, value: float, history: EpochHistory) -> Decision:
        return CONTINUE
