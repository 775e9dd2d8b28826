"""What a budget can let through: trials that run all epochs, epochs, samples, seconds at a rate.

The bounds hold for every learning curve and any number of workers, when no trial fails or is
interrupted; the wall limit and a target can end a study earlier. Both ends can be reached. In
whichever order trials report, those that first reach an epoch of comparison are the ones that a
policy lets through (its `survivors`), so as many as that reach the next one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automlc.runtime.stopping import Cohort, cohorts_of, make_policy
from automlc.spec.diagnostics import Diagnostic
from automlc.spec.record import record

if TYPE_CHECKING:
    from automlc.compiler.graph import SearchGraph
    from automlc.spec.load import LoadedSpec


@record
class Preview:
    """Trials that run all epochs and epochs of all trials together, each as (least, most)."""

    full: tuple[int, int]
    epochs: tuple[int, int]


@record
class Rate:
    """Training samples a second of one worker with the default model."""

    samples: float

    def seconds(self, samples: int) -> float:
        """How long one worker takes for so many."""
        return samples / self.samples


def duration_of(
    graph: SearchGraph, found: tuple[Cohort, ...] | None, rate: Rate, workers: int
) -> tuple[float, ...]:
    """The least and the most seconds of training at a rate; the most where nothing is known.

    However trials are handed out, `workers` of them at a time take no longer than their sum
    divided by the workers, and what the longest one runs when others are done (Graham, 1969).
    """
    budget, rows = graph.budget, graph.contract.rows.train
    busy = min(workers, budget.trials)
    longest = rate.seconds(rows * budget.epochs)
    most = longest * budget.trials / busy + (1 - 1 / busy) * longest
    if found is None:
        return (most,)
    said = preview(found, budget.epochs)
    least = rate.seconds(rows * said.epochs[0]) / busy
    return (max(least, longest) if said.full[0] else least, most)


def too_slow(graph: SearchGraph, rate: Rate, loaded: LoadedSpec) -> list[Diagnostic]:
    """Limits of time that not even one epoch keeps to at a stated rate."""
    seconds, found = rate.seconds(graph.contract.rows.train), []
    budget = graph.budget
    for name, limit, then in (
        ("epoch_wall", budget.epoch_wall, "every trial would fail at its limit"),
        ("wall", budget.wall, "the search would end before its first epoch"),
    ):
        if limit is not None and seconds > limit:
            text = f"an epoch takes {seconds:,.0f} s at {rate.samples:g} samples a second, and"
            text += f" budget.{name} is {limit:g} s: {then}"
            key, hint = f"budget.{name}", f"write budget.{name}: {math.ceil(seconds * 2)}s or more"
            found.append(Diagnostic("W543", text, loaded.spans(key), hint, key))
    return found


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
