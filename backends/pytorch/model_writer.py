"""model.py in PyTorch: a constructor that collects layers, or one straight nn.Sequential."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automlc.backends.code import Code, evaluate, known, whole
from automlc.backends.model_writer import (
    VARIABLES,
    ModelWriter,
    Written,
    arguments,
    backbone_words,
    branch,
)
from automlc.backends.pytorch.layers import HELPERS, NEEDS, layer_call
from automlc.backends.source import CallText, Source, layout
from automlc.compiler.architecture import (
    BackboneNode,
    ChoiceNode,
    ConditionNode,
    Layer,
    OpNode,
    RepeatNode,
    ResidualNode,
    walk,
)
from automlc.compiler.costing import hub_shape
from automlc.compiler.ops import OPS, Image, Sequence, Shape, Tokens, Vector

_BY_PLACE = ("flatten", "position_embedding", "bag_of_tokens")


@dataclass
class PyTorchWriter(ModelWriter):
    """Layers go to the list `into`; sizes stand in variables, because PyTorch asks for them."""

    track_positions: bool = True
    sequential: str = "nn.Sequential"

    reserved = frozenset({*VARIABLES.values(), "config", "layers", "nn", "self", "torch", *HELPERS})
    locals = re.compile(r"(body_)*body(_in)?")  # lists that residuals are collected in

    def write(self, layers: tuple[Layer, ...], shape: Shape, env: Mapping[str, Any]) -> str:
        """The body of `__init__`: lines that end in `self.layers = nn.Sequential(...)`."""
        # How many places there are matters to the code only where something is made for each.
        self.track_positions = any(
            isinstance(n, OpNode) and n.op in _BY_PLACE for n in walk(layers)
        )
        if isinstance(shape, Tokens):
            self.sequential = "Steps"
            self.helpers.add("Steps")
        straight = self.straight(layers, shape, env)
        if straight is not None:
            calls, _ = straight
            lines = layout("self.layers = ", CallText(self.sequential, *calls), 8)
            return "\n".join(lines) + "\n"
        written = self._layers(layers, shape, dict(env), "layers", 8)
        start = ["        layers: list[nn.Module] = []"]
        end = [f"        self.layers = {self.sequential}(*layers)"]
        return "\n".join([*start, *written.lines, *end]) + "\n"

    # Straight-line code: every condition, choice and number of times is known.

    def straight(
        self, layers: tuple[Layer, ...], shape: Shape, env: Mapping[str, Any]
    ) -> tuple[list[Any], Shape] | None:
        """The calls of a frozen architecture, or None where something is still open."""
        calls: list[Any] = []
        for layer in layers:
            made = self._straight(layer, shape, env)
            if made is None:
                return None
            calls += made[0]
            shape = made[1]
        return calls, shape

    def _straight(
        self, layer: Layer, shape: Shape, env: Mapping[str, Any]
    ) -> tuple[list[Any], Shape] | None:
        match layer:
            case OpNode():
                args = arguments(layer, env)
                if not all(known(value) for value in args.values()):
                    return None
                after = OPS.get(layer.op).shape(shape, args)
                call = self._call(layer.op, shape, after, args)
                return [call] if call is not None else [], after
            case ConditionNode():
                when = evaluate(layer.when, env)
                if not known(when):
                    return None
                return self.straight(layer.body, shape, env) if when else ([], shape)
            case ChoiceNode():
                value = env[layer.parameter]
                return self.straight(branch(layer, value), shape, env) if known(value) else None
            case RepeatNode():
                return self._straight_repeat(layer, shape, env)
            case ResidualNode():
                return self._straight_residual(layer, shape, env)
            case BackboneNode():
                if not known(evaluate(layer.trainable, env)):
                    return None
                assert isinstance(shape, Image)
                call, after = self._backbone(layer, shape, env)
                return [call], after

    def _straight_repeat(
        self, node: RepeatNode, shape: Shape, env: Mapping[str, Any]
    ) -> tuple[list[Any], Shape] | None:
        times = whole(evaluate(node.times, env))
        if not known(times):
            return None
        calls: list[Any] = []
        for index in range(times):
            made = self.straight(node.body, shape, {**env, node.index: index})
            if made is None:
                return None
            calls += made[0]
            shape = made[1]
        return calls, shape

    def _straight_residual(
        self, node: ResidualNode, shape: Shape, env: Mapping[str, Any]
    ) -> tuple[list[Any], Shape] | None:
        made = self.straight(node.body, shape, env)
        stride = whole(evaluate(node.stride, env))
        if made is None or not known(stride):
            return None
        calls, after = made
        self.helpers.add("Residual")
        body = CallText("nn.Sequential", *calls)
        shortcut = self._shortcut(node, _size(shape), _size(after), after, stride)
        return [CallText("Residual", body, shortcut)], after

    # Code for a space.

    def op_lines(
        self, op: str, before: Shape, after: Shape, args: dict[str, Any], into: str, indent: int
    ) -> list[str]:
        call = self._call(op, before, after, args)
        return [] if call is None else layout("", CallText(f"{into}.append", call), indent)

    def _call(
        self, op: str, before: Shape, after: Shape, args: Mapping[str, Any]
    ) -> CallText | None:
        call = layer_call(op, before, after, args)
        name = call.function.partition("[")[0] if call is not None else ""
        if name in HELPERS:
            self.helpers |= {name, *NEEDS.get(name, ())}
        return call

    def sizes(self, shape: Shape) -> list[tuple[str, Any]]:
        if isinstance(shape, Vector):
            return [("features", shape.features)]
        if isinstance(shape, Image):
            dims = [("channels", shape.channels)]
            if self.track_positions:
                dims += [("height", shape.height), ("width", shape.width)]
            return dims
        if isinstance(shape, Tokens | Sequence):
            size = "vocabulary" if isinstance(shape, Tokens) else "features"
            length = [("length", shape.length)] if self.track_positions else []
            return [*length, (size, getattr(shape, size))]
        return []

    def residual(
        self, node: ResidualNode, shape: Shape, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        self.helpers.add("Residual")
        pad = " " * indent
        name = "body" if into == "layers" else f"{into}_body"
        size = _size(shape)
        lines = [f"{pad}{name} = []"]
        if not known(size):
            lines += layout(f"{name}_in = ", size, indent)
            size = Code(f"{name}_in")
        made = self._layers(node.body, shape, env, name, indent)
        stride = whole(evaluate(node.stride, env))
        shortcut = self._shortcut(node, size, _size(made.shape), made.shape, stride)
        body = CallText("nn.Sequential", Source(f"*{name}"))
        call = CallText(f"{into}.append", CallText("Residual", body, shortcut))
        lines += made.lines + layout("", call, indent)
        return Written(lines, made.shape, made.assigned)

    def backbone(
        self, node: BackboneNode, shape: Image, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        call, after = self._backbone(node, shape, env)
        return Written(layout("", CallText(f"{into}.append", call), indent), after)

    def _backbone(
        self, node: BackboneNode, shape: Image, env: Mapping[str, Any]
    ) -> tuple[CallText, Shape]:
        self.helpers |= {"Backbone", *NEEDS["Backbone"]}
        words = backbone_words(node, env)
        if node.hub is not None:
            self.helpers.add("HubBackbone")
            after = hub_shape(node.hub, shape)
            return CallText("HubBackbone", node.hub.name, **words), after
        made = self.straight(node.body, Image(node.channels, shape.height, shape.width), env)
        assert made is not None, "a backbone is frozen"
        return CallText("Backbone", CallText("nn.Sequential", *made[0]), **words), made[1]

    def _shortcut(
        self, node: ResidualNode, before: Any, after: Any, shape: Shape, stride: Any
    ) -> CallText:
        helper = "image_shortcut" if isinstance(shape, Image) else "vector_shortcut"
        self.helpers.add(helper)
        extra: dict[str, Any] = {}
        if isinstance(shape, Image) and not (known(stride) and stride == 1):
            extra["stride"] = stride
        if not node.project:
            extra["project"] = False
        return CallText(helper, before, after, **extra)


def _size(shape: Shape) -> Any:
    assert isinstance(shape, Image | Vector), "the compiler's checks refuse other residuals"
    return shape.channels if isinstance(shape, Image) else shape.features
