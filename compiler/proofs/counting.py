"""How many configurations a space has, exactly, and which of its conditions decide nothing.

Parameters that no condition or forbidden combination joins multiply. Within one such component
parameters are given values in the order of the space, and only what later conditions still read
is remembered: two beginnings that agree on it are counted once (dynamic programming over the
frontier). Values that no condition can tell apart are one class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from automlc.compiler.proofs.classes import Class, Uncounted, classes
from automlc.spec.domains import Choice, Parameter, Space
from automlc.spec.expressions import Expr, ExpressionError, Scalar, evaluate, names
from automlc.spec.record import record

LONGEST = 256  # bits of a count that is written out
MAX_STATES = 50_000  # beginnings that are looked at in one space

# Continuous parameters of a configuration -> number of combinations of the others.
Size: TypeAlias = dict[int, int]
_Key: TypeAlias = tuple[tuple[str, str, Scalar], ...]  # what later conditions still read
_Step: TypeAlias = tuple[_Key, Size, bool]  # where a choice leads, its size, whether active


@record
class Count:
    """The result. `size` leaves out what `reason` says could not be counted."""

    size: Mapping[int, int]
    reason: str | None = None
    always: tuple[str, ...] = ()  # parameters whose condition is true wherever it is asked
    never: tuple[str, ...] = ()  # parameters that are active in no configuration
    idle: tuple[Expr, ...] = ()  # forbidden combinations that no configuration hits
    empty: tuple[Expr, ...] = ()  # forbidden combinations that together leave nothing

    @property
    def total(self) -> int:
        """Combinations of the parameters that are not continuous."""
        return sum(self.size.values())

    def text(self) -> str:
        """In words."""
        if self.reason is not None:
            return f"not counted: {self.reason}"
        if not self.size:
            return "no configuration"
        if set(self.size) == {0}:
            return f"{number(self.size[0])} configuration{'s' if self.size[0] != 1 else ''}"
        (most, combinations), *others = sorted(self.size.items(), reverse=True)
        plural = "" if combinations == 1 else "s"
        first = f"{number(combinations)} combination{plural} of the others x {most} continuous"
        return ", and ".join([first, *(f"{number(n)} x {k} continuous" for k, n in others)])


def number(value: int) -> str:
    """All digits of a count; of a very long one its magnitude."""
    if value.bit_length() <= LONGEST:
        return f"{value:,}"
    exponent = int(value.bit_length() * math.log10(2))
    while 10**exponent > value:
        exponent -= 1
    return f"about {value / 10**exponent:.1f}e{exponent}"


def times(a: Mapping[int, int], b: Mapping[int, int]) -> Size:
    """The sizes of two independent parts multiplied."""
    out: Size = {}
    for i, x in a.items():
        for j, y in b.items():
            out[i + j] = out.get(i + j, 0) + x * y
    return out


def count(space: Space, fixed: Mapping[str, Scalar] | None = None) -> Count:
    """Count the configurations of a space; with `fixed`, only those with these values."""
    budget = [MAX_STATES]
    size: Size = {0: 1}
    reason = None
    always: list[str] = []
    never: list[str] = []
    idle: list[Expr] = []
    empty: list[Expr] = []
    for parameters, forbidden in components(space):
        try:
            walk = Walk(parameters, forbidden, fixed or {}, budget)
            own = walk.size()
            idle += [e for e in forbidden if _is_idle(parameters, e, budget)]
        except (Uncounted, ExpressionError) as error:
            reason = error.message if isinstance(error, ExpressionError) else str(error)
            continue
        if not own:
            empty += forbidden
        size = times(size, own)
        always += [p.name for p in parameters if p.when and walk.outcomes.get(p.name) == {True}]
        never += [p.name for p in parameters if walk.outcomes.get(p.name) == {False}]
    if empty:
        return Count({}, None, (), (), tuple(idle), tuple(empty))
    return Count(size, reason, tuple(always), tuple(never), tuple(idle), tuple(empty))


def shares(space: Space) -> tuple[str, dict[Scalar, Count]] | None:
    """The counts below each value of the choice that most conditions read, None without one."""
    asked = [n for p in space.parameters if p.when is not None for n in names(p.when)]
    tops = [p for p in space.parameters if p.when is None and p.name in asked]
    tops = [p for p in tops if isinstance(p.domain, Choice)]
    if not tops:
        return None
    top = max(tops, key=lambda p: asked.count(p.name))
    assert isinstance(top.domain, Choice)
    return top.name, {value: count(space, {top.name: value}) for value in top.domain.values}


def components(space: Space) -> list[tuple[tuple[Parameter, ...], tuple[Expr, ...]]]:
    """The parts of a space that share no condition and no forbidden combination."""
    root = {name: name for name in space.names}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    links = [[p.name, *names(p.when)] for p in space.parameters if p.when is not None]
    links += [list(names(expr)) for expr in space.forbidden]
    for link in links:
        for other in link[1:]:
            root[find(other)] = find(link[0])
    parts: dict[str, tuple[list[Parameter], list[Expr]]] = {}
    for parameter in space.parameters:
        parts.setdefault(find(parameter.name), ([], []))[0].append(parameter)
    constant: list[Expr] = []
    for expr in space.forbidden:
        known = sorted(names(expr))
        (parts[find(known[0])][1] if known else constant).append(expr)
    out = [(tuple(ps), tuple(es)) for ps, es in parts.values()]
    return [*out, ((), tuple(constant))] if constant else out


def _is_idle(parameters: Sequence[Parameter], expr: Expr, budget: list[int]) -> bool:
    walk = Walk(parameters, (expr,), {}, budget)
    walk.size()
    return not walk.hit


@dataclass
class Walk:
    """One component, counted from its first parameter to its last."""

    parameters: Sequence[Parameter]
    forbidden: Sequence[Expr]
    fixed: Mapping[str, Scalar]
    budget: list[int]  # states left, shared by all components
    outcomes: dict[str, set[bool]] = field(default_factory=dict)
    hit: bool = False

    def __post_init__(self) -> None:
        place = {p.name: i for i, p in enumerate(self.parameters)}
        conditions = [p.when for p in self.parameters if p.when is not None]
        exprs = [*conditions, *self.forbidden]
        self._classes = [self._of(p, exprs) for p in self.parameters]
        last = {p.name: -1 for p in self.parameters}
        for i, parameter in enumerate(self.parameters):
            if parameter.when is not None:
                for name in names(parameter.when):
                    last[name] = max(last[name], i)
        self._due: list[list[Expr]] = [[] for _ in range(len(self.parameters) + 1)]
        for expr in self.forbidden:
            when = max((place[name] for name in names(expr)), default=-1) + 1
            self._due[when].append(expr)
            for name in names(expr):
                last[name] = max(last[name], when)
        self._last = last

    def _of(self, parameter: Parameter, exprs: Sequence[Expr]) -> tuple[Class, ...]:
        if parameter.name in self.fixed:
            return (Class(self.fixed[parameter.name], 1),)
        return classes(parameter.name, parameter.domain, exprs)

    def size(self) -> Size:
        """The number of ways to choose: forward to find the cases, backward to add them up."""
        if self._forbids(0, {}):
            return {}
        layers: list[dict[_Key, dict[str, Scalar]]] = [{(): {}}]
        steps: list[dict[_Key, list[_Step]]] = []
        for place in range(len(self.parameters)):
            layers.append({})
            steps.append({})
            for key, state in layers[place].items():
                self.budget[0] -= 1
                if self.budget[0] < 0:
                    raise Uncounted(f"its conditions join too much (over {MAX_STATES:,} cases)")
                steps[place][key] = list(self._steps(place, state, layers[place + 1]))
        ahead: dict[_Key, Size] = {key: {0: 1} for key in layers[-1]}
        for place in range(len(self.parameters) - 1, -1, -1):
            ahead = {key: self._sum(place, taken, ahead) for key, taken in steps[place].items()}
        return ahead[()]

    def _steps(
        self, place: int, state: dict[str, Scalar], after: dict[_Key, dict[str, Scalar]]
    ) -> Iterator[_Step]:
        parameter = self.parameters[place]
        active = self._is_active(parameter, state)
        for one in self._classes[place] if active else (None,):
            chosen = state if one is None else {**state, parameter.name: one.value}
            if self._forbids(place + 1, chosen):
                continue
            kept = {n: v for n, v in chosen.items() if self._last[n] > place}
            key = tuple((n, type(v).__name__, v) for n, v in kept.items())
            after[key] = kept
            yield key, {0: 1} if one is None else {one.continua: one.size}, active

    def _sum(self, place: int, taken: list[_Step], ahead: Mapping[_Key, Size]) -> Size:
        out: Size = {}
        for key, weight, active in taken:
            for k, n in times(ahead[key], weight).items():
                out[k] = out.get(k, 0) + n
                self.outcomes.setdefault(self.parameters[place].name, set()).add(active)
        return out

    def _forbids(self, place: int, state: Mapping[str, Scalar]) -> bool:
        found = False
        for expr in self._due[place]:
            if names(expr) <= state.keys() and evaluate(expr, state) is True:
                self.hit = found = True
        return found

    def _is_active(self, parameter: Parameter, state: Mapping[str, Scalar]) -> bool:
        if parameter.when is None:
            return True
        if not names(parameter.when) <= state.keys():
            return False
        return evaluate(parameter.when, state) is True
