"""Certificates: why a value is in no configuration that meets the constraints, and a check of it.

The check trusts no search: it walks the recorded division of the space, holds that the parts of
each split are the whole, and evaluates the one clause that each part is said to break.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from automlc.compiler.proofs.answers import Clause, Proof, Split
from automlc.compiler.proofs.boxes import Box, whole
from automlc.compiler.proofs.feasibility import Solver
from automlc.runtime.costs import CostProgram
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Space
from automlc.spec.expressions import Scalar, literal_text, same
from automlc.spec.record import record

UNLIMITED = 2**62  # steps: a recorded proof is as long as it is


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


def check(
    certificate: Certificate,
    space: Space,
    costs: CostProgram,
    earlier: Sequence[Certificate] = (),
) -> bool:
    """Whether the proof of a certificate holds for a space and its costs.

    What `earlier` certificates rule out is left out of the space; they must have been checked.
    """
    if certificate.name not in space:
        return False
    solver = Solver(space, costs, UNLIMITED, UNLIMITED)
    box = {**remaining(space, earlier), certificate.name: certificate.part}
    return _holds(certificate.proof, certificate.clauses, box, solver)


def check_all(certificates: Sequence[Certificate], space: Space, costs: CostProgram) -> bool:
    """Whether each holds, given those before it."""
    return all(check(c, space, costs, certificates[:i]) for i, c in enumerate(certificates))


def remaining(space: Space, certificates: Sequence[Certificate]) -> Box:
    """The space without what certificates rule out; a domain that would be empty stays whole."""
    left: dict[str, Domain | None] = dict(whole(space))
    for one in certificates:
        domain = left[one.name]
        left[one.name] = None if domain is None else without(domain, one.part)
    return {name: space[name].domain if d is None else d for name, d in left.items()}


def without(domain: Domain, part: Fixed | Integer) -> Domain | None:
    """A domain without a value, or without a stretch at one of its ends; None for no domain."""
    match domain, part:
        case Choice(), Fixed():
            left = tuple(v for v in domain.values if not same(v, part.value))
            return Choice(left) if left else None
        case Integer(), Integer():
            low, high = domain.low, domain.high - (domain.high - domain.low) % domain.step
            if part.low <= low:
                low = max(low, part.high + domain.step)
            elif part.high >= high:
                high = min(high, part.low - domain.step)
            return replace(domain, low=low, high=high) if low <= high else None
        case _:
            return domain


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
            found = [v for part in parts for v in _listed(part)]
            return all(any(same(one, value) for one in found) for value in values)
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


def _listed(domain: Domain) -> tuple[Scalar, ...]:
    match domain:
        case Choice():
            return domain.values
        case Fixed():
            return (domain.value,)
        case _:
            return ()
