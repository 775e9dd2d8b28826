"""The space without the values that certificates rule out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from automlc.compiler.proofs.certificates import Certificate, remaining
from automlc.spec.domains import Choice, Domain, Integer, Space
from automlc.spec.expressions import Scalar


def narrow(space: Space, certificates: Sequence[Certificate]) -> Space:
    """Values of choices and the ends of integers are taken out; a default that goes moves to the
    nearest value that stays.

    A parameter that would lose all its values (it is in no configuration) keeps them, and so does
    a space whose defaults would then be forbidden.
    """
    box = remaining(space, certificates)
    parameters = (
        replace(p, domain=box[p.name], default=nearest_value(box[p.name], p.default))
        for p in space.parameters
    )
    changed = Space(parameters, space.forbidden)
    return space if changed.violated(changed.default_config()) else changed


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
