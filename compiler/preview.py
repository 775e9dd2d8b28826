"""What a budget can let through: trials that run all epochs, epochs, samples, seconds at a rate.

The bounds hold for every learning curve when trials come one after the other and none fails or is
interrupted; the wall limit and a target can end a study earlier. Both ends can be reached.
"""

from __future__ import annotations

from automlc.compiler.graph import SearchGraph
from automlc.runtime.stopping import Cohort, cohorts_of, make_policy
from automlc.spec.record import record


@record
class Preview:
    """Trials that run all epochs and epochs of all trials together, each as (least, most)."""

    full: tuple[int, int]
    epochs: tuple[int, int]


@record
class Rate:
    """Training samples a second of one worker with the default model, and how many workers."""

    samples: float
    workers: int = 1

    def seconds(self, samples: int) -> float:
        """How long so many samples take; workers are kept busy to the end."""
        return samples / self.samples / self.workers


def cohorts(graph: SearchGraph) -> tuple[Cohort, ...] | None:
    """Who of the trials is compared with whom; None for a policy that does not say."""
    stopping, budget = graph.stopping, graph.budget
    policy = make_policy(stopping.name, stopping.options, graph.task.goal, budget.epochs)
    return cohorts_of(policy, range(1, budget.trials + 1))


def preview(found: tuple[Cohort, ...], epochs: int) -> Preview:
    """The bounds of all cohorts together; `epochs`: the budget of a trial."""
    trials = sum(one.trials for one in found)
    full = spent = 0
    for one in found:
        kept = min(one.trials, one.survivors) if one.epochs else one.trials
        full += kept
        first = one.epochs[0] if one.epochs else epochs
        spent += kept * epochs + (one.trials - kept) * first
    return Preview((full, trials), (spent, trials * epochs))
