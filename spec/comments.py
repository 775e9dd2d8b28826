"""Comments of a spec, kept where they belong while its text is written anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode

Place: TypeAlias = tuple[int, int]  # line and column


class Comment(NamedTuple):
    """A comment with its `#`, `alone` on its line or behind something; an empty line without."""

    line: int
    column: int
    text: str
    alone: bool


class Comments:
    """Comments by the entry that they belong to. Each is taken once.

    A comment on a line of its own belongs to what begins next, one behind something to the first
    entry that begins on its line.
    """

    def __init__(self, root: Node | None, found: list[Comment]):
        self.before: dict[Place, list[str]] = {}
        self.behind: dict[Place, list[str]] = {}
        self.tail: list[str] = []
        places = sorted({*_places(root, itself=False)}) if root is not None else []
        lines: dict[int, Place] = {}
        for place in places:
            lines.setdefault(place[0], place)
        at = 0
        for comment in sorted(found):
            while at < len(places) and places[at] < (comment.line, comment.column):
                at += 1
            if not comment.alone and comment.line in lines:
                self.behind.setdefault(lines[comment.line], []).append(comment.text)
            elif not comment.alone and at:
                self.behind.setdefault(places[at - 1], []).append(comment.text)
            elif at < len(places):
                self.before.setdefault(places[at], []).append(comment.text)
            else:
                self.tail.append(comment.text)

    def take_before(self, node: Node) -> list[str]:
        """The lines that stand before an entry; taken away."""
        return self.before.pop(_place(node), [])

    def take_behind(self, node: Node) -> str:
        """What stands behind an entry, several joined; taken away."""
        return "  ".join(self.behind.pop(_place(node), []))

    def within(self, node: Node) -> bool:
        """Whether an entry of a mapping or a list, or what is inside it, has a comment."""
        match node:
            case MappingNode(items=pairs):
                return self.inside(*(part for pair in pairs for part in pair))
            case SequenceNode(items=items):
                return self.inside(*items)
            case _:
                return False

    def inside(self, *nodes: Node) -> bool:
        """Whether one of the nodes, or what is inside it, has a comment."""
        if not self.before and not self.behind:
            return False
        return any(
            any(self.before.get(place, ())) or place in self.behind
            for node in nodes
            for place in _places(node)
        )

    def take_all(self, *nodes: Node) -> list[str]:
        """Every comment of entries inside of nodes, for a form that has no place for them."""
        if not self.before and not self.behind:
            return []
        taken: list[str] = []
        for place in sorted({p for node in nodes for p in _places(node)}):
            taken += self.before.pop(place, [])
            taken += self.behind.pop(place, [])
        return [text for text in taken if text]

    def rest(self) -> list[str]:
        """What nobody took, in order."""
        left = {**self.before}
        for place, texts in self.behind.items():
            left[place] = [*left.get(place, []), *texts]
        return [text for place in sorted(left) for text in left[place] if text] + [
            text for text in self.tail if text
        ]


def _place(node: Node) -> Place:
    return node.span.line, node.span.column


def _places(node: Node, *, itself: bool = True) -> Iterator[Place]:
    """Where entries begin: keys of mappings, items of lists; and the node itself."""
    if itself:
        yield _place(node)
    match node:
        case MappingNode(items=pairs):
            for key, value in pairs:
                yield _place(key)
                if not isinstance(value, ScalarNode):
                    yield from _places(value)
        case SequenceNode(items=items):
            for item in items:
                yield from _places(item)
        case _:
            pass


def tidied(lines: list[str]) -> str:
    """Lines as a text: no blanks at ends, no empty line at the beginning, at most one in a row."""
    kept: list[str] = []
    for line in lines:
        line = line.rstrip()
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join(kept) + "\n" if kept else ""
