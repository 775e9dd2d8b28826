"""Groups of `space.expand`: each widens a space that stays whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.backends.pytorch.emit import model_files
from automlc.compiler.graph import SearchGraph
from automlc.compiler.plan_text import plan_text
from automlc.compiler.shipped import DEFAULT_PRESETS, PRESETS, TRAINING, groups_of, load_preset
from automlc.spec.domains import Config
from tests.compiler.spaces import groups_for, kind_of, preset_graph, sample

NAMES = ("digits", "mixed", "text")
ALL = [(name, group) for name in NAMES for group in groups_for(name)]


@pytest.mark.parametrize(("name", "group"), ALL)
def test_a_group_keeps_the_default_configuration_and_adds_to_it(name: str, group: str) -> None:
    plain, wide = preset_graph(name, False), preset_graph(name, False, (group,))
    default = wide.space.default_config()
    assert wide.space.problems(default) == []
    before = plain.space.default_config()
    assert all(default[key] == before[key] for key in default.keys() & before.keys())
    gone = before.keys() - default.keys()
    assert all(wide.space[key].when is not None for key in gone), "they are not read any more"
    assert wide.costs.evaluate(default) == plain.costs.evaluate(plain.space.default_config())
    assert wide.space.names != plain.space.names or wide.space != plain.space


@pytest.mark.parametrize(("name", "group"), ALL)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_samples_of_a_widened_space_are_valid_and_have_costs(
    name: str, group: str, seed: int
) -> None:
    wide = preset_graph(name, False, (group,))
    config = sample(wide, seed)
    assert wide.space.problems(config) == []
    assert wide.costs.evaluate(config)["model.params"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_lists_what_each_group_added(name: str) -> None:
    groups = groups_for(name)
    text = plan_text(preset_graph(name, False, groups))
    preset = load_preset(DEFAULT_PRESETS[kind_of(name)])
    for group in groups:
        added = ", ".join(groups_of(preset)[group])
        assert f"  group {group}: {added}\n" in text


@pytest.mark.parametrize("name", NAMES)
def test_what_only_a_group_searches_leaves_no_trace_in_the_default_project(name: str) -> None:
    graph = preset_graph(name, False)
    files = model_files(graph, straight=False)
    for parameter in load_preset(DEFAULT_PRESETS[kind_of(name)]).neutral:
        assert parameter not in graph.space.names
        assert parameter not in files["model.py"]
    assert '"factors"' not in files["model.py"]


def sizes_of(name: str) -> list[str]:
    """The parameters of the group `layers` that say how large one layer is, if not 0."""
    neutral = load_preset(DEFAULT_PRESETS[kind_of(name)]).neutral
    return [one for one in neutral if one.startswith(("filters_", "units_"))]


SIZES = [(name, size) for name in ("digits", "text") for size in sizes_of(name)]
STEPS = {"depth": 3, "layers": 2, "dense_layers": 3}


def stacked(name: str, **values: Any) -> tuple[SearchGraph, Config]:
    """The space with the group `layers`, and a plain model of it with these values."""
    wide = preset_graph(name, False, ("layers",))
    chosen = {"block": "vanilla", **values}
    return wide, wide.space.build(lambda p: chosen.get(p.name, p.default))


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_each_size_of_a_layer_makes_another_model(name: str, size: str) -> None:
    wide, config = stacked(name, **STEPS)
    values = wide.space[size].domain.values  # type: ignore[union-attr]  # a choice
    counts = {wide.costs.evaluate({**config, size: one})["model.params"] for one in values}
    assert len(counts) >= len(values) - 1, "0 may be one of the others"


@pytest.mark.parametrize("name", ["digits", "text"])
def test_only_sizes_of_layers_that_exist_are_active(name: str) -> None:
    def active(**values: Any) -> list[str]:
        _, config = stacked(name, **values)
        return [size for size in sizes_of(name) if size in config]

    assert active(**STEPS) == sizes_of(name)
    own = ["units_0"] if name == "text" else []
    assert active(depth=1, layers=1, dense_layers=1) == ["filters_0_0", *own]
    assert active(depth=2, layers=1) == ["filters_0_0", "filters_1_0", *own]
    assert active(block="resnet" if name == "digits" else "ngram", **STEPS) == [
        size for size in sizes_of(name) if size.startswith("units_")
    ]


def test_sizes_of_zero_are_those_of_width_and_hidden() -> None:
    wide, zero = stacked("text", width=16, hidden=32, **STEPS)
    said = {f"filters_{i}_{j}": 16 * 2**i for i in range(3) for j in range(2)}
    said |= {f"units_{i}": 32 for i in range(3)}
    assert wide.space.problems({**zero, **said}) == []
    assert wide.costs.evaluate({**zero, **said}) == wide.costs.evaluate(zero)


def test_where_hidden_is_0_only_what_has_units_is_a_layer() -> None:
    wide, one = stacked("text", hidden=64, dense_layers=1)
    _, last = stacked("text", hidden=0, dense_layers=3, units_2=64)
    assert wide.costs.evaluate(one) == wide.costs.evaluate(last)


def dense_by_hand(inputs: int, units: list[int], norm: bool, classes: int) -> int:
    """Parameters of dense layers: weights and biases, and twice the units for batch norm."""
    sizes = [inputs, *units]
    layers = [a * b + b + (2 * b if norm else 0) for a, b in zip(sizes, units, strict=False)]
    return sum(layers) + sizes[-1] * classes + classes


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_dense_layers_have_the_parameters_of_a_closed_form(norm: str) -> None:
    sizes = {"units_0": 256, "units_1": 0, "units_2": 16}
    several = {"hidden": 32, "dense_layers": 3, "dense_norm": norm, **sizes}
    wide, config = stacked("text", block="ngram", ngrams=2, **several)
    expected = dense_by_hand(2 * 90, [256, 32, 16], norm == "batch", 7)
    assert wide.costs.evaluate(config)["model.params"] == expected


@pytest.mark.parametrize("name", PRESETS)
def test_neutral_names_are_parameters_of_some_group_and_of_nothing_else(name: str) -> None:
    preset = load_preset(name)
    grouped = {key for declared in groups_of(preset).values() for key in declared}
    own = {*preset.parameters, *load_preset(TRAINING).parameters}
    assert set(preset.neutral) <= grouped
    assert not set(preset.neutral) & own
    assert grouped <= {*preset.neutral, *own}
