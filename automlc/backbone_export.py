"""Cuts the head off a trained model, so that its body can begin other models.

What is kept is the frozen text of the model up to the first layer that makes a vector of feature
maps, in the language of specs, and its weights. Augmentation is left out; the standardizing in
front becomes the backbone's normalisation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automlc.compiler.architecture import (
    BackboneNode,
    ChoiceNode,
    ConditionNode,
    Layer,
    OpNode,
    RepeatNode,
    ResidualNode,
)
from automlc.compiler.backbones import FAMILIES, MANIFEST, SCHEMA
from automlc.compiler.costing import Counter, input_env
from automlc.compiler.graph import SearchGraph
from automlc.compiler.ops import OPS, Image
from automlc.compiler.problems import Problems
from automlc.compiler.symbolic import Builder
from automlc.runtime.trial import sha256_of
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Literal, evaluate, same

if TYPE_CHECKING:
    import numpy as np

WEIGHTS = "weights.safetensors"
_NUMBER = re.compile(r"(?:layers\.)?(\d+)\.(.*)")


def write_backbone(graph: SearchGraph, config: Mapping[str, Any], weights: Path, to: Path) -> None:
    """Write `backbone.json` and the weights of the body of one trained configuration.

    Raises AutomlcError where the model has no such body, or the weights do not fit it.
    """
    import safetensors.numpy

    shape = graph.input_shape
    family = str(config.get("block", ""))
    if not isinstance(shape, Image) or family not in FAMILIES:
        raise AutomlcError(
            "only an image model whose parameter `block` is "
            f"{' or '.join(FAMILIES)} becomes a backbone, this one is {family or 'none of them'}"
        )
    env = {**input_env(shape, graph.outputs), **config}
    env["regression"] = graph.task.kind.endswith("regression")
    whole = frozen(graph.model, env)
    kept = [i for i, layer in enumerate(body_of(whole)) if not _is_random(layer)]
    standard = [i for i in kept if _is(whole[i], "standardize")]
    if standard not in ([], kept[:1]):
        raise AutomlcError("a model that standardizes behind its first layer is no backbone")
    kept = kept[len(standard) :]
    layers = tuple(whole[i] for i in kept)
    if not layers:
        raise AutomlcError("the model has no layers before its head")
    after, total = Counter(Builder(), Problems()).count(layers, shape, {})
    assert isinstance(after, Image)
    tensors = safetensors.numpy.load_file(weights)
    pick = {"pytorch": _pytorch_weights, "keras": _keras_weights}[graph.backend.kind]
    mean, deviation, body = pick(tensors, standard, kept)
    size = sum(
        array.size for name, array in body.items() if not name.endswith("num_batches_tracked")
    )
    if graph.backend.kind == "keras":
        body, size = _first(body, total.params + total.buffers)
    if size != total.params + total.buffers:
        raise AutomlcError(
            f"the weights of the body are {size:,} numbers, its text says "
            f"{total.params + total.buffers:,}"
        )
    if mean is None or deviation is None:
        mean, deviation = [0.0] * shape.channels, [1.0] * shape.channels
    to.mkdir(parents=True, exist_ok=True)
    (to / WEIGHTS).write_bytes(safetensors.numpy.save(dict(sorted(body.items()))))
    manifest = {
        "schema": SCHEMA,
        "name": graph.name,
        "family": family,
        "backend": graph.backend.kind,
        "input": {"channels": shape.channels, "height": shape.height, "width": shape.width},
        "output": {"channels": after.channels, "height": after.height, "width": after.width},
        "normalisation": {"mean": mean, "deviation": deviation},
        "model": layers_text(layers),
        "weights": {"file": WEIGHTS, "sha256": sha256_of(to / WEIGHTS)},
    }
    text = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False)
    (to / MANIFEST).write_text(text + "\n", encoding="utf-8")


# ---- the text ----


def frozen(layers: Sequence[Layer], env: Mapping[str, Any]) -> tuple[Layer, ...]:
    """The layers of one configuration: no condition, choice or repeat is left."""
    found: list[Layer] = []
    for layer in layers:
        match layer:
            case OpNode():
                args = tuple((name, Literal(evaluate(expr, env))) for name, expr in layer.args)
                found.append(OpNode(layer.op, args))
            case ConditionNode():
                found += frozen(layer.body, env) if evaluate(layer.when, env) else ()
            case ChoiceNode():
                for value, body in layer.branches:
                    if same(value, env[layer.parameter]):
                        found += frozen(body, env)
            case RepeatNode():
                for index in range(int(evaluate(layer.times, env))):  # type: ignore[arg-type]  # the compiler's checks hold it to numbers
                    found += frozen(layer.body, {**env, layer.index: index})
            case ResidualNode():
                stride = Literal(evaluate(layer.stride, env))
                found.append(ResidualNode(frozen(layer.body, env), stride, layer.project))
            case BackboneNode():
                raise AutomlcError(
                    "the best model stands on a backbone itself, which is not exported again"
                )
    return tuple(found)


def body_of(layers: Sequence[Layer]) -> Sequence[Layer]:
    """What stands before the first layer that makes a vector of feature maps."""
    for index, layer in enumerate(layers):
        if isinstance(layer, OpNode) and OPS.get(layer.op).output_rank == "vector":
            return layers[:index]
    return layers


def layers_text(layers: Sequence[Layer]) -> list[Any]:
    """Frozen layers as the list that a spec would hold."""
    return [_layer_text(layer) for layer in layers]


def _layer_text(layer: Layer) -> Any:
    if isinstance(layer, OpNode):
        known = OPS.get(layer.op).args
        args = {
            name: expr.value
            for name, expr in layer.args
            if isinstance(expr, Literal) and not same(expr.value, known[name].default)
        }
        return {layer.op: args} if args else layer.op
    assert isinstance(layer, ResidualNode)
    assert isinstance(layer.stride, Literal)
    text: dict[str, Any] = {"residual": layers_text(layer.body), "stride": layer.stride.value}
    return text if layer.project else {**text, "project": False}


def _is(layer: Layer, op: str) -> bool:
    return isinstance(layer, OpNode) and layer.op == op


def _is_random(layer: Layer) -> bool:
    return isinstance(layer, OpNode) and layer.op.startswith("random_")


# ---- the weights ----

Picked = tuple[list[float] | None, list[float] | None, dict[str, "np.ndarray"]]


def _pytorch_weights(
    tensors: Mapping[str, np.ndarray], standard: Sequence[int], kept: Sequence[int]
) -> Picked:
    """Each layer of the frozen text is one of the model's `layers`."""
    places = {old: new for new, old in enumerate(kept)}
    body = {}
    for name, array in tensors.items():
        found = _NUMBER.fullmatch(name)
        if found is not None and int(found[1]) in places:
            body[f"{places[int(found[1])]}.{found[2]}"] = array
    mean, deviation = (
        [tensors[f"layers.{standard[0]}.{part}"].tolist() for part in ("mean", "deviation")]
        if standard
        else (None, None)
    )
    return mean, deviation, body


def _keras_weights(
    tensors: Mapping[str, np.ndarray], standard: Sequence[int], kept: Sequence[int]
) -> Picked:
    """Keras numbers layers as data passes through them; of those with weights, all come along."""
    mean = deviation = None
    body: dict[str, np.ndarray] = {}
    places: dict[str, int] = {}
    for name in sorted(tensors):
        number, kind, weight = name.split(".", 2)
        if kind == "Standardize":
            values = tensors[name].tolist()
            mean, deviation = (values, deviation) if weight == "mean" else (mean, values)
        elif not kind.startswith("Random"):
            body[f"{places.setdefault(number, len(places)):03d}.{kind}.{weight}"] = tensors[name]
    return mean, deviation, body


def _first(body: Mapping[str, np.ndarray], size: int) -> tuple[dict[str, np.ndarray], int]:
    """The first layers that hold `size` numbers together; the head stands behind them."""
    found, total = {}, 0
    for name in sorted(body):
        if total == size:
            break
        found[name], total = body[name], total + body[name].size
    return found, total
