"""Branch and bound: is there a configuration that meets all clauses, and which cost is smallest?

A box is answered by intervals where they suffice and split where they do not: choices by value,
numbers in half. A box that holds a single configuration is answered by evaluating it. The number
of steps is limited and does not depend on the machine, so the answer is always the same: yes with
a configuration, no with a proof, or unknown.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from automlc.compiler.proofs.answers import (
    Active,
    Answer,
    Bound,
    Clause,
    Forbidden,
    Found,
    Impossible,
    Leaf,
    Proof,
    Smallest,
    Split,
    Unknown,
)
from automlc.compiler.proofs.boxes import Box, Evaluator, Some, Truth, holds, whole
from automlc.compiler.proofs.dividing import divide, highest, lowest, some_values, spread, usual
from automlc.compiler.symbolic import compact
from automlc.runtime.costs import CostProgram
from automlc.runtime.plan import Constraint
from automlc.spec.domains import Config, Parameter, Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Expr, ExpressionError, Scalar, evaluate, names
from automlc.spec.record import record

MAX_WORK = 250_000  # instructions that are run on boxes, for one spec
REMEMBERED = 12  # configurations near which a question first looks for an answer
MAX_DEPTH = 200  # splits below one another
LARGEST = 2**63  # no cost may be larger


@record
class Open:
    """A box to divide: by which parameter, and how much room its costs leave within the bounds."""

    name: str
    room: float


class OutOfWork(Exception):
    """The limit of steps is reached."""


@dataclass
class Solver:
    """Questions about one space and one cost program, with one limit for all of them."""

    space: Space
    costs: CostProgram
    work: int = MAX_WORK  # steps left
    most: int = MAX_WORK  # steps of one question
    witnesses: list[Config] = field(default_factory=list)
    _slices: dict[frozenset[str], CostProgram] = field(default_factory=dict)
    _evaluators: dict[frozenset[str], Evaluator] = field(default_factory=dict)
    _known: dict[object, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What holds for every box."""
        self.limit = self.work
        self._always = {p.name: True for p in self.space.parameters if p.when is None}
        self._conditional = [p for p in self.space.parameters if p.when is not None]
        self._asks = {p.name: names(p.when) for p in self._conditional if p.when is not None}
        self._last: dict[str, tuple[tuple[object, ...], Truth]] = {}

    # One box --------------------------------------------------------------------------------

    def activity(self, box: Box) -> dict[str, Truth]:
        """Which parameters exist: in all, in none or in some configurations of a box."""
        active: dict[str, Truth] = dict(self._always)
        for parameter in self._conditional:
            assert parameter.when is not None
            name, read = parameter.name, self._asks[parameter.name]
            key = tuple(v for n in read for v in (box[n], active[n]))
            before = self._last.get(name)
            if before is not None and all(a is b for a, b in zip(before[0], key, strict=True)):
                active[name] = before[1]
                continue
            self._spend(10)
            active[name] = self._activity(parameter, active, box)
            self._last[name] = (key, active[name])
        return active

    def _activity(self, parameter: Parameter, known: Mapping[str, Truth], box: Box) -> Truth:
        if parameter.when is None:
            return True
        needed = [known[name] for name in names(parameter.when)]
        if False in needed:
            return False
        value = holds(parameter.when, box)
        return value if value is False or None not in needed else None

    def met(self, clauses: Sequence[Clause], box: Box, active: Mapping[str, Truth]) -> list[Truth]:
        """Whether each clause is met in all, in none or in some configurations of a box."""
        bounds = {c.constraint.metric for c in clauses if isinstance(c, Bound)}
        costs = self.costs_on(bounds, box, active)
        return [self._is_met(clause, box, active, costs) for clause in clauses]

    def _is_met(
        self, clause: Clause, box: Box, active: Mapping[str, Truth], costs: Mapping[str, Some]
    ) -> Truth:
        match clause:
            case Active():
                return active[clause.name]
            case Forbidden():
                return self._avoids(clause.expr, box, active)
            case Bound():
                return within(costs[clause.constraint.metric], clause.constraint)

    def _avoids(self, expr: Expr, box: Box, active: Mapping[str, Truth]) -> Truth:
        needed = [active[name] for name in names(expr)]
        if False in needed:
            return True
        value = holds(expr, box)
        if value is False:
            return True
        return False if value and None not in needed else None

    def costs_on(self, metrics: set[str], box: Box, active: Mapping[str, Truth]) -> dict[str, Some]:
        """What the costs may be on a box."""
        if not metrics:
            return {}
        wanted = frozenset(metrics)
        program = self._slice(wanted)
        evaluator = self._evaluators.setdefault(wanted, Evaluator(program.code))
        before = evaluator.steps
        values = evaluator.run(box, active)
        self._spend(4 * (evaluator.steps - before) + len(program.code) // 16)
        return {name: values[program.outputs[name]] for name in metrics}

    def _spend(self, steps: int) -> None:
        self.work -= steps
        if self.work < 0:
            raise OutOfWork

    def _slice(self, metrics: frozenset[str]) -> CostProgram:
        if metrics not in self._slices:
            wanted = {name: self.costs.outputs[name] for name in sorted(metrics)}
            self._slices[metrics] = compact(list(self.costs.code), wanted)
        return self._slices[metrics]

    def relevant(
        self, clauses: Sequence[Clause], metrics: frozenset[str] = frozenset()
    ) -> set[str]:
        """The parameters that the clauses and costs can depend on."""
        wanted = {c.constraint.metric for c in clauses if isinstance(c, Bound)} | metrics
        read: set[str] = set()
        if wanted:
            program = self._slice(frozenset(wanted))
            read |= {str(i[1]) for i in program.code if i[0] == "param"}
        for clause in clauses:
            if isinstance(clause, Forbidden):
                read |= names(clause.expr)
            elif isinstance(clause, Active):
                read.add(clause.name)
        for parameter in reversed(self.space.parameters):
            if parameter.name in read and parameter.when is not None:
                read |= names(parameter.when)
        return read

    # One configuration ----------------------------------------------------------------------

    def failed(self, clauses: Sequence[Clause], config: Config) -> int | None:
        """The first clause that a configuration does not meet; None if it meets all."""
        costs: Mapping[str, float] = {}
        bounds = [c for c in clauses if isinstance(c, Bound)]
        if bounds:
            costs = self.cost_of(config, frozenset(c.constraint.metric for c in bounds))
        for index, clause in enumerate(clauses):
            match clause:
                case Bound():
                    good = clause.constraint.holds(costs)
                case Forbidden():
                    good = not applies(clause.expr, config)
                case Active():
                    good = clause.name in config
            if not good:
                return index
        return None

    def cost_of(self, config: Config, metrics: frozenset[str]) -> Mapping[str, float]:
        """These costs of a configuration; none where one of them is undefined."""
        key = (tuple(config.items()), metrics)
        if key not in self._known:
            program = self._slice(metrics)
            self._spend(len(program.code) // 8)
            try:
                self._known[key] = program.evaluate(config)
            except AutomlcError:
                self._known[key] = {}
        return self._known[key]

    def corners(self, box: Box) -> list[Config]:
        """A few configurations of a box: smallest, default and largest values."""
        out: list[Config] = []
        for pick in (lowest, usual, highest):
            config = self.space.build(lambda p, pick=pick: pick(p, box[p.name]))  # type: ignore[misc]
            if config not in out:
                out.append(config)
        return out

    def moved(self, config: Config, box: Box) -> Config:
        """A configuration of a box near another: what the other has, where the box allows it."""

        def pick(parameter: Parameter) -> Scalar:
            value, domain = config.get(parameter.name), box[parameter.name]
            known = parameter.name in config and domain.contains(value)
            return value if known else lowest(parameter, domain)

        return self.space.build(pick)

    # Questions ------------------------------------------------------------------------------

    def solve(self, clauses: Sequence[Clause], box: Box | None = None) -> Answer:
        """Whether some configuration of a box meets all clauses."""
        start = whole(self.space) if box is None else box
        spared = self._spare()
        try:
            for config in reversed(self.witnesses[-REMEMBERED:]):
                self._spend(2 * len(self.space))
                near = self.moved(config, start)
                if self.failed(clauses, near) is None:
                    if near not in self.witnesses:
                        self.witnesses.append(near)
                    return Found(near)
            relevant = self.relevant(clauses)
            found = self._descend(clauses, start, relevant)
            answer: Answer = found or self._search(clauses, start, relevant, 0)
        except OutOfWork:
            limit = min(self.most, self.limit)
            return Unknown(f"not decided within {limit:,} steps")
        except ExpressionError as error:
            return Unknown(f"a condition has no value somewhere: {error.message}")
        finally:
            self.work = max(self.work, 0) + spared
        if isinstance(answer, Found):
            self.witnesses.append(answer.config)
        return answer

    def _descend(self, clauses: Sequence[Clause], box: Box, relevant: set[str]) -> Found | None:
        """A configuration found by changing one value at a time, as long as less is missing."""
        tried = [self.moved(c, box) for c in self.witnesses[-1:]] + self.corners(box)
        missing = [self._missing(clauses, config) for config in tried]
        least = min(missing)
        config, every = tried[missing.index(least)], False
        while least > 0:
            best = self._step_down(clauses, box, relevant, config, least, every)
            if best is None and every:
                return None
            every = best is None  # the ends first, all values where these do not help
            config, least = best or (config, least)
        return Found(config) if self.failed(clauses, config) is None else None

    def _step_down(
        self,
        clauses: Sequence[Clause],
        box: Box,
        relevant: set[str],
        config: Config,
        least: float,
        every: bool,
    ) -> tuple[Config, float] | None:
        """One pass over the parameters; None where no single change leaves less missing."""
        found: tuple[Config, float] | None = None
        for parameter in self.space.parameters:
            name = parameter.name
            if name not in relevant or name not in config:
                continue
            for value in some_values(box[name], every):
                if name not in config or config[name] == value:
                    continue
                other = self.moved({**config, name: value}, box)
                missing = self._missing(clauses, other)
                if missing < least:
                    config, least = other, missing
                    found = (config, least)
                    if least == 0:
                        return found
        return found

    def _missing(self, clauses: Sequence[Clause], config: Config) -> float:
        """How far a configuration is from meeting all clauses."""
        self._spend(2 * len(self.space))
        wanted = frozenset(c.constraint.metric for c in clauses if isinstance(c, Bound))
        costs = self.cost_of(config, wanted) if wanted else {}
        missing = 0.0
        for clause in clauses:
            match clause:
                case Bound():
                    missing += clause.constraint.violation(costs)
                case Forbidden():
                    missing += applies(clause.expr, config)
                case Active():
                    missing += clause.name not in config
        return missing

    def _search(
        self, clauses: Sequence[Clause], box: Box, relevant: set[str], depth: int
    ) -> Answer:
        looked = self._look(clauses, box, relevant)
        if not isinstance(looked, Open):
            return looked
        return self._divide(clauses, box, relevant, looked.name, depth)

    def _look(self, clauses: Sequence[Clause], box: Box, relevant: set[str]) -> Answer | Open:
        """What can be said of a box without dividing it."""
        self._spend(20 + 3 * len(self.space))
        active = self.activity(box)
        bounds = {c.constraint.metric for c in clauses if isinstance(c, Bound)}
        costs = self.costs_on(bounds, box, active)
        met = [self._is_met(clause, box, active, costs) for clause in clauses]
        if False in met:
            return Impossible(Leaf(met.index(False)))
        for config in self.corners(box):
            failed = self.failed(clauses, config)
            if failed is None:
                return Found(config)
        name = self._asked(clauses, box, active) or self.to_split(box, active, relevant)
        if name is None:
            assert failed is not None
            return Impossible(Leaf(failed))
        pairs = [(costs[c.constraint.metric], c.constraint) for c in clauses if type(c) is Bound]
        return Open(name, min((room(*pair) for pair in pairs), default=1.0))

    def _divide(
        self, clauses: Sequence[Clause], box: Box, relevant: set[str], name: str, depth: int
    ) -> Answer:
        """The parts of a box; the one with the most room within the bounds is searched first."""
        parts = divide(box[name])
        if depth >= MAX_DEPTH or not parts:
            return Unknown(f"{name} would have to be divided without end")
        proofs: dict[int, Proof] = {}
        left: list[tuple[float, int, str]] = []
        for index, part in enumerate(parts):
            looked = self._look(clauses, {**box, name: part}, relevant)
            match looked:
                case Found():
                    return looked
                case Impossible():
                    proofs[index] = looked.proof
                case Open():
                    left.append((-looked.room, index, looked.name))
        unknown: Unknown | None = None
        for _, index, below in sorted(left):
            inner = {**box, name: parts[index]}
            answer = self._divide(clauses, inner, relevant, below, depth + 1)
            match answer:
                case Found():
                    return answer
                case Impossible():
                    proofs[index] = answer.proof
                case Unknown():
                    unknown = answer
        if unknown is not None:
            return unknown
        return Impossible(Split(name, parts, tuple(proofs[i] for i in range(len(parts)))))

    def is_divided(self, box: Box) -> bool:
        """Whether a box may hold more than one configuration."""
        return self.to_split(box, self.activity(box), set(self.space.names)) is not None

    def _asked(
        self, clauses: Sequence[Clause], box: Box, active: Mapping[str, Truth]
    ) -> str | None:
        """What is to be known first for a parameter to exist that must."""
        wanted = [c.name for c in clauses if isinstance(c, Active)]
        while wanted:
            parameter = self.space[wanted.pop()]
            if parameter.when is None or active[parameter.name] is True:
                continue
            for name in sorted(self._asks[parameter.name]):
                wanted.append(name)
                if active[name] is not False and spread(box[name]) > 0 and divide(box[name]):
                    return name
        return None

    def to_split(self, box: Box, active: Mapping[str, Truth], relevant: set[str]) -> str | None:
        """The parameter whose division promises most: what decides between sizes far apart.

        It looks at the box whose costs were computed last.
        """
        best: tuple[float, float, str] | None = None
        decides: dict[str, float] = {}
        for evaluator in self._evaluators.values():
            for name, weight in evaluator.undecided():
                decides[name] = decides.get(name, 0.0) + weight
        for parameter in self.space.parameters:
            name = parameter.name
            if name not in relevant or active[name] is False:
                continue
            width = spread(box[name])
            rank = (decides.get(name, 0.0), width, name)
            if width > 0 and (best is None or rank[:2] > best[:2]):
                best = rank
        return None if best is None else best[2]

    def smallest(
        self,
        metric: str,
        clauses: Sequence[Clause],
        *,
        largest: bool = False,
        box: Box | None = None,
    ) -> Smallest | None:
        """The smallest (largest) cost under clauses; None where nothing meets them, as far as
        was looked."""
        start = whole(self.space) if box is None else box
        spared = self._spare()
        try:
            return _Minimum(self, metric, tuple(clauses), -1 if largest else 1).run(start)
        finally:
            self.work = max(self.work, 0) + spared

    def _spare(self) -> int:
        """Put aside what one question may not spend; returns how much that is."""
        spared = max(0, self.work - self.most)
        self.work -= spared
        return spared


@dataclass
class _Minimum:
    """Best first: the box that may have the smallest cost is looked at next."""

    solver: Solver
    metric: str
    clauses: tuple[Clause, ...]
    sign: int
    best: float = math.inf
    config: Config | None = None

    def run(self, start: Box) -> Smallest | None:
        solver = self.solver
        self._relevant = solver.relevant(self.clauses, frozenset({self.metric}))
        self._heap: list[tuple[float, int, Box, str | None]] = []
        order, bound, proven = 0, -math.inf, True
        try:
            self._push(start, order)
            while self._heap:
                bound, _, box, name = heapq.heappop(self._heap)
                if bound >= self.best:
                    break
                parts = divide(box[name]) if name is not None else ()
                if name is not None and not parts:
                    proven = False
                    break
                for part in parts:
                    order += 1
                    assert name is not None
                    self._push({**box, name: part}, order)
            else:
                bound = self.best
        except (OutOfWork, ExpressionError):
            proven = False
        if self.config is None:
            return None
        low = self.best if proven else min(bound, self.best)
        return Smallest(self.sign * self.best, self.config, self.sign * low, proven)

    def _push(self, box: Box, order: int) -> None:
        solver = self.solver
        active = solver.activity(box)
        if False in solver.met(self.clauses, box, active):
            return
        some = solver.costs_on({self.metric}, box, active)[self.metric]
        low = some.low if self.sign > 0 else -some.high
        for config in solver.corners(box):
            costs = solver.cost_of(config, frozenset({self.metric}))
            cost = self.sign * costs.get(self.metric, math.inf)
            if costs and cost < self.best and solver.failed(self.clauses, config) is None:
                self.best, self.config = cost, config
        if low < self.best:
            name = solver.to_split(box, active, self._relevant)
            heapq.heappush(self._heap, (low, order, box, name))


def within(cost: Some, constraint: Constraint) -> Truth:
    """Whether a cost is within a bound for all, none or some of the values it may have."""
    if cost.few == () and cost.absent:
        return False  # undefined in every configuration
    op, bound = constraint.op, constraint.bound
    if op in (">=", ">"):
        low, high, bound = -cost.high, -cost.low, -bound
    else:
        low, high = cost.low, cost.high
    if op == "==":
        never, always = not low <= bound <= high, low == high == bound
    elif op in ("<", ">"):
        never, always = low >= bound, high < bound
    else:
        never, always = low > bound, high <= bound
    if never:
        return False
    sure = not cost.absent and cost.number and max(abs(cost.low), abs(cost.high)) < LARGEST
    return True if always and sure else None


def room(cost: Some, constraint: Constraint) -> float:
    """The part of the values which a cost may have that is within a bound, roughly: for order."""
    low, high, bound = cost.low, cost.high, constraint.bound
    if math.isinf(low) or math.isinf(high) or constraint.op == "==":
        return 0.5
    part = (bound - low) / max(high - low, 1.0)
    return min(1.0, max(0.0, part if constraint.op in ("<=", "<") else 1.0 - part))


def applies(expr: Expr, config: Config) -> bool:
    """Whether a forbidden combination rules a configuration out."""
    return names(expr) <= config.keys() and evaluate(expr, config) is True


def inside(config: Config, box: Box) -> bool:
    """Whether a configuration lies in a box."""
    return all(box[name].contains(value) for name, value in config.items())


def is_sure(solver: Solver, constraint: Constraint, forbidden: Sequence[Clause], box: Box) -> bool:
    """Whether every allowed configuration of a box is proven to meet a constraint.

    An undefined cost meets nothing, so the search is for a box on which the bound is not certain.
    """
    clause = Bound(constraint)
    relevant = solver.relevant([clause, *forbidden])
    boxes = [box]
    try:
        while boxes:
            one = boxes.pop()
            active = solver.activity(one)
            met, *others = solver.met([clause, *forbidden], one, active)
            if met or False in others:
                continue
            if met is False and None not in others:
                return False
            for config in solver.corners(one):
                if solver.failed([clause, *forbidden], config) == 0:
                    allowed = solver.failed(forbidden, config) is None
                    if allowed:
                        return False
            name = solver.to_split(one, active, relevant)
            if name is None:
                continue  # one configuration, and it was looked at
            parts = divide(one[name])
            if not parts:
                return False
            boxes += [{**one, name: part} for part in parts]
    except OutOfWork:
        return False
    return True
