"""AutoKeras's strategies against what is known of them: closed forms, and a process of our own."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.runtime.searchers import Past, make_searcher
from automlc.runtime.searchers.autokeras_bayesian import fit, from_unit, to_unit
from automlc.runtime.searchers.autokeras_greedy import branches, parents
from automlc.runtime.searchers.base import key_of
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Parameter, Space
from automlc.spec.expressions import parse

SPACE = Space(
    [
        Parameter("block", Choice(("resnet", "vanilla")), "resnet"),
        Parameter("kernel", Choice((3, 5, 7)), 3, parse('block == "vanilla"')),
        Parameter("width", Integer(8, 4096), 64),
        Parameter("optimizer", Choice(("adam", "sgd")), "adam"),
        Parameter("momentum", Float(0.0, 0.99), 0.9, parse('optimizer == "sgd"')),
        Parameter("lr", Float(1e-5, 1e-1, log=True), 1e-3),
        Parameter("schedule", Fixed("cosine"), "cosine"),
    ]
)
FULL = {
    "block": "vanilla",
    "kernel": 5,
    "width": 64,
    "optimizer": "sgd",
    "momentum": 0.5,
    "lr": 1e-2,
    "schedule": "cosine",
}


def past(number: int, value: float, **changes: object) -> Past:
    return Past(number, {**FULL, **changes}, "complete", value)


# ---- greedy ----


def test_the_tree_is_that_of_the_conditions() -> None:
    assert parents(SPACE) == {"kernel": "block", "momentum": "optimizer"}
    assert {branch.name: branch.leaves for branch in branches(SPACE, FULL)} == {
        "all": ("block", "kernel", "width", "optimizer", "momentum", "lr"),
        "model": ("block", "kernel", "width"),
        "training": ("optimizer", "momentum", "lr"),
        "block and below": ("block", "kernel"),
        "optimizer and below": ("optimizer", "momentum"),
        **{name: (name,) for name in FULL if name != "schedule"},
    }


def test_a_parameter_hangs_below_the_last_that_its_condition_names() -> None:
    space = Space(
        [
            Parameter("a", Choice((1, 2)), 1),
            Parameter("b", Choice((1, 2)), 1, parse("a == 1")),
            Parameter("c", Choice((1, 2)), 1, parse("a == 1 and b == 1")),
        ]
    )
    assert parents(space) == {"b": "a", "c": "b"}
    leaves = {b.name: b.leaves for b in branches(space, {"a": 1, "b": 1, "c": 1})}
    assert leaves["a and below"] == ("a", "b", "c")
    assert leaves["b and below"] == ("b", "c")
    assert "c and below" not in leaves


def test_inactive_and_fixed_parameters_are_not_drawn() -> None:
    found = branches(SPACE, SPACE.default_config())
    assert {name for branch in found for name in branch.leaves} == {
        "block", "width", "optimizer", "lr",
    }  # fmt: skip
    assert "block and below" not in {branch.name for branch in found}


def test_a_branch_is_drawn_in_proportion_to_one_over_its_leaves() -> None:
    """6 leaves of weight 1, two pairs of 1/2, two groups of 1/3, the root of 1/6: 47/6 in all."""
    odds = {"all": 1, "model": 2, "training": 2, "block and below": 3, "optimizer and below": 3}
    expected = {name: Fraction(n, 47) for name, n in odds.items()}
    expected |= {name: Fraction(6, 47) for name in FULL if name != "schedule"}
    assert sum(expected.values()) == 1

    searcher = make_searcher("autokeras_greedy", {}, SPACE, "maximize")
    count, seen = 9400, Counter[str]()
    for seed in range(count):
        proposal = searcher.ask(2, [past(1, 0.5)], seed)
        assert proposal is not None
        seen[proposal.why["action"].removesuffix(" drawn anew")] += 1
    assert seen.keys() <= expected.keys()
    statistic = sum(
        float((seen[name] - p * count) ** 2 / (p * count)) for name, p in expected.items()
    )
    assert statistic < 29.6  # of chi-squared with 10 degrees of freedom, 0.001 is above


@given(seed=st.integers(0, 2**31 - 1))
def test_what_is_not_drawn_is_as_in_the_best_trial(seed: int) -> None:
    history = [past(1, 0.5, lr=0.05), past(2, 0.9), past(3, 0.9, lr=0.07), past(4, 0.7)]
    proposal = make_searcher("autokeras_greedy", {}, SPACE, "maximize").ask(5, history, seed)
    assert proposal is not None
    assert proposal.why["parent"] == 2
    assert SPACE.problems(proposal.config) == []
    changed = {n for n, value in proposal.config.items() if FULL.get(n, value) != value}
    assert changed <= set(proposal.why["drawn"])
    assert key_of(proposal.config) not in {key_of(one.config) for one in history}


def test_a_parameter_that_becomes_active_is_drawn() -> None:
    searcher = make_searcher("autokeras_greedy", {}, SPACE, "minimize")
    base = Past(1, SPACE.default_config(), "complete", 1.0)
    kernels = set()
    for seed in range(300):
        proposal = searcher.ask(2, [base], seed)
        assert proposal is not None
        if proposal.why["drawn"] == ["block"]:
            kernels.add(proposal.config["kernel"])
    assert kernels == {3, 5, 7}


def test_the_goal_says_which_trial_is_the_best() -> None:
    history = [past(1, 0.5), past(2, 0.1), Past(3, FULL, "failed", None)]
    for goal, best in (("maximize", 1), ("minimize", 2)):
        proposal = make_searcher("autokeras_greedy", {}, SPACE, goal).ask(4, history, 0)
        assert proposal is not None
        assert proposal.why["parent"] == best


def test_a_search_of_a_few_configurations_finds_them_all_and_ends() -> None:
    space = Space([Parameter("a", Choice((1, 2, 3)), 1), Parameter("b", Choice((1, 2)), 1)])
    searcher = make_searcher("autokeras_greedy", {}, space, "maximize")
    history: list[Past] = []
    while (proposal := searcher.ask(len(history) + 1, history, len(history))) is not None:
        history.append(Past(len(history) + 1, proposal.config, "complete", 0.0))
    assert len({key_of(one.config) for one in history}) == len(history) == 6


# ---- Bayesian ----

DOMAINS = st.one_of(
    st.integers(1, 9).map(lambda n: Choice(tuple(range(n)))),
    st.builds(
        lambda low, size, step, log: Integer(low, low + size, step, log),
        st.integers(1, 50), st.integers(1, 300), st.integers(1, 7), st.booleans(),
    ),
    st.builds(
        lambda low, factor, log: Float(low, low * factor, log),
        st.floats(1e-6, 10.0), st.floats(1.5, 1e5), st.booleans(),
    ),
)  # fmt: skip


@given(domain=DOMAINS, seed=st.randoms(use_true_random=False))
def test_a_value_comes_back_from_its_share(domain: Domain, seed: object) -> None:
    value = domain.sample(seed)  # type: ignore[arg-type]
    share = to_unit(domain, value)
    assert 0.0 <= share <= 1.0
    assert from_unit(domain, share) == pytest.approx(value)


@given(domain=DOMAINS, share=st.floats(0.0, 1.0))
def test_every_share_is_a_value_of_the_domain(domain: Domain, share: float) -> None:
    assert domain.contains(from_unit(domain, share))


def test_the_values_of_a_grid_have_equal_shares() -> None:
    shares = [from_unit(Integer(1, 10, 3), x) for x in (0.0, 0.24, 0.26, 0.49, 0.51, 0.76, 1.0)]
    assert shares == [1, 1, 4, 4, 7, 10, 10]
    assert to_unit(Float(1e-4, 1e-2, log=True), 1e-3) == pytest.approx(0.5)


def matern(a: np.ndarray, b: np.ndarray, scale: float) -> np.ndarray:
    d = math.sqrt(5) * np.abs(a[:, None] - b[None, :]) / scale
    return (1 + d + d**2 / 3) * np.exp(-d)


def posterior(
    x: np.ndarray, y: np.ndarray, at: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """A Gaussian process by the textbook: inverses, and the length scale by trying many."""
    mean, spread = y.mean(), y.std()
    z = (y - mean) / spread

    def likelihood(scale: float) -> float:
        k = matern(x, x, scale) + alpha * np.eye(len(x))
        return -0.5 * z @ np.linalg.inv(k) @ z - 0.5 * np.linalg.slogdet(k)[1]

    scale = max(np.geomspace(1e-2, 1e2, 2001), key=likelihood)
    inverse = np.linalg.inv(matern(x, x, scale) + alpha * np.eye(len(x)))
    cross = matern(at, x, scale)
    variance = 1 - np.einsum("ij,jk,ik->i", cross, inverse, cross)
    return mean + spread * (cross @ inverse @ z), spread * np.sqrt(np.maximum(variance, 0))


X = np.array([0.02, 0.1, 0.22, 0.35, 0.5, 0.6, 0.74, 0.9])
Y = np.sin(7 * X) + 0.3 * X


def test_the_process_is_that_of_the_textbook() -> None:
    at = np.linspace(0, 1, 50)
    mean, deviation = fit([[x] for x in X], list(Y), 1e-4)(at.reshape(-1, 1))
    expected_mean, expected_deviation = posterior(X, Y, at, 1e-4)
    assert mean == pytest.approx(expected_mean, abs=1e-3)
    assert deviation == pytest.approx(expected_deviation, abs=1e-3)


@pytest.mark.parametrize(("goal", "sign"), [("maximize", 1.0), ("minimize", -1.0)])
@pytest.mark.parametrize("beta", [0.0, 2.6])
def test_the_proposal_has_the_highest_bound(goal: str, sign: float, beta: float) -> None:
    space = Space([Parameter("x", Float(0.0, 1.0), 0.5)])
    history = [
        Past(i, {"x": float(x)}, "complete", float(y))
        for i, (x, y) in enumerate(zip(X, Y, strict=True), 1)
    ]
    searcher = make_searcher("autokeras_bayesian", {"beta": beta, "candidates": 30}, space, goal)
    proposal = searcher.ask(9, history, 3)
    assert proposal is not None
    grid = np.linspace(0, 1, 4001)
    mean, deviation = posterior(X, Y, grid, 1e-4)
    bounds = sign * mean + beta * deviation
    assert proposal.config["x"] == pytest.approx(grid[bounds.argmax()], abs=2e-3)
    predicted = proposal.why["predicted"]
    assert sign * predicted["mean"] + beta * predicted["deviation"] == pytest.approx(
        bounds.max(), abs=2e-3
    )


def test_a_running_trial_counts_with_a_pessimistic_guess() -> None:
    """So the second worker does not go where the first already is."""
    space = Space([Parameter("x", Float(0.0, 1.0), 0.5)])
    searcher = make_searcher("autokeras_bayesian", {"candidates": 100}, space, "maximize")
    done = [
        Past(i, {"x": float(x)}, "complete", float(y))
        for i, (x, y) in enumerate(zip(X, Y, strict=True), 1)
    ]
    first = searcher.ask(9, done, 0)
    assert first is not None
    second = searcher.ask(10, [*done, Past(9, first.config, "running", None)], 0)
    assert second is not None

    mean, deviation = posterior(X, Y, np.array([first.config["x"]]), 1e-4)
    x, y = np.append(X, first.config["x"]), np.append(Y, mean - deviation)
    grid = np.linspace(0, 1, 4001)
    mean, deviation = posterior(x, y, grid, 1e-4)
    best = grid[(mean + 2.6 * deviation).argmax()]
    assert second.config["x"] == pytest.approx(best, abs=2e-3)


def test_the_first_trials_are_the_default_and_random_ones() -> None:
    searcher = make_searcher("autokeras_bayesian", {"startup": 3}, SPACE, "maximize")
    rules, history = [], []
    for number in range(1, 5):
        proposal = searcher.ask(number, history, number)
        assert proposal is not None
        rules.append(proposal.why["rule"])
        history.append(Past(number, proposal.config, "complete", float(number)))
    assert rules == ["default", "startup", "startup", "ucb"]


def test_what_was_tried_is_not_proposed_again() -> None:
    space = Space([Parameter("a", Choice((1, 2, 3, 4)), 1), Parameter("b", Choice((1, 2)), 1)])
    searcher = make_searcher("autokeras_bayesian", {"candidates": 60}, space, "maximize")
    history: list[Past] = []
    for number in range(1, 9):
        proposal = searcher.ask(number, history, number)
        assert proposal is not None
        config = proposal.config
        history.append(Past(number, config, "complete", config["a"] - config["b"] / 9))
    late = [key_of(one.config) for one in history[2:]]
    assert len(set(late)) == len(late) == 6
