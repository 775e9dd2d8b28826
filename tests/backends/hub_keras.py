"""A network of keras.applications inside a project, its weights from a file the test writes.

python tests/backends/hub_keras.py ENGINE
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from automlc.backends.keras.emit import model_files
from tests.compiler.hubs import hub_graph
from tests.emitted.loading import emitted

NAMES = {"resnet50": "resnet", "xception": "xception", "efficientnet_b0": "efficientnet"}


def check(name: str, engine: str, folder: Path) -> None:
    import keras

    from automlc.compiler.backbones import catalog

    facts = catalog()[name]["keras"]
    source = getattr(keras.applications, facts["name"])(
        include_top=False, weights=None, input_shape=(72, 97, 3)
    )
    file = folder / f"{name}.weights.h5"
    source.save_weights(file)
    graph = hub_graph(folder, [f"{name}@{file.name}"], "keras", engine, (72, 97, 3))
    config = graph.space.default_config()
    config |= {"block": NAMES[name], "pretrained": True, "trainable": False, "augment": "none"}
    config |= {"image_size": "input", "reduction": "flatten", "hidden": 0, "dropout": 0.0}
    config[f"{NAMES[name]}_version"] = f"{name}@{file.name}"
    assert graph.space.problems(config) == [], graph.space.problems(config)
    files = model_files(graph, straight=False)
    before = Path.cwd()
    os.chdir(folder)
    try:
        with emitted(folder / f"project_{name}", files, "model") as module:
            model = module.build_model(config)
            for layer in model.layers:
                if hasattr(layer, "adapt_input"):
                    layer.adapt_input(None)
            body = [layer for layer in sys.modules["ops"].backbone_layers(model) if layer.weights]
            given = [layer for layer in source.layers if layer.weights]
            for layer, other in zip(body, given, strict=True):
                for a, b in zip(layer.get_weights(), other.get_weights(), strict=True):
                    assert np.array_equal(a, b)
                assert not layer.trainable_weights
            x = np.random.default_rng(0).uniform(0, 1, (2, 72, 97, 3)).astype(np.float32)
            flat = next(layer for layer in model.layers if type(layer).__name__ == "Flatten")
            features = keras.Model(model.inputs, flat.input).predict(x, verbose=0)
            applications = keras.applications
            modes = {
                "resnet50": applications.resnet.preprocess_input,
                "xception": applications.xception.preprocess_input,
                "efficientnet_b0": applications.efficientnet.preprocess_input,
            }
            expected = source.predict(modes[name](x * 255), verbose=0)
            assert features.shape == expected.shape, (features.shape, expected.shape)
            scale = np.abs(expected).max()
            assert scale > 0
            assert np.allclose(features, expected, atol=1e-3 * scale), name
            costs = graph.costs.evaluate(config)
            counted = sum(int(np.prod(w.shape)) for w in model.weights)
            assert costs["model.size"] == 4 * counted, (costs["model.size"], 4 * counted)
    finally:
        os.chdir(before)
    keras.backend.clear_session()


def main() -> None:
    os.environ["KERAS_BACKEND"] = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            check(name, sys.argv[1], Path(folder).resolve())
    print("as keras.applications does")


if __name__ == "__main__":
    main()
