"""The why-record of a trial, assembled for people and for tools."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any

from automlc.runtime.decisions import (
    Alternative,
    Decision,
    Effect,
    decision_of,
    effect_of,
    parent_of,
)
from automlc.runtime.monitor import Condition
from automlc.runtime.monitor.timeline import changes
from automlc.runtime.monitor.words import numbers, told, words
from automlc.runtime.view import Epoch, Outside, RunView, Trial
from automlc.runtime.wording import (
    columns,
    cost,
    count,
    duration,
    number,
    pairs,
    plain,
    scalar,
    shown,
    sparkline,
    thin,
    weighed,
)
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

_MOST_ROWS = 12
_SHOWN_ELSEWHERE = (
    "searcher",
    "proposal",
    "refused",
    "refused_count",
    "stop",
    "start",
    "estimate",
)
_PARENTS = ("parent", "parents")
# What a decision tells in its own words; other keys of the proposal are shown as they are.
_DECIDED = frozenset(
    "rule parent action condition evidence found line score alternatives skipped variant posterior"
    " warm_start because from over restart".split()
)
_MOST_CHANGES = 20
_MOST_NAMED = 5


@record
class Why:
    """Everything that is known about why a trial was proposed and why it ended.

    `conditions`: (epoch, condition) where what training looked like changed, and of the last epoch.
    """

    run: str
    metric: str
    goal: str
    trial: Trial
    rank: tuple[int, int] | None
    is_best: bool
    epochs: tuple[Epoch, ...]
    attempts: tuple[Mapping[str, Any], ...]
    log: tuple[str, ...]
    reproduce: str
    conditions: tuple[tuple[int, Condition], ...] = ()
    decision: Decision | None = None
    effect: Effect | None = None
    lent: int | None = None  # the trial whose weights it began with
    outside: Outside | None = None
    lost: str | None = None  # why it cannot be the best, although it counts

    @property
    def searcher(self) -> str:
        return str(self.trial.why.get("searcher") or "unknown")

    @property
    def proposal(self) -> Mapping[str, Any]:
        """What the searcher says of its choice; its keys are the searcher's."""
        found = self.trial.why.get("proposal")
        return found if isinstance(found, dict) else {}

    @property
    def parent(self) -> Any:
        """The trial(s) that this one was derived from, if the searcher names any."""
        return next((self.proposal[key] for key in _PARENTS if key in self.proposal), None)

    @property
    def refused(self) -> list[Mapping[str, Any]]:
        """Alternatives that were drawn first and may not be tried, with the reason."""
        found = self.trial.why.get("refused")
        return [r for r in found if isinstance(r, dict)] if isinstance(found, list) else []

    @property
    def stop(self) -> Mapping[str, Any]:
        """policy, reason and evidence, when a policy ended the trial."""
        found = self.trial.why.get("stop")
        return found if isinstance(found, dict) else {}

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "run": self.run,
            "metric": self.metric,
            "goal": self.goal,
            "trial": self.trial.to_json(),
            "rank": None if self.rank is None else {"place": self.rank[0], "of": self.rank[1]},
            "best": self.is_best,
            "outside": None if self.outside is None else self.outside.to_json(),
            "lost": self.lost,
            "searcher": self.searcher,
            "parent": self.parent,
            "proposal": dict(self.proposal),
            "decision": None if self.decision is None else self.decision.to_json(),
            "effect": None if self.effect is None else self.effect.to_json(),
            "weights_of": self.lent,
            "conditions": [
                {"epoch": epoch, "condition": c.state(), "evidence": dict(c.evidence)}
                for epoch, c in self.conditions
            ],
            "refused": [dict(r) for r in self.refused],
            "epochs": [vars(epoch) for epoch in self.epochs],
            "attempts": [dict(a) for a in self.attempts],
            "stop": dict(self.stop) or None,
            "log": list(self.log),
            "reproduce": self.reproduce,
        }


def why(view: RunView, number_: int) -> Why:
    """The record of one trial.

    Raises:
        AutomlcError: the run has no trial of this number.
    """
    trial, best, events = view.trial(number_), view.best(), list(view.events(trial=number_))
    attempts = [
        {"attempt": e.attempt, "time": e.time, **e.payload}
        for e in events
        if e.kind == "attempt_started"
    ]
    lent = [e.payload.get("parent") for e in events if e.kind == "weights_lent"]
    config = os.path.relpath(view.folder / trial.folder / "config.json", view.project)
    return Why(
        run=str(view.folder),
        metric=view.metric,
        goal=view.goal,
        trial=trial,
        rank=view.rank(trial),
        is_best=best is not None and best.number == number_,
        epochs=tuple(view.epochs(number_)),
        attempts=tuple(attempts),
        log=tuple(view.log_tail(trial)) if trial.state == "failed" else (),
        reproduce=f"cd {quote(str(view.project))} && python train.py --config {quote(config)}",
        conditions=tuple(_turns(view.timeline(trial))),
        decision=decision_of(trial.why),
        effect=effect_of(trial, _parent(view, trial), view.goal),
        lent=lent[-1] if lent and isinstance(lent[-1], int) else None,
        outside=view.outsiders.get(number_),
        lost=view.lost(number_),
    )


def _turns(found: Sequence[tuple[int, Condition]]) -> list[tuple[int, Condition]]:
    turns = changes(found)
    return turns if not found or turns[-1][0] == found[-1][0] else [*turns, found[-1]]


def _parent(view: RunView, trial: Trial) -> Trial | None:
    """The parent of a trial, if the study has a trial of that number."""
    number_ = parent_of(trial)
    try:
        return None if number_ is None else view.trial(number_)
    except AutomlcError:
        return None


def tell(record: Why) -> list[tuple[str, list[str]]]:
    """The record as (heading, lines) sections; the first heading is the title."""
    sections = [
        (_title(record), _outcome(record)),
        (f"Why it was proposed: by {plain(record.searcher)}", _proposed(record)),
        ("Configuration", _configuration(record.trial)),
        ("Drawn first, and refused", _refused(record)),
        ("How it went", _course(record)),
        ("What its training looked like", _looks(record)),
        (_end_heading(record.trial), _ending(record)),
        ("Last lines of its log", [f"  {plain(line)}" for line in record.log]),
        ("To reproduce it", [f"  {plain(record.reproduce, limit=2000)}"]),
    ]
    return [(heading, lines) for heading, lines in sections if lines]


def _title(record: Why) -> str:
    return f"Trial {record.trial.number} of {plain(record.run)}: {plain(record.trial.state)}"


def _outcome(record: Why) -> list[str]:
    return [*_value(record), *_standing(record)]


def _standing(record: Why) -> list[str]:
    """Why a trial of an earlier plan no longer counts."""
    if record.outside is not None:
        return [
            f"  {record.outside.text}",
            "  it stays in the store, but does not count: searcher and stopping policy do not see"
            " it, and it cannot be the best",
        ]
    if record.lost is not None:
        return [f"  it counts, but cannot be the best any more: {plain(record.lost)}"]
    return []


def _value(record: Why) -> list[str]:
    trial = record.trial
    if trial.value is None:
        return [f"  no {plain(record.metric)} yet, {count(trial.epochs, 'epoch')} done"]
    text = f"  {plain(record.metric)} {number(trial.value)} at epoch {number(trial.best_epoch)}"
    text += f" of {trial.epochs}"
    if record.rank is not None:
        text += f", rank {record.rank[0]} of {record.rank[1]}"
    if record.is_best:
        text += ", the best so far"
    return [text if trial.feasible else text + ", infeasible"]


def _proposed(record: Why) -> list[str]:
    rows = _decided(record) if record.decision is not None else _noted(record)
    if record.effect is not None:
        rows.append(("brought", record.effect.text))
    rows += [(k, shown(v)) for k, v in record.trial.why.items() if k not in _SHOWN_ELSEWHERE]
    rows += [(name, text) for name, text in _timing(record.trial.why) if text]
    return columns(rows) or ["  the searcher left no note"]


def _noted(record: Why) -> list[tuple[str, str]]:
    """What a searcher says that takes no actions, in its own words."""
    rows = [("parent", f"trial {shown(record.parent)}")] if record.parent is not None else []
    return rows + [(k, shown(v)) for k, v in record.proposal.items() if k not in _PARENTS]


def _decided(record: Why) -> list[tuple[str, str]]:
    """An action: on what, because of what, from where, and what else might have been done."""
    found = record.decision
    assert found is not None
    score = "" if found.score is None else f", score {number(found.score)}"
    alternatives = [_alternative(one) for one in found.alternatives]
    skipped = [f"{plain(action)}: {plain(reason)}" for action, reason in found.skipped]
    state = ", ".join(f"{name}={plain(word)}" for name, word in found.condition.items())
    evidence = numbers(found.evidence)
    looked = words(found.condition) + (f" ({evidence})" if evidence else "")
    rows = [
        ("action", plain(found.action or "")),
        ("on", "" if found.parent is None else f"trial {found.parent}"),
        ("because", looked if found.condition else ""),
        ("condition", state),
        ("from", found.source + score),
        ("a fresh start", weighed(found.restart, found.over)),
        ("drawn gains", _drawn(found)),
        *_listed("next best", alternatives),
        *_listed("skipped", skipped),
        ("posterior", ", ".join(f"{k} {number(v)}" for k, v in found.posterior.items())),
        ("warm start", _warm_start(record.lent, found)),
        ("variant", plain(found.variant or "")),
    ]
    rows += [(k, shown(v)) for k, v in record.proposal.items() if k not in _DECIDED]
    return [(name, text) for name, text in rows if text]


def _alternative(one: Alternative) -> str:
    on = "" if one.parent is None else f" on trial {one.parent}"
    return plain(one.action) + on + ("" if one.score is None else f" ({number(one.score)})")


def _drawn(found: Decision) -> str:
    """What decided between a fresh start and the best action; empty where none was weighed."""
    draws = [found.restart.get(name) for name in ("draw", "action_draw")]
    if None in draws:
        return ""
    fresh, action = (number(draw, digits=3) for draw in draws)
    taken = "the fresh start" if found.rule == "restart" else "the action"
    return f"{fresh} by a fresh start, {action} by the best action, so {taken} was taken"


def _warm_start(lent: int | None, found: Decision) -> str:
    """Whose weights it began with. What is asked for is not lent where shapes or files differ."""
    if lent is not None:
        return f"began with the weights of trial {lent}"
    return "" if found.warm_start is None else f"none: trial {found.warm_start} could lend nothing"


def _listed(name: str, items: Sequence[str]) -> list[tuple[str, str]]:
    """Items one below the other under one name; what is too much is counted."""
    kept = [*items[:_MOST_NAMED]]
    if len(items) > _MOST_NAMED:
        kept.append(f"and {len(items) - _MOST_NAMED} more")
    return [(name if at == 0 else " ", item) for at, item in enumerate(kept)]


def _looks(record: Why) -> list[str]:
    rows = [(f"from epoch {epoch}", told(condition)) for epoch, condition in record.conditions]
    if len(rows) > 1 and record.conditions[-1][1] == record.conditions[-2][1]:
        rows[-1] = (f"until epoch {record.conditions[-1][0]}", rows[-1][1])
    lines = columns(thin(rows, _MOST_CHANGES))
    more = len(rows) - len(lines)
    return [*lines, f"  and {count(more, 'change')} between"] if more else lines


def _timing(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where the search started and why, and how long the trial was expected to take."""
    start, estimate = found.get("start"), found.get("estimate")
    rows = []
    if isinstance(start, dict):
        rows.append(("start", plain(start.get("because") or "")))
    if isinstance(estimate, dict) and isinstance(estimate.get("seconds"), int | float):
        least = count(epochs, "epoch") if isinstance(epochs := estimate.get("epochs"), int) else ""
        rows.append(("estimate", f"{duration(estimate['seconds'])} for at least {least}"))
    return rows


def _configuration(trial: Trial) -> list[str]:
    rows = [(name, scalar(value)) for name, value in trial.config.items()]
    rows += [(name, cost(name, value)) for name, value in trial.costs.items()]
    return columns([*rows, ("seed", scalar(trial.seed))])


def _refused(record: Why) -> list[str]:
    lines = [f"  {plain(r.get('reason'))}: {_brief(r.get('config'))}" for r in record.refused]
    total = record.trial.why.get("refused_count")
    more = total - len(lines) if isinstance(total, int) else 0
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _brief(config: Any) -> str:
    return plain(pairs(config), limit=200) if isinstance(config, dict) else "-"


def _course(record: Why) -> list[str]:
    if not record.epochs:
        return ["  no epoch was reported"]
    lines = [*columns(_sparks(record)), "", *_table(record)]
    again = [f"  attempt {a['attempt']}: {_attempt(a)}" for a in record.attempts[1:]]
    return lines + ([""] if again else []) + again


def _sparks(record: Why) -> list[tuple[str, str]]:
    rows = [(record.metric, [e.value for e in record.epochs])]
    names = dict.fromkeys(name for e in record.epochs for name in e.metrics)
    rows += [(n, [e.metrics.get(n) for e in record.epochs]) for n in names if n != record.metric]
    return [(name, f"{sparkline(values)}  {_ends(values)}") for name, values in rows[:6]]


def _ends(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{number(known[0])} to {number(known[-1])}" if known else "nothing finite"


def _table(record: Why) -> list[str]:
    names = ["loss", "validation_loss"]
    heads = ["epoch", plain(record.metric, limit=18), *names, "learning rate", "time"]
    rows = [
        [
            str(epoch.epoch),
            number(epoch.value),
            *(number(epoch.metrics.get(name)) for name in names),
            number(epoch.learning_rate),
            duration(epoch.seconds),
        ]
        for epoch in thin(record.epochs, _MOST_ROWS)
    ]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    listed = [heads, *rows]
    return [
        "  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in listed
    ]


def _attempt(attempt: Mapping[str, Any]) -> str:
    words = {k: v for k, v in attempt.items() if k not in ("attempt", "time")}
    return pairs(words) or "no note"


def _end_heading(trial: Trial) -> str:
    return "Why it has not ended" if trial.state == "running" else "Why it ended"


def _ending(record: Why) -> list[str]:
    trial, stop = record.trial, record.stop
    if trial.state == "running":
        return [f"  it is running, {count(trial.epochs, 'epoch')} done"]
    lines = [f"  {plain(trial.reason or 'no reason was recorded')}"]
    if trial.failure:
        lines = [f"  failure class {plain(trial.failure)}: {plain(trial.reason)}"]
    if stop.get("policy") and plain(stop["policy"]) not in lines[0]:
        lines.append(f"  policy: {plain(stop['policy'])}")
    if stop.get("reason") and plain(stop["reason"]) not in lines[0]:
        lines.append(f"  {plain(stop['reason'])}")
    evidence = stop.get("evidence")
    return lines + (columns(_evidence(evidence)) if isinstance(evidence, dict) else [])


def _evidence(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, shown(value)) for name, value in evidence.items()]
