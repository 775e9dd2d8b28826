"""Feedback-driven search: look at how the best model trained, and repair what looks wrong.

DREAM (doi 10.1145/3702992), Algorithm 1: train a model, see in which condition its training is,
take the most promising action for that condition that was not yet tried on it, train the result.
The incumbent is the parent of the next trial, so after an improvement the list begins anew.

Everything is worked out from the history: which actions were tried on a trial stands in the
why-records of its children, so a study that is resumed goes on as if nothing had happened.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, ClassVar, Literal

from pydantic import Field

from automlc.runtime.monitor.conditions import OTHER, Condition, Metric
from automlc.runtime.monitor.timeline import metric_of
from automlc.runtime.plan import Plan
from automlc.runtime.rules.actions import Action, apply, single_actions
from automlc.runtime.rules.belief import Belief, Beliefs, Observation, prior
from automlc.runtime.rules.effect import effect, error_of, pooled
from automlc.runtime.rules.table import Ranked, Rules, Table
from automlc.runtime.searchers.base import SEARCHERS, Config, NoOptions, Past, Proposal, key_of
from automlc.runtime.searchers.restart import (
    CHOSEN_FROM,
    Gap,
    Weighed,
    fresher,
    said,
    usual_seconds,
    weigh,
)
from automlc.spec.domains import Space
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

# How long a configuration takes, in seconds.
Seconds = Callable[[Config], float]

ALTERNATIVES = 5  # how many of the next best a why-record names
# Actions on these do nothing to a model that starts from trained weights.
_COLD = ("initializer",)


@record
class Candidate:
    """An action that may be taken on a parent, what it leads to, and where it comes from.

    `found`: written, exact, parent, normal, none. `ranked` is None for an action of no table.
    """

    parent: Past
    action: Action
    config: Config
    found: str
    line: str = ""
    ranked: Ranked | None = None


@record
class Chosen:
    """A candidate with what speaks for it: higher `promise` is tried first."""

    candidate: Candidate
    promise: float
    belief: Belief | None = None


@dataclass
class _Past:
    """The history of a study, arranged for the questions asked here."""

    trials: list[Past]
    configs: set[str]
    refused: set[str]
    tried: dict[int, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, history: Sequence[Past]) -> _Past:
        trials = [past for past in history if past.state != "refused"]
        refused = {key_of(past.config) for past in history if past.state == "refused"}
        made = cls(trials, {key_of(past.config) for past in trials}, refused)
        for past in trials:
            parent = past.why.get("parent")
            if isinstance(parent, int):
                made.tried.setdefault(parent, set()).add(str(past.why.get("action")))
        return made

    def parents(self, metric: Metric) -> list[Past]:
        """Trials that may be repaired, best first; failed ones only while there is no other."""
        sign = -1.0 if metric.goal == "maximize" else 1.0
        done = [
            (sign * p.value, p.number, p)
            for p in self.trials
            if p.value is not None and p.state in ("complete", "stopped")
        ]
        if done:
            return [p for *_, p in sorted(done, key=lambda item: item[:2])]
        return [p for p in self.trials if p.state == "failed" and p.condition is not None]

    def observations(self, metric: Metric) -> Iterator[Observation]:
        """Every effect that was seen: a child that ended, its parent, and the action between.

        A child that failed counts as the worst error there was.
        """
        by_number = {past.number: past for past in self.trials}
        errors = [error_of(p.value, metric) for p in self.trials if p.value is not None]
        for child in self.trials:
            parent = by_number.get(child.why.get("parent", -1))
            if parent is None or parent.value is None or parent.condition is None:
                continue
            state, action = parent.condition.state(), str(child.why.get("action"))
            if child.value is not None and child.state != "running":
                found = effect(parent.value, child.value, metric)
                yield Observation(state, action, pooled(found))
            elif child.state == "failed":
                harm = _harm(max(errors), parent.value, metric)
                yield Observation(state, action, pooled(-harm))

    def gaps(self, best: float, metric: Metric, start: str) -> list[Gap]:
        """ln(error of the best / error) of every start that ended, held as effects are.

        A start is what no action led to. One that failed counts as the worst error there was.
        `start`: where a record that does not say it has its start from.
        """
        errors = [error_of(p.value, metric) for p in self.trials if p.value is not None]
        found = []
        for one in self.trials:
            if isinstance(one.why.get("parent"), int) or one.state == "running":
                continue
            # Where a wall is near, the rule says more than that it is the start.
            usual = start if str(one.why.get("rule")).startswith("start") else "random"
            chosen = one.why.get("from", usual) in CHOSEN_FROM
            if one.value is not None:
                found.append(Gap(pooled(effect(best, one.value, metric)), chosen))
            elif one.state == "failed":
                found.append(Gap(pooled(-_harm(max(errors), best, metric)), chosen))
        return found


def _harm(worst: float, value: float, metric: Metric) -> float:
    """ln(worst error / error of a value), at least ln 4: a failed training is no small harm."""
    return max(math.log(4.0), math.log(worst / error_of(value, metric)))


@SEARCHERS.add("feedback")
class FeedbackSearch:
    """Repair the incumbent by ranked actions for the condition of its training (DREAM).

    `variant`: `greedy` repairs the best trial by the table's order (Algorithm 1); `beam` takes the
    best of all actions on the `width` best trials; `adaptive` does the same by the posterior of
    each action's effect, which starts as the table says and learns from every trial of the study,
    by Thompson sampling or (`choice: ucb`) by the upper confidence bound. With a wall, and once the
    pace of the device is known, what should gain most per second comes first (Snoek et al., 2012,
    arXiv:1206.2944, section 3.2). `start`: `default`, the
    configuration of the space's defaults, `random`, or a configuration. `exhausted`: what is done
    when no action is left: change one parameter of the parent at random (`neighbor`), draw at
    random, or end. `mutation`: how often such a change is made in between. `warm_start`: a child
    that has the shapes of its parent may begin with the parent's weights. `restart`: the adaptive
    variant also weighs a configuration of its own against the best action, where the incumbent is
    believed to be poor for its space (automlc.runtime.searchers.restart); plans of before there was
    this option go on without it.
    """

    class Options(NoOptions):
        variant: Literal["adaptive", "greedy", "beam"] = "adaptive"
        """Learn during the search, or repair the best trial (greedy) or several (beam)."""
        start: Literal["default", "random"] | dict[str, Any] | str = "default"
        """The first configuration: by default, at random, given, or a trial of another run."""
        width: int = Field(default=3, ge=1, le=64)
        """With beam: how many of the best trials may be repaired."""
        choice: Literal["thompson", "ucb"] = "thompson"
        """How adaptive weighs what it believes: by a draw (thompson) or by an upper bound (ucb)."""
        kappa: float = Field(default=1.0, ge=0.0)
        """Deviations of that upper bound."""
        mutation: float = Field(default=0.0, ge=0.0, le=1.0)
        """Chance of a random change in place of an action."""
        exhausted: Literal["neighbor", "random", "end"] = "neighbor"
        """Where no action is left: a neighbouring configuration, a random one, or the end."""
        warm_start: Literal["auto", "never"] = "auto"
        """Whether a trial may begin with the weights of its parent."""
        restart: bool = False
        """With adaptive: weigh a fresh start (the default, a known one, or random) as well."""

    needs_history: ClassVar[bool] = True
    exhaustive: ClassVar[bool] = False
    uses_rules: ClassVar[bool] = True

    def __init__(
        self,
        options: Options,
        space: Space,
        goal: str,
        rules: Rules | None = None,
        metric: Metric | None = None,
        starts: Sequence[Config] = (),
    ) -> None:
        self._options = options
        self._space = space
        self._metric = metric or Metric(goal)
        self._rules = rules or Rules(Table("builtin/none", ()))
        self._singles = tuple(single_actions(space))
        self._starts = tuple(starts)

    @classmethod
    def for_plan(cls, options: Options, plan: Plan) -> FeedbackSearch:
        metric = metric_of(plan.task.metric, plan.task.goal)
        return cls(options, plan.space, plan.task.goal, plan.rules, metric, plan.starts)

    # ---- the question ----

    def ask(self, number: int, history: Sequence[Past], rng_seed: int) -> Proposal | None:
        return self.ask_timed(number, history, rng_seed, None)

    def ask_timed(
        self, number: int, history: Sequence[Past], rng_seed: int, seconds: Seconds | None
    ) -> Proposal | None:
        rng, past = random.Random(rng_seed), _Past.of(history)  # noqa: S311 - not for secrets
        if not past.trials:
            return self._start(past, rng, rng_seed)
        parents = past.parents(self._metric)
        if not parents:
            # Everything so far failed or still runs, and nothing was seen of it.
            return self._random(rng, rng_seed, "nothing to repair yet")
        if self._options.mutation and rng.random() < self._options.mutation:
            return self._neighbor(parents[0], past, rng, rng_seed, "mutation")
        return self._repair(parents, past, rng, rng_seed, seconds)

    def _start(self, past: _Past, rng: random.Random, seed: int) -> Proposal:
        start = self._options.start
        if isinstance(start, str) and start not in ("default", "random"):
            raise AutomlcError(
                f"search.start names the file {start!r}, which only the compiler reads",
                "compile the spec again",
            )
        config = self._space.default_config() if start == "default" else start
        if start == "random" or key_of(dict(config)) in past.refused:  # type: ignore[arg-type]
            return self._random(rng, seed, "start")
        return Proposal(dict(config), {"rule": "start"})  # type: ignore[arg-type]  # no text

    def _random(self, rng: random.Random, seed: int, why: str) -> Proposal:
        return Proposal(self._space.sample(rng), {"rule": "random", "because": why, "seed": seed})

    # ---- repairs ----

    def _repair(
        self,
        parents: Sequence[Past],
        past: _Past,
        rng: random.Random,
        seed: int,
        seconds: Seconds | None,
    ) -> Proposal | None:
        width = 1 if self._options.variant == "greedy" else self._options.width
        skipped: list[dict[str, str]] = []
        found: list[Candidate] = []
        for parent in parents[:width]:
            found += self._candidates(parent, past, skipped)
        ranked = self._ranked(found, past, rng, seconds)
        if not ranked:
            return self._exhausted(parents, past, rng, seed)
        best = ranked[0]
        fresh = self._fresh(best, ranked[:ALTERNATIVES], parents[0], past, seed, seconds)
        if isinstance(fresh, Proposal):
            return fresh
        why = self._why(best, ranked[1 : ALTERNATIVES + 1], skipped)
        if fresh is not None:
            why["restart"] = fresh.to_json()
        if seconds is not None and self._options.variant == "adaptive":
            why["weighed"] = "gain per second"
        return Proposal(best.candidate.config, why)

    def _fresh(
        self,
        best: Chosen,
        others: Sequence[Chosen],
        incumbent: Past,
        past: _Past,
        seed: int,
        seconds: Seconds | None,
    ) -> Proposal | Weighed | None:
        """A fresh start where more is expected of it than of the best action, else why not.

        None where none is weighed: it is off, no trial has a value, or nothing is left to draw.
        """
        if not self._options.restart or best.belief is None or incumbent.value is None:
            return None
        # A generator of its own: which action comes first is the same with and without restarts.
        rng = random.Random(f"{seed} restart")  # noqa: S311 - not for secrets
        found = fresher(self._space, self._starts, lambda c: self._objection(c, past), rng)
        # A configuration that the spec names may be anything: it counts as a draw.
        start = self._options.start if isinstance(self._options.start, str) else "given"
        gaps = past.gaps(incumbent.value, self._metric, start)
        if found is None or not gaps:
            return None
        takes = (1.0, 1.0)
        if seconds is not None:
            fresh_takes = usual_seconds(found, self._space, seconds, rng)
            takes = (fresh_takes, seconds(best.candidate.config))
        level = self._level(best.candidate.parent)
        choice = rng if self._options.choice == "thompson" else self._options.kappa
        behind = self._level(incumbent) - level
        weighed = weigh(gaps, best.belief, best.promise - level, behind, choice, takes)
        if not weighed.restart:
            return weighed
        why = {**said(found, weighed, incumbent.number, seed), "variant": self._options.variant}
        why["alternatives"] = [_alternative(one, None) for one in others]
        if seconds is not None:
            why["weighed"] = "gain per second"
        return Proposal(found.config, why)

    def _candidates(
        self, parent: Past, past: _Past, skipped: list[dict[str, str]]
    ) -> Iterator[Candidate]:
        """What may be tried on a parent, in the order of the rules: written ones, the table's."""
        done: set[str] = set()
        for action, found, line, ranked in self._listed(parent):
            if action.text in done or action.text in past.tried.get(parent.number, ()):
                continue
            done.add(action.text)
            config = apply(action, self._space, parent.config)
            if config is None:
                continue
            reason = self._objection(config, past)
            if reason is None:
                yield Candidate(parent, action, config, found, line, ranked)
            elif len(skipped) < ALTERNATIVES:
                skipped.append({"action": action.text, "why": reason})

    def _listed(self, parent: Past) -> Iterator[tuple[Action, str, str, Ranked | None]]:
        condition = parent.condition or Condition(OTHER, "normal", "normal", "normal")
        state = condition.state()
        for rule in self._rules.written:
            if rule.holds({**parent.config, **state}):
                for action in rule.actions:
                    yield action, "written", rule.line, None
        found = self._rules.table.find(state, self._rules.unknown)
        for ranked in found.row.actions if found.row is not None else ():
            yield ranked.action, found.how, "", ranked
        if self._options.variant == "adaptive":
            for action in self._singles:
                yield action, "none", "", None

    def _objection(self, config: Config, past: _Past) -> str | None:
        key = key_of(config)
        if key in past.configs:
            return "it leads to a configuration that was tried"
        if key in past.refused:
            return "the configuration was refused"
        violated = self._space.violated(config)
        return violated[0] if violated else None

    # ---- which comes first ----

    def _ranked(
        self,
        candidates: Sequence[Candidate],
        past: _Past,
        rng: random.Random,
        seconds: Seconds | None,
    ) -> list[Chosen]:
        if self._options.variant == "adaptive":
            chosen = self._by_belief(candidates, past, rng)
            return chosen if seconds is None else self._by_rate(chosen, past, seconds)
        # Written rules come first, in their order; then the table's scores, in the table's order.
        order = {id(c): -i for i, c in enumerate(candidates)}
        chosen = [Chosen(c, c.ranked.score if c.ranked else float("inf")) for c in candidates]
        return sorted(chosen, key=lambda c: (-c.promise, -order[id(c.candidate)]))

    def _by_belief(
        self, candidates: Sequence[Candidate], past: _Past, rng: random.Random
    ) -> list[Chosen]:
        """By what the child's error is believed to be: the parent's, less the action's effect."""
        beliefs = Beliefs.of(past.observations(self._metric))
        middle = _middle(candidates)
        chosen = []
        for candidate in candidates:
            before = self._prior(candidate, middle)
            state = candidate.parent.condition.state() if candidate.parent.condition else {}
            belief = beliefs.posterior(candidate.action.text, state, before)
            gain = (
                belief.draw(rng)
                if self._options.choice == "thompson"
                else belief.upper(self._options.kappa)
            )
            chosen.append(Chosen(candidate, self._level(candidate.parent) + gain, belief))
        return sorted(chosen, key=lambda c: -c.promise)

    def _by_rate(self, chosen: Sequence[Chosen], past: _Past, seconds: Seconds) -> list[Chosen]:
        """What is promised beyond the best trial so far, by the seconds that it takes."""
        best = max(self._level(parent) for parent in past.parents(self._metric))

        def rate(one: Chosen) -> float:
            gain = one.promise - best
            # What promises no gain is not better for being slow.
            return gain / seconds(one.candidate.config) if gain > 0 else gain

        return sorted(chosen, key=lambda c: -rate(c))

    def _prior(self, candidate: Candidate, middle: float) -> Belief:
        if candidate.found == "written":
            # A person wrote it for this condition: as good as the best that a table knows.
            return Belief(0.5, 0.3)
        return prior(candidate.ranked, middle)

    def _level(self, parent: Past) -> float:
        """-ln(error): the scale on which effects add up."""
        return 0.0 if parent.value is None else -math.log(error_of(parent.value, self._metric))

    # ---- when nothing is left ----

    def _exhausted(
        self, parents: Sequence[Past], past: _Past, rng: random.Random, seed: int
    ) -> Proposal | None:
        if self._options.exhausted == "end":
            return None
        listed = next(self._listed(parents[0]), None)
        why = "no rule knows this condition" if listed is None else "no action is left"
        if self._options.exhausted == "random":
            return self._random(rng, seed, why)
        return self._neighbor(parents[0], past, rng, seed, why)

    def _neighbor(
        self, parent: Past, past: _Past, rng: random.Random, seed: int, why: str
    ) -> Proposal:
        """One parameter of the parent drawn anew; a random configuration where that fails."""
        names = [name for name in parent.config if self._space[name].domain.cardinality() != 1]
        for name in rng.sample(names, len(names)):
            drawn = self._space[name].domain.sample(rng)
            config = self._space.build(
                lambda p, name=name, drawn=drawn: (  # type: ignore[misc]
                    drawn if p.name == name else parent.config.get(p.name, p.default)
                )
            )
            if self._objection(config, past) is None:
                why_ = {"rule": "fallback", "because": why, "parent": parent.number}
                return Proposal(config, {**why_, "action": f"{name} drawn anew", "seed": seed})
        return self._random(rng, seed, why)

    # ---- the why-record ----

    def _why(
        self, best: Chosen, others: Sequence[Chosen], skipped: list[dict[str, str]]
    ) -> dict[str, Any]:
        candidate = best.candidate
        condition = candidate.parent.condition
        why: dict[str, Any] = {
            "rule": "action",
            "variant": self._options.variant,
            "parent": candidate.parent.number,
            "action": candidate.action.text,
            "condition": condition.state() if condition else None,
            "evidence": dict(condition.evidence) if condition else {},
            "found": candidate.found,
            "alternatives": [_alternative(other, candidate.parent.number) for other in others],
            "skipped": skipped,
        }
        if candidate.line:
            why["line"] = candidate.line
        if candidate.ranked is not None:
            why["score"] = candidate.ranked.score
        if best.belief is not None:
            belief = best.belief
            why["posterior"] = {"mean": belief.mean, "deviation": belief.deviation, "n": belief.n}
            why["posterior"]["draw"] = best.promise - self._level(candidate.parent)
        if self._options.warm_start == "auto" and not {*candidate.action.names()} & {*_COLD}:
            why["warm_start"] = {"trial": candidate.parent.number}
        return why


def _middle(candidates: Sequence[Candidate]) -> float:
    scores = [c.ranked.score for c in candidates if c.ranked is not None and c.ranked.n is None]
    return median(scores) if scores else 0.0


def _alternative(chosen: Chosen, parent: int | None) -> dict[str, Any]:
    candidate = chosen.candidate
    found: dict[str, Any] = {"action": candidate.action.text, "found": candidate.found}
    if chosen.belief is not None:
        found["score"] = chosen.belief.mean
    elif candidate.ranked is not None:
        found["score"] = candidate.ranked.score
    if candidate.parent.number != parent:
        found["parent"] = candidate.parent.number
    return found
