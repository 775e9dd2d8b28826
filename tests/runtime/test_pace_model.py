"""The time model: what it recovers, what it never says, and what it takes for unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.runtime.pace import DOUBT, USUAL, WORK, Measured, Pace, Work, fit, work_of
from automlc.runtime.plan import Rows

ROWS = Rows(1000, 200)

# Devices: seconds of each kind of work, from a fast accelerator to an old laptop.
prices = st.tuples(
    st.floats(1e-13, 1e-9),
    st.floats(0, 1e-9),
    st.floats(0, 1e-8),
    st.floats(0, 1e-2),
    st.floats(0, 1.0),
)
works = st.builds(
    lambda batch, macs, memory, params: work_of(
        {"batch_size": batch},
        {"model.macs": macs, "model.activation_memory": memory, "model.params": params},
        ROWS,
    ),
    st.sampled_from([8, 16, 32, 64, 128, 256]),
    st.integers(10**3, 10**9),
    st.integers(10**3, 10**8),
    st.integers(10**2, 10**8),
)
times = st.floats(1e-4, 1e4)


def seconds_of(price: Work, work: Work) -> float:
    return sum(a * b for a, b in zip(price, work, strict=True))


def found(points: list[Measured], build: float = 0.0) -> Pace:
    pace = fit(points, build)
    assert pace is not None
    return pace


def drawn_to(points: list[Measured]) -> tuple[np.ndarray, np.ndarray]:
    """The prices that a fit is drawn to, and the largest that each can have."""
    shares = np.array([np.array(p.work) / p.seconds for p in points])
    usual = np.array(USUAL)
    speed = np.linalg.lstsq((shares @ usual)[:, None], np.ones(len(points)), rcond=None)[0][0]
    ceiling = np.array(
        [1 / max(c) if max(c) > 0 else p for c, p in zip(shares.T, usual * speed, strict=True)]
    )
    return np.minimum(usual * speed, ceiling), ceiling


@settings(max_examples=40, deadline=None)
@given(device=prices, measured=st.lists(works, min_size=1, max_size=12))
def test_what_a_device_without_noise_took_is_predicted_but_for_the_doubt(
    device: Work, measured: list[Work]
) -> None:
    points = [Measured(work, seconds_of(device, work)) for work in measured]
    pace = found(points)
    errors = [pace.epoch(work) / seconds_of(device, work) - 1 for work in measured]
    # The true prices have no error, so what is preferred to them has at most their distance.
    target, ceiling = drawn_to(points)
    most = DOUBT * np.linalg.norm((np.array(device) - target) / ceiling)
    assert np.linalg.norm(errors) <= most + 1e-6 <= DOUBT * len(WORK) ** 0.5 + 1e-6
    assert pace.caution == pytest.approx(1 + max(map(abs, errors)), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(factors=st.lists(st.floats(0.2, 5.0), min_size=len(WORK), max_size=len(WORK)))
def test_the_prices_of_a_device_are_recovered_from_many_measurements(factors: list[float]) -> None:
    device = tuple(usual * factor for usual, factor in zip(USUAL, factors, strict=True))
    # Each kind of work fills one measurement, so that each price can be told from the others.
    sizes = (np.eye(len(WORK)) + 0.01) / np.array(USUAL)
    points = [tuple(float(v) for v in row) for row in sizes] * 500
    pace = found([Measured(work, seconds_of(device, work)) for work in points])
    assert pace.prices == pytest.approx(device, rel=1e-2)


noisy = st.lists(st.builds(Measured, works, times), min_size=1, max_size=10)


@settings(max_examples=40, deadline=None)
@given(points=noisy, work=works, more=st.integers(1, 10**9))
def test_more_multiplications_are_never_faster(
    points: list[Measured], work: Work, more: int
) -> None:
    pace = found(points)
    assert min(pace.prices) >= 0
    assert pace.epoch((work[0] + more, *work[1:])) >= pace.epoch(work)


@settings(max_examples=40, deadline=None)
@given(points=noisy)
def test_no_other_prices_are_better_explanations(points: list[Measured]) -> None:
    from scipy.optimize import nnls

    pace, (target, ceiling) = found(points), drawn_to(points)
    shares = np.array([[part / p.seconds for part in p.work] for p in points]) * ceiling
    rows = np.vstack([shares, DOUBT * np.eye(len(WORK))])
    wanted = np.concatenate([np.ones(len(points)), DOUBT * target / ceiling])
    _, residual = nnls(rows, wanted)
    ours = np.linalg.norm(rows @ (np.array(pace.prices) / ceiling) - wanted)
    assert ours <= residual * (1 + 1e-6) + 1e-6
    errors = shares @ (np.array(pace.prices) / ceiling) - 1
    assert pace.caution == pytest.approx(1 + abs(errors).max(), rel=1e-6)


def test_one_measurement_tells_the_speed_and_nothing_of_the_proportions() -> None:
    work = work_of({"batch_size": 64}, {"model.macs": 10**6, "model.params": 10**4}, ROWS)
    pace = found([Measured(work, 2.0)], build=0.5)
    assert pace.prices == pytest.approx(np.array(USUAL) * 2.0 / seconds_of(USUAL, work))
    assert pace.trial(work, 3) == pytest.approx(6.5)


def test_nothing_measured_is_nothing_known() -> None:
    assert fit([], 0.0) is None


CONFIGS: list[tuple[dict[str, Any], Work]] = [
    ({"batch_size": 64}, (3200 * 7.0, 3200 * 11.0, 16 * 5.0, 16.0, 1.0)),
    ({"batch_size": 999}, (3200 * 7.0, 3200 * 11.0, 2 * 5.0, 2.0, 1.0)),
    ({}, (3200 * 7.0, 3200 * 11.0, 5.0, 1.0, 1.0)),
]


@pytest.mark.parametrize(("config", "expected"), CONFIGS)
def test_the_work_of_an_epoch_is_counted(config: dict[str, Any], expected: Work) -> None:
    costs = {"model.macs": 7, "model.activation_memory": 11, "model.params": 5}
    assert work_of(config, costs, ROWS) == expected
    assert work_of(config, {}, ROWS)[:3] == (0, 0, 0)
