"""What the report's charts show, as plain JSON values; report.js draws them with plotly.

Colors, sizes and layout are the script's; here it is decided which trials and numbers a chart
holds, and the sentence that says the same to who cannot see it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automlc.runtime.report.importance import Importance
from automlc.runtime.wording import cost, count, number, plain, scalar, shown, thin

if TYPE_CHECKING:
    from automlc.runtime.view import RunView, Trial

MOST_CURVES = 300
MOST_EPOCHS = 100
MOST_POINTS = 2000
MOST_AXES = 12
MOST_LAYERS = 24
COLORS = 7  # steps of the value scale; each is one line style of the script
_INACTIVE = -0.08  # where an inactive parameter sits below its axis
_UNITS = ((7200.0, 3600.0, "hours"), (180.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))

Chart = dict[str, Any]


def ranked(view: RunView, trials: Sequence[Trial]) -> list[Trial]:
    """Ended trials with a value, best first: feasible before infeasible, ties by number.

    Trials that the present plan does not allow are not among them.
    """
    sign = 1 if view.goal == "minimize" else -1
    own = [t for t in trials if t.number not in view.outsiders]
    ended = [(t.value, t) for t in own if t.state in ("complete", "stopped")]
    kept = [(value, t) for value, t in ended if value is not None]
    kept.sort(key=lambda item: (not item[1].feasible, sign * item[0], item[1].number))
    return [trial for _, trial in kept]


def label(trial: Trial, metric: str) -> str:
    """A trial in a few lines, for hovering."""
    settings = [f"{plain(k)} = {scalar(v)}" for k, v in trial.config.items()]
    head = [
        f"trial {trial.number} · {plain(trial.state)}",
        f"{plain(metric)} {number(trial.value)}",
    ]
    return "\n".join([*head, *settings[:14], *(["…"] if len(settings) > 14 else [])])


def progress(view: RunView, trials: Sequence[Trial]) -> Chart | None:
    """Every ended trial's value, and the best so far, by order of ending and by time."""
    ended = [t for t in trials if t.value is not None and t.state in ("complete", "stopped")]
    if not ended:
        return None
    ended.sort(key=lambda t: (t.ended or math.inf, t.number))
    clock = _Clock(view, ended)
    steps = _incumbents(ended, view.goal, set(view.outsiders))
    points = thin(list(enumerate(ended, start=1)), MOST_POINTS)
    return {
        "metric": view.metric,
        "target": view.task.get("target"),
        "unit": clock.unit,
        "total": len(ended),
        "points": {
            "order": [i for i, _ in points],
            "time": [clock(t) for _, t in points],
            "value": [t.value for _, t in points],
            "feasible": [t.feasible for _, t in points],
            "text": [label(t, view.metric) for _, t in points],
        },
        "best": {
            "order": [i for i, _ in steps] + [len(ended)],
            "time": [clock(t) for _, t in steps] + [clock(ended[-1])],
            "value": [t.value for _, t in steps] + [steps[-1][1].value] if steps else [],
        },
        "says": _progress_says(view, ended, steps),
    }


def _incumbents(ended: Sequence[Trial], goal: str, left: set[int]) -> list[tuple[int, Trial]]:
    """The best so far by order of ending; those in `left` do not count."""
    found: list[tuple[int, Trial]] = []
    sign = -1 if goal == "minimize" else 1
    best = -math.inf
    for order, trial in enumerate(ended, start=1):
        counts = trial.feasible and trial.number not in left
        if counts and trial.value is not None and sign * trial.value > best:
            best = sign * trial.value
            found.append((order, trial))
    return found


def _progress_says(
    view: RunView, ended: Sequence[Trial], steps: Sequence[tuple[int, Trial]]
) -> str:
    if not steps:
        return f"None of {count(len(ended), 'trial')} is feasible."
    first, last = steps[0][1], steps[-1][1]
    return (
        f"The best {plain(view.metric)} went from {number(first.value)} (trial {first.number}) to "
        f"{number(last.value)} (trial {last.number}) in {count(len(steps), 'step')}; "
        f"{count(len(ended), 'trial')} ended with a value."
    )


class _Clock:
    """Time of a trial's end since the study began, without the pauses between sessions."""

    def __init__(self, view: RunView, ended: Sequence[Trial]):
        self.sessions = view.sessions() or [(min(t.started or 0.0 for t in ended), math.inf)]
        longest = max(self._seconds(t) for t in ended)
        _, self.scale, self.unit = next(u for u in _UNITS if longest >= u[0])

    def __call__(self, trial: Trial) -> float:
        return round(self._seconds(trial) / self.scale, 4)

    def _seconds(self, trial: Trial) -> float:
        moment = trial.ended or 0.0
        spans = [min(moment, end) - start for start, end in self.sessions if start < moment]
        return sum(span for span in spans if math.isfinite(span) and span > 0)


def curves(view: RunView, trials: Sequence[Trial], best: Trial | None) -> Chart | None:
    """Validation value by epoch, a line a trial, grouped by state; at most MOST_CURVES lines."""
    chosen = _chosen(view, trials)
    values = view.curves([t.number for t in chosen])
    drawn = [t for t in chosen if values[t.number]]
    if not drawn:
        return None
    groups = [
        _group(state, [t for t in drawn if t.state == state and t is not best], values)
        for state in ("complete", "stopped", "failed", "running")
    ]
    return {
        "metric": view.metric,
        "target": view.task.get("target"),
        "groups": [group for group in groups if group["trials"]],
        "best": None if best is None else _group("best", [best], values),
        "shown": len(drawn),
        "total": len(trials),
        "says": _curves_says(view, drawn, len(trials), best),
    }


def _chosen(view: RunView, trials: Sequence[Trial]) -> list[Trial]:
    """All trials, or the better half of the places for the best and the rest spread evenly."""
    if len(trials) <= MOST_CURVES:
        return list(trials)
    top = ranked(view, trials)[: MOST_CURVES // 2]
    known = {t.number for t in top}
    rest = [t for t in trials if t.number not in known]
    return top + thin(rest, MOST_CURVES - len(top))


def _group(
    state: str,
    trials: Sequence[Trial],
    values: Mapping[int, Sequence[tuple[int, float | None]]],
) -> Chart:
    """One trace for many trials: a gap (None) lifts the pen between two of them."""
    xs: list[int | None] = []
    ys: list[float | None] = []
    names: list[int] = []
    for trial in trials:
        points = thin(values[trial.number], MOST_EPOCHS)
        xs += [epoch for epoch, _ in points] + [None]
        ys += [value for _, value in points] + [None]
        names += [trial.number] * (len(points) + 1)
    return {"state": state, "trials": len(trials), "x": xs, "y": ys, "trial": names}


def _curves_says(view: RunView, drawn: Sequence[Trial], total: int, best: Trial | None) -> str:
    shown_part = f"{count(len(drawn), 'learning curve')} of {count(total, 'trial')}"
    if len(drawn) < total and total > MOST_CURVES:
        shown_part += " (the best ones and an even sample of the rest)"
    if best is None or best.value is None:
        return shown_part + "."
    return (
        f"{shown_part}. The highlighted one, trial {best.number}, reached its best "
        f"{plain(view.metric)}, {number(best.value)}, at epoch {number(best.best_epoch)}."
    )


def parallel(
    view: RunView, trials: Sequence[Trial], importance: Importance, best: Trial | None
) -> Chart | None:
    """Parallel coordinates: each parameter on its own axis in [0, 1], each trial a line."""
    order = ranked(view, trials)
    names = _axis_names(view, order, importance)
    if len(order) < 2 or not names:
        return None
    logs = {str(p.get("name")): _domain(p).get("log") is True for p in view.parameters()}
    axes = [
        _Axis(name, [t.config.get(name) for t in order], logs.get(name, False)) for name in names
    ]
    axes.append(_Axis(view.metric, [t.value for t in order], log=False))
    low, high = _value_range(order)
    shown_trials = order[:1] + thin(order[1:], MOST_CURVES - 1)
    lines = [
        {
            "step": _step(t.value, low, high, view.goal),
            "best": best is not None and t.number == best.number,
            "y": [axis.place(v) for axis, v in zip(axes, _along(t, names), strict=True)],
            "text": label(t, view.metric),
        }
        for t in reversed(shown_trials)  # the best is drawn last, on top
    ]
    return {
        "metric": view.metric,
        "axes": [{"name": axis.name, "ticks": axis.ticks()} for axis in axes],
        "lines": lines,
        "inactive": _INACTIVE if any(None in _along(t, names) for t in shown_trials) else None,
        "range": [low, high] if view.goal == "maximize" else [high, low],
        "says": _parallel_says(view, len(shown_trials), len(order), len(names), best),
    }


def _along(trial: Trial, names: Sequence[str]) -> list[Any]:
    return [*(trial.config.get(name) for name in names), trial.value]


def _parallel_says(view: RunView, drawn: int, total: int, axes: int, best: Trial | None) -> str:
    text = f"{count(drawn, 'trial')} of {total:,} with a value, over {count(axes, 'parameter')}"
    if axes == MOST_AXES:
        text += " (the most important ones)"
    if best is not None:
        text += f". The best, trial {best.number}, has {shown(best.config)}"
    return text + "."


def _axis_names(view: RunView, trials: Sequence[Trial], importance: Importance) -> list[str]:
    declared = view.parameter_names(trials)
    varied = [n for n in declared if len({repr(t.config.get(n)) for t in trials}) > 1]
    if len(varied) <= MOST_AXES:
        return varied
    top = set(importance.names[:MOST_AXES] or varied[:MOST_AXES])
    return [name for name in varied if name in top]


def _domain(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    domain = parameter.get("domain")
    return domain if isinstance(domain, dict) else {}


def _value_range(trials: Sequence[Trial]) -> tuple[float, float]:
    """The range of values that colors tell apart: outliers on the bad side do not flatten it."""
    values = sorted(t.value for t in trials if t.value is not None)
    return values[len(values) // 20], values[-1 - len(values) // 20]


def _step(value: float | None, low: float, high: float, goal: str) -> int:
    """Color step of a value: 0 is worst, COLORS - 1 best."""
    if value is None or high <= low:
        return COLORS - 1
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return round((1 - share if goal == "minimize" else share) * (COLORS - 1))


class _Axis:
    """One parameter's axis: where a value sits in [0, 1], and which places carry a text."""

    def __init__(self, name: str, values: Sequence[Any], log: bool):
        self.name = name
        active = [v for v in values if v is not None]
        numeric = [v for v in active if isinstance(v, int | float) and not isinstance(v, bool)]
        self.is_number = len(numeric) == len(active) and bool(active)
        self.log = log and self.is_number and min(numeric) > 0
        self.categories = sorted({_key(v) for v in active}) if not self.is_number else []
        self.low = self._scale(min(numeric)) if self.is_number else 0.0
        self.high = self._scale(max(numeric)) if self.is_number else 1.0

    def _scale(self, value: float) -> float:
        return math.log(value) if self.log else float(value)

    def place(self, value: Any) -> float:
        if value is None:
            return _INACTIVE
        if self.is_number:
            span = self.high - self.low
            return round((self._scale(value) - self.low) / span, 4) if span > 0 else 0.5
        last = len(self.categories) - 1
        return round(self.categories.index(_key(value)) / last, 4) if last else 0.5

    def ticks(self) -> list[dict[str, Any]]:
        if not self.is_number:
            return [
                {"at": self._category(c), "text": plain(c[1], limit=18)} for c in self.categories
            ]
        places = (0.0, 0.5, 1.0) if self.high > self.low else (0.5,)
        return [{"at": at, "text": self._tick(at)} for at in places]

    def _category(self, category: tuple[str, str]) -> float:
        last = len(self.categories) - 1
        return round(self.categories.index(category) / last, 4) if last else 0.5

    def _tick(self, at: float) -> str:
        value = self.low + at * (self.high - self.low)
        return number(math.exp(value) if self.log else value, digits=3)


def _key(value: Any) -> tuple[str, str]:
    return (type(value).__name__, scalar(value))


def importances(found: Importance) -> Chart | None:
    """Bars of parameter importance, most important first."""
    if not found.names:
        return None
    top = found.names[:MOST_AXES]
    listed = ", ".join(
        f"{plain(n)} {s:.0%}" for n, s in zip(top[:3], found.shares[:3], strict=True)
    )
    fit = found.fit or 0.0
    trust = (
        f"The forest explains {fit:.0%} of the variance of unseen trials."
        if fit > 0.2
        else "The forest hardly predicts unseen trials: take this ranking as noise."
    )
    return {
        "names": list(top),
        "shares": [round(s, 5) for s in found.shares[:MOST_AXES]],
        "spreads": [round(s, 5) for s in found.spreads[:MOST_AXES]],
        "says": f"Most important: {listed}. {trust}",
        "method": found.note,
    }


def costs(view: RunView, trials: Sequence[Trial]) -> Chart | None:
    """Value against the cost that is constrained, else parameters, else size; front marked."""
    order = ranked(view, trials)
    bounds = {c.get("metric"): c for c in _constraints(view)}
    names = list(dict.fromkeys(n for t in order for n in t.costs))
    wanted = [n for n in (*bounds, "model.params", "model.size", *names) if n in names]
    points = [t for t in order if wanted and t.costs.get(wanted[0], 0) > 0]
    if not points:
        return None
    name = wanted[0]
    bound = bounds.get(name, {}).get("bound")
    front = _front([t for t in points if t.feasible], name)
    drawn = thin(points, MOST_POINTS)
    return {
        "metric": view.metric,
        "cost": name,
        "bytes": cost(name, 1) == "1 B",
        "bound": bound if isinstance(bound, int | float) else None,
        "x": [t.costs[name] for t in drawn],
        "y": [t.value for t in drawn],
        "feasible": [t.feasible for t in drawn],
        "text": [label(t, view.metric) + _all_costs(t) for t in drawn],
        "front": {"x": [t.costs[name] for t in front], "y": [t.value for t in front]},
        "says": _costs_says(view, name, front),
    }


def _constraints(view: RunView) -> list[Mapping[str, Any]]:
    listed = view.plan.get("constraints")
    return [c for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []


def _all_costs(trial: Trial) -> str:
    return "".join(f"\n{plain(name)} {cost(name, v)}" for name, v in trial.costs.items())


def _front(order: Sequence[Trial], name: str) -> list[Trial]:
    """The trials that no other beats in both value and cost, cheapest first; `order` best first."""
    front: list[Trial] = []
    least = math.inf
    for trial in order:
        if trial.costs[name] < least:
            least = trial.costs[name]
            front.append(trial)
    return front[::-1]


def _costs_says(view: RunView, name: str, front: Sequence[Trial]) -> str:
    if not front:
        return "No feasible trial has a cost and a value yet."
    small, large = front[0], front[-1]
    text = (
        f"The best {plain(view.metric)}, {number(large.value)}, costs "
        f"{cost(name, large.costs[name])} ({plain(name)})"
    )
    if small is large:
        return text + "; no cheaper trial gives up less."
    return text + (
        f"; the cheapest on the front reaches {number(small.value)} with "
        f"{cost(name, small.costs[name])}."
    )


def layers(view: RunView, best: Trial | None) -> Chart | None:
    """Gradient and weight norms of the best trial's layers over epochs."""
    if best is None:
        return None
    found = [(epoch, _layers(payload)) for epoch, payload in view.feedback(best.number)]
    found = thin([(epoch, rows) for epoch, rows in found if rows], MOST_EPOCHS)
    if not found:
        return None
    every = list(dict.fromkeys(name for _, rows in found for name in rows))
    names = thin(every, MOST_LAYERS)
    return {
        "trial": best.number,
        "epochs": [epoch for epoch, _ in found],
        "layers": [
            {
                "name": name,
                "gradient": [_finite(rows.get(name, {}).get("gradient_norm")) for _, rows in found],
                "weight": [_finite(rows.get(name, {}).get("weight_norm")) for _, rows in found],
                "zeros": [_finite(rows.get(name, {}).get("gradient_zeros")) for _, rows in found],
            }
            for name in names
        ],
        "says": _layers_says(best, found, "gradient", len(names), len(every)),
        "says_weight": _layers_says(best, found, "weight", len(names), len(every)),
    }


def _layers(payload: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    rows = payload.get("layers")
    if not isinstance(rows, list):
        return {}
    return {str(row.get("name")): row for row in rows if isinstance(row, dict)}


def _finite(value: Any) -> float | None:
    """A number with six digits, which is all that a chart can show."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def _layers_says(
    best: Trial,
    found: Sequence[tuple[int, Mapping[str, Mapping[str, Any]]]],
    what: str,
    drawn: int,
    total: int,
) -> str:
    last = {
        name: norm
        for name, row in found[-1][1].items()
        if (norm := _finite(row.get(f"{what}_norm"))) is not None
    }
    text = f"Trial {best.number}, {count(total, 'layer')}"
    if drawn < total:
        text += f" ({drawn} of them drawn, evenly spread)"
    if not last:
        return text + "."
    top, least = max(last, key=lambda n: last[n]), min(last, key=lambda n: last[n])
    return (
        f"{text}. At epoch {found[-1][0]} {what} norms span {number(last[least], digits=3)} "
        f"({plain(least)}) to {number(last[top], digits=3)} ({plain(top)})."
    )
