"""YAML text to a tree of nodes that know their places.

PyYAML supplies the event stream only. The guard (size, depth, number of events), the refusal of
tags, aliases, merge keys and duplicate keys, and the YAML 1.2 core schema are ours: PyYAML's own
loader follows YAML 1.1, where `no` is false and `1e-3` is text.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, TypeAlias

import yaml

from automlc.spec.diagnostics import Diagnostic, Note, Span, quote
from automlc.spec.expressions import Scalar
from automlc.spec.record import record
from automlc.spec.suggest import nearest

MAX_BYTES = 4 * 2**20
MAX_DEPTH = 64
MAX_EVENTS = 400_000
MAX_NUMBER = 40  # characters of a number
MAX_REPEATS = 3  # findings of one code: a bomb of 10,000 aliases is one mistake


@record
class ScalarNode:
    """A single value. `text` is what was written, `style` is "" for plain, or one of `' " | >`."""

    value: Scalar
    text: str
    span: Span
    style: str = ""


@record
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@record
class MappingNode:
    """Keys and values in the order of the file; keys are unique."""

    items: tuple[tuple[ScalarNode, Node], ...]
    span: Span

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        found = self._by_key.get(key)
        return found[1] if found else None

    def key(self, key: str) -> ScalarNode | None:
        """The node of the key itself, or None."""
        found = self._by_key.get(key)
        return found[0] if found else None

    @cached_property
    def _by_key(self) -> dict[str, tuple[ScalarNode, Node]]:
        return {item[0].text: item for item in reversed(self.items)}  # the first of its name


ALIAS = "*"  # the style of a refused alias: its value is unknown
Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


def to_plain(node: Node) -> Any:
    """The tree as dicts, lists and scalars."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode(items=items):
            return [to_plain(item) for item in items]
        case MappingNode(items=pairs):
            return {key.text: to_plain(value) for key, value in pairs}


def text_span(node: ScalarNode) -> Span:
    """Where the characters of a scalar stand: inside its quotes when it has some."""
    span = node.span
    if node.style in ("'", '"') and span.line == span.end_line:
        return Span(span.file, span.line, span.column + 1, span.line, span.end_column - 1)
    return span


def kind_of(node: Node) -> str:
    """What a node is, for messages."""
    match node:
        case MappingNode():
            return "a mapping"
        case SequenceNode():
            return "a list"
        case ScalarNode(value=None):
            return "nothing"
        case ScalarNode(value=bool() as value):
            return "true" if value else "false"
        case ScalarNode(value=str()):
            return f"the text {quote(node.text)}"
        case ScalarNode():
            return f"the number {quote(node.text)}"


def parse_yaml(text: str, file: str) -> tuple[Node | None, list[Diagnostic]]:
    """The root node of a one-document file, and everything that is wrong with its YAML.

    After a syntax error the rest of the file is unknown, so the node is None.
    """
    refused = refuse_text(text, file)
    if refused:
        return None, [refused]
    text = text.removeprefix("\ufeff")
    reader = _Reader(text, file)
    try:
        root = reader.document()
    except _Stop as stop:
        return None, [*reader.found, stop.diagnostic]
    except yaml.YAMLError as error:
        return None, [*reader.found, _explain_yaml(error, text, file)]
    return root, reader.found


def decode(data: bytes, file: str) -> tuple[str, Diagnostic | None]:
    """Bytes of a file as text; only UTF-8 is read."""
    if len(data) > MAX_BYTES:
        return "", Diagnostic(
            "E106",
            f"the file has {len(data):,} bytes; at most {MAX_BYTES:,} are read",
            Span(file, 1, 1, 1, 2),
            "a spec describes a task; put data into a file and name it in data.source",
        )
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        return data.decode("utf-8", "replace"), Diagnostic(
            "E107",
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            Span(file, line, column, line, column + 1),
            _advice(data),
        )


def _advice(data: bytes) -> str:
    """What to do about a file that is not UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "save the file as UTF-8 (it looks like UTF-16)"
    if b"\0" in data[:4096]:
        return "this is no text; a spec is a text file, and data is named in its data.source"
    return "save the file as UTF-8 (it looks like Latin-1 or Windows-1252)"


# What no YAML reader accepts: control characters, surrogates, and two non-characters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def refuse_text(text: str, file: str) -> Diagnostic | None:
    """What makes a text unreadable before anything is parsed: its size, a control character."""
    if len(text) > MAX_BYTES:
        return decode(b" " * (MAX_BYTES + 1), file)[1]
    match = _FORBIDDEN.search(text)
    if match is None:
        return None
    line = text.count("\n", 0, match.start()) + 1
    column = match.start() - (text.rfind("\n", 0, match.start()) + 1) + 1
    return Diagnostic(
        "E107",
        f"the control character U+{ord(match[0]):04X} is not allowed",
        Span(file, line, column, line, column + 1),
        "remove it; the file may be binary or damaged",
    )


class _Stop(Exception):
    """Reading cannot go on."""

    def __init__(self, diagnostic: Diagnostic):
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Reader:
    """Builds nodes from events. Recursion is bounded by MAX_DEPTH."""

    def __init__(self, text: str, file: str):
        self.file = file
        self.events = yaml.parse(text, Loader=_Loader)
        self.count = 0
        self.found: list[Diagnostic] = []
        self.repeats: dict[str, int] = {}

    def report(self, code: str, message: str, span: Span, hint: str, *notes: Note) -> None:
        self.repeats[code] = self.repeats.get(code, 0) + 1
        if self.repeats[code] <= MAX_REPEATS:
            self.found.append(Diagnostic(code, message, span, hint, notes=notes))

    def next(self) -> Any:
        event = next(self.events)
        self.count += 1
        if self.count > MAX_EVENTS:
            raise _Stop(
                Diagnostic(
                    "E106",
                    f"the file has more than {MAX_EVENTS:,} YAML events",
                    self.span(event),
                    "a spec describes a task; put data into a file and name it in data.source",
                )
            )
        return event

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def document(self) -> Node | None:
        """The one document of the file; None when the file is empty."""
        self.next()  # stream start
        event = self.next()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        root = self.node(self.next(), 1)
        self.next()  # document end
        event = self.next()
        if not isinstance(event, yaml.StreamEndEvent):
            self.report(
                "E108",
                "the file has more than one document",
                self.span(event),
                "keep one spec in a file: remove `---` and what follows",
            )
        return root

    def node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            self.report(
                "E105",
                f"aliases are not allowed ({quote('*' + str(event.anchor))})",
                self.span(event),
                "write the value out; a spec is read as it stands",
            )
            return ScalarNode(None, "", self.span(event), ALIAS)
        if event.tag is not None:
            self.refuse_tag(event)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if depth > MAX_DEPTH:
            raise _Stop(_too_deep(self.span(event)))
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(event, depth)
        return self.mapping(event, depth)

    def refuse_tag(self, event: Any) -> None:
        mark = event.start_mark
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        span = Span(
            self.file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 1 + len(tag)
        )
        self.report(
            "E104", f"tags are not allowed ({quote(tag)})", span, "remove the tag; keep the value"
        )

    def sequence(self, start: Any, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            items.append(self.node(event, depth + 1))
        return SequenceNode(tuple(items), self.between(start, event))

    def mapping(self, start: Any, depth: int) -> Node:
        items: dict[str, tuple[ScalarNode, Node]] = {}
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            value = self.node(self.next(), depth + 1)
            if self.accept_key(key, items):
                assert isinstance(key, ScalarNode), "accept_key refuses other keys"
                items[key.text] = (key, value)
        return MappingNode(tuple(items.values()), self.between(start, event))

    def accept_key(self, key: Node, items: dict[str, tuple[ScalarNode, Node]]) -> bool:
        if not isinstance(key, ScalarNode):
            self.report("E112", "a key must be one word", key.span, "write name: value")
            return False
        if key.text == "<<" and not key.style:
            self.report("E105", "merge keys are not allowed", key.span, "write the keys out")
            return False
        if key.text in items:
            first = items[key.text][0].span
            self.report(
                "E103",
                f"the key {quote(key.text)} is given twice",
                key.span,
                "keep one of the two",
                Note(f"first given in line {first.line}", first),
            )
            return False
        return True

    def between(self, start: Any, end: Any) -> Span:
        first, last = self.span(start), self.span(end)
        return Span(first.file, first.line, first.column, last.end_line, last.end_column)

    def scalar(self, event: Any) -> ScalarNode:
        span = self.span(event)
        style = event.style or ""
        if style:
            return ScalarNode(event.value, event.value, span, style)
        value, problem = resolve(event.value)
        if problem:
            self.report("E111", problem, span, "write it between quotes if it is text")
        return ScalarNode(value, event.value, span)


_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {w: w.lower() == "true" for w in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def resolve(text: str) -> tuple[Scalar, str | None]:
    """The value of a plain scalar by the YAML 1.2 core schema, and what is wrong with it."""
    if text in _NULL:
        return None, None
    if text in _BOOL:
        return _BOOL[text], None
    if text[0] not in "+-.0123456789":
        return text, None
    if _SPECIAL.fullmatch(text):
        return float(text.lower().replace(".", "")), None
    is_int = _INT.fullmatch(text) or _OCTAL.fullmatch(text) or _HEX.fullmatch(text)
    if not is_int and not _FLOAT.fullmatch(text):
        return text, None
    if len(text) > MAX_NUMBER:
        return 0, f"the number has {len(text):,} characters; at most {MAX_NUMBER} are read"
    if is_int:
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base), None
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return 0, f"the number {quote(text)} is too large"
    return value, None


def _too_deep(span: Span) -> Diagnostic:
    message = f"values are nested deeper than {MAX_DEPTH} levels"
    return Diagnostic("E106", message, span, "no spec needs this; check the brackets")


# What PyYAML says -> what we say. The first entry whose text is part of the problem wins.
_PROBLEMS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "`:` is not expected here",
        "check the indentation, or put the value between quotes",
    ),
    ("could not find expected ':'", "`:` is missing after a key", "write key: value, and a section "
     "as its name with a colon and indented lines"),
    (
        "did not find expected key",
        "a key is expected here",
        "check the indentation and the quotes of the lines above",
    ),
    (
        "did not find expected '-' indicator",
        "a list item is expected here",
        "begin every item with `- ` in the same column",
    ),
    ("did not find expected ',' or", "`,` or the closing bracket is missing", "close the "
     "bracket; between { and } put texts with brackets or quotes in them between quotes"),
    ("found unexpected end of stream", "the text is not closed", "add the closing quote"),
    ("found unknown escape", "this escape is not known", "write the text between single quotes"),
    ("undefined alias", "aliases are not allowed", "write the value out"),
    ("block sequence entries are not allowed", "`-` is not expected here", "begin the list on the "
     "next line, or write [a, b]"),
    ("found character that cannot start any token", "this character cannot begin a value", "put "
     "the value between quotes"),
)  # fmt: skip


def _explain_yaml(error: yaml.YAMLError, text: str, file: str) -> Diagnostic:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", "") or "")
    context, opened = str(getattr(error, "context", "") or ""), getattr(error, "context_mark", None)
    if "quoted scalar" in context and "end of stream" in problem:
        mark = opened or mark
    if mark is None:
        return Diagnostic("E101", "the file is not YAML", Span(file, 1, 1, 1, 2))
    line, column = mark.line + 1, mark.column + 1
    span = Span(file, line, column, line, column + 1)
    lines = text.splitlines()
    shown = lines[mark.line] if mark.line < len(lines) else ""
    if (
        "\t" in shown[: len(shown) - len(shown.lstrip())]
        or shown[mark.column : mark.column + 1] == "\t"
    ):
        return Diagnostic("E102", "a tab cannot indent YAML", span, "indent with spaces")
    if "${" in shown or "{{" in shown:
        hint = "write the value itself: a spec has no ${…} and no {{…}}"
        return Diagnostic("E101", "a template is not YAML", span, hint)
    notes: tuple[Note, ...] = ()
    if "flow" in context and opened is not None:
        start = Span(file, opened.line + 1, opened.column + 1, opened.line + 1, opened.column + 2)
        notes = (Note("the bracket was opened here", start),)
    if "maximum nesting depth" in problem:  # libyaml's own limit, from PyYAML 6.0.4 on
        return _too_deep(span)
    for part, message, hint in _PROBLEMS:
        if part in problem:
            return Diagnostic("E101", message, span, hint, notes=notes)
    return Diagnostic("E101", f"YAML cannot be read: {problem or 'syntax error'}", span)


def boolean_word(text: str) -> str | None:
    """`true` or `false` for a word that was a boolean in YAML 1.1, such as `no`."""
    word = text.lower()
    if word in ("yes", "on", "y"):
        return "true"
    if word in ("no", "off", "n"):
        return "false"
    return {"true": "true", "false": "false"}.get(nearest(word, ("true", "false")) or "")
