"""The arm of the adaptive search that leaves the incumbent: a configuration of its own.

Single changes do not lead out of a poor architecture within a few trials. So the best action is
weighed against a fresh start, in one currency: how far the child's ln(error) should be below that
of the best trial, E[max(0, gain)]. For the action that is its belief with the noise of one training
(automlc.runtime.rules.belief), for the fresh start the posterior of all starts that the study has
seen (automlc.runtime.rules.fresh). Under Thompson sampling each side is the expected gain for a
sample of its posterior, the action's being the one by which it came first; under `ucb` each side is
the expected gain at the upper bound of the mean.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from automlc.runtime.rules.belief import NOISE, Belief
from automlc.runtime.rules.fresh import CHOSEN, Fresh, normal_gain
from automlc.runtime.searchers.base import Config
from automlc.spec.domains import Space
from automlc.spec.record import record

_TRIES = 100  # draws from the space until one was not tried before
_TIMED = 8  # draws whose mean time is that of a fresh start


CHOSEN_FROM = ("default", "starts")


@record
class Gap:
    """How far a start's -ln(error) is below the best trial's, as <= 0; whether people chose it."""

    value: float
    chosen: bool


@record
class Fresher:
    """A configuration that no earlier one led to; `source` says where it is from.

    `default`, `starts` (one that the preset knows to learn well) or `random`.
    """

    config: Config
    source: str


@record
class Weighed:
    """A fresh start against the best action: what counted of each, and what is expected.

    `draw` and `action_draw` were compared, as gains per second where seconds are known; `gain` and
    `action_gain` are the expected gains under the whole belief. Of the study's `n` starts `better`
    ended at least as well as the best trial so far: the quantile of the incumbent among them.
    """

    gain: float
    action_gain: float
    draw: float
    action_draw: float
    n: int
    better: int
    mean: float
    deviation: float

    @property
    def restart(self) -> bool:
        return self.draw > self.action_draw

    def to_json(self) -> dict[str, float | int]:
        return dict(vars(self))


def fresher(
    space: Space,
    starts: Sequence[Config],
    objection: Callable[[Config], str | None],
    rng: random.Random,
) -> Fresher | None:
    """What a fresh start would be: the default, a known start, else a draw from the space.

    None where everything that was looked at was tried, was refused, or is forbidden.
    """
    for source, config in (("default", space.default_config()), *(("starts", s) for s in starts)):
        if objection(config) is None:
            return Fresher(dict(config), source)
    for _ in range(_TRIES):
        config = space.sample(rng)
        if objection(config) is None:
            return Fresher(config, "random")
    return None


def weigh(
    gaps: Sequence[Gap],
    action: Belief,
    taken: float,
    behind: float,
    choice: random.Random | float,
    seconds: tuple[float, float] = (1.0, 1.0),
) -> Weighed:
    """A fresh start against an action on a trial that is `behind` the best one in ln(error).

    `gaps`: of the starts, one at least. `taken`: the effect by which the action came first.
    `choice`: a generator to sample by, or the deviations of an upper bound. `seconds`: how long
    the fresh start takes, and the action's child.
    """
    fresh = Fresh.of([gap.value - CHOSEN * gap.chosen for gap in gaps])
    gain = fresh.gain()
    action_gain = normal_gain(action.mean - behind, math.hypot(action.deviation, NOISE))
    draw = fresh.draw(choice) if isinstance(choice, random.Random) else fresh.upper(choice)
    action_draw = normal_gain(taken - behind, NOISE)
    better = sum(gap.value >= 0 for gap in gaps)
    return Weighed(
        gain, action_gain, draw / seconds[0], action_draw / seconds[1],
        fresh.n, better, fresh.mean, fresh.deviation,
    )  # fmt: skip


def usual_seconds(
    found: Fresher, space: Space, seconds: Callable[[Config], float], rng: random.Random
) -> float:
    """How long a fresh start takes: what is known of it, or the mean of some draws.

    By the time of the one draw at hand, only the fastest of many draws would ever be taken.
    """
    if found.source != "random":
        return seconds(found.config)
    drawn = [seconds(found.config), *(seconds(space.sample(rng)) for _ in range(_TIMED - 1))]
    known = [one for one in drawn if math.isfinite(one)]
    return fmean(known) if known else math.inf


def said(found: Fresher, weighed: Weighed, over: int, seed: int) -> Mapping[str, Any]:
    """The part of a why-record that only a fresh start has."""
    where = {"from": found.source} | ({"seed": seed} if found.source == "random" else {})
    return {"rule": "restart", **where, "over": over, "restart": weighed.to_json()}
