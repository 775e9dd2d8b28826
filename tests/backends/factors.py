"""What the random layers with a factor do, told from their answers alone (numpy arrays)."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
from scipy import ndimage, stats

ROWS, HEIGHT, WIDTH = 400, 25, 31
Call = Callable[[object, np.ndarray], np.ndarray]  # a layer and images [N, H, W, C]


def ramps() -> np.ndarray:
    """Images whose two channels hold the row and the column, counted from the middle."""
    row = np.arange(HEIGHT) - (HEIGHT - 1) / 2
    column = np.arange(WIDTH) - (WIDTH - 1) / 2
    image = np.stack(np.meshgrid(row, column, indexing="ij"), axis=-1)
    return np.repeat(image[None], ROWS, axis=0).astype(np.float32)


def matrices(moved: np.ndarray) -> np.ndarray:
    """The maps [N, 2, 3] that made ramps into this, read off around the middle."""
    y, x = HEIGHT // 2, WIDTH // 2
    middle = moved[:, y, x]
    return np.stack([moved[:, y + 1, x] - middle, moved[:, y, x + 1] - middle, middle], axis=2)


def uniform(values: np.ndarray, low: float, high: float) -> bool:
    inside = values.min() >= low - 1e-4 and values.max() <= high + 1e-4
    return bool(inside and stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-4)


def check_factors(module: ModuleType, call: Call) -> None:
    """Each layer moves as its name says, and draws its numbers uniformly and for each image."""
    found = matrices(call(module.RandomTranslate(0.1), ramps()))
    assert np.allclose(found[:, :, :2], np.eye(2), atol=1e-3)
    assert uniform(found[:, 0, 2], -0.1 * HEIGHT, 0.1 * HEIGHT)
    assert uniform(found[:, 1, 2], -0.1 * WIDTH, 0.1 * WIDTH)
    assert abs(np.corrcoef(found[:, 0, 2], found[:, 1, 2])[0, 1]) < 0.25

    found = matrices(call(module.RandomRotate(0.1), ramps()))
    assert np.allclose(found[:, :, 2], 0, atol=1e-3)
    turns = np.arctan2(found[:, 1, 0], found[:, 0, 0]) / (2 * np.pi)
    cos, sin = np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)
    expected = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
    assert np.allclose(found[:, :, :2], expected, atol=1e-3)
    assert uniform(turns, -0.1, 0.1)

    found = matrices(call(module.RandomZoom(0.2), ramps()))
    assert np.allclose(found[:, [0, 1, 0, 1], [1, 0, 2, 2]], 0, atol=1e-3)
    assert uniform(found[:, 0, 0], 0.8, 1.2)
    assert uniform(found[:, 1, 1], 0.8, 1.2)
    assert abs(np.corrcoef(found[:, 0, 0], found[:, 1, 1])[0, 1]) < 0.25

    x = np.random.default_rng(3).uniform(0.1, 1, (ROWS, 6, 5, 2)).astype(np.float32)
    y = call(module.RandomContrast(0.3), x)
    mean = x.mean((1, 2), keepdims=True)
    assert np.allclose(y.mean((1, 2), keepdims=True), mean, atol=1e-4)
    scale = (y - mean)[:, 0, 0, 0] / (x - mean)[:, 0, 0, 0]
    assert np.allclose(y - mean, scale[:, None, None, None] * (x - mean), atol=1e-3)
    assert uniform(scale, 0.7, 1.3)


def check_warp(warp: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    """Against scipy's interpolation, far beyond the borders too."""
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 1, (5, 6, 9, 2)).astype(np.float32)
    matrix = rng.normal(0, 1, (5, 2, 3)).astype(np.float32) * [1, 1, 4]
    middle = np.array([2.5, 4.0])[:, None, None]
    here = np.stack(np.meshgrid(np.arange(6), np.arange(9), indexing="ij")) - middle
    y = warp(x, matrix.astype(np.float32))
    for image, map_, answer in zip(x, matrix, y, strict=True):
        there = np.einsum("ij,jhw->ihw", map_[:, :2], here) + map_[:, 2, None, None] + middle
        for channel in range(2):
            expected = ndimage.map_coordinates(image[..., channel], there, order=1, mode="reflect")
            assert np.allclose(answer[..., channel], expected, atol=1e-3)
