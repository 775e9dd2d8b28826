"""training.memory equals its closed form, and costs nothing where no constraint names it."""

from __future__ import annotations

import pytest

from tests.compiler.spaces import graph, groups_for, preset_graph

SPEC = """
automlc: 1
name: made
task: {kind: tabular_classification}
data: {source: made.npz}
constraints: [training.memory <= 100MB]
space:
  parameters:
    optimizer: {choice: [adam, adamw, nadam, rmsprop, sgd]}
    momentum: {choice: [0.0, 0.9], when: optimizer == "sgd"}
    batch_size: {choice: [16, 64]}
    width: int(1, 300)
  model:
    - embed_categories
    - dense: {units: width}
    - activation: {kind: relu}
    - dense: {units: outputs}
"""


@pytest.mark.parametrize(
    ("optimizer", "momentum", "kept"),
    [
        ("adam", None, 2),
        ("adamw", None, 2),
        ("nadam", None, 2),
        ("rmsprop", None, 1),
        ("sgd", 0.9, 1),
        ("sgd", 0.0, 0),
    ],
)
@pytest.mark.parametrize(("batch", "width"), [(16, 1), (64, 211)])
def test_a_dense_model_needs_what_pencil_and_paper_say(
    optimizer: str, momentum: float | None, kept: int, batch: int, width: int
) -> None:
    found = graph(SPEC, "numbers")
    config = {**found.space.default_config(), "optimizer": optimizer, "batch_size": batch}
    config |= {"width": width}
    if momentum is not None:
        config["momentum"] = momentum
    inputs, outputs = 10, 7
    params = (inputs + 1) * width + (width + 1) * outputs
    made = inputs + width + width + outputs  # columns, dense, relu, dense
    expected = 4 * (params * (2 + kept) + batch * (inputs + 2 * made))
    assert found.costs.evaluate(config)["training.memory"] == expected


def test_an_encoder_counts_what_it_makes_on_the_way() -> None:
    text = """
automlc: 1
name: made
task: {kind: text_classification}
data: {source: made.npz}
constraints: [training.memory <= 100MB]
space:
  parameters: {optimizer: fixed(adam), batch_size: fixed(3), heads: "choice(4, 5)"}
  model:
    - embedding: {features: 6}
    - transformer_encoder: {heads: heads, hidden: 11}
    - global_avg_pool1d
    - dense: {units: outputs}
"""
    found = graph(text, "text")
    places, features, hidden = 21, 6, 11
    for heads, inner in ((4, 8), (5, 10)):
        costs = found.costs.evaluate({**found.space.default_config(), "heads": heads})
        outputs = places * features * 2 + features + 7
        assert costs["model.activation_memory"] == 4 * outputs
        inside = places * (5 * features + 4 * inner + 3 * hidden) + 2 * heads * places**2
        batch = 3 * (places + 2 * (outputs + inside))
        assert costs["training.memory"] == 4 * (costs["model.params"] * 4 + batch)


@pytest.mark.parametrize("name", ["digits", "mixed", "text"])
def test_no_plan_computes_it_unasked(name: str) -> None:
    assert "training.memory" not in preset_graph(name, False, groups_for(name)).costs.outputs
