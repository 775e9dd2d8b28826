"""builtin/dream: DREAM's table in our words, and that each of its actions can be taken."""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from typing import Any

import pytest
from dream_space import IMAGE, SPACES
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.compiler.steering import fit
from automlc.runtime.monitor import CONDITIONS
from automlc.runtime.rules.actions import Action, apply, usable
from automlc.runtime.rules.dream import PROVENANCE, TABLE, entry_of, lines, main, table_of
from automlc.runtime.rules.library import load_builtin
from automlc.runtime.rules.table import Ranked, Row, Table
from automlc.spec.domains import Config
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import evaluate, same
from automlc.spec.rules import parse_action

SAMPLES = 80  # random configurations of each family: one of them is a start for any action


@cache
def dream() -> Table:
    return load_builtin("builtin/dream")


@cache
def fitted(kind: str) -> Table:
    return fit(dream(), SPACES[kind], kind)[0]


@cache
def entries() -> list[tuple[str, Row, Ranked]]:
    """(input, row, action) of the whole table, fitted to the spaces."""
    return [(k, row, one) for k in SPACES for row in fitted(k).rows for one in row.actions]


@cache
def starts(kind: str, family: str) -> tuple[Config, ...]:
    """Those with the most parameters come first: most actions can be taken there."""
    rng = random.Random(0)
    one = {"block": family}
    drawn = (
        SPACES[kind].build(lambda p: one.get(p.name) or p.domain.sample(rng))
        for _ in range(SAMPLES)
    )
    return tuple(sorted(drawn, key=len, reverse=True))


@cache
def why_never(kind: str, family: str, text: str) -> str | None:
    """What is wrong with an action from all starts, or with what it makes; None if it is right."""
    space, action = SPACES[kind], Action(text)
    if usable(action, space) is not None:
        return usable(action, space)
    pairs = ((config, apply(action, space, config)) for config in starts(kind, family))
    before, made = next((pair for pair in pairs if pair[1] is not None), ({}, None))
    if made is None:
        return "it changes nothing anywhere"
    for part in parse_action(text).assignments:
        if not same(made[part.name], evaluate(part.value, {})):
            return f"{part.name} is {made[part.name]} afterwards"
    if apply(action, space, made) is not None:
        return "the second time it changes something"
    return "".join([*space.problems(before), *space.problems(made)]) or None


def test_the_table_has_all_conditions_entries_and_keys() -> None:
    keys = [one.source["key"] for row in dream().rows for one in row.actions]
    assert len(dream().rows) == 27
    assert len(keys) == 2052
    assert len(set(keys)) == 201
    assert dream().unknown == "normal"


def test_the_table_says_where_it_comes_from_and_what_it_is() -> None:
    provenance = dream().provenance
    assert provenance["repository"] == "github.com/shiningrain/DREAM"
    assert len(provenance["commit"]) == 40
    assert "not a measurement" in provenance["caution"]
    counts = provenance["counts"]
    assert counts["entries"] == sum(len(row.actions) for row in dream().rows)
    flags: Counter[str] = Counter()
    for row in dream().rows:
        for one in row.actions:
            flags.update(name for name, value in one.source.items() if value is True)
    assert flags["skipped_by_released_code"] == counts["entries_skipped_by_released_code"] == 204
    assert flags["absent_from_published_table"] == 24


def test_the_order_of_every_condition_is_the_released_one() -> None:
    for row in dream().rows:
        ranks = [one.source["rank"] for one in row.actions]
        assert ranks == list(range(1, len(ranks) + 1))
        assert [one.score for one in row.actions] == sorted(
            (one.score for one in row.actions), reverse=True
        )
        assert all(0 <= one.score <= 1 for one in row.actions)


def test_states_are_in_the_words_of_the_monitor() -> None:
    states = [dict(row.state) for row in dream().rows]
    assert Counter(state["input"] for state in states) == {"image": 17, "text": 10}
    for state in states:
        assert state["architecture"] in SPACES[state["input"]]["block"].domain.values  # type: ignore[union-attr]
        for part, words in CONDITIONS.items():
            assert state[part] in words


@pytest.mark.parametrize("kind", SPACES)
def test_a_space_with_all_of_dreams_parameters_keeps_every_action(kind: str) -> None:
    kept, left_out = fit(dream(), SPACES[kind], kind)
    rows = [row for row in dream().rows if row.state["input"] == kind]
    assert not left_out
    assert [len(row.actions) for row in kept.rows] == [len(row.actions) for row in rows]


def test_every_entry_can_be_taken_from_its_own_architecture() -> None:
    """The 204 that the released code never tries, such as lr = 1e-5, are among them."""
    for kind, row, one in entries():
        assert why_never(kind, row.state["architecture"], one.action.text) is None, one
    assert len({one.source["key"] for _, _, one in entries()}) == 201


@settings(deadline=None)
@given(st.data())
def test_an_action_never_makes_an_invalid_configuration(data: st.DataObject) -> None:
    kind, _, one = data.draw(st.sampled_from(entries()))
    space = SPACES[kind]
    config = space.sample(random.Random(data.draw(st.integers(0, 2**32))))
    made = apply(one.action, space, config)
    if made is None:
        return
    assert space.problems(made) == []
    assert apply(one.action, space, made) is None
    for name in config.keys() & made.keys() - {*one.action.names()}:
        assert same(config[name], made[name])
    for name in made.keys() - config.keys() - {*one.action.names()}:
        assert same(made[name], space[name].default)


def test_what_an_action_of_dreams_does_besides_is_said() -> None:
    also: dict[str, set[str]] = {}
    for row in dream().rows:
        for one in row.actions:
            also.setdefault(one.source["key"], set()).add(one.also)
    tuned = "pretrained = true and trainable = true and lr = 1e-4"
    assert also["block_type-xception"] == {tuned}
    assert also["block_type-vanilla"] == {""}
    assert "efficientnet_version = efficientnet_b7" in next(iter(also["block_type-efficient"]))
    assert also["multi_step-True"] == {"pretrained = true and trainable = true"}
    assert also["trainable-True"] == {"pretrained = true and lr = 1e-4"}
    assert also["trainable-False"] == {""}
    assert also["optimizer-adam_weight_decay"] == {"schedule = polynomial and warmup = 0.1"}


def test_a_switch_of_the_family_brings_its_weights_along() -> None:
    action = next(
        one.action
        for row in fitted("image").rows
        for one in row.actions
        if one.source["key"] == "block_type-efficient"
    )
    start = {**IMAGE.default_config(), "lr": 0.01}
    made = apply(action, IMAGE, start)
    assert made is not None
    chosen = "block pretrained trainable lr dropout image_size efficientnet_version".split()
    assert [made[name] for name in chosen] == [
        "efficientnet", True, True, 1e-4, 0.5, "imagenet", "efficientnet_b7",
    ]  # fmt: skip
    assert "resnet_version" not in made


@pytest.mark.parametrize(
    ("name", "value", "condition", "parameter"),
    [
        ("version", "resnet50_v2", "resnet-normal-normal-normal", "resnet_version"),
        ("version", "b3", "efficient-normal-normal-normal", "efficientnet_version"),
        ("num_layers", 2, "vanilla-normal-dying-normal", "layers"),
        ("num_layers", 2, "vanillaT-normal-dying-normal", "layers"),
        ("num_layers", 3, "vanillaT-normal-dying-normal", "dense_layers"),
        ("num_layers", 1, "ngram-normal-dying-normal", "dense_layers"),
        ("use_batchnorm", True, "vanillaT-normal-dying-normal", "norm"),
        ("use_batchnorm", True, "transformer-normal-dying-normal", "dense_norm"),
    ],
)
def test_an_object_with_two_meanings_is_told_apart(
    name: str, value: Any, condition: str, parameter: str
) -> None:
    assert entry_of(name, value, condition).parameter == parameter


def test_every_entry_of_the_mapping_is_in_use() -> None:
    used = {one.parameter for one in TABLE.values()}
    set_ = {name for row in dream().rows for one in row.actions for name in one.action.names()}
    assert used == set_


SOURCE = {
    PROVENANCE: {
        "repo": "r", "commit": "c", "commit_date": "d", "files": {}, "counts": {},
        "fallback_in_code": "f", "modality": {"vanillaT-slow_converge-vanish-nan_weight": "text"},
    },
    "vanillaT-slow_converge-vanish-nan_weight": [
        {"object": "learning_rate", "value": 1e-05, "score": 0.25, "rank": 2,
         "repo_key": "learning_rate-1e-05", "skipped_by_released_code": True},
        {"object": "max_pooling", "value": False, "score": 0.5, "rank": 1, "delta_acc": 0.1,
         "repo_key": "max_pooling-False"},
    ],
}  # fmt: skip


def test_a_source_becomes_a_table_best_first() -> None:
    table = table_of(SOURCE)
    (row,) = table.rows
    assert row.state == {
        "input": "text",
        "architecture": "vanilla",
        "convergence": "slow",
        "gradient": "vanishing",
        "weights": "nan",
    }
    assert [(one.action.text, one.score) for one in row.actions] == [
        ("pooling = none", 0.5),
        ("lr = 1e-5", 0.25),
    ]
    assert row.actions[1].source["skipped_by_released_code"] is True
    assert Table.from_json(json.loads("\n".join(lines(table)))) == table


def test_an_object_that_the_mapping_lacks_is_an_error() -> None:
    with pytest.raises(AutomlcError, match="no entry for 'cutout'"):
        entry_of("cutout", True, "vanilla-normal-normal-normal")


def test_the_script_prints_the_table(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "source.json"
    path.write_text(json.dumps(SOURCE), encoding="utf-8")
    assert main([str(path)]) == 0
    assert Table.from_json(json.loads(capsys.readouterr().out)) == table_of(SOURCE)
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
