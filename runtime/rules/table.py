"""Tables of rules: for each condition of training the actions that are worth trying, ranked.

A table is data with a version ("automlc.rules/1"). docs/feedback.md describes the file; a measured
one comes from `automlc calibrate`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeGuard

from automlc.runtime.rules.actions import Action
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Expr, ExpressionError, evaluate, parse
from automlc.spec.record import record
from automlc.spec.rules import parse_action

SCHEMA = "automlc.rules/1"
# The parts of a state, from the one that is given up first to the one that is given up last.
PARTS = ("weights", "gradient", "convergence", "architecture")
UNKNOWN = ("parent", "normal", "random")
MAX_NAME = 100  # characters of a name or a word
State = Mapping[str, str]


@record
class Ranked:
    """An action and what is known of it: `score` ranks, the rest tells how it was come by.

    `n` trainings gave the score, `spread` is the deviation of their gains (None: not measured).
    `also` is a further action that belongs to it, as far as the space has the parameters that it
    sets: the compiler joins the two.
    """

    action: Action
    score: float
    n: int | None = None
    spread: float | None = None
    source: Mapping[str, Any] = field(default_factory=dict, compare=False)
    also: str = ""


@record
class Row:
    """The ranked actions of a state; a part that is left out may be anything."""

    state: State
    actions: tuple[Ranked, ...]


@record
class Found:
    """What a table says for a state: the row, and how it was found.

    `how`: exact, parent (a broader row), normal (the normal row of the architecture), none.
    """

    row: Row | None
    how: str


@record
class Table:
    """Rows by state. `unknown` is what the table does for a state that it lacks."""

    name: str
    rows: tuple[Row, ...]
    unknown: str = "parent"
    provenance: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def find(self, state: State, unknown: str | None = None) -> Found:
        """The row of a state, or what stands in for it."""
        row = self._row(state)
        if row is not None:
            return Found(row, "exact")
        ways: dict[str, Callable[[State], Row | None]] = {
            "parent": self._parent,
            "normal": self._normal,
            "random": lambda _: None,
        }
        way = unknown or self.unknown
        row = ways[way](state)
        return Found(row, way if row is not None else "none")

    def _row(self, state: State) -> Row | None:
        return next((row for row in self.rows if dict(row.state) == dict(state)), None)

    def _parent(self, state: State) -> Row | None:
        """The nearest broader row: weights are given up first, the architecture last."""
        kept = dict(state)
        for part in PARTS:
            kept.pop(part, None)
            row = self._row(kept)
            if row is not None:
                return row
        return None

    def _normal(self, state: State) -> Row | None:
        """The row of the architecture with everything else normal (DREAM's released code)."""
        normal = {part: "normal" for part in PARTS if part in state}
        if "architecture" in state:
            normal["architecture"] = state["architecture"]
        return self._row(normal)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "name": self.name,
            "unknown": self.unknown,
            "provenance": dict(self.provenance),
            "rows": [_row_to_json(row) for row in self.rows],
        }

    @classmethod
    def from_json(cls, data: Any, where: str = "the rules") -> Table:
        """Read a table; AutomlcError names what is wrong with it."""
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, Mapping) else None
            is_text = isinstance(found, str)
            said = f"the schema is {found!r:.60}" if is_text else "it names no schema"
            raise _wrong(where, f"{said}, this version reads {SCHEMA!r}")
        unknown = data.get("unknown", "parent")
        if unknown not in UNKNOWN:
            raise _wrong(where, f"'unknown' must be one of {', '.join(UNKNOWN)}")
        rows = data.get("rows")
        if not isinstance(rows, list):
            raise _wrong(where, "'rows' must be a list")
        name, provenance = data.get("name", where), data.get("provenance") or {}
        if not is_short(name):
            raise _wrong(where, "'name' must be a short text")
        if not isinstance(provenance, Mapping):
            raise _wrong(where, "'provenance' must be a mapping")
        read = tuple(_read_row(row, f"{where}: rows[{i}]") for i, row in enumerate(rows))
        _check_states(read, where)
        return cls(name, read, unknown, dict(provenance))


def is_short(value: Any) -> TypeGuard[str]:
    """Whether a value is a text that fits into a message."""
    return isinstance(value, str) and value.isprintable() and len(value) <= MAX_NAME


def _check_states(rows: Sequence[Row], where: str) -> None:
    """Each state has one row: a second one would never be found."""
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    for i, row in enumerate(rows):
        first = seen.setdefault(tuple(sorted(row.state.items())), i)
        if first != i:
            raise _wrong(where, f"rows[{i}] has the same state as rows[{first}]")


def check_state(state: Any, where: str) -> dict[str, str]:
    """A state of a file; AutomlcError for a part that there is none of, or a word that is none."""
    known = (*PARTS, "input")
    if not isinstance(state, Mapping):
        raise _wrong(where, "a state is {part: word}")
    for part, word in state.items():
        if part not in known or not is_short(word):
            raise _wrong(
                where, f"a state has words for {', '.join(known)}; got one for {part!r:.40}"
            )
    return dict(state)


def _wrong(where: str, what: str) -> AutomlcError:
    return AutomlcError(f"{where}: {what}", exit_code=1)


def _row_to_json(row: Row) -> dict[str, Any]:
    return {"state": dict(row.state), "actions": [_ranked_to_json(r) for r in row.actions]}


def _ranked_to_json(ranked: Ranked) -> dict[str, Any]:
    found: dict[str, Any] = {"action": ranked.action.text, "score": ranked.score}
    for name in ("n", "spread"):
        value = getattr(ranked, name)
        if value is not None:
            found[name] = value
    if ranked.source:
        found["source"] = dict(ranked.source)
    if ranked.also:
        found["also"] = ranked.also
    return found


def _read_row(data: Any, where: str) -> Row:
    state = data.get("state") if isinstance(data, Mapping) else None
    actions = data.get("actions") if isinstance(data, Mapping) else None
    if not isinstance(state, Mapping) or not isinstance(actions, list):
        raise _wrong(where, "a row is {state: {part: word}, actions: [...]}")
    ranked = [_read_ranked(one, f"{where}.actions[{i}]") for i, one in enumerate(actions)]
    return Row(check_state(state, where), tuple(rank(ranked)))


def _read_ranked(data: Any, where: str) -> Ranked:
    if isinstance(data, str):
        data = {"action": data, "score": 0.0}
    if not isinstance(data, Mapping) or not isinstance(data.get("action"), str):
        raise _wrong(where, "an action is {action: name = value, score: number}")
    also = data.get("also", "")
    if not isinstance(also, str):
        raise _wrong(where, "'also' must be an action: name = value and name = value")
    try:
        for text in [data["action"], *([also] if also else [])]:
            parse_action(text)
    except ExpressionError as error:
        raise _wrong(where, error.message) from None
    score, n, spread = data.get("score"), data.get("n"), data.get("spread")
    if not _is_number(score):
        raise _wrong(where, "'score' must be a finite number")
    if n is not None and (not isinstance(n, int) or isinstance(n, bool) or n < 0):
        raise _wrong(where, "'n' must be a whole number")
    if spread is not None and (not _is_number(spread) or spread < 0):
        raise _wrong(where, "'spread' must be a finite number of at least 0")
    source = data.get("source")
    return Ranked(
        Action(data["action"]), float(score), n, None if spread is None else float(spread),
        dict(source) if isinstance(source, Mapping) else {}, also,
    )  # fmt: skip


def _is_number(value: Any) -> TypeGuard[float]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is no float
        return False


def rank(actions: Sequence[Ranked]) -> list[Ranked]:
    """Best first; equal scores keep their order."""
    return sorted(actions, key=lambda ranked: -ranked.score)


@record
class WrittenRule:
    """A rule of the spec: `when` is over state, parameters and metrics; `line` is where it stands.

    The actions are in the order in which they are tried.
    """

    when: str
    actions: tuple[Action, ...]
    line: str

    def holds(self, env: Mapping[str, Any]) -> bool:
        """Whether the condition is true; a name without a value makes it false."""
        try:
            return evaluate(_expression(self.when), env) is True
        except ExpressionError:
            return False


def _expression(text: str) -> Expr:
    return parse(text)


@record
class Rules:
    """The rules of a plan: those written in the spec come first, then the table's."""

    table: Table
    written: tuple[WrittenRule, ...] = ()
    unknown: str | None = None
    digest: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table.to_json(),
            "written": [
                {"when": r.when, "actions": [a.text for a in r.actions], "line": r.line}
                for r in self.written
            ],
            "unknown": self.unknown,
            "digest": self.digest,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rules:
        written = tuple(
            WrittenRule(
                str(item["when"]), tuple(Action(str(a)) for a in item["actions"]), str(item["line"])
            )
            for item in data["written"]
        )
        return cls(
            Table.from_json(data["table"], "plan.json: rules"),
            written,
            data["unknown"],
            str(data["digest"]),
        )
