"""Diagnostics as workflow commands, which GitHub shows at the lines of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterable

from automlc.spec.diagnostics import Diagnostic, clean, in_file

# What ends a command or a property. The percent sign goes first.
_DATA = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_PROPERTY = (*_DATA, (":", "%3A"), (",", "%2C"))


def commands(diagnostics: Iterable[Diagnostic]) -> str:
    """A line each: `::error file=…,line=…,col=…,endLine=…,endColumn=…,title=…::message`.

    Columns are 1-based; GitHub's endColumn is the last one, ours the one behind it.
    """
    return "\n".join(_command(d) for d in diagnostics)


def _command(d: Diagnostic) -> str:
    properties: dict[str, object] = {}
    if d.span is not None and in_file(d.span):
        span = d.span
        properties = {"file": span.file.replace("\\", "/"), "line": span.line, "col": span.column}
        properties["endLine"] = span.end_line
        if span.line == span.end_line:  # GitHub takes no end column for several lines
            properties["endColumn"] = max(span.column, span.end_column - 1)
    properties["title"] = d.code
    joined = ",".join(f"{k}={_escaped(clean(str(v)), _PROPERTY)}" for k, v in properties.items())
    where = f"{d.span.file}: " if d.span is not None and not in_file(d.span) else ""
    notes = "".join(f"; {clean(note.message)}{_line(note.span)}" for note in d.notes)
    hint = f"; {clean(d.hint)}" if d.hint else ""
    return f"::{d.severity} {joined}::{_escaped(clean(where + d.message) + notes + hint, _DATA)}"


def _line(span: object) -> str:
    line = getattr(span, "line", None)
    return f" (line {line})" if line is not None else ""


def _escaped(text: str, table: tuple[tuple[str, str], ...]) -> str:
    for letter, code in table:
        text = text.replace(letter, code)
    return text
