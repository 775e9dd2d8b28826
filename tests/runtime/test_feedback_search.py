"""Feedback-driven search on a made-up task whose effects are known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.runtime.monitor.conditions import Condition, Metric
from automlc.runtime.rules.actions import Action, single_actions
from automlc.runtime.rules.belief import Belief, Observation, likeness, prior, updated
from automlc.runtime.rules.effect import LEAST_ERROR, effect
from automlc.runtime.rules.table import Ranked, Row, Rules, Table, WrittenRule
from automlc.runtime.searchers.base import Past, Proposal, key_of
from automlc.runtime.searchers.feedback import FeedbackSearch
from automlc.runtime.seeds import derive_seed
from automlc.spec.domains import Choice, Float, Integer, Parameter, Space
from automlc.spec.expressions import parse

SPACE = Space(
    [
        Parameter("block", Choice(("vanilla", "resnet")), "vanilla"),
        Parameter("lr", Float(1e-5, 1.0, log=True), 1e-2),
        Parameter("activation", Choice(("relu", "selu", "tanh")), "relu"),
        Parameter("optimizer", Choice(("adam", "sgd")), "adam"),
        Parameter("momentum", Choice((0.0, 0.9)), 0.9, parse('optimizer == "sgd"')),
        Parameter("depth", Integer(1, 4), 2),
    ],
    [parse('depth == 4 and optimizer == "sgd"')],
)
METRIC = Metric("maximize", 1.0)
NORMAL = Condition("vanilla", "normal", "normal", "normal")
ACTIONS = ["lr = lr / 10", 'activation = "selu"', 'block = "resnet"', 'optimizer = "sgd"']


def table(*actions: str, state: dict[str, str] | None = None, **figures: Any) -> Rules:
    """Rules with one row; the scores fall from 1 in steps of 0.1."""
    ranked = tuple(Ranked(Action(a), 1 - 0.1 * i, **figures) for i, a in enumerate(actions))
    return Rules(Table("test", (Row(state or {}, ranked),)))


def search(rules: Rules, **options: Any) -> FeedbackSearch:
    options = {"variant": "greedy", **options}
    return FeedbackSearch(FeedbackSearch.Options(**options), SPACE, "maximize", rules, METRIC)


def accuracy(config: Any) -> float:
    """Additive in the log of the error: best at lr 1e-4, selu, resnet, depth 4."""
    log_error = -0.5
    log_error += 0.2 * abs(math.log10(config["lr"]) + 4)
    log_error -= 0.4 * (config["activation"] == "selu") + 0.3 * (config["block"] == "resnet")
    return 1 - min(0.95, math.exp(log_error - 0.1 * config["depth"]))


def condition(config: Any) -> Condition:
    return Condition(
        config["block"], "slow" if config["lr"] > 1e-3 else "normal", "normal", "normal"
    )


def play(
    searcher: FeedbackSearch,
    count: int,
    value: Callable[[Any], float | None] = accuracy,
    seed: int = 0,
) -> list[Past]:
    past: list[Past] = []
    for number in range(1, count + 1):
        refused: list[Past] = []
        while True:
            asked = searcher.ask(
                number, [*past, *refused], derive_seed(seed, "ask", number, len(refused))
            )
            if asked is None:
                return past
            if not SPACE.problems(asked.config) and key_of(asked.config) not in {
                key_of(p.config) for p in past
            }:
                break
            refused.append(Past(-1, asked.config, "refused", None))
            assert len(refused) < 100
        got = value(asked.config)
        state = "failed" if got is None else "complete"
        past.append(Past(number, asked.config, state, got, (), asked.why, condition(asked.config)))
    return past


def best_so_far(past: Sequence[Past]) -> list[float]:
    best, found = -math.inf, []
    for trial in past:
        best = max(best, trial.value if trial.value is not None else -math.inf)
        found.append(best)
    return found


# Algorithm 1 -----------------------------------------------------------------------------------


def test_the_first_trial_is_the_default() -> None:
    asked = search(table(*ACTIONS)).ask(1, [], 0)
    assert asked == Proposal(SPACE.default_config(), {"rule": "start"})


def test_the_start_may_be_a_configuration() -> None:
    config = {**SPACE.default_config(), "depth": 3}
    asked = search(table(*ACTIONS), start=config).ask(1, [], 0)
    assert asked is not None
    assert asked.config == config


def test_the_top_ranked_action_comes_first_then_the_next_until_one_helps() -> None:
    past = play(search(table(*ACTIONS)), 3, value=lambda c: 0.5)
    assert [p.why.get("action") for p in past] == [None, *ACTIONS[:2]]
    assert [p.why.get("parent") for p in past] == [None, 1, 1]


def test_after_an_improvement_the_list_begins_anew_on_the_child() -> None:
    past = play(search(table(*ACTIONS)), 4)
    assert past[1].value is not None
    assert past[0].value is not None
    assert past[1].value > past[0].value
    assert past[2].why["parent"] == 2
    assert past[2].why["action"] == ACTIONS[0]


def test_an_action_that_changes_nothing_is_passed_over() -> None:
    rules = table('activation = "relu"', 'block = "vanilla"', 'activation = "tanh"')
    past = play(search(rules), 2)
    assert past[1].why["action"] == 'activation = "tanh"'


def test_an_action_on_what_is_not_active_is_passed_over() -> None:
    past = play(search(table("momentum = 0.0", ACTIONS[1])), 2)
    assert past[1].why["action"] == ACTIONS[1]


def test_an_action_into_what_is_forbidden_is_passed_over_and_named() -> None:
    rules = table('depth = 4 and optimizer = "sgd"', ACTIONS[1])
    past = play(search(rules), 2)
    assert past[1].why["action"] == ACTIONS[1]
    assert past[1].why["skipped"][0]["action"] == 'depth = 4 and optimizer = "sgd"'
    assert "forbidden" in past[1].why["skipped"][0]["why"]


def test_no_configuration_is_proposed_twice() -> None:
    past = play(search(table(*ACTIONS), exhausted="neighbor"), 25)
    assert len({key_of(p.config) for p in past}) == 25


def test_a_failed_start_is_repaired_by_what_was_seen_of_it() -> None:
    start = Past(
        1, SPACE.default_config(), "failed", None, (), {"rule": "start"},
        Condition("vanilla", "slow", "exploding", "nan"),
    )  # fmt: skip
    rules = table("lr = lr / 10", state=Condition("vanilla", "slow", "exploding", "nan").state())
    asked = search(rules).ask(2, [start], 0)
    assert asked is not None
    assert asked.why["action"] == "lr = lr / 10"
    assert asked.why["condition"]["weights"] == "nan"


def test_the_best_so_far_never_falls_and_the_target_is_come_nearer_to() -> None:
    found = best_so_far(play(search(table(*ACTIONS)), 15))
    assert found == sorted(found)
    assert found[-1] > found[0]


def test_the_same_seed_gives_the_same_trace() -> None:
    searcher = search(table(*ACTIONS), variant="adaptive")
    assert play(searcher, 12, seed=5) == play(searcher, 12, seed=5)
    assert play(searcher, 12, seed=5) != play(searcher, 12, seed=6)


# Conditions and rules ---------------------------------------------------------------------------


def test_the_row_of_the_condition_decides() -> None:
    rows = (
        Row(
            Condition("vanilla", "slow", "normal", "normal").state(),
            (Ranked(Action(ACTIONS[0]), 1),),
        ),
        Row(
            Condition("vanilla", "normal", "normal", "normal").state(),
            (Ranked(Action(ACTIONS[1]), 1),),
        ),
    )
    past = play(search(Rules(Table("two", rows))), 4)
    assert past[1].why["action"] == ACTIONS[0]  # lr 1e-2 is slow
    assert past[1].why["found"] == "exact"
    assert [p.why["action"] for p in past[2:4]] == [ACTIONS[0], ACTIONS[0]] or past[2].why[
        "condition"
    ]["convergence"] == "normal"


@pytest.mark.parametrize(("unknown", "found"), [("normal", "normal"), ("parent", "parent")])
def test_an_unknown_condition_falls_back_as_declared(unknown: str, found: str) -> None:
    rows = (
        Row(NORMAL.state(), (Ranked(Action(ACTIONS[1]), 1),)),
        Row({"architecture": "vanilla"}, (Ranked(Action(ACTIONS[2]), 1),)),
    )
    rules = Rules(Table("t", rows), (), unknown)
    past = play(search(rules), 2)  # the default is slow, of which the table knows nothing
    assert past[1].why["found"] == found
    assert past[1].why["action"] == {"normal": ACTIONS[1], "parent": ACTIONS[2]}[unknown]


def test_rules_of_the_spec_come_before_the_tables() -> None:
    written = WrittenRule(
        'convergence == "slow" and lr > 0.001', (Action("depth = 4"),), "a.yaml:3"
    )
    rules = Rules(table(*ACTIONS).table, (written,))
    past = play(search(rules), 3, value=lambda c: 0.5)
    assert past[1].why["action"] == "depth = 4"
    assert (past[1].why["found"], past[1].why["line"]) == ("written", "a.yaml:3")
    assert past[2].why["action"] == ACTIONS[0]


@pytest.mark.parametrize("variant", ["greedy", "beam"])
def test_an_exhausted_list_falls_back_as_declared(variant: str) -> None:
    one = table(ACTIONS[1])
    assert len(play(search(one, variant=variant, exhausted="end"), 9, value=lambda c: 0.5)) == 2
    past = play(search(one, variant=variant, exhausted="neighbor"), 4, value=lambda c: 0.5)
    assert past[2].why["rule"] == "fallback"
    changed = [n for n in SPACE.names if past[2].config.get(n) != past[0].config.get(n)]
    assert past[2].why["action"].split()[0] in changed
    past = play(search(one, variant=variant, exhausted="random"), 4, value=lambda c: 0.5)
    assert past[2].why["rule"] == "random"


def test_the_beam_acts_on_the_best_few() -> None:
    past = play(search(table(*ACTIONS), variant="beam", width=3), 12)
    assert len({p.why["parent"] for p in past[1:]}) > 1
    greedy = play(search(table(*ACTIONS)), 12)
    assert all(
        p.why.get("rule") == "fallback" or p.why["parent"] == best_number(greedy[:i])
        for i, p in enumerate(greedy)
        if i
    )


def best_number(past: Sequence[Past]) -> int:
    return max(past, key=lambda p: (p.value or 0.0, -p.number)).number


# Learning during the search ---------------------------------------------------------------------


def test_adaptive_prefers_what_helped_before_over_what_the_table_says() -> None:
    """The table praises depth, which does nothing here; lr is what helps."""
    wrong = table("depth = 1", "depth = 3", "depth = 4", "lr = lr / 3", n=3, spread=0.3)

    def flat(config: Any) -> float:
        return accuracy({**config, "depth": 2})

    ends = [
        best_so_far(play(search(wrong, variant="adaptive"), 20, flat, seed=s))[-1] for s in range(5)
    ]
    static = best_so_far(play(search(wrong, exhausted="end"), 20, flat))[-1]
    assert sum(ends) / 5 > static


def test_adaptive_knows_actions_that_no_table_lists() -> None:
    past = play(search(table(), variant="adaptive"), 6)
    singles = {a.text for a in single_actions(SPACE)}
    assert {p.why["action"] for p in past[1:]} <= singles


def test_a_failed_child_counts_as_harm() -> None:
    def value(config: Any) -> float | None:
        return None if config["activation"] == "tanh" else accuracy(config)

    rules = table('activation = "tanh"', n=1, spread=0.1)
    past = play(search(rules, variant="adaptive", choice="ucb", kappa=0.0), 3, value)
    assert past[1].why["action"] == 'activation = "tanh"'
    assert past[1].state == "failed"
    following = play(search(rules, variant="adaptive", choice="ucb", kappa=0.0), 8, value)
    # The table is sure of it, so once is not enough; twice is.
    assert sum(p.config["activation"] == "tanh" for p in following) <= 2


def test_the_why_record_holds_the_posterior_and_the_alternatives() -> None:
    past = play(search(table(*ACTIONS, n=4, spread=0.2), variant="adaptive"), 3)
    why = past[2].why
    assert why["posterior"].keys() == {"mean", "deviation", "n", "draw"}
    assert why["alternatives"]
    assert all({"action", "found", "score"} <= a.keys() for a in why["alternatives"])
    assert why["condition"] == condition(past[why["parent"] - 1].config).state()


def test_ucb_takes_the_largest_bound() -> None:
    rules = Rules(
        Table(
            "t",
            (
                Row(
                    {},
                    (
                        Ranked(Action(ACTIONS[0]), 0.2, 100, 0.1),
                        Ranked(Action(ACTIONS[1]), 0.1, 1, 2.0),
                    ),
                ),
            ),
        )
    )
    sure = play(search(rules, variant="adaptive", choice="ucb", kappa=0.0), 2)
    bold = play(search(rules, variant="adaptive", choice="ucb", kappa=2.0), 2)
    assert (sure[1].why["action"], bold[1].why["action"]) == (ACTIONS[0], ACTIONS[1])


def test_the_posterior_is_that_of_a_normal_mean_with_known_noise() -> None:
    """Gelman et al., Bayesian Data Analysis, equation 2.12, with weights as counts."""
    after = updated(Belief(0.5, 0.2), [(0.1, 1.0), (0.3, 1.0)])
    precision = 1 / 0.2**2 + 2 / 0.3**2
    assert after.mean == pytest.approx((0.5 / 0.2**2 + 0.4 / 0.3**2) / precision)
    assert after.deviation == pytest.approx(precision**-0.5)
    assert after.n == 2


@given(
    st.floats(-2, 2), st.floats(0.05, 1),
    st.lists(st.tuples(st.floats(-2, 2), st.floats(0.01, 1)), max_size=6),
)  # fmt: skip
def test_observations_only_sharpen_a_belief_and_pull_it_to_what_was_seen(
    mean: float, deviation: float, effects: list[tuple[float, float]]
) -> None:
    after = updated(Belief(mean, deviation), effects)
    values = [mean, *(value for value, _ in effects)]
    assert min(values) - 1e-9 <= after.mean <= max(values) + 1e-9
    assert after.deviation <= deviation + 1e-12


def test_a_prior_is_surer_the_more_was_measured() -> None:
    few = prior(Ranked(Action("a = 1"), 0.3, 2, 0.5))
    many = prior(Ranked(Action("a = 1"), 0.3, 50, 0.5))
    assert few.mean == many.mean == 0.3
    assert few.deviation > many.deviation
    assert prior(None).mean < 0


def test_an_observation_counts_less_in_another_state() -> None:
    other = {**NORMAL.state(), "gradient": "dying"}
    assert likeness(NORMAL.state(), NORMAL.state()) == 1
    assert likeness(NORMAL.state(), other) == 0.5
    assert likeness({}, other) == 0.5**4


def test_an_effect_is_the_log_of_the_ratio_of_errors() -> None:
    assert effect(0.5, 0.75, METRIC) == pytest.approx(math.log(2))
    assert effect(0.95, 0.975, METRIC) == pytest.approx(math.log(2))
    assert effect(2.0, 1.0, Metric("minimize", 0.0)) == pytest.approx(math.log(2))
    assert effect(0.2, 0.7, Metric("maximize")) == pytest.approx(0.5)
    assert effect(0.5, 1.0, METRIC) == pytest.approx(math.log(0.5 / LEAST_ERROR))


@given(st.floats(0, 0.99), st.floats(0, 0.99), st.floats(0, 0.99))
def test_effects_add_up(a: float, b: float, c: float) -> None:
    assert effect(a, b, METRIC) + effect(b, c, METRIC) == pytest.approx(effect(a, c, METRIC))


def test_warm_start_is_noted_where_it_makes_sense() -> None:
    space_actions = table("lr = lr / 10")
    past = play(search(space_actions), 2)
    assert past[1].why["warm_start"] == {"trial": 1}
    past = play(search(space_actions, warm_start="never"), 2)
    assert "warm_start" not in past[1].why


def test_mutations_happen_as_often_as_asked() -> None:
    past = play(search(table(*ACTIONS), mutation=1.0), 4)
    assert all(p.why["because"] == "mutation" for p in past[1:])


def test_observations_are_of_children_that_ended() -> None:
    from automlc.runtime.searchers.feedback import _Past

    parent = Past(1, {}, "complete", 0.5, (), {"rule": "start"}, NORMAL)
    note = {"rule": "action", "parent": 1, "action": "a = 1"}
    ended = Past(2, {}, "stopped", 0.75, (), note, NORMAL)
    running = Past(3, {}, "running", 0.9, (), note, NORMAL)
    found = list(_Past.of([parent, ended, running]).observations(METRIC))
    assert found == [Observation(NORMAL.state(), "a = 1", effect(0.5, 0.75, METRIC))]


def test_a_random_start_is_drawn_from_the_space() -> None:
    asked = search(table(), start="random").ask(1, [], 3)
    assert asked is not None
    assert asked.config == SPACE.sample(random.Random(3))


def test_a_condition_that_no_rule_knows_is_called_that() -> None:
    rules = Rules(table(ACTIONS[1], state=NORMAL.state()).table, (), "random")
    past = play(search(rules), 2)  # the default is slow
    assert past[1].why["because"] == "no rule knows this condition"
    spent = play(search(table(ACTIONS[1])), 3, value=lambda c: 0.5)
    assert spent[2].why["because"] == "no action is left"


def test_with_a_clock_the_gain_per_second_decides() -> None:
    """Two actions are praised alike; the child of one takes ten times as long."""
    rules = table("depth = 4", 'activation = "selu"', n=1000, spread=0.01)

    def asked(seconds: Callable[[Any], float] | None) -> str:
        adaptive = search(rules, variant="adaptive", choice="ucb", kappa=0.0)
        first = play(adaptive, 1)
        proposal = adaptive.ask_timed(2, first, 0, seconds)
        assert proposal is not None
        return str(proposal.why["action"])

    assert asked(lambda c: 10.0 if c["depth"] == 4 else 1.0) == 'activation = "selu"'
    assert asked(lambda c: 10.0 if c["activation"] == "selu" else 1.0) == "depth = 4"
    assert asked(lambda c: math.inf if c["depth"] == 4 else 1.0) == 'activation = "selu"'


def test_what_promises_no_gain_is_not_better_for_being_slow() -> None:
    adaptive = search(table(), variant="adaptive", choice="ucb", kappa=0.0)
    first = play(adaptive, 1)
    same = adaptive.ask(2, first, 0)
    timed = adaptive.ask_timed(2, first, 0, lambda c: 1e6 if c["depth"] == 4 else 1.0)
    assert same is not None
    assert timed is not None
    assert timed.config == same.config
    assert timed.why["weighed"] == "gain per second"
    assert "weighed" not in same.why
