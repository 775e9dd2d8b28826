"""plan.json as types: everything that crosses from compile time to run time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from automlc.runtime.costs import CostProgram
from automlc.runtime.json_files import naming, read_json
from automlc.runtime.monitor.definitions import DEFINITIONS, EPOCHS, Monitor
from automlc.runtime.rules.table import Rules
from automlc.spec.domains import Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Scalar
from automlc.spec.record import record

SCHEMA = "automlc.plan/1"
GOALS = ("minimize", "maximize")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "==": lambda a, b: a == b,
}


class _Reader:
    """One JSON object, read key by key; complains about keys that are left over or absent."""

    def __init__(self, data: Any, where: str):
        if not isinstance(data, Mapping):
            raise AutomlcError(f"plan.json: {where or 'the file'} must be an object")
        self._data = dict(data)
        self._where = where

    def has(self, key: str) -> bool:
        return key in self._data

    def take(self, key: str, *kinds: type, optional: bool = False) -> Any:
        """Remove and return a value of one of the kinds (or null, where optional)."""
        name = f"{self._where}.{key}" if self._where else key
        if key not in self._data:
            raise AutomlcError(f"plan.json: the key {name!r} is missing")
        value = self._data.pop(key)
        if value is None and optional:
            return None
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise AutomlcError(f"plan.json: {name!r} must be {wanted}, got {value!r:.60}")
        return value

    def close(self) -> None:
        if self._data:
            name = f"{self._where}.{next(iter(self._data))}".lstrip(".")
            raise AutomlcError(
                f"plan.json: unknown key {name!r}",
                "the project was compiled by another version of automlc; compile it again",
            )


@record
class Task:
    """What is learned; `goal` is minimize or maximize, `target` a value of `metric` to stop at."""

    kind: str
    metric: str
    goal: str
    target: float | None

    @classmethod
    def read(cls, data: Any) -> Task:
        keys = _Reader(data, "task")
        task = cls(
            keys.take("kind", str),
            keys.take("metric", str),
            keys.take("goal", str),
            keys.take("target", int, float, optional=True),
        )
        keys.close()
        if task.goal not in GOALS:
            raise AutomlcError(f"plan.json: 'task.goal' must be minimize or maximize: {task.goal}")
        return task

    def better(self, value: float, other: float | None) -> bool:
        """Whether `value` is strictly better than `other` (anything is better than nothing)."""
        if other is None:
            return True
        return value < other if self.goal == "minimize" else value > other

    def reached(self, value: float) -> bool:
        """Whether the target, if there is one, is met."""
        if self.target is None:
            return False
        return value <= self.target if self.goal == "minimize" else value >= self.target


@record
class Constraint:
    """A bound on a cost, checked before a trial starts (`stage` is static)."""

    text: str
    metric: str
    op: str
    bound: float
    stage: str

    @classmethod
    def read(cls, data: Any, index: int) -> Constraint:
        where = f"constraints[{index}]"
        keys = _Reader(data, where)
        constraint = cls(
            keys.take("text", str),
            keys.take("metric", str),
            keys.take("op", str),
            keys.take("bound", int, float),
            keys.take("stage", str),
        )
        keys.close()
        if constraint.op not in _COMPARE:
            raise AutomlcError(f"plan.json: '{where}.op' is unknown: {constraint.op!r}")
        if constraint.stage != "static":
            raise AutomlcError(f"plan.json: '{where}.stage' is unknown: {constraint.stage!r}")
        return constraint

    def holds(self, costs: Mapping[str, float | None]) -> bool:
        """Whether the cost is within the bound; an undefined cost is not."""
        value = costs.get(self.metric)
        return value is not None and _COMPARE[self.op](value, self.bound)

    def violation(self, costs: Mapping[str, float | None]) -> float:
        """How far the cost is outside, relative to the bound; 0 inside."""
        value = costs.get(self.metric)
        if value is None:
            return float("inf")
        if self.holds(costs):
            return 0.0
        return abs(value - self.bound) / max(1.0, abs(self.bound))


@record
class Budget:
    """How much work a study may do; `wall`, `epoch_wall` in seconds, `memory` in bytes.

    `first` is the share of the wall that the first trial may take.
    """

    trials: int
    epochs: int
    wall: float | None
    epoch_wall: float
    memory: int | None
    first: float = 0.05

    @classmethod
    def read(cls, data: Any) -> Budget:
        keys = _Reader(data, "budget")
        budget = cls(
            keys.take("trials", int),
            keys.take("epochs", int),
            keys.take("wall", int, float, optional=True),
            keys.take("epoch_wall", int, float),
            keys.take("memory", int, optional=True),
            keys.take("first", int, float) if keys.has("first") else 0.05,
        )
        keys.close()
        for name in ("trials", "epochs", "epoch_wall", "first"):
            if getattr(budget, name) <= 0:
                raise AutomlcError(f"plan.json: 'budget.{name}' must be positive")
        return budget

    def to_json(self) -> dict[str, Any]:
        """The section as plan.json holds it: without the usual `first`, as before there was one."""
        return {key: value for key, value in vars(self).items() if (key, value) != ("first", 0.05)}


@record
class Backend:
    """Where trials compute; `threads` per trial (None: the cores shared among workers).

    `engine` is None for a framework that computes by itself, and then stands in no file.
    """

    kind: str
    device: str
    precision: str
    threads: int | None
    engine: str | None = None

    @classmethod
    def read(cls, data: Any) -> Backend:
        keys = _Reader(data, "backend")
        backend = cls(
            keys.take("kind", str),
            keys.take("device", str),
            keys.take("precision", str),
            keys.take("threads", int, optional=True),
            keys.take("engine", str) if keys.has("engine") else None,
        )
        keys.close()
        return backend

    def to_json(self) -> dict[str, Any]:
        """The section as plan.json holds it: without an engine as before there were engines."""
        return {key: value for key, value in vars(self).items() if (key, value) != ("engine", None)}


@record
class Choice:
    """A registered thing by name (a searcher, a stopping policy) and its options."""

    name: str
    options: Mapping[str, Any]

    @classmethod
    def read(cls, data: Any, where: str, key: str) -> Choice:
        keys = _Reader(data, where)
        choice = cls(keys.take(key, str), keys.take("options", dict))
        keys.close()
        return choice


@record
class Rows:
    """How many examples are learned from, and how many measure the validation metric."""

    train: int
    validation: int

    @classmethod
    def read(cls, data: Any) -> Rows:
        keys = _Reader(data, "data.rows")
        rows = cls(keys.take("train", int), keys.take("validation", int))
        keys.close()
        if rows.train < 1 or rows.validation < 0:
            raise AutomlcError("plan.json: 'data.rows' must have at least one row to train on")
        return rows


@record
class DataSource:
    """The data as the spec names it, and the fingerprint it had when the plan was made.

    `rows` serve estimates of time: a plan has them where the budget has a wall.
    """

    source: str
    fingerprint: str
    rows: Rows | None = None

    @classmethod
    def read(cls, data: Any) -> DataSource:
        keys = _Reader(data, "data")
        source = cls(
            keys.take("source", str),
            keys.take("fingerprint", str),
            Rows.read(keys.take("rows", dict)) if keys.has("rows") else None,
        )
        keys.close()
        return source

    def to_json(self) -> dict[str, Any]:
        """The section as plan.json holds it; without rows as before there were any."""
        found: dict[str, Any] = {"source": self.source, "fingerprint": self.fingerprint}
        return found if self.rows is None else found | {"rows": vars(self.rows).copy()}


_USUAL = DEFINITIONS["automlc"]


def read_monitor(data: Mapping[str, Any]) -> Monitor:
    """A plan's monitor; AutomlcError names the first key that is wrong."""
    keys = _Reader(data, "monitor")
    usual = _USUAL.to_json()
    found = {
        name: keys.take(name, *_kinds(value), optional=name in _MAY_BE_NULL)
        for name, value in usual.items()
    }
    keys.close()
    if found["epochs"] not in EPOCHS:
        raise AutomlcError(f"plan.json: 'monitor.epochs' must be one of {', '.join(EPOCHS)}")
    return Monitor(**found)


_MAY_BE_NULL = ("oscillating", "vanishing_norm", "architecture")


def _kinds(value: Any) -> tuple[type, ...]:
    """What stands where the usual monitor has this value; None stands for a name."""
    if isinstance(value, (bool, str)):
        return (type(value),)
    return (str,) if value is None else (int, float)


def read_rules(data: Mapping[str, Any]) -> Rules:
    """A plan's rules; AutomlcError where they are damaged."""
    try:
        return Rules.from_json(data)
    except (KeyError, TypeError) as error:
        raise AutomlcError(f"plan.json: 'rules' is damaged: {error!r}") from None


@record
class Hub:
    """A pretrained network that another package holds; without a file its weights are fetched."""

    name: str
    download: bool

    @classmethod
    def read(cls, data: Any) -> Hub:
        """Read one of plan.json's; AutomlcError where a key is missing or wrong."""
        keys = _Reader(data, "hubs")
        hub = cls(keys.take("name", str), keys.take("download", bool))
        keys.close()
        return hub


@record
class Plan:
    """All that the runtime needs to know of a task."""

    name: str
    task: Task
    space: Space
    constraints: tuple[Constraint, ...]
    costs: CostProgram
    search: Choice
    stopping: Choice
    budget: Budget
    backend: Backend
    data: DataSource
    seed: int
    monitor: Monitor = DEFINITIONS["automlc"]
    rules: Rules | None = None
    hubs: tuple[Hub, ...] = ()
    starts: tuple[Mapping[str, Scalar], ...] = ()
    """Configurations to begin with where the default takes too long, the larger first."""

    @classmethod
    def from_json(cls, data: Any) -> Plan:
        """Read a plan; AutomlcError names the first key that is missing, unknown or wrong."""
        keys = _Reader(data, "")
        schema = keys.take("schema", str)
        if schema != SCHEMA:
            raise AutomlcError(
                f"plan.json: the schema is {schema!r}, this version reads {SCHEMA!r}",
                "compile the project again with this version of automlc",
            )
        plan = cls(
            name=keys.take("name", str),
            task=Task.read(keys.take("task", dict)),
            space=_read_space(keys.take("space", dict)),
            constraints=tuple(
                Constraint.read(item, i) for i, item in enumerate(keys.take("constraints", list))
            ),
            costs=_read_costs(keys.take("costs", dict)),
            search=Choice.read(keys.take("search", dict), "search", "strategy"),
            stopping=Choice.read(keys.take("stopping", dict), "stopping", "policy"),
            budget=Budget.read(keys.take("budget", dict)),
            backend=Backend.read(keys.take("backend", dict)),
            data=DataSource.read(keys.take("data", dict)),
            seed=keys.take("seed", int),
            # Plans of before there was a monitor have neither.
            monitor=read_monitor(keys.take("monitor", dict)) if keys.has("monitor") else _USUAL,
            rules=read_rules(keys.take("rules", dict)) if keys.has("rules") else None,
            hubs=tuple(map(Hub.read, keys.take("hubs", list))) if keys.has("hubs") else (),
            starts=tuple(keys.take("starts", list)) if keys.has("starts") else (),
        )
        keys.close()
        for start in plan.starts:
            if not isinstance(start, dict) or plan.space.problems(start):
                raise AutomlcError("plan.json: 'starts' holds what is no configuration")
        return plan

    def to_json(self) -> dict[str, Any]:
        """The plan as plan.json holds it."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "task": vars(self.task).copy(),
            "space": self.space.to_json(),
            "constraints": [vars(constraint).copy() for constraint in self.constraints],
            "costs": self.costs.to_json(),
            "search": {"strategy": self.search.name, "options": dict(self.search.options)},
            "stopping": {"policy": self.stopping.name, "options": dict(self.stopping.options)},
            "budget": self.budget.to_json(),
            "backend": self.backend.to_json(),
            "data": self.data.to_json(),
            "seed": self.seed,
            **({"monitor": self.monitor.to_json()} if self.monitor != _USUAL else {}),
            **({"rules": self.rules.to_json()} if self.rules is not None else {}),
            **({"hubs": [vars(hub).copy() for hub in self.hubs]} if self.hubs else {}),
            **({"starts": [dict(start) for start in self.starts]} if self.starts else {}),
        }

    def sha256(self) -> str:
        """The digest of the plan's content (key order and spacing do not matter)."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _read_space(data: Any) -> Space:
    with _as_damage("space"):
        return Space.from_json(data)


def _read_costs(data: Any) -> CostProgram:
    with _as_damage("costs"):
        return CostProgram.from_json(data)


@contextmanager
def _as_damage(section: str) -> Iterator[None]:
    """A section that is read without looking at each key: whatever fails there is damage."""
    try:
        yield
    except AutomlcError as error:
        raise AutomlcError(f"plan.json: {section!r} is damaged: {error.message}") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise AutomlcError(f"plan.json: {section!r} is damaged: {error!r}") from None


def load_plan(path: Path) -> Plan:
    """Read plan.json; AutomlcError if it is absent or not a plan."""
    try:
        data = read_json(path, "compile the project again")
    except FileNotFoundError:
        raise AutomlcError(f"{path} does not exist", "is this a compiled project?") from None
    with naming("plan.json", path):
        return Plan.from_json(data)
