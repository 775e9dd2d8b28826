"""What the passes build up: each takes a draft and returns a fuller one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automlc.compiler.contracts.contract import (
    Category,
    ClassTarget,
    DataContract,
    ImageInput,
    Input,
    NumberTarget,
    Rows,
    Storage,
    TableInput,
    TextInput,
)
from automlc.compiler.costing import Check
from automlc.compiler.expand import Expansion
from automlc.compiler.graph import Record, SearchGraph
from automlc.compiler.problems import Problems
from automlc.compiler.symbolic import Builder, Value
from automlc.runtime.costs import CostProgram
from automlc.runtime.monitor.definitions import DEFINITIONS, Monitor
from automlc.runtime.plan import Backend, Budget, Choice, Constraint, Task
from automlc.spec.load import LoadedSpec
from automlc.spec.record import record

if TYPE_CHECKING:
    from automlc.compiler.contracts.groups import Groups
    from automlc.runtime.rules.table import Rules


@record
class Draft:
    """A compilation under way. `contract` is nominal (see below) where only a spec is checked.

    `roots` are the folders of --data-root.
    """

    loaded: LoadedSpec
    contract: DataContract
    nominal: bool = False
    roots: tuple[Path, ...] = ()  # further folders that files may be read from
    groups: tuple[Groups, ...] = ()  # of the columns that fairness constraints name
    problems: Problems = field(default_factory=Problems)
    task: Task | None = None
    expansion: Expansion | None = None
    builder: Builder = field(default_factory=Builder)
    cost_values: Mapping[str, Value] = field(default_factory=dict)
    costs: CostProgram | None = None
    checks: tuple[Check, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    search: Choice | None = None
    stopping: Choice | None = None
    backend: Backend | None = None
    monitor: Monitor = DEFINITIONS["automlc"]
    rules: Rules | None = None
    records: tuple[Record, ...] = ()

    def noted(self, pass_name: str, key: str, decision: Any, because: str) -> Draft:
        """The draft with one more record of what was decided and why."""
        record = Record(pass_name, key, str(decision), because)
        return replace(self, records=(*self.records, record))

    def origin(self, key: str) -> str:
        """Where a key of the spec has its value from: its line, or the default."""
        return self.loaded.origin(key)

    def graph(self) -> SearchGraph:
        """The finished graph; only for a draft without errors."""
        spec = self.loaded.spec
        assert self.task is not None
        assert self.expansion is not None
        assert self.costs is not None
        assert self.search is not None
        assert self.stopping is not None
        assert self.backend is not None
        return SearchGraph(
            name=spec.name,
            task=self.task,
            contract=self.contract,
            space=self.expansion.space,
            model=self.expansion.model,
            constraints=self.constraints,
            costs=self.costs,
            search=self.search,
            stopping=self.stopping,
            budget=Budget(
                spec.budget.trials,
                spec.budget.epochs,
                spec.budget.wall,
                spec.budget.epoch_wall,
                spec.budget.memory,
                spec.budget.first,
            ),
            backend=self.backend,
            monitor=self.monitor,
            rules=self.rules,
            # Without a wall the search begins at its default, however long that takes.
            starts=self.expansion.starts if spec.budget.wall is not None else (),
            vectors=self.expansion.vectors,
            seed=spec.seed,
            records=self.records,
        )


_NOMINAL_INPUTS: dict[str, Input] = {
    "image": ImageInput(32, 32, 3),
    "tabular": TableInput(("x",), (Category("c", ("a", "b")),)),
    "text": TextInput(("x",), 32, 1000),
}


def nominal_contract(task: str) -> DataContract:
    """A stand-in for data of that task, so that a spec can be checked where its data is not.

    Ranks and names do not depend on sizes; nothing that does is reported from it.
    """
    inputs = _NOMINAL_INPUTS[task.partition("_")[0]]
    target = ClassTarget(("a", "b"), (8, 8)) if task.endswith("classification") else None
    return DataContract(
        source="",
        format="npz",
        fingerprint="",
        input=inputs,
        target=target or NumberTarget(0.0, 1.0, 0.5),
        rows=Rows(8, 4, 4),
        storage=Storage("npz", 16),
    )
