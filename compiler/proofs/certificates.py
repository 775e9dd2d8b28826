"""Certificates: why a value is in no configuration that meets the constraints, and a check of it.

The check trusts no search: it walks the recorded division of the space, holds that the parts of
each split are the whole, and evaluates the one clause that each part is said to break.
"""

from __future__ import annotations

from automlc.compiler.proofs.boxes import Box, whole
from automlc.compiler.proofs.feasibility import Clause, Proof, Solver, Split
from automlc.runtime.costs import CostProgram
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Space
from automlc.spec.expressions import literal_text, same
from automlc.spec.record import record


@record
class Certificate:
    """No configuration with `name` in `part` meets `clauses`; `needs` says it in one sentence."""

    name: str
    part: Fixed | Integer
    clauses: tuple[Clause, ...]
    proof: Proof
    needs: str

    @property
    def what(self) -> str:
        """The removed values: `width = 96`, or `width from 97 to 128`."""
        if isinstance(self.part, Fixed):
            return f"{self.name} = {literal_text(self.part.value)}"
        if self.part.low == self.part.high:
            return f"{self.name} = {self.part.low}"
        return f"{self.name} from {self.part.low} to {self.part.high}"


def check(certificate: Certificate, space: Space, costs: CostProgram) -> bool:
    """Whether the proof of a certificate holds for a space and its costs."""
    if certificate.name not in space:
        return False
    solver = Solver(space, costs)
    box = {**whole(space), certificate.name: certificate.part}
    return _holds(certificate.proof, certificate.clauses, box, solver)


def _holds(proof: Proof, clauses: tuple[Clause, ...], box: Box, solver: Solver) -> bool:
    if isinstance(proof, Split):
        if proof.name not in box or len(proof.parts) != len(proof.proofs):
            return False
        if not covers(proof.parts, box[proof.name]):
            return False
        return all(
            _holds(below, clauses, {**box, proof.name: part}, solver)
            for part, below in zip(proof.parts, proof.proofs, strict=True)
        )
    if not 0 <= proof.clause < len(clauses):
        return False
    clause = clauses[proof.clause]
    active = solver.activity(box)
    if solver.met([clause], box, active) == [False]:
        return True
    # Only a box with a single configuration may be answered by evaluating that one.
    if solver.to_split(box, active, solver.relevant(clauses)) is not None:
        return False
    return all(solver.failed([clause], config) == 0 for config in solver.corners(box))


def covers(parts: tuple[Domain, ...], domain: Domain) -> bool:
    """Whether parts leave out nothing of a domain."""
    match domain:
        case Choice() | Fixed():
            values = domain.values if isinstance(domain, Choice) else (domain.value,)
            return all(
                any(isinstance(p, Fixed) and same(p.value, value) for p in parts)
                for value in values
            )
        case Integer():
            reached = domain.low
            for part in parts:
                if not isinstance(part, Integer) or part.step != domain.step:
                    return False
                if part.low > reached or (part.low - domain.low) % domain.step:
                    return False
                reached = max(reached, part.high + domain.step)
            return reached > domain.high
        case Float():
            end = domain.low
            for part in parts:
                if not isinstance(part, Float) or part.low > end:
                    return False
                end = max(end, part.high)
            return end >= domain.high
