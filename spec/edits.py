"""Edits of a text: applying them, and showing what they make of its lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from automlc.spec.diagnostics import Edit, Fix, Span, framed, line_breaks

_MOST_LINES = 6  # of one fix that are shown


class Positions:
    """Offsets into a text of the lines and columns that diagnostics have."""

    def __init__(self, text: str):
        self.text = text
        # The reader takes a byte order mark off before it counts columns.
        first = 1 if text.startswith("\ufeff") else 0
        self.starts = [first, *line_breaks(text)]

    def offset(self, line: int, column: int) -> int:
        """Where a 1-based place lies; the end of the text for places behind it."""
        if line > len(self.starts):
            return len(self.text)
        return min(self.starts[line - 1] + column - 1, len(self.text))

    def ends(self, span: Span) -> tuple[int, int]:
        """First offset, and the one after the last."""
        start = self.offset(span.line, span.column)
        return start, max(start, self.offset(span.end_line, span.end_column))

    def line_of(self, offset: int) -> int:
        """The 1-based line of an offset."""
        return max(1, bisect_right(self.starts, offset))


@lru_cache(maxsize=2)
def positions(text: str) -> Positions:
    """Those of a text, which many findings of one file ask for."""
    return Positions(text)


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text after edits that do not overlap, in any order; the rest of it stays as it is."""
    places, newline = positions(text), "\r\n" if "\r\n" in text else "\n"
    for edit in sorted(edits, key=lambda e: places.ends(e.span), reverse=True):
        start, end = places.ends(edit.span)
        text = text[:start] + edit.text.replace("\n", newline) + text[end:]
    return text


def overlap(text: str, one: Fix, other: Fix) -> bool:
    """Whether two fixes touch the same characters, or insert at the same place."""
    places = positions(text)
    for a, b in (
        (places.ends(x.span), places.ends(y.span)) for x in one.edits for y in other.edits
    ):
        if a == b or (a[0] < b[1] and b[0] < a[1]):
            return True
    return False


def preview(
    fix: Fix, sources: Mapping[str, str], width: int, paint: Callable[[str], str]
) -> list[str]:
    """The lines that a fix changes, as they will be: `~` for changed, `+` new, `-` gone."""
    file = fix.edits[0].span.file
    if file not in sources or any(edit.span.file != file for edit in fix.edits):
        return []
    lines: dict[int, list[Edit]] = {}
    for edit in sorted(fix.edits, key=lambda e: (e.span.line, e.span.column)):
        lines.setdefault(edit.span.line, []).append(edit)
    out: list[str] = []
    for line, edits in lines.items():
        out += _shown(line, edits, sources[file], width, paint)
    return out[:_MOST_LINES]


def _shown(
    line: int, edits: list[Edit], text: str, width: int, paint: Callable[[str], str]
) -> list[str]:
    """What becomes of the lines from `line` on that edits beginning in it touch."""
    places = positions(text)
    first = places.offset(line, 1)
    stop = max(places.ends(edit.span)[1] for edit in edits)
    end = _line_end(text, stop)
    made, marks, at = "", [], first
    for edit in edits:
        start, after = places.ends(edit.span)
        made += text[at:start]
        marks.append((len(made), len(edit.text), start == after))
        made, at = made + edit.text, after
    only_gone = len(edits) == 1 and not edits[0].text and stop > first
    if (
        only_gone
        and stop == places.offset(places.line_of(stop), 1)
        and first == at - (stop - first)
    ):
        gone = text[first:stop].splitlines()
        return [_numbered(line + i, "-", part, width, paint) for i, part in enumerate(gone)]
    is_new = all(inserted for *_, inserted in marks) and "\n" in edits[0].text
    made += "" if is_new and edits[0].text.endswith("\n") else text[at:end]
    lines = made.splitlines()
    if is_new:
        skip = 1 if edits[0].text.startswith("\n") else 0
        return [
            _numbered(line + i, "+", part, width, paint)
            for i, part in enumerate(lines)
            if i >= skip
        ]
    if len(lines) != 1:
        return [_numbered(line + i, "~", part, width, paint) for i, part in enumerate(lines)]
    return [
        _numbered(line, "~", _window(made, marks)[0], width, paint),
        *([f"{' ' * width}   {paint(under)}"] if (under := _window(made, marks)[1]) else []),
    ]


def _numbered(line: int, sign: str, text: str, width: int, paint: Callable[[str], str]) -> str:
    return f"{str(line).rjust(width)} {paint(sign)} {framed(text, 0, 0)[0]}".rstrip()


def _window(text: str, marks: list[tuple[int, int, bool]]) -> tuple[str, str]:
    """A line, and below it what changed: `+` for inserted, `~` for other characters."""
    under = ""
    for start, length, inserted in marks:
        _, indent, marked = framed(text, start, start + length)
        if length:
            under = under.ljust(indent) + ("+" if inserted else "~") * marked
    return framed(text, marks[0][0], marks[0][0])[0], under


def _line_end(text: str, offset: int) -> int:
    ends = [at for mark in "\r\n" if (at := text.find(mark, offset)) >= 0]
    return min(ends, default=len(text))
