"""What a block is: shapes and costs of each operation, for every backend."""

from automlc.compiler.ops import conv, dense, inputs, normalize, pool
from automlc.compiler.ops.base import OPS, Arg, Cost, Image, Op, Shape, Table, Vector

__all__ = [
    "OPS",
    "Arg",
    "Cost",
    "Image",
    "Op",
    "Shape",
    "Table",
    "Vector",
    "conv",
    "dense",
    "inputs",
    "normalize",
    "pool",
]
