"""How each operation is written in PyTorch: the one table a backend adds to compiler/ops.

A rule sees the shapes before and after and the arguments (constants or code) and gives the call
that makes the layer, or None where nothing is to be done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from automlc.backends.code import Code, binary, known, select, text
from automlc.backends.rules import rule_of
from automlc.backends.source import CallText, Source
from automlc.compiler.ops import Image, Sequence, Shape, Table, Tokens, Vector

Rule = Callable[[Any, Any, Mapping[str, Any]], CallText | None]

ACTIVATION_CLASSES = {
    "relu": "ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "elu": "ELU",
    "selu": "SELU",
    "leaky_relu": "LeakyReLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}

# The pieces of ops.py, in the order in which they stand there.
HELPERS = (
    "ACTIVATIONS",
    "Steps",
    "EmbedTokens",
    "AddPositions",
    "BagOfTokens",
    "CropTokens",
    "Backbone",
    "EmbedCategories",
    "GlobalAvgPool2d",
    "GlobalMaxPool2d",
    "HubBackbone",
    "RandomContrast",
    "RandomErase",
    "RandomFlip",
    "RandomRotate",
    "RandomShift",
    "RandomTranslate",
    "RandomZoom",
    "RescaleOutput",
    "Residual",
    "Resize",
    "SeparableConv2d",
    "SeparableTextConv",
    "SqueezeExcite",
    "Standardize",
    "TextBatchNorm",
    "TextConv",
    "TextFlatten",
    "TextMax",
    "TextMaxPool",
    "TextMean",
    "TransformerEncoder",
    "image_shortcut",
    "pretrained_file",
    "vector_shortcut",
    "warp",
)


# What a piece of ops.py itself reads of others.
NEEDS: dict[str, tuple[str, ...]] = {
    "AddPositions": ("EmbedTokens",),
    "Backbone": ("pretrained_file",),
    "HubBackbone": ("Backbone", "pretrained_file"),
    **dict.fromkeys(("RandomRotate", "RandomTranslate", "RandomZoom"), ("warp",)),
}


def _stride(value: Any) -> dict[str, Any]:
    return {} if known(value) and value == 1 else {"stride": value}


def _bias(value: Any) -> dict[str, Any]:
    return {} if known(value) and value else {"bias": value}


def _padding(kernel: Any) -> dict[str, Any]:
    padding = binary("//", kernel, 2)
    return {} if known(padding) and padding == 0 else {"padding": padding}


def _conv(before: Image, after: Image, args: Mapping[str, Any]) -> CallText:
    kernel = args["kernel"]
    return CallText(
        "nn.Conv2d",
        before.channels,
        after.channels,
        kernel_size=kernel,
        **_stride(args["stride"]),
        **_padding(kernel),
        **_bias(args["bias"]),
    )


def _depthwise(before: Image, after: Image, args: Mapping[str, Any]) -> CallText:
    kernel = args["kernel"]
    return CallText(
        "nn.Conv2d",
        before.channels,
        before.channels,
        kernel_size=kernel,
        **_stride(args["stride"]),
        **_padding(kernel),
        groups=before.channels,
        **_bias(args["bias"]),
    )


def _separable(before: Image, after: Image, args: Mapping[str, Any]) -> CallText:
    return CallText(
        "SeparableConv2d",
        before.channels,
        after.channels,
        kernel=args["kernel"],
        **_stride(args["stride"]),
        **_bias(args["bias"]),
    )


def _pool(name: str) -> Rule:
    def rule(before: Image, after: Image, args: Mapping[str, Any]) -> CallText:
        size = args["size"]
        odd = binary("==", binary("%", size, 2), 1)
        extra: dict[str, Any] = {}
        padding = select(odd, 1, 0)
        if not known(padding) or padding:
            extra["padding"] = padding
        if not known(odd) or not odd:
            extra["ceil_mode"] = odd if known(odd) and odd else _not(odd)
        if name == "AvgPool2d" and "padding" in extra:
            extra["count_include_pad"] = False
        return CallText(f"nn.{name}", size, stride=2, **extra)

    return rule


def _not(value: Any) -> Any:
    return not value if known(value) else Code(f"not ({value.text})", 3)


def _norm(before: Shape, after: Shape, args: Mapping[str, Any]) -> CallText:
    if isinstance(before, Image):
        return CallText("nn.BatchNorm2d", before.channels)
    if isinstance(before, Sequence):
        return CallText("TextBatchNorm", before.features)
    assert isinstance(before, Vector)
    return CallText("nn.BatchNorm1d", before.features)


def _activation(before: Shape, after: Shape, args: Mapping[str, Any]) -> CallText:
    kind = args["kind"]
    if known(kind):
        return CallText(f"nn.{ACTIVATION_CLASSES[kind]}")
    return CallText(f"ACTIVATIONS[{text(kind)}]")


def _channels(shape: Shape) -> Any:
    if isinstance(shape, Table):
        return shape.numeric
    assert isinstance(shape, Image | Vector), "the compiler's checks refuse other ranks"
    return shape.channels if isinstance(shape, Image) else shape.features


def _embed(before: Table, after: Vector, args: Mapping[str, Any]) -> CallText | None:
    if not before.cardinalities:
        return None
    sizes = Source(f"[{', '.join(str(c) for c in before.cardinalities)}]")
    return CallText("EmbedCategories", before.numeric, sizes, limit=args["limit"])


def _flatten(before: Shape, after: Shape, args: Mapping[str, Any]) -> CallText:
    return CallText("TextFlatten" if isinstance(before, Sequence) else "nn.Flatten")


def _text_conv(name: str) -> Rule:
    return lambda before, after, args: CallText(
        name, before.features, after.features, kernel=args["kernel"], **_bias(args["bias"])
    )


def _bag(before: Tokens, after: Vector, args: Mapping[str, Any]) -> CallText:
    return CallText("BagOfTokens", before.length, before.vocabulary, ngrams=args["ngrams"])


def _encoder(before: Sequence, after: Sequence, args: Mapping[str, Any]) -> CallText:
    words = {name: args[name] for name in ("heads", "hidden", "dropout")}
    return CallText("TransformerEncoder", before.features, **words)


LAYERS: dict[str, Rule] = {
    "standardize": lambda b, a, args: CallText("Standardize", _channels(b)),
    "embed_categories": _embed,
    "random_flip": lambda b, a, args: CallText(
        "RandomFlip", horizontal=args["horizontal"], vertical=args["vertical"]
    ),
    "random_shift": lambda b, a, args: CallText("RandomShift", args["pixels"]),
    "random_erase": lambda b, a, args: CallText("RandomErase", args["share"]),
    "random_translate": lambda b, a, args: CallText("RandomTranslate", args["factor"]),
    "random_rotate": lambda b, a, args: CallText("RandomRotate", args["factor"]),
    "random_zoom": lambda b, a, args: CallText("RandomZoom", args["factor"]),
    "random_contrast": lambda b, a, args: CallText("RandomContrast", args["factor"]),
    "resize": lambda b, a, args: CallText("Resize", args["least"]),
    "conv2d": _conv,
    "depthwise_conv2d": _depthwise,
    "separable_conv2d": _separable,
    "squeeze_excite": lambda b, a, args: CallText("SqueezeExcite", b.channels, ratio=args["ratio"]),
    "max_pool2d": _pool("MaxPool2d"),
    "avg_pool2d": _pool("AvgPool2d"),
    "global_avg_pool2d": lambda b, a, args: CallText("GlobalAvgPool2d"),
    "global_max_pool2d": lambda b, a, args: CallText("GlobalMaxPool2d"),
    "flatten": _flatten,
    "dense": lambda b, a, args: CallText(
        "nn.Linear", b.features, a.features, **_bias(args["bias"])
    ),
    "rescale_output": lambda b, a, args: CallText("RescaleOutput", b.features),
    "batch_norm": _norm,
    "layer_norm": lambda b, a, args: CallText("nn.LayerNorm", b.features),
    "activation": _activation,
    "dropout": lambda b, a, args: CallText("nn.Dropout", args["rate"]),
    "spatial_dropout": lambda b, a, args: CallText("nn.Dropout2d", args["rate"]),
    "crop_tokens": lambda b, a, args: CallText("CropTokens", a.length, a.vocabulary),
    "embedding": lambda b, a, args: CallText("EmbedTokens", b.vocabulary, a.features),
    "bag_of_tokens": _bag,
    "position_embedding": lambda b, a, args: CallText("AddPositions", b.length, b.features),
    "conv1d": _text_conv("TextConv"),
    "separable_conv1d": _text_conv("SeparableTextConv"),
    "max_pool1d": lambda b, a, args: CallText("TextMaxPool", args["size"]),
    "transformer_encoder": _encoder,
    "global_avg_pool1d": lambda b, a, args: CallText("TextMean"),
    "global_max_pool1d": lambda b, a, args: CallText("TextMax"),
}


def layer_call(op: str, before: Shape, after: Shape, args: Mapping[str, Any]) -> CallText | None:
    """The call that makes an operation's layer; AutomlcError where no rule writes it."""
    return rule_of(LAYERS, op, "pytorch")(before, after, args)
