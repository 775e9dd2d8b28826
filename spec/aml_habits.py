"""Statements of `.aml` files as other languages write them: said once, and read as meant.

`trials: 3`, `trials = 3,`, a section made by indentation, items with dashes, `// comment`,
`budget(trials=3)`. Each is a finding with the edits that make a statement of it. The edits are
applied to a copy of the text and that is read instead, so that one mistake has one message and the
rest of the file is judged as it was meant. Places stay those of the file.

Sought only in files with findings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from automlc.spec.aml import (
    LISTS,
    MAIN,
    MOST,
    Block,
    Items,
    Statement,
    Text,
    parse_plain,
    read_statements,
)
from automlc.spec.aml_tokens import Kept, Places, Tok, tokens
from automlc.spec.diagnostics import Diagnostic, Edit, Fix, lines_of, quote
from automlc.spec.surfaces import written_as_yaml
from automlc.spec.yaml_nodes import Node

# An edit may show the next habit, as in braces within braces. A round reads the whole text, so a
# long text has fewer, and one that no person writes has none.
MAX_ROUNDS, READ, LONG = 16, 200_000, 100_000

Change = tuple[int, int, str]  # from, to, what is put there
# Places of a model's statements, and of the branches of a choice; others as in spec/aml.py.
LAYERS, BRANCHES = "layers", "branches"
_STRUCTURES = ("choice", "repeat", "residual")
_SPACE = frozenset(("preset", "expand", "backbones", "embeddings", "parameters", "forbid", "model"))
_SIGN = re.compile(r"(:\s*[A-Za-z_]\w*\s*=(?!=)|:=|\+=|=>|->|==?|:)\s*")
_COMMENT = re.compile(r"//+|/\*+|--+|%+|;+")
_PLAIN = re.compile(r"[\w.]+")


class Habit(NamedTuple):
    """What is said of a place, and the changes that make it a statement."""

    code: str
    message: str
    start: int
    end: int
    hint: str
    changes: tuple[Change, ...]
    fixes: bool = True  # what cannot be put right is only taken out of the way
    safe: bool = True


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
        finds = _WHOLE if unread else _WHOLE[:3]  # those of brackets, only where some are wrong
        whole = next((made for find in finds if (made := find(text))), None)
        habits = _apart(iter(whole) if whole else _Finder(text).of(statements, ""))
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


# The whole text ---------------------------------------------------------------------------------

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


# Brackets ---------------------------------------------------------------------------------------


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
        start = _line_start(text, token.start)
        column = len(text[start : token.start])
        first = not text[start : token.start].strip()
        while suspect is None and first and opened and behind:
            indent = _indent(text, opened[-1].start)
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
        start = _line_start(text, token.start)
        first = not text[start : token.start].strip()
        if token.type == "WORD" and first and depth == 0 and last is not None and suspect is None:
            closing = last.start - _line_start(text, last.start)
            suspect = last if token.start - start > closing else None
        last = last if token.type == "END" else None
        depth += (token.type in ("LBRACE", "LSQB")) - (token.type in ("RBRACE", "RSQB"))
        last = token if token.type == "RBRACE" and depth <= 0 else last
        lowest = min(lowest, depth)
    if lowest > -1 or suspect is None:
        return []
    start, after = suspect.start, suspect.end
    line = _line_start(text, start)
    if not text[line:start].strip() and text[after : after + 1] == "\n":
        start, after = line, after + 1
    message, hint = "`}` closes no block", "remove it: what follows belongs to the block"
    return [Habit("E114", message, suspect.start, suspect.end, hint, ((start, after, ""),),
                  safe=False)]  # fmt: skip


def _unclosed(text: str, opened: Tok, behind: int) -> Habit:
    kind, closing = ("block", "}") if opened.type == "LBRACE" else ("list", "]")
    message, hint = f"this {kind} is not closed", f"add `{closing}`"
    line = _line_start(text, opened.start)
    end = re.compile(r"[^\r\n]*").match(text, behind)
    if line == _line_start(text, behind) and behind > opened.end:
        change = (behind, behind, f" {closing}")
        if end and re.match(rf"\s*#.*\{closing}", end[0]):
            hint = f"the `{closing}` of this line stands in a comment: add one before the `#`"
    else:
        at = end.end() if end else behind
        change = (at, at, f"\n{_indent(text, opened.start)}{closing}")
        hint = f"add `{closing}` below line {len(lines_of(text[:at]))}"
    return Habit("E114", message, opened.start, opened.end, hint, (change,), safe=False)


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _indent(text: str, offset: int) -> str:
    line = text[_line_start(text, offset) : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]


# Habits -------------------------------------------------------------------------------------------


class _Finder:
    """Looks through the statements of a text."""

    def __init__(self, text: str):
        self.text = text

    def of(self, statements: Sequence[Statement], place: str) -> Iterator[Habit]:
        """The habits of statements that stand at a place, and of those within them."""
        index = 0
        while index < len(statements):
            one = statements[index]
            group = self.group(statements, index) if place not in (LAYERS, BRANCHES) else []
            if group:
                yield self.section(one, group, place)
                index += 1 + len(group)
                continue
            following = statements[index + 1] if index + 1 < len(statements) else None
            bare = following is not None and following.word is None
            if following is not None and bare and self.is_open(one):
                yield self.brace_below(one, following)
                index += 2
                continue
            if (line := self.braceless(statements, index, place)) is not None:
                yield line
                index += 2
                continue
            habit = next((h for find in _FINDERS if (h := find(self, one, place))), None)
            if habit is not None:
                yield habit
            elif isinstance(one.value, Block):
                yield from self.of(one.value.statements, _inside(one, place))
            elif isinstance(one.value, Items):
                for item in one.value.items:
                    if isinstance(item, Block):
                        yield from self.of(item.statements, "-")
            index += 1

    # -- places in the text --

    def line_start(self, offset: int) -> int:
        return _line_start(self.text, offset)

    def column(self, offset: int) -> int | None:
        """How far a place is indented; None if more than blanks stand before it."""
        start = self.line_start(offset)
        return None if self.text[start:offset].strip() else offset - start

    def line_end(self, offset: int) -> int:
        """Where the line ends."""
        ends = [at for mark in "\r\n" if (at := self.text.find(mark, offset)) >= 0]
        return min(ends, default=len(self.text))

    def first(self, one: Statement) -> int:
        if one.word is not None:
            return one.word.start
        assert isinstance(one.value, Block | Items)
        return one.value.start

    def last(self, one: Statement) -> int:
        """Where a statement ends."""
        if isinstance(one.value, Text):
            return one.value.token.end
        if one.value is not None:
            return one.value.end
        assert one.word is not None
        return one.word.end

    def cut(self, one: Statement) -> str:
        return self.text[self.first(one) : self.last(one)]

    # -- sections by indentation --

    def is_open(self, one: Statement) -> bool:
        """Whether a statement has a key alone, or a key and a sign."""
        if one.word is None or one.head is not None or one.marked:
            return False
        if one.word.text == "-" or _COMMENT.match(one.word.text):
            return False
        if one.value is None:
            return True
        text = one.value.token.text if isinstance(one.value, Text) else "x"
        return isinstance(one.value, Text) and text in (":", "=", ":=", "=>", ": |", ": >")

    def group(self, statements: Sequence[Statement], index: int) -> list[Statement]:
        """The statements that are indented below a key without a value."""
        one = statements[index]
        if not self.is_open(one):
            return []
        column = self.column(self.first(one))
        group: list[Statement] = []
        for other in statements[index + 1 :]:
            at = self.column(self.first(other))
            dash = other.word is not None and other.word.text == "-"
            if at is None and not group:
                break
            if at is not None and column is not None and (at < column if dash else at <= column):
                break
            if other.word is None and not group:
                break  # a brace in the next line
            group.append(other)
        return group

    def section(self, one: Statement, group: list[Statement], place: str) -> Habit:
        """`budget:` and indented lines below it."""
        assert one.word is not None
        word, start = one.word.text, one.word.end
        if all(other.word is not None and other.word.text == "-" for other in group):
            return self.items(one, group, place)
        end = self.line_end(self.last(group[-1]))
        indent = " " * (self.column(one.word.start) or 0)
        changes: tuple[Change, ...] = ((start, self.last(one), " {"), (end, end, f"\n{indent}}}"))
        if self.is_closed(end):
            changes = changes[:1]
        sign = self.last(one) > start
        at = self.last(one) - 1 if sign else one.word.start
        message = f"the statements of {quote(word)} belong between braces; indentation says nothing"
        return Habit("E113", message, at, self.last(one), f"write {word[:40]} {{ … }}", changes)

    def is_closed(self, end: int) -> bool:
        """Whether a `}` that closes nothing follows."""
        if not re.compile(r"\s*\}").match(self.text, end):
            return False
        kinds = [token.type for token in tokens(self.text)]
        return kinds.count("RBRACE") > kinds.count("LBRACE")

    def items(self, one: Statement, group: list[Statement], place: str) -> Habit:
        """`constraints:` and lines with dashes below it."""
        assert one.word is not None
        key = one.word.text
        words = [other.word for other in group if other.word is not None]
        message = f"the items of {quote(key)} stand between [ and ], without dashes"
        example = " ".join(self.cut(group[0])[1:].split())[:40]
        changes: list[Change] = []
        if grown := next((w for (p, w), name in LISTS.items() if (p, name) == (place, key)), None):
            message = f"{quote(key)} are statements of their own, without dashes"
            indent = " " * (self.column(one.word.start) or 0)
            changes.append(self.line_of(one))
            changes += [(self.line_start(w.start), w.end, indent + grown) for w in words]
            hint = f"write {grown} {example}"
        else:
            block = place == "space" and key == "model"
            opening, closing = ("{", "}") if block else ("[", "]")
            if block:
                message = "the layers of a model stand between braces, without dashes"
            end = self.line_end(self.last(group[-1]))
            indent = " " * (self.column(one.word.start) or 0)
            changes.append((one.word.end, self.last(one), f" {opening}"))
            changes += [self.dash(word) for word in words]
            changes.append((end, end, f"\n{indent}{closing}"))
            hint = f"write {key[:40]} {opening} {example} {closing}"
            if not block:
                hint = f"write {key[:40]} [{example}]"
        return Habit("E113", message, words[0].start, words[0].end, hint, tuple(changes))

    def dash(self, word: Tok) -> Change:
        end = word.end
        while self.text[end : end + 1] in (" ", "\t"):
            end += 1
        return word.start, end, ""

    def line_of(self, one: Statement) -> Change:
        """A statement taken away, with its line if it has that for itself."""
        start, end = self.first(one), self.last(one)
        after = self.line_end(end)
        if self.column(start) is None or self.text[end:after].strip():
            return start, end, ""
        after += 2 if self.text[after : after + 2] == "\r\n" else 1
        return self.line_start(start), min(after, len(self.text)), ""

    def braceless(self, statements: Sequence[Statement], index: int, place: str) -> Habit | None:
        """`budget trials 25; epochs 12`."""
        one = statements[index]
        if place != "" or one.word is None or not isinstance(one.value, Text) or one.head:
            return None
        keys = keys_within(one.word.text)
        first = re.match(r"([a-z_]+)\s+\S", one.value.token.text)
        if first is None or first[1] not in keys:
            return None
        end = None
        for other in statements[index + 1 :]:
            if other.word is None or other.word.text not in keys - _keys(""):
                break
            if self.line_start(other.word.start) != self.line_start(one.word.start):
                break
            end = self.last(other)
        if end is None:
            return None
        start = one.value.token.start
        message = f"the statements of {quote(one.word.text)} stand between braces"
        hint = f"write {one.word.text} {{ {self.text[start:end][:60]} }}"
        return Habit("E113", message, start, end, hint, ((start, start, "{ "), (end, end, " }")))

    def brace_below(self, one: Statement, below: Statement) -> Habit:
        """A `{` in the line below its key."""
        assert one.word is not None
        at = self.first(below)
        changes = ((one.word.end, at, " "),)
        hint = f"write {one.word.text[:40]} {{"
        if "#" in self.text[self.last(one) : at]:
            changes = ((one.word.end, self.last(one), " {"), (at, at + 1, ""))  # type: ignore[assignment]
        message = "a block begins in the line of its key"
        return Habit("E113", message, at, at + 1, hint, changes)


def _inside(one: Statement, place: str) -> str:
    """The place of the statements in a statement's block."""
    word = one.word.text if one.word is not None else ""
    if place == BRANCHES:
        return LAYERS
    if place == LAYERS:
        if word == "choice":
            return BRANCHES
        return "-" if one.head is None and word not in _STRUCTURES else LAYERS
    if place == "space" and word in ("model", "block", "def"):
        return LAYERS
    if place == "" and (word in MAIN or word == "profiles"):
        return word
    return "" if place == "profiles" else f".{word}" if place == "" else "-"


# Single statements --------------------------------------------------------------------------------

_Found = Habit | None


def _comment(f: _Finder, one: Statement, place: str) -> _Found:
    """`// a comment`."""
    word = one.word
    if word is None or not (match := _COMMENT.match(word.text)) or word.text == "-":
        return None
    start = word.start
    end = f.line_end(start)
    if word.text.startswith("/*"):
        closed = f.text.find("*/", start)
        if closed >= 0 and not re.search("[\r\n]", f.text[start:closed]):
            end = closed + 2
            if f.text[end : f.line_end(end)].strip():
                return None
            inside = f.text[start + match.end() : closed].strip("* ")
            changes: tuple[Change, ...] = ((start, end, f"# {inside}"),)
            return Habit("E113", "`/*` begins no comment", start, start + 2,
                         f"write # {inside[:40]}", changes)  # fmt: skip
        return None
    sign = match[0]
    rest = " ".join(f.text[start + len(sign) : end].split())[:40]
    mark = "#" if f.text[start + len(sign) : start + len(sign) + 1] in (" ", "\t") else "# "
    message = f"{quote(sign)} begins no comment"
    change = (start, start + len(sign), mark)
    return Habit("E113", message, start, start + len(sign), f"write # {rest}", (change,))


def _dash(f: _Finder, one: Statement, place: str) -> _Found:
    """`- flatten` in a model."""
    if place != LAYERS or one.word is None or one.word.text != "-":
        return None
    start, end, _ = f.dash(one.word)
    rest = f.text[end : f.last(one)][:40]
    return Habit("E113", "a layer begins without a dash", start, start + 1, f"write {rest}",
                 ((start, end, ""),))  # fmt: skip


def _sign(f: _Finder, one: Statement, place: str) -> _Found:
    """`trials: 3`, `trials = 3`, `lr: log_uniform(…)`, `dense: {units: 8}`."""
    text = one.head or one.value
    if one.word is None or not isinstance(text, Text) or text.token.type != "TEXT":
        return None
    token, word = text.token, one.word.text
    match = _SIGN.match(token.text)
    if match is None or one.marked or (place == LAYERS and match[1] in ("->", "=>")):
        return None
    at, end = token.start, token.start + match.end()
    sign = match[1]
    rest = f.text[end : f.last(one)]
    comma = next(_commas(rest), len(rest))
    shown = " ".join(rest[:comma].split())[:40]
    if place == LAYERS and isinstance(one.value, Block) and word not in _STRUCTURES:
        return _arguments(f, one, at, one.value)
    between = f"{quote(sign)} does not stand between key and value"
    if one.head is not None and not token.text[match.end() :]:
        assert isinstance(one.value, Block)
        if (flow := _flow(f, one, one.value, place)) is not None:
            return flow
    if place == "space" and word not in _SPACE and one.head is None and rest:
        message = f"{quote(sign)} does not declare a parameter"
        change = (one.word.end, end, " ~ ")
        return Habit("E113", message, at, at + len(sign), f"write {word[:40]} ~ {shown}", (change,))
    if one.head is not None and not token.text[match.end() :]:
        assert isinstance(one.value, Block)
        if place == "space" and word not in (*_SPACE, "block"):
            message = f"{quote(sign)} does not declare a parameter"
            change = (one.word.end, one.value.start, " ~ ")
            hint = f"write {word[:40]} ~ float(0, 0.5)"
            return Habit("E113", message, at, at + len(sign), hint, (change,))
        change = (one.word.end, one.value.start, " ")
        return Habit("E113", between, at, at + len(sign), f"write {word[:40]} {{ … }}", (change,))
    if not rest:
        return None
    change = (one.word.end, end, " ")
    if one.head is not None:
        shown = f"{token.text[match.end() :]} {{ … }}"
    return Habit("E113", between, at, at + len(sign), f"write {word[:40]} {shown}", (change,))


_FLOW = re.compile(r""""(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[\[\](),]|(?<=[\w"'])\s*:(?=[\s"'{\[])\s*|#""")


def _flow(f: _Finder, one: Statement, block: Block, place: str) -> _Found:
    """`budget: {trials: 20, epochs: 10}`: a section as YAML and JSON have it in braces."""
    assert one.word is not None
    word, depth = one.word.text, 0
    declares = place == "space" and word not in (*_SPACE, "block", "blocks")
    changes: list[Change] = [(one.word.end, block.start, " ~ " if declares else " ")]
    for match in _FLOW.finditer(f.text, block.start, block.end):
        piece = match[0]
        if piece == "#":
            return None
        depth += (piece in "([") - (piece in ")]") if len(piece) == 1 else 0
        if ":" in piece and piece[0] not in "\"'":
            changes.append((*match.span(), " "))
        elif piece == "," and depth == 0:
            changes.append((*match.span(), ";"))
    if len(changes) == 1:
        return None
    made, at = "", one.word.start
    for start, end, new in changes:
        made, at = made + f.text[at:start] + new, end
    made += f.text[at : block.end]
    start = one.word.end
    while f.text[start] in " \t":
        start += 1
    message = f"{quote(word)} is written as in YAML: keys have no colon here, statements no comma"
    return Habit("E113", message, start, block.end, f"write {' '.join(made.split())[:70]}",
                 tuple(changes))  # fmt: skip


def _arguments(f: _Finder, one: Statement, at: int, block: Block | Items) -> _Found:
    """`dense: {units: outputs}` in a model."""
    assert one.word is not None
    name, inside = one.word.text, f.text[block.start + 1 : block.end - 1]
    if re.search(r"[{}#\"']", inside):
        return None
    parts = [part.strip() for part in re.split(r"[;\n\r]|,(?=\s*\w+\s*[:=])", inside)]
    pairs = [re.fullmatch(r"(\w+)\s*[:= ]\s*(.+)", part) for part in parts if part]
    written = ", ".join(f"{pair[1]}={pair[2]}" for pair in pairs if pair)
    if not all(pairs):
        return None
    made = f"{name}({written})" if pairs else name
    message = f"the arguments of {name} stand in parentheses"
    change = (one.word.start, block.end, made)
    return Habit("E116", message, at, at + 1, f"write {made[:60]}", (change,))


def _comma(f: _Finder, one: Statement, place: str) -> _Found:
    """`trials 3, epochs 4`, and a comma at the end."""
    text = one.value if isinstance(one.value, Text) else one.head
    if one.word is None or text is None or text.token.type != "TEXT":
        return None
    if (place, one.word.text) in LISTS:  # a rule has commas between its actions
        return None
    token = text.token
    for at in _commas(token.text):
        rest = token.text[at + 1 :].lstrip()
        follows = re.match(r"""["']?([A-Za-z_][\w.]*)["']?(\s*[:=]|\s+\S|\s*\(|$)""", rest)
        begins = follows is not None and (
            place == LAYERS or follows[2].strip() in (":", "=") or follows[1] in _keys(place)
        )
        start = token.start + at
        if rest and not begins:
            continue
        if follows is not None and follows[1] in ("default", "step", "when"):
            message = f"no comma stands before {quote(follows[1])}"
            hint = f"write {' '.join(rest.split())[:40]} behind a blank"
            return Habit("E113", message, start, start + 1, hint, ((start, start + 1, ""),))
        message = "`,` does not end a statement"
        hint = "write `;` or a line break between two statements"
        new = ";"
        if not rest:
            hint, new = "remove it: a statement ends with its line", ""
            if f.text[f.last(one) : f.line_end(f.last(one))].strip()[:1] not in ("", "#", "}"):
                new = ";"
        return Habit("E113", message, start, start + 1, hint, ((start, start + 1, new),))
    return None


def _commas(text: str) -> Iterator[int]:
    """Where commas stand outside of brackets and quotes."""
    depth = 0
    for match in re.finditer(r"""[()\[\],]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""", text):
        piece = match[0]
        if piece == "," and depth == 0:
            yield match.start()
        depth += (piece in "([") - (piece in ")]") if len(piece) == 1 else 0


def _keys(place: str) -> frozenset[str]:
    """The keys that statements at a place may begin with."""
    from automlc.spec.load import keys_of

    if place == "":
        return keys_of("") | {"constrain", "profiles", "extends"}
    clauses = {"default", "step", "when"}
    return keys_of(place.lstrip(".")) | (clauses if place == "space" else frozenset())


def _call(f: _Finder, one: Statement, place: str) -> _Found:
    """`budget(trials=3)`, `budget dict(trials=3)`, `budget [trials 3]` at the top."""
    if one.word is None or place != "" or one.head is not None:
        return None
    word = one.word.text
    if not keys_within(word):
        return None
    if isinstance(one.value, Items):
        start, end, opened = one.value.start, one.value.end, "["
        first = f.text[start + 1 : end - 1].split()
        if not first or first[0].rstrip(":=,") not in keys_within(word):
            return None
    elif isinstance(one.value, Text) and one.value.token.type == "TEXT":
        token = one.value.token
        match = re.match(r"(dict\s*)?[(<]", token.text)
        if match is None or token.text[-1] not in ")>":
            return None
        start, end, opened = token.start, token.end, match[0][-1]
    else:
        return None
    inside = f.text[start:end]
    inside = inside[inside.index(opened) + 1 : -1].strip().rstrip(",")
    if re.search(r"[\[\](){}\n]", inside):
        return None
    parts = [part.strip() for part in re.split(r"[,;]", inside)]
    parts = [re.sub(r"""^["']?(\w+)["']?\s*[:=]\s*""", r"\1 ", part) for part in parts]
    head = ""
    if word in MAIN and len(parts) > 1 and re.fullmatch(r"[\w./:-]+", parts[0]):
        head = f"{parts.pop(0)} "
    made = f"{head}{{ {'; '.join(parts)} }}"
    message = f"the statements of {quote(word)} stand between braces"
    at = one.word.end
    return Habit("E113", message, start, end, f"write {word} {made[:60]}",
                 ((at, end, f" {made}"),))  # fmt: skip


def keys_within(word: str) -> frozenset[str]:
    """The keys of a section; none for what is no section."""
    from automlc.spec.load import keys_of

    return keys_of(word) if word in MAIN or word == "budget" else frozenset()


def _two(f: _Finder, one: Statement, place: str) -> _Found:
    """`seed 1 name digits`, in one line."""
    if one.word is None or not isinstance(one.value, Text) or one.value.token.type != "TEXT":
        return None
    known = {"": ("seed", "automlc", "name", "search", "stopping", "backend")}.get(place)
    word = one.word.text
    if word not in (known or ()) and not (place in (".budget",) and word in _keys(place)):
        return None
    match = re.match(r"\S+(\s+)([a-z_]+)\s+\S", one.value.token.text)
    if match is None or match[2] not in _keys(place) or match[2] in ("min",):
        return None
    start = one.value.token.start
    message = f"{quote(match[2])} begins another statement"
    change = (start + match.start(1), start + match.end(1), "; ")
    at = start + match.start(2)
    return Habit("E113", message, at, at + len(match[2]),
                 "put `;` or a line break before it", (change,))  # fmt: skip


def _keyword(f: _Finder, one: Statement, place: str) -> _Found:
    """`constraint model.size <= 5MB`, `modle { … }`: words of statements that are no keys."""
    from automlc.spec.suggest import nearest

    words = {"": ("constrain",), "space": ("model", "block", "forbid"), "rules": ("when",)}
    if one.word is None or one.marked or place not in words or one.value is None:
        return None
    word = one.word.text
    if word in (*words[place], *_keys(place)):
        return None
    near = nearest(word, (*words[place], *(k for k in _keys(place) if k not in words[place])))
    if near == "constraints" and isinstance(one.value, Text):
        near = "constrain"
    if near not in words[place] or (near == "model") is isinstance(one.value, Text):
        return None
    section = f" in `{place}`" if place else ""
    return Habit("E201", f"there is no key {quote(word)}{section}", one.word.start, one.word.end,
                 f"did you mean {near}?", ((one.word.start, one.word.end, near),))  # fmt: skip


def _hash(f: _Finder, one: Statement, place: str) -> _Found:
    """`seed 3#few`."""
    if one.word is None or not isinstance(one.value, Text) or one.value.token.type != "TEXT":
        return None
    match = re.match(r"(-?\d[\w.%]*|true|false|null)(#|//)", one.value.token.text)
    if match is None or (
        match[2] == "//" and re.match(r"\s*[\d(]", one.value.token.text[match.end() :])
    ):
        return None
    at = one.value.token.start + match.start(2)
    message = "`#` begins a comment where a blank stands before it"
    return Habit("E113", message, at, at + len(match[2]), "put a blank before `#`",
                 ((at, at + len(match[2]), " #" if match[2] == "#" else "  #"),))  # fmt: skip


def _declared(f: _Finder, one: Statement, place: str) -> _Found:
    """`param lr ~ …`, `let lr = …` and `lr in [1, 2]` in the space."""
    if place != "space" or one.word is None or one.marked:
        return None
    if not isinstance(one.value, Text) or one.head is not None:
        return None
    text, start = one.value.token.text, one.value.token.start
    if match := re.match(r"in\s*([(\[])([^()\[\]]*)[)\]]$", text):
        parts = [part.strip() for part in match[2].split(",")]
        numbers = len(parts) == 2 and all(re.fullmatch(r"[-+.\de]+", part) for part in parts)
        made = f"{'float' if numbers and match[1] == '(' else 'choice'}({', '.join(parts)})"
        message = f"`in` does not declare the parameter {quote(one.word.text)}"
        change = (one.word.end, start + len(text), f" ~ {made}")
        return Habit("E113", message, start, start + 2, f"write {one.word.text[:40]} ~ {made}",
                     (change,), safe=False)  # fmt: skip
    if one.word.text not in ("param", "parameter", "let", "var", "const", "hyperparameter"):
        return None
    if not (match := re.match(r"([A-Za-z_]\w*)\s*(~|:=|=|:)\s*", text)):
        return None
    message = f"no {quote(one.word.text)} stands before a parameter"
    hint = f"write {match[1]} ~ {text[match.end() :][:40]}"
    changes = ((one.word.start, start + match.end(), f"{match[1]} ~ "),)
    return Habit("E113", message, one.word.start, one.word.end, hint, changes)


def _condition_block(f: _Finder, one: Statement, place: str) -> _Found:
    """`if optimizer == "sgd" { momentum ~ … }` in the space."""
    if place != "space" or one.word is None or one.word.text not in ("if", "when"):
        return None
    end = f.last(one)
    condition = "…"
    word = one.word
    if isinstance(one.value, Text):
        text = one.value.token.text
        if match := re.fullmatch(r"(.+?),?\s+(\w+)\s*~\s*(.+)", text):
            made = f"{match[2]} ~ {match[3]} when {match[1]}"
            message = "a condition stands behind the domain of its parameter"
            return Habit("E113", message, word.start, word.end, f"write {made[:60]}",
                         ((word.start, end, made),))  # fmt: skip
    if one.head is not None:
        condition = f.text[one.head.token.start : one.head.token.end]
    inner = "momentum ~ float(0, 0.99)"
    if isinstance(one.value, Block) and one.value.statements:
        inner = f.cut(one.value.statements[0])
    message = "a condition stands behind the domain of its parameter"
    hint = f"write {' '.join(inner.split())[:40]} when {condition[:40]}"
    changes = ((word.start, end, ""),)
    if isinstance(one.value, Block) and one.head is not None and len(one.value.statements) == 1:
        made = f"{f.cut(one.value.statements[0])} when {condition}"
        if one.value.statements[0].marked and " when " not in inner and "#" not in f.cut(one):
            changes = ((word.start, end, made),)
            return Habit("E113", message, word.start, word.end, hint, changes)
    return Habit("E113", message, word.start, word.end, hint, changes, fixes=False)


def _clauses(f: _Finder, one: Statement, place: str) -> _Found:
    """What stands behind a domain in the manner of other languages."""
    if not one.marked or not isinstance(one.value, Text) or one.value.token.type != "TEXT":
        return None
    token = one.value.token
    for pattern, message, made, hint in _CLAUSES:
        match = re.search(pattern, token.text)
        if match is None:
            continue
        start, end = token.start + match.start(1), token.start + match.end(1)
        new = match.expand(made)
        said = match.expand(hint) if hint else f"write {new}"
        return Habit("E113", match.expand(message), start, end, said, ((start, end, new),))
    return None


# A text behind `~` -> what is said, what is put there, a hint.
_CLAUSES = (
    (r"\)\s*((default|step)\s*(=|:)\s*)(?=\S)", r"`\2` and its value stand without `\3`",
     r"\2 ", r"write default 3, step 2"),
    (r"\)\s*((default|step)\(([^()]*)\))", r"the value of `\2` stands without parentheses",
     r"\2 \3", ""),
    (r"^((default|step)\s+(\S+)\s+(\w+\([^()]*\)))$", "the domain comes first", r"\4 \2 \3", ""),
    (r"\)\s+(//+)\s*[A-Za-z]", r"`\1` begins no comment", "#", "begin a comment with `#`"),
    (r"\)[^\"']*?\s(when\s*(:|=(?!=))\s*)", r"no `\2` stands behind `when`", "when ",
     r"write when and the condition"),
    (r"\)[^\"']*?\s(if|where|unless)\s", r"a condition begins with `when`", "when",
     r"write when and the condition"),
    (r"\)\s*(by)\s+(?=\d)", r"a step begins with `step`", "step", "write step 2"),
    (r"\)\s*(when\s+([^\"']*(?:\"[^\"]*\"|'[^']*')?[^\"']*?)\s+(default|step)\s+(\S+))$",
     r"`when` is the last clause", r"\3 \4 when \2", ""),
)  # fmt: skip


def _layer(f: _Finder, one: Statement, place: str) -> _Found:
    """`conv2d filters 8`, `flatten -> dense(…)`, `for i in range(3) { … }` in a model."""
    if place != LAYERS or one.word is None or one.marked:
        return None
    text = one.head or one.value
    if not isinstance(text, Text) or text.token.type != "TEXT":
        return None
    token, word = text.token, one.word.text
    loop = re.fullmatch(r"(\w+)\s+in\s+range\((.+)\)", token.text)
    if word == "for" and isinstance(one.value, Block) and loop:
        made = f"repeat {loop[2]} as {loop[1]}"
        return Habit("E113", "layers are repeated by `repeat`", one.word.start, one.word.end,
                     f"write {made} {{ … }}", ((one.word.start, token.end, made),))  # fmt: skip
    if word == "repeat" and (loop := re.fullmatch(r"(\w+)\s+in\s+(.+)", token.text)):
        made = f"repeat {loop[2]} as {loop[1]}"
        return Habit("E116", "repeat has its number first", token.start, token.end,
                     f"write {made} {{ … }}", ((one.word.start, token.end, made),))  # fmt: skip
    if word == "repeat" and (match := re.search(r"\s+(times|x)$", token.text)):
        start = token.start + match.start()
        return Habit("E113", f"no {quote(match[1])} stands behind the number",
                     start + 1, token.end, f"write repeat {token.text[: match.start()]} {{ … }}",
                     ((start, token.end, ""),))  # fmt: skip
    if match := re.search(r"\s*(->|=>|>>|\|>)\s*(?=[a-zA-Z])", token.text):
        start, end = token.start + match.start(), token.start + match.end()
        start = one.word.end if start == token.start else start
        return Habit("E113", "layers follow each other without arrows", start, end,
                     "write `;` or a line break between them", ((start, end, "; "),))  # fmt: skip
    if one.head is None and word not in _STRUCTURES:
        return _plain_arguments(one.word, token)
    return None


def _plain_arguments(word: Tok, token: Tok) -> _Found:
    """`conv2d filters 8, kernel 3`."""
    words = re.split(r",?[ ]+", token.text)
    if len(words) % 2 or words[0] in ("when", "as") or not all(map(_PLAIN.fullmatch, words)):
        return None
    pairs = (f"{name}={value}" for name, value in zip(words[::2], words[1::2], strict=True))
    made = f"({', '.join(pairs)})"
    message = f"the arguments of {word.text} stand in parentheses"
    change = (word.end, token.end, made)
    return Habit("E116", message, token.start, token.end, f"write {word.text}{made}", (change,))


def _named_arguments(f: _Finder, one: Statement, place: str) -> _Found:
    """`dense(units: outputs)` in a model."""
    if place != LAYERS or one.word is None:
        return None
    text = one.head or one.value
    if not isinstance(text, Text) or not text.token.text.startswith("("):
        return None
    if match := re.search(r"=\s*[\w.\"'-]+(\s*;\s*|\s+)(\w+)\s*=(?!=)", text.token.text):
        start, end = text.token.start + match.start(1), text.token.start + match.end(1)
        message = "a comma stands between two arguments"
        return Habit("E116", message, text.token.start + match.start(2),
                     text.token.start + match.end(2), f"write a comma before {match[2][:40]}",
                     ((start, end, ", "),))  # fmt: skip
    match = re.search(r"[(,]\s*(\w+)(\s*:\s*)(?=[^\s,)])", text.token.text)
    if match is None:
        return None
    start, end = text.token.start + match.start(2), text.token.start + match.end(2)
    value = re.match(r"[^,)]*", f.text[end:])
    shown = f"{match[1]}={value[0].strip() if value else ''}"
    at = start + match[2].index(":")
    return Habit("E116", "`:` does not stand between an argument and its value", at, at + 1,
                 f"write {shown[:40]}", ((start, end, "="),))  # fmt: skip


def _open_arguments(f: _Finder, one: Statement, place: str) -> _Found:
    """`conv2d(filters=8` without its `)`."""
    if place != LAYERS or one.word is None or not isinstance(one.value, Text):
        return None
    token = one.value.token
    text = re.split(r"\s+#", token.text)[0]
    if token.text[:1] != "(" or text.count("(") != text.count(")") + 1 or "\n" in text:
        return None
    end = token.start + len(text)
    return Habit("E114", "this parenthesis is not closed", token.start, token.start + 1, "add `)`",
                 ((end, end, ")"),))  # fmt: skip


def _block(f: _Finder, one: Statement, place: str) -> _Found:
    """`block unit(filters): { … }` and `def unit(filters) { … }`."""
    if place != "space" or one.word is None or one.head is None or not isinstance(one.value, Block):
        return None
    word, token = one.word, one.head.token
    if token.text[0] == "(" and token.text[-1] == ")" and word.text not in _SPACE:
        change = (word.start, word.start, "block ")
        hint = f"write block {word.text[:40]}{token.text[:40]} {{ … }}"
        message = "a block of layers begins with `block`"
        return Habit("E113", message, word.start, word.end, hint, (change,))
    if word.text in ("def", "function", "fn", "class", "module", "macro"):
        name = token.text.rstrip(": ")
        change = (word.start, word.end, "block")
        return Habit("E113", "a block of layers begins with `block`", word.start, word.end,
                     f"write block {name[:40]} {{ … }}", (change,))  # fmt: skip
    if word.text == "block" and (match := re.search(r"\s*[:=]$", token.text)):
        start = token.start + match.start()
        return Habit("E116", f"no {quote(match[0].strip())} stands before a block",
                     token.end - 1, token.end, f"write block {token.text[: match.start()]} {{ … }}",
                     ((start, token.end, ""),))  # fmt: skip
    return None


def _dotted(f: _Finder, one: Statement, place: str) -> _Found:
    """`budget.trials 3`."""
    if place != "" or one.word is None or "." not in one.word.text or one.value is None:
        return None
    section, _, key = one.word.text.partition(".")
    if key not in keys_within(section) and section not in ("budget",):
        return None
    rest = f.text[one.word.end : f.last(one)]
    made = f"{section} {{ {key}{rest} }}"
    shown = re.sub(r"\s*[:=]\s*", " ", f"{key}{rest}")
    message = "a key in a section stands in the section's block"
    return Habit("E113", message, one.word.start, one.word.end,
                 f"write {section} {{ {' '.join(shown.split())[:40]} }}",
                 ((one.word.start, f.last(one), made),))  # fmt: skip


def _head(f: _Finder, one: Statement, place: str) -> _Found:
    """`search "tpe" = {`, `name ${NAME}` and `case a { … }`: what stands before a block."""
    if one.word is None or one.head is None or not isinstance(one.value, Block):
        return None
    token, word = one.head.token, one.word
    if token.text.endswith("$"):
        message = "a spec has no variables"
        hint = f"write the value itself, or give it with --set {word.text[:40]}=…"
        return Habit("E113", message, token.start, one.value.end, hint,
                     ((word.start, one.value.end, ""),), fixes=False)  # fmt: skip
    if place == BRANCHES and word.text in ("case", "when", "if", "elif"):
        message = f"a branch begins with its value, without {quote(word.text)}"
        return Habit("E116", message, word.start, word.end, f"write {token.text[:40]} {{ … }}",
                     ((word.start, token.start, ""),))  # fmt: skip
    if word.text in ("profile", "profiles") and place == "":
        made = f"profiles {{ {token.text} {f.text[one.value.start : one.value.end]} }}"
        message = "a profile stands in the block of `profiles`"
        return Habit("E113", message, word.start, word.end,
                     f"write profiles {{ {token.text[:40]} {{ … }} }}",
                     ((word.start, one.value.end, made),))  # fmt: skip
    if match := re.search(r"\S(\s*[:=])$", token.text):
        start = token.start + match.start(1)
        return Habit("E113", f"no {quote(match[1].strip())} stands before a block",
                     token.end - 1, token.end, "write the block behind the word",
                     ((start, token.end, ""),))  # fmt: skip
    return None


def _braces(f: _Finder, one: Statement, place: str) -> _Found:
    """`choice{16, 32}`, `~ {16, 32}` and `when { optimizer == "sgd" }` behind `~`."""
    if not one.marked:
        return None
    if isinstance(one.value, Block):
        inside = f.text[one.value.start + 1 : one.value.end - 1]
        if not re.fullmatch(r"\s*[\w.+-]+(\s*,\s*[\w.+-]+)+\s*", inside):
            return None
        made = f"choice({inside.strip()})"
        return Habit("E113", "a domain has a word before its values", one.value.start,
                     one.value.end, f"write {made[:60]}",
                     ((one.value.start, one.value.end, made),), safe=False)  # fmt: skip
    if not isinstance(one.value, Text):
        return None
    token = one.value.token
    match = re.compile(r"[ \t]*\{([^{}\n\r#]*)\}").match(f.text, token.end)
    if match is None or not re.search(r"(^[A-Za-z_]+|\swhen)$", token.text):
        return None
    start, end = match.start() + match[0].index("{"), match.end()
    if token.text.endswith("when"):
        changes: tuple[Change, ...] = ((start, end, match[1].strip()),)
        message, hint = "a condition stands without braces", f"write when {match[1].strip()[:60]}"
    else:
        changes = ((token.end, end, f"({match[1].strip()})"),)
        message = "the values of a domain stand in parentheses"
        hint = f"write {token.text}({match[1].strip()[:40]})"
    return Habit("E113", message, start, start + 1, hint, changes)


def _tilde(f: _Finder, one: Statement, place: str) -> _Found:
    """`lr ~= log_uniform(…)`."""
    if not one.marked or not isinstance(one.value, Text):
        return None
    token = one.value.token
    match = re.match(r"([:=]+)\s*(?=\S)", token.text)
    if match is None or token.type != "TEXT":
        return None
    start = token.start
    message = f"no {quote(match[1])} stands behind `~`"
    change = (start, start + match.end(), "" if f.text[start - 1] == " " else " ")
    return Habit("E113", message, start, start + len(match[1]),
                 f"write ~ {token.text[match.end() :][:50]}", (change,))  # fmt: skip


def _grown_block(f: _Finder, one: Statement, place: str) -> _Found:
    """`constrain { model.size <= 5MB }`, and two constraints in one statement."""
    if one.word is None or (place, one.word.text) not in LISTS or one.head is not None:
        return None
    word, value = one.word.text, one.value
    if isinstance(value, Block) and len(value.statements) == 1:
        inside = f.text[value.start + 1 : value.end - 1].strip().rstrip(";").rstrip()
        if "#" in inside:
            return None
        return Habit("E113", f"{quote(word)} has no block", value.start, value.start + 1,
                     f"write {word} {' '.join(inside.split())[:60]}",
                     ((value.start, value.end, inside),))  # fmt: skip
    if not isinstance(value, Text) or value.token.type != "TEXT" or word == "when":
        return None
    commas = [at for at in _commas(value.token.text) if value.token.text[at + 1 :].strip()]
    if not commas:
        return None
    start = value.token.start
    changes = tuple((start + at, start + at + 1, f"; {word}") for at in commas)
    at = start + commas[0]
    return Habit("E113", f"each {quote(word)} says one thing", at, at + 1,
                 f"write {word} again for the second", changes)  # fmt: skip


def _conditional_layer(f: _Finder, one: Statement, place: str) -> _Found:
    """`if depth > 1 { batch_norm }` in a model."""
    if place != LAYERS or one.word is None or one.word.text not in ("if", "when"):
        return None
    if one.head is None or not isinstance(one.value, Block) or not one.value.statements:
        return None
    condition = f.text[one.head.token.start : one.head.token.end].strip("() ")
    inner = one.value.statements
    layer = f.cut(inner[0])
    message = "the condition of a layer stands behind it"
    hint = f"write {' '.join(layer.split())[:40]} when {condition[:40]}"
    start, end = one.word.start, one.value.end
    plain = all(isinstance(s.value, Text | None) and s.head is None for s in inner)
    plain = plain and "#" not in f.cut(one) and " when " not in f.cut(one)
    made = "; ".join(f"{f.cut(s)} when {condition}" for s in inner)
    return Habit("E113", message, start, one.word.end, hint,
                 ((start, end, made if plain else ""),), fixes=plain)  # fmt: skip


def _bracket_arguments(f: _Finder, one: Statement, place: str) -> _Found:
    """`conv2d{filters=8}` and `conv2d[filters=8]` in a model."""
    if place != LAYERS or one.word is None or one.head is not None:
        return None
    if one.word.text in _STRUCTURES or not isinstance(one.value, Block | Items):
        return None
    inside = f.text[one.value.start + 1 : one.value.end - 1]
    if not re.search(r"\w\s*[:=](?!=)", inside):
        return None
    return _arguments(f, one, one.value.start, one.value)


_FINDERS: tuple[Callable[[_Finder, Statement, str], _Found], ...] = (
    _comment, _dash, _open_arguments, _head, _block, _grown_block, _keyword, _conditional_layer,
    _bracket_arguments, _tilde, _braces, _sign, _call, _dotted, _declared, _condition_block,
    _clauses, _named_arguments, _layer, _hash, _comma, _two,
)  # fmt: skip

_WHOLE: tuple[Callable[[str], list[Habit]], ...] = (
    _remarks,
    _fences,
    _headers,
    _extra_brackets,
    _open_blocks,
    _behind_brackets,
)
