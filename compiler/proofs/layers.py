"""Layers of a model that stand in no configuration."""

from __future__ import annotations

from collections.abc import Iterator

from automlc.compiler.architecture import (
    ChoiceNode,
    ConditionNode,
    Layer,
    RepeatNode,
    ResidualNode,
)
from automlc.compiler.proofs.boxes import Box, holds, whole
from automlc.spec.domains import Fixed, Space
from automlc.spec.expressions import names, to_text


def dead_layers(layers: tuple[Layer, ...], space: Space) -> Iterator[tuple[Layer, str]]:
    """Each layer that is never used, with the condition that is never true, in words.

    Only what one condition says of the values of its parameters is looked at, below the choices
    around it; conditions that read anything else, such as the number of a repeat, are passed over.
    """
    yield from _dead(layers, whole(space))


def _dead(layers: tuple[Layer, ...], box: Box) -> Iterator[tuple[Layer, str]]:
    for layer in layers:
        match layer:
            case ConditionNode():
                known = names(layer.when) <= box.keys()
                if known and holds(layer.when, box) is False:
                    yield layer, f"{to_text(layer.when)} is never true"
                else:
                    yield from _dead(layer.body, box)
            case ChoiceNode():
                yield from _dead_branches(layer, box)
            case RepeatNode() | ResidualNode():
                yield from _dead(layer.body, box)
            case _:
                pass


def _dead_branches(node: ChoiceNode, box: Box) -> Iterator[tuple[Layer, str]]:
    if node.parameter not in box:
        return
    for value, body in node.branches:
        if box[node.parameter].contains(value):
            yield from _dead(body, {**box, node.parameter: Fixed(value)})
        elif body:
            yield body[0], f"{node.parameter} is never {value}"
