"""The time model: what it recovers, what it never says, and what it takes for unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.runtime.pace import WORK, Measured, Pace, Work, fit, work_of
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


@settings(max_examples=40, deadline=None)
@given(device=prices, measured=st.lists(works, min_size=1, max_size=12))
def test_what_a_device_without_noise_took_is_predicted(device: Work, measured: list[Work]) -> None:
    pace = found([Measured(work, seconds_of(device, work)) for work in measured])
    for work in measured:
        assert pace.epoch(work) == pytest.approx(seconds_of(device, work), rel=1e-5)
    assert pace.caution == pytest.approx(1, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(device=prices, scale=st.floats(1, 3))
def test_the_coefficients_of_a_device_are_recovered(device: Work, scale: float) -> None:
    # Each kind of work fills one measurement, so that each price can be told from the others.
    sizes = np.eye(len(WORK)) * 1e3 * scale + 1e-3
    points = [tuple(float(v) for v in row) for row in sizes]
    points.append((1.0, 2.0, 3.0, 4.0, 5.0))
    # Prices in units that make every kind of work matter.
    device = tuple(
        price / top for price, top in zip(device, (1e-9, 1e-9, 1e-8, 1e-2, 1), strict=True)
    )
    pace = found([Measured(work, seconds_of(device, work)) for work in points])
    assert pace.prices == pytest.approx(device, rel=1e-3, abs=1e-4)


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
def test_no_other_prices_have_smaller_relative_errors(points: list[Measured]) -> None:
    from scipy.optimize import nnls

    pace = found(points)
    shares = np.array([[part / p.seconds for part in p.work] for p in points])
    norms = np.linalg.norm(shares, axis=0)
    _, residual = nnls(shares / norms, np.ones(len(points)))
    ours = shares @ np.array(pace.prices) - 1
    assert np.linalg.norm(ours) <= residual + 1e-5
    assert pace.caution == pytest.approx(1 + abs(ours).max(), rel=1e-9)


def test_one_measurement_is_blamed_on_multiplications() -> None:
    work = work_of({"batch_size": 64}, {"model.macs": 10**6, "model.params": 10**4}, ROWS)
    pace = found([Measured(work, 2.0)], build=0.5)
    assert [price > 0 for price in pace.prices] == [True, False, False, False, False]
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
