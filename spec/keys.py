"""Keys as people write them, `budget.epochs` or `space.forbid[0]`, and what stands there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode

LAYERED = ("extends", "profiles")  # keys that spec/layers.py reads, before the models see the rest

KeyPath = tuple[str | int, ...]


def as_path(key: str | KeyPath) -> KeyPath:
    """`space.forbid[0]` as ('space', 'forbid', 0)."""
    if isinstance(key, tuple):
        return key
    parts = re.findall(r"[^.\[\]]+", key)
    return tuple(int(p) if p.isdigit() else p for p in parts)


def find(root: Node, path: KeyPath) -> tuple[ScalarNode | None, Node] | None:
    """Key (None in lists) and value at a path; short forms stand for all that is inside them."""
    key: ScalarNode | None = None
    node = root
    for part in path:
        if isinstance(node, MappingNode):
            key, child = node.key(str(part)), node.get(str(part))
            if child is None:
                return None
            node = child
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            key, node = None, node.items[part]
        elif isinstance(node, ScalarNode) and isinstance(node.value, str):
            break
        else:
            return None
    return key, node


def dotted(path: Iterable[str | int]) -> str:
    """`("constraints", 0)` as `constraints[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def fields_at(model: type[BaseModel], loc: KeyPath) -> type[BaseModel] | None:
    """The model that the value at a location belongs to."""
    current: type[BaseModel] | None = model
    for part in loc:
        info = current.model_fields.get(str(part)) if current else None
        current = as_model(info.annotation if info else None)
    return current


def as_model(annotation: Any) -> type[BaseModel] | None:
    """The annotation of a field where that is a section of its own."""
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None
