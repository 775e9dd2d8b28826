"""The conformance suite that every searcher passes; a new one is tested by being registered."""

from __future__ import annotations

from typing import Any

import pytest

from automlc.runtime.searchers import SEARCHERS, Past, make_searcher
from automlc.runtime.searchers.base import Searcher, key_of
from automlc.runtime.searchers.grid import axis
from automlc.runtime.seeds import derive_seed
from automlc.spec.domains import Choice, Fixed, Float, Integer, Parameter, Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import parse

SPACE = Space(
    [
        Parameter("optimizer", Choice(("sgd", "adam", True, 1)), "adam", None),
        Parameter("momentum", Float(0.0, 0.99), 0.9, parse('optimizer == "sgd"')),
        Parameter("rate", Float(1e-4, 1e-1, log=True), 1e-2, None),
        Parameter("layers", Integer(1, 8, 3), 4, None),
        Parameter("width", Integer(16, 512, log=True), 64, parse("layers > 1")),
        Parameter("fixed", Fixed("x"), "x", None),
    ],
    [parse('optimizer == "sgd" and layers == 7')],
)
NAMES = SEARCHERS.names()
FAST = {
    "tpe": {"startup": 4},
    "gp": {"startup": 4},
    "grid": {"points": 3},
    "autokeras_bayesian": {"candidates": 50},
}


def make(name: str, goal: str = "maximize", space: Space = SPACE) -> Searcher:
    return make_searcher(name, FAST.get(name, {}), space, goal)


def value_of(config: Any) -> float:
    return config["layers"] / 8 - abs(config["rate"] - 0.01)


def states(number: int) -> str:
    return {3: "failed", 5: "stopped"}.get(number, "complete")


def play(searcher: Searcher, count: int, past: list[Past] | None = None) -> list[Past]:
    """A small study: trial 3 fails, trial 5 is stopped."""
    past = list(past or [])
    for number in range(len(past) + 1, count + 1):
        refused: list[Past] = []
        while len(refused) < 50:
            seed = derive_seed(7, "ask", number, len(refused))
            proposal = searcher.ask(number, [*past, *refused], seed)
            if proposal is None:
                return past
            if not SPACE.problems(proposal.config):
                break
            refused.append(Past(-1, proposal.config, "refused", None))
        else:
            raise AssertionError(f"only refused proposals for trial {number}")
        state, value = states(number), value_of(proposal.config)
        middle = ((1, value),) if state == "stopped" else ()
        past.append(
            Past(number, proposal.config, state, None if state == "failed" else value, middle)
        )
    return past


@pytest.mark.parametrize("name", NAMES)
def test_every_proposal_is_in_the_space_with_active_parameters_only(name: str) -> None:
    for past in play(make(name), 10):
        assert SPACE.problems(past.config) == []
        assert ("momentum" in past.config) == (past.config["optimizer"] == "sgd")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_proposals(name: str) -> None:
    assert play(make(name), 8) == play(make(name), 8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("done", [1, 4, 6])
def test_a_fresh_searcher_goes_on_where_another_one_was(name: str, done: int) -> None:
    straight = play(make(name), 9)
    assert play(make(name), 9, straight[:done]) == straight


@pytest.mark.parametrize("name", NAMES)
def test_asking_twice_changes_nothing(name: str) -> None:
    searcher, past = make(name), play(make(name), 6)
    first = searcher.ask(7, past, 42)
    assert searcher.ask(7, past, 42) == first
    assert searcher.ask(3, past[:2], 42) == make(name).ask(3, past[:2], 42)


@pytest.mark.parametrize("name", ["random", "tpe", "gp", "autokeras_greedy", "autokeras_bayesian"])
def test_running_trials_are_part_of_the_history(name: str) -> None:
    past = play(make(name), 6)
    running = Past(7, past[0].config, "running", None)
    proposal = make(name).ask(8, [*past, running], 3)
    assert proposal is not None
    assert key_of(proposal.config) != key_of(running.config)


@pytest.mark.parametrize("name", ["tpe", "gp", "autokeras_greedy", "autokeras_bayesian"])
def test_the_first_proposal_is_the_default_unless_it_was_refused(name: str) -> None:
    searcher = make(name)
    first = searcher.ask(1, [], 0)
    assert first is not None
    assert first.config == SPACE.default_config()
    refused = Past(-1, first.config, "refused", None)
    second = searcher.ask(1, [refused], 1)
    assert second is not None
    assert second.config != first.config


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize("name", ["tpe", "gp", "autokeras_bayesian"])
def test_a_model_based_searcher_follows_the_goal(name: str, goal: str) -> None:
    space = Space([Parameter("x", Float(0.0, 1.0), 0.5, None)])
    searcher = make_searcher(name, {**FAST[name], "startup": 8}, space, goal)
    past: list[Past] = []
    for number in range(1, 19):
        proposal = searcher.ask(number, past, derive_seed(1, "ask", number))
        assert proposal is not None
        past.append(Past(number, proposal.config, "complete", float(proposal.config["x"])))
    late = sum(float(p.config["x"]) for p in past[-5:]) / 5
    assert late < 0.35 if goal == "minimize" else late > 0.65


def test_the_grid_visits_every_point_once_and_ends() -> None:
    space = Space(
        [
            Parameter("a", Choice((1, 2)), 1, None),
            Parameter("b", Integer(0, 2), 0, parse("a == 1")),
            Parameter("c", Float(0.0, 1.0), 0.5, None),
        ]
    )
    searcher = make_searcher("grid", {"points": 2}, space, "maximize")
    past: list[Past] = []
    while (proposal := searcher.ask(len(past) + 1, past, 0)) is not None:
        past.append(Past(len(past) + 1, proposal.config, "complete", 0.0))
    assert [tuple(p.config.items()) for p in past[:2]] == [
        (("a", 1), ("b", 0), ("c", 0.0)),
        (("a", 1), ("b", 0), ("c", 1.0)),
    ]
    assert len(past) == 6 == len({key_of(p.config) for p in past})


def test_a_grid_axis_has_both_ends_and_stays_on_the_steps() -> None:
    assert axis(Integer(1, 10, 4), 9) == (1, 5, 9)
    assert axis(Integer(1, 100), 3) == (1, 51, 100)
    assert axis(Float(0.1, 0.3), 3) == (0.1, 0.2, 0.3)
    assert axis(Integer(16, 512, log=True), 3) == (16, 91, 512)


def test_a_wrong_strategy_or_option_is_named() -> None:
    with pytest.raises(AutomlcError, match="tpee") as caught:
        make("tpee")
    assert "did you mean 'tpe'" in str(caught.value.hint)
    with pytest.raises(AutomlcError, match="startups"):
        make_searcher("tpe", {"startups": 3}, SPACE, "maximize")
    with pytest.raises(AutomlcError, match="startup"):
        make_searcher("tpe", {"startup": -3}, SPACE, "maximize")
