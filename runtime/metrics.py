"""The metrics a task may name: for which tasks, which way is better, which values exist."""

from __future__ import annotations

from automlc.runtime.registry import Registry
from automlc.spec.record import record

CLASSIFICATION = ("image_classification", "tabular_classification", "text_classification")
REGRESSION = ("image_regression", "tabular_regression", "text_regression")


@record
class Metric:
    """`goal` is minimize or maximize; `low`, `high`: the values it can take (None: unbounded)."""

    name: str
    title: str
    tasks: tuple[str, ...]
    goal: str
    low: float | None = None
    high: float | None = None


METRICS: Registry[Metric] = Registry("metric")

for _metric in (
    Metric("accuracy", "share of rows classified right", CLASSIFICATION, "maximize", 0, 1),
    Metric("balanced_accuracy", "mean recall over classes", CLASSIFICATION, "maximize", 0, 1),
    Metric("f1", "F1 score averaged over classes", CLASSIFICATION, "maximize", 0, 1),
    Metric("log_loss", "mean negative log likelihood", CLASSIFICATION, "minimize", 0, None),
    Metric("rmse", "root mean squared error", REGRESSION, "minimize", 0, None),
    Metric("mae", "mean absolute error", REGRESSION, "minimize", 0, None),
    Metric("r2", "coefficient of determination", REGRESSION, "maximize", None, 1),
):
    METRICS.add(_metric.name)(_metric)


def metrics_of(task: str) -> tuple[Metric, ...]:
    """The metrics of a kind of task; the first one is its default."""
    found = (METRICS.get(name) for name in METRICS.names())
    return tuple(metric for metric in found if task in metric.tasks)
