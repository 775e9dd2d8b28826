"""Paths of a base in another folder, as the spec that extends it sees them.

All paths of a spec are relative to the spec's own file. A base's are relative to the base, so that
it means the same to all that extend it; they are rewritten before the trees are merged.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import replace

from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode

# Values that are paths -> what they begin with where they are none. `*` is any key or item.
_PATHS: dict[tuple[str, ...], str] = {
    ("data", "source"): "builtin:",
    ("data", "contract"): "",
    ("rules",): "builtin/",
    ("rules", "use"): "builtin/",
    ("space", "embeddings", "*"): "",
}
# Values that are words or paths: they are paths where they have a slash.
_WORDS_OR_PATHS = frozenset({("search", "start"), ("space", "backbones", "*")})


def rebased(root: MappingNode, folder: str) -> MappingNode:
    """The tree with its paths as seen from another file; `folder` leads from there to this one."""
    made = _walk(root, (), lambda text: _moved(text, folder))
    assert isinstance(made, MappingNode), "a mapping stays one"
    return made


def _moved(text: str, folder: str) -> str:
    return text if posixpath.isabs(text) else posixpath.normpath(posixpath.join(folder, text))


def _walk(node: Node, at: tuple[str, ...], move: Callable[[str], str]) -> Node:
    match node:
        case MappingNode(items=items, span=span):
            walked = tuple((k, _walk(v, (*at, _step(at, k.text)), move)) for k, v in items)
            return MappingNode(walked, span)
        case SequenceNode(items=items, span=span) if at == ("space", "backbones"):
            return SequenceNode(tuple(_walk(item, (*at, "*"), move) for item in items), span)
        case ScalarNode(value=str() as text):
            moved = _scalar(text, at, move)
            return node if moved == text else replace(node, value=moved, text=moved)
        case _:
            return node


def _step(at: tuple[str, ...], key: str) -> str:
    return "*" if at == ("space", "embeddings") else key


def _scalar(text: str, at: tuple[str, ...], move: Callable[[str], str]) -> str:
    if at in _WORDS_OR_PATHS:
        name, mark, file = text.partition("@")
        if mark:
            return f"{name}@{move(file)}"
        return move(text) if "/" in text else text
    word = _PATHS.get(at)
    if word is None or not text or (word and text.startswith(word)):
        return text
    return move(text)
