"""Which clauses stand in each other's way: a smallest set that nothing meets."""

from __future__ import annotations

from collections.abc import Sequence

from automlc.compiler.proofs.answers import Clause, Impossible
from automlc.compiler.proofs.boxes import Box
from automlc.compiler.proofs.feasibility import Solver


def minimal_conflict(
    solver: Solver, clauses: Sequence[Clause], box: Box | None = None
) -> tuple[Clause, ...]:
    """Clauses that no configuration meets together, while it could without any one of them.

    By deletion: a clause that is not needed for the contradiction goes. `clauses` must be such
    that nothing meets them; what the solver cannot decide stays.
    """
    kept = list(clauses)
    for clause in clauses:
        without = [c for c in kept if c is not clause]
        if isinstance(solver.solve(without, box), Impossible):
            kept = without
    return tuple(kept)
