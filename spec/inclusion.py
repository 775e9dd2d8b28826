"""Which values of a domain another one has, and which configurations of a space another allows.

Domains are compared exactly. `log` changes how values are drawn, not which there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from automlc.spec import expressions
from automlc.spec.domains import Choice, Config, Domain, Fixed, Float, Integer, Space
from automlc.spec.expressions import Scalar

LIMIT = 4096  # configurations that are looked at one by one

Translate = Callable[[Mapping[str, Scalar]], Config]


def values_of(domain: Domain, limit: int = LIMIT) -> tuple[Scalar, ...] | None:
    """All values of a domain; None for a continuum and for more than `limit`."""
    match domain:
        case Choice():
            return domain.values if len(domain.values) <= limit else None
        case Fixed():
            return (domain.value,)
        case Float():
            return (domain.low,) if domain.low == domain.high else None
        case Integer():
            grid = range(domain.low, domain.high + 1, domain.step)
            return tuple(grid) if len(grid) <= limit else None


def is_within(inner: Domain, outer: Domain) -> bool:
    """Whether every value of `inner` is one of `outer`."""
    if isinstance(inner, Integer) and isinstance(outer, Float):
        last = range(inner.low, inner.high + 1, inner.step)[-1]
        return outer.contains(inner.low) and outer.contains(last)
    if isinstance(inner, Integer) and isinstance(outer, Integer):
        grid = range(inner.low, inner.high + 1, inner.step)
        ends = outer.contains(grid[0]) and outer.contains(grid[-1])
        return ends and (len(grid) == 1 or outer.contains(grid[1]))
    if isinstance(inner, Float) and isinstance(outer, Float):
        return outer.low <= inner.low and inner.high <= outer.high
    if isinstance(inner, Integer) and isinstance(outer, Choice):
        count = inner.cardinality() or 0
        if count > len(outer.values):
            return False
    values = values_of(inner)
    return values is not None and all(outer.contains(value) for value in values)


def relation(inward: bool, outward: bool) -> str:
    """The word for old within new (`inward`) and new within old (`outward`)."""
    return {
        (True, True): "same",
        (True, False): "wider",
        (False, True): "narrower",
        (False, False): "other",
    }[inward, outward]


def relate_domains(old: Domain, new: Domain) -> str:
    """same, wider, narrower or other: how the values of `new` stand to those of `old`."""
    return relation(is_within(old, new), is_within(new, old))


def configurations(space: Space, limit: int = LIMIT) -> list[Config] | None:
    """Every allowed configuration; None where there are infinitely or too many."""
    found: list[Config] = []
    for config in _all(space, limit):
        if config is None:
            return None
        found.append(config)
    return [config for config in found if not space.violated(config)]


def _all(space: Space, limit: int) -> Iterator[Config | None]:
    """Depth first over the parameters in their order; None once and last where it is too much."""
    domains = [values_of(p.domain, limit) for p in space.parameters]
    count = 0
    stack: list[tuple[int, Config]] = [(0, {})]
    while stack:
        index, config = stack.pop()
        if index == len(space.parameters):
            count += 1
            if count > limit:
                yield None
                return
            yield config
            continue
        parameter, values = space.parameters[index], domains[index]
        if not space.is_active(parameter, config):
            stack.append((index + 1, config))
            continue
        if values is None:
            yield None
            return
        stack.extend((index + 1, {**config, parameter.name: v}) for v in reversed(values))


def relate_spaces(
    old: Space, new: Space, forth: Translate = dict, back: Translate = dict
) -> str | None:
    """How the configurations of `new` stand to those of `old`; None where they are too many.

    `forth` writes an old configuration as one of `new`, `back` the other way.
    """
    before, after = configurations(old), configurations(new)
    if before is None or after is None:
        return None
    inward = all(not new.problems(forth(config)) for config in before)
    outward = all(not old.problems(back(config)) for config in after)
    return relation(inward, outward)


def part_of(space: Space, wanted: frozenset[str]) -> Space:
    """The parameters of these names and those their conditions need; all that is forbidden."""
    by_name = {p.name: p for p in space.parameters}
    kept: set[str] = set()
    queue = [name for name in wanted if name in by_name]
    while queue:
        name = queue.pop()
        if name in kept:
            continue
        kept.add(name)
        when = by_name[name].when
        queue += [] if when is None else [n for n in expressions.names(when) if n in by_name]
    return Space((p for p in space.parameters if p.name in kept), space.forbidden)
