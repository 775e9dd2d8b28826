"""The pace of a device: how long an epoch of any configuration takes, from what was measured.

An epoch is a sum of kinds of work, each with a price in seconds. Prices are never negative, so
more work never looks faster; they have the smallest squared relative errors, so a small network
counts as much as a large one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, combinations
from typing import Any

from automlc.runtime.plan import Rows
from automlc.spec.record import record

# What an epoch consists of. The order decides where measurements do not: one network alone could
# be slow for any reason, and multiplications are the reason that overrates larger ones most.
WORK = {
    "mac": "multiply-accumulates of all rows, three times those of rows that are learned from",
    "byte": "bytes of activations of all rows, counted in the same way",
    "parameter": "parameters that the optimizer changes, in all steps",
    "step": "steps of the optimizer",
    "epoch": "what every epoch costs",
}
# Forward once, backward twice.
_TRAINING = 3
# Squared relative errors below this are no reason for another kind of work.
_NOISE = 1e-12

Work = tuple[float, ...]


@record
class Measured:
    """How many seconds an epoch of that work took."""

    work: Work
    seconds: float


@record
class Pace:
    """Seconds of each unit of WORK, in its order, and of the start of a trial (`build`).

    `caution`: 1 plus the largest relative error on what was measured, of which there are `points`.
    """

    prices: Work
    build: float
    caution: float
    points: int

    def epoch(self, work: Work) -> float:
        """Seconds that an epoch of that work should take."""
        return sum(price * amount for price, amount in zip(self.prices, work, strict=True))

    def trial(self, work: Work, epochs: int) -> float:
        """Seconds that a trial of so many epochs should take."""
        return self.build + epochs * self.epoch(work)

    def to_json(self) -> dict[str, Any]:
        """`{"coefficients": {kind of work: seconds}, "build", "caution", "points"}`."""
        prices = dict(zip(WORK, self.prices, strict=True))
        return {"coefficients": prices} | {
            key: getattr(self, key) for key in ("build", "caution", "points")
        }


def work_of(config: Mapping[str, Any], costs: Mapping[str, Any], rows: Rows) -> Work:
    """The work of an epoch of a configuration, from its costs; one that is not counted is 0.

    A space without a batch size has one for all configurations: its steps are then a constant.
    """
    steps = -(-rows.train // int(config.get("batch_size", rows.train)))
    passes = _TRAINING * rows.train + rows.validation
    macs, memory, params = (
        float(costs.get(name) or 0)
        for name in ("model.macs", "model.activation_memory", "model.params")
    )
    return (passes * macs, passes * memory, steps * params, float(steps), 1.0)


def fit(points: Sequence[Measured], build: float) -> Pace | None:
    """The pace that explains the points best; None where nothing was measured.

    Non-negative least squares of relative errors, exact: of so few kinds of work every subset is
    solved, and the best solution without a negative price is taken; of equal ones the simplest.
    """
    if not points:
        return None
    import numpy as np

    seconds = np.array([point.seconds for point in points])
    shares = np.array([point.work for point in points]) / seconds[:, None]
    norms = np.linalg.norm(shares, axis=0)
    columns = [index for index, norm in enumerate(norms) if norm > 0]
    norms[norms == 0] = 1.0
    # The triangle of the factorization has the same solutions as all rows, however many.
    rows = np.column_stack([shares / norms, np.ones(len(points))])
    triangle: Any = np.linalg.qr(rows, mode="r")
    prices, best = np.zeros(len(WORK)), np.inf
    for subset in _subsets(columns):
        left, right = triangle[:, subset], triangle[:, -1]
        solution, _, rank, _ = np.linalg.lstsq(left, right, rcond=None)
        if rank < len(subset) or (solution < 0).any():
            continue
        error = float(((left @ solution - right) ** 2).sum())
        if error < best - _NOISE:
            prices, best = np.zeros(len(WORK)), error
            prices[list(subset)] = solution
    found = tuple(float(price) for price in prices / norms)
    errors = abs(shares @ np.array(found) - 1)
    return Pace(found, build, 1 + float(errors.max()), len(points))


def _subsets(columns: Sequence[int]) -> chain[tuple[int, ...]]:
    """All subsets that are not empty, the small ones first."""
    sizes = range(1, len(columns) + 1)
    return chain.from_iterable(combinations(columns, size) for size in sizes)
