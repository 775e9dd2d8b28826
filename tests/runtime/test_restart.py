"""When the adaptive search starts afresh: formulas, and how it behaves on a made-up task."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from automlc.runtime.decisions import decision_of
from automlc.runtime.rules.belief import NOISE, Belief
from automlc.runtime.rules.fresh import (
    CHOSEN,
    SPREAD,
    WORTH,
    Fresh,
    normal_gain,
    student_below,
    student_density,
)
from automlc.runtime.searchers.base import Past, Proposal, key_of
from automlc.runtime.searchers.feedback import FeedbackSearch
from automlc.runtime.searchers.restart import Fresher as Found
from automlc.runtime.searchers.restart import Gap, usual_seconds, weigh
from tests.runtime.test_feedback_search import METRIC, SPACE, accuracy, condition, play, table

GAPS = st.lists(st.floats(-3, 0), min_size=1, max_size=12)
BAD = {**SPACE.default_config(), "lr": 1.0, "depth": 1}  # error 0.95, the worst there is
GOOD = {"block": "resnet", "lr": 1e-4, "activation": "selu", "optimizer": "adam", "depth": 4}


def search(restart: bool, starts: Any = (), **options: Any) -> FeedbackSearch:
    made = FeedbackSearch.Options(restart=restart, **options)
    return FeedbackSearch(made, SPACE, "maximize", table(), METRIC, starts)


def restarts(past: list[Past]) -> int:
    return sum(p.why.get("rule") == "restart" for p in past)


# Formulas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 8, 15, 40])
@pytest.mark.parametrize("t", [-30.0, -2.5, -0.1, 0.0, 0.7, 4.0])
def test_students_distribution_is_that_of_scipy(t: float, degrees: int) -> None:
    assert student_below(t, degrees) == pytest.approx(stats.t.cdf(t, degrees), abs=1e-12)
    assert student_density(t, degrees) == pytest.approx(stats.t.pdf(t, degrees), rel=1e-9)


def test_the_posterior_is_that_of_a_normal_sample_with_a_flat_mean() -> None:
    """By integrating the likelihood over mean and variance on a grid, without a closed form."""
    gaps = [-1.2, 0.0, -0.4]
    fresh = Fresh.of(gaps)
    means, logs = np.meshgrid(np.arange(-9, 9, 0.02), np.arange(-5, 5, 0.02))
    variances = np.exp(logs)
    density = variances ** -(WORTH / 2) * np.exp(-WORTH * SPREAD**2 / (2 * variances))
    for gap in gaps:
        density *= stats.norm.pdf(gap, means, np.sqrt(variances))
    density /= density.sum()
    z = means / np.sqrt(variances)
    gains = np.sqrt(variances) * (stats.norm.pdf(z) + z * stats.norm.cdf(z))
    assert (density * means).sum() == pytest.approx(fresh.mean, abs=1e-3)
    assert (density * gains).sum() == pytest.approx(fresh.gain(), rel=1e-3)


@given(GAPS)
@settings(max_examples=40, deadline=None)
def test_the_expected_gain_is_the_integral_of_what_is_gained(gaps: list[float]) -> None:
    fresh = Fresh.of(gaps)
    density = stats.t(fresh.degrees, fresh.mean, fresh.deviation).pdf
    whole, _ = integrate.quad(lambda x: x * density(x), 0, math.inf)
    assert fresh.gain() == pytest.approx(whole, rel=1e-4, abs=1e-7)


@given(st.floats(-4, 2), st.floats(0.05, 2))
@settings(max_examples=40, deadline=None)
def test_the_gain_of_a_normal_is_the_integral_of_what_is_gained(mean: float, sd: float) -> None:
    whole, _ = integrate.quad(lambda x: x * stats.norm.pdf(x, mean, sd), 0, max(mean, 0) + 12 * sd)
    assert normal_gain(mean, sd) == pytest.approx(whole, rel=1e-5, abs=1e-8)


def test_samples_of_the_posterior_expect_on_average_what_it_expects() -> None:
    fresh, rng = Fresh.of([-1.0, 0.0, -0.3, -0.9]), random.Random(0)
    drawn = [fresh.draw(rng) for _ in range(20_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(fresh.gain(), rel=0.03)


def test_the_upper_bound_is_that_of_the_mean() -> None:
    fresh = Fresh.of([-1.0, 0.0, -0.3, -0.9])
    assert fresh.upper(0.0) == normal_gain(fresh.mean, fresh.scale)
    assert fresh.upper(2.0) == normal_gain(fresh.mean + fresh.scale, fresh.scale)


@given(GAPS, st.floats(0.01, 2))
def test_the_further_ahead_the_incumbent_the_less_is_expected(
    gaps: list[float], further: float
) -> None:
    assert Fresh.of([gap - further for gap in gaps]).gain() <= Fresh.of(gaps).gain()


def test_a_start_that_people_chose_counts_as_a_worse_draw() -> None:
    belief = Belief(0.0, 0.2)
    chosen = weigh([Gap(0.0, True)], belief, 0.0, 0.0, 0.0)
    drawn = weigh([Gap(-CHOSEN, False)], belief, 0.0, 0.0, 0.0)
    assert (chosen.gain, chosen.mean) == (drawn.gain, drawn.mean)
    assert (chosen.better, drawn.better) == (1, 0)


def test_an_action_counts_with_its_noise_and_with_how_far_its_parent_is_behind() -> None:
    found = weigh([Gap(0.0, False)], Belief(0.2, 0.4), 0.9, 0.5, 0.0)
    assert found.action_gain == pytest.approx(normal_gain(-0.3, math.hypot(0.4, NOISE)))
    assert found.action_draw == pytest.approx(normal_gain(0.4, NOISE))


def test_gains_are_weighed_by_the_seconds_they_take() -> None:
    belief = Belief(0.0, 0.2)
    assert weigh([Gap(0.0, False)], belief, 0.0, 0.0, 0.0, (1.0, 1.0)).restart
    assert not weigh([Gap(0.0, False)], belief, 0.0, 0.0, 0.0, (100.0, 1.0)).restart


def test_a_draw_counts_with_the_mean_time_of_draws_and_a_known_start_with_its_own() -> None:
    def seconds(config: Any) -> float:
        return float(config["depth"])

    fast = {**SPACE.default_config(), "depth": 1}
    drawn = usual_seconds(Found(fast, "random"), SPACE, seconds, random.Random(1))
    assert 1.0 < drawn < 4.0
    assert usual_seconds(Found(fast, "starts"), SPACE, seconds, random.Random(1)) == 1.0


# Behavior ---------------------------------------------------------------------------------------


def test_a_terrible_incumbent_is_left_within_a_few_trials() -> None:
    firsts = []
    for seed in range(20):
        past = play(search(True, start=BAD), 6, seed=seed)
        firsts.append(next((p.number for p in past if p.why["rule"] == "restart"), 99))
    assert sum(first <= 6 for first in firsts) >= 19


def test_a_nearly_optimal_incumbent_is_hardly_ever_left() -> None:
    """Its like: four draws that are far behind have shown what the space is like."""
    rng, past = random.Random(3), [_past(1, GOOD, {"rule": "start"})]
    while len(past) < 5:
        config = SPACE.sample(rng)
        if SPACE.problems(config) or accuracy(config) > 0.6:
            continue
        past.append(_past(len(past) + 1, config, {"rule": "restart", "from": "random"}))
    asked = [search(True, start=GOOD).ask(6, past, seed) for seed in range(200)]
    assert sum(a is not None and a.why["rule"] == "restart" for a in asked) <= 20


def _past(number: int, config: Any, why: dict[str, Any], value: float | None = None) -> Past:
    found = accuracy(config) if value is None else value
    return Past(number, config, "complete", found, (), why, condition(config))


def test_the_default_is_left_less_often_than_what_was_drawn() -> None:
    """The same start, once as the default and once as a configuration that the spec names."""
    past = [_past(1, SPACE.default_config(), {"rule": "start"})]
    counts = []
    for start in ("default", SPACE.default_config()):
        asked = [search(True, start=start).ask(2, past, seed) for seed in range(100)]
        counts.append(sum(a is not None and a.why["rule"] == "restart" for a in asked))
    assert counts[0] < counts[1]


@given(st.integers(0, 10_000), st.sampled_from([BAD, GOOD, "default", "random"]))
@settings(max_examples=25, deadline=None)
def test_no_proposal_is_a_duplicate_or_outside_the_space(seed: int, start: Any) -> None:
    past = play(search(True, start=start), 15, seed=seed)
    assert len({key_of(p.config) for p in past}) == len(past) == 15
    assert not any(SPACE.problems(p.config) for p in past)


def test_the_same_history_and_seed_give_the_same_proposal() -> None:
    past = play(search(True, start=BAD), 12, seed=5)
    assert restarts(past) > 0
    assert play(search(True, start=BAD), 12, seed=5) == past


@pytest.mark.parametrize("choice", ["thompson", "ucb"])
def test_an_action_that_is_taken_is_the_one_that_would_be_taken_without_restarts(
    choice: str,
) -> None:
    past = play(search(True, start=BAD, choice=choice), 6)
    compared = 0
    for seed in range(30):
        with_, without = (search(r, start=BAD, choice=choice).ask(7, past, seed)
                          for r in (True, False))  # fmt: skip
        assert with_ is not None
        assert without is not None
        if with_.why["rule"] == "action":
            why = {k: v for k, v in with_.why.items() if k != "restart"}
            assert Proposal(with_.config, why) == without
            compared += 1
    assert compared


@pytest.mark.parametrize("variant", ["greedy", "beam"])
def test_the_published_variants_never_start_afresh(variant: str) -> None:
    one = play(search(True, variant=variant, start=BAD), 10)
    assert one == play(search(False, variant=variant, start=BAD), 10)


def test_a_plan_without_the_option_goes_on_without_restarts() -> None:
    old = FeedbackSearch.Options.model_validate({"variant": "adaptive", "start": BAD})
    made = FeedbackSearch(old, SPACE, "maximize", table(), METRIC)
    assert play(made, 12) == play(search(False, start=BAD), 12)


def test_what_people_chose_comes_first_and_in_their_order() -> None:
    known = [{**GOOD, "depth": 3}, {**GOOD, "depth": 2}]
    past = play(search(True, known, start=BAD), 40, value=lambda c: 0.05 + c["lr"] * 1e-3)
    fresh = [p for p in past if p.why["rule"] == "restart"]
    assert [p.why["from"] for p in fresh[:4]] == ["default", "starts", "starts", "random"]
    assert [p.config for p in fresh[:3]] == [SPACE.default_config(), *known]


def test_with_a_wall_slow_fresh_starts_are_taken_less_often() -> None:
    past = [_past(1, BAD, {"rule": "start"})]

    def taken(others: float) -> int:
        def seconds(config: Any) -> float:
            return 1.0 if config["lr"] == 1.0 or config["depth"] == 1 else others

        asked = [search(True, start=BAD).ask_timed(2, past, seed, seconds) for seed in range(60)]
        return sum(a is not None and a.why["rule"] == "restart" for a in asked)

    assert taken(1.0) > taken(20.0)
    assert taken(math.inf) == 0


def test_without_a_value_nothing_is_weighed() -> None:
    failed = Past(1, BAD, "failed", None, (), {"rule": "start"}, condition(BAD))
    asked = search(True, start=BAD).ask(2, [failed], 0)
    assert asked is not None
    assert "restart" not in asked.why


def test_a_failed_draw_counts_against_drawing_again() -> None:
    past = [_past(1, BAD, {"rule": "start"}, 0.5)]
    lost = Past(2, GOOD, "failed", None, (), {"rule": "restart", "from": "random"}, None)
    before = search(True, start=BAD, choice="ucb").ask(3, past, 0)
    after = search(True, start=BAD, choice="ucb").ask(3, [*past, lost], 0)
    assert before is not None
    assert after is not None
    assert after.why["restart"]["mean"] < before.why["restart"]["mean"]
    assert after.why["restart"]["n"] == 2


def test_the_why_record_tells_the_numbers_and_what_else_might_have_been_done() -> None:
    past = play(search(True, start=BAD), 12, seed=5)
    for trial in past[1:]:
        decision = decision_of({"proposal": trial.why})
        assert decision is not None
        found = trial.why["restart"]
        assert decision.restart == found
        assert (found["draw"] > found["action_draw"]) == (trial.why["rule"] == "restart")
        assert decision.to_json()["restart"] == found
    fresh = next(p for p in past if p.why["rule"] == "restart")
    assert "parent" not in fresh.why
    assert fresh.why["alternatives"]
    assert all({"action", "score", "parent"} <= a.keys() for a in fresh.why["alternatives"])
    over = max(past[: fresh.number - 1], key=lambda p: (p.value or 0.0, -p.number))
    assert fresh.why["over"] == over.number
