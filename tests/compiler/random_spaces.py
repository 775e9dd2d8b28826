"""Small random spaces with conditions, forbidden combinations and costs, and all they hold."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from automlc.compiler.proofs.classes import members
from automlc.compiler.symbolic import Builder, apply
from automlc.runtime.costs import CostProgram
from automlc.runtime.plan import Constraint
from automlc.spec.domains import Choice, Config, Domain, Fixed, Integer, Parameter, Space
from automlc.spec.expressions import Expr, parse

WORDS = ("u", "v", "w")


def random_space(rng: random.Random) -> Space:
    """Two to five parameters, each perhaps under a condition on those before it."""
    parameters: list[Parameter] = []
    for index in range(rng.randint(2, 5)):
        domain = _domain(rng)
        earlier = list(parameters)
        when = _condition(rng, earlier) if earlier and rng.random() < 0.5 else None
        default = rng.choice(list(members(domain)))
        parameters.append(Parameter(f"p{index}", domain, default, when))
    forbidden = [_condition(rng, parameters) for _ in range(rng.choice((0, 0, 1, 2, 3)))]
    return Space(parameters, forbidden)


def _domain(rng: random.Random) -> Domain:
    kind = rng.randrange(5)
    if kind == 0:
        return Choice(tuple(rng.sample(WORDS, rng.randint(1, 3))))
    if kind == 1:
        return Choice(tuple(rng.sample((1, 2, 4, 7, 9), rng.randint(1, 4))))
    if kind == 2:
        return Fixed(rng.choice((3, "u")))
    low, step = rng.randint(-1, 4), rng.randint(1, 3)
    return Integer(low, low + rng.randint(0, 9), step)


def is_number(parameter: Parameter) -> bool:
    """Whether all its values are numbers."""
    return all(isinstance(v, int) for v in members(parameter.domain))


def _condition(rng: random.Random, known: list[Parameter]) -> Expr:
    parts = [_atom(rng, known) for _ in range(rng.choice((1, 1, 2)))]
    return parse(f" {rng.choice(('and', 'or'))} ".join(parts))


def _atom(rng: random.Random, known: list[Parameter]) -> str:
    one, other = rng.choice(known), rng.choice(known)
    no = rng.choice(("", "", "not "))
    if is_number(one) and is_number(other) and one != other and rng.random() < 0.4:
        op = rng.choice(("<", "<=", "==", ">"))
        return f"{no}({one.name} * {rng.randint(1, 2)} {op} {other.name} + {rng.randint(0, 3)})"
    if is_number(one):
        return f"{no}({one.name} {rng.choice(('<', '>=', '==', '!='))} {rng.randint(0, 9)})"
    wanted = ", ".join(f'"{w}"' for w in rng.sample(WORDS, 2))
    return f"{no}({one.name} in [{wanted}])"


def random_costs(rng: random.Random, space: Space) -> CostProgram:
    """Two costs that read numbers of the space; undefined where they read what is not there."""
    builder = Builder()
    env = {p.name: builder.parameter(p.name, p.domain) for p in space.parameters}
    outputs = {}
    for name in ("model.params", "model.macs"):
        text = " + ".join(_term(rng, list(space.parameters)) for _ in range(rng.randint(1, 3)))
        outputs[name] = apply(parse(text), env, builder)
    return builder.program(outputs)


def _term(rng: random.Random, known: list[Parameter]) -> str:
    numbers = [p for p in known if is_number(p)]
    if not numbers or rng.random() < 0.2:
        return str(rng.randint(0, 9))
    one, other = rng.choice(numbers), rng.choice(numbers)
    forms = ("{a} * {b}", "{a} // 2", "{a} % 3", "max({a}, {b})", "3 * {a} - {b}", "{a}")
    form = rng.choice(forms)
    term = form.format(a=one.name, b=other.name)
    return (
        f"select({_atom(rng, known)}, {term}, {rng.randint(0, 9)})" if rng.random() < 0.6 else term
    )


def random_constraints(rng: random.Random) -> list[Constraint]:
    """One to three bounds."""
    out = []
    for _ in range(rng.randint(1, 3)):
        metric, op = rng.choice(("model.params", "model.macs")), rng.choice(("<=", ">=", "<", "=="))
        bound = rng.randint(-2, 30)
        out.append(Constraint(f"{metric} {op} {bound}", metric, op, bound, "static"))
    return out


def everything(space: Space) -> list[Config]:
    """All configurations, forbidden ones included."""
    return list(_all(space))


def _all(space: Space) -> Iterator[Config]:
    seen = set()
    for values in itertools.product(*(members(p.domain) for p in space.parameters)):
        chosen = dict(zip(space.names, values, strict=True))
        config = space.build(lambda p, v=chosen: v[p.name])  # type: ignore[misc]
        key = tuple(sorted(config.items(), key=str))
        if key not in seen:
            seen.add(key)
            yield config


def allowed(space: Space) -> list[Config]:
    """All configurations that are not forbidden."""
    return [c for c in everything(space) if not space.violated(c)]
