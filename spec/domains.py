"""Parameters and their domains: what a search may choose, and when.

Pure data for the compiler and the runtime; spec/declarations.py reads it from a spec.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, TypeAlias

from automlc.spec import expressions
from automlc.spec.diagnostics import Diagnostic, Note, Span, clean
from automlc.spec.errors import SpecError
from automlc.spec.expressions import Expr, Scalar, literal_text, same
from automlc.spec.record import record
from automlc.spec.suggest import nearest

Config: TypeAlias = dict[str, Scalar]


@record
class Choice:
    """One of a few values, in the order of the spec; the first is the default."""

    values: tuple[Scalar, ...]

    def contains(self, value: Scalar) -> bool:
        """Whether the value is one of them (true is not 1)."""
        return any(same(value, own) for own in self.values)

    def sample(self, rng: random.Random) -> Scalar:
        """Each value with the same probability."""
        return self.values[rng.randrange(len(self.values))]

    def default(self) -> Scalar:
        """The first value."""
        return self.values[0]

    def cardinality(self) -> int | None:
        """The number of values."""
        return len(self.values)

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "choice", "values": [...]}`."""
        return {"kind": "choice", "values": list(self.values)}

    def __str__(self) -> str:
        return f"choice({', '.join(word_text(v) for v in self.values)})"


@record
class Integer:
    """Whole numbers low, low + step, … up to high; `log` draws them by order of magnitude."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def contains(self, value: Scalar) -> bool:
        """Whether the value is a whole number of the grid."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def sample(self, rng: random.Random) -> int:
        """Uniform over the grid, or over its logarithms."""
        if not self.log:
            return self.low + self.step * rng.randrange(self._steps())
        drawn = math.exp(rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5)))
        return self._snap(drawn)

    def default(self) -> int:
        """The middle: the mean of the bounds, geometric for log."""
        return self._snap(
            math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        )

    def cardinality(self) -> int | None:
        """The number of values."""
        return self._steps()

    def _steps(self) -> int:
        return (self.high - self.low) // self.step + 1

    def _snap(self, value: float) -> int:
        index = round((value - self.low) / self.step)
        return self.low + self.step * min(max(index, 0), self._steps() - 1)

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "int", "low", "high", "step", "log"}`."""
        return {
            "kind": "int",
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "log": self.log,
        }

    def __str__(self) -> str:
        step = "" if self.step == 1 else f", {self.step}"
        return f"{'log_int' if self.log else 'int'}({self.low}, {self.high}{step})"


@record
class Float:
    """Real numbers between two bounds, both included; `log` draws them by order of magnitude."""

    low: float
    high: float
    log: bool = False

    def contains(self, value: Scalar) -> bool:
        """Whether the value is a number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high

    def sample(self, rng: random.Random) -> float:
        """Uniform, or uniform in the logarithm; never outside by rounding."""
        if not self.log:
            return self._clip(rng.uniform(self.low, self.high))
        return self._clip(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))

    def default(self) -> float:
        """The middle: the mean of the bounds, geometric for log."""
        if self.log:
            return self._clip(math.exp((math.log(self.low) + math.log(self.high)) / 2))
        return self._clip(self.low + (self.high - self.low) / 2)

    def cardinality(self) -> int | None:
        """None: a continuum; 1 when both bounds are the same."""
        return 1 if self.low == self.high else None

    def _clip(self, value: float) -> float:
        return min(max(value, self.low), self.high)

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "float", "low", "high", "log"}`."""
        return {"kind": "float", "low": self.low, "high": self.high, "log": self.log}

    def __str__(self) -> str:
        return f"{'log_uniform' if self.log else 'float'}({self.low!r}, {self.high!r})"


@record
class Fixed:
    """A single value: nothing to search."""

    value: Scalar

    def contains(self, value: Scalar) -> bool:
        """Whether it is the value."""
        return same(value, self.value)

    def sample(self, rng: random.Random) -> Scalar:
        """The value; draws nothing."""
        return self.value

    def default(self) -> Scalar:
        """The value."""
        return self.value

    def cardinality(self) -> int | None:
        """One."""
        return 1

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "fixed", "value"}`."""
        return {"kind": "fixed", "value": self.value}

    def __str__(self) -> str:
        return f"fixed({word_text(self.value)})"


Domain: TypeAlias = Choice | Integer | Float | Fixed


def domain_from_json(data: Mapping[str, Any]) -> Domain:
    """The inverse of `to_json`; raises ValueError or KeyError on anything else."""
    match data["kind"]:
        case "choice":
            return Choice(tuple(data["values"]))
        case "int":
            return Integer(data["low"], data["high"], data.get("step", 1), data.get("log", False))
        case "float":
            return Float(float(data["low"]), float(data["high"]), data.get("log", False))
        case "fixed":
            return Fixed(data["value"])
        case kind:
            raise ValueError(f"no kind of domain is called {kind!r}")


WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")
RESERVED = frozenset(("and", "or", "not", "in", "true", "false", "null"))


def word_text(value: Scalar) -> str:
    """A value as it stands in `choice(...)`: words need no quotes."""
    if isinstance(value, str) and WORD.fullmatch(value) and value not in RESERVED:
        return value
    return literal_text(value)


@record
class Parameter:
    """A name, its domain, its default, and the condition under which it exists."""

    name: str
    domain: Domain
    default: Scalar
    when: Expr | None = None
    span: Span | None = field(default=None, compare=False, repr=False)


class Space:
    """Parameters in an order in which every condition's names come first, and what is forbidden.

    A condition that names an inactive parameter is false; a forbidden combination that names one
    does not apply.
    """

    def __init__(self, parameters: Iterable[Parameter], forbidden: Iterable[Expr] = ()):
        self.parameters = order(tuple(parameters))
        self.forbidden = tuple(forbidden)
        self._by_name = {p.name: p for p in self.parameters}
        self._needs = {
            p.name: expressions.names(p.when) for p in self.parameters if p.when is not None
        }
        self._forbidden_names = tuple(expressions.names(expr) for expr in self.forbidden)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        return (self.parameters, self.forbidden) == (other.parameters, other.forbidden)

    def __hash__(self) -> int:
        return hash((self.parameters, self.forbidden))

    def __repr__(self) -> str:
        return f"Space({len(self.parameters)} parameters, {len(self.forbidden)} forbidden)"

    def __len__(self) -> int:
        return len(self.parameters)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Parameter:
        return self._by_name[name]

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._by_name)

    def is_active(self, parameter: Parameter, config: Mapping[str, Scalar]) -> bool:
        """Whether the parameter exists, given the values of the active ones before it."""
        if parameter.when is None:
            return True
        if any(name not in config for name in self._needs[parameter.name]):
            return False
        return expressions.evaluate(parameter.when, config) is True

    def active(self, config: Mapping[str, Scalar]) -> tuple[str, ...]:
        """The names that exist under a configuration, in order; other keys are ignored."""
        seen: Config = {}
        out: list[str] = []
        for parameter in self.parameters:
            if not self.is_active(parameter, seen):
                continue
            out.append(parameter.name)
            if parameter.name in config:
                seen[parameter.name] = config[parameter.name]
        return tuple(out)

    def build(self, value: Callable[[Parameter], Scalar]) -> Config:
        """A configuration made in order by asking `value` for each active parameter."""
        config: Config = {}
        for parameter in self.parameters:
            if self.is_active(parameter, config):
                config[parameter.name] = value(parameter)
        return config

    def sample(self, rng: random.Random) -> Config:
        """A random configuration; only active parameters are keys. Forbidden ones may be drawn."""
        return self.build(lambda parameter: parameter.domain.sample(rng))

    def default_config(self) -> Config:
        """The defaults of what is active under the defaults."""
        return self.build(lambda parameter: parameter.default)

    def with_defaults(self, config: Mapping[str, Scalar]) -> Space:
        """The same space with the values of a configuration as defaults; others keep theirs."""
        changed = (
            replace(p, default=config[p.name]) if p.name in config else p for p in self.parameters
        )
        return Space(changed, self.forbidden)

    def problems(self, config: Mapping[str, Scalar]) -> list[str]:
        """What is wrong with a configuration, in words; empty when it may be tried."""
        active = dict.fromkeys(self.active(config))
        out = [self._stray(name) for name in config if name not in active]
        for name in active:
            if name not in config:
                out.append(f"{name} has no value")
            elif not self._by_name[name].domain.contains(config[name]):
                domain = self._by_name[name].domain
                out.append(f"{name} = {literal_text(config[name])} is not in {domain}")
        return out or self.violated(config)

    def _stray(self, name: str) -> str:
        if name in self._by_name:
            return f"{name} is not active in this configuration"
        near = nearest(name, self._by_name)
        return f"{clean(name)} is not a parameter" + (f"; did you mean {near}?" if near else "")

    def violated(self, config: Mapping[str, Scalar]) -> list[str]:
        """The forbidden combinations that a configuration hits."""
        out = []
        for expr, needed in zip(self.forbidden, self._forbidden_names, strict=True):
            if needed <= config.keys() and expressions.evaluate(expr, config) is True:
                out.append(f"forbidden: {expressions.to_text(expr)}")
        return out

    def cardinality(self) -> int | None:
        """The number of configurations when nothing is conditional or forbidden; None when there
        are infinitely many, or when conditions or forbidden combinations make it unknown here."""
        if self._needs or self.forbidden:
            return None
        total = 1
        for parameter in self.parameters:
            count = parameter.domain.cardinality()
            if count is None:
                return None
            total *= count
        return total

    def to_json(self) -> dict[str, Any]:
        """`{"parameters": [{"name", "domain", "default", "when"}], "forbidden": [text]}`."""
        return {
            "parameters": [
                {
                    "name": p.name,
                    "domain": p.domain.to_json(),
                    "default": p.default,
                    "when": None if p.when is None else expressions.to_text(p.when),
                }
                for p in self.parameters
            ],
            "forbidden": [expressions.to_text(expr) for expr in self.forbidden],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Space:
        """The inverse of `to_json`."""
        return cls(
            (
                Parameter(
                    p["name"],
                    domain_from_json(p["domain"]),
                    p["default"],
                    None if p.get("when") is None else expressions.parse(p["when"]),
                )
                for p in data["parameters"]
            ),
            (expressions.parse(text) for text in data.get("forbidden", ())),
        )


def order(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """The same parameters, each after those its condition names; else in the given order.

    Raises SpecError (E308) when conditions go in a circle. Names that are no parameters are left
    to `check_references`.
    """
    by_name = {p.name: p for p in parameters}
    done: dict[str, Parameter] = {}
    for parameter in parameters:
        _place_after(parameter, by_name, done)
    return tuple(done.values())


def _place_after(
    start: Parameter, by_name: Mapping[str, Parameter], done: dict[str, Parameter]
) -> None:
    """Depth-first without recursion: chains of conditions may be thousands long."""
    path: dict[str, None] = {}
    stack = [start]
    while stack:
        parameter = stack[-1]
        if parameter.name in done:
            stack.pop()
            continue
        path[parameter.name] = None
        needed = expressions.names(parameter.when) if parameter.when is not None else frozenset()
        waiting = [n for n in sorted(needed) if n in by_name and n not in done]
        if not waiting:
            done[parameter.name] = parameter
            path.pop(parameter.name)
            stack.pop()
        elif waiting[0] in path:
            raise SpecError([_cycle(waiting[0], list(path), by_name)])
        else:
            stack.append(by_name[waiting[0]])


def _cycle(name: str, path: list[str], by_name: Mapping[str, Parameter]) -> Diagnostic:
    circle = [*path[path.index(name) :], name]
    parameter = by_name[circle[-2]]
    span = parameter.when.span if parameter.when is not None else None
    if len(circle) == 2:
        message = f"the condition of {name} names {name} itself"
    else:
        message = f"conditions go in a circle: {' needs '.join(circle)}"
    others = [by_name[name] for name in circle[:-2]]
    notes = tuple(
        Note(f"the condition of {p.name} names {needed}", p.when.span)
        for p, needed in zip(others, circle[1:], strict=False)
        if p.when is not None and p.when.span is not None
    )
    return Diagnostic(
        "E308",
        message,
        span or parameter.span,
        "remove one of the conditions",
        f"space.parameters.{parameter.name}",
        notes,
    )
