"""What is believed of an action's effect: the table's figures, and what this study has seen.

A normal distribution for the mean effect of an action in a state. The prior is the table's score,
as uncertain as its measurements are few and scattered; each effect that the study observes is a
noisy measurement of it, worth less the less its state resembles the present one. The posterior of
a normal mean with known noise (Gelman et al., Bayesian Data Analysis, section 2.5).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from automlc.runtime.rules.table import Ranked
from automlc.spec.record import record

NOISE = 0.3  # deviation of one observed effect: seeds, and how parents of a state differ
BETWEEN = 0.2  # deviation of an action's mean effect from data set to data set
UNMEASURED = 0.25  # of an action that the table has no measurements of
LIKENESS = 0.5  # what an observation loses for each part of the state that differs
USUAL = -0.1  # the mean effect of an action of which nothing is known: most changes harm a bit


@record
class Observation:
    """An effect that this study saw: an action was taken in a state."""

    state: Mapping[str, str]
    action: str
    effect: float


@record
class Belief:
    """Mean and deviation of an action's mean effect; `n` observations of this study are in it."""

    mean: float
    deviation: float
    n: int = 0

    def draw(self, rng: random.Random) -> float:
        """A sample, as Thompson sampling takes it."""
        return rng.gauss(self.mean, self.deviation)

    def upper(self, kappa: float) -> float:
        """The upper confidence bound, `kappa` deviations above the mean."""
        return self.mean + kappa * self.deviation


def prior(ranked: Ranked | None, middle: float = 0.0) -> Belief:
    """What the table says of an action; `middle` is the median score of an unmeasured row.

    Scores that nobody measured (`n` is None) are ranks in effect: half their distance from the
    middle is taken for a mean.
    """
    if ranked is None:
        return Belief(USUAL, UNMEASURED)
    if ranked.n is None:
        return Belief((ranked.score - middle) / 2, UNMEASURED)
    spread = ranked.spread if ranked.spread is not None else UNMEASURED
    return Belief(ranked.score, math.hypot(BETWEEN, spread / math.sqrt(max(1, ranked.n))))


@dataclass
class Beliefs:
    """Observations of a study by action."""

    by_action: dict[str, list[Observation]] = field(default_factory=dict)

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> Beliefs:
        made = cls()
        for one in observations:
            made.by_action.setdefault(one.action, []).append(one)
        return made

    def posterior(self, action: str, state: Mapping[str, str], before: Belief) -> Belief:
        """The belief after all observations of the action."""
        seen = self.by_action.get(action, ())
        return updated(before, [(one.effect, likeness(one.state, state)) for one in seen])


def updated(before: Belief, effects: Sequence[tuple[float, float]]) -> Belief:
    """A belief after (effect, weight) observations, each with noise `NOISE` / sqrt(weight)."""
    precision, total = before.deviation**-2, before.mean * before.deviation**-2
    for value, weight in effects:
        precision += weight / NOISE**2
        total += value * weight / NOISE**2
    return Belief(total / precision, precision**-0.5, before.n + len(effects))


def likeness(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """1 for the same state, less by `LIKENESS` for each part that differs."""
    parts = {*one, *other}
    return LIKENESS ** sum(one.get(part) != other.get(part) for part in parts)
