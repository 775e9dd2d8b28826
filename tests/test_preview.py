"""The preview of a budget against the real stopping policies."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from automlc.compiler.preview import Preview, cohorts, preview
from automlc.runtime.stopping import make_policy

CASES = [
    ("none", {}),
    ("asha", {"eta": 2}),
    ("asha", {"eta": 3, "min_epochs": 2}),
    ("median", {"min_trials": 3, "min_epochs": 2}),
    ("hyperband", {"eta": 3}),
    ("hyperband", {"eta": 2, "brackets": 2}),
]


class Memory:
    def __init__(self) -> None:
        self.reached: dict[int, list[float]] = {}

    def best_by(self, epoch: int) -> Iterator[tuple[int, float]]:
        return ((n, min(v[:epoch])) for n, v in self.reached.items() if len(v) >= epoch)


def study(policy: str, options: dict, curves: list[list[float]]) -> tuple[int, int]:
    """(trials at full epochs, epochs in all) of the real policy, one trial after the other."""
    epochs = len(curves[0])
    judge, memory = make_policy(policy, options, "minimize", epochs), Memory()
    for number, curve in enumerate(curves):
        seen = memory.reached.setdefault(number, [])
        for epoch, value in enumerate(curve, 1):
            seen.append(value)
            if epoch < epochs and judge.decide(number, epoch, min(seen), memory).stop:
                break
    runs = memory.reached.values()
    return sum(len(v) == epochs for v in runs), sum(map(len, runs))


def bounds(policy: str, options: dict, trials: int, epochs: int) -> Preview:
    found = cohorts(policy, options, range(trials), epochs)
    assert found is not None
    return preview(found, epochs)


@pytest.mark.parametrize(("policy", "options"), CASES)
def test_what_a_policy_spends_lies_within_the_preview(policy: str, options: dict) -> None:
    for seed in range(60):
        rng = random.Random(seed)
        trials, epochs = rng.randint(1, 25), rng.randint(1, 12)
        curves = [[rng.random() for _ in range(epochs)] for _ in range(trials)]
        full, spent = study(policy, options, curves)
        said = bounds(policy, options, trials, epochs)
        assert said.full[0] <= full <= said.full[1]
        assert said.epochs[0] <= spent <= said.epochs[1]


@pytest.mark.parametrize(("policy", "options"), CASES)
@pytest.mark.parametrize("rising", [True, False])
def test_both_ends_of_the_preview_are_reached(policy: str, options: dict, rising: bool) -> None:
    trials, epochs = 20, 9
    curves = [[float(n if rising else -n)] * epochs for n in range(trials)]
    said, end = bounds(policy, options, trials, epochs), 0 if rising else 1
    assert study(policy, options, curves) == (said.full[end], said.epochs[end])
