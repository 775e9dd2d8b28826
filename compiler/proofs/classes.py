"""Values of one parameter that no condition can tell apart, with how many there are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer
from automlc.spec.expressions import (
    Compare,
    Expr,
    ExpressionError,
    In,
    Literal,
    Logical,
    Name,
    Scalar,
    Unary,
    evaluate,
    names,
)
from automlc.spec.record import record

MAX_VALUES = 4_096  # of a domain whose values are looked at one by one


class Uncounted(Exception):
    """Why a space is not counted, in words."""


@record
class Class:
    """One of the values, how many values it stands for, and of how many continua (0 or 1)."""

    value: Scalar
    size: int
    continua: int = 0


def atoms(expr: Expr) -> Iterator[Expr]:
    """The comparisons that `and`, `or` and `not` join."""
    match expr:
        case Logical():
            yield from atoms(expr.left)
            yield from atoms(expr.right)
        case Unary(op="not"):
            yield from atoms(expr.operand)
        case _:
            yield expr


def classes(name: str, domain: Domain, exprs: Iterable[Expr]) -> tuple[Class, ...]:
    """The classes of a domain under expressions; raises Uncounted where there is no short way."""
    own = [a for e in exprs if name in names(e) for a in atoms(e) if name in names(a)]
    if not own:
        return (_whole(domain),)
    if isinstance(domain, Float) and domain.low < domain.high:
        return tuple(_pieces(name, domain, own))
    alone = all(names(atom) == {name} for atom in own)
    count = domain.cardinality() or 1
    if count > MAX_VALUES:
        return tuple(_pieces(name, domain, own))
    values = list(members(domain))
    return _grouped(name, values, own) if alone else tuple(Class(v, 1) for v in values)


def members(domain: Domain) -> Sequence[Scalar]:
    """The values of a domain that can be listed."""
    match domain:
        case Choice():
            return domain.values
        case Integer():
            return range(domain.low, domain.high + 1, domain.step)
        case Fixed():
            return (domain.value,)
        case Float():
            return (domain.low,)


def _whole(domain: Domain) -> Class:
    count = domain.cardinality()
    return Class(domain.default(), count or 1, 0 if count else 1)


def _grouped(name: str, values: Sequence[Scalar], own: Sequence[Expr]) -> tuple[Class, ...]:
    found: dict[tuple[object, ...], list[Scalar]] = {}
    for value in values:
        found.setdefault(tuple(_outcome(atom, name, value) for atom in own), []).append(value)
    return tuple(Class(group[0], len(group)) for group in found.values())


def _outcome(atom: Expr, name: str, value: Scalar) -> object:
    try:
        return evaluate(atom, {name: value})
    except ExpressionError:
        return "undefined"


def _pieces(name: str, domain: Domain, own: Sequence[Expr]) -> Iterator[Class]:
    """A long or continuous domain, cut where a comparison with a number changes its mind."""
    cuts = sorted({c for atom in own for c in _cuts(name, atom)})
    if isinstance(domain, Integer):
        yield from _grid(domain, cuts)
        return
    if not isinstance(domain, Float):
        raise Uncounted(f"{name} has more than {MAX_VALUES:,} values that conditions read")
    inside = [c for c in cuts if domain.low <= c <= domain.high]
    for cut in inside:
        yield Class(float(cut), 1)
    ends = [domain.low, *inside, domain.high]
    for low, high in pairwise(ends):
        middle = low + (high - low) / 2
        if low < middle < high:
            yield Class(middle, 1, 1)


def _grid(domain: Integer, cuts: Sequence[float]) -> Iterator[Class]:
    start = domain.low
    for cut in [c for c in cuts if domain.low <= c <= domain.high]:
        before = -((domain.low - math.ceil(cut)) // domain.step)  # first index not below the cut
        first = domain.low + before * domain.step
        if first > start:
            yield Class(start, (first - start) // domain.step)
        start = max(start, first)
        if first == cut:
            yield Class(first, 1)
            start = first + domain.step
    if start <= domain.high:
        yield Class(start, (domain.high - start) // domain.step + 1)


def _cuts(name: str, atom: Expr) -> list[float]:
    match atom:
        case Compare(left=Name(), right=Literal(value=value)):
            found: list[Scalar] = [value]
        case Compare(left=Literal(value=value), right=Name()):
            found = [value]
        case In(item=Name(), items=items) if all(isinstance(i, Literal) for i in items):
            found = [i.value for i in items if isinstance(i, Literal)]
        case _:
            raise Uncounted(f"a condition computes with {name}, which has too many values")
    return [v for v in found if isinstance(v, (int, float)) and not isinstance(v, bool)]
