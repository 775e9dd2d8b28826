"""Networks of keras.applications stand in a project as they stand in Keras."""

from __future__ import annotations

import pytest

from tests.backends.scripts import run

pytestmark = [pytest.mark.keras, pytest.mark.slow]


def test_a_network_of_keras_has_its_weights_its_normalisation_and_its_shapes() -> None:
    assert run("hub_keras.py", "tensorflow").endswith("as keras.applications does\n")
