"""From runs to measurements: what each action of a run brought, in which condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from automlc.runtime.monitor.conditions import Condition, Metric, Seen, classify
from automlc.runtime.monitor.timeline import metric_of
from automlc.runtime.plan import Plan
from automlc.runtime.rules.effect import effect, error_of, pooled
from automlc.runtime.rules.measured import DataSet
from automlc.runtime.view import RunView, Trial
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record


@record
class Measurement:
    """An action that was taken on a trial: the state before, and the effect (effect.py).

    `difference` is that of the metric itself, positive where the action helped; None where one of
    the two trainings failed.
    """

    state: Mapping[str, str]
    action: str
    effect: float
    difference: float | None


def measure(view: RunView, name: str, kind: str) -> DataSet:
    """The measurements of a run as those of the data set `name`; `kind` is image, tabular or text.

    AutomlcError where the run took no actions.
    """
    plan = Plan.from_json(dict(view.plan))
    found = list(measurements(view, plan))
    if not found:
        raise AutomlcError(
            f"{view.folder} took no actions, so there is nothing to measure",
            "measure with `automlc calibrate`, or take a run of a feedback search",
        )
    differences = [one.difference for one in found if one.difference is not None]
    details = {
        "pairs": len(found),
        "failed": sum(one.difference is None for one in found),
        "median_difference": median(differences) if differences else None,
        "epochs": plan.budget.epochs,
        "backend": plan.backend.kind,
        "data": plan.data.fingerprint,
        "seed": plan.seed,
    }
    made = DataSet(name, plan.task.metric, 1.0, {}, details)
    for one in found:
        made.add({"input": kind, **one.state}, one.action, one.effect)
    return made


def measurements(view: RunView, plan: Plan) -> Iterator[Measurement]:
    """Every pair of a trial and the trial that an action made of it."""
    metric = metric_of(plan.task.metric, plan.task.goal)
    trials = {trial.number: trial for trial in view.trials()}
    ended = {n: t for n, t in trials.items() if t.state in ("complete", "stopped", "failed")}
    values = [t.value for t in ended.values() if t.value is not None and t.state != "failed"]
    if not values:
        return
    worst = max(values, key=lambda value: error_of(value, metric))
    conditions: dict[int, Condition | None] = {}
    for child in ended.values():
        note = child.why.get("proposal")
        note = note if isinstance(note, Mapping) else {}
        parent = ended.get(note.get("parent", -1)) if note.get("rule") == "action" else None
        if parent is None:
            continue
        if parent.number not in conditions:
            conditions[parent.number] = condition_of(view, parent, plan, metric)
        condition = conditions[parent.number]
        if condition is not None:
            yield _pair(parent, child, condition, str(note.get("action")), (worst, metric))


def _pair(
    parent: Trial, child: Trial, condition: Condition, action: str, scale: tuple[float, Metric]
) -> Measurement:
    """A training that failed counts as the worst there was."""
    worst, metric = scale
    before, after = _value(parent), _value(child)
    difference = None
    if before is not None and after is not None:
        difference = after - before if metric.goal == "maximize" else before - after
    found = effect(worst if before is None else before, worst if after is None else after, metric)
    return Measurement(condition.state(), action, pooled(found), difference)


def _value(trial: Trial) -> float | None:
    return None if trial.state == "failed" else trial.value


def condition_of(view: RunView, trial: Trial, plan: Plan, metric: Metric) -> Condition | None:
    """The condition of a trial at its end; None where nothing was measured."""
    return classify(seen(view, trial.number), plan.monitor, metric, trial.config)


def seen(view: RunView, number: int) -> list[Seen]:
    """What the monitor may know of a trial, as the store's writer sees it (`Store.seen`)."""
    feedback: dict[int, Any] = dict(view.feedback(number))
    reported = {epoch.epoch: epoch for epoch in view.epochs(number)}
    found = []
    for number_ in sorted({*feedback, *reported}):
        epoch = reported.get(number_)
        value, metrics = (epoch.value, epoch.metrics) if epoch else (None, {})
        found.append(Seen(number_, value, metrics, feedback.get(number_)))
    return found
