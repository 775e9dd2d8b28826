"""The monitor: each threshold at, below and above; precedence; what a hostile file may hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automlc.runtime.monitor import CONDITIONS, DEFINITIONS, Condition, Monitor, Seen, classify
from automlc.runtime.monitor.conditions import Metric, course, gradient_of, swings
from automlc.runtime.monitor.definitions import EPOCHS, make_monitor
from automlc.runtime.monitor.timeline import Conditions, metric_of, timeline
from automlc.runtime.plan import read_monitor
from automlc.runtime.store import Store, canonical, open_store
from automlc.runtime.trial import Report, State
from automlc.spec.errors import AutomlcError

ACCURACY = Metric("maximize", 1.0)
RMSE = Metric("minimize", 0.0)
AUTOMLC, PAPER, CODE = (DEFINITIONS[name] for name in ("automlc", "paper", "code"))
EACH = pytest.mark.parametrize("monitor", [AUTOMLC, PAPER, CODE], ids=lambda m: m.definition)

Feedback = Mapping[str, Any]


def probe(**numbers: Any) -> dict[str, Any]:
    """What a healthy probe finds, with some numbers changed."""
    usual = {"gradient_first": 1.0, "gradient_last": 1.0, "zero_entries": 0.0, "zero_units": 0.0}
    return {"rows": 32, "loss": 1.0, "gradient_nonfinite": 0, "output_nonfinite": 0} | (
        usual | numbers
    )


def feedback(weights_nonfinite: Any = 0, **numbers: Any) -> dict[str, Any]:
    return {"probe": probe(**numbers), "weights_nonfinite": weights_nonfinite, "layers": []}


def epochs(
    values: Sequence[float | None],
    inside: Sequence[Feedback | None] = (),
    **metrics: Sequence[float | None],
) -> list[Seen]:
    """One Seen for each value; `metrics` name a number for each epoch."""
    within = list(inside) or [None] * len(values)
    return [
        Seen(i + 1, value, {name: column[i] for name, column in metrics.items()}, within[i])
        for i, value in enumerate(values)
    ]


def judged(
    seen: Sequence[Seen], monitor: Monitor, metric: Metric = ACCURACY, **config: Any
) -> Condition:
    found = classify(seen, monitor, metric, config)
    assert found is not None
    return found


def rising(count: int) -> list[float]:
    return [0.1 + 0.08 * i for i in range(count)]


# ---- convergence: DREAM's own cases ----


@EACH
def test_a_flat_curve_is_slow(monitor: Monitor) -> None:
    assert judged(epochs([0.5] * 6), monitor).convergence == "slow"


@EACH
def test_a_loss_that_is_not_finite_is_slow_even_after_one_epoch(monitor: Monitor) -> None:
    for name in ("loss", "validation_loss"):
        seen = epochs(rising(5), **{name: [1.0, None, 0.9, 0.8, 0.7]})
        assert judged(seen, monitor).convergence == "slow"
        assert judged(seen[:1], monitor).convergence == "normal"
        assert judged(seen[1:2], monitor).convergence == "slow"


@EACH
def test_an_epoch_without_a_value_is_one_that_diverged(monitor: Monitor) -> None:
    diverged = epochs([*rising(4), None], [feedback()] * 4 + [feedback(3)])
    assert judged(diverged, monitor).state() == {
        "architecture": "other",
        "convergence": "slow",
        "gradient": "normal",
        "weights": "nan",
    }


@EACH
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_rising_history_of_up_to_three_epochs_is_normal(monitor: Monitor, count: int) -> None:
    assert judged(epochs(rising(count)), monitor).convergence == "normal"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_flat_history_of_up_to_three_epochs_is_normal_but_for_the_paper(count: int) -> None:
    seen = epochs([0.5] * count)
    assert judged(seen, AUTOMLC).convergence == "normal"
    assert judged(seen, CODE).convergence == "normal"
    assert judged(seen, PAPER).convergence == ("normal" if count == 1 else "slow")


def test_one_gain_is_enough_for_the_code_and_not_for_the_paper() -> None:
    seen = epochs([0.5, 0.52, 0.52, 0.52, 0.52])
    assert judged(seen, CODE).convergence == "normal"
    assert judged(seen, AUTOMLC).convergence == "normal"
    assert judged(seen, PAPER).convergence == "slow"
    assert judged(seen[:2], PAPER).convergence == "normal"


def test_nothing_is_known_before_the_first_epoch() -> None:
    assert classify([], AUTOMLC, ACCURACY, {}) is None
    assert course([], AUTOMLC, ACCURACY, {}) == []


# ---- convergence: thresholds ----

STEP = 0.01


@pytest.mark.parametrize(
    ("gain", "word"),
    [(math.nextafter(STEP, 0), "slow"), (STEP, "normal"), (math.nextafter(STEP, 1), "normal")],
)
@EACH
def test_a_gain_is_none_below_the_threshold(monitor: Monitor, gain: float, word: str) -> None:
    # From zero, so that neither the difference nor the share of what is left is rounded.
    seen = epochs([0.0, 0.0, 0.0, 0.0, gain])
    found = judged(seen, monitor)
    assert found.convergence == word
    assert gain in found.evidence.values()


def test_the_paper_looks_at_a_change_in_either_direction_and_the_code_at_gains() -> None:
    falling = epochs([0.9, 0.8, 0.7, 0.6, 0.5])
    assert judged(falling, PAPER).convergence == "normal"
    assert judged(falling, CODE).convergence == "slow"
    assert judged(falling, AUTOMLC).convergence == "slow"


def test_relative_gains_are_shares_of_what_is_left_to_gain() -> None:
    near_the_end = epochs([0.95, 0.951, 0.9515, 0.952, 0.9525])  # the first took off 2 % of 0.05
    assert judged(near_the_end, AUTOMLC).convergence == "normal"
    assert judged(near_the_end, replace(AUTOMLC, relative=False)).convergence == "slow"
    assert judged(near_the_end, CODE).convergence == "slow"
    gain = judged(near_the_end, AUTOMLC).evidence["largest_gain"]
    assert gain == pytest.approx(0.001 / 0.05)


def test_at_the_best_value_nothing_is_left_to_gain_and_nothing_is_slow() -> None:
    done = epochs([1.0] * 6)
    assert judged(done, AUTOMLC).convergence == "normal"
    assert judged(done, CODE).convergence == "slow"  # it compares accuracies only


@pytest.mark.parametrize("monitor", [AUTOMLC, CODE], ids=lambda m: m.definition)
def test_training_accuracy_counts_besides_the_validation_metric(monitor: Monitor) -> None:
    seen = epochs([0.5] * 5, accuracy=[0.5, 0.6, 0.7, 0.8, 0.9])
    assert judged(seen, monitor).convergence == "normal"
    assert judged(epochs([0.5] * 5, accuracy=[0.5] * 5), monitor).convergence == "slow"


def test_without_training_accuracy_the_training_loss_stands_for_it() -> None:
    falling = epochs([0.5] * 5, loss=[2.0, 1.9, 1.8, 1.7, 1.6])
    assert judged(falling, AUTOMLC).convergence == "normal"
    assert judged(falling, CODE).convergence == "slow"
    assert judged(epochs([0.5] * 5, loss=[2.0] * 5), AUTOMLC).convergence == "slow"


@pytest.mark.parametrize(
    ("drop", "word"), [(0.0, "slow"), (0.009, "slow"), (0.011, "normal"), (0.5, "normal")]
)
def test_a_regression_is_judged_by_the_share_that_epochs_take_off_its_losses(
    drop: float, word: str
) -> None:
    losses = [3000.0 * (1 - drop) ** i for i in range(5)]
    seen = epochs(losses, loss=losses, validation_loss=losses)
    assert judged(seen, AUTOMLC, RMSE).convergence == word
    scaled = [loss / 1e6 for loss in losses]
    same = epochs(scaled, loss=scaled, validation_loss=scaled)
    assert judged(same, AUTOMLC, RMSE).convergence == word


def test_a_loss_of_zero_has_nothing_left_to_take_off() -> None:
    assert judged(epochs([0.0] * 5, loss=[0.0] * 5), AUTOMLC, RMSE).convergence == "normal"


def test_a_regression_without_losses_is_never_slow() -> None:
    assert judged(epochs([4.0] * 6), AUTOMLC, RMSE).convergence == "normal"


def test_to_the_released_code_a_regression_is_slow_only_when_it_is_lost() -> None:
    flat = epochs([4.0] * 6, loss=[1.0] * 6, validation_loss=[1.0] * 6)
    assert judged(flat, CODE, RMSE).convergence == "normal"
    lost = epochs([4.0] * 6, loss=[1.0] * 6, validation_loss=[1.0] * 5 + [1e5])
    assert judged(lost, CODE, RMSE).convergence == "slow"


def test_a_log_loss_task_has_accuracies_that_the_released_code_looks_at() -> None:
    learning = epochs([1.0] * 5, validation_accuracy=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert judged(learning, CODE, RMSE).convergence == "normal"
    assert judged(learning, CODE, RMSE).evidence["largest_gain"] == pytest.approx(0.1)
    flat = epochs([1.0] * 5, validation_accuracy=[0.1] * 5)
    assert judged(flat, CODE, RMSE).convergence == "slow"


@pytest.mark.parametrize(
    ("loss", "word"),
    [(math.nextafter(1e5, 0), "normal"), (1e5, "slow"), (math.nextafter(1e5, math.inf), "slow")],
)
def test_a_huge_last_validation_loss_is_slow_but_for_the_paper(loss: float, word: str) -> None:
    seen = epochs(rising(5), validation_loss=[1.0, 1.0, 1.0, 1.0, loss])
    assert judged(seen, AUTOMLC).convergence == word
    assert judged(seen, CODE).convergence == word
    assert judged(seen, PAPER).convergence == "normal"
    recovered = epochs(rising(5), validation_loss=[1.0, loss, 1.0, 1.0, 1.0])
    assert judged(recovered, CODE).convergence == "normal"


# ---- oscillation ----


def sawtooth(count: int, amplitude: float) -> list[float]:
    return [amplitude * (i % 2) for i in range(count)]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], 0),
        ([0.5], 0),
        ([0.1, 0.5], 0),
        ([0.1, 0.5, 0.1], 0),  # a maximum, and no minimum inside
        ([0.0, 0.5, 0.0, 0.5], 1),
        ([0.5, 0.0, 0.5, 0.0], 1),  # the minimum comes first
        ([0.0, 0.5, 0.5, 0.5, 0.0, 0.0, 0.5], 1),  # what stays the same counts once
        ([0.0, 0.5, 0.5, 0.9, 0.9, 1.0], 0),  # steps on the way up are no maxima
        ([0.0, 0.5, None, 0.0, 0.5], 1),  # a gap is no value
        (sawtooth(9, 0.5), 3),  # maxima at 1, 3, 5, 7, minima at 2, 4, 6
    ],
)
def test_swings_pair_maxima_and_minima_in_their_order(
    values: list[float | None], found: int
) -> None:
    assert swings(values, 0.5) == found


@pytest.mark.parametrize("monitor", [AUTOMLC, CODE], ids=lambda m: m.definition)
def test_a_sawtooth_oscillates_and_the_paper_has_no_such_word(monitor: Monitor) -> None:
    seen = epochs([0.5 + value for value in sawtooth(8, 0.05)])
    assert judged(seen, monitor).convergence == "oscillating"
    assert judged(seen, monitor).evidence["swings"] == 3
    assert judged(seen, replace(monitor, oscillating=None)).convergence != "oscillating"
    assert judged(seen, PAPER).convergence == "normal"


@pytest.mark.parametrize(
    ("amplitude", "oscillates"),
    [(math.nextafter(0.03, 0), False), (0.03, True), (math.nextafter(0.03, 1), True)],
)
def test_a_swing_counts_from_its_amplitude_on(amplitude: float, oscillates: bool) -> None:
    for monitor in (AUTOMLC, CODE):
        word = judged(epochs(sawtooth(8, amplitude)), monitor).convergence
        assert (word == "oscillating") is oscillates


@pytest.mark.parametrize(("count", "oscillates"), [(9, True), (10, True), (11, False)])
def test_a_fifth_of_the_epochs_must_swing(count: int, oscillates: bool) -> None:
    # Two maxima and two minima, then a curve that only rises.
    values = [0.0, 0.5, 0.0, 0.5, 0.0, *(0.5 + 0.01 * i for i in range(count - 5))]
    assert swings(values, 0.03) == 2
    assert (judged(epochs(values), CODE).convergence == "oscillating") is oscillates


def test_swings_are_looked_for_in_the_training_accuracy_where_it_is_reported() -> None:
    noisy = epochs(sawtooth(8, 0.5), accuracy=rising(8))
    assert judged(noisy, CODE).convergence == "normal"
    swinging = epochs(rising(8), accuracy=sawtooth(8, 0.5))
    assert judged(swinging, CODE).convergence == "oscillating"


def test_a_regression_does_not_oscillate() -> None:
    seen = epochs(sawtooth(8, 900.0), loss=sawtooth(8, 900.0))
    assert judged(seen, AUTOMLC, RMSE).convergence == "normal"


def test_oscillating_is_asked_before_slow() -> None:
    # No training accuracy gains 0.5, but it swings by 0.05.
    high = replace(CODE, slow=0.5)
    assert judged(epochs(sawtooth(8, 0.05)), high).convergence == "oscillating"


# ---- gradients ----


@EACH
@pytest.mark.parametrize(
    ("numbers", "word"),
    [
        ({"gradient_first": 1e-5, "gradient_last": 0.1}, "vanishing"),  # ratio 1e-4
        ({"gradient_first": 71.0}, "exploding"),
        ({"gradient_first": 70.0}, "normal"),
        ({"gradient_first": math.nextafter(70.0, 100)}, "exploding"),
        ({"gradient_nonfinite": 1}, "exploding"),
        ({"gradient_nonfinite": True}, "exploding"),
        ({"zero_units": 0.7, "zero_entries": 0.7}, "dying"),
        ({"zero_units": math.nextafter(0.7, 0), "zero_entries": math.nextafter(0.7, 0)}, "normal"),
        ({"zero_units": 0.71, "zero_entries": 0.71}, "dying"),
        ({}, "normal"),
    ],
)
def test_gradient_words(monitor: Monitor, numbers: dict[str, Any], word: str) -> None:
    assert gradient_of(probe(**numbers), monitor)[0] == word


@pytest.mark.parametrize(
    ("ratio", "word"),
    [(math.nextafter(1e-3, 0), "vanishing"), (1e-3, "normal"), (math.nextafter(1e-3, 1), "normal")],
)
def test_a_ratio_vanishes_below_its_threshold(ratio: float, word: str) -> None:
    assert gradient_of(probe(gradient_first=ratio), PAPER)[0] == word


@pytest.mark.parametrize(
    ("first", "small"),
    [(math.nextafter(1e-4, 0), True), (1e-4, False), (math.nextafter(1e-4, 1), False)],
)
def test_to_the_code_the_first_norm_must_be_small_too(first: float, small: bool) -> None:
    found = probe(gradient_first=first, gradient_last=1.0)
    for monitor in (AUTOMLC, CODE):
        assert (gradient_of(found, monitor)[0] == "vanishing") is small
    assert gradient_of(found, PAPER)[0] == "vanishing"
    assert gradient_of(probe(gradient_first=1.0, gradient_last=1e4), CODE)[0] == "normal"


def test_the_code_counts_zeros_by_entries_and_the_others_by_units() -> None:
    entries, units = probe(zero_entries=0.9), probe(zero_units=0.9)
    assert [gradient_of(entries, m)[0] for m in (AUTOMLC, PAPER, CODE)] == [
        "normal",
        "normal",
        "dying",
    ]
    assert [gradient_of(units, m)[0] for m in (AUTOMLC, PAPER, CODE)] == [
        "dying",
        "dying",
        "normal",
    ]


@EACH
def test_not_finite_comes_before_dying_before_vanishing_before_exploding(monitor: Monitor) -> None:
    zeros = {"zero_units": 0.9, "zero_entries": 0.9}
    vanishing = {"gradient_first": 1e-6, "gradient_last": 1.0}
    both = probe(**zeros, **vanishing)
    assert gradient_of({**both, "gradient_nonfinite": 2}, monitor)[0] == "exploding"
    assert gradient_of(both, monitor)[0] == "dying"
    assert gradient_of(probe(**zeros, gradient_first=100.0), monitor)[0] == "dying"
    at_once = replace(monitor, vanishing=1e9, vanishing_norm=None)  # then it does both
    assert gradient_of(probe(gradient_first=100.0), at_once)[0] == "vanishing"


@EACH
def test_a_last_layer_without_gradient_has_the_ratio_one(monitor: Monitor) -> None:
    word, numbers = gradient_of(probe(gradient_first=5.0, gradient_last=0.0), monitor)
    assert (word, numbers["gradient_ratio"]) == ("normal", 1.0)
    nothing = probe(gradient_first=0.0, gradient_last=0.0, zero_units=1.0, zero_entries=1.0)
    assert gradient_of(nothing, monitor)[0] == "dying"


@EACH
def test_a_model_without_kernels_has_no_gradients_and_is_normal(monitor: Monitor) -> None:
    none = probe(gradient_first=None, gradient_last=None, zero_units=None, zero_entries=None)
    assert gradient_of(none, monitor)[0] == "normal"


@EACH
def test_norms_too_large_for_a_number_are_exploding(monitor: Monitor) -> None:
    assert gradient_of(probe(gradient_first=None), monitor)[0] == "exploding"
    word, _ = gradient_of(probe(gradient_first=1e300, gradient_last=1e-300), monitor)
    assert word == "exploding"


@EACH
def test_evidence_is_json_even_where_a_ratio_is_infinite(monitor: Monitor) -> None:
    seen = epochs([0.1], [feedback(gradient_first=1e300, gradient_last=1e-300)])
    evidence = judged(seen, monitor).evidence
    assert evidence["gradient_ratio"] is None
    assert json.loads(canonical(dict(evidence))) == evidence


HEALTHY, DYING, LOUD = (
    feedback(),
    feedback(zero_units=1, zero_entries=1),
    feedback(gradient_first=100.0),
)


@pytest.mark.parametrize(
    ("inside", "last", "majority", "first"),
    [
        ([DYING, HEALTHY, HEALTHY], "normal", "normal", "dying"),
        ([HEALTHY, HEALTHY, DYING], "dying", "normal", "dying"),
        ([DYING, LOUD], "exploding", "exploding", "dying"),  # the later one of equals
        ([LOUD, DYING, DYING, LOUD, HEALTHY], "normal", "exploding", "exploding"),
        ([DYING, None, None], "dying", "dying", "dying"),  # epochs without a probe say nothing
        ([None, None], "normal", "normal", "normal"),
    ],
)
def test_which_epoch_counts(
    inside: list[Feedback | None], last: str, majority: str, first: str
) -> None:
    seen = epochs(rising(len(inside)), inside)
    found = [judged(seen, replace(AUTOMLC, epochs=which)).gradient for which in EPOCHS]
    assert found == [last, majority, first]


def test_each_definition_says_which_epoch_counts() -> None:
    assert [m.epochs for m in (AUTOMLC, PAPER, CODE)] == ["majority", "last", "first"]


def test_the_evidence_names_the_epoch_that_counted() -> None:
    seen = epochs(rising(3), [HEALTHY, DYING, HEALTHY])
    assert judged(seen, CODE).evidence["epoch"] == 2
    assert judged(seen, CODE).evidence["zero_share"] == 1.0


@EACH
def test_layers_are_not_asked_so_that_frozen_ones_change_nothing(monitor: Monitor) -> None:
    frozen = {"name": "a", "gradient_norm": 0.0, "gradient_zeros": 1.0}
    seen = epochs(rising(2), [{**HEALTHY, "layers": [frozen] * 9}] * 2)
    assert judged(seen, monitor).gradient == "normal"


# ---- weights, architecture ----


@EACH
def test_one_broken_weight_of_any_epoch_makes_the_weights_nan(monitor: Monitor) -> None:
    seen = epochs(rising(4), [HEALTHY, feedback(1), HEALTHY, HEALTHY])
    assert judged(seen, monitor).weights == "nan"
    assert judged(seen[:1], monitor).weights == "normal"
    assert judged(epochs(rising(4)), monitor).weights == "normal"


def test_the_architecture_is_the_value_of_the_monitors_parameter() -> None:
    named = replace(AUTOMLC, architecture="block")
    assert judged(epochs([0.1]), named, block="resnet").architecture == "resnet"
    assert judged(epochs([0.1]), named).architecture == "other"
    assert judged(epochs([0.1]), AUTOMLC, block="resnet").architecture == "other"


def test_a_condition_prints_as_rules_name_it() -> None:
    assert str(judged(epochs([0.1]), AUTOMLC)) == (
        "architecture=other convergence=normal gradient=normal weights=normal"
    )


def test_a_definition_is_changed_by_what_is_given() -> None:
    assert make_monitor("paper", slow=0.5, dying=None) == replace(PAPER, slow=0.5)


# ---- laws ----

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.sampled_from(["", "nan", "1", "weights_nonfinite", "\x00\u202e"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = tuple(probe())


@st.composite
def hostile(draw: st.DrawFn) -> Any:
    """Feedback in which any part may be anything that JSON can hold."""
    if draw(st.booleans()):
        return draw(JSON)
    found = draw(st.dictionaries(st.sampled_from(KEYS), JSON))
    return {"probe": found or draw(JSON), "weights_nonfinite": draw(JSON)}


# Feedback around the thresholds, and an epoch without any.
INSIDE: tuple[Feedback | None, ...] = (
    None,
    HEALTHY,
    DYING,
    LOUD,
    feedback(5),
    feedback(gradient_nonfinite=3),
    feedback(gradient_first=1e-5, gradient_last=0.3),
    feedback(gradient_first=0.3, gradient_last=0.0),
    feedback(gradient_first=69.9),
    feedback(zero_units=0.69, zero_entries=0.71),
)
VALUES = st.sampled_from([0.0, 0.1, 0.105, 0.11, 0.14, 0.5, 0.505, 0.9, 0.999, 1.0])


@st.composite
def histories(draw: st.DrawFn) -> list[Seen]:
    """Believable histories with gaps."""
    one = st.tuples(VALUES, VALUES, st.sampled_from(INSIDE), st.integers(0, 15))
    found = []
    for epoch, (value, other, inside, kind) in enumerate(
        draw(st.lists(one, min_size=1, max_size=9)), start=1
    ):
        metrics = {"loss": 1 - other, "accuracy": other} if kind % 2 else {"loss": other}
        found.append(Seen(epoch, value if kind else None, metrics, inside))
    return found


MONITORS = st.sampled_from([AUTOMLC, PAPER, CODE])
METRICS_ = st.sampled_from([ACCURACY, RMSE, Metric("maximize"), Metric("minimize")])


@FEW
@given(histories(), MONITORS, METRICS_)
def test_a_condition_never_depends_on_later_epochs(
    seen: list[Seen], monitor: Monitor, metric: Metric
) -> None:
    whole = course(seen, monitor, metric, {})
    for end in range(1, len(seen) + 1):
        alone = classify(seen[:end], monitor, metric, {})
        assert alone is not None
        assert (alone, alone.evidence) == (whole[end - 1], whole[end - 1].evidence)
    assert timeline(seen, monitor, metric, {}) == list(zip(range(1, 13), whole, strict=False))


@FEW
@given(histories(), st.lists(hostile(), min_size=1, max_size=3), MONITORS, METRICS_, JSON)
def test_no_feedback_makes_the_monitor_raise(
    seen: list[Seen], inside: list[Any], monitor: Monitor, metric: Metric, anything: Any
) -> None:
    broken = [
        replace(one, feedback=inside[i % len(inside)], metrics={"loss": 1.0, "accuracy": anything})
        for i, one in enumerate(seen)
    ]
    found = classify(broken, monitor, metric, {})
    assert found is not None
    for part, words in CONDITIONS.items():
        assert found.state()[part] in words
    canonical(dict(found.evidence))  # refuses what JSON does not have


@FEW
@given(histories(), st.integers(-20, 20))
def test_scaling_both_norms_changes_nothing_for_the_paper(seen: list[Seen], power: int) -> None:
    scaled = []
    for one in seen:
        inside = one.feedback
        if inside is not None:
            norms = ("gradient_first", "gradient_last")
            moved = {name: inside["probe"][name] * 2.0**power for name in norms}
            inside = {**inside, "probe": {**inside["probe"], **moved}}
        scaled.append(replace(one, feedback=inside))
    assert classify(scaled, PAPER, ACCURACY, {}) == classify(seen, PAPER, ACCURACY, {})


@FEW
@given(histories(), st.floats(0, 1), st.floats(0, 1))
def test_a_stricter_threshold_never_makes_a_training_slow(
    seen: list[Seen], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    for monitor in (AUTOMLC, PAPER, CODE):
        strict = classify(seen, replace(monitor, slow=low), ACCURACY, {})
        loose = classify(seen, replace(monitor, slow=high), ACCURACY, {})
        assert strict is not None
        assert loose is not None
        if strict.convergence == "slow":
            assert loose.convergence == "slow"


@FEW
@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_larger_amplitudes_swing_less_often(values: list[float], a: float, b: float) -> None:
    small, large = sorted((a, b))
    assert swings(values, large) <= swings(values, small)
    assert 2 * swings(values, small) <= max(0, len(values) - 2)


# ---- metrics, plans, the store ----


@pytest.mark.parametrize(
    ("name", "goal", "metric"),
    [
        ("accuracy", "maximize", Metric("maximize", 1)),
        ("r2", "maximize", Metric("maximize", 1)),
        ("log_loss", "minimize", Metric("minimize", 0)),
        ("rmse", "minimize", Metric("minimize", 0)),
        ("a stranger's", "maximize", Metric("maximize")),
    ],
)
def test_the_bounds_of_a_metric_are_those_of_the_registry(
    name: str, goal: str, metric: Metric
) -> None:
    assert metric_of(name, goal) == metric
    assert metric.rises is (goal == "maximize" and metric.best is not None)


@EACH
def test_a_monitor_comes_back_from_a_plan(monitor: Monitor) -> None:
    assert read_monitor(json.loads(canonical(monitor.to_json()))) == monitor


@pytest.mark.parametrize(
    "change",
    [{"slow": None}, {"epochs": "any"}, {"epochs": None}, {"dying": "x"}, {"architecture": 3}],
)
def test_a_monitor_that_cannot_judge_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(AutomlcError, match=f"monitor.{next(iter(change))}"):
        read_monitor({**AUTOMLC.to_json(), **change})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "study.db", "maximize")
    opened.start_study({"run_id": "r-1", "seed": 0})
    return opened


def report(epoch: int, value: float, inside: Feedback | None) -> Report:
    return Report(epoch, value, {"loss": 1 - value}, 0.1, 0.1, 8, inside, None, None)


def begun(store: Store, number: int, block: str = "conv") -> int:
    return store.start_trial(number, {"block": block, "x": number}, number, why={}, costs={})


def test_the_store_tells_what_was_seen_in_order(store: Store) -> None:
    attempt = begun(store, 1)
    other = begun(store, 2)
    store.record_epoch(2, other, report(1, 0.9, DYING))
    store.record_epoch(1, attempt, report(1, 0.5, HEALTHY))
    store.record_epoch(1, attempt, report(2, 0.6, None))
    store._execute("INSERT INTO feedback VALUES (1, 3, ?)", (canonical(feedback(7)),))
    assert list(store.seen(1)) == [
        Seen(1, 0.5, {"loss": 0.5}, HEALTHY),
        Seen(2, 0.6, {"loss": 0.4}, None),
        Seen(3, None, {}, feedback(7)),  # it diverged there
    ]
    assert list(store.seen(9)) == []


def test_epochs_that_another_attempt_runs_again_are_not_seen(store: Store) -> None:
    attempt = begun(store, 1)
    for epoch in (1, 2, 3):
        store.record_epoch(1, attempt, report(epoch, 0.1 * epoch, HEALTHY))
    store.start_attempt(1, "resume", epoch=1)
    assert [seen.epoch for seen in store.seen(1)] == [1]


class _Plan:
    """What Conditions asks of a plan."""

    class task:
        metric, goal = "accuracy", "maximize"

    monitor = replace(CODE, architecture="block")


def test_the_condition_of_an_ended_trial_is_worked_out_once(store: Store) -> None:
    attempt = begun(store, 1)
    conditions = Conditions(_Plan, store)  # type: ignore[arg-type]
    assert conditions.of(store.trial(1)) is None
    store.record_epoch(1, attempt, report(1, 0.5, HEALTHY))
    first = conditions.of(store.trial(1))
    assert first == Condition("conv", "normal", "normal", "normal")
    store.record_epoch(1, attempt, report(2, 0.5, DYING))
    running = conditions.of(store.trial(1))
    assert running is not None
    assert running.gradient == "dying"
    store.end_trial(1, attempt, State.COMPLETE, "all epochs done")
    ended = conditions.of(store.trial(1))
    store._execute("DELETE FROM feedback")
    assert conditions.of(store.trial(1)) is ended
    assert ended == running
