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
from itertools import groupby, pairwise
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
    measurements (docs/emitted-project.md). A number that was not finite is None; an epoch whose
    `value` is None is one at which training diverged.
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

    @property
    def rises(self) -> bool:
        """Whether it rises to a best value, as accuracy does: what is left to gain is known."""
        return self.goal == "maximize" and self.best is not None


def classify(
    epochs: Sequence[Seen], monitor: Monitor, metric: Metric, config: Mapping[str, Any]
) -> Condition | None:
    """The condition after the last of `epochs`; None before anything was measured."""
    if not epochs:
        return None
    return _classify(epochs, _judge(epochs, monitor), monitor, metric, config)


def course(
    epochs: Sequence[Seen], monitor: Monitor, metric: Metric, config: Mapping[str, Any]
) -> list[Condition]:
    """The condition after each of `epochs`; what came later never changes an earlier one."""
    judged = _judge(epochs, monitor)
    return [
        _classify(epochs[:end], judged[:end], monitor, metric, config)
        for end in range(1, len(epochs) + 1)
    ]


def _classify(
    epochs: Sequence[Seen],
    judged: Sequence[_Judged | None],
    monitor: Monitor,
    metric: Metric,
    config: Mapping[str, Any],
) -> Condition:
    architecture = config.get(monitor.architecture, OTHER) if monitor.architecture else OTHER
    gradient, seen = _gradient(judged, monitor)
    convergence, gains = _convergence(epochs, monitor, metric)
    weights = _weights(epochs)
    evidence = {name: _evident(value) for name, value in {**seen, **gains}.items()}
    return Condition(str(architecture), convergence, gradient, weights, evidence)


def _evident(value: Any) -> Any:
    """A number as JSON has it: a ratio of two finite numbers may be too large for a float."""
    return _number(value) if isinstance(value, float) else value


# ---- weights ----


def _weights(epochs: Sequence[Seen]) -> str:
    """nan where any weight of any epoch is NaN or infinite."""
    return "nan" if any(_some(e.feedback, "weights_nonfinite") for e in epochs) else "normal"


def _some(counts: Mapping[str, Any] | None, name: str) -> bool:
    """Whether a count is there and not zero."""
    found = counts.get(name) if isinstance(counts, Mapping) else None
    return found is True or (_number(found) or 0.0) > 0


# ---- gradients ----


_Judged = tuple[int, str, dict[str, Any]]  # epoch, state, the numbers behind it


def _judge(epochs: Sequence[Seen], monitor: Monitor) -> list[_Judged | None]:
    """The state of each epoch by itself; None where there was no probe."""
    probes = [e.feedback.get("probe") if isinstance(e.feedback, Mapping) else None for e in epochs]
    return [
        (e.epoch, *gradient_of(probe, monitor)) if isinstance(probe, Mapping) else None
        for e, probe in zip(epochs, probes, strict=True)
    ]


def _gradient(judged: Sequence[_Judged | None], monitor: Monitor) -> tuple[str, dict[str, Any]]:
    """The state of the epoch that counts, and its numbers."""
    known = [one for one in judged if one is not None]
    if not known:
        return "normal", {}
    epoch, state, numbers = _WHICH[monitor.epochs](known)
    return state, {"epoch": epoch, **numbers}


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
    A model without kernels has no gradients and is normal.
    """
    first, last = _number(probe.get("gradient_first")), _number(probe.get("gradient_last"))
    share = _number(probe.get("zero_entries" if monitor.by_entries else "zero_units"))
    numbers = {"gradient_first": first, "gradient_last": last, "zero_share": share}
    if _some(probe, "gradient_nonfinite"):
        return "exploding", numbers
    if first is None or last is None:
        # Entries were counted, all of them finite: then it is their norm that is not.
        return ("normal" if share is None else "exploding"), numbers
    ratio = first / last if last > 0 else 1.0
    numbers["gradient_ratio"] = ratio
    if share is not None and share >= monitor.dying:
        return "dying", numbers
    small = monitor.vanishing_norm is None or first < monitor.vanishing_norm
    if ratio < monitor.vanishing and small:
        return "vanishing", numbers
    return ("exploding" if ratio > monitor.exploding else "normal"), numbers


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer that no float can hold
        return None


# ---- convergence ----


def _convergence(
    epochs: Sequence[Seen], monitor: Monitor, metric: Metric
) -> tuple[str, dict[str, Any]]:
    if _lost(epochs, monitor):
        return "slow", {"loss": None}
    if monitor.oscillating is not None:
        found = swings(_swinging(epochs, metric), monitor.oscillating)
        if found >= max(1.0, _SWINGS * len(epochs)):
            return "oscillating", {"swings": found}
    if monitor.definition == "paper":
        return _paper_convergence(epochs, monitor)
    if len(epochs) <= _SHORTEST:
        return "normal", {}
    gain = max(_gains(epochs, monitor, metric), default=None)
    if gain is None:
        return "normal", {}
    return ("slow" if gain < monitor.slow else "normal"), {"largest_gain": gain}


def _lost(epochs: Sequence[Seen], monitor: Monitor) -> bool:
    """Whether training diverged, a loss is not finite, or the last validation loss is huge.

    That a finite loss may be too huge is the released code's; the paper does not have it.
    """
    if any(_number(e.value) is None for e in epochs):
        return True
    for name in ("loss", "validation_loss"):
        if any(name in e.metrics and _number(e.metrics[name]) is None for e in epochs):
            return True
    last = _number(epochs[-1].metrics.get("validation_loss"))
    return monitor.definition != "paper" and last is not None and last >= _HUGE_LOSS


def _paper_convergence(epochs: Sequence[Seen], monitor: Monitor) -> tuple[str, dict[str, Any]]:
    """Slow where the validation metric changed by less than `slow` in the last epoch.

    The paper speaks of accuracy; of any other metric the same number is in that metric's units.
    """
    values = _values(epochs[-2:])
    if len(values) < 2:
        return "normal", {}
    change = abs(values[1] - values[0])
    return ("slow" if change < monitor.slow else "normal"), {"last_change": change}


def _gains(epochs: Sequence[Seen], monitor: Monitor, metric: Metric) -> list[float]:
    """Every gain from one epoch to the next of the metrics that show learning.

    A metric that rises to a best value: its gains, and those of the training accuracy; where none
    is reported, what each epoch took off the training loss stands for it. Other metrics have no
    scale of their own: the losses, by the share that each epoch took off.

    The released code knows accuracies only: without one, training is slow only if it is lost.
    """
    values, accuracy = _values(epochs), _course(epochs, "accuracy")
    if monitor.definition == "code":
        courses = [accuracy, _course(epochs, "validation_accuracy")]
        gains = [_rises(c, None) for c in ([values, *courses] if metric.rises else courses)]
    elif not metric.rises:
        gains = [_drops(_course(epochs, name)) for name in ("loss", "validation_loss")]
    else:
        best = metric.best if monitor.relative else None
        gains = [_rises(values, best)]
        gains += [_rises(accuracy, best)] if accuracy else [_drops(_course(epochs, "loss"))]
    return [gain for several in gains for gain in several if not math.isnan(gain)]


def _swinging(epochs: Sequence[Seen], metric: Metric) -> list[float]:
    """Where swings are looked for: training accuracy, else a validation metric of that kind."""
    accuracy = _course(epochs, "accuracy")
    if accuracy or metric.rises:
        return accuracy or _values(epochs)
    return _course(epochs, "validation_accuracy")


def _values(epochs: Sequence[Seen]) -> list[float]:
    return _known([e.value for e in epochs])


def _course(epochs: Sequence[Seen], name: str) -> list[float]:
    """What was reported under a name, without the gaps."""
    return _known([e.metrics.get(name) for e in epochs])


def _known(values: Sequence[Any]) -> list[float]:
    return [found for found in map(_number, values) if found is not None]


def _rises(values: Sequence[float], best: float | None) -> list[float]:
    """What each epoch gained; with `best`, as a share of what was left to gain."""
    if best is None:
        return [after - before for before, after in pairwise(values)]
    # At the best value nothing is left to gain: that is not slow.
    return [
        (after - before) / (best - before) if before < best else 1.0
        for before, after in pairwise(values)
    ]


def _drops(values: Sequence[float]) -> list[float]:
    """What each epoch took off, as a share of what there was; at zero nothing is left to take."""
    return [(before - after) / abs(before) if before else 1.0 for before, after in pairwise(values)]


def swings(values: Sequence[float | None], amplitude: float) -> int:
    """How many local maxima are `amplitude` or more above their minimum.

    Maxima and minima are paired in their order, the first with the first. Ends are neither, and
    values that stay the same count once, so a step on the way up is no maximum.
    """
    known = [value for value, _ in groupby(_known(values))]
    inner = range(1, len(known) - 1)
    highs = [known[i] for i in inner if known[i - 1] < known[i] > known[i + 1]]
    lows = [known[i] for i in inner if known[i - 1] > known[i] < known[i + 1]]
    return sum(high - low >= amplitude for high, low in zip(highs, lows, strict=False))
