"""Settle the metric, its goal and the target."""

from dataclasses import replace

from automlc.compiler.draft import Draft
from automlc.runtime.metrics import METRICS, metrics_of
from automlc.runtime.plan import Task
from automlc.spec.diagnostics import Fix, Note, put, swap
from automlc.spec.suggest import DOUBTFUL, nearest


def resolve_task(draft: Draft) -> Draft:
    """`metric` left out becomes the first of its task; its own goal is the default goal."""
    task = draft.loaded.spec.task
    fitting = {metric.name: metric for metric in metrics_of(task.kind)}
    name = task.metric or next(iter(fitting))
    if name not in fitting:
        _wrong_metric(draft, name, tuple(fitting))
        return draft
    metric = fitting[name]
    goal = task.goal or metric.goal
    if goal != metric.goal:
        draft.problems.add(
            "E343", f"{name} is better when it is {_better(metric.goal)}, but the goal is {goal}",
            draft.loaded.spans("task.goal"), hint=f"write goal: {metric.goal}, or leave it out",
            key="task.goal", fix=swap(draft.loaded.spans("task.goal"), goal, metric.goal),
            notes=_metric_note(draft),
        )  # fmt: skip
    target = task.target
    low, high = metric.low, metric.high
    if target is not None and (
        (low is not None and target < low) or (high is not None and target > high)
    ):
        bounds = f"from {low} to {high}" if high is not None else f"at least {low}"
        draft.problems.add(
            "E344", f"the target {target:g} cannot be reached: {name} is {bounds}",
            draft.loaded.spans("task.target"), key="task.target", notes=_metric_note(draft),
            hint=_target_hint(target, low, high), fix=_target_fix(draft, target, low, high),
        )  # fmt: skip
    draft = draft.noted("resolve_task", "task.metric", name, draft.origin("task.metric"))
    draft = draft.noted(
        "resolve_task", "task.goal", goal, draft.origin("task.goal") if task.goal else name
    )
    return replace(draft, task=Task(task.kind, name, goal, target))


def _wrong_metric(draft: Draft, name: str, fitting: tuple[str, ...]) -> None:
    kind = draft.loaded.spec.task.kind
    span = draft.loaded.spans("task.metric")
    known = f"for {kind}: {', '.join(fitting)}"
    if name in METRICS:
        message = f"the metric {name} does not fit {kind}"
        kind_note = Note("the task is given here", draft.loaded.spans("task.kind"))
        draft.problems.add(
            "E342", message, span, hint=known, key="task.metric", notes=(kind_note,),
            fix=swap(span, name, fitting[0], safe=False),
        )  # fmt: skip
        return
    near = nearest(name, fitting)
    hint = f"did you mean {near}? ({known})" if near else known
    draft.problems.add(
        "E341", f"no metric is called {name!r}", span, hint=hint, key="task.metric",
        fix=swap(span, name, near, safe=name not in DOUBTFUL),
    )  # fmt: skip


def _metric_note(draft: Draft) -> tuple[Note, ...]:
    """Where the metric is named, if the spec names it."""
    span = draft.loaded.spans("task.metric")
    return (Note("the metric is given here", span),) if span else ()


def _target_hint(target: float, low: float | None, high: float | None) -> str:
    if high == 1 and 1 < target <= 100:
        return f"write target: {target / 100:g}, a share of 1"
    return f"write a value that it can have, such as {high if high is not None else low:g}"


def _target_fix(draft: Draft, target: float, low: float | None, high: float | None) -> Fix | None:
    share = high == 1 and 1 < target <= 100
    return put(draft.loaded.spans("task.target"), f"{target / 100:g}") if share else None


def _better(goal: str) -> str:
    return "large" if goal == "maximize" else "small"
