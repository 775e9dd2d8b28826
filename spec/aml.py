"""`.aml` text to the same tree of nodes that YAML gives, with places in the `.aml` file.

Tokens come from spec/aml_tokens.py, statements from grammar/automl.lark. What statements mean
beyond `key value` is decided here, by where they stand: a word before a block is the section's
main key (`task image_classification {…}`), `~` declares a parameter, `forbid`, `constrain` and
`when` add to their lists, `block` and `model` hold layers (spec/aml_layers.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeAlias

from automlc.spec.aml_tokens import STRING, Places, Tok, TooLargeError, tokens, unquoted
from automlc.spec.diagnostics import Diagnostic, Fix, Note, Span, put, quote
from automlc.spec.record import record
from automlc.spec.yaml_nodes import (
    MAX_REPEATS,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    refuse_text,
    resolve,
)

# Sections whose main key may stand before the block.
MAIN = {
    "task": "kind",
    "data": "source",
    "space": "preset",
    "search": "strategy",
    "stopping": "policy",
    "backend": "kind",
    "rules": "use",
    "monitor": "definition",
}
# Of these, those that are no section when they stand alone: `search tpe` is the text tpe.
SHORT = frozenset({"search", "stopping", "backend", "rules"})
# (section, word) -> the list that such a statement adds to.
MOST = 10 * MAX_REPEATS  # findings of one code
_FOLD = re.compile(r"[ \t]*[\r\n]\s*")  # a text over several lines is one with blanks
LISTS = {("", "constrain"): "constraints", ("space", "forbid"): "forbid", ("rules", "when"): "when"}


# Words with layers in their blocks; at the top they are in the wrong place, and said to be.
_HOLD_LAYERS = {"space": ("model", "layers"), "": ("model", "layers")}


@record
class Text:
    """A text or a quoted string as a token."""

    token: Tok


@record
class Items:
    """A list."""

    items: tuple[Value, ...]
    start: int
    end: int


@record
class Block:
    """Statements between braces."""

    statements: tuple[Statement, ...]
    start: int
    end: int


Value: TypeAlias = Text | Items | Block


@record
class Statement:
    """A statement; `word` is None for a block that stands alone. `marked` is that of `~`."""

    word: Tok | None
    head: Text | None = None
    value: Value | None = None
    marked: bool = False


def parse_aml(text: str, file: str) -> tuple[Node | None, list[Diagnostic]]:
    """The root node of a file, and everything that is wrong with its statements.

    A statement with a mistake in it is read as it was meant where that is known, and else left out.
    """
    root, found = parse_plain(text, Places(text, file))
    if found:
        from automlc.spec.habits.mending import as_meant

        return as_meant(text, file) or (root, found)
    return root, found


def parse_plain(text: str, places: Places) -> tuple[Node | None, list[Diagnostic]]:
    """The same of statements as they stand."""
    refused = refuse_text(text, places.file)
    if refused is not None:
        return None, [refused]
    statements, found = read_statements(text, places)
    if statements is None or (not statements and not found):
        return None, found
    build = Builder(text, places, found)
    return build.section(statements, "", 0, len(text)), found


def read_statements(
    text: str, places: Places
) -> tuple[tuple[Statement, ...] | None, list[Diagnostic]]:
    """The statements of a text, and what none could be made of; None where there is too much."""
    reader = _Reader(text, places)
    try:
        return reader.statements(), reader.found
    except TooLargeError as error:
        hint = "a spec describes a task; put data into a file and name it in data.source"
        span = places.span(error.at, error.at + 1)
        return None, [*reader.found, Diagnostic("E106", str(error), span, hint)]


def _around(first: Span, last: Span) -> Span:
    return Span(first.file, first.line, first.column, last.end_line, last.end_column)


# Statements ---------------------------------------------------------------------------------------


@cache
def _grammar() -> Any:
    import lark

    from automlc.grammar.loader import text

    return lark.Lark(
        text("automl"), parser="lalr", lexer="basic", keep_all_tokens=True,
        maybe_placeholders=False, transformer=_Build(),
    )  # fmt: skip


class _Build:
    """Methods named as the grammar's rules; tokens of lark carry ours as `.value`."""

    def start(self, parts: list[Any]) -> tuple[Statement, ...]:
        return _statements(parts)

    def word(self, parts: list[Any]) -> Statement:
        return Statement(_tok(parts[0]))

    def pair(self, parts: list[Any]) -> Statement:
        return Statement(_tok(parts[0]), None, parts[1])

    def headed(self, parts: list[Any]) -> Statement:
        return Statement(_tok(parts[0]), parts[1], parts[2])

    def parameter(self, parts: list[Any]) -> Statement:
        return Statement(_tok(parts[0]), None, parts[2], marked=True)

    def bare(self, parts: list[Any]) -> Statement:
        return Statement(None, None, parts[0])

    def text(self, parts: list[Any]) -> Text:
        return Text(_tok(parts[0]))

    string = text

    def list(self, parts: Sequence[Any]) -> Items:
        items = tuple(p for p in parts if isinstance(p, Text | Items | Block))
        return Items(items, _tok(parts[0]).start, _tok(parts[-1]).end)

    def block(self, parts: Sequence[Any]) -> Block:
        return Block(_statements(parts), _tok(parts[0]).start, _tok(parts[-1]).end)


def _statements(parts: Sequence[Any]) -> tuple[Statement, ...]:
    return tuple(part for part in parts if isinstance(part, Statement))


def _tok(token: Any) -> Tok:
    return Tok(token.type, str(token), token.start_pos, token.end_pos)


# What stands where something else is expected -> what is said, and what would be right.
_EXPECTED = {
    "WORD": ("a statement begins with a word", "write key value, or key { … }"),
    "RBRACE": ("`}` closes no block", "remove it, or open a block before it"),
    "RSQB": ("`]` closes no list", "remove it, or begin the list with ["),
    "LBRACE": ("a block is not expected here", "write a key before `{`"),
    "TILDE": ("`~` declares a parameter", "write lr ~ log_uniform(1e-4, 1e-1)"),
    "STRING": ("a text is not expected here", "put `;` or a line break before it"),
    "TEXT": ("this is not expected here", "put `;` or a line break between two statements"),
    "LSQB": ("a list is not expected here", "write key [a, b]"),
    "END": ("a value is missing", "write key value"),
}  # fmt: skip


_KINDS = {"LBRACE": ("block", "}"), "LSQB": ("list", "]")}


class _Reader:
    """Feeds tokens to the parser; after a mistake the rest of the statement is left out."""

    def __init__(self, text: str, places: Places):
        self.text = text
        self.places = places
        self.found: list[Diagnostic] = []
        self.repeats: dict[str, int] = {}
        self.open: list[Tok] = []

    def statements(self) -> tuple[Statement, ...]:
        from lark import Token
        from lark.exceptions import UnexpectedToken

        parser = _grammar().parse_interactive("")
        skipping: int | None = None  # the number of open brackets that the end is looked for at
        for token in self._paired():
            depth = len(self.open)
            if token.type in ("LBRACE", "LSQB"):
                self.open.append(token)
            elif token.type in ("RBRACE", "RSQB"):
                self.open.pop()
            if skipping is not None:
                closes = token.type in ("RBRACE", "RSQB") and len(self.open) < skipping
                if not closes and not (token.type == "END" and depth <= skipping):
                    continue
                skipping = None
            given = Token(token.type, token.text, start_pos=token.start, end_pos=token.end)
            try:
                parser.feed_token(given)
            except UnexpectedToken:
                accepts = parser.accepts()
                self._report(token, accepts)
                if token.type in ("LBRACE", "LSQB"):
                    self.open.pop()
                skipping = None if self._mend(parser, given, accepts) else depth
                if token.type in ("LBRACE", "LSQB") and skipping is not None:
                    self.open.append(token)
        result: tuple[Statement, ...] = parser.feed_eof()
        return result

    def _paired(self) -> Iterator[Tok]:
        """The tokens; closing brackets without a partner are reported, and mended or left out."""
        for token in self._closed():
            if token.type not in ("RBRACE", "RSQB"):
                yield token
                continue
            kinds = [opened.type[1:] for opened in self.open]
            if not kinds:
                message, hint = _EXPECTED[token.type]
                self._add("E114", message, self.places.span(token.start, token.end), hint)
                continue
            while kinds[-1] != token.type[1:] and token.type[1:] in kinds:
                yield from self._forgotten(token.start)
                kinds.pop()
            yield token if kinds[-1] == token.type[1:] else self._exchanged(token)

    def _forgotten(self, at: int) -> Iterator[Tok]:
        """What closes the bracket opened last where one further out is closed."""
        opened = self.open[-1]
        kind, closing = _KINDS[opened.type]
        span = self.places.span(opened.start, opened.end)
        fix = put(self.places.span(at, at), f"{closing} ")
        self._add("E114", f"this {kind} is not closed", span, f"add `{closing}`", fix=fix)
        yield Tok("END", "", at, at)
        yield Tok(f"R{opened.type[1:]}", "", at, at)

    def _exchanged(self, token: Tok) -> Tok:
        """The bracket that closes what was opened last, for another that stands there."""
        opened = self.open[-1]
        closing = _KINDS[opened.type][1]
        note = Note(
            f"{quote(opened.text)} was opened here", self.places.span(opened.start, opened.end)
        )
        span = self.places.span(token.start, token.end)
        message = f"{quote(token.text)} does not close this"
        self._add("E114", message, span, f"write `{closing}`", note, fix=put(span, closing))
        return Tok(f"R{opened.type[1:]}", token.text, token.start, token.end)

    def _closed(self) -> Iterator[Tok]:
        """The tokens, and what closes brackets that are still open at the end."""
        yield from tokens(self.text)
        end = len(self.text)
        yield Tok("END", "", end, end)
        if self.open:
            first = self.open[-1]
            kind, closing = _KINDS[first.type]
            span = self.places.span(first.start, first.end)
            self._add("E114", f"this {kind} is not closed", span, f"add `{closing}`")
        while self.open:
            opened = self.open[-1].type
            yield Tok("END", "", end, end)
            yield Tok("RBRACE" if opened == "LBRACE" else "RSQB", "", end, end)

    def _mend(self, parser: Any, token: Any, accepts: set[str]) -> bool:
        """Bring the parser to where it can go on; whether the token was taken after all."""
        from lark import Token

        at = token.start_pos
        if "END" not in accepts and "TEXT" in accepts:
            parser.feed_token(Token("TEXT", "null", start_pos=at, end_pos=at))
        if token.type in ("END", "RBRACE", "RSQB") and token.type in parser.accepts():
            parser.feed_token(token)
            return True
        return token.type in ("RBRACE", "RSQB", "END")

    def _report(self, token: Tok, accepts: set[str]) -> None:
        message, hint = _EXPECTED[token.type]
        code = "E113"
        first = token.text.lstrip()[:1]
        if token.type == "TEXT" and first in ("=", ":"):
            message, hint = f"`{first}` does not stand between key and value", "write key value"
        elif token.type == "TEXT" and first in ('"', "'"):
            code, message, hint = "E115", "the text is not closed", f"end it with {first}"
        elif token.type == "TEXT" and first in ("-", ","):
            message = f"{quote(first)} does not begin a statement"
            hint = "write items of a list between [ and ]"
        elif token.type == "END" and "TEXT" not in accepts:
            return
        elif token.type in ("RBRACE", "RSQB", "END") and "TEXT" in accepts:
            message, hint = "a value is missing", "write it before the end of the statement"
            if "TILDE" not in accepts:
                message, hint = "a domain is missing", "write lr ~ log_uniform(1e-4, 1e-1)"
        elif token.type == "TEXT" and token.text.startswith(("//", "/*", "--")):
            message, hint = f"{quote(token.text[:2])} begins no comment", "begin a comment with `#`"
            mark = self.places.span(token.start, token.start + 2)
            self._add(code, message, mark, hint, fix=put(mark, "#"))
            return
        self._add(code, message, self.places.span(token.start, token.end), hint)

    def _add(
        self, code: str, message: str, span: Span, hint: str, *notes: Note, fix: Fix | None = None
    ) -> None:
        self.repeats[code] = self.repeats.get(code, 0) + 1
        if self.repeats[code] <= MOST:
            self.found.append(Diagnostic(code, message, span, hint, notes=notes, fix=fix))


# Nodes --------------------------------------------------------------------------------------------

# What a section has while it grows: nodes, lists that statements add to, mappings of parameters.
_Entries: TypeAlias = "dict[str, tuple[ScalarNode, Node | list[Node] | _Entries]]"


class Builder:
    """Turns statements into nodes.

    `place` is where they stand: "" for the whole file and for a profile, the name of a section in
    which words mean more than keys, or "-".
    """

    def __init__(self, text: str, places: Places, found: list[Diagnostic]):
        self.text = text
        self.places = places
        self.found = found
        self.repeats: dict[str, int] = {}

    def report(
        self, code: str, message: str, span: Span, hint: str, *notes: Note, fix: Fix | None = None
    ) -> None:
        self.repeats[code] = self.repeats.get(code, 0) + 1
        if self.repeats[code] <= MOST:
            self.found.append(Diagnostic(code, message, span, hint, notes=notes, fix=fix))

    # -- single values --

    def scalar(self, token: Tok) -> ScalarNode:
        """A text by the core schema of YAML 1.2, or a string as it is."""
        span = self.places.span(token.start, token.end)
        if token.type == "STRING":
            inside = self.unquote(token)
            return ScalarNode(inside, inside, span, token.text[0])
        text = _FOLD.sub(" ", token.text)
        if text[:1] in ('"', "'") and not STRING.match(text):
            self.report("E115", "the text is not closed", span, f"end it with {text[0]}")
            return ScalarNode(text[1:], text[1:], span)
        value, problem = resolve(text)
        if problem:
            self.report("E111", problem, span, "write it between quotes if it is text")
        return ScalarNode(value, text, span)

    def unquote(self, token: Tok) -> str:
        try:
            return unquoted(token.text)
        except ValueError as error:
            span = self.places.span(token.start, token.end)
            hint = r"the escapes are \n, \t, \r, \\, \", \xXX and \uXXXX"
            self.report("E115", f"`{error}` is no escape", span, hint)
            return token.text[1:-1]

    def key(self, token: Tok) -> ScalarNode:
        """A word in front of a value; between quotes where it has blanks or brackets in it."""
        span = self.places.span(token.start, token.end)
        if token.text[0] in "\"'":
            text = self.unquote(token)
            return ScalarNode(text, text, span, token.text[0])
        return ScalarNode(resolve(token.text)[0], token.text, span)

    def value(self, value: Value, place: str = "-") -> Node:
        """Any value where nothing special is meant."""
        match value:
            case Text(token=token):
                return self.scalar(token)
            case Items(items=items, start=start, end=end):
                nodes = tuple(self.value(item) for item in items)
                return SequenceNode(nodes, self.places.span(start, end))
            case Block(statements=statements, start=start, end=end):
                return self.section(statements, place, start, end)

    # -- sections --

    def section(
        self, statements: Sequence[Statement], place: str, start: int, end: int
    ) -> MappingNode:
        """A mapping of the statements."""
        return self.closed(self.entries(statements, place), self.places.span(start, end))

    def entries(self, statements: Sequence[Statement], place: str) -> _Entries:
        """What statements say of a section."""
        entries: _Entries = {}
        for statement in statements:
            if statement.word is None:
                assert isinstance(statement.value, Block)
                span = self.places.span(statement.value.start, statement.value.start + 1)
                self.report("E113", "a block needs a word before it", span, "write key { … }")
                continue
            self.statement(statement, place, entries)
        return entries

    def closed(self, entries: _Entries, span: Span) -> MappingNode:
        """The mapping of entries that will not grow any more."""
        return MappingNode(tuple((key, self.node(value)) for key, value in entries.values()), span)

    def node(self, value: Node | list[Node] | _Entries) -> Node:
        if isinstance(value, list):
            return SequenceNode(tuple(value), _around(value[0].span, value[-1].span))
        if isinstance(value, dict):
            places = [(key.span, self.node(inner).span) for key, inner in value.values()]
            return self.closed(value, _around(places[0][0], places[-1][1]))
        return value

    def statement(self, one: Statement, place: str, entries: _Entries) -> None:
        """Add what one statement says."""
        assert one.word is not None
        word, value = one.word.text, one.value
        text = one.head or value
        if isinstance(text, Text) and text.token.type == "TEXT" and self.is_foreign(text.token):
            return
        if one.marked:
            self.parameter(one, place, entries)
        elif (place, word) in LISTS and isinstance(value, Text) and one.head is None:
            self.append(entries, one.word, LISTS[place, word], self.value(value))
        elif word in _HOLD_LAYERS.get(place, ()) and isinstance(value, Block) and not one.head:
            self.put(entries, self.key(one.word), self.layers(value))
        elif place == "space" and word == "block" and isinstance(value, Block) and one.head:
            self.named_block(one, entries)
        elif value is None:
            self.report(
                "E113", f"{quote(word)} has no value",
                self.places.span(one.word.start, one.word.end), f"write {word[:40]} value",
            )  # fmt: skip
        else:
            inner = word if place == "" and (word in MAIN or word == "profiles") else "-"
            inner = "" if place == "profiles" else inner
            self.put(entries, self.key(one.word), self.keyed(one, inner))

    def is_foreign(self, token: Tok) -> bool:
        """Whether a value begins or ends with a sign of other languages, which is reported."""
        first, last = token.text[0], token.text[-1]
        if first in ":=,":
            message, at = f"{quote(first)} does not stand between key and value", token.start
        elif last == ",":
            message, at = "`,` does not end a statement", token.end - 1
        else:
            return False
        self.report("E113", message, self.places.span(at, at + 1), "write key value")
        return True

    def keyed(self, one: Statement, inner: str) -> Node:
        """The value of a key, with the main word of a section in it."""
        assert one.word is not None
        assert one.value is not None
        word = one.word.text
        if one.head is None:
            if inner in MAIN and inner not in SHORT and isinstance(one.value, Text):
                main = self.main(inner, one.value)
                return MappingNode((main,), main[1].span)
            return self.value(one.value, inner)
        assert isinstance(one.value, Block)
        if inner not in MAIN:
            span = self.places.span(one.head.token.start, one.head.token.end)
            self.report(
                "E116", f"{quote(word)} has no word before its block", span,
                f"write {word[:40]} {{ … }}",
            )  # fmt: skip
            return self.value(one.value, inner)
        entries = self.entries(one.value.statements, inner)
        main = self.main(inner, one.head)
        if main[0].text in entries:
            first = entries.pop(main[0].text)
            self.put({main[0].text: main}, *first)
        whole = self.places.span(one.word.start, one.value.end)
        return self.closed({main[0].text: main, **entries}, whole)

    def main(self, section: str, head: Text) -> tuple[ScalarNode, ScalarNode]:
        """The main key of a section, which stands where its value stands."""
        value = self.scalar(head.token)
        return ScalarNode(MAIN[section], MAIN[section], value.span), value

    def put(self, entries: _Entries, key: ScalarNode, value: Any) -> None:
        """One more key; a second of the same name is a mistake."""
        if key.text in entries:
            first = entries[key.text][0].span
            note = Note(f"first given in line {first.line}", first)
            message = f"the key {quote(key.text)} is given twice"
            self.report("E103", message, key.span, "keep one of the two", note)
            return
        entries[key.text] = (key, value)

    def append(self, entries: _Entries, word: Tok, name: str, item: Node) -> None:
        """One more item of a list that grows statement by statement."""
        key = ScalarNode(name, name, self.places.span(word.start, word.end))
        first, old = entries.setdefault(name, (key, []))
        if isinstance(old, SequenceNode):
            old = list(old.items)
            entries[name] = (first, old)
        if isinstance(old, list):
            old.append(item)
        else:
            self.put(entries, key, item)

    # -- parameters and blocks of the space --

    def parameter(self, one: Statement, place: str, entries: _Entries) -> None:
        """`name ~ domain default value when condition`."""
        from automlc.spec.aml_layers import declaration

        assert one.word is not None
        assert one.value is not None
        key = self.key(one.word)
        if place != "space":
            hint = "write it in the block of `space`"
            self.report("E117", "a parameter is declared in `space`", key.span, hint)
            return
        value = one.value
        if isinstance(value, Text) and value.token.start == value.token.end:
            return  # missing, which is said where it should be
        node = declaration(self, value.token) if isinstance(value, Text) else self.value(value)
        self.inside(entries, "parameters", key, node)

    def inside(self, entries: _Entries, name: str, key: ScalarNode, node: Node) -> None:
        """One more entry of a mapping that grows statement by statement."""
        first, old = entries.setdefault(name, (ScalarNode(name, name, key.span), {}))
        if isinstance(old, MappingNode):
            old = {k.text: (k, v) for k, v in old.items}
            entries[name] = (first, old)
        if isinstance(old, dict):
            self.put(old, key, node)
        else:
            self.put(entries, ScalarNode(name, name, key.span), node)

    def named_block(self, one: Statement, entries: _Entries) -> None:
        """`block name(args) { layers }`, or without arguments a list of layers."""
        assert one.word is not None
        assert one.head is not None
        assert isinstance(one.value, Block)
        token = one.head.token
        match = re.fullmatch(r"([^\s()]+)\s*(\(([^()]*)\))?", token.text)
        if match is None:
            span = self.places.span(token.start, token.end)
            self.report("E116", "this names no block", span, "write block name(a, b) { … }")
            return
        name = Tok("WORD", match[1], token.start, token.start + len(match[1]))
        body: Node = self.layers(one.value)
        if match[2] is not None:
            start = token.start + match.start(2)
            span = self.places.span(start, token.end)
            words = tuple(self.words(match[3], token.start + match.start(3)))
            args, inner = SequenceNode(words, span), ScalarNode("body", "body", body.span)
            items = ((ScalarNode("args", "args", span), args), (inner, body))
            body = MappingNode(items, self.places.span(token.start, one.value.end))
        self.inside(entries, "blocks", self.key(name), body)

    def words(self, text: str, start: int) -> Iterator[ScalarNode]:
        """`a, b` as scalars."""
        for match in re.finditer(r"[^\s,][^,]*", text):
            word = match[0].rstrip()
            at = start + match.start()
            yield self.scalar(Tok("TEXT", word, at, at + len(word)))

    def layers(self, block: Block) -> SequenceNode:
        """The statements of a block as layers."""
        from automlc.spec.aml_layers import layer

        nodes = tuple(layer(self, one) for one in block.statements)
        return SequenceNode(nodes, self.places.span(block.start, block.end))
