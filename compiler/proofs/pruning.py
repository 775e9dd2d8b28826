"""Which values are in no configuration that meets the constraints, each with its certificate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from automlc.compiler.proofs.answers import (
    Active,
    Answer,
    Bound,
    Clause,
    Impossible,
    Proof,
    Split,
    Unknown,
)
from automlc.compiler.proofs.boxes import Box, whole
from automlc.compiler.proofs.certificates import UNLIMITED, Certificate, remaining
from automlc.compiler.proofs.classes import members
from automlc.compiler.proofs.feasibility import Solver
from automlc.runtime.plan import Constraint
from automlc.spec.domains import Choice, Domain, Fixed, Integer, Parameter

EXPLAINING = 60_000  # steps for the inequalities of all removed values, and of one
ONE = 2_000
QUICK = 5  # the part of a question's steps that is spent on it at first
SINGLY = 64  # values of an integer that are each looked at; of a longer one only the ends are


@dataclass
class Pruner:
    """Looks at the values of every parameter that the clauses can depend on.

    What is ruled out is left out of the space from then on, so a certificate relies on those
    before it. What is not soon decided is asked once more at the end, with more patience.
    """

    solver: Solver
    clauses: Sequence[Clause]
    left_open: str = ""  # why not all values were decided
    found: list[Certificate] = field(default_factory=list)

    def certificates(self) -> Sequence[Certificate]:
        """One for each removed value, or for each run of removed values of an integer."""
        relevant = self.solver.relevant(self.clauses)
        parameters = [p for p in self.solver.space.parameters if p.name in relevant]
        space, costs = self.solver.space, self.solver.costs
        self._box = whole(space)
        self._explainer = Solver(space, costs, EXPLAINING, ONE)
        self._unlimited = Solver(space, costs, UNLIMITED, UNLIMITED)
        patience = self.solver.most
        for self.solver.most in (patience // QUICK, patience):
            if self.solver.work > 0:
                self.left_open = ""
                parameters = [p for p in parameters if not self._decide(p)]
        return self.found

    def _decide(self, parameter: Parameter) -> bool:
        """Removes what no configuration has; whether all values were decided."""
        self._open = False
        for part in self._parts(parameter):
            self._rule_out(parameter, part)
        return not self._open

    def _rule_out(self, parameter: Parameter, part: Fixed | Integer) -> None:
        answer = self._ask(parameter, part)
        if isinstance(answer, Impossible):
            clauses = (*self.clauses, Active(parameter.name))
            needs = self._needs(part, parameter, answer.proof)
            self.found.append(Certificate(parameter.name, part, clauses, answer.proof, needs))
            self._box = remaining(self.solver.space, self.found)

    def _parts(self, parameter: Parameter) -> Iterator[Fixed | Integer]:
        domain, gone = parameter.domain, [c.part for c in self.found if c.name == parameter.name]
        if isinstance(domain, Choice):
            for value in domain.values:
                if Fixed(value) not in gone:
                    yield Fixed(value)
        elif isinstance(domain, Integer):
            for low, high in self._runs(parameter, domain):
                if Integer(low, high, domain.step) not in gone:
                    yield Integer(low, high, domain.step)

    def _ask(self, parameter: Parameter, part: Domain) -> Answer:
        if self.solver.work <= 0:
            answer: Answer = Unknown(f"not decided within {self.solver.limit:,} steps")
        else:
            box = {**self._box, parameter.name: part}
            answer = self.solver.solve((*self.clauses, Active(parameter.name)), box)
        if isinstance(answer, Unknown):
            self.left_open = answer.reason
            self._open = True
        return answer

    def _none(self, parameter: Parameter, low: int, high: int, step: int) -> bool:
        return isinstance(self._ask(parameter, Integer(low, high, step)), Impossible)

    def _runs(self, parameter: Parameter, domain: Integer) -> list[tuple[int, int]]:
        """Stretches of an integer's grid that may go, as first and last value."""
        grid = members(domain)
        if len(grid) > SINGLY:
            return self._ends(parameter, domain)
        runs: list[tuple[int, int]] = []
        for value in grid:
            assert isinstance(value, int)
            if not self._none(parameter, value, value, domain.step):
                continue
            if runs and runs[-1][1] + domain.step == value:
                runs[-1] = (runs[-1][0], value)
            else:
                runs.append((value, value))
        return runs

    def _ends(self, parameter: Parameter, domain: Integer) -> list[tuple[int, int]]:
        """The longest beginning and end without a configuration, by bisection."""
        step, last = domain.step, (domain.high - domain.low) // domain.step

        def at(index: int) -> int:
            return domain.low + index * step

        below = _most(last + 1, lambda n: self._none(parameter, at(0), at(n - 1), step))
        if below == last + 1:
            return [(at(0), at(last))]
        above = _most(last + 1, lambda n: self._none(parameter, at(last + 1 - n), at(last), step))
        runs = [(at(0), at(below - 1))] if below else []
        return [*runs, (at(last + 1 - above), at(last))] if above else runs

    def _needs(self, part: Fixed | Integer, parameter: Parameter, proof: Proof) -> str:
        """The inequality that keeps the values out: with the exact extreme where it is soon found,
        else with what the proof bounds."""
        clauses = (*self.clauses, Active(parameter.name))
        box = {**self._box, parameter.name: part}
        broken = broken_by(proof, clauses)
        bounds = [c.constraint for c in broken if isinstance(c, Bound)]
        if len(bounds) != 1 or bounds[0].op == "==":
            texts = [c.text for c in broken if not isinstance(c, Active)]
            return f"no configuration has it with {' and '.join(texts) or 'the others'}"
        bound = bounds[0]
        largest = bound.op in (">=", ">")
        others = [c for c in broken if not isinstance(c, Bound)]
        best = None
        if self._explainer.work > 0:
            best = self._explainer.smallest(bound.metric, others, largest=largest, box=box)
        value = best.value if best is not None and best.proven else None
        if value is None:
            value = bounded_by(proof, clauses, box, self._unlimited, bound)
        if largest:
            return f"needs {bound.metric} <= {value:,}, less than {bound.bound:,}"
        return f"needs {bound.metric} >= {value:,}, more than {bound.bound:,}"


def broken_by(proof: Proof, clauses: Sequence[Clause]) -> list[Clause]:
    """The clauses that a proof relies on, in their order."""
    found: set[int] = set()
    below = [proof]
    while below:
        one = below.pop()
        if isinstance(one, Split):
            below += one.proofs
        else:
            found.add(one.clause)
    return [clauses[i] for i in sorted(found)]


def bounded_by(
    proof: Proof, clauses: Sequence[Clause], box: Box, solver: Solver, bound: Constraint
) -> float:
    """What a proof says of a cost: its least (largest) value over the parts that this excludes."""
    sign = -1 if bound.op in (">=", ">") else 1
    if isinstance(proof, Split):
        pairs = zip(proof.parts, proof.proofs, strict=True)
        values = [
            sign * bounded_by(below, clauses, {**box, proof.name: part}, solver, bound)
            for part, below in pairs
        ]
        return sign * min(values)
    if not isinstance(clauses[proof.clause], Bound):
        return sign * math.inf
    some = solver.costs_on({bound.metric}, box, solver.activity(box))[bound.metric]
    ends = [some.low if sign > 0 else -some.high]
    if not solver.is_divided(box):  # one configuration, which was evaluated
        ends += [
            sign * cost[bound.metric]
            for cost in (solver.cost_of(c, frozenset({bound.metric})) for c in solver.corners(box))
            if cost
        ]
    return sign * max(ends)


def _most(limit: int, holds: object) -> int:
    """The largest n up to the limit for which a property holds that ends once."""
    assert callable(holds)
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
