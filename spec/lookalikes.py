"""Characters that look like those of the language: curly quotes, full-width marks, hard blanks.

They come from word processors, chats and web pages, on both surfaces. A line is only blamed on them
if it has findings, and fewer of them once they are exchanged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from automlc.spec.diagnostics import Diagnostic, Edit, Fix, Span, lines_of, sort_key
from automlc.spec.edits import apply
from automlc.spec.errors import SpecError

# What is meant by a character; full-width digits and marks are computed.
_MEANT = {
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4", "'"),
    **dict.fromkeys("\u00a0\u1680\u202f\u205f\u3000", " "),
    **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", ""),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **{"\u037e": ";", "\u223c": "~", "\u02dc": "~", "\u2264": "<=", "\u2265": ">=", "\u2260": "!="},
    **{chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F) if not chr(code).isalpha()},
    **{"\u3001": ",", "\u3002": ".", "\u300c": '"', "\u300d": '"', "\u2236": ":"},
}
_ANY = re.compile(f"[{re.escape(''.join(_MEANT))}]")
# Texts between plain quotes and comments are the writer's own.
_OWN = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'|(?:^|(?<=\s))#.*""")
_NAMES = {" ": "a blank", '"': 'the quote `"`', "'": "the quote `'`"}


def blamed(
    error: SpecError, text: str, file: str, read: Callable[[str], list[Diagnostic]]
) -> SpecError:
    """The error with what such characters brought about said as that; itself where there is none.

    `read` gives the findings of another text of the file.
    """
    found = list(error.diagnostics)
    numbers = {d.span.line for d in found if d.span is not None and d.span.file == file}
    lines = lines_of(text.removeprefix("\ufeff"))
    made = {n: d for n in numbers if n <= len(lines) and (d := _told(lines[n - 1], n, file))}
    if not made:
        return error
    after = read(apply(text, [edit for d in made.values() if d.fix for edit in d.fix.edits]))
    was, now = _by_line(found), _by_line(after)
    guilty = {number for number in made if now[number] < was[number]}
    kept = [d for d in found if d.span is None or d.span.line not in guilty]
    kept += [made[number] for number in guilty]
    return SpecError(sorted(kept, key=sort_key), error.sources, error.partial)


def _by_line(found: list[Diagnostic]) -> Counter[int]:
    return Counter(d.span.line for d in found if d.span is not None)


def _told(line: str, number: int, file: str) -> Diagnostic | None:
    """What is said of the characters of a line."""
    own = [match.span() for match in _OWN.finditer(line)]
    places = [
        match
        for match in _ANY.finditer(line)
        if not any(start < match.start() < end for start, end in own)
    ]
    if not places:
        return None
    edits = []
    for match in places:
        column = match.start() + 1
        meant = _MEANT[match[0]]
        if meant == ":" and not line[column : column + 1].isspace():
            meant = ": "  # the full-width one has its blank in itself
        edits.append(Edit(Span(file, number, column, number, column + 1), meant))
    first = places[0][0]
    meant = _MEANT[first]
    shown = "" if meant in ("", " ") or first.isspace() else f" `{first}`"
    message = f"the character{shown} U+{ord(first):04X} only looks like {_name(meant)}"
    if not meant:
        message = f"the character U+{ord(first):04X} cannot be seen, and is none of a word"
    hint = f"write {_name(meant)}" if meant else "remove it"
    if len(places) > 1:
        hint += f"; the line has {len(places)} characters of this kind"
    return Diagnostic("E120", message, edits[0].span, hint, fix=Fix(tuple(edits)))


def _name(meant: str) -> str:
    return _NAMES.get(meant, f"`{meant}`")
