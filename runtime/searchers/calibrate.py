"""Measuring what actions bring: random models, and each again with one action applied.

DREAM's protocol (doi 10.1145/3702992, section 4.3): random models are trained, the condition of
each training is determined, and every feasible action is applied alone. Two things differ. Actions
are drawn so that each gets as many measurements as the others, because a mean over few is worth
little. And a model that an action improved becomes a model to act on itself (`follow` times in a
row): a search acts on good models, of which random ones say little.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from automlc.runtime.monitor.conditions import Metric
from automlc.runtime.monitor.timeline import metric_of
from automlc.runtime.plan import Plan
from automlc.runtime.rules.actions import Action, apply, single_actions
from automlc.runtime.rules.table import Rules, Table
from automlc.runtime.searchers.base import SEARCHERS, Config, NoOptions, Past, Proposal, key_of
from automlc.spec.domains import Space

_ENDED = ("complete", "stopped", "failed")
_DRAWS = 200  # of a random model, until one is allowed


@SEARCHERS.add("calibrate")
class Calibrate:
    """Train `models` random models, and `actions` actions on each of them.

    What `automlc calibrate` runs: the measurements become a table of rules. It is no search: the
    best model of it is not tested.
    """

    class Options(NoOptions):
        models: int = Field(default=20, ge=1)
        """Random models that actions are measured on."""
        actions: int = Field(default=10, ge=1)
        """Actions that are measured on each model."""
        follow: int = Field(default=2, ge=0)
        """How often in a row a model that an action improved is acted on itself."""

    needs_history: ClassVar[bool] = True
    exhaustive: ClassVar[bool] = False
    uses_rules: ClassVar[bool] = True
    only_measures: ClassVar[bool] = True

    def __init__(
        self,
        options: Options,
        space: Space,
        goal: str,
        rules: Rules | None = None,
        metric: Metric | None = None,
    ) -> None:
        self._options = options
        self._space = space
        self._metric = metric or Metric(goal)
        table = (rules or Rules(Table("builtin/none", ()))).table
        listed = [*single_actions(space), *(r.action for row in table.rows for r in row.actions)]
        self._actions = tuple({action.text: action for action in listed}.values())

    @classmethod
    def for_plan(cls, options: Options, plan: Plan) -> Calibrate:
        metric = metric_of(plan.task.metric, plan.task.goal)
        return cls(options, plan.space, plan.task.goal, plan.rules, metric)

    def ask(self, number: int, history: Sequence[Past], rng_seed: int) -> Proposal | None:
        rng = random.Random(rng_seed)  # noqa: S311 - not for secrets
        trials = [past for past in history if past.state != "refused"]
        taken = {key_of(past.config) for past in history}
        for parent, chain in self._bases(trials):
            found = self._action(parent, trials, taken, rng)
            if found is not None:
                action, config = found
                why = {"rule": "action", "parent": parent.number, "action": action.text}
                return Proposal(config, {**why, "chain": chain})
        models = sum(past.why.get("rule") == "model" for past in trials)
        running = any(past.state == "running" for past in trials)
        # While trials run there may be actions to come: another model keeps a worker busy.
        if models >= self._options.models and not running:
            return None
        return Proposal(self._model(taken, rng), {"rule": "model", "seed": rng_seed})

    def _bases(self, trials: Sequence[Past]) -> Iterator[tuple[Past, int]]:
        """Models to act on, and how many improvements led to each."""
        children: dict[int, list[Past]] = {}
        for past in trials:
            if "parent" in past.why:
                children.setdefault(int(past.why["parent"]), []).append(past)
        for past in trials:
            if past.why.get("rule") != "model":
                continue
            base: Past | None = past
            for chain in range(self._options.follow + 1):
                if base is None or base.state not in _ENDED or base.condition is None:
                    break
                mine = children.get(base.number, [])
                if len(mine) < self._options.actions:
                    yield base, chain
                if len(mine) < self._options.actions or any(c.state == "running" for c in mine):
                    break
                base = self._improved(base, mine)

    def _improved(self, base: Past, children: Sequence[Past]) -> Past | None:
        """The best child, if it is better than its parent."""
        sign = 1 if self._metric.goal == "maximize" else -1
        done = [c for c in children if c.value is not None and c.state != "failed"]
        best = max(done, key=lambda c: (sign * (c.value or 0.0), -c.number), default=None)
        if best is None or best.value is None:
            return None
        better = base.value is None or sign * best.value > sign * base.value
        return best if better else None

    def _action(
        self, parent: Past, trials: Sequence[Past], taken: set[str], rng: random.Random
    ) -> tuple[Action, Config] | None:
        """An action that applies, was not tried here, and was measured least so far."""
        counts = Counter(str(past.why.get("action")) for past in trials)
        tried = {p.why.get("action") for p in trials if p.why.get("parent") == parent.number}
        order = sorted(self._actions, key=lambda a: (counts[a.text], rng.random()))
        for action in order:
            if action.text in tried:
                continue
            config = apply(action, self._space, parent.config)
            if config is None or key_of(config) in taken or self._space.violated(config):
                continue
            return action, config
        return None

    def _model(self, taken: set[str], rng: random.Random) -> Config:
        for _ in range(_DRAWS):
            config = self._space.sample(rng)
            if key_of(config) not in taken and not self._space.violated(config):
                break
        return config
