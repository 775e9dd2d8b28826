"""Dense layers, and the head that gives the task its outputs."""

from automlc.compiler.ops.base import Arg, Args, Cost, Op, Vector, add


def _dense_cost(before: Vector, after: Vector, args: Args) -> Cost:
    weights = before.features * after.features
    return Cost(params=weights + args["bias"] * after.features, macs=weights)


add(
    Op(
        "dense",
        "A fully connected layer.",
        ranks=("vector",),
        args={"units": Arg("int", low=1, high=1_000_000), "bias": Arg("bool", True)},
        shape=lambda shape, args: Vector(args["units"]),
        cost=_dense_cost,
    )
)
add(
    Op(
        "rescale_output",
        "Bring the output of a regression back to the target's units (mean and deviation of the "
        "training part).",
        ranks=("vector",),
        cost=lambda before, after, args: Cost(buffers=before.features * 2),
    )
)
