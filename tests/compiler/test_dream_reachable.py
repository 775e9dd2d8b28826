"""DREAM's published table on the real presets: which of its actions can be taken, and why not all.

The spaces are those of a spec with every group, and for images with every network of the catalog.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.compiler.backbones import catalog
from automlc.compiler.steering import fit
from automlc.runtime.rules.actions import Action, apply
from automlc.runtime.rules.library import load_builtin
from automlc.runtime.rules.table import Ranked, Row, Table
from automlc.spec.domains import Config, Space
from automlc.spec.expressions import evaluate, same
from automlc.spec.rules import parse_action
from tests.compiler.hubs import hub_draft
from tests.compiler.spaces import groups_for, preset_graph

SAMPLES = 200  # random configurations of each family: one of them is a start for any action
INPUTS = {"image of pytorch": "image", "image of keras": "image", "text": "text"}

# What no configuration takes, as `fit` names it, with the number of entries and the reason.
UNREACHABLE: dict[str, dict[str, tuple[int, str]]] = {
    "image of pytorch": {
        'resnet_version = "resnet152_v2"': (4, "timm has no weights of that network"),
    },
    "image of keras": {},
    "text": {
        "pretraining": (34, "it needs files: space.embeddings (test_embeddings.py)"),
    },
}


@cache
def space_of(name: str) -> Space:
    if name == "text":
        return preset_graph("text", False, groups_for("text")).space
    kind = name.removeprefix("image of ")
    networks = [network for network, facts in catalog().items() if kind in facts]
    groups = f"  expand: [{', '.join(groups_for('color'))}]\n"
    draft = hub_draft(Path("nowhere"), networks, kind, more=groups)
    assert not draft.problems.errors, draft.problems.errors
    assert draft.expansion is not None
    return draft.expansion.space


@cache
def fitted(name: str) -> tuple[Table, dict[str, int]]:
    kept, left_out = fit(load_builtin("builtin/dream"), space_of(name), INPUTS[name])
    return kept, dict(left_out)


@cache
def entries(name: str) -> tuple[tuple[Row, Ranked], ...]:
    return tuple((row, one) for row in fitted(name)[0].rows for one in row.actions)


@cache
def starts(name: str, family: str) -> tuple[Config, ...]:
    """Those with the most parameters come first: most actions can be taken there."""
    rng = random.Random(0)
    one = {"block": family}
    space = space_of(name)
    drawn = (space.build(lambda p: one.get(p.name) or p.domain.sample(rng)) for _ in range(SAMPLES))
    return tuple(sorted(drawn, key=len, reverse=True))


@cache
def why_never(name: str, family: str, text: str) -> str | None:
    """What is wrong with an action from every start, or with what it makes; None if it is right."""
    space, action = space_of(name), Action(text)
    pairs = ((config, apply(action, space, config)) for config in starts(name, family))
    before, made = next((pair for pair in pairs if pair[1] is not None), ({}, None))
    if made is None:
        return "it changes nothing anywhere"
    for part in parse_action(text).assignments:
        if not same(made[part.name], evaluate(part.value, {})):
            return f"{part.name} is {made[part.name]} afterwards"
    return "".join([*space.problems(before), *space.problems(made)]) or None


@pytest.mark.parametrize("name", INPUTS)
def test_what_cannot_be_reached_is_listed(name: str) -> None:
    _, left_out = fitted(name)
    assert left_out == {what: count for what, (count, _) in UNREACHABLE[name].items()}


@pytest.mark.parametrize("name", INPUTS)
def test_every_other_action_changes_some_configuration_of_its_own_architecture(name: str) -> None:
    wrong = {
        (row.state["architecture"], str(one.action)): why
        for row, one in entries(name)
        if (why := why_never(name, row.state["architecture"], one.action.text)) is not None
    }
    assert wrong == {}
    of_input = [
        row for row in load_builtin("builtin/dream").rows if row.state["input"] == INPUTS[name]
    ]
    missing = sum(count for count, _ in UNREACHABLE[name].values())
    assert len(entries(name)) == sum(len(row.actions) for row in of_input) - missing


@pytest.mark.parametrize("name", ["image of pytorch", "image of keras"])
def test_what_belongs_to_an_action_comes_along_whole(name: str) -> None:
    written = {
        (one.source["key"], part.name)
        for row in load_builtin("builtin/dream").rows
        if row.state["input"] == "image"
        for one in row.actions
        if one.also
        for part in parse_action(one.also).assignments
    }
    done = {(one.source["key"], part) for _, one in entries(name) for part in one.action.names()}
    assert written <= done


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_from_any_configuration_an_action_makes_a_valid_one_or_none(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(INPUTS)))
    _, one = data.draw(st.sampled_from(entries(name)))
    space = space_of(name)
    config = space.sample(random.Random(data.draw(st.integers(0, 2**32))))
    made = apply(one.action, space, config)
    if made is None:
        return
    assert space.problems(made) == []
    assert apply(one.action, space, made) is None
    assert {*one.action.names()} <= made.keys()
