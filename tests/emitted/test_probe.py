"""The probe of an emitted PyTorch project: what it finds, and that training does not notice it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.emitted.keras_projects import project
from tests.emitted.loading import emitted

if find_spec("torch") is None:
    pytest.skip("needs torch", allow_module_level=True)

import torch
from torch import nn

pytestmark = pytest.mark.torch

CONFIG = {
    "batch_size": 16,
    "clip_norm": 0.0,
    "end_lr": 0.0,
    "initializer": "default",
    "step_freeze": "all",
    "step_ratio": 0.2,
    "step_scale": 0.1,
    "steps": "one",
    "label_smoothing": 0.1,
    "lr": 0.01,
    "momentum": 0.9,
    "optimizer": "adamw",
    "rate": 0.3,
    "schedule": "cosine",
    "warmup": 0.1,
    "weight_decay": 1e-3,
}


@pytest.fixture(scope="module", params=["images", "table"])
def train(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[ModuleType]:
    """train.py of a project, imported."""
    folder = tmp_path_factory.mktemp("probe")
    written = project(folder, request.param, "pytorch")
    files = {path.name: path.read_text(encoding="utf-8") for path in written.glob("*.py")}
    with emitted(written, files, "train") as module:
        yield module


@pytest.fixture(scope="module")
def parts(train: ModuleType) -> Any:
    loaded, data = train.load(), train.data
    few = data.Split(loaded.train.x[:50], loaded.train.y[:50])
    return data.Data(few, data.Split(loaded.validation.x[:20], loaded.validation.y[:20]))


def run(train: ModuleType, parts: Any, folder: Path, **changes: Any) -> list[dict[str, Any]]:
    """The records of a training; they must be plain JSON, without NaN."""
    folder.mkdir(parents=True, exist_ok=True)
    described = {
        "config": CONFIG | changes.pop("config", {}),
        "seed": 3,
        "epochs": 2,
        "folder": str(folder),
        "device": "cpu",
        "precision": "float32",
        **changes,
    }
    records: list[dict[str, Any]] = []
    train.run(described, parts, lambda record: records.append(record) or "continue")
    for record in records:
        json.dumps(record["feedback"], allow_nan=False)
    return records


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_training_that_is_probed_ends_where_one_ends_that_is_not(
    train: ModuleType, parts: Any, optimizer: str, tmp_path: Path, monkeypatch: Any
) -> None:
    config = {"optimizer": optimizer}
    probed = run(train, parts, tmp_path / "probed", config=config)
    monkeypatch.setattr(train.feedback, "collect", lambda *_: {"weights_nonfinite": 0})
    bare = run(train, parts, tmp_path / "bare", config=config)
    # A checkpoint holds weights, statistics and the optimizer's state: its digest covers them.
    left_out = ("seconds", "feedback")
    assert [without(r, *left_out) for r in probed] == [without(r, *left_out) for r in bare]


def test_the_probe_finds_what_autograd_finds_on_the_same_rows(
    train: ModuleType, parts: Any, tmp_path: Path
) -> None:
    [*_, record] = run(train, parts, tmp_path)
    seen, config = record["feedback"], CONFIG
    model = train.Model(config)
    state = torch.load(tmp_path / record["checkpoint"]["file"], weights_only=True)["model"]
    model.load_state_dict(state)
    model.eval()
    rows = np.sort(np.random.default_rng(0).permutation(50)[:32])
    x = train.prepare(parts.train.x[rows], torch.device("cpu"))
    scale = train.checkpoint.target_scale(model)
    loss = train.loss_of(model(x), parts.train.y[rows], config, scale)
    loss.backward()
    kernels = {name: p for name, p in model.named_parameters() if p.ndim >= 2}
    gradients = {name: p.grad.numpy().astype(np.float64) for name, p in kernels.items()}
    norms = [np.linalg.norm(g) for g in gradients.values()]
    assert seen["probe"]["rows"] == 32
    assert seen["probe"]["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert seen["probe"]["gradient_first"] == pytest.approx(norms[0], rel=1e-4)
    assert seen["probe"]["gradient_last"] == pytest.approx(norms[-1], rel=1e-4)
    assert seen["gradient_norm"] == pytest.approx(np.linalg.norm(norms), rel=1e-4)
    zeros = sum(int((g == 0).sum()) for g in gradients.values())
    entries = sum(g.size for g in gradients.values())
    assert seen["probe"]["zero_entries"] == pytest.approx(zeros / entries)
    assert (seen["probe"]["gradient_nonfinite"], seen["probe"]["output_nonfinite"]) == (0, 0)
    assert seen["weights_nonfinite"] == 0
    assert [layer["name"] for layer in seen["layers"]] == [n for n, _ in model.named_parameters()]
    for layer in seen["layers"]:
        weight = state[layer["name"]].numpy().astype(np.float64)
        assert layer["weight_norm"] == pytest.approx(np.linalg.norm(weight), rel=1e-5)
        assert layer["weight_std"] == pytest.approx(weight.std(), rel=1e-4, abs=1e-7)
        assert layer["nonfinite"] == 0
        gradient = gradients.get(layer["name"])
        assert ("gradient_norm" in layer) == (gradient is not None)
        if gradient is not None:
            assert layer["gradient_mean"] == pytest.approx(gradient.mean(), rel=1e-3, abs=1e-7)
            assert layer["gradient_std"] == pytest.approx(gradient.std(), rel=1e-3, abs=1e-9)
            assert layer["gradient_zeros"] == pytest.approx((gradient == 0).mean())


def test_the_rows_of_the_probe_are_a_few_that_never_change(train: ModuleType, parts: Any) -> None:
    first, again = train.feedback.probe_rows(parts.train), train.feedback.probe_rows(parts.train)
    assert torch.equal(first.x, again.x)
    assert len(first.y) == train.feedback.PROBE_ROWS == 32
    all_of_few = train.feedback.probe_rows(train.data.Split(parts.train.x[:5], parts.train.y[:5]))
    assert torch.equal(all_of_few.x, parts.train.x[:5])


# ---- hand-made models ----


def collect(train: ModuleType, model: nn.Module, x: torch.Tensor) -> dict[str, Any]:
    def forward(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        outputs = model(x)
        return outputs, (outputs.float() - y).square().mean()

    return train.feedback.collect(model, train.data.Split(x, torch.zeros(len(x), 1)), forward)


def test_units_that_never_fire_are_counted(train: ModuleType) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    with torch.no_grad():
        model[0].bias[:3] = -1e3  # three of four units are off for every row
        model[0].bias[3] = 1e3
    seen = collect(train, model, torch.randn(8, 3))
    first, last = (layer for layer in seen["layers"] if layer["name"].endswith("weight"))
    assert (first["units_zero"], first["gradient_zeros"]) == (0.75, 0.75)
    assert (last["units_zero"], last["gradient_zeros"]) == (0.0, 0.75)
    assert seen["probe"]["zero_units"] == 3 / 5
    assert seen["probe"]["zero_entries"] == (9 + 3) / (12 + 4)


def test_the_units_of_an_embedding_are_its_columns(train: ModuleType) -> None:
    model = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(4, 1))
    with torch.no_grad():
        model[2].weight[0, 0] = 0.0
    seen = collect(train, model, torch.tensor([[1], [2], [2]]))
    table = seen["layers"][0]
    assert table["units_zero"] == 0.25
    assert table["gradient_zeros"] == pytest.approx(1 - 2 * 3 / 40)


def test_frozen_kernels_are_seen_and_stay_frozen(train: ModuleType) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    x = torch.randn(8, 3)
    free = collect(train, model, x)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model[1].eval()
    state = torch.get_rng_state()
    assert collect(train, model, x) == free
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(p.requires_grad or p.grad is not None for p in model.parameters())
    assert [module.training for module in model] == [True, False, True, True]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_weights_that_are_not_numbers_are_counted_and_raise_nothing(train: ModuleType) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    with torch.no_grad():
        model[0].weight[0, :2] = torch.nan
        model[1].running_mean[0] = torch.inf
    seen = collect(train, model, torch.randn(8, 3))
    json.dumps(seen, allow_nan=False)
    assert seen["weights_nonfinite"] == 3
    assert seen["layers"][0]["nonfinite"] == 2
    assert seen["layers"][0]["weight_norm"] is None
    assert seen["probe"]["loss"] is None
    assert seen["probe"]["gradient_first"] is None
    assert seen["probe"]["output_nonfinite"] == 8
    assert seen["probe"]["gradient_nonfinite"] > 0


@pytest.mark.parametrize("model", [nn.BatchNorm1d(3), nn.Identity()])
def test_a_model_without_kernels_has_a_loss_and_no_gradients(
    train: ModuleType, model: nn.Module
) -> None:
    seen = collect(train, model, torch.ones(8, 3))
    assert seen["probe"]["loss"] == pytest.approx(1.0, rel=1e-3)
    assert seen["gradient_norm"] == 0.0
    for name in ("gradient_first", "gradient_last", "zero_entries", "zero_units"):
        assert seen["probe"][name] is None


# ---- divergence ----


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_training_that_diverges_says_so_and_ends(
    train: ModuleType, parts: Any, optimizer: str, tmp_path: Path
) -> None:
    config = {"optimizer": optimizer, "lr": 1e6, "schedule": "constant", "momentum": 0.99}
    records = run(train, parts, tmp_path, config=config, epochs=60)
    last = records[-1]
    assert last["epoch"] == len(records) < 60
    assert last["value"] is None
    assert last["diverged"].endswith(f"in epoch {last['epoch']}")
    assert last["seconds"] > 0
    assert all("diverged" not in record for record in records[:-1])
    assert last["feedback"]["weights_nonfinite"] > 0 or "loss became" in last["diverged"]


def test_a_pass_ends_soon_after_its_loss_is_not_finite(
    train: ModuleType, parts: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    steps = []
    step = train.train_step

    def counted(*arguments: Any) -> torch.Tensor:
        steps.append(1)
        return step(*arguments) * (torch.nan if len(steps) == 3 else 1.0)

    monkeypatch.setattr(train, "train_step", counted)
    monkeypatch.setattr(train, "CHECK_STEPS", 5)
    records = run(train, parts, tmp_path, config={"batch_size": 2})
    assert len(steps) == 5
    assert [r["diverged"] for r in records] == ["the training loss became nan in epoch 1"]
