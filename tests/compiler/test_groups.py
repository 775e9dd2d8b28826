"""Groups of `space.expand`: each widens a space that stays whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.backends.pytorch.emit import model_files
from automlc.compiler.expand import PRESETS, TRAINING, groups_of, load_preset
from automlc.compiler.plan_text import plan_text
from tests.compiler.spaces import groups_for, preset_graph, sample

ALL = [(name, group) for name in ("digits", "mixed") for group in groups_for(name)]


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


@pytest.mark.parametrize("name", ["digits", "mixed"])
def test_the_plan_lists_what_each_group_added(name: str) -> None:
    groups = groups_for(name)
    text = plan_text(preset_graph(name, False, groups))
    image = load_preset("image/blocks" if name == "digits" else "tabular/mlp")
    for group in groups:
        added = ", ".join(groups_of(image)[group])
        assert f"  group {group}: {added}\n" in text


def test_what_only_a_group_searches_leaves_no_trace_in_the_default_project() -> None:
    graph = preset_graph("digits", False)
    neutral = load_preset("image/blocks").neutral
    files = model_files(graph, straight=False)
    for name in neutral:
        assert name not in graph.space.names
        assert name not in files["model.py"]
    assert '"factors"' not in files["model.py"]


@pytest.mark.parametrize("name", PRESETS)
def test_neutral_names_are_parameters_of_some_group_and_of_nothing_else(name: str) -> None:
    preset = load_preset(name)
    grouped = {key for declared in groups_of(preset).values() for key in declared}
    own = {*preset.parameters, *load_preset(TRAINING).parameters}
    assert set(preset.neutral) <= grouped
    assert not set(preset.neutral) & own
    assert grouped <= {*preset.neutral, *own}
