"""From a searcher's proposal to a configuration that may be tried.

A proposal is refused when it is not in the space, is forbidden, breaks a constraint on a cost,
was tried before, or could not end before the wall. The searcher is then asked again with another
seed; after 100 refusals configurations are drawn uniformly, and after 1,000, or 50 for want of
time, the study ends.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from automlc.runtime.monitor.timeline import Conditions
from automlc.runtime.pace import Pace
from automlc.runtime.pacing import LATE, TOO_LATE, Pacing
from automlc.runtime.plan import Plan
from automlc.runtime.searchers import Past, Proposal, searcher_of
from automlc.runtime.seeds import derive_seed
from automlc.runtime.store import Store
from automlc.runtime.trial import State
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

ASKS = 100
TRIES = 1000
_EXAMPLES = 5
_TRIED = "it was tried before"


@record
class Accepted:
    """A configuration to try, what it costs, and the first part of its why-record."""

    config: Mapping[str, Any]
    costs: Mapping[str, Any]
    why: Mapping[str, Any]


@dataclass
class _Refusals:
    """What was refused for one trial: a few examples, and how many by reason."""

    examples: list[dict[str, Any]] = field(default_factory=list)
    past: list[Past] = field(default_factory=list)
    count: int = 0
    repeats: int = 0
    late: int = 0

    def add(self, proposal: Proposal, reason: str, *, late: bool = False) -> None:
        self.count += 1
        self.repeats += reason == _TRIED
        self.late += late
        self.past.append(Past(-1, proposal.config, "refused", None))
        if len(self.examples) < _EXAMPLES:
            self.examples.append({"config": dict(proposal.config), "reason": reason})


class Proposer:
    """Asks the plan's searcher; everything it knows it reads from the store."""

    def __init__(self, plan: Plan, store: Store, pacing: Pacing | None = None):
        self._plan = plan
        self._store = store
        self._pacing = pacing or Pacing(plan, store, lambda: 0.0)
        self._searcher = searcher_of(plan)
        # Only a search that is steered by rules looks at how trials trained.
        steered = getattr(self._searcher, "uses_rules", False)
        self._conditions = Conditions(plan, store) if steered else None
        # Whether trials are trained for what they tell of actions, not for a best model.
        self.only_measures = bool(getattr(self._searcher, "only_measures", False))
        # Of all that was refused: the smallest violation of a constraint, for the closing words.
        self.closest: dict[str, Any] | None = None

    def use_start(self) -> None:
        """Begin where the pacing says: its start takes the place of the space's default."""
        start = self._pacing.start
        if start is not None and start.changed:
            space = self._plan.space.with_defaults(start.config)
            self._searcher = searcher_of(replace(self._plan, space=space))

    def propose(self, number: int, alive: Callable[[], bool]) -> Accepted | str | None:
        """A configuration for trial `number`; or, as text, why there is none.

        `alive` is asked between tries; None where it says no.
        """
        again = self._store.again(number)
        if again is not None:
            rule = f"trial {again['trial']} again: the best that the changed plan left"
            why = {"searcher": self._plan.search.name, "proposal": {"rule": rule}, "refused": []}
            return Accepted(again["config"], self._plan.costs.evaluate(again["config"]), why)
        history = list(self._history()) if self._searcher.needs_history else []
        pace, refusals = self._pacing.now(), _Refusals()
        while alive():
            proposal = self._ask(number, history, refusals, pace)
            if proposal is None:
                return "space exhausted: every allowed configuration was tried"
            costs, objection = self._judge(proposal.config)
            estimate = None if objection else self._pacing.estimate(proposal.config, costs, pace)
            late = None if self._is_start(number, proposal) else self._pacing.objection(estimate)
            if objection is None and late is None:
                why = self._why(number, proposal, refusals, estimate)
                return Accepted(proposal.config, costs, why)
            refusals.add(proposal, objection or str(late), late=objection is None)
            if refusals.late >= LATE and not self._has_start(number):
                return TOO_LATE
            if refusals.count >= TRIES and not self._searcher.exhaustive:
                return _no_proposal(refusals)
        return None

    def _has_start(self, number: int) -> bool:
        return number == 1 and self._pacing.start is not None

    def _is_start(self, number: int, proposal: Proposal) -> bool:
        """Whether it is what a study begins with: the cheapest, so that something is tried."""
        start = self._pacing.start
        return number == 1 and start is not None and proposal.config == start.config

    def _ask(
        self, number: int, history: list[Past], refusals: _Refusals, pace: Pace | None
    ) -> Proposal | None:
        start = self._pacing.start
        if number == 1 and start is not None and refusals.late == LATE:
            return Proposal(start.config, {"rule": f"start, after {LATE} that would take too long"})
        seed = derive_seed(self._plan.seed, "ask", number, refusals.count)
        if refusals.count < ASKS or self._searcher.exhaustive:
            known = [*history, *refusals.past]
            timed = getattr(self._searcher, "ask_timed", None)
            if timed is None or pace is None:
                return self._searcher.ask(number, known, seed)
            return timed(number, known, seed, self._seconds(pace))  # type: ignore[no-any-return]
        config = self._plan.space.sample(random.Random(seed))  # noqa: S311 - not for secrets
        rule = f"uniform, after {ASKS} refused proposals"
        return Proposal(config, {"rule": rule, "seed": seed})

    def _seconds(self, pace: Pace) -> Callable[[Mapping[str, Any]], float]:
        """How long a configuration takes by that pace; for ever where its costs are undefined.

        At least as long as the first trial may take: a search that went for ever shorter trials
        would soon try nothing but small changes of a small model.
        """
        budget = self._plan.budget
        least = budget.first * (budget.wall or 0.0)

        def seconds(config: Mapping[str, Any]) -> float:
            try:
                estimate = self._pacing.estimate(config, self._plan.costs.evaluate(config), pace)
            except AutomlcError:
                return math.inf
            return math.inf if estimate is None else max(least, float(estimate["seconds"]))

        return seconds

    def _judge(self, config: Mapping[str, Any]) -> tuple[Mapping[str, Any], str | None]:
        """The costs of a configuration, and what speaks against it."""
        problems = self._plan.space.problems(config)
        if problems:
            return {}, problems[0]
        try:
            costs = self._plan.costs.evaluate(config)
        except AutomlcError as error:
            return {}, error.message
        for constraint in self._plan.constraints:
            if not constraint.holds(costs):
                value = costs.get(constraint.metric)
                words = f"{constraint.metric} is {value}, the constraint: {constraint.text}"
                self._remember(constraint.violation(costs), words, config)
                return costs, words
        return costs, _TRIED if self._store.has_config(config) else None

    def _remember(self, violation: float, words: str, config: Mapping[str, Any]) -> None:
        if self.closest is None or violation < self.closest["violation"]:
            finite = min(violation, 1e308)
            self.closest = {"violation": finite, "reason": words, "config": dict(config)}

    def _why(
        self,
        number: int,
        proposal: Proposal,
        refusals: _Refusals,
        estimate: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        why: dict[str, Any] = {
            "searcher": self._plan.search.name,
            "proposal": dict(proposal.why),
            "refused": refusals.examples,
        }
        if refusals.count > len(refusals.examples):
            why["refused_count"] = refusals.count
        if estimate is not None:
            why["estimate"] = dict(estimate)
        start = self._pacing.start
        if start is not None and self._is_start(number, proposal):
            why["start"] = {k: v for k, v in start.to_json().items() if k != "config"}
        return why

    def _history(self) -> Iterator[Past]:
        for row in self._store.trials():
            if self._store.outside(row.number) is not None:
                continue
            # Optuna ranks stopped trials by how far they came, then by value.
            stopped = row.state is State.STOPPED and row.value is not None
            middle = ((row.epochs, row.value),) if stopped and row.value is not None else ()
            yield Past(
                row.number,
                row.config,
                str(row.state),
                row.value,
                middle,
                row.why.get("proposal") or {},
                self._conditions.of(row) if self._conditions is not None else None,
            )


def _no_proposal(refusals: _Refusals) -> str:
    if refusals.repeats == refusals.count:
        return f"space exhausted: {TRIES} proposals in a row were tried before"
    return f"no allowed configuration found in {TRIES} proposals"
