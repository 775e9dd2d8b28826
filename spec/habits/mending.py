"""An `.aml` file read as it was meant: habits of other languages are said once, and mended.

`trials: 3`, `trials = 3,`, a section made by indentation, items with dashes, `// comment`,
`budget(trials=3)`. Each is a finding with the edits that make a statement of it. The edits are
applied to a copy of the text and that is read instead, so that one mistake has one message and the
rest of the file is judged as it was meant. Places stay those of the file.

Sought only in files with findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from automlc.spec.aml import MOST, Statement, parse_plain, read_statements
from automlc.spec.aml_tokens import Kept, Places
from automlc.spec.diagnostics import Diagnostic, Edit, Fix
from automlc.spec.habits.declarations import (
    find_block,
    find_braces,
    find_clauses,
    find_condition_block,
    find_declared,
    find_tilde,
)
from automlc.spec.habits.finder import Finder
from automlc.spec.habits.habit import Change, Found, Habit
from automlc.spec.habits.layers import (
    find_bracket_arguments,
    find_conditional_layer,
    find_dash,
    find_layer,
    find_named_arguments,
    find_open_arguments,
)
from automlc.spec.habits.statements import (
    find_call,
    find_comma,
    find_comment,
    find_dotted,
    find_grown_block,
    find_hash,
    find_head,
    find_keyword,
    find_sign,
    find_two,
)
from automlc.spec.habits.whole import WHOLE
from automlc.spec.surfaces import written_as_yaml
from automlc.spec.yaml_nodes import Node

# An edit may show the next habit, as in braces within braces. A round reads the whole text, so a
# long text has fewer, and one that no person writes has none.
MAX_ROUNDS, READ, LONG = 16, 200_000, 100_000


# In this order: the first that finds something in a statement says it.
FINDERS: tuple[Callable[[Finder, Statement, str], Found], ...] = (
    find_comment,
    find_dash,
    find_open_arguments,
    find_head,
    find_block,
    find_grown_block,
    find_keyword,
    find_conditional_layer,
    find_bracket_arguments,
    find_tilde,
    find_braces,
    find_sign,
    find_call,
    find_dotted,
    find_declared,
    find_condition_block,
    find_clauses,
    find_named_arguments,
    find_layer,
    find_hash,
    find_comma,
    find_two,
)


def as_meant(text: str, file: str) -> tuple[Node | None, list[Diagnostic]] | None:
    """The tree of a file as it was meant and all findings of its syntax; None without habits."""
    if not 0 < len(text) <= LONG:
        return None
    other = written_as_yaml(text, file)
    if other is not None:
        return None, [other]
    places, told = Places(text, file), list[Diagnostic]()
    for _ in range(min(MAX_ROUNDS, READ // len(text) + 1)):
        statements, unread = read_statements(text, places)
        if statements is None:
            break
        finds = WHOLE if unread else WHOLE[:3]  # those of brackets, only where some are wrong
        whole = next((made for find in finds if (made := find(text))), None)
        habits = _apart(iter(whole) if whole else Finder(text, FINDERS).of(statements, ""))
        if not habits:
            break
        told += [_told(habit, places) for habit in habits]
        text, places = _changed(text, places, [c for habit in habits for c in habit.changes])
    if not told:
        return None
    root, found = parse_plain(text, places)
    return root, [*told[:MOST], *found]


def _told(habit: Habit, places: Places) -> Diagnostic:
    edits = tuple(Edit(places.span(start, end), new) for start, end, new in habit.changes)
    fix = Fix(edits, habit.safe) if habit.fixes and edits else None
    span = places.span(habit.start, habit.end)
    return Diagnostic(habit.code, habit.message, span, habit.hint, fix=fix)


def _apart(habits: Iterator[Habit]) -> list[Habit]:
    """Those whose changes do not touch; others are found again in the next round."""
    chosen: list[Habit] = []
    taken: list[tuple[int, int]] = []
    for habit in habits:
        places = [(start, end) for start, end, _ in habit.changes]
        if not any(a == b or (a[0] < b[1] and b[0] < a[1]) for a in places for b in taken):
            chosen.append(habit)
            taken += places
        if len(chosen) == MOST:
            break
    return chosen


def _changed(text: str, places: Places, changes: list[Change]) -> tuple[str, Places]:
    kept, parts, at, now = list[Kept](), list[str](), 0, 0
    for start, end, new in sorted(changes):
        kept.append(Kept(now, at, start - at))
        parts += [text[at:start], new]
        now += start - at + len(new)
        at = end
    kept.append(Kept(now, at, len(text) - at))
    return "".join([*parts, text[at:]]), places.after(kept)
