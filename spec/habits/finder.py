"""Looks through the statements of a text for habits, and for sections made by indentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from automlc.spec.aml import LISTS, MAIN, Block, Items, Statement, Text
from automlc.spec.aml_tokens import Tok, tokens
from automlc.spec.diagnostics import quote
from automlc.spec.habits.habit import (
    BRANCHES,
    COMMENT,
    LAYERS,
    STRUCTURES,
    Change,
    Found,
    Habit,
    keys_at,
    keys_within,
    line_start,
)


class Finder:
    """Looks through the statements of a text."""

    def __init__(self, text: str, finders: Sequence[Callable[[Finder, Statement, str], Found]]):
        self.text = text
        self.finders = finders

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
            bare = following is not None and following.word is None and place != LAYERS
            if following is not None and bare and self.is_open(one):
                yield self.brace_below(one, following)
                index += 2
                continue
            if (line := self.braceless(statements, index, place)) is not None:
                yield line
                index += 2
                continue
            habit = next((h for find in self.finders if (h := find(self, one, place))), None)
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
        return line_start(self.text, offset)

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
        if one.word.text == "-" or COMMENT.match(one.word.text):
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
            if other.word is None or other.word.text not in keys - keys_at(""):
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
        changes: tuple[tuple[int, int, str], ...] = ((one.word.end, at, " "),)
        hint = f"write {one.word.text[:40]} {{"
        if "#" in self.text[self.last(one) : at]:
            changes = ((one.word.end, self.last(one), " {"), (at, at + 1, ""))
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
        return "-" if one.head is None and word not in STRUCTURES else LAYERS
    if place == "space" and word in ("model", "block", "def"):
        return LAYERS
    if place == "" and (word in MAIN or word == "profiles"):
        return word
    return "" if place == "profiles" else f".{word}" if place == "" else "-"
