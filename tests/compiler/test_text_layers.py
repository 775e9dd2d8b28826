"""Layers over texts: padding never changes a result, counts are tf-idf, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automlc.backends.pytorch.emit import model_files
from automlc.compiler.checks import run_passes
from automlc.compiler.draft import Draft
from automlc.spec.load import load_text
from tests.backends.operations import text_spec
from tests.compiler.spaces import contract, graph, preset_graph
from tests.emitted.loading import emitted

REDUCED = {
    "avg": "{embedding: {features: 5}} ; global_avg_pool1d",
    "max": "{embedding: {features: 5}} ; global_max_pool1d",
    "conv": "{embedding: {features: 5}} ; {conv1d: {filters: 4, kernel: 5}} ; batch_norm ; "
    "activation ; {conv1d: {filters: 4, kernel: 3}} ; global_avg_pool1d",
    "separable": "{embedding: {features: 5}} ; {separable_conv1d: {filters: 4, kernel: 3}} ; "
    "layer_norm ; {separable_conv1d: {filters: 4, kernel: 3}} ; global_max_pool1d",
    "pools": "{embedding: {features: 5}} ; {max_pool1d: {size: 3}} ; max_pool1d ; "
    "{conv1d: {filters: 4, kernel: 3}} ; global_avg_pool1d",
    "transformer": "{embedding: {features: 6}} ; position_embedding ; "
    "{transformer_encoder: {heads: 2, hidden: 7}} ; {transformer_encoder: {heads: 4, hidden: 7}} ; "
    "global_avg_pool1d",
    "bag": "{bag_of_tokens: {ngrams: 2}}",
}


def texts(torch: Any, rows: int = 6, length: int = 21) -> Any:
    """Token ids of texts with 0, 2, 4, … tokens."""
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(1, 90, (rows, length), generator=generator, dtype=torch.int32)
    return ids * (torch.arange(length) < 2 * torch.arange(rows)[:, None])


@pytest.fixture
def built(tmp_path: Path) -> Callable[[str], Any]:
    """A PyTorch model of some layers over texts, with weights of its own."""
    torch = pytest.importorskip("torch")

    def build(model: str) -> Any:
        made = graph(text_spec("k: 'int(1, 2)'", model), "text")
        with emitted(tmp_path / "project", model_files(made, straight=False), "model") as module:
            torch.manual_seed(1)
            return module.Model({"k": 1})

    return build


@pytest.mark.torch
@pytest.mark.parametrize("name", REDUCED)
def test_appended_padding_changes_nothing(name: str, built: Callable[[str], Any]) -> None:
    import torch

    model, x = built(REDUCED[name]).eval(), texts(torch)
    with torch.no_grad():
        whole = model(x)
        for length in (10, 11, 15):
            torch.testing.assert_close(model(x[:, :length]), whole)
        assert whole.isfinite().all()


@pytest.mark.torch
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", [name for name in REDUCED if name != "bag"])
def test_the_vector_of_padding_is_read_by_nobody(
    name: str, training: bool, built: Callable[[str], Any]
) -> None:
    import torch

    model, x = built(REDUCED[name]).train(training), texts(torch)
    before = model(x)
    before.square().sum().backward()
    table = next(m for m in model.modules() if isinstance(m, torch.nn.Embedding))
    assert table.weight.grad is not None
    assert (table.weight.grad[0] == 0).all()
    with torch.no_grad():
        table.weight[0] = 1000.0
        torch.testing.assert_close(model(x), before)


@pytest.mark.torch
def test_flattened_padding_is_zero(built: Callable[[str], Any]) -> None:
    import torch

    model, x = built("{embedding: {features: 4}}").eval(), texts(torch)
    with torch.no_grad():
        before = model(x)
        model.layers[0].weight[0] = 1000.0
        torch.testing.assert_close(model(x), before)


@pytest.mark.torch
def test_batch_norm_measures_tokens_alone(built: Callable[[str], Any]) -> None:
    import torch

    model, x = built("{embedding: {features: 4}} ; batch_norm").train(), texts(torch)
    model(x)
    norm = next(m for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d))
    real = model.layers[0].weight[x[x > 0].long()].detach()
    torch.testing.assert_close(norm.running_mean, 0.1 * real.mean(0))
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * real.var(0))


@pytest.mark.torch
def test_a_bag_is_the_tf_idf_that_scikit_learn_counts(built: Callable[[str], Any]) -> None:
    import torch

    text = pytest.importorskip("sklearn.feature_extraction.text")
    model, x = built("{bag_of_tokens: {ngrams: 1}}").eval(), texts(torch, rows=9)
    bag = next(m for m in model.modules() if type(m).__name__ == "BagOfTokens")
    bag.adapt_input(x)
    counts = np.stack([np.bincount(row[row > 0], minlength=90) for row in x.numpy()])
    expected = text.TfidfTransformer(smooth_idf=True).fit_transform(counts).toarray()
    np.testing.assert_allclose(bag(x).numpy(), expected, atol=1e-6)


@pytest.mark.torch
def test_pairs_are_counted_behind_the_tokens(built: Callable[[str], Any]) -> None:
    import torch

    model = built("{bag_of_tokens: {ngrams: 2}}")
    bag = next(m for m in model.modules() if type(m).__name__ == "BagOfTokens")
    x = torch.zeros(2, 21, dtype=torch.int32)
    x[0, :3] = torch.tensor([5, 7, 5])
    counts = bag.counts(x)
    assert counts.shape == (2, 180)
    assert counts[0, [5, 7]].tolist() == [2, 1]
    pairs = {90 + (a * 8191 + b) % 90 for a, b in ((5, 7), (7, 5))}
    assert set(counts[0, 1:].nonzero().flatten().tolist()) == {4, 6, *(p - 1 for p in pairs)}
    assert counts[:, 1:].sum().item() == 5


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("{conv1d: {filters: 4}}", "E327"),
        ("{dense: {units: 4}}", "E327"),
        ("{embedding: {features: 4}} ; {dense: {units: 4}}", "E327"),
        ("{embedding: {features: 4}} ; {embedding: {features: 4}}", "E327"),
        ("{embedding: {features: 4}} ; {residual: [{conv1d: {filters: 4}}]}", "E327"),
        ("{embedding: {features: 4}} ; {conv1d: {filters: 4, kernel: 4}}", "E324"),
        ("{embedding: {features: 4}} ; {conv2d: {filters: 4}}", "E327"),
        ("{bag_of_tokens: {ngrams: 3}}", "E324"),
        ("{crop_tokens: {length: input.height, vocabulary: 9}}", "E307"),
    ],
)
def test_layers_that_do_not_fit_texts_are_refused(model: str, code: str) -> None:
    loaded = load_text(text_spec("k: 'int(1, 2)'", model), "task.yaml")
    draft = run_passes(Draft(loaded, contract("text", False)))
    assert code in {problem.code for problem in draft.problems.errors}


def test_a_model_is_never_larger_than_its_data() -> None:
    found = preset_graph("text", False)
    config = found.space.default_config() | {"block": "vanilla"}
    wide = found.costs.evaluate(config | {"max_tokens": 20000, "sequence_length": 128})
    fits = found.costs.evaluate(config | {"max_tokens": 500, "sequence_length": 32})
    assert wide == fits
