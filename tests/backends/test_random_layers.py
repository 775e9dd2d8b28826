"""Augmentation does what it says on every engine of Keras, and weights begin as PyTorch's do."""

from __future__ import annotations

import pytest

from tests.backends.scripts import run

pytestmark = [pytest.mark.torch, pytest.mark.keras]


@pytest.mark.parametrize("engine", ["tensorflow", "torch", "jax"])
def test_randomness_of_a_keras_project(engine: str) -> None:
    assert run("random_layers.py", engine) == "as PyTorch does\n"
