"""Clauses, proofs and answers: what is asked of a space, and what can be said."""

from __future__ import annotations

from typing import TypeAlias

from automlc.runtime.plan import Constraint
from automlc.spec.domains import Config, Domain
from automlc.spec.expressions import Expr, to_text
from automlc.spec.record import record


@record
class Bound:
    """A constraint as a clause."""

    constraint: Constraint

    @property
    def text(self) -> str:
        return self.constraint.text


@record
class Forbidden:
    """A forbidden combination as a clause: it is met where the combination does not apply."""

    expr: Expr

    @property
    def text(self) -> str:
        return f"forbidden: {to_text(self.expr)}"


@record
class Active:
    """The clause that a parameter exists."""

    name: str

    @property
    def text(self) -> str:
        return f"{self.name} is active"


Clause: TypeAlias = Bound | Forbidden | Active


@record
class Leaf:
    """A box in which a clause is met by nothing: its place among the clauses."""

    clause: int


@record
class Split:
    """A box that was divided: the parts of one parameter's domain, and the proof for each."""

    name: str
    parts: tuple[Domain, ...]
    proofs: tuple[Proof, ...]


Proof: TypeAlias = Leaf | Split


@record
class Found:
    """A configuration that meets all clauses."""

    config: Config


@record
class Impossible:
    """None does, and why."""

    proof: Proof


@record
class Unknown:
    """The limit was reached."""

    reason: str


Answer: TypeAlias = Found | Impossible | Unknown


@record
class Smallest:
    """The smallest (or largest) cost over the allowed configurations.

    `value` is exact where `config` has it and `proven` is true; else the cost is at least (at
    most) `bound`.
    """

    value: float
    config: Config
    bound: float
    proven: bool
