"""The backend is no part of a search: one spec, seed and searcher propose one sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from automlc.compiler.driver import compile_spec
from automlc.runtime.plan import Plan
from automlc.runtime.proposing import Accepted, Proposer
from automlc.runtime.seeds import derive_seed
from automlc.runtime.trial import State
from automlc.spec.load import load_text

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEC = """automlc: 1
name: same
task: {kind: image_classification}
data: {source: builtin:digits}
constraints: [model.size <= 300kB]
search: SEARCH
budget: {trials: 12, epochs: 4}
backend: BACKEND
seed: 3
"""


def plan_of(text: str) -> Plan:
    graph, _ = compile_spec(load_text(text, "task.yaml"))
    return graph.plan()


@pytest.mark.parametrize("backend", ["keras", "{kind: keras, engine: jax}"])
@pytest.mark.parametrize("example", ["digits", "cancer", "architecture"])
def test_plans_differ_in_the_backend_alone(example: str, backend: str) -> None:
    lines = (EXAMPLES / example / "task.yaml").read_text(encoding="utf-8").splitlines()
    head = "\n".join(line for line in lines if not line.startswith("backend:"))
    plans = [plan_of(f"{head}\nbackend: {each}\n").to_json() for each in ("pytorch", backend)]
    kinds = [plan.pop("backend")["kind"] for plan in plans]
    assert kinds == ["pytorch", "keras"]
    assert plans[0] == plans[1]


@dataclass
class Row:
    """A finished trial, as far as a searcher looks at it."""

    number: int
    config: Mapping[str, Any]
    value: float
    state: State = State.COMPLETE
    epochs: int = 4
    why: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Memory:
    """What a proposer asks of a store; no plan was changed here."""

    rows: list[Row]

    def trials(self) -> list[Row]:
        return self.rows

    def has_config(self, config: Mapping[str, Any]) -> bool:
        return any(row.config == config for row in self.rows)

    def again(self, number: int) -> None:
        """No trial is to be trained again."""

    def outside(self, number: int) -> None:
        """No trial is outside of the plan."""


@pytest.mark.parametrize("search", ["random", "grid", "tpe"])
def test_the_same_results_lead_to_the_same_proposals(search: str) -> None:
    found: list[list[dict[str, Any]]] = []
    for backend in ("pytorch", "keras"):
        plan = plan_of(SPEC.replace("SEARCH", search).replace("BACKEND", backend))
        found.append(sequence(plan))
    assert found[0] == found[1]
    assert len(found[0]) == 12


def sequence(plan: Plan) -> list[dict[str, Any]]:
    """What is proposed when a configuration's value depends on it alone."""
    memory = Memory([])
    proposer = Proposer(plan, memory)
    for number in range(1, plan.budget.trials + 1):
        accepted = proposer.propose(number, lambda: True)
        assert isinstance(accepted, Accepted), accepted
        text = str(sorted(accepted.config.items()))
        memory.rows.append(Row(number, accepted.config, derive_seed(0, text) % 1000 / 1000))
    return [dict(row.config) for row in memory.rows]
