"""The PyTorch and the Keras model of a spec are one model: sizes, parameters, answers."""

from __future__ import annotations

import pytest

from tests.backends.scripts import run

pytestmark = [pytest.mark.torch, pytest.mark.keras]

# The default engine is looked at most; the others show that nothing depends on it.
RUNS = [
    ("tensorflow", 2, ("digits", "color", "odd")),
    ("tensorflow", 2, ("numbers", "mixed")),
    pytest.param("tensorflow", 1, ("operations", "architectures"), marks=pytest.mark.slow),
    pytest.param("tensorflow", 2, ("text", "text_operations"), marks=pytest.mark.slow),
    pytest.param("tensorflow", 4, ("wide_text",), marks=pytest.mark.slow),
    ("torch", 1, ("odd", "mixed", "operations")),
    ("torch", 1, ("text", "text_operations")),
    ("torch", 2, ("wide_text",)),
    ("jax", 1, ("odd", "mixed", "operations")),
    ("jax", 1, ("text", "text_operations")),
]


@pytest.mark.parametrize(("engine", "examples", "spaces"), RUNS, ids=lambda v: str(v))
def test_both_backends_build_the_same_model(
    engine: str, examples: int, spaces: tuple[str, ...]
) -> None:
    printed = run("same_model.py", engine, str(examples), *spaces)
    assert printed.count(": agree") >= 2 * len(spaces)
