"""What a block is: shapes and costs of each operation, for every backend."""

from automlc.compiler.ops import conv, dense, inputs, normalize, pool, text
from automlc.compiler.ops.base import (
    OPS,
    Arg,
    Cost,
    Image,
    Op,
    Sequence,
    Shape,
    Table,
    Tokens,
    Vector,
)

__all__ = [
    "OPS",
    "Arg",
    "Cost",
    "Image",
    "Op",
    "Sequence",
    "Shape",
    "Table",
    "Tokens",
    "Vector",
    "conv",
    "dense",
    "inputs",
    "normalize",
    "pool",
    "text",
]
