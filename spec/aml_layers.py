"""Texts of `.aml` statements that are more than one value: declarations and layers.

lr ~ float(0, 1) default 0.5 when optimizer == "sgd"
conv2d(filters=width, kernel=3) when depth > 1
choice block { resnet { … }; vanilla { … } }
repeat depth as stage { … }
residual(stride=2) { … }
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automlc.spec.aml import Block, Builder, Statement, Text
from automlc.spec.aml_tokens import STRING, Tok
from automlc.spec.diagnostics import Span, quote
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode

CLAUSES = ("default", "step", "when")
_HEAD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*(?=[(\[])")
_BEHIND = re.compile(r"\)\s*,")  # something behind the bracket of a domain
# One bracket of each kind, which is no domain.
_UNLIKE = re.compile(r"\w+\s*(\([^()\[\]]*\]|\[[^()\[\]]*\))")
_STRINGS = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'""")
_PIECE = re.compile(
    r"""[()\[\]]|"(?:[^"\\]|\\.)*"|'[^']*'|,|=|\b(?:default|step|when|as)\b|[A-Za-z_][\w.]*|.""",
    re.S,
)


def declaration(build: Builder, token: Tok) -> Node:
    """The domain of a parameter; with clauses, or with its values in brackets, the long form."""
    if token.type == "STRING":
        return build.scalar(token)
    parts = dict(_clauses(token, CLAUSES))
    domain = parts.pop("", None)
    match = _HEAD.match(domain.text) if domain is not None else None
    if domain is not None and _BEHIND.search(_STRINGS.sub("", domain.text)):
        span = build.places.span(domain.start, domain.end)
        build.report("E113", "this is no domain", span, "write choice(a, b), or float(0, 0.5)")
        return build.scalar(domain)
    if domain is not None and _UNLIKE.fullmatch(domain.text) and not parts:
        return build.scalar(token)
    if domain is None:
        span = build.places.span(token.start, token.end)
        build.report("E113", "the domain comes first", span, "write int(1, 8) default 3")
        return build.scalar(token)
    if match is None:
        if not parts:
            return build.scalar(token)
        entries = [_pair(build, "fixed", domain, build.scalar(domain))]
    elif not parts and domain.text[match.end()] == "(":
        return build.scalar(token)
    else:
        kind = Tok("TEXT", match[1], domain.start, domain.start + len(match[1]))
        inside = _sub(domain, match.end() + 1, len(domain.text) - 1)
        values = [build.scalar(one) for one in _commas(inside)]
        spread = SequenceNode(
            tuple(values), build.places.span(domain.start + match.end(), domain.end)
        )
        single = match[1] == "fixed" and len(values) == 1 and domain.text[match.end()] == "("
        entries = [_pair(build, match[1], kind, values[0] if single else spread)]
    entries += [_pair(build, name, one, build.scalar(one)) for name, one in parts.items()]
    return MappingNode(tuple(entries), build.places.span(token.start, token.end))


def layer(build: Builder, one: Statement) -> Node:
    """One layer of a model, as the YAML surface has it."""
    if one.word is None:
        assert isinstance(one.value, Block)
        return build.value(one.value)
    start = one.word
    name = build.key(start)
    if one.value is None:
        return ScalarNode(name.value, name.text, name.span, name.style)
    if one.marked:
        build.report("E117", "a parameter is declared in `space`", name.span, "take `~` out")
        return name
    head = one.head or (one.value if isinstance(one.value, Text) else None)
    body = one.value if isinstance(one.value, Block) else None
    if head is None and body is None:
        hint = "write operation(name=value, …)"
        build.report("E116", f"the arguments of {name.text} stand in parentheses", name.span, hint)
        return MappingNode(((name, build.value(one.value)),), name.span)
    parts = dict(_clauses(head.token, ("as", "when"))) if head is not None else {}
    end = body.end if body is not None else head.token.end if head is not None else start.end
    entries = list(_made(build, name, parts, body))
    if "when" in parts:
        entries.append(_pair(build, "when", parts["when"], build.scalar(parts["when"])))
    return MappingNode(tuple(entries), build.places.span(start.start, end))


def _made(
    build: Builder, name: ScalarNode, parts: dict[str, Tok], body: Block | None
) -> Iterator[tuple[ScalarNode, Node]]:
    """The entries of a layer, its condition left out."""
    head = parts.get("")
    if name.text == "repeat" and body is not None and (head is None or " in " in head.text):
        hint = "write repeat 3 { … }, or repeat 3 as stage { … }"
        build.report("E116", "repeat needs a number of times", name.span, hint)
        head = Tok("TEXT", "1", body.start, body.start)
    if name.text == "choice" and body is not None and head is not None:
        yield name, build.scalar(head)
        branches = tuple(_branch(build, one) for one in body.statements)
        span = build.places.span(body.start, body.end)
        yield ScalarNode("of", "of", span), MappingNode(branches, span)
    elif name.text == "repeat" and body is not None and head is not None:
        if re.search(r"\w\s+(times|x)$", head.text):
            span = build.places.span(head.start, head.end)
            build.report("E113", "this is no number", span, "write repeat 3 { … }")
        yield name, build.scalar(head)
        if "as" in parts:
            yield _pair(build, "as", parts["as"], build.scalar(parts["as"]))
        layers = build.layers(body)
        yield ScalarNode("body", "body", layers.span), layers
    elif name.text == "residual" and body is not None:
        yield name, build.layers(body)
        yield from _arguments(build, head)
    elif body is not None:
        if head is not None:
            span = build.places.span(head.start, head.end)
            hint = "choice, repeat and residual take layers; an operation takes arguments"
            build.report("E116", f"{quote(name.text)} takes no layers", span, hint)
        yield name, build.value(body)
    else:
        arguments = tuple(_arguments(build, head))
        empty = ScalarNode(None, "", name.span)
        yield name, MappingNode(arguments, _span(build, head, name)) if arguments else empty


def _span(build: Builder, token: Tok | None, name: ScalarNode) -> Span:
    return build.places.span(token.start, token.end) if token is not None else name.span


def _branch(build: Builder, one: Statement) -> tuple[ScalarNode, Node]:
    """`value { layers }` of a choice."""
    assert one.word is not None or one.value is not None
    if one.word is None or not isinstance(one.value, Block) or one.head is not None:
        token = one.word or Tok("WORD", "{", one.value.start, one.value.start + 1)  # type: ignore[union-attr]
        span = build.places.span(token.start, token.end)
        build.report("E116", "a branch is a value and its layers", span, "write value { layers }")
        return ScalarNode(token.text, token.text, span), SequenceNode((), span)
    return build.key(one.word), build.layers(one.value)


def _arguments(build: Builder, token: Tok | None) -> Iterator[tuple[ScalarNode, Node]]:
    """`(a=1, b=width * 2)` as entries."""
    if token is None:
        return
    text = token.text
    if not (text.startswith("(") and text.endswith(")")):
        span = build.places.span(token.start, token.end)
        hint = "write operation(name=value, …), and `when` before a condition"
        build.report("E116", f"{quote(text)} is not expected here", span, hint)
        return
    for one in _commas(_sub(token, 1, len(text) - 1)):
        name, equals, _ = one.text.partition("=")
        if not equals or one.text[len(name) : len(name) + 2] == "==" or not name.strip():
            span = build.places.span(one.start, one.end)
            hint = "write name=value, such as filters=16"
            build.report("E116", f"the argument {quote(one.text)} has no name", span, hint)
            continue
        key = _sub(one, 0, len(name))
        if re.search(r";|(?<![=<>!])=(?!=)", _STRINGS.sub("", one.text[len(name) + 1 :])):
            span = build.places.span(one.start, one.end)
            hint = "write name=value, and a comma before the next"
            build.report("E116", f"{quote(one.text)} is no argument", span, hint)
            continue
        yield build.key(key), _argument(build, _sub(one, len(name) + 1, len(one.text)))


def _argument(build: Builder, token: Tok) -> Node:
    """A value of an argument; a list stands in brackets."""
    if token.text[:1] == "[" and token.text[-1:] == "]":
        items = tuple(_argument(build, one) for one in _commas(_sub(token, 1, len(token.text) - 1)))
        return SequenceNode(items, build.places.span(token.start, token.end))
    return build.scalar(token)


# Pieces of texts ----------------------------------------------------------------------------------


def _pair(build: Builder, key: str, at: Tok, value: Node) -> tuple[ScalarNode, Node]:
    return ScalarNode(key, key, build.places.span(at.start, at.end)), value


def _sub(token: Tok, start: int, end: int) -> Tok:
    """A part of a text without the blanks around it; a whole string is one."""
    while start < end and token.text[start] in " \t\r\n":
        start += 1
    while end > start and token.text[end - 1] in " \t\r\n":
        end -= 1
    text = token.text[start:end]
    quoted = len(text) > 1 and text[0] == text[-1] and STRING.fullmatch(text)
    return Tok("STRING" if quoted else "TEXT", text, token.start + start, token.start + end)


def _clauses(token: Tok, names: tuple[str, ...]) -> Iterator[tuple[str, Tok]]:
    """What stands before the first clause, under "", and each clause under its word.

    `when` takes all that follows it.
    """
    depth, start, name = 0, 0, ""
    for match in _PIECE.finditer(token.text):
        piece = match[0]
        depth += (piece in "([") - (piece in ")]") if len(piece) == 1 else 0
        if depth == 0 and piece in names and name != "when" and _is_apart(token.text, match):
            part = _sub(token, start, match.start())
            if part.text or name:
                yield name, part
            start, name = match.end(), piece
    part = _sub(token, start, len(token.text))
    if part.text or name:
        yield name, part


def _is_apart(text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    return (not before or before in " \t\r\n)]\"'") and (not after or after in " \t\r\n(\"'-")


def _commas(token: Tok) -> Iterator[Tok]:
    """The parts between commas outside of brackets and strings."""
    if not token.text:
        return
    depth, start = 0, 0
    for match in _PIECE.finditer(token.text):
        piece = match[0]
        depth += (piece in "([") - (piece in ")]") if len(piece) == 1 else 0
        if piece == "," and depth == 0:
            yield _sub(token, start, match.start())
            start = match.end()
    last = _sub(token, start, len(token.text))
    if last.text:
        yield last


def commas_of(text: str) -> list[str]:
    """The parts of a text between commas, as arguments are divided."""
    return [part.text for part in _commas(Tok("TEXT", text, 0, len(text)))]
