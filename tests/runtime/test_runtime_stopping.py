"""The laws that every stopping policy keeps, and what each one does on a table of values."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.runtime.stopping import POLICIES, make_policy
from automlc.runtime.stopping.base import Decision, StoppingPolicy
from automlc.runtime.stopping.hyperband import Hyperband

NAMES = POLICIES.names()
EPOCHS = 9


class Table:
    """Histories as a plain table: {trial: best value through each epoch}."""

    def __init__(self, curves: dict[int, list[float]]):
        self.curves = curves

    def best_by(self, epoch: int) -> Iterator[tuple[int, float]]:
        for trial, curve in self.curves.items():
            if len(curve) >= epoch:
                yield trial, curve[epoch - 1]


def make(name: str, goal: str = "maximize") -> StoppingPolicy:
    return make_policy(name, {}, goal, EPOCHS)


def decide(name: str, goal: str, table: Table, trial: int, epoch: int) -> Decision:
    return make(name, goal).decide(trial, epoch, table.curves[trial][epoch - 1], table)


curves = st.lists(
    st.lists(st.floats(-1, 1).map(lambda v: round(v, 2)), min_size=1, max_size=EPOCHS - 1),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_trial_is_never_stopped(name: str) -> None:
    table = Table({1: [0.0] * EPOCHS})
    assert not any(decide(name, "maximize", table, 1, e).stop for e in range(1, EPOCHS))


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize("name", NAMES)
@given(values=curves)
def test_the_best_is_never_stopped_and_better_is_never_worse(
    name: str, goal: str, values: list[list[float]]
) -> None:
    table = Table(dict(enumerate(values, start=1)))
    sign = -1 if goal == "minimize" else 1
    for trial, curve in table.curves.items():
        epoch = len(curve)
        at_epoch = [value for _, value in table.best_by(epoch)]
        decision = decide(name, goal, table, trial, epoch)
        if curve[-1] == max(at_epoch, key=lambda v: sign * v):
            assert not decision.stop
        better = make(name, goal).decide(trial, epoch, curve[-1] + sign * 0.5, table)
        assert not (better.stop and not decision.stop)
        if decision.stop:
            assert decision.reason
            assert decision.evidence


@pytest.mark.parametrize("name", NAMES)
def test_a_decision_depends_on_the_record_alone(name: str) -> None:
    rng = random.Random(0)
    table = Table({n: [rng.random() for _ in range(4)] for n in range(1, 20)})
    for trial in table.curves:
        first = decide(name, "maximize", table, trial, 3)
        shuffled = Table(dict(sorted(table.curves.items(), key=lambda item: item[1])))
        assert decide(name, "maximize", shuffled, trial, 3) == first


def test_asha_keeps_the_best_third_of_each_rung() -> None:
    table = Table({n: [n / 10] for n in range(1, 10)})
    stopped = [n for n in table.curves if decide("asha", "maximize", table, n, 1).stop]
    assert stopped == [1, 2, 3, 4, 5, 6]
    decision = decide("asha", "maximize", table, 6, 1)
    assert decision.evidence == {
        "rung": 1,
        "value": 0.6,
        "rank": 4,
        "n": 9,
        "places": 3,
        "cutoff": 0.7,
    }
    assert not make("asha").decide(1, 2, 0.0, table).stop


def test_median_waits_for_enough_trials() -> None:
    table = Table({n: [n / 10] for n in range(1, 7)})
    assert decide("median", "maximize", table, 1, 1).stop
    assert not decide("median", "maximize", table, 4, 1).stop
    few = Table({n: [n / 10] for n in range(1, 6)})
    assert not decide("median", "maximize", few, 1, 1).stop


def test_hyperband_compares_within_a_bracket_and_has_one_that_never_stops() -> None:
    policy = make("hyperband")
    assert isinstance(policy, Hyperband)
    brackets = [policy.bracket(n) for n in range(1, 400)]
    assert set(brackets) == {0, 1, 2}
    assert brackets.count(0) > brackets.count(2) > 0
    table = Table({n: [n / 400] * 8 for n in range(1, 400)})
    for number in table.curves:
        decision = policy.decide(number, 1, number / 400, table)
        assert not (decision.stop and policy.bracket(number) != 0)
