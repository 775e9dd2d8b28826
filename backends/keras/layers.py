"""How each operation is written in Keras: the one table a backend adds to compiler/ops.

A rule sees the shapes before and after and the arguments (constants or code) and gives the calls
that x passes, one after the other. Where Keras's defaults differ from PyTorch's, the calls say what
PyTorch does, so that one spec means one model (docs/backends.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from automlc.backends.code import binary, known
from automlc.backends.rules import rule_of
from automlc.backends.source import CallText, Source
from automlc.compiler.ops import Image, Sequence, Shape, Table, Vector

Rule = Callable[[Any, Any, Mapping[str, Any]], list[CallText]]

X = Source("x")
MASK = Source("mask")  # which places of a text hold a token

# The pieces of ops.py, in the order in which they stand there.
HELPERS = (
    "BagOfTokens",
    "RandomContrast",
    "RandomErase",
    "RandomFlip",
    "RandomRotate",
    "RandomShift",
    "RandomTranslate",
    "RandomZoom",
    "RescaleOutput",
    "Standardize",
    "activation",
    "add_positions",
    "application",
    "avg_pool2d",
    "backbone",
    "backbone_layers",
    "convolve",
    "crop_tokens",
    "embed_categories",
    "embed_tokens",
    "hide",
    "initialize",
    "load_backbone",
    "max_pool2d",
    "pretrained_file",
    "residual",
    "resize",
    "squeeze_excite",
    "text_batch_norm",
    "text_max",
    "text_max_pool",
    "text_mean",
    "transformer_encoder",
    "warp",
)

# What a piece of ops.py itself calls.
NEEDS: dict[str, tuple[str, ...]] = {
    "application": ("backbone", "backbone_layers", "pretrained_file"),
    "backbone": ("backbone_layers",),
    "load_backbone": ("pretrained_file",),
    **dict.fromkeys(("text_batch_norm", "text_max", "text_max_pool", "text_mean"), ("hide",)),
    **dict.fromkeys(("RandomRotate", "RandomTranslate", "RandomZoom"), ("warp",)),
}
PAIRS = ("embed_tokens", "text_max_pool")  # these give x and mask


def _bias(value: Any) -> dict[str, Any]:
    return {} if known(value) and value else {"use_bias": value}


def _convolution(name: str, before: Image, after: Image, args: Mapping[str, Any]) -> list[CallText]:
    """A convolution padded by kernel // 2 on each side; "same" says that only without a stride."""
    kernel, stride, bias = args["kernel"], args["stride"], _bias(args["bias"])
    filters = [args["filters"]] if "filters" in args else []
    if known(stride) and stride == 1:
        padding = {} if known(kernel) and kernel == 1 else {"padding": "same"}
        return [CallText(name, *filters, kernel, **padding, **bias)]
    if known(stride) and known(kernel):
        call = CallText(name, *filters, kernel, strides=stride, **bias)
        return [CallText("layers.ZeroPadding2D", kernel // 2), call] if kernel > 1 else [call]
    words = {"kernel_size": kernel, "strides": stride, **bias}
    return [CallText("convolve", X, Source(name), *filters, **words)]


def _convolve(name: str) -> Rule:
    return lambda before, after, args: _convolution(name, before, after, args)


def _pool(helper: str, name: str) -> Rule:
    def rule(before: Image, after: Image, args: Mapping[str, Any]) -> list[CallText]:
        size = args["size"]
        even = binary("==", binary("%", size, 2), 0)
        if known(even) and even:  # only the far side is padded, where it has to be
            return [CallText(f"layers.{name}", size, padding="same")]
        return [CallText(helper, X, size)]

    return rule


def _activation(before: Shape, after: Shape, args: Mapping[str, Any]) -> list[CallText]:
    kind = args["kind"]
    if not known(kind):
        return [CallText("activation", kind)]
    if kind == "leaky_relu":
        return [CallText("layers.LeakyReLU", negative_slope=0.01)]
    return [CallText("layers.Activation", kind)]


def _channels(shape: Shape) -> Any:
    if isinstance(shape, Table):
        return shape.numeric
    assert isinstance(shape, Image | Vector), "the compiler's checks refuse other ranks"
    return shape.channels if isinstance(shape, Image) else shape.features


def _standardize(before: Shape, after: Shape, args: Mapping[str, Any]) -> list[CallText]:
    # Only a table has columns that are left as they are.
    return [CallText("Standardize", *([before.numeric] if isinstance(before, Table) else []))]


def _embed(before: Table, after: Any, args: Mapping[str, Any]) -> list[CallText]:
    if not before.cardinalities:
        return []
    sizes = Source(f"[{', '.join(str(c) for c in before.cardinalities)}]")
    return [CallText("embed_categories", X, before.numeric, sizes, limit=args["limit"])]


def _hidden(*calls: CallText) -> list[CallText]:
    """Layers of Keras that look at more than one place see zeros at padding."""
    return [CallText("hide", X, MASK), *calls]


def _text_conv(name: str) -> Rule:
    def rule(before: Sequence, after: Sequence, args: Mapping[str, Any]) -> list[CallText]:
        bias = _bias(args["bias"])
        return _hidden(CallText(name, args["filters"], args["kernel"], padding="same", **bias))

    return rule


def _flatten(before: Shape, after: Shape, args: Mapping[str, Any]) -> list[CallText]:
    call = CallText("layers.Flatten")
    return _hidden(call) if isinstance(before, Sequence) else [call]


def _over_text(helper: str, *words: str) -> Rule:
    """A helper that takes x and mask and the named arguments of the operation."""

    def rule(before: Any, after: Any, args: Mapping[str, Any]) -> list[CallText]:
        return [CallText(helper, X, MASK, **{word: args[word] for word in words})]

    return rule


def _norm(before: Shape, after: Shape, args: Mapping[str, Any]) -> list[CallText]:
    is_text = isinstance(before, Sequence)
    return [CallText("text_batch_norm", X, MASK) if is_text else batch_norm()]


def _one(function: str, *words: str) -> Rule:
    """A call with the named arguments of the operation."""

    def rule(before: Any, after: Any, args: Mapping[str, Any]) -> list[CallText]:
        return [CallText(function, *(args[word] for word in words))]

    return rule


def batch_norm() -> CallText:
    """PyTorch's epsilon and momentum; Keras counts the momentum from the other end."""
    return CallText("layers.BatchNormalization", momentum=0.9, epsilon=1e-5)


LAYERS: dict[str, Rule] = {
    "standardize": _standardize,
    "embed_categories": _embed,
    "random_flip": lambda b, a, args: [
        CallText("RandomFlip", horizontal=args["horizontal"], vertical=args["vertical"])
    ],
    "random_shift": _one("RandomShift", "pixels"),
    "random_erase": _one("RandomErase", "share"),
    "random_translate": _one("RandomTranslate", "factor"),
    "random_rotate": _one("RandomRotate", "factor"),
    "random_zoom": _one("RandomZoom", "factor"),
    "random_contrast": _one("RandomContrast", "factor"),
    "resize": lambda b, a, args: [CallText("resize", X, args["least"])],
    "conv2d": _convolve("layers.Conv2D"),
    "depthwise_conv2d": _convolve("layers.DepthwiseConv2D"),
    "separable_conv2d": _convolve("layers.SeparableConv2D"),
    "squeeze_excite": lambda b, a, args: [CallText("squeeze_excite", X, ratio=args["ratio"])],
    "max_pool2d": _pool("max_pool2d", "MaxPooling2D"),
    "avg_pool2d": _pool("avg_pool2d", "AveragePooling2D"),
    "global_avg_pool2d": _one("layers.GlobalAveragePooling2D"),
    "global_max_pool2d": _one("layers.GlobalMaxPooling2D"),
    "flatten": _flatten,
    "dense": lambda b, a, args: [CallText("layers.Dense", args["units"], **_bias(args["bias"]))],
    "rescale_output": _one("RescaleOutput"),
    "batch_norm": _norm,
    "layer_norm": lambda b, a, args: [CallText("layers.LayerNormalization", epsilon=1e-5)],
    "activation": _activation,
    "dropout": _one("layers.Dropout", "rate"),
    "spatial_dropout": _one("layers.SpatialDropout2D", "rate"),
    "crop_tokens": lambda b, a, args: [CallText("crop_tokens", X, args["length"], a.vocabulary)],
    "embedding": lambda b, a, args: [CallText("embed_tokens", X, b.vocabulary, args["features"])],
    "bag_of_tokens": lambda b, a, args: [
        CallText("BagOfTokens", b.vocabulary, ngrams=args["ngrams"])
    ],
    "position_embedding": _over_text("add_positions"),
    "conv1d": _text_conv("layers.Conv1D"),
    "separable_conv1d": _text_conv("layers.SeparableConv1D"),
    "max_pool1d": _over_text("text_max_pool", "size"),
    "transformer_encoder": _over_text("transformer_encoder", "heads", "hidden", "dropout"),
    "global_avg_pool1d": _over_text("text_mean"),
    "global_max_pool1d": _over_text("text_max"),
}


def layer_calls(op: str, before: Shape, after: Shape, args: Mapping[str, Any]) -> list[CallText]:
    """The calls of an operation; AutomlcError where no rule writes it."""
    return rule_of(LAYERS, op, "keras")(before, after, args)
