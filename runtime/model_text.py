"""Whether two models of graph.json are the same for the configurations that both spaces have.

A layer list is compared as data: constants are folded, branches are taken where the value of their
parameter is known, and of a choice only the branches count that both sides have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from automlc.spec.expressions import (
    Expr,
    ExpressionError,
    Literal,
    Name,
    Scalar,
    evaluate,
    names,
    parse,
    same,
    to_text,
    transform,
)

Values: TypeAlias = Mapping[str, Scalar]
Layers: TypeAlias = list[dict[str, Any]]

_EXPRESSIONS = ("when", "times", "stride", "trainable")
_LEFT_OUT = ("id", "sha256")  # places, and bytes of weights, which are no part of a text


def layers_of(graph: Mapping[str, Any]) -> Layers:
    """The model of a graph.json as nested data: bodies and branches stand in their layers."""
    by_id = {node["id"]: node for node in graph["nodes"]}
    return _list(by_id, "model")


def _list(by_id: Mapping[str, Any], prefix: str) -> Layers:
    found: Layers = []
    while (node := by_id.get(f"{prefix}.{len(found)}")) is not None:
        layer = {key: value for key, value in node.items() if key not in _LEFT_OUT}
        if node["kind"] == "choice":
            count = range(len(node["values"]))
            layer["branches"] = [_list(by_id, f"{node['id']}.of{i}") for i in count]
        elif node["kind"] != "operation":
            layer["body"] = _list(by_id, f"{node['id']}.body")
        found.append(layer)
    return found


def same_model(old: Layers, new: Layers, old_values: Values, new_values: Values) -> bool:
    """Whether both are one model once the given parameters have the given values."""
    return _equal(_folded(old, old_values), _folded(new, new_values))


def _folded(layers: Sequence[Mapping[str, Any]], values: Values) -> Layers:
    found: Layers = []
    for layer in layers:
        kind = layer["kind"]
        if kind == "choice" and layer["parameter"] in values:
            value = values[layer["parameter"]]
            for own, body in zip(layer["values"], layer["branches"], strict=True):
                found += _folded(body, values) if same(own, value) else []
            continue
        made = dict(layer)
        if kind == "operation":
            made["args"] = {name: _text(text, values) for name, text in layer["args"].items()}
        for key in _EXPRESSIONS:
            if key in made:
                made[key] = _text(made[key], values)
        if kind == "when" and made["when"] in ("true", "false"):
            found += _folded(layer["body"], values) if made["when"] == "true" else []
            continue
        if "body" in made:
            made["body"] = _folded(layer["body"], values)
        if "branches" in made:
            made["branches"] = [_folded(body, values) for body in layer["branches"]]
        found.append(made)
    return found


def _text(text: str, values: Values) -> str:
    """An expression with values put in and constants worked out, in its canonical text."""

    def change(node: Expr) -> Expr:
        if isinstance(node, Name) and node.name in values:
            return Literal(values[node.name])
        if isinstance(node, Name) or names(node):
            return node
        try:
            return Literal(evaluate(node, {}))
        except ExpressionError:
            return node

    return to_text(transform(parse(text), change))


def _equal(old: Layers, new: Layers) -> bool:
    return len(old) == len(new) and all(map(_same_layer, old, new))


def _same_layer(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if old["kind"] != new["kind"]:
        return False
    if old["kind"] == "choice":
        return _same_choice(old, new)
    own = {key: value for key, value in old.items() if key != "body"}
    other = {key: value for key, value in new.items() if key != "body"}
    return own == other and _equal(old.get("body", []), new.get("body", []))


def _same_choice(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if old["parameter"] != new["parameter"]:
        return False
    bodies = dict(zip(map(_key, new["values"]), new["branches"], strict=True))
    return all(
        _equal(body, bodies[_key(value)])
        for value, body in zip(old["values"], old["branches"], strict=True)
        if _key(value) in bodies
    )


def _key(value: Scalar) -> tuple[str, Scalar]:
    """Values that are the same have the same key; true is not 1."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return ("number" if number else type(value).__name__, value)
