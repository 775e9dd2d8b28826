"""Normalization, activation and dropout."""

from automlc.compiler.ops.base import Arg, Args, Cost, Image, Op, Sequence, Shape, Vector, add

ACTIVATIONS = ("relu", "gelu", "silu", "elu", "selu", "leaky_relu", "tanh", "sigmoid")


def _norm_cost(before: Shape, _: Shape, args: Args) -> Cost:
    channels = before.channels if isinstance(before, Image) else before.features  # type: ignore[union-attr]  # ranks exclude tables and tokens
    return Cost(params=channels * 2, buffers=channels * 2)


def _layer_norm_cost(before: Vector | Sequence, _: Shape, args: Args) -> Cost:
    return Cost(params=before.features * 2)


_RATE = Arg("float", 0.5, low=0.0, high=0.95)

add(
    Op(
        "batch_norm",
        "Batch normalization (epsilon 1e-5, momentum 0.1 in PyTorch's sense).",
        ranks=("image", "vector", "sequence"),
        cost=_norm_cost,
    )
)
add(
    Op(
        "layer_norm",
        "Layer normalization (epsilon 1e-5).",
        ranks=("vector", "sequence"),
        cost=_layer_norm_cost,
    )
)
add(
    Op(
        "activation",
        "An element-wise activation function.",
        ranks=("image", "vector", "sequence"),
        args={"kind": Arg("word", "relu", words=ACTIVATIONS)},
    )
)
add(
    Op(
        "dropout",
        "Zero each number with probability `rate` while training.",
        ranks=("image", "vector", "sequence"),
        args={"rate": _RATE},
    )
)
add(
    Op(
        "spatial_dropout",
        "Zero whole channels with probability `rate` while training.",
        ranks=("image",),
        args={"rate": _RATE},
    )
)
