"""Writes the body of a model from an architecture, by partial evaluation, for every backend.

With an empty environment of known values it writes a builder for the whole space: `if`, `for`,
and, where a backend needs them, shapes in variables (c, h, w for images, n for vectors). With a
configuration's values everything folds. A backend says how one layer and one residual is written.
"""

from __future__ import annotations

import builtins
import keyword
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from automlc.backends.code import Code, binary, evaluate, known, text, whole
from automlc.backends.literals import literal
from automlc.backends.source import Source, layout, unbroken
from automlc.compiler.architecture import (
    BackboneNode,
    ChoiceNode,
    ConditionNode,
    Layer,
    OpNode,
    RepeatNode,
    ResidualNode,
    used_names,
)
from automlc.compiler.ops import OPS, Image, Shape
from automlc.spec.expressions import same

VARIABLES = {
    "channels": "c",
    "height": "h",
    "width": "w",
    "features": "n",
    "length": "t",
    "vocabulary": "v",
}


@dataclass
class Written:
    """What a stretch of the model became: lines, the shape after it, and what it needed."""

    lines: list[str]
    shape: Shape
    assigned: bool = False  # a shape variable was given a value


@dataclass
class ModelWriter(ABC):
    """Writes layers; `helpers` collects what ops.py must hold.

    `into` is where the layers of a stretch go, in the backend's own sense; it is handed on.
    """

    helpers: set[str] = field(default_factory=set)
    unroll: bool = False  # write a known number of times one after the other, not as a loop
    # What each shape variable holds for certain at this point of the code being written.
    holds: dict[str, str] = field(default_factory=dict)

    # What a backend says.

    reserved: ClassVar[Set[str]]
    """Names that no loop variable may have."""
    locals: ClassVar[re.Pattern[str]]
    """Further names that the written code may use as it likes."""

    @abstractmethod
    def op_lines(
        self, op: str, before: Shape, after: Shape, args: dict[str, Any], into: str, indent: int
    ) -> list[str]:
        """One operation."""

    @abstractmethod
    def residual(
        self, node: ResidualNode, shape: Shape, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        """A body and the way around it."""

    @abstractmethod
    def backbone(
        self, node: BackboneNode, shape: Image, env: dict[str, Any], into: str, indent: int
    ) -> Written:
        """A body trained before."""

    def sizes(self, shape: Shape) -> list[tuple[str, Any]]:
        """The dimensions that the written code needs, by name; they get variables."""
        return []

    # The walk.

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
                args = arguments(layer, env)
                after = OPS.get(layer.op).shape(shape, args)
                lines = self.op_lines(layer.op, shape, after, args, into, indent)
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
                return self.residual(layer, shape, env, into, indent)
            case BackboneNode():
                assert isinstance(shape, Image)
                return self._keep(self.backbone(layer, shape, env, into, indent), indent)

    def _keep(self, written: Written, indent: int) -> Written:
        """Give computed sizes their variable, so that they are written once."""
        changes: dict[str, Any] = {}
        for dim, value in self.sizes(written.shape):
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

    def _spill(self, shape: Shape, indent: int) -> Written:
        """Put every size into its variable: where paths meet, all must agree on names."""
        lines: list[str] = []
        changes: dict[str, Any] = {}
        for dim, value in self.sizes(shape):
            variable = VARIABLES[dim]
            changes[dim] = Code(variable)
            if known(value) or value.text != variable:
                lines += layout(f"{variable} = ", value, indent)
        for dim, variable in VARIABLES.items():
            if hasattr(shape, dim) and dim not in changes:
                changes[dim] = Code(variable)  # may differ from path to path, and no code reads it
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
            return self._layers(branch(node, value), shape, env, into, indent)
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
        if known(times) and (times <= 1 or self.unroll):
            return self._unrolled(node, times, shape, env, into, indent)
        index = self._index(node.index, env)
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

    def _index(self, name: str, env: Mapping[str, Any]) -> str:
        """A loop variable that stands for nothing else: no keyword, no variable around it."""
        taken = self.reserved | {value.text for value in env.values() if isinstance(value, Code)}
        while (
            name in taken
            or keyword.iskeyword(name)
            or hasattr(builtins, name)
            or self.locals.fullmatch(name)
        ):
            name += "_"
        return name


def backbone_words(node: BackboneNode, env: Mapping[str, Any]) -> dict[str, Any]:
    """The named arguments of the call that makes a backbone."""
    words: dict[str, Any] = {
        "mean": Source(literal(list(node.mean))),
        "deviation": Source(literal(list(node.deviation))),
    }
    if node.weights:
        words |= {"weights": node.weights, "sha256": node.sha256}
    return words | {"trainable": evaluate(node.trainable, env)}


def arguments(node: OpNode, env: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an operation; what must be an integer is one, or made to be one."""
    kinds = OPS.get(node.op).args
    values = {name: evaluate(expr, env) for name, expr in node.args}
    return {n: whole(value) if kinds[n].kind == "int" else value for n, value in values.items()}


def branch(node: ChoiceNode, value: Any) -> tuple[Layer, ...]:
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
