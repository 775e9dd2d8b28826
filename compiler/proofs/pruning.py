"""Which values are in no configuration that meets the constraints, each with its certificate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from automlc.compiler.proofs.boxes import whole
from automlc.compiler.proofs.certificates import Certificate
from automlc.compiler.proofs.classes import members
from automlc.compiler.proofs.conflict import minimal_conflict
from automlc.compiler.proofs.feasibility import (
    Active,
    Answer,
    Bound,
    Clause,
    Forbidden,
    Impossible,
    Solver,
    Unknown,
)
from automlc.spec.domains import Choice, Domain, Fixed, Integer, Parameter

SINGLY = 64  # values of an integer that are each looked at; of a longer one only the ends are


@dataclass
class Pruner:
    """Looks at the values of every parameter that the clauses can depend on."""

    solver: Solver
    clauses: Sequence[Clause]
    left_open: str = ""  # why not all values were decided

    def certificates(self) -> Iterator[Certificate]:
        """One for each removed value, or for each run of removed values of an integer."""
        relevant = self.solver.relevant(self.clauses)
        for parameter in self.solver.space.parameters:
            if parameter.name not in relevant:
                continue
            for part, answer in self._removed(parameter):
                clauses = (*self.clauses, Active(parameter.name))
                yield Certificate(
                    parameter.name, part, clauses, answer.proof, self._needs(parameter, part)
                )

    def _removed(self, parameter: Parameter) -> Iterator[tuple[Fixed | Integer, Impossible]]:
        domain = parameter.domain
        if isinstance(domain, Choice):
            for value in domain.values:
                answer = self._ask(parameter, Fixed(value))
                if isinstance(answer, Impossible):
                    yield Fixed(value), answer
        elif isinstance(domain, Integer):
            runs = self._runs(parameter, domain)
            for low, high in runs:
                part = Integer(low, high, domain.step)
                answer = self._ask(parameter, part)
                if isinstance(answer, Impossible):
                    yield part, answer

    def _ask(self, parameter: Parameter, part: Domain) -> Answer:
        box = {**whole(self.solver.space), parameter.name: part}
        answer = self.solver.solve((*self.clauses, Active(parameter.name)), box)
        if isinstance(answer, Unknown):
            self.left_open = answer.reason
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

    def _needs(self, parameter: Parameter, part: Fixed | Integer) -> str:
        """The inequality that keeps the values out."""
        box = {**whole(self.solver.space), parameter.name: part}
        active = Active(parameter.name)
        conflict = minimal_conflict(self.solver, (*self.clauses, active), box)
        bounds = [c.constraint for c in conflict if isinstance(c, Bound)]
        others = [c for c in conflict if isinstance(c, Forbidden)]
        if len(bounds) != 1:
            texts = [c.text for c in conflict if not isinstance(c, Active)]
            return f"no configuration has it with {' and '.join(texts)}"
        bound = bounds[0]
        largest = bound.op in (">=", ">")
        best = self.solver.smallest(bound.metric, (*others, active), largest=largest, box=box)
        if best is None or bound.op == "==":
            return f"no configuration has it with {bound.text}"
        if largest:
            return f"needs {bound.metric} <= {best.bound:,}, less than {bound.bound:,}"
        return f"needs {bound.metric} >= {best.bound:,}, more than {bound.bound:,}"


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
