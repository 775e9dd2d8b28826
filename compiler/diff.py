"""The differences of two tasks for people and programs, with places, and trials that stay valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from automlc.runtime.changes import WORDS, Change, Comparison, carry, objection
from automlc.runtime.plan import Plan
from automlc.spec.expressions import Scalar
from automlc.spec.record import record

SCHEMA = "automlc.diff/1"
_EFFECTS = {
    "nothing": "nothing differs: a study of the old one goes on as it is",
    "keep": "all trials of an old study stay valid; resuming keeps them",
    "filter": "trials that the new one does not allow no longer count; resuming keeps the others",
    "refuse": "no trial of an old study can be compared with new ones; resuming refuses",
}
_OUTSIDE_SHOWN = 5

Place = Callable[[str], str | None]


@record
class Kept:
    """Which trials of a run the new plan allows: how many of how many, and who is outside."""

    total: int
    outside: tuple[tuple[int, str], ...]

    @property
    def valid(self) -> int:
        """How many trials stay valid."""
        return self.total - len(self.outside)


def kept_trials(
    trials: Iterable[tuple[int, Mapping[str, Scalar]]], plan: Plan, comparison: Comparison
) -> Kept:
    """Judge the trials (number, configuration) of a run by a new plan."""
    outside: list[tuple[int, str]] = []
    total = 0
    refused = comparison.effect == "refuse"
    for number, config in trials:
        total += 1
        reason = objection(carry(config, plan.space, comparison), plan)
        if refused:
            reason = "not comparable"
        if reason is not None:
            outside.append((number, reason))
    return Kept(total, tuple(outside))


def _nowhere(_key: str) -> str | None:
    return None


@record
class Diff:
    """A comparison, the places of its keys on both sides, and the trials of a run."""

    comparison: Comparison
    old: str
    new: str
    old_place: Place = _nowhere
    new_place: Place = _nowhere
    kept: Kept | None = None

    def text(self) -> str:
        """The differences for people; ends with a newline."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        changes = self.comparison.changes
        for kind, word in WORDS.items():
            own = [change for change in changes if change.kind == kind]
            if own:
                yield word
            for change in own:
                yield f"  {change.key}: {change.old} -> {change.new}{_remark(change)}"
                places = self._places(change)
                if places:
                    yield f"      {places}"
        effect = self.comparison.effect
        yield _EFFECTS[effect]
        if self.kept is not None:
            yield f"{self.old}: {self.kept.valid} of {self.kept.total} trials stay valid"
            if effect != "refuse":
                yield from self._outside(self.kept)

    def _outside(self, kept: Kept) -> Iterator[str]:
        for number, reason in kept.outside[:_OUTSIDE_SHOWN]:
            yield f"  trial {number}: {reason}"
        more = len(kept.outside) - _OUTSIDE_SHOWN
        if more > 0:
            yield f"  and {more} more"

    def _places(self, change: Change) -> str:
        old, new = self.old_place(change.key), self.new_place(change.key)
        found = [text for text in (old, new) if text is not None]
        return " -> ".join(dict.fromkeys(found))

    def to_json(self) -> dict[str, Any]:
        """The differences for programs ("automlc.diff/1")."""
        made: dict[str, Any] = {
            "schema": SCHEMA,
            "old": self.old,
            "new": self.new,
            "effect": self.comparison.effect,
            "changes": [
                {
                    "key": change.key,
                    "old": change.old,
                    "new": change.new,
                    "class": change.kind,
                    "note": change.note,
                    "places": {
                        "old": self.old_place(change.key),
                        "new": self.new_place(change.key),
                    },
                }
                for change in self.comparison.changes
            ],
            "added": dict(self.comparison.added),
            "removed": dict(self.comparison.removed),
        }
        if self.kept is not None:
            outside = [{"trial": n, "reason": reason} for n, reason in self.kept.outside]
            made["trials"] = {"total": self.kept.total, "valid": self.kept.valid}
            made["trials"]["outside"] = outside
        return made


def _remark(change: Change) -> str:
    return f" ({change.note})" if change.note else ""
