"""What a feedback-driven searcher decided, and what came of it, from a trial's why-record.

A why-record is foreign data: what does not have the type that it should is None or left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from automlc.runtime.monitor.conditions import CONDITIONS
from automlc.runtime.wording import number, plain
from automlc.spec.record import record

if TYPE_CHECKING:
    from automlc.runtime.view import Trial

RULES = ("action", "start", "fallback", "restart")
_PARTS = ("architecture", *CONDITIONS)
_MOST = 100  # alternatives and skipped actions that are read of one record
_FOUND = {
    "exact": "the table's row of this condition",
    "parent": "the table's row of a broader condition",
    "normal": "the table's row of the normal condition",
    "none": "no table: a single change that the space allows",
}
_POSTERIOR = ("mean", "deviation", "n", "draw")
# Where a fresh start has its configuration from.
_FRESH = {
    "default": "a fresh start: the default of the space",
    "starts": "a fresh start: a configuration that the preset knows to learn well",
    "random": "a fresh start: a configuration drawn from the space",
}
_MAPPINGS = ("condition", "evidence", "posterior", "restart")
# Left out where nothing is known of them: most searches weigh no fresh starts.
_OF_RESTARTS = ("from", "over", "restart")
_WEIGHED = (
    "gain", "action_gain", "draw", "action_draw", "n", "better", "mean", "deviation",
)  # fmt: skip


@record
class Alternative:
    """An action that was nearly taken; `parent` where it is not the one that was."""

    action: str
    score: float | None
    found: str | None
    parent: int | None

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


@record
class Decision:
    """A proposal of a searcher that takes actions; docs/runtime.md lists the fields.

    `condition` is that of the parent, whose training `evidence` tells of. `skipped` is what came
    before but could not be taken: (action, why). `because` is said of what no action led to.
    `restart` holds the numbers by which a fresh start and the best action were weighed (searchers/
    restart.py), whichever came first; of a fresh start, `origin` says where it is from, and `over`
    which trial was the best.
    """

    rule: str
    parent: int | None
    action: str | None
    condition: Mapping[str, str]
    evidence: Mapping[str, Any]
    found: str | None
    line: str | None
    score: float | None
    alternatives: tuple[Alternative, ...]
    skipped: tuple[tuple[str, str], ...]
    variant: str | None
    posterior: Mapping[str, float | int]
    warm_start: int | None
    because: str | None
    origin: str | None = None
    over: int | None = None
    restart: Mapping[str, float | int] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Where the action comes from, in words."""
        if self.found == "written":
            return f"the rule at {plain(self.line)}" if self.line else "a rule of the spec"
        if self.rule == "start":
            return "the first configuration"
        if self.rule == "restart":
            return _FRESH.get(self.origin or "", "a fresh start")
        if self.rule == "fallback":
            return f"a change at random: {plain(self.because or 'no action is left')}"
        return _FOUND.get(self.found or "", "an unknown source")

    def to_json(self) -> dict[str, Any]:
        """The decision as JSON values, under the names that the why-record uses."""
        told = {"from" if k == "origin" else k: v for k, v in vars(self).items()}
        told["alternatives"] = [one.to_json() for one in self.alternatives]
        told["skipped"] = [{"action": a, "why": w} for a, w in self.skipped]
        told["warm_start"] = None if self.warm_start is None else {"trial": self.warm_start}
        told |= {name: dict(told[name]) for name in _MAPPINGS}
        return {k: v for k, v in told.items() if k not in _OF_RESTARTS or v not in (None, {})}


def decision_of(why: Mapping[str, Any]) -> Decision | None:
    """The decision in a trial's why-record; None where its searcher takes no actions."""
    data = why.get("proposal")
    if not isinstance(data, Mapping) or data.get("rule") not in RULES:
        return None
    return Decision(
        rule=str(data["rule"]),
        parent=_integer(data.get("parent")),
        action=_text(data.get("action")),
        condition={k: v for k, v in _mapping(data.get("condition")).items() if _is_state(k, v)},
        evidence={k: v for k, v in _mapping(data.get("evidence")).items() if _is_scalar(v)},
        found=_text(data.get("found")),
        line=_text(data.get("line")),
        score=_number(data.get("score")),
        alternatives=tuple(
            Alternative(
                action,
                _number(item.get("score")),
                _text(item.get("found")),
                _integer(item.get("parent")),
            )
            for item, action in _actions(data.get("alternatives"))
        ),
        skipped=tuple(
            (action, _text(item.get("why")) or "no reason was recorded")
            for item, action in _actions(data.get("skipped"))
        ),
        variant=_text(data.get("variant")),
        posterior=_numbers(_mapping(data.get("posterior")), _POSTERIOR),
        warm_start=_integer(_mapping(data.get("warm_start")).get("trial")),
        because=_text(data.get("because")),
        origin=_text(data.get("from")),
        over=_integer(data.get("over")),
        restart=_numbers(_mapping(data.get("restart")), _WEIGHED),
    )


def parent_of(trial: Trial) -> int | None:
    """The one trial that this one was derived from; None where there is none or are several."""
    found = _integer(_mapping(trial.why.get("proposal")).get("parent"))
    return None if found == trial.number else found


@record
class Effect:
    """What a change of `parent` brought: `gain` is value minus the parent's, + is better.

    None where one of the two has no value; `text` says which.
    """

    parent: int
    value: float | None
    parent_value: float | None
    gain: float | None
    text: str

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def effect_of(trial: Trial, parent: Trial | None, goal: str) -> Effect | None:
    """What became of a trial's parent by it; None for a trial without one."""
    if parent is None:
        return None
    value, before = trial.value, parent.value
    obstacle = _obstacle(trial, parent)
    if obstacle or value is None or before is None:
        return Effect(parent.number, value, before, None, obstacle)
    gain = before - value if goal == "minimize" else value - before
    if not math.isfinite(gain):
        return Effect(parent.number, value, before, None, "too large to tell")
    return Effect(
        parent.number, value, before, gain, f"{signed(gain)} against trial {parent.number}"
    )


def _obstacle(trial: Trial, parent: Trial) -> str:
    """Why the two cannot be compared; empty where they can."""
    if trial.state == "failed":
        return f"it failed{f' ({plain(trial.failure)})' if trial.failure else ''}"
    if trial.state == "running":
        return "not known yet: it is running"
    if trial.value is None:
        return "it has no value"
    return "" if parent.value is not None else f"trial {parent.number} has no value to compare with"


def signed(gain: float) -> str:
    """A gain with its sign.

    >>> signed(0.03125), signed(-0.5), signed(0.0)
    ('+0.0312', '-0.5', '±0')
    """
    return "±0" if gain == 0 else f"{'+' if gain > 0 else '-'}{number(abs(gain), digits=3)}"


# ---- foreign values ----


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | bool) or _number(value) is not None


def _is_state(part: Any, word: Any) -> bool:
    return part in _PARTS and isinstance(word, str)


def _numbers(data: Mapping[str, Any], names: Sequence[str]) -> dict[str, float | int]:
    return {name: data[name] for name in names if _number(data.get(name)) is not None}


def _actions(listed: Any) -> Iterator[tuple[Mapping[str, Any], str]]:
    for item in listed[:_MOST] if isinstance(listed, list) else ():
        action = _text(_mapping(item).get("action"))
        if action is not None:
            yield item, action
