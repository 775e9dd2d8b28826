"""What training looked like and what actions brought: the facts that the report prints of them."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from automlc.runtime.decisions import Decision, Effect, decision_of, effect_of, parent_of, signed
from automlc.runtime.monitor import Condition
from automlc.runtime.monitor.timeline import changes
from automlc.runtime.monitor.words import words
from automlc.runtime.report.charts import ranked
from automlc.runtime.wording import number, plain, thin, weighed
from automlc.spec.record import record

if TYPE_CHECKING:
    from automlc.runtime.view import RunView, Trial

MOST_STRIPS = 200
MOST_CELLS = 60  # epochs of a strip
MOST_CONDITIONS = 40
MOST_ACTIONS = 100
MOST_NODES = 200
DEEPEST = 12  # levels of the tree that are set in; the levels below stand under the last one
_MOST_CHANGES = 6
_ROLES = {"start": "the start", "fallback": "a change at random", "restart": "a fresh start"}

# A letter for each word, so that a strip is readable without its colors; normal is a dot.
_INSIDE = {"dying": "D", "vanishing": "V", "exploding": "E"}
_OUTSIDE = {"slow": "S", "oscillating": "O"}
_NAN, _NORMAL = "N", "·"
LEGEND = (
    ("N", "weights not finite"),
    ("D", "dying gradients"),
    ("V", "vanishing gradients"),
    ("E", "exploding gradients"),
    ("S", "slow"),
    ("O", "oscillating"),
    (_NORMAL, "normal"),
)
_CLASSES = {letter: letter.lower() for letter, _ in LEGEND} | {_NORMAL: "fine"}


@record
class Step:
    """A trial with what was decided for it, and what became of its parent."""

    trial: Trial
    parent: Trial | None
    decision: Decision | None
    effect: Effect | None


def training(view: RunView, trials: Sequence[Trial], best: Trial | None) -> dict[str, Any]:
    """The whole section."""
    shown = evenly(view, trials, MOST_STRIPS)
    courses = {trial.number: view.timeline(trial) for trial in shown}
    ends = {
        t.number: (courses[t.number][-1][1] if courses[t.number] else None)
        if t.number in courses
        else view.condition(t)
        for t in trials
    }
    steps = steps_of(trials, view.goal)
    return {
        "absent": _absent(view, ends),
        "legend": [(letter, _CLASSES[letter], text) for letter, text in LEGEND],
        "strips": [_strip(t, courses[t.number], best) for t in shown if courses[t.number]],
        "shown": len(shown),
        "total": len(trials),
        "conditions": _conditions(view, trials, ends),
        "actions": _actions(steps),
        "lineage": _lineage(steps, best),
    }


def evenly(view: RunView, trials: Sequence[Trial], most: int) -> list[Trial]:
    """At most `most` trials by number: the best half of them, and an even sample of the rest."""
    if len(trials) <= most:
        return list(trials)
    top = ranked(view, trials)[: most // 2]
    known = {t.number for t in top}
    rest = thin([t for t in trials if t.number not in known], most - len(top))
    return sorted([*top, *rest], key=lambda t: t.number)


def steps_of(trials: Sequence[Trial], goal: str) -> list[Step]:
    """Each trial with its parent, if the parent is an earlier trial of the study."""
    by_number = {trial.number: trial for trial in trials}
    found = []
    for trial in trials:
        number_ = parent_of(trial)
        early = number_ is not None and number_ < trial.number
        parent = by_number.get(number_) if early and number_ is not None else None
        decision = decision_of(trial.why)
        found.append(Step(trial, parent, decision, effect_of(trial, parent, goal)))
    return found


def _absent(view: RunView, ends: Mapping[int, Condition | None]) -> str:
    """Why there is nothing to show; empty where there is something."""
    if view.monitor is None:
        return "The plan's monitor cannot be read, so conditions are unknown."
    return "" if any(ends.values()) else "No epoch was reported yet."


# ---- strips ----


def _strip(
    trial: Trial, course: Sequence[tuple[int, Condition]], best: Trial | None
) -> dict[str, Any]:
    cells = [condition.state() for _, condition in thin(course, MOST_CELLS)]
    turns = changes(course)
    told = [f"from epoch {epoch} {words(c.state())}" for epoch, c in thin(turns, _MOST_CHANGES)]
    if len(turns) > _MOST_CHANGES:
        told.append(f"{len(turns)} changes in all")
    return {
        "number": trial.number,
        "best": best is not None and trial.number == best.number,
        "lanes": [_runs(cells, _outside), _runs(cells, _inside)],
        "told": "; ".join(told),
        "thinned": len(course) > MOST_CELLS,
        "epochs": len(course),
    }


def _outside(state: Mapping[str, str]) -> str:
    return _OUTSIDE.get(state["convergence"], _NORMAL)


def _inside(state: Mapping[str, str]) -> str:
    return _NAN if state["weights"] == "nan" else _INSIDE.get(state["gradient"], _NORMAL)


def _runs(
    cells: Iterable[Mapping[str, str]], letter: Callable[[Mapping[str, str]], str]
) -> list[tuple[str, str]]:
    """(class, letters) of each stretch of equal letters."""
    stretches = ((first, "".join(rest)) for first, rest in groupby(map(letter, cells)))
    return [(_CLASSES[first], letters) for first, letters in stretches]


# ---- conditions ----


def _conditions(
    view: RunView, trials: Sequence[Trial], ends: Mapping[int, Condition | None]
) -> dict[str, Any]:
    """Trials and best value of each condition in which training ended, the most frequent first."""
    places = {t.number: place for place, t in enumerate(ranked(view, trials))}
    groups: dict[Condition, list[Trial]] = {}
    for trial in trials:
        condition = ends[trial.number]
        if condition is not None:
            groups.setdefault(condition, []).append(trial)
    rows = []
    for condition, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        valued = [t for t in members if t.number in places]
        top = min(valued, key=lambda t: places[t.number], default=None)
        rows.append(
            {
                "words": words(condition.state()),
                "architecture": plain(condition.architecture),
                "trials": len(members),
                "best": number(top.value) if top else "-",
                "trial": "-" if top is None else top.number,
            }
        )
    return {"rows": rows[:MOST_CONDITIONS], "total": len(rows)}


# ---- actions ----


def _actions(steps: Sequence[Step]) -> dict[str, Any]:
    """What each action brought; actions that were taken most often first."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        if step.decision is not None and step.decision.action and step.parent is not None:
            groups.setdefault(step.decision.action, []).append(step)
    rows = [_action(text, taken) for text, taken in groups.items()]
    rows.sort(key=lambda row: (-row["count"], -(row["gain"] or 0.0)))
    warm = any(step.decision is not None and step.decision.warm_start is not None for step in steps)
    return {"rows": rows[:MOST_ACTIONS], "total": len(rows), "warm": warm}


def _action(text: str, taken: Sequence[Step]) -> dict[str, Any]:
    gains = [s.effect.gain for s in taken if s.effect is not None and s.effect.gain is not None]
    mean = _safely(statistics.fmean, gains, 1)
    spread = _safely(statistics.stdev, gains, 2)
    sources = Counter(s.decision.source for s in taken if s.decision is not None)
    return {
        "action": plain(text),
        "count": len(taken),
        "compared": len(gains),
        "better": sum(gain > 0 for gain in gains),
        "gain": mean,
        "mean": "-" if mean is None else signed(mean),
        "spread": number(spread, digits=3),
        "best": signed(max(gains)) if gains else "-",
        "worst": signed(min(gains)) if gains else "-",
        "sources": "; ".join(
            plain(source) + (f" ({times} times)" if times > 1 else "")
            for source, times in sources.most_common(5)
        ),
    }


def _safely(
    measure: Callable[[Sequence[float]], float], values: Sequence[float], least: int
) -> float | None:
    """A statistic of at least `least` values; None where it is too large for a float."""
    try:
        return measure(values) if len(values) >= least else None
    except OverflowError:
        return None


# ---- lineage ----


def _lineage(steps: Sequence[Step], best: Trial | None) -> dict[str, Any]:
    """The search as a tree, its nodes in depth-first order; empty where no action was taken."""
    if not any(s.decision is not None and s.decision.action for s in steps):
        return {"nodes": [], "total": 0}
    by_number = {step.trial.number: step for step in steps}
    path = set(_ancestry(best.number, by_number)) if best is not None else set()
    kept = _kept(steps, by_number, path)
    children: dict[int | None, list[int]] = {}
    for number_ in sorted(kept):
        parent = by_number[number_].parent
        children.setdefault(None if parent is None else parent.number, []).append(number_)
    nodes = []
    waiting = [(number_, 0) for number_ in reversed(children.get(None, []))]
    while waiting:
        number_, depth = waiting.pop()
        nodes.append(_node(by_number[number_], depth, number_ in path, best))
        waiting += [(child, depth + 1) for child in reversed(children.get(number_, []))]
    return {"nodes": nodes, "total": len(steps)}


def _ancestry(number_: int, by_number: Mapping[int, Step]) -> list[int]:
    """A trial, its parent, and so on; parents are earlier, so this ends."""
    found = [number_]
    while (parent := by_number[found[-1]].parent) is not None:
        found.append(parent.number)
    return found


def _kept(steps: Sequence[Step], by_number: Mapping[int, Step], path: set[int]) -> set[int]:
    """At most MOST_NODES trials with all their ancestors: the best path, what was better than its
    parent, then the earliest. Of a longer best path the first nodes."""
    kept = set(sorted(path)[:MOST_NODES])
    better = [s for s in steps if s.effect is not None and (s.effect.gain or 0.0) > 0]
    for step in [*better, *steps]:
        new: list[int] = []
        at: Trial | None = step.trial
        while at is not None and at.number not in kept and len(kept) + len(new) <= MOST_NODES:
            new.append(at.number)
            at = by_number[at.number].parent
        if len(kept) + len(new) <= MOST_NODES:
            kept.update(new)
    return kept


def _node(step: Step, depth: int, on_path: bool, best: Trial | None) -> dict[str, Any]:
    trial, decision, effect = step.trial, step.decision, step.effect
    role = "" if decision is None else _role(decision)
    action = "" if decision is None or decision.action is None else plain(decision.action)
    return {
        "number": trial.number,
        "level": min(depth, DEEPEST),
        "path": on_path,
        "best": best is not None and trial.number == best.number,
        "action": action,
        "role": role or "without an action",
        "parent": "" if step.parent is None else step.parent.number,
        "value": number(trial.value),
        "effect": "" if effect is None else _brought(effect),
        "better": effect is not None and (effect.gain or 0.0) > 0,
    }


def _role(decision: Decision) -> str:
    """What a trial without an action was for; of a fresh start also why it was taken."""
    role = _ROLES.get(decision.rule, "")
    why = weighed(decision.restart, decision.over) if decision.rule == "restart" else ""
    return f"{role}, {why}" if why else role


def _brought(effect: Effect) -> str:
    return effect.text if effect.gain is None else signed(effect.gain)
