"""What a stopping policy can let through: how many trials reach which epoch, least and most.

The bounds hold for every learning curve when trials come one after the other and none fails or is
interrupted; the wall limit and a target can end a study earlier. Both ends can be reached.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from automlc.runtime.stopping.asha import ASHA, rungs
from automlc.runtime.stopping.hyperband import Hyperband
from automlc.runtime.stopping.median import Median
from automlc.spec.record import record


@record
class Cohort:
    """Trials that are compared with each other, and the epochs after which one may be stopped.

    `survivors`: how many of them always go on, whatever they reach.
    """

    trials: int
    epochs: tuple[int, ...]
    survivors: int


@record
class Preview:
    """Trials that run all epochs and epochs of all trials together, each as (least, most)."""

    full: tuple[int, int]
    epochs: tuple[int, int]


def cohorts(
    policy: str, options: Mapping[str, Any], numbers: range, epochs: int
) -> tuple[Cohort, ...] | None:
    """Who is compared with whom; `numbers` are the trials' numbers. None for a plugin's policy."""
    count = len(numbers)
    if policy == "none":
        return (Cohort(count, (), count),)
    if policy == "asha":
        asha = ASHA.Options.model_validate(dict(options))
        return (Cohort(count, rungs(asha.min_epochs, asha.eta, epochs), 1),)
    if policy == "median":
        median = Median.Options.model_validate(dict(options))
        return (Cohort(count, tuple(range(median.min_epochs, epochs)), median.min_trials),)
    if policy == "hyperband":
        chosen = Hyperband.Options.model_validate(dict(options))
        hyperband = Hyperband(chosen, "minimize", epochs)
        every = rungs(chosen.min_epochs, chosen.eta, epochs)
        sizes = Counter(hyperband.bracket(number) for number in numbers)
        return tuple(Cohort(size, every[s:], 1) for s, size in sorted(sizes.items()))
    return None


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
