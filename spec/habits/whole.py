"""Habits seen in the whole text: headers, comments, fences, and brackets without a partner."""

from __future__ import annotations

import re
from collections.abc import Callable

from automlc.spec.aml_tokens import Tok, tokens
from automlc.spec.diagnostics import lines_of, quote
from automlc.spec.habits.habit import Habit, indent_of, keys_within, line_start

_HEADER = re.compile(r"^[ \t]*\[+([a-z]\w*)\]+(?=[ \t]*(?:#.*)?$)", re.MULTILINE)


_REMARK = re.compile(r"^([ \t]*)/\*(.*?)\*/(?=[ \t]*(?:#.*)?$)", re.MULTILINE | re.DOTALL)


_FENCE = re.compile(r"^[ \t]*(```\w*|---+|\.\.\.)(?:[ \t]*$\n?|(?=[ \t]*#))", re.MULTILINE)


def _headers(text: str) -> list[Habit]:
    """`[task]` and the lines below it, as TOML and INI files have sections."""
    return [_header(text, match) for match in _HEADER.finditer(text) if keys_within(match[1])]


def _header(text: str, match: re.Match[str]) -> Habit:
    following = _HEADER.search(text, match.end())
    body = text[match.end() : following.start() if following else len(text)]
    end = match.end() + len(body.rstrip())
    start = match.start() + match[0].index("[")
    message = f"the statements of {quote(match[1])} stand between braces"
    changes = ((start, match.end(), f"{match[1]} {{"), (end, end, "\n}"))
    return Habit("E113", message, start, match.end(), f"write {match[1]} {{ … }}", changes)


def _remarks(text: str) -> list[Habit]:
    """Comments over several lines between `/*` and `*/`."""
    return [_remark(match) for match in _REMARK.finditer(text) if "\n" in match[2]]


def _remark(match: re.Match[str]) -> Habit:
    lines = [line.strip().removeprefix("*").strip() for line in match[2].split("\n")]
    made = "\n".join(f"{match[1]}# {line}" for line in lines if line)
    start = match.start() + len(match[1])
    message = "`/*` begins no comment"
    hint = "begin each line of a comment with `#`"
    return Habit("E113", message, start, start + 2, hint, ((match.start(), match.end(), made),))


def _fences(text: str) -> list[Habit]:
    """Lines of three backquotes or dashes, which belong to Markdown or YAML."""
    return [_fence(match) for match in _FENCE.finditer(text)]


def _fence(match: re.Match[str]) -> Habit:
    message = f"{quote(match[1])} is no statement"
    return Habit("E113", message, match.start(1), match.end(1), "remove it",
                 ((match.start(), match.end(), ""),))  # fmt: skip


def _behind_brackets(text: str) -> list[Habit]:
    """`}, epochs 4`, `} seed 4` and `} // few`: what a bracket may not be followed by."""
    found, before = list[Habit](), ""
    for token in tokens(text):
        if token.type == "TEXT" and before in ("RBRACE", "RSQB"):
            habit = _behind_bracket(token)
            found += [habit] if habit else []
        before = token.type
    return found


def _behind_bracket(token: Tok) -> Habit | None:
    start = token.start
    if sign := re.match(r"//+|--+|/\*+", token.text):
        message = f"{quote(sign[0])} begins no comment"
        change = (start, start + len(sign[0]), "#")
        return Habit("E113", message, start, start + len(sign[0]), "begin a comment with `#`",
                     (change,))  # fmt: skip
    if token.text[0] == ",":
        last = token.text == ","
        hint = "write `;` or a line break between two statements"
        hint = "remove it: a block ends with its bracket" if last else hint
        change = (start, start + 1, "" if last else ";")
        return Habit("E113", "`,` does not end a statement", start, start + 1, hint, (change,))
    word = re.match(r"[a-z_]+(?=\s)", token.text)
    if word is None or word[0] in ("when", "as"):
        return None
    message, hint = (
        f"{quote(word[0])} begins another statement",
        "put `;` or a line break before it",
    )
    return Habit("E113", message, start, start + len(word[0]), hint, ((start, start, "; "),))


def _open_blocks(text: str) -> list[Habit]:
    """The first of them; where the next is can be said when that is closed."""
    habit = _open_block(text)
    return [habit] if habit else []


def _open_block(text: str) -> Habit | None:
    """A `{` or `[` without its partner; where that was meant to be is told by the indentation."""
    opened: list[Tok] = []
    behind = 0  # the end of the token before
    suspect: Habit | None = None
    for token in tokens(text):
        if token.type == "END" and token.text != ";":
            continue
        start = line_start(text, token.start)
        column = len(text[start : token.start])
        first = not text[start : token.start].strip()
        while suspect is None and first and opened and behind:
            indent = indent_of(text, opened[-1].start)
            is_closing = token.type in ("RBRACE", "RSQB")
            if column > len(indent) or (column == len(indent) and is_closing):
                break
            suspect = _unclosed(text, opened[-1], behind)
        if token.type in ("LBRACE", "LSQB"):
            opened.append(token)
        elif token.type in ("RBRACE", "RSQB") and opened:
            if opened[-1].type[1:] != token.type[1:]:
                return None  # one for another, which the reader says
            opened.pop()
        behind = token.end
    if not opened:
        return None  # however it is indented
    return suspect or _unclosed(text, opened[-1], behind)


def _extra_brackets(text: str) -> list[Habit]:
    """A `}` too many: the one after which an indented line stands at the top."""
    depth, last, lowest = 0, None, 0
    suspect: Tok | None = None
    for token in tokens(text):
        start = line_start(text, token.start)
        first = not text[start : token.start].strip()
        if token.type == "WORD" and first and depth == 0 and last is not None and suspect is None:
            closing = last.start - line_start(text, last.start)
            suspect = last if token.start - start > closing else None
        last = last if token.type == "END" else None
        depth += (token.type in ("LBRACE", "LSQB")) - (token.type in ("RBRACE", "RSQB"))
        last = token if token.type == "RBRACE" and depth <= 0 else last
        lowest = min(lowest, depth)
    if lowest > -1 or suspect is None:
        return []
    start, after = suspect.start, suspect.end
    line = line_start(text, start)
    if not text[line:start].strip() and text[after : after + 1] == "\n":
        start, after = line, after + 1
    message, hint = "`}` closes no block", "remove it: what follows belongs to the block"
    return [Habit("E114", message, suspect.start, suspect.end, hint, ((start, after, ""),),
                  safe=False)]  # fmt: skip


def _unclosed(text: str, opened: Tok, behind: int) -> Habit:
    kind, closing = ("block", "}") if opened.type == "LBRACE" else ("list", "]")
    message, hint = f"this {kind} is not closed", f"add `{closing}`"
    line = line_start(text, opened.start)
    end = re.compile(r"[^\r\n]*").match(text, behind)
    if line == line_start(text, behind) and behind > opened.end:
        change = (behind, behind, f" {closing}")
        if end and re.match(rf"\s*#.*\{closing}", end[0]):
            hint = f"the `{closing}` of this line stands in a comment: add one before the `#`"
    else:
        at = end.end() if end else behind
        change = (at, at, f"\n{indent_of(text, opened.start)}{closing}")
        hint = f"add `{closing}` below line {len(lines_of(text[:at]))}"
    return Habit("E114", message, opened.start, opened.end, hint, (change,), safe=False)


WHOLE: tuple[Callable[[str], list[Habit]], ...] = (
    _remarks,
    _fences,
    _headers,
    _extra_brackets,
    _open_blocks,
    _behind_brackets,
)
