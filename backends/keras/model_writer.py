"""model.py in Keras: a function that passes x from layer to layer (the functional API).

Keras finds sizes itself, so no shapes are written: a search space and a frozen configuration take
the same walk, and only what is still open becomes `if` and `for`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from automlc.backends.code import evaluate, known, whole
from automlc.backends.keras.layers import HELPERS, NEEDS, PAIRS, X, batch_norm, layer_calls
from automlc.backends.model_writer import ModelWriter, Written, backbone_words
from automlc.backends.source import CallText, Source, layout
from automlc.compiler.architecture import BackboneNode, Layer, ResidualNode
from automlc.compiler.costing import hub_shape
from automlc.compiler.ops import Image, Shape, Tokens, Vector

INDENT = 4


@dataclass
class KerasWriter(ModelWriter):
    """`into` is the variable that holds the input of the residual around a stretch, or x."""

    functions: dict[str, list[str]] = field(default_factory=dict)  # bodies of backbones
    _names: dict[str, str] = field(default_factory=dict)

    reserved = frozenset({"config", "inputs", "keras", "layers", "mask", "v", "x", *HELPERS})
    locals = re.compile(r"skip(_skip)*")

    def write(self, layers: tuple[Layer, ...], shape: Shape, env: Mapping[str, Any]) -> str:
        """The lines between the input and the end of `build_model`."""
        written = self._layers(layers, shape, dict(env), "x", INDENT)
        return "\n".join(written.lines)

    def op_lines(
        self, op: str, before: Shape, after: Shape, args: dict[str, Any], into: str, indent: int
    ) -> list[str]:
        lines = []
        for call in layer_calls(op, before, after, args):
            if call.function in HELPERS:
                self.helpers |= {call.function, *NEEDS.get(call.function, ())}
            lines += _pass("x, mask" if call.function in PAIRS else "x", call, indent)
        return lines

    def sizes(self, shape: Shape) -> list[tuple[str, Any]]:
        return [("vocabulary", shape.vocabulary)] if isinstance(shape, Tokens) else []

    def residual(
        self, node: ResidualNode, shape: Shape, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        skip = "skip" if into == "x" else f"{into}_skip"
        made = self._layers(node.body, shape, env, skip, indent)
        stride = whole(evaluate(node.stride, env))
        end = self._add(node, skip, shape, made.shape, stride, indent)
        start = [f"{' ' * indent}{skip} = x"] if end else []
        return Written(start + made.lines + end, made.shape, made.assigned)

    def backbone(
        self, node: BackboneNode, shape: Image, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        words, inputs = backbone_words(node, env), Source("inputs")
        if node.hub is not None:
            self.helpers |= {"application", *NEEDS["application"]}
            extra = {"bgr": True} if node.hub.bgr else {}
            call = CallText("application", inputs, X, node.hub.name, **words, **extra)
            return Written(layout("x = ", call, indent), hub_shape(node.hub, shape))
        self.helpers |= {"backbone", "backbone_layers", "load_backbone", "pretrained_file"}
        function = self._function(node.name)
        made = self._layers(
            node.body, Image(node.channels, shape.height, shape.width), {}, "x", INDENT
        )
        self.functions[function] = made.lines
        load = CallText("load_backbone", words.pop("weights"), words.pop("sha256"))
        call = CallText("backbone", inputs, X, Source(function), load, **words)
        return Written(layout("x = ", call, indent), made.shape)

    def _function(self, name: str) -> str:
        """The name of the function that writes a body; the same for the same backbone."""
        return self._names.setdefault(name, f"body_{len(self._names) + 1}")

    def _add(
        self, node: ResidualNode, skip: str, before: Shape, after: Shape, stride: Any, indent: int
    ) -> list[str]:
        """The lines that add the input; none where a body that changes shapes gets no shortcut."""
        sizes = (_size(before), _size(after), stride)
        if not all(known(size) for size in sizes):
            self.helpers.add("residual")
            extra: dict[str, Any] = {} if known(stride) and stride == 1 else {"strides": stride}
            if not node.project:
                extra["project"] = False
            return layout("x = ", CallText("residual", X, Source(skip), **extra), indent)
        if sizes[0] == sizes[1] and stride == 1:
            return _sum(skip, indent)
        if not node.project:
            return []
        lines = []
        for call in _projection(after, sizes[1], stride):
            lines += _pass(skip, call, indent)
        return lines + _sum(skip, indent)


def _pass(variable: str, call: CallText, indent: int) -> list[str]:
    """`x = layer(...)(x)`, or `x = function(x, ...)`."""
    takes_x = bool(call.args) and call.args[0][1] is X
    return layout(f"{variable} = ", call, indent, "" if takes_x else f"({variable})")


def _projection(shape: Shape, size: int, stride: int) -> list[CallText]:
    if not isinstance(shape, Image):
        return [CallText("layers.Dense", size, use_bias=False)]
    strides = {} if stride == 1 else {"strides": stride}
    return [CallText("layers.Conv2D", size, 1, **strides, use_bias=False), batch_norm()]


def _sum(skip: str, indent: int) -> list[str]:
    return [f"{' ' * indent}x = layers.Add()([x, {skip}])"]


def _size(shape: Shape) -> Any:
    assert isinstance(shape, Image | Vector), "the compiler's checks refuse other residuals"
    return shape.channels if isinstance(shape, Image) else shape.features
