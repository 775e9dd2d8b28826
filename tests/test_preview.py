"""The preview of a budget against the real stopping policies."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from automlc.cli.main import cli
from automlc.compiler.checks import check
from automlc.compiler.contracts.contract import Rows
from automlc.compiler.disk import disk, largest_files, too_full
from automlc.compiler.driver import compile_spec
from automlc.compiler.graph import SearchGraph
from automlc.compiler.plan_text import plan_text
from automlc.compiler.preview import Preview, Rate, duration_of, preview, too_slow
from automlc.compiler.resolution import FEWEST, half_width, least_difference
from automlc.runtime.plan import Budget
from automlc.runtime.stopping import Cohort, cohorts_of, make_policy
from automlc.runtime.study import Outcome
from automlc.spec.load import load, load_text

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


def study(
    policy: str,
    options: dict,
    curves: list[list[float]],
    workers: int = 1,
    pick: Callable[[list[int]], int] = min,
) -> tuple[int, int]:
    """(trials at full epochs, epochs in all) of the real policy.

    `pick` says which of the running trials reports its next epoch.
    """
    epochs = len(curves[0])
    judge, memory = make_policy(policy, options, "minimize", epochs), Memory()
    waiting, running = list(range(len(curves))), list[int]()
    while waiting or running:
        while waiting and len(running) < workers:
            running.append(waiting.pop(0))
        number = pick(running)
        seen = memory.reached.setdefault(number, [])
        seen.append(curves[number][len(seen)])
        last = len(seen) == epochs
        if last or judge.decide(number, len(seen), min(seen), memory).stop:
            running.remove(number)
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
def test_the_preview_holds_for_workers_that_report_in_any_order(policy: str, options: dict) -> None:
    for seed in range(60):
        rng = random.Random(seed)
        trials, epochs, workers = rng.randint(1, 25), rng.randint(1, 12), rng.randint(2, 9)
        fall = rng.choice([0.0, 0.5])  # later epochs are better, as in training
        curves = [[rng.random() - fall * e for e in range(epochs)] for _ in range(trials)]
        full, spent = study(policy, options, curves, workers, rng.choice)
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


SPEC = Path(__file__).parents[1] / "examples" / "digits" / "task.yaml"


def plan(*options: str) -> Result:
    return CliRunner().invoke(cli, ["plan", str(SPEC), *options])


@cache
def digits() -> SearchGraph:
    """24 trials of 15 epochs at most, 38 epochs at least, of 1,079 rows."""
    return compile_spec(load(SPEC))[0]


def test_a_stated_rate_gives_a_range_of_time() -> None:
    said = plan_text(digits(), Rate(1000.0))
    assert "  samples   41,002 to 388,440 training examples\n" in said
    assert "  time      41 s to 6.5 min of training at 1000 samples a second, one worker" in said
    assert "  epoch     1 s at that rate\n" in said
    # 16 s is the longest trial: half of it is what one worker may do alone at the end
    assert "21 s to 3.4 min" in plan("--rate", "60000/min", "--workers", "2").stdout
    # and 30 workers are not faster than that trial
    assert "16 s to 32 s" in plan_text(digits(), Rate(1000.0), 30)
    assert "  time " not in plan_text(digits())


@pytest.mark.parametrize(
    "rate", ["250", "fast/s", "0/s", "-1/s", "1/parsec", "nan/s", "inf/s", "1e-300/s", "1e13/s"]
)
def test_what_is_no_rate_is_said(rate: str) -> None:
    done = plan(f"--rate={rate}")
    assert done.exit_code == 2
    assert "write 250/s" in done.output


def test_long_times_are_read_with_commas() -> None:
    assert "epoch     1,079.0 d at that rate" in plan("--rate", "1/d").stdout


def test_what_a_plan_counts_is_in_the_right_number(tmp_path: Path) -> None:
    rows = "".join(f"{i % 7},{i % 5},{'ab'[i % 2]}\n" for i in range(2_000))
    (tmp_path / "data.csv").write_text(f"u,v,y\n{rows}", encoding="utf-8")
    (tmp_path / "task.yaml").write_text(
        "automlc: 1\nname: many\ntask: {kind: tabular_classification, metric: accuracy}\n"
        "data: {source: data.csv, target: y, split: {validation: 0.25, test: 0.25}}\n"
        "space: {preset: tabular/mlp}\nsearch: tpe\nbudget: {trials: 1, epochs: 1}\n"
        "backend: {kind: pytorch, threads: 1}\n",
        encoding="utf-8",
    )
    said = CliRunner().invoke(cli, ["plan", str(tmp_path / "task.yaml")]).stdout
    assert "  rows      1,000 train, 500 validation, 500 test" in said
    assert "  trials    1, of at most 1 epoch: 1 epoch in all\n" in said
    assert ", device auto, precision auto, 1 thread a trial\n" in said
    assert "; 0 missing values\n" in said
    assert "constraints: none\n" in said
    assert "start_with_default true" in said


def test_room_is_looked_for_under_a_name_that_no_folder_can_have(tmp_path: Path) -> None:
    assert too_full(digits(), tmp_path / ("a" * 300), 1) == []


def test_a_budget_that_is_wrong_is_not_weighed(tmp_path: Path) -> None:
    text = (
        "automlc: 1\nname: many\ntask: {kind: tabular_classification}\n"
        "data: {source: data.csv, target: y}\nsearch: {strategy: tpe, startup: 90}\n"
        "stopping: {policy: asha, min_epochs: 50}\nbudget: {trials: 5, epochs: EPOCHS}\n"
    )
    codes = {}
    for epochs in ("3", "1000000000"):
        (tmp_path / "task.yaml").write_text(text.replace("EPOCHS", epochs), encoding="utf-8")
        done = CliRunner().invoke(
            cli, ["validate", "--format", "json", str(tmp_path / "task.yaml")]
        )
        codes[epochs] = {one["code"] for one in json.loads(done.stdout)}
    assert {"W540", "W541"} <= codes["3"]
    assert codes["1000000000"] == {"E205"}


def test_what_can_come_out_in_one_way_only_is_one_number(tmp_path: Path) -> None:
    stops_none = replace(digits(), budget=replace(digits().budget, trials=1))
    said = plan_text(stops_none)
    assert "  full      1 trial runs all 15 epochs\n" in said
    assert "  epochs    15 in all, if no trial fails\n" in said
    hyperband = plan("--set", "stopping=hyperband").stdout
    assert "stopping: hyperband (eta 3, min_epochs 1)\n" in hyperband  # brackets: as many as fit


def test_workers_share_the_disk() -> None:
    one = "  disk      at most 14.60 MB while a trial runs, at most 2.21 MB at the end"
    assert one in plan_text(digits())
    assert "at most 39.38 MB while 3 trials run, at most 2.21 MB" in plan("--workers", "3").stdout


@pytest.mark.parametrize("option", ["--rate=9/s", "--workers=2"])
@pytest.mark.parametrize("form", ["--json", "--resolved"])
def test_what_is_assumed_goes_with_the_text_alone(option: str, form: str) -> None:
    assert plan(option, form).exit_code == 2


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=12),
    st.integers(1, 6),
)
def test_no_order_of_trials_takes_longer_than_was_said(seconds: list[int], workers: int) -> None:
    """Each trial goes to the worker that is free first, as a study does it."""
    ends = [0] * workers
    for one in seconds:
        ends[ends.index(min(ends))] += one
    busy, longest = min(workers, len(seconds)), max(seconds)
    assert max(ends) <= sum(seconds) / busy + (1 - 1 / busy) * longest + 1e-9
    graph = cast(SearchGraph, Graph(len(seconds), longest))
    least, most = duration_of(graph, (Cohort(len(seconds), (), len(seconds)),), Rate(1.0), workers)
    alike = [0] * workers
    for _ in seconds:
        alike[alike.index(min(alike))] += longest
    assert least - 1e-9 <= max(alike) <= most + 1e-9


class Graph:
    """As much of a graph as a duration needs: rows of one second each."""

    def __init__(self, trials: int, epochs: int) -> None:
        self.budget = Budget(trials, epochs, None, 600.0, None)
        self.contract = SimpleNamespace(rows=Rows(1, 1, 1))


def test_an_epoch_beyond_its_limits_is_warned_of() -> None:
    done = plan("--rate", "1/s", "--set", "budget.wall=17min")
    assert (
        "W543 an epoch takes 1,079 s at 1 samples a second, and budget.epoch_wall is 600 s: every"
        " trial would fail at its limit; write budget.epoch_wall: 2158s or more\n"
    ) in done.stderr
    assert "budget.wall is 1020 s: the search would end before its first epoch" in done.stderr
    assert "W543" not in done.stdout
    assert not too_slow(digits(), Rate(1079 / 600), load(SPEC))
    assert too_slow(digits(), Rate(1078 / 600), load(SPEC))


def test_a_disk_with_too_little_room_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    needed = disk(digits(), largest_files(digits())).running
    for free, warned in ((needed - 1, True), (needed, False)):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        found = too_full(digits(), tmp_path / "not" / "yet" / "there", 1)
        assert [d.code for d in found] == (["W544"] if warned else [])
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    done = plan()
    assert "W544 checkpoints and weights may take 14.60 MB, and 10 B are free in" in done.stderr
    assert done.exit_code == 0
    assert "W544" not in done.stdout


def test_a_run_is_warned_of_the_disk_it_will_lie_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def usage(place: Path) -> SimpleNamespace:
        asked.append(place)
        return SimpleNamespace(free=20_000_000)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", usage)
    monkeypatch.setattr("automlc.runtime.run.execute", lambda *_: Outcome(0, "finished", ""))
    (tmp_path / "far").mkdir()
    for workers, warned in ((1, False), (2, True)):
        options = ["run", str(SPEC), "--workers", str(workers), "--run-dir", "far/away/run"]
        done = CliRunner().invoke(cli, options)
        assert done.exit_code == 0, done.output
        assert ("W544" in done.stderr) is warned
    assert asked == [tmp_path / "far"] * 2


BASE = """automlc: 1
task: {kind: image_classification}
data: {source: builtin:digits}
"""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("stopping: asha\nbudget: {trials: 9, epochs: 2}", None),
        ("stopping: {policy: asha, min_epochs: 2}\nbudget: {trials: 9, epochs: 2}", "W540"),
        ("stopping: {policy: hyperband, min_epochs: 2}\nbudget: {trials: 9, epochs: 2}", "W540"),
        ("stopping: {policy: asha, min_epochs: 2}\nbudget: {trials: 9, epochs: 1}", None),
        ("stopping: {policy: asha, min_epochs: 9}\nbudget: {trials: 3, epochs: 5}", None),
        ("stopping: {policy: asha, min_epochs: 9}\nbudget: {trials: 4, epochs: 5}", "W540"),
        ("stopping: median\nbudget: {trials: 5, epochs: 9}", "W540"),
        ("stopping: median\nbudget: {trials: 6, epochs: 9}", None),
        (
            "stopping: {policy: median, min_trials: 1500}\nbudget: {trials: 1500, epochs: 9}",
            "W540",
        ),
        ("stopping: {policy: median, min_trials: 1500}\nbudget: {trials: 1501, epochs: 9}", None),
        ("stopping: none\nbudget: {trials: 5, epochs: 9}", None),
        ("search: tpe\nbudget: {trials: 10}", "W541"),
        ("search: tpe\nbudget: {trials: 11}", None),
        ("search: gp\nbudget: {trials: 4}", "W541"),
        ("search: tpe\nbudget: {trials: 3}", None),
        ("search: {strategy: tpe, startup: 5}\nbudget: {trials: 3}", None),
        ("search: {strategy: tpe, startup: 5}\nbudget: {trials: 5}", "W541"),
        ("search: random\nbudget: {trials: 4}", None),
        ("budget: {trials: 4}", None),
    ],
)
def test_a_budget_that_leaves_nothing_to_do_is_warned_of(text: str, code: str | None) -> None:
    found = {d.code for d in check(load_text(BASE + text + "\n", "task.yaml"))}
    assert found == ({code} if code else set())


SMALL = """space:
  parameters: {width: 'choice(8, 16)', depth: 'int(1, 3)'}
  model:
    - flatten
    - repeat: depth
      body: [{dense: {units: width}}]
    - dense: {units: outputs}
"""


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("budget: {trials: 7}\nsearch: random", True),
        ("budget: {trials: 6}\nsearch: random", False),
        ("budget: {trials: 7}\nsearch: grid", False),
        ("search: random", False),  # nobody asked for the 20 of the default
    ],
)
def test_more_trials_than_configurations_are_warned_of(text: str, warned: bool) -> None:
    loaded = load_text(BASE + SMALL + text + "\n", "task.yaml")
    _, warnings = compile_spec(loaded)
    assert ([d.code for d in warnings] == ["W542"]) is warned
    assert warned or not warnings


@given(st.integers(1, 5_000))
def test_the_width_of_an_accuracy_is_that_of_wilson(half: int) -> None:
    """The reference is scipy's interval of half of the rows being right, the widest one."""
    rows = 2 * half
    low, high = binomtest(half, rows).proportion_ci(0.95, method="wilson")
    assert half_width(rows) == pytest.approx((high - low) / 2, rel=1e-9)
    for right in {0, half // 2, half - 1, rows}:
        low, high = binomtest(right, rows).proportion_ci(0.95, method="wilson")
        assert (high - low) / 2 <= half_width(rows) + 1e-12


def test_smaller_differences_than_said_pass_no_exact_test() -> None:
    """McNemar's exact test of every way in which two models may differ on up to 60 rows."""
    significant = [
        better - worse
        for better in range(30)
        for worse in range(better)
        if binomtest(better, better + worse).pvalue <= 0.05
    ]
    assert min(significant) == FEWEST
    assert least_difference(359) == FEWEST / 359


def test_only_an_accuracy_is_said_to_be_resolved() -> None:
    line = "  resolves  an accuracy to within 5.1 points (95 %, at worst); two trials less than 1.7"
    assert line in plan_text(digits())
    other = replace(digits(), task=replace(digits().task, metric="f1"))
    assert "resolves" not in plan_text(other)
