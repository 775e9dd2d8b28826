"""The pace of a device: how long an epoch of any configuration takes, from what was measured.

An epoch is a sum of kinds of work, each with a price in seconds. Prices are never negative, so
more work never looks faster; they have the smallest squared relative errors, so a small network
counts as much as a large one. What few measurements leave open is decided by the usual prices of
processors, brought to the speed of this device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, combinations
from typing import Any

from automlc.runtime.plan import Rows
from automlc.spec.record import record

# What an epoch consists of.
WORK = {
    "mac": "multiply-accumulates of all rows, three times those of rows that are learned from",
    "byte": "bytes of activations of all rows, counted in the same way",
    "parameter": "parameters that the optimizer changes, in all steps",
    "step": "steps of the optimizer",
    "epoch": "what every epoch costs",
}
# Forward once, backward twice.
_TRAINING = 3
# Seconds of each kind on one core of a common processor; only their proportions matter. One network
# alone could be slow for any reason, and a fit that blamed one kind would be far off for others.
USUAL = (1e-10, 3e-10, 1e-9, 5e-3, 5e-2)
# What all of the prices being wrong counts for, as an error in one measurement: epochs of the same
# work differ by about that much.
DOUBT = 0.1

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

    Non-negative ridge regression of relative errors, exact: of so few kinds of work every subset is
    solved, and the best solution without a negative price is taken. What is drawn to is the usual
    price times the speed of the device, at most `ceiling`: what the kind would cost if a
    measurement consisted of nothing else. The pull is as a share of that, so it stays below DOUBT
    however unusual the device is.
    """
    if not points:
        return None
    import numpy as np

    seconds = np.array([point.seconds for point in points])
    shares = np.array([point.work for point in points]) / seconds[:, None]
    expected = shares @ np.array(USUAL)
    usual = np.array(USUAL) * float(expected.sum() / (expected**2).sum())
    most = shares.max(axis=0)
    ceiling = np.divide(1.0, most, out=usual.copy(), where=most > 0)
    # In shares of the ceilings.
    rows = np.vstack([shares * ceiling, np.eye(len(WORK)) * DOUBT])
    drawn = np.minimum(usual / ceiling, 1.0)
    wanted = np.concatenate([np.ones(len(points)), DOUBT * drawn])
    # The triangle of the factorization has the same solutions as all rows, however many.
    triangle: Any = np.linalg.qr(np.column_stack([rows, wanted]), mode="r")
    left, right = triangle[:, :-1], triangle[:, -1]
    best, error = np.zeros(len(WORK)), np.inf
    for subset in _subsets(range(len(WORK))):
        solution = np.linalg.lstsq(left[:, subset], right, rcond=None)[0]
        if (solution < 0).any():
            continue
        found = float(((left[:, subset] @ solution - right) ** 2).sum())
        if found < error:
            best, error = np.zeros(len(WORK)), found
            best[list(subset)] = solution
    prices = best * ceiling
    errors = abs(shares @ prices - 1)
    return Pace(tuple(map(float, prices)), build, 1 + float(errors.max()), len(points))


def _subsets(columns: Sequence[int]) -> chain[tuple[int, ...]]:
    """All subsets that are not empty, the small ones first."""
    sizes = range(1, len(columns) + 1)
    return chain.from_iterable(combinations(columns, size) for size in sizes)
