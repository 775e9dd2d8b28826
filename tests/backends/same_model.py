"""One spec, two frameworks, one model: run by test_same_model.py, once for each engine of Keras.

    python tests/backends/same_model.py ENGINE EXAMPLES WORD ...

A word is an input (`digits`), one with every group (`wide_text`), operations, text_operations, or
architectures.

For random configurations of the presets, of every operation by itself, and of odd architectures:
both emitted models have the compiler's number of parameters and bytes, and with PyTorch's weights
the Keras model gives PyTorch's answers, to 1e-4 in float32. Frozen source is the same model again.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from automlc.backends.keras.emit import model_files as keras_files
from automlc.backends.pytorch.emit import model_files as torch_files
from automlc.compiler.graph import SearchGraph
from automlc.compiler.ops import Image, Tokens
from tests.backends.operations import operations, text_operations, text_spec
from tests.backends.weights import carry_over, creation_order, variables
from tests.compiler.spaces import graph as graph_of
from tests.compiler.spaces import groups_for, preset_graph, sample, with_backend
from tests.compiler.test_odd_models import MODELS, spec
from tests.emitted.loading import emitted

TOLERANCE = 1e-4


def example(shape: Any, rows: int, seed: int) -> np.ndarray:
    """Random rows as the PyTorch model takes them."""
    rng = np.random.default_rng(seed)
    if isinstance(shape, Image):
        return rng.random((rows, shape.channels, shape.height, shape.width), dtype=np.float32)
    if isinstance(shape, Tokens):
        return tokens(shape, rows, rng)
    codes = [rng.integers(0, count + 1, (rows, 1)) for count in shape.cardinalities]
    return np.concatenate(
        [rng.normal(size=(rows, shape.numeric)), *codes], axis=1, dtype=np.float32
    )


def tokens(shape: Tokens, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Texts of every length: the first has no token at all, the last no padding."""
    ids = rng.integers(1, shape.vocabulary, (rows, shape.length), dtype=np.int32)
    lengths = np.linspace(0, shape.length, rows).astype(int)
    return np.where(np.arange(shape.length) < lengths[:, None], ids, np.int32(0))


def disturb(state: Mapping[str, Any], seed: int) -> None:
    """Give every number of a PyTorch state a value that is no default (0 and 1 hide mistakes)."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        noise = torch.rand(tensor.shape, generator=generator)
        if name.endswith(("running_var", "deviation", "idf")):
            tensor.copy_(0.5 + noise)
        elif tensor.ndim == 1:
            tensor.add_(noise - 0.5)


def torch_answers(module: ModuleType, config: dict[str, Any], x: np.ndarray, seed: int) -> Any:
    """The answers of the PyTorch model, its arrays in the order of its layers, its parameters."""
    import torch

    torch.manual_seed(seed)
    model = module.Model(config).eval()
    with torch.no_grad():
        disturb(model.state_dict(), seed)
        answers = model(torch.from_numpy(x)).numpy()
    arrays = [t.numpy() for t in model.state_dict().values() if t.is_floating_point()]
    return answers, arrays, sum(p.numel() for p in model.parameters())


def flattened(graph: SearchGraph, config: Mapping[str, Any], module: ModuleType) -> Any:
    """Channels, height and width of the feature map that is laid out as a vector, if one is."""
    import torch

    found: list[tuple[int, ...]] = []
    model = module.Model(config).eval()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Flatten):
            layer.register_forward_hook(lambda _, given, __: found.append(given[0].shape[1:]))
    shape = graph.input_shape
    with torch.no_grad():
        model(torch.from_numpy(example(shape, 1, 0)))
    return tuple(found[0]) if found and len(found[0]) == 3 else None


def keras_model(module: ModuleType, *config: Any) -> tuple[Any, list[Any]]:
    """The Keras model and its variables in the order of the making of its layers."""
    import keras

    with creation_order(keras) as made:
        model = module.build_model(*config)
    return model, variables(keras, made)


def check(graph: SearchGraph, seed: int, folder: Path) -> None:
    config = sample(graph, seed)
    costs = graph.costs.evaluate(config)
    x = example(graph.input_shape, 3, seed)
    with emitted(folder / "torch", torch_files(graph, straight=False), "model") as module:
        expected, arrays, parameters = torch_answers(module, config, x, seed)
        layout = flattened(graph, config, module)
    assert parameters == costs["model.params"]
    if isinstance(graph.input_shape, Image):
        x = x.transpose(0, 2, 3, 1)
    made = with_backend(graph, "keras", os.environ["KERAS_BACKEND"])
    with emitted(folder / "search", keras_files(made, straight=False), "model") as module:
        compare(*keras_model(module, config), arrays, layout, x, expected, costs)
    frozen = keras_files(made.freeze(config), straight=True)
    assert "config[" not in frozen["model.py"]
    with emitted(folder / "frozen", frozen, "model") as module:
        compare(*keras_model(module), arrays, layout, x, expected, costs)


def compare(
    model: Any,
    targets: list[Any],
    arrays: list[np.ndarray],
    layout: Any,
    x: np.ndarray,
    expected: np.ndarray,
    costs: Mapping[str, float],
) -> None:
    trained = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert trained == costs["model.params"], (trained, costs["model.params"])
    saved = sum(int(np.prod(v.shape)) * 4 for v in model.weights)
    assert saved == costs["model.size"], (saved, costs["model.size"])
    carry_over(arrays, targets, layout)
    import keras

    # Not compiled: each model is asked once. Trials run the compiled one.
    answers = keras.ops.convert_to_numpy(model(x, training=False))
    assert answers.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max()))
    difference = float(np.abs(answers - expected).max())
    assert difference <= TOLERANCE * scale, (difference, scale)


def spaces(name: str) -> Iterator[tuple[str, SearchGraph]]:
    """The graphs of one word of the command line."""
    if name == "architectures":
        for key, parts in MODELS.items():
            yield key, graph_of(spec(*parts), "odd")
    elif name == "operations":
        for key, (parameters, model) in operations().items():
            yield key, graph_of(spec(parameters, model), "odd")
    elif name == "text_operations":
        for key, (parameters, model) in text_operations().items():
            yield key, graph_of(text_spec(parameters, model), "text")
    elif name.startswith("wide_"):
        kind = name.removeprefix("wide_")
        yield f"{name} classification", preset_graph(kind, False, groups_for(kind))
        yield f"{name} regression", preset_graph(kind, True, groups_for(kind))
    else:
        yield f"{name} classification", preset_graph(name, False)
        yield f"{name} regression", preset_graph(name, True)


def agree(graph: SearchGraph, examples: int) -> None:
    """Raises AssertionError for the first configuration whose models differ."""
    quiet = (HealthCheck.too_slow, HealthCheck.data_too_large)

    @settings(max_examples=examples, deadline=None, suppress_health_check=quiet)
    @given(seed=st.integers(0, 2**32))
    def models_agree(seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            check(graph, seed, Path(folder))

    models_agree()


def main() -> None:
    os.environ["KERAS_BACKEND"] = sys.argv[1]
    for word in sys.argv[3:]:
        for name, graph in spaces(word):
            print(f"{name}: ", end="", flush=True)
            agree(graph, int(sys.argv[2]))
            print("agree", flush=True)


if __name__ == "__main__":
    main()
