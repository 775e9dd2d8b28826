"""Bringing a configuration from elsewhere into a space: what is taken, changed, left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from automlc.compiler.starts import Start, is_scalar
from automlc.runtime.rules.keras_names import translate
from automlc.spec.diagnostics import clean
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Space
from automlc.spec.expressions import Scalar, literal_text, same, to_text
from automlc.spec.record import record

Outcome = Literal["taken", "changed", "left out", "default"]


@record
class Adopted:
    """What became of one value: `name` is our parameter, or the name there if it is left out.

    `there` is always the name there; it is empty for a default.
    """

    name: str
    outcome: Outcome
    value: Scalar
    because: str
    there: str = ""


@record
class Adoption:
    """A configuration of the space, and what became of every value that was found."""

    config: Mapping[str, Scalar]
    values: tuple[Adopted, ...]

    def count(self, *outcomes: Outcome) -> int:
        return sum(one.outcome in outcomes for one in self.values)


def adopt(start: Start, space: Space) -> Adoption:
    """Values in their domains are taken, numbers brought to the nearest value, the rest left out;
    a parameter without a value takes its default. Nothing is said of one that has a single value.

    Where several names mean one parameter, the space's own counts, else the last, which in
    AutoKeras is that of the block nearest to the output.
    """
    found: dict[str, Adopted] = {}
    lost: list[Adopted] = []
    # Our own names last, because the last one counts.
    for name in sorted(start.values, key=lambda name: name in space):
        one = _translated(name, start.values[name], space, start)
        if one.outcome == "left out":
            lost.append(one)
            continue
        if one.name in found:
            lost.append(_left_out(found[one.name], f"{shown(name)} means {one.name} too"))
        found[one.name] = one
    config = space.build(lambda p: found[p.name].value if p.name in found else p.default)
    lost += [
        _left_out(one, "it is not active in this configuration")
        for name, one in found.items()
        if name not in config
    ]
    kept = [
        found.get(name, Adopted(name, "default", value, "the space's default"))
        for name, value in config.items()
        if space[name].domain.cardinality() != 1
    ]
    return Adoption(config, (*kept, *lost))


def _translated(name: str, value: Any, space: Space, start: Start) -> Adopted:
    short = shown(name)
    if not is_scalar(value):
        return Adopted(short, "left out", None, "its value is no number, word, true or false")
    ours = _ours(name, value, space) if start.foreign else (name, value)
    if ours is None or ours[0] not in space:
        return Adopted(short, "left out", value, "this space has no such parameter")
    parameter, wanted = ours
    domain = space[parameter].domain
    there = start.label if parameter == name else f"{short} of {start.label}"
    fitted = fit(domain, wanted)
    if fitted is None:
        text = shown(literal_text(wanted))
        return Adopted(short, "left out", value, f"{parameter} = {text} is not in {domain}")
    if same(fitted, wanted):
        return Adopted(parameter, "taken", fitted, there, short)
    because = f"nearest to {literal_text(wanted)}, {there}"
    return Adopted(parameter, "changed", fitted, because, short)


def _ours(name: str, value: Scalar, space: Space) -> tuple[str, Scalar] | None:
    """What a foreign name and value mean here.

    Keras Tuner writes a choice of true and false as 1 and 0.
    """
    ours = translate(name, value, space)
    if ours is None or value not in (0, 1) or fits_exactly(space[ours[0]].domain, ours[1]):
        return ours
    other = translate(name, bool(value), space)
    fits = other is not None and fits_exactly(space[other[0]].domain, other[1])
    return other if fits else ours


def fits_exactly(domain: Domain, value: Scalar) -> bool:
    """Whether a value is one of the domain, if need be as a number of its type."""
    fitted = fit(domain, value)
    return fitted is not None and same(fitted, value)


def _left_out(one: Adopted, because: str) -> Adopted:
    return Adopted(one.there, "left out", one.value, because)


def fit(domain: Domain, value: Scalar) -> Scalar:
    """The value of a domain that is a value, or nearest to it if it is a number; None if none is.

    Near is meant by ratio where all values are positive numbers of a choice.
    """
    if isinstance(domain, Fixed):
        return domain.value if same(domain.value, value) else None
    if isinstance(domain, Choice):
        exact = next((own for own in domain.values if same(own, value)), None)
        return _nearest(domain.values, value) if exact is None else exact
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(domain, Float):
        return min(max(float(value), domain.low), domain.high)
    return _on_grid(domain, value)


def _on_grid(domain: Integer, value: float) -> int:
    last = (domain.high - domain.low) // domain.step
    if value <= domain.low:
        return domain.low
    if value >= domain.high:
        return domain.low + last * domain.step
    return domain.low + min(round((value - domain.low) / domain.step), last) * domain.step


def _nearest(values: Sequence[Scalar], value: Scalar) -> Scalar:
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if isinstance(value, bool) or not isinstance(value, int | float) or not numbers:
        return None
    if value > 0 and all(number > 0 for number in numbers):
        return min(numbers, key=lambda number: abs(math.log(number) - math.log(value)))
    return min(numbers, key=lambda number: abs(number - value))


def shown(text: str) -> str:
    """A name or value from elsewhere, safe and short."""
    short = clean(text).replace("\n", " ")
    return short if len(short) <= 80 else short[:79] + "…"


def mistakes(config: Mapping[str, Any], space: Space) -> list[tuple[str, str]]:
    """(name, what is wrong) of a configuration that a person wrote, in part or in full."""
    found = []
    for name, value in config.items():
        if name not in space:
            found.append((name, "this space has no such parameter"))
        elif not is_scalar(value) or not space[name].domain.contains(value):
            found.append((name, f"the value is not in {space[name].domain}"))
    if found:
        return found
    made = space.build(lambda p: config.get(p.name, p.default))
    for name in config:
        when = space[name].when
        if name not in made and when is not None:
            found.append((name, f"it needs {to_text(when)}"))
    return found
