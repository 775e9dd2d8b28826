"""A tree of nodes as YAML text, with a comment at the end of lines where one is wanted.

The text is read back as the same tree (spans aside), whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from automlc.spec.record import record
from automlc.spec.yaml_nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    parse_yaml,
    resolve,
)

Path: TypeAlias = tuple[str | int, ...]
Comment: TypeAlias = Callable[[Path, Node], str]
_WIDE = 60  # a list of single values that is longer takes a line for each
_FARTHEST = 48  # column of comments, at most


@record
class Line:
    """A line of YAML and what is said of it; without text the line is a comment."""

    text: str
    comment: str = ""


def tree_text(root: MappingNode, comment: Comment = lambda _path, _node: "") -> str:
    """The whole text. `comment` is asked for each value that stands in one line."""
    return join(mapping_lines(root, (), "", comment))


def join(lines: Iterator[Line]) -> str:
    """Lines as a text, comments below one another."""
    told = list(lines)
    column = min(max((len(line.text) for line in told if line.comment), default=0), _FARTHEST)
    return "".join(
        f"{line.text:<{column}}  # {line.comment}".rstrip() + "\n"
        if line.comment
        else f"{line.text}\n"
        for line in told
    )


def mapping_lines(node: MappingNode, at: Path, indent: str, comment: Comment) -> Iterator[Line]:
    """The lines of a mapping, one or more for each key."""
    for key, value in node.items:
        yield from entry_lines(key, value, (*at, key.text), indent, comment)


def entry_lines(
    key: ScalarNode, value: Node, at: Path, indent: str, comment: Comment
) -> Iterator[Line]:
    """The lines of one key and its value."""
    head = f"{indent}{key_text(key)}:"
    short = one_line(value)
    if short is not None:
        yield Line(f"{head} {short}", comment(at, value))
        return
    yield Line(head)
    if isinstance(value, MappingNode):
        yield from mapping_lines(value, at, f"{indent}  ", comment)
    elif isinstance(value, SequenceNode):
        yield from _item_lines(value, at, f"{indent}  ", comment)


def _item_lines(node: SequenceNode, at: Path, indent: str, comment: Comment) -> Iterator[Line]:
    for index, item in enumerate(node.items):
        inner = (*at, index)
        short = one_line(item)
        if short is not None:
            yield Line(f"{indent}- {short}", comment(inner, item))
            continue
        lines = (
            mapping_lines(item, inner, f"{indent}  ", comment)
            if isinstance(item, MappingNode)
            else _item_lines(item, inner, f"{indent}  ", comment)
            if isinstance(item, SequenceNode)
            else iter(())
        )
        for number, line in enumerate(lines):
            start = "- " if number == 0 else "  "
            yield Line(f"{indent}{start}{line.text[len(indent) + 2 :]}", line.comment)


def one_line(node: Node) -> str | None:
    """A value that fits behind its key; None for what takes lines of its own."""
    match node:
        case ScalarNode():
            return scalar_text(node)
        case MappingNode(items=()):
            return "{}"
        case SequenceNode(items=items) if all(isinstance(item, ScalarNode) for item in items):
            texts = [scalar_text(i, flow=True) for i in items if isinstance(i, ScalarNode)]
            text = f"[{', '.join(texts)}]"
            # Expressions have blanks; each of them has its own line, and its own comment.
            return text if len(text) <= _WIDE and not any(" " in t for t in texts) else None
        case _:
            return None


def scalar_text(node: ScalarNode, *, flow: bool = False) -> str:
    """A single value: plain where that is read as the same, else between double quotes."""
    if node.value is None:
        return "null"
    if not isinstance(node.value, str):
        if node.value != node.value or _is_same(node.text, node.value, flow):  # NaN is not itself
            return node.text
        return str(node.value).lower()
    return node.value if _is_same(node.value, node.value, flow) else _quoted(node.value)


_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")


def key_text(key: ScalarNode) -> str:
    """Keys are texts, whatever they look like; `3:` and `"3":` are the same key."""
    text = key.text
    if _SIMPLE.fullmatch(text) or _is_read(f"{text}: 1", lambda k: k == text):
        return text
    return _quoted(text)


def _is_read(line: str, accept: Callable[[str], bool]) -> bool:
    root, problems = parse_yaml(line, "")
    if problems or not isinstance(root, MappingNode) or len(root.items) != 1:
        return False
    return accept(root.items[0][0].text)


def _is_same(text: str, value: object, flow: bool) -> bool:
    """Whether a plain `text` in a line is read as `value`."""
    if _SIMPLE.fullmatch(text):
        return resolve(text)[0] == value and type(resolve(text)[0]) is type(value)
    if not text or "\n" in text:
        return False
    root, problems = parse_yaml(f"k: [{text}]\n" if flow else f"k: {text}\n", "")
    if problems or not isinstance(root, MappingNode) or len(root.items) != 1:
        return False
    node: Node | None = root.items[0][1]
    if flow:
        node = node.items[0] if isinstance(node, SequenceNode) and len(node.items) == 1 else None
    return (
        isinstance(node, ScalarNode)
        and not node.style
        and node.value == value
        and type(node.value) is type(value)
    )


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(character) for character in text) + '"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if character.isprintable() and code not in (0xFEFF, 0xFFFE, 0xFFFF):
        return character
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    )
