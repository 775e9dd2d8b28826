"""The emitted Keras optimizers and schedules: the same numbers as PyTorch's, on every engine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.emitted.keras_projects import ENGINES, probe, project
from tests.emitted.loading import emitted

pytestmark = [
    pytest.mark.keras,
    pytest.mark.torch,
    pytest.mark.skipif(find_spec("torch") is None, reason="compares with PyTorch"),
]

STEPS = 25
SHAPES = ((4, 3), (5,), (2, 2, 3))
CONFIG = {"lr": 0.05, "schedule": "cosine", "warmup": 0.2}

# Name: class here and in torch.optim, weight decay, own options of each, what else differs.
CASES: dict[str, dict[str, Any]] = {
    "sgd": {"class": "SGD", "decay": 0.0, "options": {"momentum": 0.0}},
    "sgd decay": {"class": "SGD", "decay": 0.1, "options": {"momentum": 0.0}},
    "sgd momentum": {"class": "SGD", "decay": 0.1, "options": {"momentum": 0.9}},
    "adam": {"class": "Adam", "decay": 0.0, "options": {}},
    "adam decay": {"class": "Adam", "decay": 0.1, "options": {}},
    "adamw": {"class": "AdamW", "decay": 0.1, "options": {}},
    "nadam": {"class": "NAdam", "decay": 0.0, "options": {}},
    "nadam decay": {"class": "NAdam", "decay": 0.1, "options": {}},
    "rmsprop": {"class": "RMSprop", "decay": 0.0, "options": {}},
    "rmsprop decay": {"class": "RMSprop", "decay": 0.1, "options": {}},
    "clip": {"class": "AdamW", "decay": 0.1, "options": {"clip": 0.5}},
    "clip momentum": {"class": "SGD", "decay": 0.0, "options": {"clip": 0.5, "momentum": 0.9}},
    "parts": {"class": "NAdam", "decay": 0.1, "options": {"clip": 0.5}, "accumulate": 2},
    "more parts": {"class": "SGD", "decay": 0.1, "options": {"momentum": 0.9}, "accumulate": 3},
}

BY_ROWS = [list(CASES).index(name) for name in ("adamw", "clip", "parts")]
STOCK: list[dict[str, Any]] = [
    {"class": "SGD", "options": {"momentum": 0.9, "nesterov": True}},
    {"class": "Adam", "options": {"epsilon": 1e-8}},
    {"class": "Nadam", "options": {"epsilon": 1e-8}},
    {"class": "RMSprop", "options": {"rho": 0.99, "epsilon": 1e-8}},
    {"class": "Adam", "options": {"epsilon": 1e-8, "weight_decay": 0.1}},
]
SCHEDULES = [
    {"lr": 0.1, "end_lr": 0.003, "schedule": schedule, "warmup": warmup}
    for schedule in ("constant", "cosine", "linear", "polynomial")
    for warmup in (0.0, 0.1, 0.5)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with all optimizers, and given.npz: first weights (w) and gradients (g)."""
    folder = tmp_path_factory.mktemp("optimizers")
    project(folder, "images")
    rng = np.random.default_rng(2)
    given = {}
    for index, shape in enumerate(SHAPES):
        given[f"w{index}"] = rng.normal(size=shape).astype(np.float32)
        # From large to as small as epsilon, so that where epsilon stands is seen.
        sizes = 10.0 ** rng.uniform(-9, 1, size=shape)
        given[f"g{index}"] = (rng.normal(size=(STEPS, *shape)) * sizes).astype(np.float32)
    np.savez(folder / "given.npz", **given)
    return folder


@pytest.fixture(scope="module", params=ENGINES)
def answers(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    """What an engine says to everything that this file asks."""
    given = {"steps": STEPS, "file": str(folder / "given.npz")}
    cases = [{**case, "config": CONFIG} for case in CASES.values()]
    commands = {
        "follow": {"cases": cases, **given},
        "rates": {"configs": SCHEDULES, "steps": 37, "accumulate": 3},
    }
    if request.param == "tensorflow":
        commands["follow"]["cases"] += [{**cases[place], "rows": True} for place in BY_ROWS]
        rates = torch_rates(folder, CONFIG, STEPS)
        commands["stock"] = {"rates": rates, "options": STOCK, **given}
    return probe(request.param, folder / "images-keras", **commands)


def torch_rates(folder: Path, config: dict[str, Any], steps: int) -> list[float]:
    """The learning rates of a PyTorch project."""
    written = project(folder, "images", "pytorch")
    files = {path.name: path.read_text(encoding="utf-8") for path in written.glob("*.py")}
    with emitted(folder / "copy", files, "train") as train:
        return [config["lr"] * train.rate_factor(config, step, steps) for step in range(steps)]


def torch_path(folder: Path, case: dict[str, Any], rates: list[float]) -> list[np.ndarray]:
    """All weights after each step, as one vector a step."""
    import torch

    given = np.load(folder / "given.npz")
    weights = [torch.nn.Parameter(torch.from_numpy(given[f"w{i}"])) for i in range(len(SHAPES))]
    options = {"lr": 1.0, "weight_decay": case["decay"]}
    if case["class"] == "SGD":
        momentum = case["options"]["momentum"]
        options |= {"momentum": momentum, "nesterov": momentum > 0}
    optimizer = getattr(torch.optim, case["class"])(weights, **options)
    path = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        for index, weight in enumerate(weights):
            weight.grad = torch.from_numpy(given[f"g{index}"][step].copy())
        if case["options"].get("clip"):
            torch.nn.utils.clip_grad_norm_(weights, case["options"]["clip"])
        optimizer.step()
        path.append(np.concatenate([w.detach().numpy().ravel() for w in weights]))
    return path


def test_every_optimizer_moves_weights_as_torch_does(answers: Any, folder: Path) -> None:
    rates = torch_rates(folder, CONFIG, STEPS)
    followed = answers["follow"]
    assert len(followed) >= len(CASES)
    for (name, case), answer in zip(CASES.items(), followed, strict=False):
        path = torch_path(folder, case, rates)
        ours = [np.concatenate(weights) for weights in answer["path"]]
        assert np.abs(path[-1] - path[0]).max() > 1e-2, f"{name} moved nothing"
        np.testing.assert_allclose(ours, path, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("answers", ["tensorflow"], indirect=True)
def test_gradients_by_rows_move_weights_as_whole_ones_do(answers: Any) -> None:
    by_rows = answers["follow"][len(CASES) :]
    assert len(by_rows) == len(BY_ROWS)
    for place, answer in zip(BY_ROWS, by_rows, strict=True):
        for one, other in zip(answers["follow"][place]["path"], answer["path"], strict=True):
            np.testing.assert_allclose(
                np.concatenate(one), np.concatenate(other), rtol=1e-5, atol=1e-6
            )


@pytest.mark.parametrize("answers", ["tensorflow"], indirect=True)
def test_the_optimizers_of_keras_move_weights_elsewhere(answers: Any, folder: Path) -> None:
    """Why the project brings its own: should this fail one day, it need not any more."""
    rates = torch_rates(folder, CONFIG, STEPS)
    names = ("sgd momentum", "adam", "nadam", "rmsprop", "adam decay")
    for reached, stock, name in zip(answers["stock"], STOCK, names, strict=True):
        case = CASES[name] if "weight_decay" in stock["options"] else {**CASES[name], "decay": 0.0}
        path = torch_path(folder, case, rates)
        difference = np.abs(np.concatenate(reached) - path[-1]).max()
        assert difference > 1e-3, f"{stock} is {difference} from torch.optim"


def test_the_rate_of_every_step_is_that_of_the_pytorch_project(answers: Any, folder: Path) -> None:
    for config, answer in zip(SCHEDULES, answers["rates"], strict=True):
        expected = torch_rates(folder, config, 37)
        assert answer["recorded"] == expected
        # Keras counts parts of a step: three of them see the same rate.
        thrice = np.repeat(answer["recorded"], 3)
        np.testing.assert_array_equal(answer["compiled"], thrice.astype(np.float32))
