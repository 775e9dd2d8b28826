"""Operations at the input: standardizing, embedding of categories, augmentation."""

from automlc.compiler.ops.base import (
    Arg,
    Args,
    Cost,
    Image,
    Op,
    Shape,
    Table,
    Value,
    Vector,
    add,
    smaller,
)


def _channels(shape: Shape) -> Value:
    if isinstance(shape, Table):
        return shape.numeric
    return shape.channels if isinstance(shape, Image) else shape.features  # type: ignore[union-attr]  # ranks exclude texts


def embedding_size(cardinality: int, limit: Value) -> Value:
    """Width of one category's embedding: half of its values, at most `limit`.

    `limit` may be symbolic or code, so the smaller of the two is found by the value's own rule.
    """
    half = (cardinality + 2) // 2
    return smaller(half, limit)


def _embedded(shape: Table, args: Args) -> Vector:
    width: Value = shape.numeric
    for cardinality in shape.cardinalities:
        width = width + embedding_size(cardinality, args["limit"])
    return Vector(width)


def _embedding_cost(shape: Table, _: Vector, args: Args) -> Cost:
    params: Value = 0
    for cardinality in shape.cardinalities:
        params = params + embedding_size(cardinality, args["limit"]) * (cardinality + 1)
    return Cost(params=params)


add(
    Op(
        "standardize",
        "Subtract the mean and divide by the deviation of each channel or number column, "
        "measured on the training part.",
        ranks=("image", "vector", "table"),
        cost=lambda before, after, args: Cost(buffers=_channels(before) * 2),
    )
)
add(
    Op(
        "embed_categories",
        "Replace each category by a learned vector of half its number of values, at most `limit`, "
        "and append the number columns as they are.",
        ranks=("table",),
        args={"limit": Arg("int", 16, low=1, high=4096)},
        shape=_embedded,
        cost=_embedding_cost,
        output_rank="vector",
    )
)
add(
    Op(
        "random_flip",
        "Mirror each image at random while training.",
        ranks=("image",),
        args={"horizontal": Arg("bool", True), "vertical": Arg("bool", False)},
    )
)
add(
    Op(
        "random_shift",
        "Move each image by up to `pixels` in both directions while training (zeros come in).",
        ranks=("image",),
        args={"pixels": Arg("int", 2, low=1, high=64)},
    )
)
add(
    Op(
        "random_erase",
        "Blank a random square of `share` of each side of the image while training (cutout).",
        ranks=("image",),
        args={"share": Arg("float", 0.25, low=0.0, high=1.0)},
    )
)
_FACTOR = Arg("float", 0.1, low=0.0, high=1.0)

for _name, _doc in (
    (
        "random_translate",
        "Move each image by up to `factor` of its height and of its width while training.",
    ),
    ("random_rotate", "Turn each image by up to `factor` of a full turn while training."),
    (
        "random_zoom",
        "Scale height and width of each image, each by itself, by up to `factor` while training.",
    ),
):
    add(
        Op(
            _name,
            f"{_doc} Pixels between pixels are bilinear, and borders are mirrored.",
            ranks=("image",),
            args={"factor": _FACTOR},
        )
    )
add(
    Op(
        "random_contrast",
        "Scale each channel's distance from its mean by 1 - `factor` to 1 + `factor`, one number "
        "for each image, while training.",
        ranks=("image",),
        args={"factor": _FACTOR},
    )
)


def _resized(shape: Image, args: Args) -> Image:
    return Image(shape.channels, *(at_least(args["least"], s) for s in (shape.height, shape.width)))


def at_least(least: Value, size: Value) -> Value:
    """max() of values of any kind, of which at most one is not a number."""
    if isinstance(least, int) and isinstance(size, int):
        return max(least, size)
    known, value = (least, size) if isinstance(least, int) else (size, least)
    return known + value - smaller(known, value)


add(
    Op(
        "resize",
        "Scale the image so that each side has at least `least` pixels, bilinear.",
        ranks=("image",),
        args={"least": Arg("int", 224, low=1, high=2048)},
        shape=_resized,
    )
)
