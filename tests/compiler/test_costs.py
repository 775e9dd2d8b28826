"""The compiler's counts equal those of the built PyTorch module, for any configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automlc.backends.pytorch.emit import model_files
from automlc.compiler.ops import Image, Tokens
from tests.compiler.spaces import INPUTS, groups_for, preset_graph, sample
from tests.emitted.loading import emitted

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

SPACES = [(name, regression, ()) for name in INPUTS for regression in (False, True)]
SPACES += [(name, False, groups_for(name)) for name in INPUTS if groups_for(name)]


def macs_of(model: torch.nn.Module, x: torch.Tensor) -> int:
    """Multiply-accumulates of convolutions and dense layers, counted while the model runs."""
    total = 0

    def convolution(layer: torch.nn.Conv2d, _: object, out: torch.Tensor) -> None:
        nonlocal total
        per_output = layer.weight.numel() // layer.out_channels
        total += per_output * out[0].numel()

    def dense(layer: torch.nn.Linear, _: object, out: torch.Tensor) -> None:
        nonlocal total
        total += layer.weight.numel() * (out[0].numel() // layer.out_features)

    def attention(layer: torch.nn.Module, given: tuple[torch.Tensor], _: object) -> None:
        """Queries with keys, then weights with values, at each pair of places."""
        nonlocal total
        total += 2 * given[0].shape[1] ** 2 * layer.query.out_features

    for module in model.modules():
        if type(module).__name__ == "TransformerEncoder":
            module.register_forward_hook(attention)
        if isinstance(module, torch.nn.Conv2d | torch.nn.Conv1d):
            module.register_forward_hook(convolution)
        elif isinstance(module, torch.nn.Linear):
            module.register_forward_hook(dense)
    with torch.no_grad():
        model(x)
    return total


def example(shape: object) -> torch.Tensor:
    """Two random examples of an input."""
    if isinstance(shape, Image):
        return torch.rand(2, shape.channels, shape.height, shape.width)
    if isinstance(shape, Tokens):
        return torch.randint(0, shape.vocabulary, (2, shape.length), dtype=torch.int32)
    codes = [torch.randint(0, count + 1, (2, 1)).float() for count in shape.cardinalities]
    return torch.cat([torch.randn(2, shape.numeric), *codes], dim=1)


@pytest.mark.parametrize(("name", "regression", "groups"), SPACES, ids=lambda v: str(v))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_counts_equal_those_of_the_module(
    name: str, regression: bool, groups: tuple[str, ...], tmp_path: Path, seed: int
) -> None:
    graph = preset_graph(name, regression, groups)
    config = sample(graph, seed)
    costs = graph.costs.evaluate(config)
    with emitted(tmp_path, model_files(graph, straight=False), "model") as module:
        # On the meta device shapes are computed and nothing else: any size costs the same.
        with torch.device("meta"):
            model = module.Model(config).eval()
        floats = [t for t in model.state_dict().values() if t.is_floating_point()]
        assert costs["model.params"] == sum(p.numel() for p in model.parameters())
        assert costs["model.size"] == sum(t.numel() * t.element_size() for t in floats)
        x = example(graph.input_shape).to("meta")
        assert costs["model.macs"] == macs_of(model, x)
        assert model(x).shape == (2, graph.outputs)


def saved_bytes(model: torch.nn.Module, x: torch.Tensor) -> int:
    """Bytes of all tensors kept for the backward pass, each storage once, weights left out."""
    weights = {t.untyped_storage().data_ptr() for t in model.state_dict().values()}
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(x).sum().backward()
    return sum(t.untyped_storage().nbytes() for p, t in kept.items() if p not in weights)


@pytest.mark.parametrize("name", ["digits", "mixed", "text"])
def test_what_is_kept_for_the_backward_pass_is_less_than_training_memory_counts(
    name: str, tmp_path: Path
) -> None:
    found = preset_graph(name, False, groups_for(name), "training.memory <= 900GB")
    with emitted(tmp_path, model_files(found, straight=False), "model") as module:
        for seed in range(6):
            config = sample(found, seed)
            costs = found.costs.evaluate(config)
            x = example(found.input_shape)
            slots = {"sgd": int(config.get("momentum", 0.0) > 0)}.get(config["optimizer"], 2)
            weights = (2 + slots) * 4
            a_batch = costs["training.memory"] - weights * costs["model.params"]
            kept = saved_bytes(module.Model(config).train(), x)
            assert kept / len(x) <= a_batch / config["batch_size"], config
