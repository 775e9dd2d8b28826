"""A tree of nodes as YAML in one style, with its comments.

Sections are blocks, indented by two. What was written between braces or brackets stays so where it
fits a line; single values keep their own way of writing.
"""

from __future__ import annotations

from collections.abc import Iterator

from automlc.spec.comments import Comments, tidied
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode
from automlc.spec.yaml_text import key_text, scalar_text

WIDTH = 100
INDENT = "  "


def yaml_text(
    root: MappingNode, comments: Comments, lines: list[str], *, is_yaml: bool = True
) -> str:
    """The whole text. `lines` are those of the source that the nodes' places are in."""
    writer = _Writer(comments, lines, is_yaml)
    written = [line for key, value in root.items for line in writer.entry(key, value, "")]
    return tidied(written + comments.rest())


class _Writer:
    def __init__(self, comments: Comments, lines: list[str], is_yaml: bool):
        self.comments = comments
        self.lines = lines
        self.is_yaml = is_yaml

    def entry(self, key: ScalarNode, value: Node, indent: str) -> Iterator[str]:
        """The lines of one key and its value."""
        for comment in self.comments.take_before(key):
            yield f"{indent}{comment}" if comment else ""
        head = f"{indent}{self.key(key)}:"
        if isinstance(value, ScalarNode) and value.style in ("|", ">") and self.is_yaml:
            first, *rest = self.block_scalar(value, indent + INDENT)
            yield self.behind(f"{head} {first}", key)
            yield from rest
            return
        line = self.line(value, len(head) + 1)
        if line is not None:
            yield self.behind(f"{head} {line}".rstrip(), key)
            return
        yield self.behind(head, key)
        if isinstance(value, MappingNode):
            for inner, one in value.items:
                yield from self.entry(inner, one, indent + INDENT)
        elif isinstance(value, SequenceNode):
            for item in value.items:
                yield from self.item(item, indent + INDENT)

    def item(self, node: Node, indent: str) -> Iterator[str]:
        """The lines of one item of a list."""
        for comment in self.comments.take_before(node):
            yield f"{indent}{comment}" if comment else ""
        line = None
        if self.is_yaml or not isinstance(node, MappingNode) or not node.items:
            line = self.line(node, len(indent) + 2)
        if line is not None:
            yield self.behind(f"{indent}- {line}", node)
            return
        inner: list[str] = []
        if isinstance(node, MappingNode):
            for comment in self.comments.take_before(node.items[0][0]):
                yield f"{indent}{comment}" if comment else ""
            inner = [line for k, v in node.items for line in self.entry(k, v, indent + INDENT)]
        elif isinstance(node, SequenceNode):
            inner = [line for one in node.items for line in self.item(one, indent + INDENT)]
        elif isinstance(node, ScalarNode):
            first, *rest = self.block_scalar(node, indent + INDENT)
            inner = [f"{indent}{INDENT}{first}", *rest]
        behind = self.comments.take_behind(node)
        if behind:
            yield f"{indent}{behind}"
        for number, text in enumerate(inner):
            yield f"{indent}- {text[len(indent) + 2 :]}" if number == 0 else text

    def behind(self, line: str, node: Node) -> str:
        comment = self.comments.take_behind(node)
        return f"{line}  {comment}" if comment else line

    def line(self, node: Node, column: int) -> str | None:
        """A value that fits behind its key; None for what takes lines of its own."""
        if isinstance(node, ScalarNode):
            return None if node.style in ("|", ">") and self.is_yaml else self.scalar(node)
        if not node.items:
            return "{}" if isinstance(node, MappingNode) else "[]"
        if not self.is_flow(node) or self.comments.within(node):
            return None
        text = self.flow(node)
        return text if column + len(text) <= WIDTH else None

    def is_flow(self, node: Node) -> bool:
        if not self.is_yaml:
            return node.span.line == node.span.end_line and not _has_expressions(node)
        return self.lines[node.span.line - 1][node.span.column - 1 :][:1] in ("{", "[")

    def flow(self, node: Node) -> str:
        match node:
            case ScalarNode():
                return self.scalar(node, flow=True)
            case SequenceNode(items=items):
                return f"[{', '.join(self.flow(item) for item in items)}]"
            case MappingNode(items=pairs):
                parts = [f"{self.flow_key(k)}: {self.flow(v)}".rstrip() for k, v in pairs]
                return "{" + ", ".join(parts) + "}"

    def key(self, node: ScalarNode) -> str:
        return (self.written(node) if self.is_yaml else None) or key_text(node)

    def flow_key(self, node: ScalarNode) -> str:
        if self.is_yaml:
            return self.key(node)
        return scalar_text(ScalarNode(node.text, node.text, node.span), flow=True)

    def scalar(self, node: ScalarNode, *, flow: bool = False) -> str:
        written = self.written(node) if self.is_yaml else None
        if written is None or (not written and flow):
            if node.value is None and not node.text and not flow and self.is_yaml:
                return ""
            return scalar_text(node, flow=flow)
        return written

    def written(self, node: ScalarNode) -> str | None:
        """A value as it stands in the source; None for one of several lines."""
        span = node.span
        if span.line > len(self.lines):  # `? key` in the last line has its empty value after it
            return ""
        if span.line != span.end_line or node.style in ("|", ">"):
            return None
        return self.lines[span.line - 1][span.column - 1 : span.end_column - 1].strip()

    def block_scalar(self, node: ScalarNode, indent: str) -> list[str]:
        """`|` or `>` and its lines, moved to another indentation."""
        span = node.span
        header = self.lines[span.line - 1][span.column - 1 :].split("#")[0].rstrip()
        last = span.end_line if span.end_column > 1 else span.end_line - 1
        body = self.lines[span.line : last]
        while body and not body[-1].strip() and "+" not in header:
            body.pop()
        margin = min((len(b) - len(b.lstrip(" ")) for b in body if b.strip()), default=0)
        return [header, *(f"{indent}{b[margin:]}" if b.strip() else "" for b in body)]


def _has_expressions(node: Node) -> bool:
    """Whether items of a list are expressions, which read better on lines of their own."""
    return isinstance(node, SequenceNode) and any(
        isinstance(item, MappingNode)
        or (isinstance(item, ScalarNode) and isinstance(item.value, str) and " " in item.value)
        for item in node.items
    )
