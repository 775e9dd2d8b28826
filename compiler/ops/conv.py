"""Convolutions. Padding is symmetric, kernel // 2 on each side, so that a stride divides sizes."""

from automlc.compiler.ops.base import Arg, Args, Cost, Image, Op, Value, add, ceil_div

_KERNEL = Arg("int", 3, low=1, high=31, odd=True)
_STRIDE = Arg("int", 1, low=1, high=8)
_FILTERS = Arg("int", low=1, high=65536)
_BIAS = Arg("bool", True)


def _strided(shape: Image, args: Args) -> Image:
    stride = args["stride"]
    channels = args.get("filters", shape.channels)
    return Image(channels, ceil_div(shape.height, stride), ceil_div(shape.width, stride))


def _conv_cost(before: Image, after: Image, args: Args) -> Cost:
    weights = args["kernel"] * args["kernel"] * before.channels * after.channels
    return Cost(
        params=weights + args["bias"] * after.channels, macs=weights * after.height * after.width
    )


def _depthwise_cost(before: Image, after: Image, args: Args) -> Cost:
    weights = args["kernel"] * args["kernel"] * before.channels
    return Cost(
        params=weights + args["bias"] * after.channels, macs=weights * after.height * after.width
    )


def _separable_cost(before: Image, after: Image, args: Args) -> Cost:
    weights = args["kernel"] * args["kernel"] * before.channels + before.channels * after.channels
    return Cost(
        params=weights + args["bias"] * after.channels, macs=weights * after.height * after.width
    )


def _squeeze_cost(before: Image, after: Image, args: Args) -> Cost:
    hidden = ceil_div(before.channels, args["ratio"])
    weights = before.channels * hidden * 2
    return Cost(params=weights + hidden + before.channels, macs=weights)


def _depthwise_output(before: Image, after: Image, _: Args) -> Value:
    return before.channels * after.height * after.width


def _squeezed(before: Image, _: Image, args: Args) -> Value:
    return before.channels * 2 + ceil_div(before.channels, args["ratio"])


add(
    Op(
        "conv2d",
        "A convolution.",
        ranks=("image",),
        args={"filters": _FILTERS, "kernel": _KERNEL, "stride": _STRIDE, "bias": _BIAS},
        shape=_strided,
        cost=_conv_cost,
    )
)
add(
    Op(
        "depthwise_conv2d",
        "A convolution of each channel by itself.",
        ranks=("image",),
        args={"kernel": _KERNEL, "stride": _STRIDE, "bias": _BIAS},
        shape=_strided,
        cost=_depthwise_cost,
    )
)
add(
    Op(
        "separable_conv2d",
        "A depthwise convolution followed by a 1 x 1 convolution (Xception).",
        ranks=("image",),
        args={"filters": _FILTERS, "kernel": _KERNEL, "stride": _STRIDE, "bias": _BIAS},
        shape=_strided,
        cost=_separable_cost,
        inside=_depthwise_output,
    )
)
add(
    Op(
        "squeeze_excite",
        "Weigh channels by a small network of their means (squeeze-and-excitation, `ratio` to 1).",
        ranks=("image",),
        args={"ratio": Arg("int", 4, low=1, high=64)},
        cost=_squeeze_cost,
        inside=_squeezed,
    )
)
