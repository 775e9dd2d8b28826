"""Give each constraint its metric, bound and stage; prove_constraints decides about them."""

from __future__ import annotations

import random
from dataclasses import replace

from automlc.compiler.costing import COSTS
from automlc.compiler.draft import Draft
from automlc.runtime.metrics import METRICS
from automlc.runtime.plan import Constraint
from automlc.spec.diagnostics import swap
from automlc.spec.expressions import (
    Call,
    Compare,
    Expr,
    ExpressionError,
    Name,
    evaluate,
    names,
    to_text,
)
from automlc.spec.suggest import DOUBTFUL, nearest

SAMPLES = 100
_MIRROR = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "==": "=="}


def bind_constraints(draft: Draft) -> Draft:
    """Costs of the model are static: checked for each proposal before it is trained."""
    bound: list[Constraint] = []
    for index, expr in enumerate(draft.loaded.spec.constraints):
        constraint = _bind(draft, expr, f"constraints[{index}]")
        if constraint is None:
            continue
        bound.append(constraint)
        key = f"constraints[{index}]"
        draft = draft.noted("bind_constraints", key, "static", "a cost of the model alone")
    return replace(draft, constraints=tuple(bound))


def warn_if_rare(draft: Draft) -> None:
    """Proposals outside the constraints are thrown away: say when nearly all would be."""
    assert draft.expansion is not None
    assert draft.costs is not None
    space, rng = draft.expansion.space, random.Random(1)  # noqa: S311  # a fixed sample
    costs = [draft.costs.evaluate(space.sample(rng)) for _ in range(SAMPLES)]
    met = sum(all(c.holds(cost) for c in draft.constraints) for cost in costs)
    if met <= SAMPLES // 50:
        draft.problems.add(
            "W522", f"only {met} of {SAMPLES} random configurations meet the constraints",
            draft.loaded.spans("constraints"), key="constraints",
            hint="narrow the space towards smaller models: the search has little to choose from",
        )  # fmt: skip


def _bind(draft: Draft, expr: Expr, key: str) -> Constraint | None:
    span = expr.span or draft.loaded.spans(key)
    if not _bounds_a_cost(expr):  # most constraints do, and need no more than this module
        from automlc.compiler.fairness import is_fairness
        from automlc.compiler.passes.weigh_claims import weigh_claim

        if is_fairness(expr):
            weigh_claim(draft, expr, key)
            return None
    if not isinstance(expr, Compare):
        draft.problems.add("E345", "a constraint is a comparison", span, key=key)
        return None
    left, op, right = expr.left, expr.op, expr.right
    if isinstance(right, Name) and not isinstance(left, Name):
        left, op, right = right, _MIRROR.get(op, op), left
    if isinstance(left, Call) and "." in left.name:
        draft.problems.add(
            "E346", f"{left.name}(…) cannot be constrained: it would take a trained model",
            left.span or span, hint=f"costs of the model can: {', '.join(COSTS)}", key=key,
        )  # fmt: skip
        return None
    if not isinstance(left, Name) or names(right) or op not in _MIRROR:
        draft.problems.add(
            "E345", f"{to_text(expr)}: a constraint compares one cost with a number", span,
            hint="such as model.size <= 5MB", key=key,
        )  # fmt: skip
        return None
    if left.name not in COSTS:
        near = nearest(left.name, COSTS)
        known = f"known: {', '.join(COSTS)}"
        if left.name in METRICS:
            known = (
                f"{left.name} is improved, not constrained: a search ends at task: {{target: …}}"
            )
        elif "latency" in left.name or "time" in left.name:
            known = f"time is not known before training; bound model.macs instead ({known})"
        draft.problems.add(
            "E346", f"nothing called {left.name!r} can be constrained", left.span or span,
            hint=f"did you mean {near}? ({known})" if near else known, key=key,
            fix=swap(left.span, left.name, near, safe=left.name not in DOUBTFUL),
        )  # fmt: skip
        return None
    try:
        value = evaluate(right, {})
    except ExpressionError as error:
        draft.problems.include(error.diagnostic(key))
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        draft.problems.add("E345", "the bound of a constraint is a number", span, key=key)
        return None
    return Constraint(to_text(expr), left.name, op, value, "static")


def _bounds_a_cost(expr: Expr) -> bool:
    return isinstance(expr, Compare) and isinstance(expr.left, Name) and expr.left.name in COSTS
