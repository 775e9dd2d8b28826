"""The tokens of `.aml` files: words, texts, strings, brackets and ends of statements.

A statement begins with a word; what follows is a text up to the end of the statement, so that
expressions, units and paths need no quotes. It ends at a line break, `;`, a brace, or ` #`; inside
parentheses and brackets none of these ends it. Items of a list end at `,` as well.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from automlc.spec.diagnostics import Span, line_breaks
from automlc.spec.yaml_nodes import MAX_DEPTH

MAX_TOKENS = 100_000  # three seconds of reading

_WORD = re.compile(r"""(?:[^\s{}\[\](),;#"'~=:]|:(?=[^\s{}\[\](),;#"'~=]))+""")
_BLANK = re.compile(r"[ \t\ufeff]+")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
STRING = re.compile(r'"(?:[^"\\\n\r]|\\.)*"|' + r"'(?:[^'\n\r]|'')*'")
# What may change where a text ends; all other characters are skipped at once.
_MARK = re.compile("[()\\[\\]{};,\"'#]|\r\n|[\n\r\x85\u2028\u2029]")
MOST_LINES = 30  # of one text: a bracket that is never closed must not take the rest of the file
MOST_UNCLOSED = 20  # texts of a file that are looked for over several lines in vain
_SINGLE = {"{": "LBRACE", "}": "RBRACE", "[": "LSQB", "]": "RSQB", "~": "TILDE"}


class Tok(NamedTuple):
    """A token: `text` is what stands in the file from `start` to `end` (offsets in characters)."""

    type: str
    text: str
    start: int
    end: int


class TooLargeError(Exception):
    """More tokens or deeper brackets than a spec can need, at an offset."""

    def __init__(self, message: str, at: int):
        super().__init__(message)
        self.at = at


class Kept(NamedTuple):
    """A stretch that a changed text has from the text before: both beginnings, and its length."""

    now: int
    before: int
    length: int


class Places:
    """Offsets of a text as lines and columns.

    Where the text is a file's after changes, `changed` leads back from the last of them to the
    file: the places are those of the file.
    """

    def __init__(self, text: str, file: str):
        self.file = file
        self.starts = [0, *line_breaks(text)]
        self.changed: tuple[list[Kept], ...] = ()

    def after(self, kept: list[Kept]) -> Places:
        """The places of a text that has these stretches of the present one."""
        new = Places("", self.file)
        new.starts, new.changed = self.starts, (kept, *self.changed)
        return new

    def span(self, start: int, end: int) -> Span:
        """The stretch from one offset to another."""
        end = max(start, end)
        for kept in self.changed:
            first, last = _back(kept, start), _back(kept, end, ends=end > start)
            start, end = first, max(first, last)
        line, column = self.of(start)
        end_line, end_column = self.of(end)
        return Span(self.file, line, column, end_line, end_column)

    def of(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


def _back(kept: list[Kept], offset: int, *, ends: bool = False) -> int:
    """Where an offset was before; what was inserted stands behind what it follows."""
    at = (bisect_left if ends else bisect_right)(kept, offset, key=lambda one: one.now) - 1
    if at < 0:
        return 0
    one = kept[at]
    return one.before + min(offset - one.now, one.length)


def tokens(text: str, comments: list[Tok] | None = None) -> Iterator[Tok]:
    """The tokens of a text. Comments are put into `comments`, each with its `#`."""
    at, count = 0, 0
    patience = [MOST_UNCLOSED]
    inside: list[str] = []  # the brackets around, innermost last
    begins = True  # of a statement or an item
    while at < len(text):
        blank = _BLANK.match(text, at)
        if blank:
            at = blank.end()
            continue
        token = _next(text, at, begins, "[" in inside[-1:], patience)
        if token.type == "COMMENT":
            if comments is not None:
                comments.append(token)
            at = token.end
            continue
        count += 1
        if count > MAX_TOKENS:
            raise TooLargeError(f"the file has more than {MAX_TOKENS:,} words", at)
        if token.type in ("LBRACE", "LSQB"):
            inside.append(token.text)
            if len(inside) > MAX_DEPTH:
                raise TooLargeError(f"values are nested deeper than {MAX_DEPTH} levels", at)
        elif token.type in ("RBRACE", "RSQB") and inside:
            inside.pop()
        begins = token.type in ("END", "LBRACE", "LSQB")
        yield token
        at = token.end


def _next(text: str, at: int, begins: bool, in_list: bool, patience: list[int]) -> Tok:
    letter = text[at]
    if letter == "#":
        end = _BREAK.search(text, at)
        return _token("COMMENT", text, at, end.start() if end else len(text))
    line = _BREAK.match(text, at)
    if line:
        return _token("END", text, at, line.end())
    if letter == ";" or (letter == "," and in_list):
        return _token("END", text, at, at + 1)
    if letter in _SINGLE:
        return _token(_SINGLE[letter], text, at, at + 1)
    string = STRING.match(text, at)
    if string and (begins or _ends(text, string.end(), in_list)):
        kind = "WORD" if begins and not in_list else "STRING"
        return _token(kind, text, at, string.end())
    if begins and not in_list:
        word = _WORD.match(text, at)
        if word:
            return _token("WORD", text, at, word.end())
    return _token("TEXT", text, at, _end_of_text(text, at, in_list, patience))


def _token(kind: str, text: str, start: int, end: int) -> Tok:
    return Tok(kind, text[start:end], start, end)


def _ends(text: str, at: int, in_list: bool) -> bool:
    """Whether nothing more of a value follows."""
    blank = _BLANK.match(text, at)
    at = blank.end() if blank else at
    return (
        at == len(text)
        or text[at] in ";{}]#" + ("," if in_list else "")
        or bool(_BREAK.match(text, at))
    )


def _end_of_text(text: str, start: int, in_list: bool, patience: list[int]) -> int:
    """Where a text ends, blanks at its end left out.

    A bracket that is never closed is a mistake of one line: the text then ends with the line.
    After many of these (`patience` counts down) no further line is looked at, and time is linear.
    """
    most = MOST_LINES if patience[0] > 0 else 0
    depth, at, first_break, breaks = 0, start, -1, 0
    while mark := _MARK.search(text, at):
        letter, at = mark[0], mark.end()
        if letter in "([":
            depth += 1
        elif letter in ")]":
            if depth == 0 and letter == "]":
                return _trimmed(text, start, mark.start())
            depth -= depth > 0
        elif letter in "\"'":
            string = STRING.match(text, mark.start())
            at = string.end() if string else at
        elif letter == "#":
            if text[mark.start() - 1 : mark.start()] in (" ", "\t", "\n", "\r"):
                if depth == 0:
                    return _trimmed(text, start, mark.start())
                line = _BREAK.search(text, at)
                at = line.start() if line else len(text)
        elif depth and letter in "{},":
            if letter != ",":  # no expression has a brace
                break
        elif depth:
            if letter != ";":
                first_break = mark.start() if first_break < 0 else first_break
                breaks += 1
                if breaks > most:
                    break
        elif letter != "," or in_list:
            return _trimmed(text, start, mark.start())
    if depth and first_break >= 0:
        patience[0] -= 1
        return _trimmed(text, start, first_break)
    return _trimmed(text, start, mark.start() if mark else len(text))


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start + 1 and text[end - 1] in " \t\r\n":
        end -= 1
    return max(end, start + 1)


def unquoted(token: str) -> str:
    """The text of a string; raises ValueError with what is wrong with an escape."""
    if token[0] == "'":
        return token[1:-1].replace("''", "'")
    if "\\" not in token:
        return token[1:-1]
    out: list[str] = []
    at = 1
    while at < len(token) - 1:
        letter = token[at]
        if letter != "\\":
            out.append(letter)
            at += 1
            continue
        escaped, at = _escape(token, at)
        out.append(escaped)
    return "".join(out)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "0": "\0"}
_CODES = {"x": 2, "u": 4, "U": 8}


def _escape(token: str, at: int) -> tuple[str, int]:
    letter = token[at + 1]
    if letter in _ESCAPES:
        return _ESCAPES[letter], at + 2
    digits = token[at + 2 : at + 2 + _CODES.get(letter, 0)]
    if letter not in _CODES or not re.fullmatch(rf"[0-9a-fA-F]{{{_CODES[letter]}}}", digits):
        raise ValueError(f"\\{letter}")
    code = int(digits, 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ValueError(f"\\{letter}{digits}")
    return chr(code), at + 2 + len(digits)
