"""Actions: changes of a configuration, and what a configuration becomes by one.

An action is written in the language of the spec, `lr = lr / 10 and optimizer = "sgd"`: a value on
the right is a constant or an expression of the values before. It says all that it changes; what a
change brings along by itself is said here too:

- a parameter that becomes active takes its default, and one that is no longer active is dropped;
- a number is brought to its domain's grid, and is not applicable outside of its bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Parameter, Space
from automlc.spec.expressions import (
    Expr,
    ExpressionError,
    Scalar,
    evaluate,
    literal_text,
    names,
    same,
    to_text,
)
from automlc.spec.record import record
from automlc.spec.rules import parse_action

STEP = 3.0  # what a number of a logarithmic domain is multiplied by or divided by
SHARE = 0.25  # of a linear domain, by which a number is moved


@record
class Action:
    """A change, by its text in the language of the spec; names are parameters, texts are quoted."""

    text: str

    def __str__(self) -> str:
        return self.text

    def names(self) -> tuple[str, ...]:
        """The parameters that are set, in the order of the text."""
        return tuple(name for name, _ in _assignments(self.text))


@lru_cache(maxsize=8192)
def _assignments(text: str) -> tuple[tuple[str, Any], ...]:
    return tuple((one.name, one.value) for one in parse_action(text).assignments)


def apply(action: Action, space: Space, config: Mapping[str, Scalar]) -> dict[str, Scalar] | None:
    """The configuration after an action; None where it does not apply or changes nothing.

    It does not apply where a parameter that it sets is not active afterwards, or where a value is
    outside its domain. The result has a value for exactly the active parameters; whether it is
    forbidden is for the caller to ask (`Space.violated`).
    """
    changes = _changes(action, space, config)
    if changes is None:
        return None
    made = space.build(lambda parameter: _value(parameter, changes, config))
    if not changes.keys() <= made.keys() or _equal(made, config):
        return None
    return made


def usable(action: Action, space: Space) -> str | None:
    """Why an action can never be taken in a space: the name that is missing, or a constant value
    that its parameter cannot have; None where it may be taken."""
    try:
        assignments = _assignments(action.text)
    except ExpressionError:
        return action.text  # such as a word that is divided by a number
    for name, expr in assignments:
        if name not in space:
            return name
        strangers = sorted(names(expr) - {*space.names})
        if strangers:
            return strangers[0]
        if not names(expr) and not _has(space[name].domain, expr):
            return f"{name} = {to_text(expr)}"
    return None


def _has(domain: Domain, constant: Expr) -> bool:
    """Whether a constant is a value of a domain as it stands, without being brought to a grid."""
    value = evaluate(constant, {})
    return same(_fitted(domain, value), value)


def _changes(
    action: Action, space: Space, config: Mapping[str, Scalar]
) -> dict[str, Scalar] | None:
    changes: dict[str, Scalar] = {}
    for name, expr in _assignments(action.text):
        if name not in space:
            return None
        try:
            value = _fitted(space[name].domain, evaluate(expr, config))
        except ExpressionError:
            return None  # it is about a parameter that is not active here
        if value is _OUTSIDE:
            return None
        changes[name] = value
    return changes


_OUTSIDE: Any = object()


def _fitted(domain: Domain, value: Scalar) -> Scalar:
    """A value as the domain has it: numbers on the grid and of its type; else `_OUTSIDE`."""
    if isinstance(domain, Integer) and isinstance(value, int | float):
        value = _on_grid(domain, value)
    if isinstance(domain, Float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(domain, Choice):
        return next((own for own in domain.values if same(own, value)), _OUTSIDE)
    return value if domain.contains(value) else _OUTSIDE


def _on_grid(domain: Integer, value: int | float) -> Scalar:
    """The nearest value of a grid; outside of the bounds the nearest whole number."""
    if isinstance(value, bool):
        return value
    value = round(value)
    if not domain.low <= value <= domain.high:
        return value
    steps = min(round((value - domain.low) / domain.step), _steps(domain))
    return domain.low + steps * domain.step


def _value(
    parameter: Parameter, changes: Mapping[str, Scalar], config: Mapping[str, Scalar]
) -> Scalar:
    name = parameter.name
    if name in changes:
        return changes[name]
    if name in config and parameter.domain.contains(config[name]):
        return config[name]
    return parameter.default


def _equal(one: Mapping[str, Scalar], other: Mapping[str, Scalar]) -> bool:
    return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)


def single_actions(space: Space) -> Iterator[Action]:
    """Every action that sets one parameter: each value of a choice, and steps of a number.

    >>> from automlc.spec.domains import Choice, Float, Parameter, Space
    >>> space = Space([Parameter("lr", Float(1e-4, 1e-1, log=True), 1e-3)])
    >>> [str(action) for action in single_actions(space)]
    ['lr = lr * 3', 'lr = lr / 3', 'lr = lr * 10', 'lr = lr / 10']
    """
    for parameter in space.parameters:
        for value in _values(parameter):
            yield Action(f"{parameter.name} = {value}")


def _values(parameter: Parameter) -> Iterator[str]:
    name, domain = parameter.name, parameter.domain
    if isinstance(domain, Choice):
        yield from (literal_text(value) for value in domain.values)
    elif isinstance(domain, Fixed):
        return
    elif domain.log:
        for factor in (STEP, 10.0):
            yield from (f"{name} * {factor:g}", f"{name} / {factor:g}")
    elif isinstance(domain, Integer):
        step = max(domain.step, _steps(domain) // 4 * domain.step)
        yield from (f"min({name} + {step}, {domain.high})", f"max({name} - {step}, {domain.low})")
    else:
        step_ = (domain.high - domain.low) * SHARE
        yield from (
            f"min({name} + {step_!r}, {domain.high!r})",
            f"max({name} - {step_!r}, {domain.low!r})",
        )


def _steps(domain: Integer) -> int:
    return (domain.high - domain.low) // domain.step
