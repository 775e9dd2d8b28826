"""What an action brought, on a scale that data sets share.

DREAM takes the difference of accuracies (equation 1). From 0.50 to 0.55 that is as much as from
0.95 to 1.00, and gains of an easy and of a hard data set cannot be pooled. Here the effect is
ln(error before / error after), with error the distance of the validation metric from its best
possible value: halving the error is 0.69 anywhere, and effects of actions in a row add up.
"""

from __future__ import annotations

import math

from automlc.runtime.monitor.conditions import Metric

# A training that went astray can multiply the error of a regression by millions. One such trial
# must not decide a mean, so what is pooled is held to twenty times the error, or a twentieth of it.
MOST = 3.0
LEAST_ERROR = 1e-3  # a metric measured on some hundred rows knows no smaller one


def error_of(value: float, metric: Metric) -> float:
    """The distance of a value from the best possible one, at least `LEAST_ERROR`.

    A metric without a best value (none of ours that is maximized) has no such distance: then the
    error is exp(-value), which makes the effect the plain difference.
    """
    if metric.best is None:
        return math.exp(-max(-50.0, min(50.0, value)))
    return max(LEAST_ERROR, abs(metric.best - value))


def effect(before: float, after: float, metric: Metric) -> float:
    """ln(error before / error after): positive where `after` is better.

    >>> round(effect(0.8, 0.9, Metric("maximize", 1.0)), 3)
    0.693
    """
    return math.log(error_of(before, metric) / error_of(after, metric))


def pooled(found: float) -> float:
    """An effect as means and beliefs take it: between -MOST and MOST.

    >>> pooled(12.0), pooled(-0.5)
    (3.0, -0.5)
    """
    return max(-MOST, min(MOST, found))
