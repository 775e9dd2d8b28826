"""Fairness metrics by the names that fairlearn gives them: what each compares between groups.

A metric takes a rate for each group (the share of rows that are predicted positive) and says how
far the largest and the smallest rate are apart. The positive class is the last one in the order of
`data.classes`. Sources: demographic parity, Dwork et al., Fairness through awareness (2012);
equalized odds and equal opportunity, Hardt, Price and Srebro, arXiv:1610.02413 (2016); names and
aggregation (largest against smallest group, worst of several rates) as in fairlearn.metrics.
"""

from __future__ import annotations

from typing import Literal

from automlc.spec.record import record

Rows = Literal["all", "each class", "positive class"]
Form = Literal["difference", "ratio"]

LOW, HIGH = 0.0, 1.0  # every one of these metrics lies between
CLASSES = 2  # there is one positive class, and one other
PREFIX = "fairness."


@record
class FairnessMetric:
    """`rows`: which rows of a group its rate is over: all, those of each true class, of one."""

    name: str
    title: str
    rows: Rows
    form: Form

    @property
    def better(self) -> str:
        """How a constraint bounds it: a difference from above, a ratio from below."""
        return "<=" if self.form == "difference" else ">="

    @property
    def equal(self) -> int:
        """Its value where all groups are treated alike."""
        return 0 if self.form == "difference" else 1


_RATES: tuple[tuple[str, str, Rows], ...] = (
    ("demographic_parity", "shares of rows predicted positive", "all"),
    ("equalized_odds", "true and false positive rates, the worse of both", "each class"),
    ("equal_opportunity", "true positive rates", "positive class"),
)
_FORMS: tuple[tuple[Form, str], ...] = (
    ("difference", "largest minus smallest of the groups' {}; 0 is equal"),
    ("ratio", "smallest by largest of the groups' {}; 1 is equal"),
)

FAIRNESS = {
    metric.name: metric
    for stem, rate, rows in _RATES
    for form, title in _FORMS
    for metric in (FairnessMetric(f"{PREFIX}{stem}_{form}", title.format(rate), rows, form),)
}
