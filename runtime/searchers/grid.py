"""Grid search: every combination of the choices, and a few points of every range."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from automlc.runtime.searchers.base import SEARCHERS, Config, NoOptions, Past, Proposal, key_of
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Parameter, Space
from automlc.spec.expressions import Scalar


@SEARCHERS.add("grid")
class GridSearch:
    """Walk the grid in a fixed order: the last parameter of the space changes fastest.

    `points` is the number of values on a continuous axis, and the largest number on an integer
    axis. A parameter that is not active adds no combinations.
    """

    class Options(NoOptions):
        points: int = Field(default=5, ge=1, le=1000)
        """Values on a continuous axis, and at most so many on an axis of whole numbers."""

    needs_history: ClassVar[bool] = True
    exhaustive: ClassVar[bool] = True

    def __init__(self, options: Options, space: Space, goal: str) -> None:
        self._space = space
        self._axes = {p.name: axis(p.domain, options.points) for p in space.parameters}

    def ask(self, number: int, history: Sequence[Past], rng_seed: int) -> Proposal | None:
        """The first point behind all points of the history."""
        seen = {key_of(past.config) for past in history}
        answer: tuple[int, Config] | None = None
        for index, config in enumerate(self._walk(dict[str, Scalar](), 0)):
            key = key_of(config)
            if key in seen:
                seen.discard(key)
                answer = None
            elif answer is None:
                answer = index, config
            if answer is not None and not seen:
                break
        if answer is None:
            return None
        return Proposal(answer[1], {"rule": "grid", "index": answer[0]})

    def _walk(self, config: dict[str, Scalar], place: int) -> Iterator[Config]:
        """All grid points that begin with `config`, which decides the first `place` parameters."""
        parameters: tuple[Parameter, ...] = self._space.parameters
        while place < len(parameters) and not self._space.is_active(parameters[place], config):
            place += 1
        if place == len(parameters):
            yield config
            return
        name = parameters[place].name
        for value in self._axes[name]:
            yield from self._walk({**config, name: value}, place + 1)


def axis(domain: Domain, points: int) -> tuple[Scalar, ...]:
    """The grid values of a domain, in order.

    >>> axis(Integer(1, 9), 3), axis(Float(0.001, 0.1, log=True), 3)
    ((1, 5, 9), (0.001, 0.01, 0.1))
    """
    if isinstance(domain, Choice):
        return domain.values
    if isinstance(domain, Fixed):
        return (domain.value,)
    count = domain.cardinality() if isinstance(domain, Integer) else None
    if isinstance(domain, Integer) and count is not None and count <= points:
        return tuple(range(domain.low, domain.high + 1, domain.step))
    values = spread(domain.low, domain.high, points, log=domain.log)
    if isinstance(domain, Float):
        return tuple(values)
    steps = (domain.high - domain.low) // domain.step
    nearest = (min(steps, round((value - domain.low) / domain.step)) for value in values)
    return tuple(dict.fromkeys(domain.low + step * domain.step for step in nearest))


def spread(low: float, high: float, points: int, *, log: bool) -> list[float]:
    """`points` values from low to high, evenly spaced (by ratio when `log`); both ends included."""
    if points == 1:
        return [math.sqrt(low * high) if log else (low + high) / 2]
    inner = [i / (points - 1) for i in range(1, points - 1)]
    if log:
        between = [math.exp(math.log(low) + f * math.log(high / low)) for f in inner]
        # Twelve digits hide the rounding of exp and log: 0.01, not 0.010000000000000004.
        between = [float(f"{value:.12g}") for value in between]
    else:
        between = [low + f * (high - low) for f in inner]
    return [low, *(min(high, max(low, value)) for value in between), high]
