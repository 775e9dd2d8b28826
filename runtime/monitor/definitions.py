"""Three definitions of when training is slow, vanishing, exploding or dying.

`paper` is DREAM as published (doi 10.1145/3702992, section 4), `code` is DREAM as released
(github.com/shiningrain/DREAM at b617b6c, DREAM/utils/load_test_utils.py), which differs from it in
most thresholds; `automlc` is the default. docs/feedback.md says what each means and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from automlc.spec.record import record

EPOCHS = ("last", "majority", "first")


@record
class Monitor:
    """How feedback is judged.

    `epochs`: which epoch's gradients count: the last, the most frequent state (ties go to the
    later), or the first that is not normal. `slow`: where no gain is this large, training is slow.
    `relative`: gains are shares of what is left to gain up to the metric's best value; else they
    are in units of the metric. `oscillating`: swings of the training accuracy (where it is not
    reported, of the validation metric) of at least this size count (None: never oscillating).
    `vanishing`, `exploding`: bounds of the ratio first / last layer's gradient norm;
    `vanishing_norm`: the first layer's norm must be below it too (None: it need not). `dying`:
    this share of zero gradients, of units or (`by_entries`) of entries. `probe`: rows of the probe
    batch. `architecture`: the parameter that names the family of the model; None for a model that
    has none.
    """

    definition: str
    epochs: str
    slow: float
    oscillating: float | None
    vanishing: float
    vanishing_norm: float | None
    exploding: float
    dying: float
    by_entries: bool
    relative: bool
    probe: int = 32
    architecture: str | None = None

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


DEFINITIONS: Mapping[str, Monitor] = {
    "automlc": Monitor(
        "automlc",
        epochs="majority",
        slow=0.01,
        oscillating=0.03,
        vanishing=1e-3,
        vanishing_norm=1e-4,
        exploding=70.0,
        dying=0.7,
        by_entries=False,
        relative=True,
    ),
    # "Accuracy changes of two contiguous epochs below 0.01", a ratio below 1e-3, above 70, 70 % of
    # the neurons. Which epoch's gradients count the paper does not say: the last.
    "paper": Monitor(
        "paper",
        epochs="last",
        slow=0.01,
        oscillating=None,
        vanishing=1e-3,
        vanishing_norm=None,
        exploding=70.0,
        dying=0.7,
        by_entries=False,
        relative=False,
    ),
    "code": Monitor(
        "code",
        epochs="first",
        slow=0.01,
        oscillating=0.03,
        vanishing=1e-3,
        vanishing_norm=1e-4,
        exploding=70.0,
        dying=0.7,
        by_entries=True,
        relative=False,
    ),
}


def make_monitor(definition: str, **changes: Any) -> Monitor:
    """A definition with some values changed; None leaves the definition's own."""
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(DEFINITIONS[definition], **given)
