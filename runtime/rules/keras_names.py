"""What AutoKeras and Keras Tuner call our parameters and their values.

A name of AutoKeras is a path of blocks, `image_block_1/conv_block_1/kernel_size`; what it is about
is its last part. Where several blocks have the same, `object/block` says whose is meant.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import TypeAlias

from automlc.spec.expressions import Scalar, same

Meaning: TypeAlias = tuple[str, Mapping[Scalar, Scalar]]

# Object -> our parameter, and the values that are called otherwise; others keep their name.
TABLE: Mapping[str, Meaning] = {
    "block_type": ("block", {"efficient": "efficientnet"}),
    "imagenet_size": ("image_size", {True: "imagenet", False: "input"}),
    "version/resnet": ("resnet_version", {}),
    "version/efficient": (
        "efficientnet_version",
        {f"b{size}": f"efficientnet_b{size}" for size in range(8)},
    ),
    "augment": ("augment", {True: "factors", False: "none"}),
    "translation_factor": ("translation", {}),
    "rotation_factor": ("rotation", {}),
    "zoom_factor": ("zoom", {}),
    "contrast_factor": ("contrast", {}),
    "output_sequence_length": ("sequence_length", {}),
    "embedding_dim": ("embedding", {}),
    "kernel_size": ("kernel", {}),
    "max_pooling": ("pooling", {True: "max", False: "none"}),
    "num_blocks": ("depth", {}),
    "num_layers/conv": ("layers", {}),
    "num_layers/dense": ("dense_layers", {}),
    "use_batchnorm/dense": ("dense_norm", {True: "batch", False: "none"}),
    "use_batchnorm": ("norm", {True: "batch", False: "none"}),
    "reduction_type": ("reduction", {}),
    "optimizer": ("optimizer", {"adam_weight_decay": "adamw"}),
    "learning_rate": ("lr", {}),
    "end_learning_rate": ("end_lr", {}),
    "weight_decay_rate": ("weight_decay", {}),
}
# Where a space does not have that parameter: the one of a simpler model that comes closest.
SIMPLER: Mapping[str, str] = {
    "filters_0_0": "width",
    "units_0": "width",
    "num_layers/dense": "depth",
    "use_batchnorm/dense": "norm",
}
_NUMBERED = re.compile(r"(_block)?(_\d+)?$")


def translate(name: str, value: Scalar, space: Container[str]) -> tuple[str, Scalar] | None:
    """Our parameter and value of a foreign name and its value; None where it means none of ours.

    A name that is one of the space's own is taken as it is.

    >>> translate("image_block_1/block_type", "efficient", {"block"})
    ('block', 'efficientnet')
    >>> translate("dense_block_1/num_layers", 2, {"layers", "depth"})
    ('depth', 2)
    """
    if name in space:
        return name, value
    for key in _keys(name):
        parameter, values = TABLE.get(key, (key, {}))
        found = parameter if parameter in space else SIMPLER.get(key)
        if found is not None and found in space:
            return found, next((ours for word, ours in values.items() if same(word, value)), value)
    return None


def _keys(name: str) -> list[str]:
    """`object/block` as far as the table knows the block, then `object`."""
    *path, last = name.split("/")
    block = _NUMBERED.sub("", path[-1]).replace("_", "") if path else ""
    qualified = [
        key
        for key in (*TABLE, *SIMPLER)
        if (parts := key.split("/"))[0] == last and len(parts) == 2 and block.startswith(parts[1])
    ]
    return [*qualified, last]
