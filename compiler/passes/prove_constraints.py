"""Decide the constraints over the whole space, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from automlc.compiler.costing import COSTS
from automlc.compiler.draft import Draft
from automlc.compiler.passes.bind_constraints import warn_if_rare
from automlc.spec.diagnostics import Note
from automlc.spec.expressions import literal_text

if TYPE_CHECKING:
    from automlc.compiler.proofs.answers import Clause, Smallest
    from automlc.compiler.proofs.feasibility import Solver
    from automlc.compiler.proofs.pruning import Pruner
    from automlc.runtime.plan import Constraint
    from automlc.spec.domains import Config

_OPPOSITE = {"<=": ">", "<": ">=", ">=": "<", ">": "<="}
PRUNING = 400_000  # steps for all values together, and for one of them
QUESTION = 40_000
SHOWN = 6  # values of a configuration in a message


def prove_constraints(draft: Draft) -> Draft:
    """A verdict for each constraint: always met, met by some, or met by none, which is an error."""
    if draft.nominal or draft.problems.errors or not draft.constraints:
        return draft
    from automlc.compiler.proofs.answers import Bound, Forbidden, Impossible, Unknown
    from automlc.compiler.proofs.feasibility import Solver
    from automlc.compiler.proofs.pruning import Pruner

    assert draft.expansion is not None
    assert draft.costs is not None
    space = draft.expansion.space
    costs = draft.costs
    solver = Solver(space, costs)
    solver.witnesses.append(space.default_config())
    forbidden = [Forbidden(expr) for expr in space.forbidden]
    bounds = [Bound(constraint) for constraint in draft.constraints]
    answer = solver.solve([*bounds, *forbidden])
    if isinstance(answer, Impossible):
        _refuse(draft, solver, [*bounds, *forbidden])
        return draft
    warn_if_rare(draft)
    settled: list[Bound] = []
    for index, bound in enumerate(bounds):
        key = f"constraints[{index}].proof"
        if isinstance(answer, Unknown):
            draft = draft.noted("prove_constraints", key, f"unknown: {answer.reason}", "a limit")
        elif is_always_met(solver, bound.constraint, forbidden):
            settled.append(bound)
            because = "no configuration of the space is outside"
            draft = draft.noted("prove_constraints", key, "always met: nothing to check", because)
        else:
            because = "some configurations meet it; no proof that all do"
            draft = draft.noted(
                "prove_constraints", key, "checked for each proposal, before training", because
            )
    if isinstance(answer, Unknown):
        return draft
    open_ = [bound for bound in bounds if bound not in settled]
    if not open_ and not forbidden:
        return draft
    patient = Solver(space, costs, PRUNING, QUESTION, solver.witnesses)
    return _narrow(draft, Pruner(patient, [*open_, *forbidden]))


def _narrow(draft: Draft, pruner: Pruner) -> Draft:
    """The draft without the values that no configuration has which meets the constraints."""
    from automlc.compiler.proofs.certificates import check_all
    from automlc.compiler.proofs.narrowing import narrow

    assert draft.expansion is not None
    assert draft.costs is not None
    expansion = draft.expansion
    before, found = expansion.space, list(pruner.certificates())
    if not check_all(found, before, draft.costs):
        raise AssertionError("compiler author: a value was removed without a proof")
    after = narrow(before, found)
    for one in found:
        key = f"space.pruned.{one.what}"
        stays = after[one.name].domain == before[one.name].domain
        decision = f"{one.what} is {'never chosen' if stays else 'removed'}"
        draft = draft.noted("prove_constraints", key, decision, one.needs)
    for old, new in zip(before.parameters, after.parameters, strict=True):
        if old.default != new.default:
            text = f"default of {new.name} moved from {literal_text(old.default)}"
            text += f" to {literal_text(new.default)}"
            key = f"space.pruned.{new.name}.default"
            draft = draft.noted("prove_constraints", key, text, "the value was removed")
    if pruner.left_open:
        draft = draft.noted(
            "prove_constraints", "space.pruned", "other values may be impossible too",
            pruner.left_open,
        )  # fmt: skip
    if after == before:
        return draft
    starts = tuple(s for s in expansion.starts if not after.problems(s))
    lost = len(expansion.starts) - len(starts)
    if lost:
        text = f"{lost} of the preset's {len(expansion.starts)} small models"
        draft = draft.noted(
            "prove_constraints", "space.pruned.starts", f"{text} left out", "they have such values"
        )
    draft = replace(draft, expansion=replace(expansion, space=after, starts=starts))
    if draft.rules is None:
        return draft
    from automlc.compiler.steering import refit

    return refit(draft, after)


def is_always_met(solver: Solver, constraint: Constraint, forbidden: Sequence[Clause]) -> bool:
    """Whether every allowed configuration meets a constraint."""
    from automlc.compiler.proofs.boxes import whole
    from automlc.compiler.proofs.feasibility import is_sure

    return is_sure(solver, constraint, forbidden, whole(solver.space))


def _refuse(draft: Draft, solver: Solver, clauses: Sequence[Clause]) -> None:
    from automlc.compiler.proofs.answers import Bound, Forbidden
    from automlc.compiler.proofs.conflict import minimal_conflict

    conflict = minimal_conflict(solver, clauses)
    bounds = [c.constraint for c in conflict if isinstance(c, Bound)]
    forbidden = [c for c in clauses if isinstance(c, Forbidden)]
    assert bounds  # count_space refuses a space that its forbidden combinations leave empty
    first = bounds[0]
    best = _reachable(solver, first, forbidden)
    place = {c: f"constraints[{i}]" for i, c in enumerate(draft.constraints)}
    spans = draft.loaded.spans
    notes = [
        Note(f"together with {c.text}", spans(place[c])) for c in bounds[1:]
    ] + [
        Note(f"together with {c.text}", c.expr.span)
        for c in conflict if isinstance(c, Forbidden)
    ]  # fmt: skip
    message = f"no configuration can meet {first.text}"
    if len(bounds) > 1:
        message += f" and {' and '.join(c.text for c in bounds[1:])} together"
        hint = "widen one of them: " + "; ".join(_range(solver, c, forbidden) for c in bounds)
    else:
        message += f": {_extreme(first, best)} ({COSTS[first.metric]})"
        hint = "widen the bound, or the space towards smaller models"
        if best is not None and best.proven:
            hint += f"; that value has {_config(solver, first, best.config)}"
    draft.problems.add(
        "E401", message, spans(place[first]), hint=hint, notes=tuple(notes), key=place[first]
    )


def _reachable(
    solver: Solver, constraint: Constraint, forbidden: Sequence[Clause]
) -> Smallest | None:
    largest = constraint.op in (">=", ">")
    return solver.smallest(constraint.metric, forbidden, largest=largest)


def _extreme(constraint: Constraint, best: Smallest | None) -> str:
    if best is None:
        return f"{constraint.metric} has no value in any configuration"
    if constraint.op == "==" and best.value <= constraint.bound:
        return f"{constraint.metric} takes other values, from {best.bound:,} on"
    end = "at most" if constraint.op in (">=", ">") else "at least"
    return f"{constraint.metric} is {end} {best.bound:,}"


def _range(solver: Solver, constraint: Constraint, forbidden: Sequence[Clause]) -> str:
    return _extreme(constraint, _reachable(solver, constraint, forbidden)) + " by itself"


def _config(solver: Solver, constraint: Constraint, config: Config) -> str:
    """The values of a configuration that the cost depends on, in words."""
    from automlc.compiler.proofs.answers import Bound

    read = solver.relevant([Bound(constraint)])
    pairs = [f"{name} = {literal_text(value)}" for name, value in config.items() if name in read]
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    return ", ".join(pairs[:SHOWN]) + more
