"""What a plan says of disk, against what runs of both backends write."""

from __future__ import annotations

import io
import json
import math
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automlc.backends import build
from automlc.backends.pytorch.emit import model_files
from automlc.compiler.disk import CHECKPOINTS, WEIGHTS, Files, disk, largest_files, most_kept
from automlc.compiler.driver import compile_spec
from automlc.compiler.graph import SearchGraph
from automlc.compiler.plan_text import plan_text
from automlc.compiler.tensors import most_tensors
from automlc.runtime.costs import CostProgram
from automlc.runtime.plan import Constraint
from automlc.runtime.progress import Quiet
from automlc.runtime.run import Options, execute
from automlc.spec.errors import AutomlcError
from automlc.spec.load import load_text
from tests.backends.operations import operations, text_operations, text_spec
from tests.compiler.random_spaces import allowed, random_constraints, random_costs, random_space
from tests.compiler.spaces import INPUTS, groups_for, preset_graph, sample
from tests.compiler.spaces import graph as graph_of
from tests.compiler.test_odd_models import MODELS, spec
from tests.emitted.loading import emitted

SPEC = """automlc: 1
name: small
task: {kind: image_classification}
data: {source: builtin:digits}
space:
  parameters:
    width: fixed(96)
    lr: log_uniform(1e-3, 1e-2)
    optimizer: OPTIMIZERS
MOMENTUM    batch_size: fixed(128)
  model:
    - standardize
    - flatten
    - dense: {units: width}
    - batch_norm
    - activation
    - dense: {units: width}
    - dense: {units: outputs}
SEARCH
budget: {trials: 4, epochs: 3}
backend: {kind: KIND, device: cpu, threads: 1}
"""
ALL = "choice(adam, adamw, nadam, rmsprop, sgd)"
# What an optimizer keeps for each weight.
KEPT = {"adam": 2, "adamw": 2, "nadam": 2, "rmsprop": 1, "sgd": 1}
BACKENDS = [
    pytest.param("pytorch", marks=pytest.mark.torch),
    pytest.param("keras", marks=pytest.mark.keras),
]


MOMENTUM = '    momentum: {float: [0, 0.9], when: optimizer == "sgd"}\n'


def text(kind: str = "pytorch", optimizers: str = ALL, search: str = "search: random") -> str:
    made = SPEC.replace("KIND", kind).replace("SEARCH", search)
    made = made.replace("OPTIMIZERS", optimizers)
    return made.replace("MOMENTUM", MOMENTUM if "sgd" in optimizers else "")


def graph(*changes: tuple[str, str], optimizers: str = ALL, search: str = "") -> SearchGraph:
    made = text(optimizers=optimizers, search=search)
    for old, new in changes:
        assert old in made
        made = made.replace(old, new)
    return compile_spec(load_text(made, "task.yaml"))[0]


def config_of(graph: SearchGraph, optimizer: str, momentum: float = 0.9) -> dict[str, Any]:
    config = {**graph.space.default_config(), "optimizer": optimizer}
    config.pop("momentum", None)
    config |= {"momentum": momentum} if optimizer == "sgd" else {}
    assert not graph.space.problems(config)
    return config


def test_the_files_are_bounded_by_the_largest_model_of_the_space() -> None:
    # 128 inputs and outputs of standardize, two dense layers, batch norm, the head
    space = graph(("width: fixed(96)", "width: 'int(2, 96)'"))
    largest = space.costs.evaluate({**space.space.default_config(), "width": 96})["model.size"]
    assert largest == 4 * (2 + 64 * 96 + 96 + 4 * 96 + 96 * 96 + 96 + 96 * 10 + 10)
    tensors = most_tensors(space)
    files = largest_files(space)
    assert files == Files(
        largest + 256 * tensors + 8192, 3 * largest + 1024 * tensors + 8192, proven=True
    )
    bounded = graph(
        ("width: fixed(96)", "width: 'int(2, 96)'"),
        ("budget:", "constraints: [model.size <= 20kB]\nbudget:"),
    )
    assert largest_files(bounded).weights <= 20_000 + 256 * tensors + 8192


@pytest.mark.parametrize(
    ("optimizers", "changes", "kept"),
    [
        (ALL, (), 2),
        ("fixed(adam)", (), 2),
        ("choice(rmsprop, sgd)", (), 1),
        ("fixed(sgd)", (), 1),
        ("fixed(sgd)", (("float: [0, 0.9]", "choice: [0.0]"),), 0),
        ("choice(rmsprop, sgd)", (("float: [0, 0.9]", "choice: [0.0]"),), 1),
    ],
)
def test_what_the_optimizers_of_the_space_keep(optimizers: str, changes: Any, kept: int) -> None:
    assert most_kept(graph(*changes, optimizers=optimizers)) == kept


def test_a_run_holds_files_for_each_worker_and_the_best_model_twice() -> None:
    files = Files(weights=10, checkpoint=100)
    usual = graph(search="search: random")
    assert disk(usual, files) == disk(usual, files, 1)
    assert disk(usual, files).ended == 20
    assert disk(usual, files).running == 3 * 100 + 2 * 10 + 20
    assert disk(usual, files, 4).running == 4 * (3 * 100 + 2 * 10) + 20
    lending = graph(search="search: feedback")
    # three later trials may keep what they began with, and best/ its own
    assert disk(lending, files).ended == 20 + 3 * 10 + 10
    cold = graph(search="search: {strategy: feedback, warm_start: never}")
    assert disk(cold, files).ended == 20


def test_tensors_are_counted_by_the_largest_branch_and_all_rounds() -> None:
    few = most_tensors(graph())
    assert few == 5 * 8  # of seven layers two have no tensors
    deeper = most_tensors(
        graph(
            ("    - dense: {units: width}\n    - batch", "    - repeat: depth\n      body:\n"
             "        - dense: {units: width}\n    - batch"),
            ("width: fixed(96)", "width: fixed(96)\n    depth: 'int(1, 4)'"),
        )
    )  # fmt: skip
    assert deeper == few + 3 * 8


def test_the_largest_model_is_that_of_all_configurations_listed() -> None:
    usual, compared = graph(), 0
    for seed in range(120):
        rng = random.Random(seed)
        space = random_space(rng)
        costs = random_costs(rng, space)
        costs = CostProgram(costs.code, {"model.size": costs.outputs["model.params"]})
        bounds = [
            Constraint(c.text, "model.size", c.op, c.bound, "static")
            for c in random_constraints(rng)[: rng.choice((0, 1, 2))]
        ]
        sizes = [sized for c in allowed(space) for sized in sizes_of(costs, c)]
        fitting = [s for s in sizes if all(b.holds({"model.size": s}) for b in bounds)]
        if not fitting:
            continue
        compared += 1
        made = replace(usual, space=space, costs=costs, constraints=tuple(bounds))
        assert largest_files(made).proven
        tensors = most_tensors(made)
        assert largest_files(made).weights == max(fitting) + 256 * tensors + 8192
    assert compared > 40


def sizes_of(costs: CostProgram, config: Mapping[str, Any]) -> list[int]:
    """The size of a configuration; none where it has none."""
    try:
        return [int(costs.evaluate(config)["model.size"])]
    except AutomlcError:
        return []


def test_without_any_bound_the_default_model_is_said_to_be_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = graph(("width: fixed(96)", "width: {int: [2, 96], default: 5}"))
    for name, value in (("WORK", 0), ("_at_a_glance", lambda _: math.inf)):
        monkeypatch.setattr(f"automlc.compiler.disk.{name}", value)
    files = largest_files(space)
    assert not files.proven
    size = space.costs.evaluate(space.space.default_config())["model.size"]
    assert files.weights == size + 256 * most_tensors(space) + 8192
    assert "at the end, were no model larger than the default (checkpoints" in plan_text(space)


def test_a_space_too_large_to_search_is_bounded_at_a_glance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = graph(("width: fixed(96)", "width: {int: [2, 96], default: 5}"))
    exact = largest_files(space)
    monkeypatch.setattr("automlc.compiler.disk.WORK", 0)
    assert largest_files(space) == exact


@pytest.mark.torch
def test_no_model_saves_more_tensors_than_were_counted(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    found = {}
    for name in INPUTS:
        for groups in ((), groups_for(name)):
            found[f"{name}{len(groups)}"] = preset_graph(name, False, groups)
    for key, parts in (MODELS | operations()).items():
        found[key] = graph_of(spec(*parts), "odd")
    for key, parts in text_operations().items():
        found[key] = graph_of(text_spec(*parts), "text")
    for key, one in found.items():
        for seed in range(4):
            config = sample(one, seed)
            with emitted(tmp_path, model_files(one, straight=False), "model") as module:
                with torch.device("meta"):
                    saved = len(module.Model(config).state_dict())
                assert saved <= most_tensors(one.freeze(config)) <= most_tensors(one), key


# ---- real trials and runs ----


def probed(folder: Path, kind: str, project: Path, configs: list[Any]) -> list[dict[str, int]]:
    script = Path(__file__).with_name("disk_probe.py")
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), str(project), str(folder / kind)],
        input=json.dumps(configs), env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    answers: list[dict[str, int]] = json.loads(done.stdout.splitlines()[-1])
    return answers


def project(folder: Path, kind: str, **options: str) -> tuple[Path, SearchGraph]:
    task = folder / "task.yaml"
    task.write_text(text(kind, **options), encoding="utf-8")
    made = build(task, folder / f"build-{kind}")
    return made.path, made.graph


@pytest.mark.parametrize("kind", BACKENDS)
def test_files_of_each_optimizer_are_as_large_as_was_said(kind: str, tmp_path: Path) -> None:
    path, whole = project(tmp_path, kind)
    configs = [config_of(whole, name) for name in KEPT] + [config_of(whole, "sgd", 0.0)]
    kept = [*KEPT.values(), 0]
    for config, found, numbers in zip(
        configs, probed(tmp_path, kind, path, configs), kept, strict=True
    ):
        one = whole.freeze(config)
        said, size = largest_files(one), one.costs.evaluate(config)["model.size"]
        assert most_kept(one) == numbers
        assert found["tensors"] <= most_tensors(one)
        assert size <= found["weights"] <= said.weights
        assert found["checkpoint"] <= said.checkpoint
        # Not so much is said that anything would fit: the numbers are the greater part.
        assert said.weights - found["weights"] <= 0.3 * size
        assert said.checkpoint - found["checkpoint"] <= 0.8 * size
        assert 3 * found["checkpoint"] <= found["peak"]
        assert found["peak"] <= CHECKPOINTS * said.checkpoint + WEIGHTS * said.weights


class Watch(Quiet):
    """Sums checkpoints and weights of a run at all its events, and in between."""

    def __init__(self, folder: Path) -> None:
        super().__init__(io.StringIO())
        self.most = self.looks = 0
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def event(self, kind: str, trial: int, payload: Mapping[str, Any]) -> None:
        self.look()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.002):
            self.look()

    def look(self) -> int:
        now = sum(size for _, size in files_of(self._folder))
        self.most, self.looks = max(self.most, now), self.looks + 1
        return now


def files_of(folder: Path) -> Iterator[tuple[str, int]]:
    """What a run keeps of its trials, as names and bytes; logs and configurations are not asked
    about."""
    places = [*folder.glob("t[0-9]*"), folder / "best"]
    found: dict[int, tuple[str, int]] = {}
    for path in (p for place in places for p in place.glob("*")):
        kept = path.suffix in (".pt", ".safetensors", ".tmp") and "config" not in path.name
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        if kept:
            found[status.st_ino] = (f"{path.parent.name}/{path.name}", status.st_size)
    yield from sorted(found.values())


RANDOM = ("search: random\nstopping: asha", 2)
LENDING = (
    "search: feedback\nrules: {use: builtin/none, when: [convergence == slow => lr = lr * 2]}",
    1,
)


@pytest.mark.parametrize(
    ("kind", "search"),
    [  # the other pairs run with `make test-all`
        pytest.param("pytorch", RANDOM, marks=pytest.mark.torch),
        pytest.param("keras", LENDING, marks=pytest.mark.keras),
        pytest.param("pytorch", LENDING, marks=(pytest.mark.torch, pytest.mark.slow)),
        pytest.param("keras", RANDOM, marks=(pytest.mark.keras, pytest.mark.slow)),
    ],
    ids=["pytorch-random", "keras-lending", "pytorch-lending", "keras-random"],
)
def test_a_study_never_takes_more_than_its_plan_says(
    kind: str, search: tuple[str, int], tmp_path: Path
) -> None:
    text, workers = search
    path, whole = project(tmp_path, kind, optimizers="fixed(adamw)", search=text)
    files = largest_files(whole)
    said, run = disk(whole, files, workers), tmp_path / "run"
    watch = Watch(run)
    options = Options(run_dir=run, workers=workers, progress=watch)
    try:
        assert execute(path, options).exit_code == 0
    finally:
        watch.stop()
    assert watch.looks > 4 * 3  # an epoch each, at least
    assert 2 * files.checkpoint / 1.7 <= watch.most <= said.running
    assert 0 < watch.look() <= said.ended
    names = [name for name, _ in files_of(run)]
    assert "best/weights.safetensors" in names
    assert not [name for name in names if "checkpoint" in name]
    assert len([name for name in names if "/weights-" in name]) == 1
    assert ("feedback" in text) == any("start" in name for name in names)
