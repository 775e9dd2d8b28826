"""Feature maps that the body of a project's model makes of some images, of either backend.

python tests/backbone_probe.py PROJECT CONFIG WEIGHTS IMAGES.npy OUT.npy

WEIGHTS is a file of a trained model, or `adapt`: then only what was pretrained is loaded.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np


def main() -> None:
    project, config_file, weights, images, out = sys.argv[1:]
    sys.path.insert(0, project)
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))["config"]
    x = np.load(images).astype(np.float32) / 255
    features = keras_features if Path(project, "engine.py").exists() else torch_features
    np.save(out, features(config, weights, x))


def start(model: Any, weights: str, x: Any) -> Any:
    import checkpoint

    if weights == "adapt":
        checkpoint.adapt(model, SimpleNamespace(x=x, y=None))
    else:
        checkpoint.load_weights(Path(weights), model)
    return model


def torch_features(config: dict[str, Any], weights: str, x: np.ndarray) -> np.ndarray:
    import torch
    from model import Model

    inputs = torch.from_numpy(x[:, None])
    model = start(Model(config), weights, inputs).eval()
    with torch.no_grad():
        for layer in model.layers:
            if type(layer).__name__.startswith("Global"):
                return inputs.numpy().transpose(0, 2, 3, 1)
            inputs = layer(inputs)
    raise AssertionError("no pooling")


def keras_features(config: dict[str, Any], weights: str, x: np.ndarray) -> np.ndarray:
    from engine import keras
    from model import build_model

    model = start(build_model(config), weights, x[..., None])
    pooling = next(layer for layer in model.layers if type(layer).__name__.startswith("Global"))
    return np.asarray(keras.Model(model.inputs, pooling.input).predict(x[..., None], verbose=0))


if __name__ == "__main__":
    main()
