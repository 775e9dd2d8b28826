"""Proofs over whole spaces agree with looking at every configuration."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from automlc.compiler.proofs.answers import Bound, Forbidden, Found, Impossible, Leaf, Split
from automlc.compiler.proofs.certificates import check, check_all
from automlc.compiler.proofs.classes import members
from automlc.compiler.proofs.conflict import minimal_conflict
from automlc.compiler.proofs.counting import count, number
from automlc.compiler.proofs.feasibility import Solver
from automlc.compiler.proofs.pruning import Pruner
from automlc.compiler.symbolic import Builder
from automlc.runtime.plan import Constraint
from automlc.spec.domains import Choice, Integer, Parameter, Space
from tests.compiler.random_spaces import (
    allowed,
    everything,
    random_constraints,
    random_costs,
    random_space,
)
from tests.compiler.spaces import groups_for, preset_graph

# Five rounds, 550 spaces, at every run; all 2,200 with the slow tests.
ROUNDS = [*range(5), *(pytest.param(n, marks=pytest.mark.slow) for n in range(5, 20))]
PARAMS = frozenset({"model.params"})
EACH = 110  # spaces of one round: 2,200 in all


def seeds(round_: int) -> range:
    return range(round_ * EACH, (round_ + 1) * EACH)


@pytest.mark.parametrize("round_", ROUNDS)
def test_counts_are_those_of_listing_every_configuration(round_: int) -> None:
    for seed in seeds(round_):
        space = random_space(random.Random(seed))
        whole, kept = everything(space), allowed(space)
        found = count(space)
        assert found.reason is None, seed
        assert found.total == len(kept), (seed, space.to_json())
        for parameter in space.parameters:
            active = any(parameter.name in c for c in kept)
            assert (parameter.name in found.never) == (bool(kept) and not active), seed
        for expr in space.forbidden:
            hits = any(Space(space.parameters, [expr]).violated(c) for c in whole)
            assert (expr in found.idle) == (not hits), (seed, space.to_json())


@pytest.mark.parametrize("round_", ROUNDS)
def test_verdicts_minima_and_conflicts_are_those_of_listing_every_configuration(
    round_: int,
) -> None:
    for seed in seeds(round_):
        rng = random.Random(seed)
        space = random_space(rng)
        costs = random_costs(rng, space)
        clauses = [Bound(c) for c in random_constraints(rng)]
        clauses += [Forbidden(e) for e in space.forbidden]
        solver = Solver(space, costs)
        whole = everything(space)

        def met(some: list[Bound | Forbidden], solver=solver, whole=whole) -> bool:
            return any(solver.failed(some, c) is None for c in whole)

        answer = solver.solve(clauses)
        assert isinstance(answer, Found if met(clauses) else Impossible), (seed, answer)
        if isinstance(answer, Found):
            assert solver.failed(clauses, answer.config) is None
        else:
            conflict = list(minimal_conflict(solver, clauses))
            assert not met(conflict), seed
            for one in conflict:
                assert met([c for c in conflict if c is not one]), seed
        for largest in (False, True):
            values = [solver.cost_of(c, PARAMS).get("model.params") for c in allowed(space)]
            defined = [v for v in values if v is not None]
            only = [Forbidden(e) for e in space.forbidden]
            best = solver.smallest("model.params", only, largest=largest)
            if not defined:
                assert best is None, seed
                continue
            assert best is not None, seed
            assert best.value == (max if largest else min)(defined), seed
            assert best.proven


@pytest.mark.parametrize("round_", ROUNDS)
def test_pruned_values_are_those_of_no_feasible_configuration(round_: int) -> None:
    for seed in seeds(round_):
        rng = random.Random(seed)
        space = random_space(rng)
        costs = random_costs(rng, space)
        clauses = [Bound(c) for c in random_constraints(rng)[:2]]
        clauses += [Forbidden(e) for e in space.forbidden]
        solver = Solver(space, costs)
        good = [c for c in everything(space) if solver.failed(clauses, c) is None]
        if not good:
            continue
        relevant = solver.relevant(clauses)
        removed = set()
        found = Pruner(solver, clauses).certificates()
        assert check_all(found, space, costs), seed
        for one in found:
            removed |= {(one.name, value) for value in members(one.part)}
        expected = {
            (p.name, value)
            for p in space.parameters
            if p.name in relevant and isinstance(p.domain, Choice | Integer)
            for value in members(p.domain)
            if not any(p.name in c and c[p.name] == value for c in good)
        }
        assert removed == expected, seed


def test_a_count_is_written_out_up_to_a_length_and_then_has_its_magnitude() -> None:
    assert number(128_304) == "128,304"
    assert number(57**10_000) == "about 5.6e17558"  # 10 ** (10,000 x log10(57))
    many = Space([Parameter(f"w{i}", Integer(8, 64), 8) for i in range(300)])
    assert count(many).total == 57**300
    assert count(many).text() == "about 5.8e526 configurations"


def test_a_forged_certificate_is_refused() -> None:
    space = Space([Parameter("width", Integer(1, 200), 4)])
    builder = Builder()
    width = builder.parameter("width", space["width"].domain)
    costs = builder.program({"model.params": width * width})
    bound = Constraint("model.params <= 100", "model.params", "<=", 100, "static")
    (true,) = Pruner(Solver(space, costs), [Bound(bound)]).certificates()
    assert true.what == "width from 11 to 200"
    assert true.needs == "needs model.params >= 121, more than 100"
    assert check(true, space, costs)
    assert not check(replace(true, part=Integer(10, 200)), space, costs)
    gap = Split("width", (Integer(11, 50), Integer(52, 200)), (Leaf(0), Leaf(0)))
    assert not check(replace(true, proof=gap), space, costs)
    assert not check(replace(true, proof=Leaf(1)), space, costs)


@pytest.mark.parametrize("metric", ["model.params", "model.macs"])
@pytest.mark.parametrize("name", ["digits", "mixed", "text"])
def test_no_sampled_configuration_of_a_preset_contradicts_its_proofs(
    name: str, metric: str
) -> None:
    graph = preset_graph(name, False, groups_for(name))
    rng = random.Random(metric)
    configs = [graph.space.sample(rng) for _ in range(60)]
    costs = [graph.costs.evaluate(c) for c in configs]
    bound = sorted(c[metric] for c in costs)[10]
    clause = Bound(Constraint(f"{metric} <= {bound}", metric, "<=", bound, "static"))
    solver = Solver(graph.space, graph.costs, 60_000, 6_000)
    best = solver.smallest(metric, ())
    assert best is not None
    least = min(c[metric] for c in costs)
    assert best.bound <= min(least, best.value)
    assert best.value <= least or not best.proven
    found = Pruner(solver, [clause]).certificates()
    assert check_all(found, graph.space, graph.costs)
    for one in found:
        for config, cost in zip(configs, costs, strict=True):
            value = config.get(one.name)
            assert cost[metric] > bound or value is None or not one.part.contains(value), one.what
