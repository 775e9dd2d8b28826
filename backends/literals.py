"""The only way for a word or number of a spec into emitted code: as a literal or an identifier.

Literals are ASCII whatever the text holds, and laid out as `ruff format` lays them out at 88
columns, so that emitted files need no formatter.
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Mapping

WIDTH = 88
_LONG = "  # noqa: E501"  # a string is not broken; ruff format does not count this comment

Value = (
    str | int | float | bool | None | tuple["Value", ...] | list["Value"] | Mapping[str, "Value"]
)


class Identifier(str):
    """Text that may stand in code as a name. Raises ValueError for anything else."""

    def __new__(cls, text: str) -> Identifier:
        if not text.isascii() or not text.isidentifier() or keyword.iskeyword(text):
            raise ValueError(f"emitter author: {text!r} is no identifier")
        return super().__new__(cls, text)


def literal(value: object) -> str:
    """A value as a Python literal on one line. Raises TypeError for other types.

    >>> print(literal('say "hi"'), literal((1,)), literal({"b": None, "a": float("nan")}))
    'say "hi"' (1,) {"a": float("nan"), "b": None}
    """
    if value is None or isinstance(value, bool | int):
        if isinstance(value, int) and type(value) not in (bool, int):
            raise TypeError(f"emitter author: {type(value).__name__} is no plain value")
        return repr(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return f'float("{float(value)}")'
        return repr(float(value)).replace("e+", "e")
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, tuple | list | Mapping):
        opening, closing = _brackets(value)
        return opening + ", ".join(_items(value)) + closing
    raise TypeError(f"emitter author: a {type(value).__name__} cannot become a literal")


def assignment(name: str, value: object, comment: str = "") -> str:
    """`NAME = literal`, over several lines where one is too short; no newline at the end.

    `comment` is text of ours (never of a spec) for the end of the line or the line above.

    >>> print(assignment("SIZES", (1, 2), "in pixels"))
    SIZES = (1, 2)  # in pixels
    """
    start = f"{Identifier(name)} = "
    line = start + literal(value)
    if comment and len(line) + 4 + len(comment) <= WIDTH:
        return f"{line}  # {comment}"
    above = f"# {comment}\n" if comment else ""
    if len(line) <= WIDTH:
        return above + line
    return above + start + _broken(value, "", len(start))


def _broken(value: object, indent: str, used: int) -> str:
    """A value that does not fit on the rest of its line, laid out over several."""
    if isinstance(value, tuple | list | Mapping) and value:
        inner = indent + "    "
        opening, closing = _brackets(value)
        pairs = value.items() if isinstance(value, Mapping) else ((None, item) for item in value)
        ordered = sorted(pairs) if isinstance(value, Mapping) else pairs
        lines = [_item(key, item, inner) for key, item in ordered]
        return "\n".join([opening, *lines, indent + closing.lstrip(",")])
    text = literal(value)
    if used and len(indent) + 4 + len(text) <= WIDTH and not isinstance(value, Mapping):
        return f"(\n{indent}    {text}\n{indent})"
    return text + _LONG


def _item(key: str | None, value: object, indent: str) -> str:
    start = indent if key is None else f"{indent}{_string(key)}: "
    line = f"{start}{literal(value)},"
    if len(line) <= WIDTH:
        return line
    if isinstance(value, tuple | list | Mapping) and value:
        first, _, rest = _broken(value, indent, len(start)).partition("\n")
        long = _LONG if len(start + first) > WIDTH else ""
        return f"{start}{first}{long}\n{rest},"
    return line + _LONG


def _items(value: tuple[object, ...] | list[object] | Mapping[str, object]) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{_string(key)}: {literal(item)}" for key, item in sorted(value.items())]
    return [literal(item) for item in value]


def _brackets(value: object) -> tuple[str, str]:
    if isinstance(value, Mapping):
        return "{", "}"
    if isinstance(value, list):
        return "[", "]"
    return "(", ",)" if isinstance(value, tuple) and len(value) == 1 else ")"


def _string(text: str) -> str:
    """Double quotes, unless single ones need fewer escapes: the choice that ruff makes."""
    single, double = text.count("'"), text.count('"')
    quote = "'" if single < double else '"'
    inner = ascii(str(text) + "'" + '"')[1:-1]  # both quotes inside: repr escapes the single ones
    inner = inner[: -len("\\'\"")].replace("\\'", "'").replace(quote, "\\" + quote)
    return f"{quote}{inner}{quote}"
