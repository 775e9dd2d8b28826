"""The A-C-G-W condition of a training: architecture, convergence, gradient, weights.

Pure functions of what a trial reported; no framework, no thresholds of their own (see
definitions.py). Source: DREAM, doi 10.1145/3702992, section 4.2; what the released code does
instead is the definition `code`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from itertools import pairwise
from typing import Any

from automlc.runtime.monitor.definitions import Monitor
from automlc.spec.record import record

# What each part of a condition may be; an architecture is a word of the space.
CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "convergence": ("normal", "slow", "oscillating"),
    "gradient": ("normal", "vanishing", "exploding", "dying"),
    "weights": ("normal", "nan"),
}
OTHER = "other"  # the architecture of a model that has no families
_HUGE_LOSS = 1e5  # released code: a validation loss like this never converged
_SHORTEST = 3  # released code: histories of so few epochs are never slow
_SWINGS = 0.2  # released code: as many pairs of extremes, as a share of the epochs


@record
class Seen:
    """One epoch as the monitor sees it.

    `value` is the validation metric, `metrics` what was reported besides, `feedback` the probe's
    measurements (docs/emitted-project.md). None where something was not finite or not measured.
    """

    epoch: int
    value: float | None
    metrics: Mapping[str, float | None]
    feedback: Mapping[str, Any] | None


@record
class Condition:
    """What a training looks like; `evidence` holds the numbers that decided."""

    architecture: str
    convergence: str
    gradient: str
    weights: str
    evidence: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def state(self) -> dict[str, str]:
        """The four parts by name, as rules name them."""
        return {
            "architecture": self.architecture,
            "convergence": self.convergence,
            "gradient": self.gradient,
            "weights": self.weights,
        }

    def __str__(self) -> str:
        return " ".join(f"{name}={word}" for name, word in self.state().items())


@record
class Metric:
    """How the validation metric is read: `goal`, and its best possible value if there is one."""

    goal: str
    best: float | None = None


def classify(
    epochs: Sequence[Seen], monitor: Monitor, metric: Metric, config: Mapping[str, Any]
) -> Condition | None:
    """The condition after the last of `epochs`; None before anything was measured."""
    if not epochs:
        return None
    architecture = config.get(monitor.architecture, OTHER) if monitor.architecture else OTHER
    gradient, seen = _gradient(epochs, monitor)
    convergence, gains = _convergence(epochs, monitor, metric)
    weights = _weights(epochs)
    return Condition(str(architecture), convergence, gradient, weights, {**seen, **gains})


# ---- weights ----


def _weights(epochs: Sequence[Seen]) -> str:
    """nan where any weight of any epoch is NaN or infinite."""
    return "nan" if any(_count(e.feedback, "weights_nonfinite") for e in epochs) else "normal"


def _count(feedback: Mapping[str, Any] | None, name: str) -> int:
    value = (feedback or {}).get(name)
    return int(value) if isinstance(value, (int, float)) else 0


# ---- gradients ----


def _gradient(epochs: Sequence[Seen], monitor: Monitor) -> tuple[str, dict[str, Any]]:
    """The state of the epoch that counts, and its numbers."""
    judged = [
        (e.epoch, *gradient_of(e.feedback["probe"], monitor))
        for e in epochs
        if e.feedback and isinstance(e.feedback.get("probe"), Mapping)
    ]
    if not judged:
        return "normal", {}
    epoch, state, numbers = _WHICH[monitor.epochs](judged)
    return state, {"epoch": epoch, **numbers}


_Judged = tuple[int, str, dict[str, Any]]


def _last(judged: Sequence[_Judged]) -> _Judged:
    return judged[-1]


def _first(judged: Sequence[_Judged]) -> _Judged:
    return next((one for one in judged if one[1] != "normal"), judged[-1])


def _majority(judged: Sequence[_Judged]) -> _Judged:
    """The most frequent state, the later one of equals, at the last epoch that shows it."""
    counts = Counter(state for _, state, _ in judged)
    return max(judged, key=lambda one: (counts[one[1]], one[0]))


_WHICH: Mapping[str, Callable[[Sequence[_Judged]], _Judged]] = {
    "last": _last,
    "majority": _majority,
    "first": _first,
}


def gradient_of(probe: Mapping[str, Any], monitor: Monitor) -> tuple[str, dict[str, Any]]:
    """The state of one epoch: not finite is exploding, then dying, vanishing, exploding.

    A last layer without any gradient has no ratio: it is taken as 1, as the released code does.
    """
    first, last = _number(probe.get("gradient_first")), _number(probe.get("gradient_last"))
    share = _number(probe.get("zero_entries" if monitor.by_entries else "zero_units"))
    numbers = {"gradient_first": first, "gradient_last": last, "zero_share": share}
    if probe.get("gradient_nonfinite") or first is None or last is None:
        return ("exploding" if _measured(probe) else "normal"), numbers
    ratio = first / last if last > 0 else 1.0
    numbers["gradient_ratio"] = ratio
    if share is not None and share >= monitor.dying:
        return "dying", numbers
    small = monitor.vanishing_norm is None or first < monitor.vanishing_norm
    if ratio < monitor.vanishing and small:
        return "vanishing", numbers
    return ("exploding" if ratio > monitor.exploding else "normal"), numbers


def _measured(probe: Mapping[str, Any]) -> bool:
    """Whether there was a gradient to measure: a model without weights has none."""
    return bool(probe.get("gradient_nonfinite")) or bool(probe.get("kernels", 1))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


# ---- convergence ----


def _convergence(
    epochs: Sequence[Seen], monitor: Monitor, metric: Metric
) -> tuple[str, dict[str, Any]]:
    if _lost(epochs):
        return "slow", {"loss": None}
    course = _course(epochs, "accuracy")
    if monitor.oscillating is not None and swings(course, monitor.oscillating) >= max(
        1.0, _SWINGS * len(epochs)
    ):
        return "oscillating", {"swings": swings(course, monitor.oscillating)}
    if monitor.definition == "paper":
        return _paper_convergence(epochs, monitor)
    if len(epochs) <= _SHORTEST:
        return "normal", {}
    gain = max(_gains(epochs, monitor, metric), default=None)
    if gain is None:
        return "normal", {}
    return ("slow" if gain < monitor.slow else "normal"), {"largest_gain": gain}


def _lost(epochs: Sequence[Seen]) -> bool:
    """Whether a loss is not finite, or the last validation loss is huge."""
    for name in ("loss", "validation_loss"):
        if any(name in e.metrics and _number(e.metrics[name]) is None for e in epochs):
            return True
    last = _number(epochs[-1].metrics.get("validation_loss"))
    return last is not None and last >= _HUGE_LOSS


def _paper_convergence(epochs: Sequence[Seen], monitor: Monitor) -> tuple[str, dict[str, Any]]:
    """Slow where the validation metric changed by less than `slow` in the last epoch."""
    values = [e.value for e in epochs[-2:]]
    if len(values) < 2 or values[0] is None or values[1] is None:
        return "normal", {}
    change = abs(values[1] - values[0])
    return ("slow" if change < monitor.slow else "normal"), {"last_change": change}


def _gains(epochs: Sequence[Seen], monitor: Monitor, metric: Metric) -> list[float]:
    """Every gain from one epoch to the next of the metrics that show learning.

    The validation metric and the training accuracy, if they have a best value to be measured
    against; else the losses, by the share that each epoch took off.
    """
    if metric.best is None or metric.goal == "minimize":
        drops = [_drops(_course(epochs, name)) for name in ("loss", "validation_loss")]
        return [gain for gains in drops for gain in gains]
    courses = [[e.value for e in epochs], _course(epochs, "accuracy")]
    rises = [_rises(course, metric.best if monitor.relative else None) for course in courses]
    if monitor.relative and not _known(courses[1]):
        rises.append(_drops(_course(epochs, "loss")))
    return [gain for gains in rises for gain in gains]


def _course(epochs: Sequence[Seen], name: str) -> list[float | None]:
    return [e.metrics.get(name) for e in epochs]


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _rises(values: Sequence[float | None], best: float | None) -> list[float]:
    """What each epoch gained; with `best`, as a share of what was left to gain."""
    known = _known(values)
    if best is None:
        return [after - before for before, after in pairwise(known)]
    # At the best value nothing is left to gain: that is not slow.
    return [
        (after - before) / (best - before) if before < best else 1.0
        for before, after in pairwise(known)
    ]


def _drops(values: Sequence[float | None]) -> list[float]:
    """What each epoch took off, as a share of what there was."""
    known = _known(values)
    return [(before - after) / abs(before) if before else 1.0 for before, after in pairwise(known)]


def swings(values: Sequence[float | None], amplitude: float) -> float:
    """Pairs of a local maximum and the minimum after it that are `amplitude` or more apart."""
    known = _known(values)
    inner = range(1, len(known) - 1)
    highs = [known[i] for i in inner if known[i - 1] < known[i] >= known[i + 1]]
    lows = [known[i] for i in inner if known[i - 1] > known[i] <= known[i + 1]]
    return sum(high - low >= amplitude for high, low in zip(highs, lows, strict=False))
