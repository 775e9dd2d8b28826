"""The space without the values that certificates rule out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from automlc.compiler.proofs.certificates import Certificate
from automlc.spec.domains import Choice, Domain, Fixed, Integer, Parameter, Space
from automlc.spec.expressions import Scalar, same


def narrow(space: Space, certificates: Sequence[Certificate]) -> Space:
    """Values of choices and the ends of integers are taken out; a default that goes moves to the
    nearest value that stays.

    A parameter that would lose all its values (it is in no configuration) keeps them, and so does
    a space whose defaults would then be forbidden.
    """
    changed = Space((_narrowed(p, certificates) for p in space.parameters), space.forbidden)
    return space if changed.violated(changed.default_config()) else changed


def _narrowed(parameter: Parameter, certificates: Sequence[Certificate]) -> Parameter:
    parts = [c.part for c in certificates if c.name == parameter.name]
    domain = parameter.domain
    if isinstance(domain, Choice):
        gone = [p.value for p in parts if isinstance(p, Fixed)]
        left = tuple(v for v in domain.values if not any(same(v, g) for g in gone))
        kept: Domain = Choice(left) if left else domain
    elif isinstance(domain, Integer):
        kept = _ends(domain, [p for p in parts if isinstance(p, Integer)])
    else:
        return parameter
    return replace(parameter, domain=kept, default=nearest_value(kept, parameter.default))


def _ends(domain: Integer, gone: Sequence[Integer]) -> Integer:
    low = domain.low
    high = domain.high - (domain.high - domain.low) % domain.step
    last = high
    for part in gone:
        if part.low == domain.low:
            low = part.high + domain.step
        if part.high == last:
            high = part.low - domain.step
    if low > high or (low, high) == (domain.low, last):
        return domain
    return replace(domain, low=low, high=high)


def nearest_value(domain: Domain, value: Scalar) -> Scalar:
    """The value itself where the domain has it, else the number next to it, else the first."""
    if domain.contains(value):
        return value
    if isinstance(domain, Integer) and isinstance(value, int):
        return domain.low if value < domain.low else domain.high
    if isinstance(domain, Choice) and isinstance(value, (int, float)):
        numbers = [v for v in domain.values if isinstance(v, (int, float))]
        if len(numbers) == len(domain.values):
            return min(numbers, key=lambda v: (abs(v - value), v))
    return domain.default()
