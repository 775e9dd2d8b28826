"""The typed form of `space.model`: operations, conditions, choices, repeats and residuals.

A preset and a person's own model are the same kind of text; both become these nodes. Blocks (named
pieces with arguments) are expanded here, so nothing downstream knows of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from automlc.compiler.ops import OPS
from automlc.compiler.problems import Problems
from automlc.spec.declarations import read_expression
from automlc.spec.diagnostics import Edit, Fix, Span, put, swap
from automlc.spec.expressions import (
    Call,
    Expr,
    ExpressionError,
    List,
    Literal,
    Logical,
    Name,
    evaluate,
    names,
    same,
    to_text,
)
from automlc.spec.record import record
from automlc.spec.suggest import nearest
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_DEPTH = 16
MAX_LAYERS = 50_000  # of one text with its blocks put in, before repeats
STRUCTURES = ("choice", "repeat", "residual")
PRETRAINED = "pretrained"  # the layer of preset texts where the backbones of a spec stand


@record
class OpNode:
    """One operation; `args` holds an expression for every argument, defaults included."""

    op: str
    args: tuple[tuple[str, Expr], ...]
    span: Span | None = field(default=None, compare=False)


@record
class ConditionNode:
    """The body stands in the model only where the expression is true (`when:`)."""

    when: Expr
    body: tuple[Layer, ...]
    span: Span | None = field(default=None, compare=False)


@record
class ChoiceNode:
    """Exactly one branch stands in the model: the one named by the parameter's value."""

    parameter: str
    branches: tuple[tuple[Any, tuple[Layer, ...]], ...]
    span: Span | None = field(default=None, compare=False)


@record
class RepeatNode:
    """The body, `times` times; `index` counts from 0 inside it."""

    times: Expr
    index: str
    body: tuple[Layer, ...]
    span: Span | None = field(default=None, compare=False)


@record
class ResidualNode:
    """The body's output plus its input.

    Where shapes differ the input passes a 1 x 1 convolution with `stride` and batch norm (a dense
    layer for vectors) if `project`, else nothing is added. `stride` is the product of the strides
    of the body.
    """

    body: tuple[Layer, ...]
    stride: Expr
    project: bool = True
    span: Span | None = field(default=None, compare=False)


@record
class Hub:
    """A network that timm or keras.applications holds, by its name there, and its counts.

    `macs` and `activations` (numbers) are of one image of 224 x 224. `valid`: the first two
    convolutions are not padded. `bgr`: it was trained on images with blue first.
    """

    name: str
    params: int
    buffers: int
    macs: int
    activations: int
    channels: int
    valid: bool = False
    bgr: bool = False


@record
class BackboneNode:
    """A body trained before; its weights come from a file, or (`hub` without one) from the network.

    It takes images with values from 0 to 1 and normalizes them by `mean` and `deviation`; an image
    of one channel is repeated. `body` is frozen, and empty for a hub's network. `weights` is a path
    as code names it, or "".
    """

    name: str
    family: str
    channels: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    weights: str
    sha256: str
    trainable: Expr
    body: tuple[Layer, ...] = ()
    hub: Hub | None = None
    span: Span | None = field(default=None, compare=False)


Layer = OpNode | ConditionNode | ChoiceNode | RepeatNode | ResidualNode | BackboneNode


@record
class Block:
    """A named piece of a model: `args` (a name each) and the nodes they stand in."""

    args: tuple[str, ...]
    body: SequenceNode


def walk(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Every node, parents before children, in the order of the text."""
    for layer in layers:
        yield layer
        for body in bodies(layer):
            yield from walk(body)


def bodies(layer: Layer) -> tuple[tuple[Layer, ...], ...]:
    """The layers inside of a layer: branches, a body."""
    match layer:
        case OpNode():
            return ()
        case ChoiceNode():
            return tuple(body for _, body in layer.branches)
        case _:
            return (layer.body,)


def expressions(layer: Layer) -> tuple[Expr, ...]:
    """The expressions of one node, without those of its children."""
    match layer:
        case OpNode():
            return tuple(expr for _, expr in layer.args)
        case ConditionNode():
            return (layer.when,)
        case RepeatNode():
            return (layer.times,)
        case ResidualNode():
            return (layer.stride,)
        case ChoiceNode():
            return (Name(layer.parameter),)
        case BackboneNode():
            return (layer.trainable,)


def substitute(expr: Any, given: Mapping[str, Expr]) -> Any:
    """`expr` with names replaced (block arguments by what the caller wrote)."""
    if isinstance(expr, Name):
        return given.get(expr.name, expr)
    if isinstance(expr, tuple):
        return tuple(substitute(item, given) for item in expr)
    if not is_dataclass(expr) or isinstance(expr, (Literal, Span)):
        return expr
    changes = {f.name: substitute(getattr(expr, f.name), given) for f in fields(expr)}
    return replace(expr, **changes)  # type: ignore[type-var]  # an instance, not a class


@dataclass
class ModelParser:
    """Turns raw YAML nodes into layers; every mistake goes to `problems`, none is raised."""

    problems: Problems
    blocks: Mapping[str, Block] = field(default_factory=dict)
    constants: Mapping[str, Expr] = field(default_factory=dict)  # names that stand for values
    backbones: tuple[Layer, ...] | None = None  # what stands for the layer `pretrained`
    read: int = 0  # layers so far

    def layers(self, node: Node, given: Mapping[str, Expr], depth: int = 0) -> tuple[Layer, ...]:
        if not isinstance(node, SequenceNode):
            self.problems.add("E320", "a model is a list of layers", node.span)
            return ()
        if depth > MAX_DEPTH:
            self.problems.add(
                "E321", f"blocks are nested more than {MAX_DEPTH} deep", node.span,
                hint="does a block call itself?",
            )  # fmt: skip
            return ()
        result: list[Layer] = []
        for item in node.items:
            self.read += 1
            if self.read > MAX_LAYERS:
                self.problems.add(
                    "E321", f"the model has more than {MAX_LAYERS:,} layers", None,
                    hint="do blocks call each other many times? `repeat` says it shorter",
                )  # fmt: skip
                break
            result.extend(self._layer(item, given, depth))
        return tuple(result)

    def _layer(self, node: Node, given: Mapping[str, Expr], depth: int) -> tuple[Layer, ...]:
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            return self._named(node.value, node, {}, given, depth)
        if not isinstance(node, MappingNode) or not node.items:
            self.problems.add(
                "E320", "a layer is the name of an operation, or `operation: {arguments}`",
                node.span, hint="write - flatten, or - dense: {units: 64}",
            )  # fmt: skip
            return ()
        entries = {str(key.value): (key, value) for key, value in node.items}
        when = entries.pop("when", None)
        made = self._structure_or_op(node, entries, given, depth)
        if when is None or not made:
            return made
        condition = self._expr(when[1], given)
        if self.constants and isinstance(condition, Literal):
            return made if condition.value else ()
        return (ConditionNode(condition, made, node.span),) if condition is not None else ()

    def _structure_or_op(
        self, node: MappingNode, entries: dict[str, Any], given: Mapping[str, Expr], depth: int
    ) -> tuple[Layer, ...]:
        for kind in STRUCTURES:
            if kind in entries:
                build = getattr(self, f"_{kind}")
                return tuple(build(node, entries, given, depth))
        if len(entries) != 1:
            known = ", ".join(entries)
            self.problems.add(
                "E320", f"one layer holds one operation, got {len(entries)}: {known}", node.span,
                hint="start each layer with its own `- `", fix=_own_dashes(node),
            )  # fmt: skip
            return ()
        name, (key, value) = next(iter(entries.items()))
        if isinstance(value, ScalarNode) and value.value is None:
            return self._named(name, key, {}, given, depth)
        if not isinstance(value, MappingNode):
            self.problems.add(
                "E320", f"the arguments of {name} are `name: value` pairs", value.span
            )
            return ()
        args = {str(k.value): (k, v) for k, v in value.items}
        return self._named(name, key, args, given, depth)

    def _named(
        self, name: str, node: Node, args: dict[str, Any], given: Mapping[str, Expr], depth: int
    ) -> tuple[Layer, ...]:
        if name == PRETRAINED and self.backbones is not None:
            return self.backbones
        if name in self.blocks:
            return self._call(name, node, args, given, depth)
        if name not in OPS.names():
            known = [*OPS.names(), *self.blocks, *STRUCTURES]
            near = nearest(name.rpartition(".")[2], known)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(known))}"
            fix = swap(node.span, name, near)
            if (call := _as_call(name, node)) is not None:
                hint, fix = call
            if (kind := _activation(name)) is not None:
                written = f"activation: {{kind: {kind}}}"
                if node.span.file.endswith(".aml"):
                    written = f"activation(kind={kind})"
                hint, fix = f"write {written}", None if args else put(node.span, written)
            self.problems.add(
                "E322", f"no operation is called {name!r}", node.span, hint=hint, fix=fix
            )  # fmt: skip
            return ()
        op = OPS.get(name)
        values: list[tuple[str, Expr]] = []
        self._unknown_args(name, args, tuple(op.args))
        for arg_name, arg in op.args.items():
            if arg_name not in args:
                if arg.default is None:
                    if any(nearest(given_name, op.args) == arg_name for given_name in args):
                        return ()  # misspelled, and reported as that
                    self.problems.add(
                        "E323", f"{name} needs the argument {arg_name}", node.span,
                        hint=f"write {name}: {{{arg_name}: …}}",
                    )  # fmt: skip
                    return ()
                values.append((arg_name, Literal(arg.default)))
                continue
            expr = self._expr(args[arg_name][1], given, arg.words)
            if expr is None:
                return ()
            if isinstance(expr, Literal) and (problem := arg.problem(expr.value)):
                self.problems.add(
                    "E324", f"{name}: {arg_name} {problem}, got {to_text(expr)}",
                    args[arg_name][1].span, hint=_within(problem),
                )  # fmt: skip
                return ()
            values.append((arg_name, expr))
        return (OpNode(name, tuple(values), node.span),)

    def _call(
        self, name: str, node: Node, args: dict[str, Any], given: Mapping[str, Expr], depth: int
    ) -> tuple[Layer, ...]:
        block = self.blocks[name]
        self._unknown_args(name, args, block.args)
        inner: dict[str, Expr] = {}
        for arg_name in block.args:
            if arg_name not in args:
                self.problems.add("E323", f"{name} needs the argument {arg_name}", node.span)
                return ()
            expr = self._expr(args[arg_name][1], given)
            if expr is None:
                return ()
            inner[arg_name] = expr
        return self.layers(block.body, inner, depth + 1)

    def _unknown_args(self, name: str, args: dict[str, Any], known: tuple[str, ...]) -> None:
        for arg_name, (key, _) in args.items():
            if arg_name in known:
                continue
            near = nearest(arg_name, known)
            takes = f"{name} takes {', '.join(known) or 'no arguments'}"
            self.problems.add(
                "E323", f"{name} has no argument {arg_name!r}", key.span,
                hint=f"did you mean {near!r}?" if near else takes,
                fix=swap(key.span, arg_name, near),
            )  # fmt: skip

    def _choice(
        self, node: MappingNode, entries: dict[str, Any], given: Mapping[str, Expr], depth: int
    ) -> Iterator[Layer]:
        parameter = self._expr(entries["choice"][1], given)
        if parameter is None or not self._only(entries, ("choice", "of"), node):
            return
        branches = entries["of"][1]
        named = isinstance(parameter, Name) or entries["choice"][1].value in self.constants
        if not named or not isinstance(branches, MappingNode):
            self.problems.add(
                "E325", "a choice is `choice: PARAMETER` with `of: {value: [layers], …}`",
                node.span,
            )  # fmt: skip
            return
        found = tuple(
            (key.value, self.layers(body, given, depth + 1)) for key, body in branches.items
        )
        if isinstance(parameter, Literal):  # a constant: the choice is made
            for value, body in found:
                if same(value, parameter.value):
                    yield from body
            return
        assert isinstance(parameter, Name)
        yield ChoiceNode(parameter.name, found, branches.span)

    def _repeat(
        self, node: MappingNode, entries: dict[str, Any], given: Mapping[str, Expr], depth: int
    ) -> Iterator[Layer]:
        times = self._expr(entries["repeat"][1], given)
        if times is None or not self._only(entries, ("repeat", "as", "body"), node, {"as"}):
            return
        index = "i"
        if "as" in entries:
            index = str(entries["as"][1].value) if isinstance(entries["as"][1], ScalarNode) else ""
        if not index.isidentifier() or not index.isascii():
            self.problems.add("E325", "`as` names the index of a repeat", entries["as"][1].span)
            return
        # An index hides an argument of the same name, and is not the caller's of the same name.
        inner = {name: expr for name, expr in given.items() if name != index}
        foreign = {name for expr in inner.values() for name in names(expr)}
        written = index
        while index in foreign:
            index += "_"
        if index != written:
            inner[written] = Name(index)
        yield RepeatNode(times, index, self.layers(entries["body"][1], inner, depth + 1), node.span)

    def _residual(
        self, node: MappingNode, entries: dict[str, Any], given: Mapping[str, Expr], depth: int
    ) -> Iterator[Layer]:
        if not self._only(entries, ("residual", "stride", "project"), node, {"stride", "project"}):
            return
        stride: Expr | None = Literal(1)
        if "stride" in entries:
            stride = self._expr(entries["stride"][1], given)
        project: Any = True
        if "project" in entries:
            project = getattr(entries["project"][1], "value", None)
        if stride is None or not isinstance(project, bool):
            self.problems.add("E325", "`project` is true or false", node.span)
            return
        body = self.layers(entries["residual"][1], given, depth + 1)
        yield ResidualNode(body, stride, project, node.span)

    def _only(
        self,
        entries: dict[str, Any],
        known: tuple[str, ...],
        node: Node,
        optional: set[str] | None = None,
    ) -> bool:
        for name in known:
            if name not in entries and name not in (optional or set()):
                self.problems.add(
                    "E325", f"{known[0]} needs `{name}:`", node.span,
                    hint=f"add {name}: below {known[0]}, in the same column",
                )  # fmt: skip
                return False
        for name in entries:
            if name not in known:
                near = nearest(name, known)
                self.problems.add(
                    "E325", f"{known[0]} has no key {name!r}", entries[name][0].span,
                    hint=f"did you mean {near!r}?" if near else f"it takes {', '.join(known)}",
                    fix=swap(entries[name][0].span, name, near),
                )  # fmt: skip
                return False
        return True

    def _expr(
        self, node: Node, given: Mapping[str, Expr], words: tuple[str, ...] = ()
    ) -> Expr | None:
        """An expression with block arguments filled in; one of `words` stands for itself."""
        if not isinstance(node, ScalarNode):
            self.problems.add("E324", "expected a value or an expression", node.span)
            return None
        if not isinstance(node.value, str):
            return Literal(node.value, span=node.span)
        if node.value in words:
            return Literal(node.value, span=node.span)
        try:
            expr: Expr = read_expression(node)
        except ExpressionError as error:
            self.problems.include(error.diagnostic())
            return None
        done: Expr = substitute(expr, given)  # generic over dataclasses
        if not names(done) & self.constants.keys():
            return done
        return fold(substitute(done, self.constants))  # type: ignore[no-any-return]  # as above


def fold(expr: Any) -> Any:
    """`expr` with the parts that read no name as their values, as far as they decide others."""
    if isinstance(expr, tuple):
        return tuple(fold(item) for item in expr)
    if not is_dataclass(expr) or isinstance(expr, (List, Literal, Name, Span)):
        return expr
    inner: Any = replace(expr, **{f.name: fold(getattr(expr, f.name)) for f in fields(expr)})  # type: ignore[type-var]  # an instance, not a class
    if not names(inner):
        return Literal(evaluate(inner, {}))
    match inner:
        case (
            Logical(op=op, left=Literal(value=value), right=other)
            | Logical(op=op, left=other, right=Literal(value=value))
        ):
            return other if bool(value) == (op == "and") else Literal(bool(value))
        case Call(name="select", args=(Literal(value=value), then, otherwise)):
            return then if value else otherwise
    return inner


def prune(layers: tuple[Layer, ...], values: Mapping[str, tuple[Any, ...]]) -> tuple[Layer, ...]:
    """The layers without branches that no value of their parameter takes.

    `values` lists what each parameter of listed values may be.
    """
    return tuple(_pruned(layer, values) for layer in layers)


def _pruned(layer: Layer, values: Mapping[str, tuple[Any, ...]]) -> Layer:
    match layer:
        case OpNode():
            return layer
        case ChoiceNode():
            known = values.get(layer.parameter)
            branches = tuple(
                (value, prune(body, values))
                for value, body in layer.branches
                if known is None or any(same(value, other) for other in known)
            )
            return replace(layer, branches=branches)
        case _:
            return replace(layer, body=prune(layer.body, values))


def used_names(layers: tuple[Layer, ...]) -> frozenset[str]:
    """Every name that some expression of the model reads."""
    found: set[str] = set()
    for layer in walk(layers):
        for expr in expressions(layer):
            found |= names(expr)
    return frozenset(found)


def _activation(name: str) -> str | None:
    """The kind of activation that `ReLU` or `leaky_relu` stands for."""
    plain = name.lower().replace("_", "")
    words = OPS.get("activation").args["kind"].words
    return next((word for word in words if word.replace("_", "") == plain), None)


def _as_call(text: str, node: Node) -> tuple[str, Fix | None] | None:
    """What to say of `- dense(units=outputs)`, the arguments of which YAML does not see."""
    match = re.fullmatch(r"(\w+)\s*\(([^()\[\]{}]*)\)", text)
    if match is None:
        return None
    if node.span.file.endswith(".aml"):
        if isinstance(node, ScalarNode) and node.style:
            return f"write {text[:60]}, without quotes", put(node.span, text)
        return f"write model {{ {text[:60]} }}, a block of layers", None
    pairs = [re.fullmatch(r"\s*(\w+)\s*=(?!=)\s*(.+?)\s*", part) for part in match[2].split(",")]
    written = ", ".join(f"{pair[1]}: {pair[2]}" for pair in pairs if pair)
    if not match[2].strip():
        return f"write {match[1]}", put(node.span, match[1])
    if not all(pairs):
        return f"write {match[1]}: {{name: value}}", None
    made = f"{match[1]}: {{{written}}}"
    return f"write {made}", put(node.span, made)


def _within(problem: str) -> str:
    """What to write for a value of an argument that is not allowed."""
    if "odd" in problem:
        return "write an odd number, such as 3 or 5"
    if "one of" in problem:
        return "write one of these words"
    return "write true or false" if "true" in problem else "write a value within these bounds"


def _own_dashes(node: MappingNode) -> Fix | None:
    """`- ` before each operation that begins a line below the first."""
    if node.span.file.endswith(".aml"):
        span = node.span
        first = replace(span, end_line=span.line, end_column=span.column + 1)
        last = replace(span, line=span.end_line, column=span.end_column - 1)
        return Fix((Edit(first, ""), Edit(last, "")), safe=False)
    first, *rest = [key.span for key, _ in node.items]
    if any(s.column != first.column or s.line == first.line or s.column < 3 for s in rest):
        return None
    return Fix(
        tuple(Edit(replace(s, column=s.column - 2, end_column=s.column), "- ") for s in rest)
    )
