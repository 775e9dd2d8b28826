"""Operations over texts: token ids, sequences of feature vectors, and the ways to one vector.

Texts end in padding (id 0). Every operation that looks at more than one place leaves padding out,
so that appended padding changes no result; only `flatten` lays it out, as zeros.
"""

from automlc.compiler.ops.base import (
    Arg,
    Args,
    Cost,
    Op,
    Sequence,
    Tokens,
    Value,
    Vector,
    add,
    ceil_div,
    smaller,
)

_SIZE = Arg("int", 2, low=2, high=3)
_FILTERS = Arg("int", low=1, high=65536)
_KERNEL = Arg("int", 3, low=1, high=31, odd=True)
_BIAS = Arg("bool", True)
_RATE = Arg("float", 0.0, low=0.0, high=0.95)


def _cropped(shape: Tokens, args: Args) -> Tokens:
    return Tokens(
        smaller(shape.length, args["length"]), smaller(shape.vocabulary, args["vocabulary"])
    )


def _filtered(shape: Sequence, args: Args) -> Sequence:
    return Sequence(shape.length, args["filters"])


def _conv_cost(before: Sequence, after: Sequence, args: Args) -> Cost:
    weights = args["kernel"] * before.features * after.features
    return Cost(params=weights + args["bias"] * after.features, macs=weights * after.length)


def _separable_cost(before: Sequence, after: Sequence, args: Args) -> Cost:
    weights = args["kernel"] * before.features + before.features * after.features
    return Cost(params=weights + args["bias"] * after.features, macs=weights * after.length)


def attention_width(features: Value, heads: Value) -> Value:
    """Width of queries, keys and values: the next multiple of the number of heads."""
    return ceil_div(features, heads) * heads


def _encoder_cost(before: Sequence, _: Sequence, args: Args) -> Cost:
    features, length, hidden = before.features, before.length, args["hidden"]
    inner = attention_width(features, args["heads"])
    weights = features * inner * 4 + features * hidden * 2
    biases = inner * 3 + features + hidden + features
    return Cost(
        params=weights + biases + features * 4,
        macs=weights * length + length * length * inner * 2,
    )


def _depthwise_output(before: Sequence, after: Sequence, _: Args) -> Value:
    return before.features * after.length


def _within_encoder(before: Sequence, _: Sequence, args: Args) -> Value:
    """Two norms, what attention adds, its sum and what the dense layers add; queries, keys, values
    and what they give; scores and their softmax for each head; the hidden layer before and after
    its activation and dropout."""
    inner = attention_width(before.features, args["heads"])
    a_place = before.features * 5 + inner * 4 + args["hidden"] * 3
    return before.length * a_place + before.length * before.length * args["heads"] * 2


add(
    Op(
        "crop_tokens",
        "Keep the first `length` tokens, and of the vocabulary the `vocabulary` most frequent "
        "ones; others become the unknown token. Neither grows beyond what the data has.",
        ranks=("tokens",),
        args={
            "length": Arg("int", low=1, high=1_000_000),
            "vocabulary": Arg("int", low=3, high=1_000_000),
        },
        shape=_cropped,
    )
)
add(
    Op(
        "embedding",
        "Replace each token by a learned vector.",
        ranks=("tokens",),
        args={"features": Arg("int", low=1, high=65536)},
        shape=lambda shape, args: Sequence(shape.length, args["features"]),
        cost=lambda before, after, args: Cost(params=before.vocabulary * after.features),
        output_rank="sequence",
    )
)
add(
    Op(
        "bag_of_tokens",
        "Count each token, weigh it by how rare it is in the texts of the training part (tf-idf), "
        "and bring the counts of a text to unit length. With ngrams 2 pairs of neighbours are "
        "counted as well, in as many hashed buckets as there are tokens.",
        ranks=("tokens",),
        args={"ngrams": Arg("int", 1, low=1, high=2)},
        shape=lambda shape, args: Vector(shape.vocabulary * args["ngrams"]),
        cost=lambda before, after, args: Cost(buffers=after.features),
        output_rank="vector",
    )
)
add(
    Op(
        "position_embedding",
        "Add a learned vector to each place.",
        ranks=("sequence",),
        cost=lambda before, after, args: Cost(params=before.length * before.features),
    )
)
add(
    Op(
        "conv1d",
        "A convolution over neighbouring places.",
        ranks=("sequence",),
        args={"filters": _FILTERS, "kernel": _KERNEL, "bias": _BIAS},
        shape=_filtered,
        cost=_conv_cost,
    )
)
add(
    Op(
        "separable_conv1d",
        "A convolution of each feature by itself, followed by one of width 1.",
        ranks=("sequence",),
        args={"filters": _FILTERS, "kernel": _KERNEL, "bias": _BIAS},
        shape=_filtered,
        cost=_separable_cost,
        inside=_depthwise_output,
    )
)
add(
    Op(
        "max_pool1d",
        "Halve the length (rounded up): the largest value of each `size` neighbouring places.",
        ranks=("sequence",),
        args={"size": _SIZE},
        shape=lambda shape, args: Sequence(ceil_div(shape.length, 2), shape.features),
    )
)
add(
    Op(
        "transformer_encoder",
        "Self-attention of `heads` heads and two dense layers of `hidden` units, each added to its "
        "input after layer normalization (Xiong et al. 2020, arXiv:2002.04745, pre-norm).",
        ranks=("sequence",),
        args={
            "heads": Arg("int", 4, low=1, high=256),
            "hidden": Arg("int", low=1, high=65536),
            "dropout": _RATE,
        },
        cost=_encoder_cost,
        inside=_within_encoder,
    )
)
for _name, _what in (("global_avg_pool1d", "mean"), ("global_max_pool1d", "largest value")):
    add(
        Op(
            _name,
            f"Reduce each feature to its {_what} over the text.",
            ranks=("sequence",),
            shape=lambda shape, _: Vector(shape.features),
            output_rank="vector",
        )
    )
