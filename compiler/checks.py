"""The passes in order, and what `automlc validate` makes of them where no data is read."""

from __future__ import annotations

from automlc.compiler.draft import Draft, nominal_contract
from automlc.compiler.passes.bind_constraints import bind_constraints
from automlc.compiler.passes.choose_strategies import choose_strategies
from automlc.compiler.passes.count_costs import count_costs
from automlc.compiler.passes.expand_space import expand_space
from automlc.compiler.passes.resolve_task import resolve_task
from automlc.compiler.passes.verify_model import verify_model
from automlc.spec.diagnostics import Diagnostic
from automlc.spec.load import LoadedSpec

# Each may rely on what those before it have settled.
PASSES = (
    resolve_task,
    expand_space,
    choose_strategies,
    count_costs,
    verify_model,
    bind_constraints,
)


def run_passes(draft: Draft) -> Draft:
    """The draft after every pass; problems are collected, not raised."""
    for step in PASSES:
        draft = step(draft)
    return draft


def check(loaded: LoadedSpec) -> list[Diagnostic]:
    """Everything that can be said of a spec without its data."""
    contract = nominal_contract(loaded.spec.task.kind)
    return run_passes(Draft(loaded, contract, nominal=True)).problems.found
