"""Where a search starts: at the space's default, or at a smaller configuration that is in time.

The first of the plan's `starts` that is in time is taken: a preset knows small models that learn
well. Where none is, the nearest configuration to the fastest of them is. Only what the pace depends
on is changed then (the parameters of the cost program and the batch size), as few of them as
possible, by coordinate descent; nothing is random but the last resort, whose seed is fixed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from automlc.runtime.pace import USUAL, Pace, work_of
from automlc.runtime.plan import Plan
from automlc.runtime.searchers.grid import axis
from automlc.runtime.wording import duration, scalar
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Scalar
from automlc.spec.record import record

Config = Mapping[str, Scalar]

_POINTS = 9
_DRAWS = 100
# Cost programs of large spaces are long: so many instructions may be looked at in all.
_INSTRUCTIONS = 3_000_000
_BATCH = "batch_size"
# A change that saves less than this share of the time is not made.
_WORTH = 0.02
# Nor is one that saves less than this on a start that is known to learn well: it could spoil it.
_WORTH_KNOWN = 0.2


@record
class Start:
    """The configuration to begin with, and why it is this one. Times are seconds.

    `estimate` and `default` are those of the start and of the space's default configuration for
    `epochs` epochs; the estimate is None where nothing could be measured in time. `changed` has
    (name, default value, value), None where it is inactive.
    """

    config: Config
    estimate: float | None
    limit: float
    default: float | None
    epochs: int
    changed: tuple[tuple[str, Scalar, Scalar], ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it is within the limit."""
        return self.estimate is not None and self.estimate <= self.limit

    @property
    def because(self) -> str:
        """The decision in words."""
        limit = f"the first trial may take {duration(self.limit)}"
        names = ", ".join(f"{n} {scalar(a)} to {scalar(b)}" for n, a, b in self.changed)
        if self.estimate is None:
            taken = f"the cheapest is taken: {names}" if names else "nothing is cheaper"
            return f"no probe of the device came to its end, {limit}; {taken}"
        own = f"about {duration(self.estimate)}"
        if not self.changed:
            words = f"the default takes {own}"
            return f"{words}, and {limit}" if self.fits else f"{words}: nothing is faster, {limit}"
        default = (
            "the default is not allowed"
            if self.default is None
            else f"the default would take {duration(self.default)}"
        )
        end = "" if self.fits else "; nothing faster was found"
        return f"{default}, {limit}: {names} takes {own}{end}"

    def to_json(self) -> dict[str, Any]:
        """The decision as it is recorded; `from_json` reads it back."""
        return {
            "config": dict(self.config),
            "estimate": self.estimate,
            "limit": self.limit,
            "default": self.default,
            "epochs": self.epochs,
            "changed": {name: {"from": a, "to": b} for name, a, b in self.changed},
            "fits": self.fits,
            "because": self.because,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Start:
        return cls(
            config=data["config"],
            estimate=data["estimate"],
            limit=data["limit"],
            default=data["default"],
            epochs=data["epochs"],
            changed=tuple((name, p["from"], p["to"]) for name, p in data["changed"].items()),
        )


@record
class _Seen:
    """A configuration that was looked at.

    `flaw`: 0 for one that is allowed, infinite outside the space, else how far it violates the
    constraints. `seconds` are infinite where costs are undefined.
    """

    config: Config
    flaw: float
    seconds: float
    changes: int = 0
    distance: float = 0.0
    rank: tuple[float, float] = field(default=(0.0, 0.0), compare=False)

    def fits(self, limit: float) -> bool:
        return self.flaw == 0 and self.seconds <= limit

    def saves(self, other: _Seen, share: float) -> bool:
        """Whether it is allowed where the other is not, or faster by such a share."""
        if self.flaw != other.flaw:
            return self.flaw < other.flaw
        return self.seconds < (1 - share) * other.seconds


class _Descent:
    """Looks at configurations of a space around its default, or the fastest known start."""

    def __init__(self, space: Space, plan: Plan, pace: Pace, limit: float):
        self._space, self._plan, self._pace, self._limit = space, plan, pace, limit
        self._axes = cost_axes(space, plan)
        self._left = max(200, _INSTRUCTIONS // max(1, len(plan.costs.code)))
        self._origin: Config = space.default_config()
        starts = [s for s in plan.starts if not space.problems(s)]
        self._worth = _WORTH_KNOWN if starts else _WORTH
        self._known = [self.look(config) for config in (self._origin, *starts)]

    def run(self) -> _Seen:
        """The first known start within the limit, else the nearest to the fastest of them."""
        known = next((seen for seen in self._known if seen.fits(self._limit)), None)
        if known is not None:
            return known
        here = min(self._known, key=lambda s: s.rank)
        self._origin = here.config
        while not here.fits(self._limit) and self._left > 0:
            around = [self.look(config) for config in self._around(here.config)]
            fitting = [seen for seen in around if seen.fits(self._limit)]
            if fitting:
                # Of equally near ones that which is cut least.
                return min(fitting, key=lambda s: (s.changes, s.distance, -s.seconds))
            best = min(around, key=lambda s: s.rank, default=here)
            if not best.saves(here, self._worth):
                return self._draw(here)
            here = best
        return here

    def look(self, config: Config) -> _Seen:
        self._left -= 1
        flaw, seconds = _judge(config, self._plan, self._pace, self._space)
        changed = [n for n in self._axes if _differ(config, self._origin, n)]
        distance = sum(
            _distance(self._space[n].domain, self._origin[n], config[n])
            if n in config and n in self._origin
            else 1.0
            for n in changed
        )
        return _Seen(config, flaw, seconds, len(changed), distance, (flaw, seconds))

    def _around(self, config: Config) -> Iterator[Config]:
        for name, values in self._axes.items():
            for value in values if name in config else ():
                if value != config[name] or type(value) is not type(config[name]):
                    yield self._with({**config, name: value})

    def _with(self, values: Config) -> Config:
        """A configuration of these values; what they make active has its default."""
        return self._space.build(lambda p: values.get(p.name, p.default))

    def _draw(self, here: _Seen) -> _Seen:
        """Where descent ends above the limit: something random within it, or the cheapest."""
        rng = random.Random(0)  # noqa: S311 - not for secrets
        found = [here]
        for _ in range(min(_DRAWS, self._left)):
            drawn = self._space.sample(rng)
            found.append(self.look(self._with({n: drawn[n] for n in self._axes if n in drawn})))
        fitting = [seen for seen in found if seen.fits(self._limit)]
        if fitting:
            return min(fitting, key=lambda s: (s.changes, s.distance, -s.seconds))
        best = min(found, key=lambda s: s.rank)
        return best if best.saves(here, self._worth) else here


def sized_start(space: Space, plan: Plan, pace: Pace, seconds: float) -> Start | None:
    """The configuration to begin with, so that the first trial ends within `seconds`.

    It is the default if that is allowed and in time, else the first of the plan's starts that is,
    else the nearest to the fastest of them, else the cheapest that was found; None where no allowed
    one was. No policy stops the first trial of a study
    (automlc.runtime.stopping.base), so it counts with all of its epochs.
    """
    found = _Descent(space, plan, pace, seconds).run()
    if found.flaw > 0 or math.isinf(found.seconds):
        return None
    flaw, default = _judge(space.default_config(), plan, pace, space)
    known = flaw == 0 and math.isfinite(default)
    return _start(space, plan, found, seconds, found.seconds, default if known else None)


def cheapest_start(space: Space, plan: Plan, seconds: float) -> Start | None:
    """The configuration with the least work, for where no time could be measured."""
    found = _Descent(space, plan, Pace(USUAL, 0.0, 1.0, 0), 0.0).run()
    return None if found.flaw > 0 else _start(space, plan, found, seconds, None, None)


def _start(
    space: Space,
    plan: Plan,
    found: _Seen,
    limit: float,
    estimate: float | None,
    default_estimate: float | None,
) -> Start:
    default = space.default_config()
    names = [name for name in space.names if _differ(found.config, default, name)]
    return Start(
        config=dict(found.config),
        estimate=estimate,
        limit=limit,
        default=default_estimate,
        epochs=plan.budget.epochs,
        changed=tuple((name, default.get(name), found.config.get(name)) for name in names),
    )


def cost_axes(space: Space, plan: Plan) -> dict[str, tuple[Scalar, ...]]:
    """The parameters that decide how long an epoch takes, and the values to try for each."""
    read = {code[1] for code in plan.costs.code if code[0] == "param"} | {_BATCH}
    return {
        p.name: axis(p.domain, _POINTS)
        for p in space.parameters
        if p.name in read and not isinstance(p.domain, Fixed)
    }


def allowed_costs(config: Config, plan: Plan) -> Mapping[str, Any] | None:
    """The costs of a configuration that may be tried; None of one that may not."""
    if plan.space.problems(config):
        return None
    try:
        costs = plan.costs.evaluate(config)
    except AutomlcError:
        return None
    return costs if all(c.holds(costs) for c in plan.constraints) else None


def _judge(config: Config, plan: Plan, pace: Pace, space: Space) -> tuple[float, float]:
    """(flaw, seconds) of a configuration: see `_Seen`."""
    try:
        costs = plan.costs.evaluate(config)
    except AutomlcError:
        return math.inf, math.inf
    assert plan.data.rows is not None
    seconds = pace.trial(work_of(config, costs, plan.data.rows), plan.budget.epochs)
    if space.problems(config):
        return math.inf, seconds
    broken = [c.violation(costs) for c in plan.constraints if not c.holds(costs)]
    # `model.size < 5MB` is violated by 0 at 5 MB, and yet violated.
    return max(sum(broken), 1e-9) if broken else 0.0, seconds


def _differ(a: Config, b: Config, name: str) -> bool:
    """Whether two configurations differ in a parameter: in value, type or whether it is active."""
    if name not in a or name not in b:
        return (name in a) != (name in b)
    return (type(a[name]), a[name]) != (type(b[name]), b[name])


def _distance(domain: Domain, a: Scalar, b: Scalar) -> float:
    """How far two values are apart, as a share of the domain; 1 for choices without an order."""
    if isinstance(domain, Choice):
        ordered = sorted(v for v in domain.values if _is_number(v))  # type: ignore[type-var]  # numbers
        if len(ordered) < len(domain.values) or len(ordered) < 2:
            return 1.0
        return abs(ordered.index(a) - ordered.index(b)) / (len(ordered) - 1)
    if not isinstance(domain, Integer | Float) or domain.low == domain.high:
        return 0.0
    place = math.log if domain.log else float
    span = place(domain.high) - place(domain.low)
    return abs(place(a) - place(b)) / span  # type: ignore[arg-type]  # numbers of that domain


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
