"""What the parameters of training do in an emitted Keras project, on each engine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.emitted.keras_projects import probe, project

pytestmark = pytest.mark.keras

ROWS = 72
JAX = pytest.param("jax", marks=pytest.mark.slow)  # compiles for minutes
VARIANCES = {
    "he_uniform": lambda taken, given: 2 / taken,
    "he_normal": lambda taken, given: 2 / taken,
    "lecun_uniform": lambda taken, given: 1 / taken,
    "lecun_normal": lambda taken, given: 1 / taken,
    "glorot_uniform": lambda taken, given: 2 / (taken + given),
    "glorot_normal": lambda taken, given: 2 / (taken + given),
}
# How many numbers one unit takes and gives to, as Keras counts.
FANS = {"dense": (300, 200), "convolution": (24 * 25, 80 * 25), "depthwise": (900 * 49, 49)}


@pytest.fixture(scope="module", params=["tensorflow", "torch", JAX])
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("parameters")
    written = project(folder, "images")
    commands: dict[str, Any] = {
        name: {"folder": str(folder / name), "rows": ROWS} for name in ("steps", "start", "pace")
    }
    for name in commands:
        Path(folder, name).mkdir()
    return probe(request.param, written, drawn={"names": list(VARIANCES)}, **commands)


def test_first_kernels_have_the_variance_of_their_name(answers: Any) -> None:
    for name, found in answers["drawn"].items():
        for layer, (variance, mean, largest, fourth) in found.items():
            expected = VARIANCES[name](*FANS[layer])
            assert variance == pytest.approx(expected, rel=0.03), (name, layer)
            assert abs(mean) < 0.02 * math.sqrt(expected)
            edge = math.sqrt(3) if name.endswith("uniform") else 2 / 0.87962566103423978
            assert largest == pytest.approx(edge * math.sqrt(expected), rel=0.01)
            assert (fourth / expected**2 < 1.9) == name.endswith("uniform")


@pytest.mark.parametrize("what", ["all", "bn", "no"])
def test_what_a_stage_freezes_stays_as_it_was(answers: Any, what: str) -> None:
    found = answers["steps"][what]
    first, (one, two) = found["first"], found["after"]
    kept = {name for name in first if one[name] == first[name]}
    body = {name for name in first if ".Conv2D." in name}
    norm = {name for name in first if ".BatchNormalization." in name}
    fixed = {name for name in first if ".Standardize." in name}  # of the data
    assert (len(body), len(norm)) == (2, 4)
    assert kept == {"all": body | norm | fixed, "bn": norm | fixed, "no": fixed}[what]
    assert {name for name in first if two[name] != first[name]} == set(first) - fixed
    assert found["kernels"] == 2, "the probe looks at what is frozen, too"


@pytest.mark.parametrize("case", ["two 1", "two 2", "three 1", "three 2"])
def test_a_training_resumed_around_a_stage_ends_with_the_same_bytes(
    answers: Any, case: str
) -> None:
    whole, resumed = answers["steps"][case]
    assert whole == resumed


def test_a_warm_start_takes_what_fits_and_says_how_much(answers: Any) -> None:
    found = answers["start"]
    expected = {"trial": 7, "loaded": found["of"] - 1, "of": found["of"]}
    assert found["notes"] == {"start": expected}
    assert found["different"] == [found["lost"]]
    first, second = found["records"]
    assert first["start"] == expected
    assert "start" not in second


def test_a_warm_start_from_nothing_that_fits_is_a_cold_one(answers: Any) -> None:
    [cold], [nothing] = answers["start"]["cold"], answers["start"]["nothing"]
    assert nothing["start"]["loaded"] == 0
    assert nothing["checkpoint"] == cold["checkpoint"]


def test_the_pace_is_told_and_nothing_is_written(answers: Any) -> None:
    told = answers["pace"]["told"]
    assert answers["pace"]["files"] == []
    assert told["batch_size"] == 64
    assert told["steps"] >= 2
    assert np.isfinite([*told.values()]).all()
    least = 2 * told["step_seconds"] + 40 * told["evaluation_seconds_per_row"]
    assert told["epoch_seconds"] > least > 0
