"""One emitter, two uses: frozen source has the weights and the answers of the search's model."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automlc.backends.pytorch.emit import model_files
from tests.compiler.spaces import INPUTS, preset_graph, sample
from tests.compiler.test_costs import example
from tests.emitted.loading import emitted

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", sorted(set(INPUTS) - {"large"}))
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_frozen_source_is_the_same_model(name: str, tmp_path: Path, seed: int) -> None:
    graph = preset_graph(name, regression=seed % 2 == 1)
    config = sample(graph, seed)
    frozen = graph.freeze(config)
    assert frozen.frozen
    files = model_files(frozen, straight=True)
    assert "config" not in files["model.py"]
    assert " if " not in files["model.py"]
    x = example(graph.input_shape)
    with emitted(tmp_path / "search", model_files(graph, straight=False), "model") as module:
        torch.manual_seed(seed)
        expected = module.Model(config)
        weights = {k: v.clone() for k, v in expected.state_dict().items()}
        answer = expected.eval()(x)
        torch.manual_seed(seed + 1)
        trained = expected.train()(x.repeat(4, *[1] * (x.ndim - 1)))
    with emitted(tmp_path / "frozen", files, "model") as module:
        torch.manual_seed(seed)
        model = module.Model()
        state = model.state_dict()
        assert list(state) == list(weights)
        assert all(torch.equal(state[k], v) for k, v in weights.items())
        assert torch.equal(model.eval()(x), answer)
        torch.manual_seed(seed + 1)
        assert torch.equal(model.train()(x.repeat(4, *[1] * (x.ndim - 1))), trained)
