"""Calls as source text, laid out the way `ruff format` lays them out (88 columns)."""

from __future__ import annotations

from typing import Any

from automlc.backends.code import text
from automlc.spec.record import record

WIDTH = 88
_LONG = "  # fmt: skip"  # an expression is not broken; the formatter leaves such a line as it is


@record
class Source:
    """Text that is already source code (a name, an expression)."""

    code: str


class CallText:
    """A call: `CallText("nn.Conv2d", 3, 16, kernel_size=3)`; arguments are values or calls."""

    def __init__(self, function: str, *args: Any, **kwargs: Any):
        self.function = function
        self.args: list[tuple[str, Any]] = [("", a) for a in args]
        self.args += [(f"{k}=", v) for k, v in kwargs.items()]

    def one_line(self) -> str:
        return f"{self.function}({', '.join(p + one_line(v) for p, v in self.args)})"


def one_line(value: Any) -> str:
    """A value without line breaks."""
    if isinstance(value, CallText):
        return value.one_line()
    return value.code if isinstance(value, Source) else text(value)


def unbroken(line: str) -> str:
    """A line of its own, with a word for the formatter where it is too long."""
    return line + _LONG if len(line) > WIDTH else line


def layout(prefix: str, value: Any, indent: int, tail: str = "") -> list[str]:
    """Lines of `prefix value tail` at an indentation, broken only where a line is too long."""
    lines = _laid_out(prefix, value, indent, tail)
    if any(len(line) > WIDTH for line in lines):
        lines[-1] += _LONG  # holds for the whole statement
    return lines


def _laid_out(prefix: str, value: Any, indent: int, tail: str = "") -> list[str]:
    pad = " " * indent
    flat = f"{pad}{prefix}{one_line(value)}{tail}"
    if len(flat) <= WIDTH or not isinstance(value, CallText) or not value.args:
        return [flat]
    opening = f"{pad}{prefix}{value.function}("
    inner = " " * (indent + 4) + ", ".join(p + one_line(v) for p, v in value.args)
    if len(inner) <= WIDTH and not _splits(value):
        return [opening, inner, f"{pad}){tail}"]
    lines = [opening]
    for name, argument in value.args:
        lines += _laid_out(name, argument, indent + 4, ",")
    return [*lines, f"{pad}){tail}"]


def _splits(value: CallText) -> bool:
    """A sequence of layers reads best with one layer on each line."""
    return value.function in ("nn.Sequential", "Steps")
