"""Pooling and the ways from feature maps to a vector."""

from automlc.compiler.ops.base import Arg, Args, Image, Op, Vector, add, ceil_div

_SIZE = Arg("int", 2, low=2, high=3)


def _halved(shape: Image, _: Args) -> Image:
    return Image(shape.channels, ceil_div(shape.height, 2), ceil_div(shape.width, 2))


for _name, _what in (("max_pool2d", "largest value"), ("avg_pool2d", "mean")):
    add(
        Op(
            _name,
            f"Halve height and width (rounded up): the {_what} of each `size` x `size` window.",
            ranks=("image",),
            args={"size": _SIZE},
            shape=_halved,
        )
    )
for _name, _what in (("global_avg_pool2d", "mean"), ("global_max_pool2d", "largest value")):
    add(
        Op(
            _name,
            f"Reduce each channel to its {_what}.",
            ranks=("image",),
            shape=lambda shape, _: Vector(shape.channels),
            output_rank="vector",
        )
    )
add(
    Op(
        "flatten",
        "Lay all channels and positions out as one vector.",
        ranks=("image", "vector", "sequence"),
        shape=lambda shape, _: Vector(shape.size()),
        output_rank="vector",
    )
)
