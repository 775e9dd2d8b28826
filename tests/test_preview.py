"""The preview of a budget against the real stopping policies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from automlc.cli.main import cli
from automlc.compiler.preview import Preview, preview
from automlc.runtime.stopping import cohorts_of, make_policy

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
    found = cohorts_of(make_policy(policy, options, "minimize", epochs), range(trials))
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


def plan(*options: str) -> Result:
    spec = Path(__file__).parents[1] / "examples" / "digits" / "task.yaml"
    return CliRunner().invoke(cli, ["plan", str(spec), *options])


def test_a_stated_rate_gives_a_range_of_time() -> None:
    # 24 trials of 15 epochs at most, 38 epochs at least, of 1,079 rows
    said = plan("--rate", "1000/s").output
    assert "  samples   41,002 to 388,440 training examples\n" in said
    assert "  time      41 s to 6.5 min of training at 1000 samples a second, one worker" in said
    assert "  time      2.2 min to" not in said
    assert "21 s to 3.2 min" in plan("--rate", "60000/min", "--workers", "2").output
    assert "  time " not in plan().output


@pytest.mark.parametrize("rate", ["250", "fast/s", "0/s", "-1/s", "1/parsec", "nan/s", "inf/s"])
def test_what_is_no_rate_is_said(rate: str) -> None:
    done = plan(f"--rate={rate}")
    assert done.exit_code == 2
    assert "write 250/s" in done.output


def test_workers_without_a_rate_mean_nothing() -> None:
    assert plan("--workers", "2").exit_code == 2
