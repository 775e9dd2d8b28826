"""Augmentation of a PyTorch project does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automlc.backends.pytorch.emit import model_files
from tests.backends.factors import check_factors, check_warp
from tests.compiler.spaces import graph
from tests.compiler.test_odd_models import spec
from tests.emitted.loading import emitted

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

MODEL = "random_translate ; random_rotate ; random_zoom ; random_contrast ; global_avg_pool2d"


def first(x: np.ndarray) -> Any:
    """Channels first, as PyTorch has them."""
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def answers(layer: Any, x: np.ndarray) -> np.ndarray:
    same = layer.eval()(first(x))
    assert torch.equal(same, first(x)), "an augmentation must not touch what is predicted on"
    again = []
    for _ in range(2):
        torch.manual_seed(7)
        again.append(layer.train()(first(x)))
    assert torch.equal(*again), "the same seed draws the same numbers"
    return again[0].numpy().transpose(0, 2, 3, 1)


def test_layers_with_a_factor_move_images_as_their_names_say(tmp_path: Path) -> None:
    files = model_files(graph(spec("k: 'int(1, 2)'", MODEL), "odd"), straight=False)
    with emitted(tmp_path, files, "ops") as module:
        check_factors(module, answers)
        check_warp(
            lambda x, matrix: (
                module.warp(first(x), torch.from_numpy(matrix)).numpy().transpose(0, 2, 3, 1)
            )
        )
