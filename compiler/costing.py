"""Exact sizes of every configuration at once: the model is run on symbolic shapes.

One walk over the architecture gives, as expressions of the parameters, the shape after each layer
and the totals of parameters, saved bytes, multiply-accumulates and activation memory. With a
configuration's values in place of parameters the same walk gives plain integers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from automlc.compiler.architecture import (
    BackboneNode,
    ChoiceNode,
    ConditionNode,
    Hub,
    Layer,
    OpNode,
    RepeatNode,
    ResidualNode,
)
from automlc.compiler.ops import OPS, Cost, Image, Sequence, Shape, Table, Tokens, Vector
from automlc.compiler.ops.base import ceil_div
from automlc.compiler.problems import Problems
from automlc.compiler.symbolic import Builder, Sym, Value, apply
from automlc.spec.diagnostics import Span
from automlc.spec.expressions import Expr, ExpressionError, to_text
from automlc.spec.record import record

FLOAT_BYTES = 4
HUB_PIXELS = 224 * 224  # the image that the counts of a hub's network are of
MAX_REPEATS = 256
MAX_LAYERS = 50_000  # operations of one model, with each repeat counted as often as it may run

# What a constraint may bound before training, and its unit. One example, float32.
COSTS = {
    "model.params": "trainable parameters",
    "model.size": "bytes of the saved float32 tensors (parameters and running statistics)",
    "model.macs": "multiply-accumulates of convolutions, dense layers and attention, one example",
    "model.activation_memory": "bytes of all layer outputs for one example",
    "training.memory": "bytes of a training step: weights, gradients, optimizer state, activations",
}
TRAINING = frozenset({"training.memory"})  # computed only where a constraint names it

# Numbers that an optimizer keeps for each weight; SGD keeps one where it has momentum.
KEPT = {"rmsprop": 1}
KEPT_BY_OTHERS = 2


@record
class Totals:
    """Sums over layers: counts, and numbers kept for the backward pass."""

    params: Value = 0
    buffers: Value = 0
    macs: Value = 0
    activations: Value = 0
    inside: Value = 0  # on the way to the outputs; see Op.inside

    def values(self) -> tuple[Value, ...]:
        return (self.params, self.buffers, self.macs, self.activations, self.inside)

    def costs(self, builder: Builder) -> dict[str, Value]:
        saved = builder.binary("add", self.params, self.buffers)
        return {
            "model.params": self.params,
            "model.size": builder.binary("mul", saved, FLOAT_BYTES),
            "model.macs": self.macs,
            "model.activation_memory": builder.binary("mul", self.activations, FLOAT_BYTES),
        }

    def training_memory(self, builder: Builder, env: Mapping[str, Value], numbers: Value) -> Value:
        """Bytes of a training step in float32, of a batch of examples of so many `numbers`.

        Weights and their gradients, what the optimizer keeps, running statistics; for each example
        of the batch its input, everything that layers make, and the gradient of all that.
        Frameworks free tensors on the way back, so they hold less than this at once; their own
        workspaces and copies are left out.
        """
        per_weight = builder.binary("add", _kept(builder, env), 2)
        weights = builder.binary("mul", self.params, per_weight)
        made = builder.binary("mul", builder.binary("add", self.activations, self.inside), 2)
        example = builder.binary("add", made, numbers)
        batch = builder.binary("mul", env["batch_size"], example)
        total = builder.binary("add", builder.binary("add", weights, self.buffers), batch)
        return builder.binary("mul", total, FLOAT_BYTES)


def _kept(builder: Builder, env: Mapping[str, Value]) -> Value:
    """Numbers that the optimizer keeps for each weight."""
    optimizer, momentum = env["optimizer"], env["momentum"]
    kept: Value = KEPT_BY_OTHERS
    for name, count in KEPT.items():
        kept = builder.select(builder.binary("eq", optimizer, name), count, kept)
    of_sgd = builder.select(builder.binary("gt", momentum, 0), 1, 0)
    return builder.select(builder.binary("eq", optimizer, "sgd"), of_sgd, kept)


@record
class Check:
    """A fact that must hold in every configuration that reaches this node."""

    holds: Value
    code: str
    message: str
    span: Span | None


@dataclass
class Counter:
    """Walks an architecture; `checks` and `problems` grow on the way.

    `training`: count what layers make on the way to their outputs, too.
    """

    builder: Builder
    problems: Problems
    training: bool = False
    checks: list[Check] = field(default_factory=list)
    operations: int = 0

    def count(
        self, layers: tuple[Layer, ...], shape: Shape, env: dict[str, Value], reached: Value = True
    ) -> tuple[Shape, Totals]:
        total = Totals()
        for layer in layers:
            shape, cost = self._layer(layer, shape, env, reached)
            total = self._sum(total, cost)
        return shape, total

    def _layer(
        self, layer: Layer, shape: Shape, env: dict[str, Value], reached: Value
    ) -> tuple[Shape, Totals]:
        match layer:
            case OpNode():
                return self._op(layer, shape, env, reached)
            case ConditionNode():
                condition = self._value(layer.when, env, layer.span)
                taken = self._branch(layer.body, shape, env, reached, condition)
                return self._select(condition, taken, (shape, Totals()), layer.span)
            case ChoiceNode():
                return self._choice(layer, shape, env, reached)
            case RepeatNode():
                return self._repeat(layer, shape, env, reached)
            case ResidualNode():
                return self._residual(layer, shape, env, reached)
            case BackboneNode():
                return self._backbone(layer, shape, env, reached)

    def _backbone(
        self, node: BackboneNode, shape: Shape, env: dict[str, Value], reached: Value
    ) -> tuple[Shape, Totals]:
        if not isinstance(shape, Image):
            self._wrong_rank(OpNode("conv2d", (), node.span), shape)
            return shape, Totals()
        if node.hub is None:
            taken = Image(node.channels, shape.height, shape.width)
            return self.count(node.body, taken, env, reached)
        after = hub_shape(node.hub, shape)
        pixels = shape.height * shape.width
        return after, Totals(
            node.hub.params,
            node.hub.buffers,
            node.hub.macs * pixels // HUB_PIXELS,
            node.hub.activations * pixels // HUB_PIXELS,
        )

    def _value(self, expr: Expr, env: dict[str, Value], span: Span | None) -> Value:
        """An expression's value; raises ExpressionError where it has none (`8 // 0`)."""
        try:
            return apply(expr, env, self.builder)
        except (ArithmeticError, TypeError, ValueError) as error:
            message = f"{to_text(expr)} has no value: {error}"
            raise ExpressionError(message, span=expr.span or span) from None

    def _branch(
        self,
        body: tuple[Layer, ...],
        shape: Shape,
        env: dict[str, Value],
        reached: Value,
        condition: Value,
    ) -> tuple[Shape, Totals]:
        if not isinstance(condition, Sym) and not condition:
            return shape, Totals()
        return self.count(body, shape, env, self.builder.logical("and", reached, condition))

    def _op(
        self, node: OpNode, shape: Shape, env: dict[str, Value], reached: Value
    ) -> tuple[Shape, Totals]:
        op = OPS.get(node.op)
        if shape.rank not in op.ranks:
            self._wrong_rank(node, shape)
            return _placeholder(op.output_rank or op.ranks[0], shape), Totals()
        self.operations += 1
        if self.operations > MAX_LAYERS:
            message = f"the model may have more than {MAX_LAYERS:,} operations"
            raise ExpressionError(message, "repeat less", code="E326", span=node.span)
        args = {name: self._value(expr, env, node.span) for name, expr in node.args}
        for name, value in args.items():
            self._check_arg(node, name, value, reached)
            if isinstance(value, float) and op.args[name].kind == "int" and value.is_integer():
                args[name] = int(value)
        after = op.shape(shape, args)
        cost: Cost = op.cost(shape, after, args)
        inside = op.inside(shape, after, args) if self.training else 0
        return after, Totals(cost.params, cost.buffers, cost.macs, after.size(), inside)

    def _check_arg(self, node: OpNode, name: str, value: Value, reached: Value) -> None:
        arg = OPS.get(node.op).args[name]
        if not isinstance(value, Sym):
            problem = arg.problem(value)
            if problem and reached is True:
                self.problems.add("E324", f"{node.op}: {name} {problem}, got {value}", node.span)
            return
        if arg.kind in ("int", "float") and arg.low > -math.inf and value.range.low < arg.low:
            low = self.builder.binary("ge", value, int(arg.low) if arg.kind == "int" else arg.low)
            self._require(
                low, reached, "E324", f"{node.op}: {name} must be at least {arg.low:g}", node.span
            )

    def _require(
        self, holds: Value, reached: Value, code: str, message: str, span: Span | None
    ) -> None:
        implied = self.builder.logical("or", self.builder.negate(reached), holds)
        if implied is not True:
            self.checks.append(Check(implied, code, message, span))

    def _wrong_rank(self, node: OpNode, shape: Shape) -> None:
        needs = " or ".join(_article(rank) for rank in OPS.get(node.op).ranks)
        hint = None
        if shape.rank == "image" and "vector" in OPS.get(node.op).ranks:
            hint = "put global_avg_pool2d or flatten before it"
        elif shape.rank == "table":
            hint = "put embed_categories before it"
        elif shape.rank == "tokens":
            hint = "put embedding or bag_of_tokens before it"
        elif shape.rank == "sequence" and "vector" in OPS.get(node.op).ranks:
            hint = "put global_avg_pool1d, global_max_pool1d or flatten before it"
        self.problems.add(
            "E327",
            f"{node.op} works on {needs}, but gets {_article(shape.rank)}",
            node.span,
            hint=hint,
        )

    def _choice(
        self, node: ChoiceNode, shape: Shape, env: dict[str, Value], reached: Value
    ) -> tuple[Shape, Totals]:
        result: tuple[Shape, Totals] | None = None
        for value, body in reversed(node.branches):
            condition = self.builder.binary("eq", env[node.parameter], value)
            taken = self._branch(body, shape, env, reached, condition)
            if condition is False:
                continue
            result = taken if result is None else self._select(condition, taken, result, node.span)
        return result if result is not None else (shape, Totals())

    def _repeat(
        self, node: RepeatNode, shape: Shape, env: dict[str, Value], reached: Value
    ) -> tuple[Shape, Totals]:
        times = self._value(node.times, env, node.span)
        most = times.range.high if isinstance(times, Sym) else times
        if not isinstance(most, (int, float)) or most > MAX_REPEATS:
            self.problems.add(
                "E326", f"a repeat needs a number of times of at most {MAX_REPEATS}", node.span,
                hint="write a number, or a parameter with an upper bound such as int(1, 8)",
            )  # fmt: skip
            return shape, Totals()
        if not isinstance(times, Sym) and (isinstance(times, bool) or times % 1):
            self.problems.add(
                "E326", f"a repeat needs a whole number of times, got {times}", node.span,
                hint="write repeat: 3, or the name of an int parameter",
            )  # fmt: skip
            return shape, Totals()
        total = Totals()
        for index in range(int(most)):
            condition = self.builder.binary("lt", index, times)
            inner = {**env, node.index: index}
            taken = self._branch(node.body, shape, inner, reached, condition)
            shape, cost = self._select(condition, taken, (shape, Totals()), node.span)
            total = self._sum(total, cost)
        return shape, total

    def _residual(
        self, node: ResidualNode, before: Shape, env: dict[str, Value], reached: Value
    ) -> tuple[Shape, Totals]:
        after, total = self.count(node.body, before, env, reached)
        if isinstance(before, Tokens | Sequence):
            self.problems.add(
                "E327", "a residual adds images or vectors, but gets "
                f"{_article(before.rank)}", node.span,
                hint="transformer_encoder brings residuals of its own",
            )  # fmt: skip
            return before, total
        if after.rank != before.rank or isinstance(before, Table):
            self.problems.add(
                "E327", f"a residual adds like to like, but its body turns a {before.rank} "
                f"into a {after.rank}", node.span,
                hint="keep flatten, pooling and dense layers outside of the residual",
            )  # fmt: skip
            return before, total
        stride = self._value(node.stride, env, node.span)
        same = self._same(before, after, stride)
        added = self.builder.select(same, 0, 1) if node.project else 0
        if isinstance(before, Image):
            assert isinstance(after, Image)
            self._check_stride(node, before, after, stride, reached)
            weights = before.channels * after.channels
            extra = Cost(
                weights + after.channels * 2,
                after.channels * 2,
                weights * after.height * after.width,
            )
        else:
            assert isinstance(before, Vector)
            assert isinstance(after, Vector)
            weights = before.features * after.features
            extra = Cost(weights, 0, weights)
        projection = Totals(
            added * extra.params,
            added * extra.buffers,
            added * extra.macs,
            after.size(),
            added * after.size() * 2 if self.training else 0,
        )
        return after, self._sum(total, projection)

    def _same(self, before: Shape, after: Shape, stride: Value) -> Value:
        if isinstance(before, Vector) and isinstance(after, Vector):
            return self.builder.binary("eq", before.features, after.features)
        assert isinstance(before, Image)
        assert isinstance(after, Image)
        channels = self.builder.binary("eq", before.channels, after.channels)
        return self.builder.logical("and", channels, self.builder.binary("eq", stride, 1))

    def _check_stride(
        self, node: ResidualNode, before: Image, after: Image, stride: Value, reached: Value
    ) -> None:
        for was, now in ((before.height, after.height), (before.width, after.width)):
            holds = self.builder.binary("eq", now, ceil_div(was, stride))
            message = "the stride of this residual is not the product of the strides in it"
            self._require(holds, reached, "E328", message, node.span)

    def _select(
        self,
        condition: Value,
        then: tuple[Shape, Totals],
        otherwise: tuple[Shape, Totals],
        span: Span | None,
    ) -> tuple[Shape, Totals]:
        if not isinstance(condition, Sym):
            return then if condition else otherwise
        shape = self._select_shape(condition, then[0], otherwise[0], span)
        pairs = zip(then[1].values(), otherwise[1].values(), strict=True)
        return shape, Totals(*(self.builder.select(condition, a, b) for a, b in pairs))

    def _select_shape(
        self, condition: Value, then: Shape, otherwise: Shape, span: Span | None
    ) -> Shape:
        pick = self.builder.select
        match then, otherwise:
            case Image(), Image():
                return Image(
                    pick(condition, then.channels, otherwise.channels),
                    pick(condition, then.height, otherwise.height),
                    pick(condition, then.width, otherwise.width),
                )
            case Vector(), Vector():
                return Vector(pick(condition, then.features, otherwise.features))
            case Table(), Table():
                return then
            case Tokens(), Tokens():
                return Tokens(
                    pick(condition, then.length, otherwise.length),
                    pick(condition, then.vocabulary, otherwise.vocabulary),
                )
            case Sequence(), Sequence():
                return Sequence(
                    pick(condition, then.length, otherwise.length),
                    pick(condition, then.features, otherwise.features),
                )
        self.problems.add(
            "E327", "the branches must end alike, but one gives "
            f"{_article(then.rank)} and another {_article(otherwise.rank)}", span,
            hint="end each branch with the same kind of layer, such as global_avg_pool2d",
        )  # fmt: skip
        return then

    def _sum(self, a: Totals, b: Totals) -> Totals:
        pairs = zip(a.values(), b.values(), strict=True)
        return Totals(*(self.builder.binary("add", x, y) for x, y in pairs))


def hub_shape(hub: Hub, shape: Image) -> Image:
    """The feature maps of a hub's network: a 32nd of each side, rounded up."""

    def side(size: Value) -> Value:
        if hub.valid:  # a 3 x 3 convolution of stride 2 and one of stride 1, without padding
            return ceil_div((size - 3) // 2 - 1, 16)
        return ceil_div(size, 32)

    return Image(hub.channels, side(shape.height), side(shape.width))


def _article(rank: str) -> str:
    return {"image": "an image", "tokens": "tokens"}.get(rank, f"a {rank}")


def _placeholder(rank: str, shape: Shape) -> Shape:
    """A shape of the rank that an operation would have given, after a rank mistake."""
    if rank == "vector" and not isinstance(shape, Vector):
        return Vector(1)
    if rank == "sequence" and not isinstance(shape, Sequence):
        return Sequence(1, 1)
    return shape


def input_env(shape: Shape, outputs: Value) -> dict[str, Any]:
    """The constants that a model's expressions may read beside parameters."""
    env: dict[str, Any] = {"outputs": outputs}
    if isinstance(shape, Image):
        env |= {
            "input.channels": shape.channels,
            "input.height": shape.height,
            "input.width": shape.width,
        }
    elif isinstance(shape, Table):
        env |= {"input.numeric": shape.numeric, "input.categories": len(shape.cardinalities)}
    elif isinstance(shape, Tokens):
        env |= {"input.length": shape.length, "input.vocabulary": shape.vocabulary}
    else:
        env |= {"input.features": shape.features}
    return env
