"""Diagnostics: what is wrong, where, what would be right, and the edit that makes it so.

Three printed forms are here; those for other programs (spec/github.py, spec/sarif.py) and what
applies an edit (spec/edits.py) are imported when they are asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache

from automlc.spec.record import record


@record
class Span:
    """A stretch of a file: 1-based lines and columns (in characters), the end exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Severity(StrEnum):
    """How bad a diagnostic is: an error stops the spec, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@record
class Note:
    """A second place that belongs to a diagnostic, such as the first of two duplicate keys."""

    message: str
    span: Span | None = None


@record
class Edit:
    """Text that takes the place of a stretch of a file; an empty stretch inserts."""

    span: Span
    text: str


@record
class Fix:
    """The smallest edits that put a finding right; they belong together.

    `safe` ones are what the writer certainly meant, and `validate --fix` applies them. Others are
    likely: they choose a value, or a name of the writer's own, and need --unsafe-fixes.
    """

    edits: tuple[Edit, ...]
    safe: bool = True


@record
class Diagnostic:
    """One finding. `key` is the dotted path in the spec, such as `space.parameters.lr`."""

    code: str
    message: str
    span: Span | None
    hint: str | None = None
    key: str = ""
    notes: tuple[Note, ...] = ()
    fix: Fix | None = None

    @property
    def severity(self) -> Severity:
        """Warning for the W codes, error for all others."""
        return Severity.WARNING if self.code.startswith("W") else Severity.ERROR


def put(span: Span | None, text: str, *, safe: bool = True) -> Fix | None:
    """The fix that writes `text` over a stretch; None without one."""
    return None if span is None else Fix((Edit(span, text),), safe)


def swap(span: Span | None, old: str, new: str | None, *, safe: bool = True) -> Fix | None:
    """The fix that writes a word for another, inside its quotes where it has some.

    None where there is no new word, or where the stretch is not just that word: a text over
    several lines, or one with escapes.
    """
    if span is None or new is None or span.line != span.end_line or not _PLAIN.fullmatch(new):
        return None
    quotes = span.end_column - span.column - len(old)
    if quotes not in (0, 2):
        return None
    first, last = span.column + quotes // 2, span.end_column - quotes // 2
    return put(Span(span.file, span.line, first, span.line, last), new, safe=safe)


# What may stand in a spec with and without quotes.
_PLAIN = re.compile(r"[^\s\"'#:,\[\]{}&*!|>@`]+(/[\w.]+)*", re.ASCII)

# C0 and C1 controls (line feeds included: a name must not forge a second line), line and
# paragraph separators, bidirectional overrides and isolates, and lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
# The line breaks of YAML 1.1 readers, so that our line numbers are theirs.
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_WIDEST = 160


def clean(text: str) -> str:
    """Foreign text made safe for a terminal: no control, bidi or surrogate characters."""
    return _UNSAFE.sub("", text.replace("\t", " "))


def quote(text: object, limit: int = 40) -> str:
    """A value from a spec between backquotes: cleaned and cut to `limit` characters."""
    shown = clean(str(text))
    return f"`{shown if len(shown) <= limit else shown[: limit - 1] + '…'}`"


def lines_of(text: str) -> list[str]:
    """The lines of a source text, cut where a YAML reader cuts."""
    return _LINE_BREAK.split(text)


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    """Those of a file that many findings point into."""
    return lines_of(text)


def line_breaks(text: str) -> list[int]:
    """The offsets behind every line break: where the second line begins, and so on."""
    return [match.end() for match in _LINE_BREAK.finditer(text)]


ARGUMENT = "<--"  # how the names of arguments begin that stand for files: `<--set 1>`


def in_file(span: Span | None) -> bool:
    """Whether a place is in a file, and not in an argument of the command line (`<--set 1>`)."""
    return span is not None and not span.file.startswith(ARGUMENT)


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    """Order of printing: by place, then by code."""
    span = diagnostic.span
    place = (span.file, span.line, span.column) if span else ("", 0, 0)
    return (*place, diagnostic.code, diagnostic.message)


def render(
    diagnostics: Iterable[Diagnostic],
    *,
    format: str = "full",
    sources: Mapping[str, str] | None = None,
    color: bool = False,
) -> str:
    """The diagnostics as text: `full` (framed snippet), `concise` (a line each), `json`, `github`
    (workflow commands) or `sarif` (a log of version 2.1.0).

    `sources` maps a span's file to its text; a file that is not there is shown without snippet.
    The result ends without a newline.
    """
    found = [_in_its_words(d) for d in diagnostics]
    if format == "json":
        return json.dumps([_to_json(d) for d in found], indent=2, ensure_ascii=True)
    if format == "concise":
        return "\n".join(_concise(d) for d in found)
    if format == "github":
        from automlc.spec.github import commands

        return commands(found)
    if format == "sarif":
        from automlc.spec.sarif import log

        return log(found, sources or {})
    if format != "full":
        raise ValueError(f"caller: no diagnostic format is called {format!r}")
    blocks = [_full(d, sources or {}, _Paint(color)) for d in found]
    return "\n\n".join([*blocks, f"{summary(found)}{_repairable(found)}"]) if blocks else ""


_OF_DATA = ("E35", "E36", "E37")  # what is found where data is read


def _repairable(found: Iterable[Diagnostic]) -> str:
    """How much of it `validate` would put right, which looks at no data."""
    told = (d for d in found if not d.code.startswith(_OF_DATA))
    fixes = [d.fix for d in told if d.fix and in_file(d.span)]
    safe, unsafe = sum(fix.safe for fix in fixes), sum(not fix.safe for fix in fixes)
    if safe:
        more = f", {unsafe} more with --unsafe-fixes" if unsafe else ""
        return f" ({safe} fixable: validate --fix{more})"
    return f" ({unsafe} fixable: validate --fix --unsafe-fixes)" if unsafe else ""


def _in_its_words(diagnostic: Diagnostic) -> Diagnostic:
    if diagnostic.span is None or not diagnostic.span.file.endswith(".aml"):
        return diagnostic
    from automlc.spec.aml_hints import said_as_dsl

    return said_as_dsl(diagnostic)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    counts = dict.fromkeys(Severity, 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
    parts = [f"{n} {s}{'' if n == 1 else 's'}" for s, n in counts.items() if n]
    return ", ".join(parts) or "no errors"


class _Paint:
    """ANSI colors, or nothing."""

    def __init__(self, color: bool):
        self.color = color

    def __call__(self, style: str, text: str) -> str:
        codes = {"error": "1;31", "warning": "1;33", "bold": "1", "frame": "34", "help": "32"}
        return f"\x1b[{codes[style]}m{text}\x1b[0m" if self.color else text


def _where(span: Span | None) -> str:
    return f"{clean(span.file)}:{span.line}:{span.column}" if span else "spec"


def _concise(d: Diagnostic) -> str:
    hint = f"; {clean(d.hint)}" if d.hint else ""
    return f"{_where(d.span)}: {d.code} {clean(d.message)}{hint}"


def _full(d: Diagnostic, sources: Mapping[str, str], paint: _Paint) -> str:
    head = f"{paint(d.severity, f'{d.severity}[{d.code}]')}: {paint('bold', clean(d.message))}"
    out = [head]
    edited = [edit.span for edit in d.fix.edits] if d.fix else []
    places = [s for s in (d.span, *(n.span for n in d.notes), *edited) if s]
    width = len(str(max([s.line for s in places], default=1)))
    side = f"{' ' * width} {paint('frame', '=')}"
    if d.span:
        out += [f"{' ' * width}{paint('frame', '-->')} {_where(d.span)}"]
        out += _snippet(d.span, sources, width, paint, d.severity)
    for note in d.notes:
        where = f" ({_where(note.span)})" if note.span else ""
        out += [f"{side} note: {clean(note.message)}{where}"]
        if note.span and (d.span is None or note.span.line != d.span.line):
            out += _snippet(note.span, sources, width, paint, "frame", "-")[1:]
    if d.hint:
        out += [f"{side} {paint('help', 'help')}: {clean(d.hint)}"]
    if d.fix:
        from automlc.spec.edits import preview

        out += preview(d.fix, sources, width, lambda text: paint("help", text))
    return "\n".join(out)


def _snippet(
    span: Span,
    sources: Mapping[str, str],
    width: int,
    paint: _Paint,
    style: str,
    mark: str = "^",
) -> list[str]:
    source = _lines(sources[span.file]) if span.file in sources else []
    if not 1 <= span.line <= len(source):
        return []
    text = source[span.line - 1]
    if span.line == 1:
        text = text.removeprefix("\ufeff")
    start = min(span.column - 1, len(text))
    end = span.end_column - 1 if span.end_line == span.line else len(text)
    line, indent, marks = framed(text, start, max(start, min(end, len(text))))
    bar = paint("frame", "|")
    return [
        f"{' ' * width} {bar}",
        f"{paint('frame', str(span.line).rjust(width))} {bar} {line}".rstrip(),
        f"{' ' * width} {bar} {' ' * indent}{paint(style, mark * marks)}",
    ]


def framed(text: str, start: int, end: int) -> tuple[str, int, int]:
    """A line made safe, and where its part from `start` to `end` is then: indent and width.

    A long line is cut to a window around the place.
    """
    shift = 0
    if len(text) > _WIDEST:
        shift = max(0, start - 40)
        text = text[shift : shift + _WIDEST]
    start, end = start - shift, min(end - shift, len(text))
    # Cleaning removes characters, so the caret is measured on the cleaned text before it.
    return clean(text), len(clean(text[:start])), max(1, len(clean(text[start:end]).rstrip()))


def _span_json(span: Span | None) -> dict[str, object] | None:
    if span is None:
        return None
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _to_json(d: Diagnostic) -> dict[str, object]:
    return {
        "code": d.code,
        "severity": str(d.severity),
        "message": d.message,
        "hint": d.hint,
        "key": d.key,
        "span": _span_json(d.span),
        "notes": [{"message": n.message, "span": _span_json(n.span)} for n in d.notes],
        "fix": d.fix
        and {
            "applicability": "safe" if d.fix.safe else "unsafe",
            "edits": [{"span": _span_json(e.span), "text": e.text} for e in d.fix.edits],
        },
    }
