"""Put the mistakes of a text right, as far as their diagnostics know how.

An edit stays only if it helps: its finding is gone, and no error is there that was not before. The
exceptions are errors that were hidden: by a mistake that ended the reading, by a wrong value that
the spec cannot do without, or by the wrong name of the section in which they stand. In the end
there must be fewer errors than at first, or some must have been hidden; else all is taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from automlc.spec.diagnostics import Diagnostic, Severity
from automlc.spec.edits import apply, overlap
from automlc.spec.record import record


@record
class Checked:
    """All diagnostics of a text; not `complete` where some may be hidden by others."""

    found: tuple[Diagnostic, ...]
    complete: bool = True


Check = Callable[[str], Checked]
MAX_ROUNDS = 200  # edits or batches of edits; each costs a check of the whole text
_ENDING = frozenset(("E101", "E102", "E106", "E107", "E109", "E119", "E120"))


@record
class Fixed:
    """A text put right: what was applied, and what remains to be said of it."""

    text: str
    applied: tuple[Diagnostic, ...]
    remaining: tuple[Diagnostic, ...]


def fix_text(text: str, file: str, check: Check, *, unsafe: bool = False) -> Fixed:
    """Apply the fixes of a file's own text until none is left that helps.

    Unsafe fixes are only applied where `unsafe`.
    """
    first = now = check(text)
    start, refused = text, set[tuple[str, str, str]]()
    applied: list[Diagnostic] = []
    for _ in range(MAX_ROUNDS):
        able = [d for d in now.found if _is_able(d, file, unsafe) and _what(d) not in refused]
        if not able:
            break
        batch = _apart(text, able)
        for chosen in [batch, *([d] for d in batch if len(batch) > 1)]:
            made = apply(text, [edit for d in chosen if d.fix for edit in d.fix.edits])
            after = check(made)
            if _helps(chosen, now, after):
                text, now = made, after
                applied += chosen
                refused.clear()  # what did not help before may help now
                break
            if len(chosen) == 1:
                refused.add(_what(chosen[0]))
    if applied and not (_errors(now) < _errors(first) or not first.complete or _warned(first, now)):
        return Fixed(start, (), first.found)
    return Fixed(text, tuple(applied), now.found)


def _is_able(d: Diagnostic, file: str, unsafe: bool) -> bool:
    if d.fix is None or not (d.fix.safe or unsafe):
        return False
    return all(edit.span.file == file for edit in d.fix.edits)


def _apart(text: str, able: list[Diagnostic]) -> list[Diagnostic]:
    """Those that can be applied at once; others wait for the next round."""
    chosen: list[Diagnostic] = []
    for d in able:
        if not any(overlap(text, d.fix, other.fix) for other in chosen if d.fix and other.fix):
            chosen.append(d)
    return chosen


def _what(d: Diagnostic) -> tuple[str, str, str]:
    """A finding whatever its place, which edits before it move."""
    return d.code, d.message, d.key


def _errors(checked: Checked) -> int:
    return sum(d.severity is Severity.ERROR for d in checked.found)


def _warned(first: Checked, now: Checked) -> bool:
    """Whether nothing but warnings was put right."""
    return _errors(first) == _errors(now) and len(now.found) < len(first.found)


def _helps(chosen: Sequence[Diagnostic], before: Checked, after: Checked) -> bool:
    was, now = Counter(map(_what, before.found)), Counter(map(_what, after.found))
    if not all(now[_what(d)] < was[_what(d)] or _moved_on(d, after) for d in chosen):
        return False
    errors = [d for d in after.found if d.severity is Severity.ERROR]
    fresh = [d for d in errors if now[_what(d)] > was[_what(d)]]
    if not before.complete and after.complete:
        return True
    return all(any(_hid(d, one) for d in chosen) for one in fresh)


def _moved_on(fixed: Diagnostic, after: Checked) -> bool:
    """Whether the reading now gets further before it meets the same kind of mistake."""
    same = [d for d in after.found if _what(d) == _what(fixed)]
    return fixed.code in _ENDING and all(_is_later(d, fixed) for d in same)


def _is_later(one: Diagnostic, other: Diagnostic) -> bool:
    if one.span is None or other.span is None:
        return False
    return (one.span.line, one.span.column) > (other.span.line, other.span.column)


def _hid(fixed: Diagnostic, one: Diagnostic) -> bool:
    """Whether a mistake could not be seen before another was put right."""
    if fixed.code in _ENDING:
        # After a syntax error nothing at all was read, not even what stands before it.
        return one.code not in _ENDING or _is_later(one, fixed)
    if fixed.code == "E201" and fixed.fix is not None:
        section = fixed.key.rpartition(".")[0]
        name = fixed.fix.edits[0].text
        return one.key.startswith(f"{section}.{name}" if section else name)
    return False
