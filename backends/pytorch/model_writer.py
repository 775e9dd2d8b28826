"""Writes the constructor of model.py from an architecture, by partial evaluation.

With an empty environment of known values it writes a builder for the whole space: `if`, `for`,
and shapes in variables (c, h, w for images, n for vectors). With a configuration's values
everything folds and the same walk writes one straight list of layers.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from automlc.backends.code import Code, binary, evaluate, known, text, whole
from automlc.backends.pytorch.layers import HELPERS, LAYERS
from automlc.backends.source import CallText, Source, layout, unbroken
from automlc.compiler.architecture import (
    ChoiceNode,
    ConditionNode,
    Layer,
    OpNode,
    RepeatNode,
    ResidualNode,
    used_names,
    walk,
)
from automlc.compiler.ops import OPS, Image, Shape, Table, Vector
from automlc.spec.expressions import same

VARIABLES = {"channels": "c", "height": "h", "width": "w", "features": "n"}
RESERVED = {"c", "h", "w", "n", "config", "layers", "nn", "self", "torch", *HELPERS}
_BODY = re.compile(r"(body_)*body(_in)?")  # lists that residuals are collected in


@dataclass
class Written:
    """What a stretch of the model became: lines, the shape after it, and what it needed."""

    lines: list[str]
    shape: Shape
    assigned: bool = False  # a shape variable was given a value


@dataclass
class ModelWriter:
    """Writes layers; `helpers` collects what ops.py must hold."""

    helpers: set[str] = field(default_factory=set)
    track_positions: bool = True
    # What each shape variable holds for certain at this point of the code being written.
    holds: dict[str, str] = field(default_factory=dict)

    def write(self, layers: tuple[Layer, ...], shape: Shape, env: Mapping[str, Any]) -> str:
        """The body of `__init__`: lines that end in `self.layers = nn.Sequential(...)`."""
        # Height and width matter to the code only where feature maps are laid out as a vector.
        self.track_positions = any(
            isinstance(n, OpNode) and n.op == "flatten" for n in walk(layers)
        )
        straight = self.straight(layers, shape, env)
        if straight is not None:
            calls, _ = straight
            lines = layout("self.layers = ", CallText("nn.Sequential", *calls), 8)
            return "\n".join(lines) + "\n"
        written = self._layers(layers, shape, dict(env), "layers", 8)
        start = ["        layers: list[nn.Module] = []"]
        end = ["        self.layers = nn.Sequential(*layers)"]
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
                args = _arguments(layer, env)
                if not all(known(value) for value in args.values()):
                    return None
                call, after = self._call(layer, shape, args)
                return [call] if call is not None else [], after
            case ConditionNode():
                when = evaluate(layer.when, env)
                if not known(when):
                    return None
                return self.straight(layer.body, shape, env) if when else ([], shape)
            case ChoiceNode():
                value = env[layer.parameter]
                return self.straight(_branch(layer, value), shape, env) if known(value) else None
            case RepeatNode():
                return self._straight_repeat(layer, shape, env)
            case ResidualNode():
                return self._straight_residual(layer, shape, env)

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

    def _body(
        self, layers: tuple[Layer, ...], shape: Shape, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        """The layers of a branch or loop, where what variables hold is known from inside only."""
        self.holds.clear()
        written = self._layers(layers, shape, env, into, indent)
        self.holds.clear()
        return written

    def _layers(
        self, layers: tuple[Layer, ...], shape: Shape, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        result = Written([], shape)
        for layer in layers:
            made = self._layer(layer, result.shape, env, into, indent)
            result = Written(
                result.lines + made.lines, made.shape, result.assigned or made.assigned
            )
        return result

    def _layer(
        self, layer: Layer, shape: Shape, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        match layer:
            case OpNode():
                call, after = self._call(layer, shape, _arguments(layer, env))
                lines = []
                if call is not None:
                    lines = layout("", CallText(f"{into}.append", call), indent)
                return self._keep(Written(lines, after), indent)
            case ConditionNode():
                when = evaluate(layer.when, env)
                if known(when):
                    body = layer.body if when else ()
                    return self._layers(body, shape, env, into, indent)
                return self._chain([(text(when), layer.body)], shape, env, into, indent)
            case ChoiceNode():
                return self._choice(layer, shape, env, into, indent)
            case RepeatNode():
                return self._repeat(layer, shape, env, into, indent)
            case ResidualNode():
                return self._residual(layer, shape, env, into, indent)

    def _call(
        self, node: OpNode, shape: Shape, args: dict[str, Any]
    ) -> tuple[CallText | None, Shape]:
        after = OPS.get(node.op).shape(shape, args)
        call = LAYERS[node.op](shape, after, args)
        if call is None:
            return None, after
        name = call.function.partition("[")[0]
        if name in HELPERS:
            self.helpers.add(name)
        return call, after

    def _keep(self, written: Written, indent: int) -> Written:
        """Give computed sizes their variable, so that they are written once."""
        changes: dict[str, Any] = {}
        for dim, value in self._dims(written.shape):
            variable = VARIABLES[dim]
            if known(value) or value.text == variable:
                continue
            changes[dim] = Code(variable)
            if self.holds.get(variable) == value.text:
                continue
            written.lines += layout(f"{variable} = ", value, indent)
            written.assigned = True
            # "h = h // 2" says nothing of what h holds in terms of other names.
            reads_itself = variable in value.text.replace("(", " ").replace(")", " ").split()
            self.holds[variable] = "" if reads_itself else value.text
        if changes:
            written.shape = replace(written.shape, **changes)
        return written

    def _dims(self, shape: Shape) -> list[tuple[str, Any]]:
        if isinstance(shape, Vector):
            return [("features", shape.features)]
        if isinstance(shape, Image):
            dims = [("channels", shape.channels)]
            if self.track_positions:
                dims += [("height", shape.height), ("width", shape.width)]
            return dims
        return []

    def _spill(self, shape: Shape, indent: int) -> Written:
        """Put every size into its variable: where paths meet, all must agree on names."""
        lines: list[str] = []
        changes: dict[str, Any] = {}
        for dim, value in self._dims(shape):
            variable = VARIABLES[dim]
            changes[dim] = Code(variable)
            if known(value) or value.text != variable:
                lines += layout(f"{variable} = ", value, indent)
        if isinstance(shape, Image) and not self.track_positions:
            changes |= {"height": Code("h"), "width": Code("w")}
        return Written(lines, replace(shape, **changes) if changes else shape, bool(lines))

    def _chain(
        self,
        branches: list[tuple[str, tuple[Layer, ...]]],
        shape: Shape,
        env: dict[str, Any],
        into: str,
        indent: int,
    ) -> Written:
        """`if … elif …`; a condition of "" is the `else`. Without one the input may pass as is."""
        tried = [self._body(body, shape, env, into, indent + 4) for _, body in branches]
        open_end = branches[-1][0] != ""
        same = all(not w.assigned and w.shape == tried[0].shape for w in tried)
        if same and (not open_end or tried[0].shape == shape):
            return Written(_if_lines(branches, tried, indent), tried[0].shape)
        start = self._spill(shape, indent) if open_end else Written([], shape)
        finished = []
        for _, body in branches:
            made = self._body(body, start.shape, env, into, indent + 4)
            end = self._spill(made.shape, indent + 4)
            finished.append(Written(made.lines + end.lines, end.shape))
        lines = start.lines + _if_lines(branches, finished, indent)
        return Written(lines, finished[0].shape, True)

    def _choice(
        self, node: ChoiceNode, shape: Shape, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        value = env[node.parameter]
        if known(value):
            return self._layers(_branch(node, value), shape, env, into, indent)
        full = [(key, body) for key, body in node.branches if body]
        empty = len(full) < len(node.branches)
        if not full:
            return Written([], shape)
        branches = [(text(binary("==", value, key)), body) for key, body in full]
        if not empty:
            branches[-1] = ("", branches[-1][1])
        if len(branches) == 1 and not empty:
            return self._layers(full[0][1], shape, env, into, indent)
        return self._chain(branches, shape, env, into, indent)

    def _repeat(
        self, node: RepeatNode, shape: Shape, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        times = whole(evaluate(node.times, env))
        if known(times) and times <= 1:
            return self._unrolled(node, times, shape, env, into, indent)
        index = _index(node.index, env)
        inner = {**env, node.index: Code(index)}
        used = _reads(node)
        head = _header(f"for {index if used else '_'} in range({text(times)}):", indent)
        made = self._body(node.body, shape, inner, into, indent + 4)
        if known(times) and made.shape.rank != shape.rank:
            return self._unrolled(node, times, shape, env, into, indent)
        if not made.assigned and made.shape == shape:
            return Written([head, *made.lines], shape)
        start = self._spill(shape, indent)
        made = self._body(node.body, start.shape, inner, into, indent + 4)
        end = self._spill(made.shape, indent + 4)
        return Written([*start.lines, head, *made.lines, *end.lines], end.shape, True)

    def _unrolled(
        self,
        node: RepeatNode,
        times: int,
        shape: Shape,
        env: dict[str, Any],
        into: str,
        indent: int,
    ) -> Written:
        """The body once after the other: a first pass may give another rank than it gets."""
        result = Written([], shape)
        for index in range(times):
            inner = {**env, node.index: index}
            made = self._layers(node.body, result.shape, inner, into, indent)
            result = Written(
                result.lines + made.lines, made.shape, result.assigned or made.assigned
            )
        return result

    def _residual(
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
    assert not isinstance(shape, Table), "the compiler's checks refuse residuals over tables"
    return shape.channels if isinstance(shape, Image) else shape.features


def _arguments(node: OpNode, env: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an operation; what must be an integer is one, or made to be one."""
    kinds = OPS.get(node.op).args
    values = {name: evaluate(expr, env) for name, expr in node.args}
    return {n: whole(value) if kinds[n].kind == "int" else value for n, value in values.items()}


def _index(name: str, env: Mapping[str, Any]) -> str:
    """A loop variable that stands for nothing else: no keyword, no variable around it."""
    taken = RESERVED | {value.text for value in env.values() if isinstance(value, Code)}
    while name in taken or keyword.iskeyword(name) or hasattr(builtins, name) or (
        _BODY.fullmatch(name)
    ):  # fmt: skip
        name += "_"
    return name


def _branch(node: ChoiceNode, value: Any) -> tuple[Layer, ...]:
    for key, body in node.branches:
        if same(key, value):
            return body
    raise AssertionError(f"the checks let {node.parameter} = {value!r} pass without a branch")


def _if_lines(
    branches: list[tuple[str, tuple[Layer, ...]]], written: list[Written], indent: int
) -> list[str]:
    pad, lines, word = " " * indent, [], "if"
    for (condition, _), body in zip(branches, written, strict=True):
        lines.append(_header(f"{word} {condition}:", indent) if condition else f"{pad}else:")
        lines += body.lines or [f"{pad}    pass"]
        word = "elif"
    return lines


def _header(source: str, indent: int) -> str:
    """The line that begins a branch or a loop."""
    return unbroken(" " * indent + source)


def _reads(node: RepeatNode) -> bool:
    return node.index in used_names(node.body)
