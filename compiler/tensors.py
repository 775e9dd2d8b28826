"""How many tensors a model of the space saves, from above.

Each takes some bytes of a file beside its numbers. Of a choice the largest branch counts, of a
repeat as many bodies as there may be, whatever the other parameters would allow together.
"""

from __future__ import annotations

from typing import Any

from automlc.compiler.architecture import (
    BackboneNode,
    ChoiceNode,
    ConditionNode,
    Layer,
    OpNode,
    RepeatNode,
    ResidualNode,
    used_names,
    walk,
)
from automlc.compiler.costing import MAX_REPEATS, input_env
from automlc.compiler.graph import SearchGraph
from automlc.compiler.ops import OPS, Table
from automlc.compiler.ops.base import no_cost
from automlc.compiler.symbolic import Builder, Sym, apply

# The most that a shipped operation saves, and those that save more. A network of a catalog has
# about 1,200 in its largest version.
USUAL = 8
_MORE = {"transformer_encoder": 24}
_OF_A_HUB = 2_000


def most_tensors(graph: SearchGraph) -> int:
    """No configuration's model saves more tensors than this."""
    builder = Builder()
    shape = graph.input_shape
    env = input_env(shape, graph.outputs)
    env["regression"] = graph.task.kind.endswith("regression")
    for parameter in graph.space.parameters:
        env[parameter.name] = builder.parameter(parameter.name, parameter.domain)
    # In a frozen graph there is nothing left of parameters that are not active.
    chosen = {node.parameter for node in walk(graph.model) if isinstance(node, ChoiceNode)}
    for name in (used_names(graph.model) | chosen) - env.keys():
        env[name] = builder.emit(("param", name))
    columns = len(shape.cardinalities) if isinstance(shape, Table) else 0
    return _Tensors(builder, columns).count(graph.model, env)


class _Tensors:
    """Walks an architecture; `columns`: how many columns of categories the data has."""

    def __init__(self, builder: Builder, columns: int) -> None:
        self._builder = builder
        self._columns = columns

    def count(self, layers: tuple[Layer, ...], env: dict[str, Any]) -> int:
        return sum(self._layer(layer, env) for layer in layers)

    def _layer(self, layer: Layer, env: dict[str, Any]) -> int:
        match layer:
            case OpNode():
                return self._op(layer.op)
            case ConditionNode():
                reached = apply(layer.when, env, self._builder)
                return 0 if reached is False else self.count(layer.body, env)
            case ChoiceNode():
                same, value = self._builder.binary, env[layer.parameter]
                found = [b for v, b in layer.branches if same("eq", value, v) is not False]
                return max((self.count(body, env) for body in found), default=0)
            case RepeatNode():
                times = apply(layer.times, env, self._builder)
                most = times.range.high if isinstance(times, Sym) else times
                rounds = range(int(min(most, MAX_REPEATS)))
                return sum(self.count(layer.body, {**env, layer.index: i}) for i in rounds)
            case ResidualNode():
                return self.count(layer.body, env) + (USUAL if layer.project else 0)
            case BackboneNode():
                return self.count(layer.body, env) + (0 if layer.hub is None else _OF_A_HUB)

    def _op(self, name: str) -> int:
        if OPS.get(name).cost is no_cost:
            return 0
        if name == "embed_categories":
            return self._columns
        return _MORE.get(name, USUAL)
