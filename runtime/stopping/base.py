"""The contract of a stopping policy: after an epoch it answers continue or stop, and why.

A policy remembers nothing. It is asked after each epoch but the last, when that epoch is already
in the store, and sees the other trials only through `EpochHistory`. Laws that every policy keeps
(tests/runtime/test_stopping.py): the first trial is never stopped, nor is the best one at its
epoch, and a better value never turns continue into stop.

To add one: a file here with a class that meets `StoppingPolicy`, registered by
`@POLICIES.add("name")`, and its name in `__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from automlc.runtime.registry import Registry
from automlc.runtime.searchers.base import NoOptions, read_options
from automlc.spec.record import record

__all__ = [
    "CONTINUE",
    "POLICIES",
    "Cohort",
    "Decision",
    "EpochHistory",
    "NoOptions",
    "StoppingPolicy",
    "least_epochs",
    "make_policy",
]


@record
class Decision:
    """Stop or not, in words, and the numbers it rests on."""

    stop: bool
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


CONTINUE = Decision(stop=False)


class EpochHistory(Protocol):
    """What all trials reached, read from the store; nothing is kept in memory."""

    def best_by(self, epoch: int) -> Iterator[tuple[int, float]]:
        """(trial, best value through `epoch`) of every trial that reached that epoch."""
        ...


@record
class Cohort:
    """Trials that are compared with each other, and the epochs (1-based) after which one may end.

    `survivors`: how many of them always go on, whatever they reach and in whichever order they
    report; those that are the first to reach an epoch.
    """

    trials: int
    epochs: tuple[int, ...]
    survivors: int


class StoppingPolicy(Protocol):
    """Who ends a trial early.

    A class may have two methods besides. `first_epochs() -> int`: how many epochs a trial runs at
    least, until the policy may stop it for the first time; without it these are all epochs.
    `cohorts(numbers: range) -> tuple[Cohort, ...]`: who of the trials of these numbers is compared
    with whom; without it a plan says nothing about how many trials get how far.
    """

    Options: ClassVar[type[BaseModel]]

    def __init__(self, options: Any, goal: str, epochs: int) -> None:
        """`goal`: minimize or maximize; `epochs`: the budget of a trial."""
        ...

    def decide(self, trial: int, epoch: int, value: float, history: EpochHistory) -> Decision:
        """Whether `trial` goes on; `value` is its best through `epoch` (1-based)."""
        ...


POLICIES: Registry[type[StoppingPolicy]] = Registry("stopping policy")


def make_policy(policy: str, options: Mapping[str, Any], goal: str, epochs: int) -> StoppingPolicy:
    """The policy of that name; AutomlcError for an unknown name or option."""
    found = POLICIES.get(policy)
    return found(read_options(found.Options, options, f"stopping {policy!r}"), goal, epochs)


def least_epochs(policy: StoppingPolicy, epochs: int) -> int:
    """How many of its epochs a trial runs whatever the policy decides."""
    first: Callable[[], int] | None = getattr(policy, "first_epochs", None)
    return epochs if first is None else min(epochs, first())


def cohorts_of(policy: StoppingPolicy, numbers: range) -> tuple[Cohort, ...] | None:
    """Who is compared with whom; None for a policy that does not say."""
    told: Callable[[range], tuple[Cohort, ...]] | None = getattr(policy, "cohorts", None)
    return None if told is None else told(numbers)


def is_better(goal: str, value: float, other: float) -> bool:
    """Whether `value` is strictly better than `other`."""
    return value < other if goal == "minimize" else value > other
