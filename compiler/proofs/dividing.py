"""Domains in parts and in single values: how a box is divided and where in it one looks first."""

from __future__ import annotations

from collections.abc import Sequence

from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Parameter
from automlc.spec.expressions import Scalar

HALVED = 3  # a choice of more numbers than this is divided in halves, not by value
TRIED = 32  # values of one parameter


def spread(domain: Domain) -> float:
    """How much there is to divide: 0 for a single value."""
    match domain:
        case Choice() if len(domain.values) > 1:
            return 1000.0 + len(domain.values)
        case Integer() if domain.high - domain.low >= domain.step:
            return 1.0 + (domain.high - domain.low) / max(abs(domain.low), abs(domain.high), 1)
        case Float() if domain.low < domain.high:
            return (domain.high - domain.low) / max(abs(domain.low), abs(domain.high), 1e-300)
        case _:
            return 0.0


def divide(domain: Domain) -> tuple[Domain, ...]:
    """Parts that together are the domain; none where no number lies between the ends."""
    match domain:
        case Choice() if len(domain.values) > HALVED and all(map(_is_number, domain.values)):
            ordered = sorted(domain.values, key=_sortable)
            middle = len(ordered) // 2
            return (Choice(tuple(ordered[:middle])), Choice(tuple(ordered[middle:])))
        case Choice():
            return tuple(Fixed(value) for value in domain.values)
        case Integer():
            last = (domain.high - domain.low) // domain.step
            middle = domain.low + last // 2 * domain.step
            return (
                Integer(domain.low, middle, domain.step),
                Integer(middle + domain.step, domain.low + last * domain.step, domain.step),
            )
        case Float():
            half = domain.low + (domain.high - domain.low) / 2
            if not domain.low < half < domain.high:
                return ()
            return (Float(domain.low, half), Float(half, domain.high))
        case Fixed():
            return ()


def some_values(domain: Domain, every: bool) -> Sequence[Scalar]:
    """Values that are tried one by one: of numbers the smallest and the largest, or more."""
    match domain:
        case Choice() if every or not all(map(_is_number, domain.values)):
            return domain.values[:TRIED]
        case Choice():
            return (min(domain.values, key=_sortable), max(domain.values, key=_sortable))
        case Integer() if every and (domain.cardinality() or 0) <= TRIED:
            return range(domain.low, domain.high + 1, domain.step)
        case Integer() | Float():
            return (domain.low, domain.high)
        case Fixed():
            return ()


def lowest(parameter: Parameter, domain: Domain) -> Scalar:
    """The least value of a domain of numbers; the default of another."""
    match domain:
        case Integer() | Float():
            return domain.low
        case Choice() if all(_is_number(v) for v in domain.values):
            return min(domain.values, key=_sortable)
        case _:
            return domain.default()


def highest(parameter: Parameter, domain: Domain) -> Scalar:
    """The largest value of a domain of numbers; the last of another."""
    match domain:
        case Integer():
            return domain.low + (domain.high - domain.low) // domain.step * domain.step
        case Float():
            return domain.high
        case Choice() if all(_is_number(v) for v in domain.values):
            return max(domain.values, key=_sortable)
        case Choice():
            return domain.values[-1]
        case Fixed():
            return domain.value


def usual(parameter: Parameter, domain: Domain) -> Scalar:
    """The parameter's default where a part of its domain still has it."""
    return parameter.default if domain.contains(parameter.default) else domain.default()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _sortable(value: object) -> float:
    assert isinstance(value, (int, float))
    return value
