"""What is random in the Keras project: augmentation and first weights.

python tests/backends/random_layers.py ENGINE
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from automlc.backends.keras.emit import model_files
from tests.backends.factors import check_factors, check_warp
from tests.compiler.spaces import graph, with_backend
from tests.compiler.test_odd_models import spec
from tests.emitted.loading import emitted

MODEL = (
    "random_flip ; random_shift ; {random_erase: {share: 0.4}} ; random_translate ; "
    "random_rotate ; random_zoom ; random_contrast ; {conv2d: {filters: 64}} ; "
    "{depthwise_conv2d: {kernel: 5}} ; {separable_conv2d: {filters: 64}} ; global_avg_pool2d ; "
    "{dense: {units: 64}} ; batch_norm"
)
TABLE = """automlc: 1
name: made
task: {kind: tabular_classification}
data: {source: made.npz}
space:
  model: [embed_categories: {limit: 16}, dense: {units: outputs}]
"""
TEXT = """automlc: 1
name: made
task: {kind: text_classification}
data: {source: made.csv}
space:
  model:
    - embedding: {features: 32}
    - position_embedding
    - conv1d: {filters: 64, kernel: 5}
    - separable_conv1d: {filters: 64, kernel: 3}
    - batch_norm
    - transformer_encoder: {heads: 4, hidden: 64}
    - global_avg_pool1d
    - dense: {units: outputs}
"""
ROWS = 400


def images(seed: int) -> np.ndarray:
    """Images without a zero in them, so that what was moved in or blanked can be told."""
    return np.random.default_rng(seed).uniform(0.1, 1, (ROWS, 10, 7, 3)).astype(np.float32)


def answers(layer: Any, x: np.ndarray) -> np.ndarray:
    import keras

    same = keras.ops.convert_to_numpy(layer(x, training=False))
    assert np.array_equal(same, x), "an augmentation must not touch what is predicted on"
    return keras.ops.convert_to_numpy(layer(x, training=True))


def check_flip(module: ModuleType) -> None:
    x = images(0)
    for words, axes in (({}, (2,)), ({"vertical": True}, (1, 2)), ({"horizontal": False}, ())):
        y = answers(module.RandomFlip(**words), x)
        variants = [x]
        for axis in axes:
            variants += [np.flip(v, axis) for v in variants]
        hits = np.array([[np.array_equal(a, b[i]) for b in variants] for i, a in enumerate(y)])
        assert hits.any(1).all(), words
        expected = ROWS / len(variants)
        assert (np.abs(hits.sum(0) - expected) < 5 * np.sqrt(expected)).all(), (words, hits.sum(0))


def check_shift(module: ModuleType) -> None:
    x, pixels = images(1), 2
    y = answers(module.RandomShift(pixels), x)
    padded = np.pad(x, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    seen = set()
    for i, image in enumerate(y):
        places = [
            (top, left)
            for top in range(2 * pixels + 1)
            for left in range(2 * pixels + 1)
            if np.array_equal(image, padded[i, top : top + 10, left : left + 7])
        ]
        assert len(places) == 1, i
        seen.add(places[0])
    assert len(seen) == (2 * pixels + 1) ** 2, "every shift has its chance"


def check_erase(module: ModuleType) -> None:
    x = images(2)
    y = answers(module.RandomErase(0.4), x)
    corners = set()
    for before, after in zip(x, y, strict=True):
        hole = (after == 0).all(-1)
        assert np.array_equal(after[~hole], before[~hole])
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert len(rows) == 4, "0.4 of 10 rows"
        assert len(columns) == 3, "0.4 of 7 columns"
        assert hole.sum() == 12, "one block without a gap"
        corners.add((rows[0], columns[0]))
    assert len(corners) == 7 * 5


def check_first_weights(model: Any, deviation: float) -> None:
    """PyTorch's own distributions, against PyTorch's own fan-in rule; embeddings as documented."""
    import torch

    for layer in model.layers:
        for variable in layer.trainable_weights:
            values = np.asarray(variable.numpy() if hasattr(variable, "numpy") else variable)
            name, flat = variable.path, values.ravel()
            if name.endswith("embeddings"):
                assert stats.kstest(flat, stats.norm(0, deviation).cdf).pvalue > 1e-4, name
                continue
            if name.endswith(("gamma", "beta")):
                assert set(flat) == {float(name.endswith("gamma"))}, name
                continue
            bound = like(torch, layer, variable)
            assert np.abs(flat).max() <= bound, name
            spread = stats.uniform(-bound, 2 * bound)
            assert stats.kstest(flat, spread.cdf).pvalue > 1e-4, name


def like(torch: Any, layer: Any, variable: Any) -> float:
    """The largest weight that PyTorch's layer of that kind may start with."""
    kernels = [v for v in layer.trainable_weights if v.name.endswith("kernel")]
    kernel = variable if any(variable is v for v in kernels) else kernels[-1]
    shape = tuple(kernel.shape)
    if len(shape) == 2:
        made = torch.nn.Linear(shape[0], shape[1])
        fan_in = made.in_features
    else:
        alone = "depthwise" in kernel.path and "pointwise" not in kernel.path
        inputs, outputs = shape[-2:]
        convolution = torch.nn.Conv2d if len(shape) == 4 else torch.nn.Conv1d
        made = convolution(
            inputs, inputs if alone else outputs, shape[0], groups=inputs if alone else 1
        )
        fan_in = made.weight[0].numel()
    bound = fan_in**-0.5
    assert float(made.weight.detach().abs().max()) <= bound * (1 + 1e-6)
    return bound


def both(x: np.ndarray, matrix: np.ndarray) -> tuple[Any, Any]:
    import keras

    return keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(matrix)


def main() -> None:
    os.environ["KERAS_BACKEND"] = sys.argv[1]
    made = with_backend(graph(spec("k: 'int(1, 2)'", MODEL), "odd"), "keras", sys.argv[1])
    table = with_backend(graph(TABLE, "mixed"), "keras", sys.argv[1])
    text = with_backend(graph(TEXT, "text"), "keras", sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        files = model_files(made, straight=False)
        with emitted(Path(folder) / "images", files, "ops") as module:
            import keras

            keras.utils.set_random_seed(1)
            check_flip(module)
            check_shift(module)
            check_erase(module)
            check_factors(module, answers)
            check_warp(lambda x, m: keras.ops.convert_to_numpy(module.warp(*both(x, m))))
        for name, found in (("images", made), ("table", table), ("text", text)):
            files = model_files(found, straight=False)
            with emitted(Path(folder) / name, files, "model") as module:
                keras.utils.set_random_seed(3)
                first = module.build_model(found.space.default_config())
                check_first_weights(first, 0.1 if name == "text" else 1.0)
                keras.utils.set_random_seed(3)
                again = module.build_model(found.space.default_config())
                for a, b in zip(first.weights, again.weights, strict=True):
                    assert np.array_equal(
                        keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b)
                    )
    print("as PyTorch does")


if __name__ == "__main__":
    main()
