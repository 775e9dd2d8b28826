"""What a preset knows of small models, and when a plan holds it."""

from __future__ import annotations

import pytest

from automlc.compiler.graph import SearchGraph
from automlc.compiler.shipped import PRESETS, load_preset
from automlc.runtime.plan import Plan
from automlc.spec.errors import AutomlcError
from tests.compiler.spaces import graph, preset_graph

HEAD = "automlc: 1\nname: made\ntask: {kind: image_classification}\ndata: {source: made.npz}\n"
WALL = "budget: {wall: 60s}\n"
WITH_STARTS = [name for name in PRESETS if load_preset(name).starts]


def images(text: str) -> SearchGraph:
    return graph(HEAD + text, "color", False)


def test_presets_of_images_and_texts_know_small_models() -> None:
    assert {"image/blocks", "text/blocks"} <= {*WITH_STARTS}


def test_each_start_is_a_configuration_and_each_is_cheaper_than_the_one_before() -> None:
    made = images(WALL)
    assert len(made.starts) == len(load_preset("image/blocks").starts)
    costs = [
        made.costs.evaluate(config)["model.macs"]
        for config in (made.space.default_config(), *made.starts)
    ]
    assert all(not made.space.violated(start) for start in made.starts)
    assert costs == sorted(costs, reverse=True)


def test_a_start_differs_from_the_default_only_where_the_preset_says_so() -> None:
    made = images(WALL)
    default = made.space.default_config()
    for written, start in zip(load_preset("image/blocks").starts, made.starts, strict=True):
        assert all(start[name] == value for name, value in written.items())
        others = start.keys() & default.keys() - written.keys()
        assert all(start[name] == default[name] for name in others)


def test_only_a_search_with_a_wall_needs_them() -> None:
    assert images("").starts == ()
    assert "starts" not in images("").plan().to_json()
    assert "starts" not in images("").to_json()


@pytest.mark.parametrize(
    ("narrowed", "left"),
    [
        ("space: {parameters: {depth: {int: [1, 2], default: 1}}}\n", 2),
        ("space: {parameters: {reduction: {choice: [global_avg, global_max]}}}\n", 0),
        ("space: {forbid: [\"block == 'vanilla'\"]}\n", 0),
    ],
)
def test_a_start_that_the_spec_does_not_allow_is_left_out(narrowed: str, left: int) -> None:
    assert len(images(narrowed + WALL).starts) == left


def test_plan_and_graph_keep_them() -> None:
    made = images(WALL)
    assert Plan.from_json(made.plan().to_json()).starts == made.starts
    assert SearchGraph.from_json(made.to_json()).starts == made.starts
    assert made.freeze(made.space.default_config()).starts == ()


def test_a_plan_whose_starts_are_no_configurations_is_refused() -> None:
    data = images(WALL).plan().to_json()
    for wrong in ({"block": "vanilla"}, {**data["starts"][0], "depth": 99}, 3):
        with pytest.raises(AutomlcError, match="starts"):
            Plan.from_json({**data, "starts": [wrong]})


def test_the_groups_of_a_preset_keep_its_starts() -> None:
    groups = ("layers", "activations")
    wide = preset_graph("color", False, groups)
    assert not wide.starts
    text = f"space: {{expand: [{', '.join(groups)}]}}\n"
    assert len(images(text + WALL).starts) == len(images(WALL).starts)
