"""What the parameters of training do in an emitted PyTorch project, by closed forms and torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emitted.keras_projects import project
from tests.emitted.loading import emitted

if find_spec("torch") is None:
    pytest.skip("needs torch", allow_module_level=True)

import torch
from torch import nn

pytestmark = pytest.mark.torch

CONFIG: dict[str, Any] = {
    "batch_size": 16,
    "clip_norm": 0.0,
    "end_lr": 0.0,
    "initializer": "default",
    "label_smoothing": 0.1,
    "lr": 0.01,
    "momentum": 0.9,
    "optimizer": "sgd",
    "rate": 0.3,
    "schedule": "cosine",
    "step_freeze": "all",
    "step_ratio": 0.4,
    "step_scale": 0.1,
    "steps": "one",
    "warmup": 0.1,
    "weight_decay": 1e-3,
}
KERNELS = ("layers.3.weight", "layers.8.weight")


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """train.py of a project whose space has all of them, imported."""
    folder = tmp_path_factory.mktemp("parameters")
    written = project(folder, "images", "pytorch")
    files = {path.name: path.read_text(encoding="utf-8") for path in written.glob("*.py")}
    with emitted(written, files, "train") as module:
        yield module


@pytest.fixture(scope="module")
def parts(train: ModuleType) -> Any:
    loaded, data = train.load(), train.data
    few = data.Split(loaded.train.x[:50], loaded.train.y[:50])
    return data.Data(few, data.Split(loaded.validation.x[:20], loaded.validation.y[:20]))


def trial(folder: Path, **changes: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    config = CONFIG | changes.pop("config", {})
    made = {"config": config, "seed": 3, "epochs": 5, "folder": str(folder), "device": "cpu"}
    return made | {"precision": "float32"} | changes


def run(train: ModuleType, parts: Any, described: dict[str, Any]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    train.run(described, parts, lambda record: records.append(record) or "continue")
    return records


def saved(folder: Path, epoch: int) -> dict[str, Any]:
    return torch.load(folder / f"checkpoint-{epoch:04d}.pt", weights_only=True)


# ---- the initializer ----

VARIANCES = {
    "he_uniform": lambda taken, given: 2 / taken,
    "he_normal": lambda taken, given: 2 / taken,
    "lecun_uniform": lambda taken, given: 1 / taken,
    "lecun_normal": lambda taken, given: 1 / taken,
    "glorot_uniform": lambda taken, given: 2 / (taken + given),
    "glorot_normal": lambda taken, given: 2 / (taken + given),
}
# Layer, and how many numbers one of its units takes and gives to, as Keras counts.
LAYERS = {
    "dense": (lambda: nn.Linear(300, 200), 300, 200),
    "convolution": (lambda: nn.Conv2d(24, 80, 5), 24 * 25, 80 * 25),
    "depthwise": (lambda: nn.Conv2d(900, 900, 7, groups=900), 900 * 49, 49),
}


@pytest.fixture(scope="module")
def initialize(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from automlc.backends.pytorch.emit import render
    from automlc.backends.train_view import INITIALIZERS

    rules = {name: rule for name, rule in INITIALIZERS.items() if rule}
    text = render("initializers.py", {"initializers": rules})
    folder = tmp_path_factory.mktemp("initializers")
    with emitted(folder, {"initializers.py": text}, "initializers") as module:
        yield module.initialize


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", VARIANCES)
def test_first_kernels_have_the_variance_of_their_name(
    initialize: Any, name: str, layer: str
) -> None:
    make, taken, gives = LAYERS[layer]
    torch.manual_seed(0)
    module = make()
    bias = module.bias.clone()
    initialize(nn.Sequential(module), name)
    values, variance = module.weight.detach(), VARIANCES[name](taken, gives)
    assert values.var().item() == pytest.approx(variance, rel=0.03)
    assert values.mean().abs().item() < 0.02 * math.sqrt(variance)
    # Uniform to the root of 3 deviations; normal, cut at two of a wider one.
    edge = math.sqrt(3) if name.endswith("uniform") else 2 / 0.87962566103423978
    assert values.abs().max().item() == pytest.approx(edge * math.sqrt(variance), rel=0.01)
    # A uniform distribution has a kurtosis of 1.8; the cut normal one has more.
    kurtosis = (values**4).mean().item() / variance**2
    assert (kurtosis < 1.9) == name.endswith("uniform")
    assert torch.equal(module.bias, bias)


def test_embeddings_norms_and_other_names_are_left_alone(initialize: Any) -> None:
    model = nn.Sequential(nn.Embedding(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    initialize(model, "default")
    assert all(torch.equal(before[n], v) for n, v in model.state_dict().items())
    initialize(model, "he_normal")
    changed = [n for n, v in model.state_dict().items() if not torch.equal(before[n], v)]
    assert changed == ["2.weight"]


def test_a_training_begins_with_the_kernels_of_its_initializer(
    train: ModuleType, parts: Any, tmp_path: Path
) -> None:
    train.reseed(3, 0)
    config = {"initializer": "he_normal"}
    model, _ = train.make_model(trial(tmp_path, config=config), parts.train, torch.device("cpu"))
    assert model.layers[-1].weight.var().item() == pytest.approx(2 / 96, rel=0.15)


# ---- the polynomial schedule ----


@given(
    lr=st.floats(1e-5, 1.0),
    end=st.floats(0.0, 1.0),
    steps=st.integers(1, 60),
    warmup=st.sampled_from([0.0, 0.1, 0.5]),
)
@settings(max_examples=60, deadline=None)
def test_polynomial_falls_on_a_line_from_the_rate_to_the_last_one(
    train: ModuleType, lr: float, end: float, steps: int, warmup: float
) -> None:
    config = {"lr": lr, "end_lr": end, "schedule": "polynomial", "warmup": warmup}
    rates = [lr * train.rate_factor(config, step, steps) for step in range(steps)]
    last = lr / 10 if lr < 10 * end else end
    warm = round(warmup * steps)
    for step, rate in enumerate(rates):
        left = 1 - (step - warm) / max(1, steps - warm)
        expected = lr * (step + 1) / warm if step < warm else last + (lr - last) * left
        assert rate == pytest.approx(expected, rel=1e-9)


# ---- training in steps ----


@given(
    epochs=st.integers(1, 200), ratio=st.floats(0.01, 1.0), steps=st.sampled_from(["two", "three"])
)
@settings(max_examples=100, deadline=None)
def test_stages_cover_every_epoch_once(
    train: ModuleType, epochs: int, ratio: float, steps: str
) -> None:
    import stages

    config = CONFIG | {"steps": steps, "step_ratio": ratio}
    made = stages.stages_of(config, epochs)
    covered = [e for stage in made for e in range(stage.first, stage.first + stage.epochs)]
    assert covered == [*range(1, epochs + 1)]
    for epoch in covered:
        stage = stages.stage_of(config, epochs, epoch)
        assert stage.first <= epoch < stage.first + stage.epochs
    if steps == "two" and epochs > 1:
        assert made[0].epochs == min(max(1, int(epochs * ratio)), epochs - 1)
    if steps == "three" and epochs >= 6:
        assert [s.epochs for s in made] == [epochs // 6, epochs // 3, epochs - epochs // 6 - epochs // 3]  # fmt: skip  # noqa: E501


def test_each_stage_has_its_optimizer_rate_and_what_it_freezes(train: ModuleType) -> None:
    import stages

    def told(steps: str, epochs: int = 12) -> list[tuple[Any, ...]]:
        made = stages.stages_of(CONFIG | {"steps": steps}, epochs)
        return [(s.config["optimizer"], round(s.config["lr"], 9), s.freeze) for s in made]

    assert told("one") == [("sgd", 0.01, "no")]
    assert told("two") == [("adam", 0.1, "all"), ("sgd", 0.01, "no")]
    assert told("three") == [("adam", 0.1, "all"), ("adam", 0.01, "no"), ("adam", 0.001, "no")]
    assert told("two", 1) == told("three", 1) == told("one")


@pytest.mark.parametrize("what", ["all", "bn", "no"])
def test_what_a_stage_freezes_stays_as_it_was(
    train: ModuleType, parts: Any, what: str, tmp_path: Path
) -> None:
    config = {"steps": "two", "step_freeze": what}
    records = run(train, parts, trial(tmp_path, config=config, epochs=2))
    train.reseed(3, 0)
    model, _ = train.make_model(trial(tmp_path, config=config), parts.train, torch.device("cpu"))
    first = model.state_dict()
    kept = {
        name
        for name, value in saved(tmp_path, 1)["model"].items()
        if torch.equal(value, first[name])
    }
    body = {name for name in first if name.startswith("layers.3.")}
    norm = {name for name in first if name.startswith("layers.4.")}
    fixed = {name for name in first if name.startswith("layers.0.")}  # of the data
    expected = {"all": body | norm | fixed, "bn": norm | fixed, "no": fixed}
    assert {n for n in first if "num_batches" in n} <= norm
    assert kept == expected[what]
    after = saved(tmp_path, 2)["model"]
    moved = {name for name, value in after.items() if not torch.equal(value, first[name])}
    assert moved == set(first) - fixed
    # Feedback looks at every kernel, whether it is frozen or not.
    kernels = [x["name"] for x in records[0]["feedback"]["layers"] if "gradient_norm" in x]
    assert len(kernels) == 2


def test_the_first_stage_is_torchs_adam_on_the_head(
    train: ModuleType, parts: Any, tmp_path: Path
) -> None:
    config = {"steps": "two", "rate": 0.0, "schedule": "constant", "warmup": 0.0}
    run(train, parts, trial(tmp_path, config=config, epochs=2))
    train.reseed(3, 0)
    described = trial(tmp_path, config=config)
    model, _ = train.make_model(described, parts.train, torch.device("cpu"))
    model.eval()  # what is frozen answers with its running statistics
    head = model.layers[-1]
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    train.reseed(3, 1)
    for rows in train.batches_of(parts.train, 16):
        optimizer.zero_grad()
        x = train.prepare(parts.train.x[rows], torch.device("cpu"))
        train.loss_of(model(x), parts.train.y[rows], described["config"], 1.0).backward()
        optimizer.step()
    reached = saved(tmp_path, 1)["model"]
    name = next(n for n, p in model.named_parameters() if p is head.weight)
    torch.testing.assert_close(reached[name], head.weight.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("steps", ["two", "three"])
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_training_resumed_around_a_stage_ends_with_the_same_bytes(
    train: ModuleType, parts: Any, steps: str, epoch: int, tmp_path: Path
) -> None:
    config = {"steps": steps, "optimizer": "adamw"}
    whole = trial(tmp_path / "whole", config=config)
    digests = {}

    def keep(record: dict[str, Any]) -> str:
        digests[record["epoch"]] = record["checkpoint"]["sha256"]
        return "stop" if record["epoch"] == stop else "continue"

    stop = 5
    train.run(whole, parts, keep)
    last, stop = digests[5], epoch
    train.run(trial(tmp_path / "part", config=config), parts, keep)
    resume = {"file": str(tmp_path / "part" / f"checkpoint-{epoch:04d}.pt"), "epoch": epoch}
    stop = 5
    train.run(trial(tmp_path / "part", config=config, resume=resume), parts, keep)
    assert digests[5] == last


# ---- a warm start ----


def test_a_warm_start_takes_what_fits_and_says_how_much(
    train: ModuleType, parts: Any, tmp_path: Path
) -> None:
    import safetensors.torch

    run(train, parts, trial(tmp_path / "parent", epochs=1))
    tensors = saved(tmp_path / "parent", 1)["model"]
    names = list(tensors)
    strange = {**tensors, names[-1]: torch.zeros(77), "other.weight": torch.zeros(3)}
    file = tmp_path / "parent.safetensors"
    safetensors.torch.save_file({k: v.contiguous() for k, v in strange.items()}, file)
    start = {"file": str(file), "trial": 7}
    described = trial(tmp_path / "child", start=start, epochs=2)
    model, notes = train.make_model(described, parts.train, torch.device("cpu"))
    assert notes == {"start": {"trial": 7, "loaded": len(names) - 1, "of": len(names)}}
    for name, value in model.state_dict().items():
        assert torch.equal(value, tensors[name]) == (name != names[-1])
    first, second = run(train, parts, described)
    assert first["start"] == notes["start"]
    assert "start" not in second


def test_a_warm_start_from_nothing_that_fits_is_a_cold_one(
    train: ModuleType, parts: Any, tmp_path: Path
) -> None:
    import safetensors.torch

    file = tmp_path / "parent.safetensors"
    safetensors.torch.save_file({"other": torch.zeros(3)}, file)
    cold = run(train, parts, trial(tmp_path / "cold", epochs=1))
    start = {"file": str(file), "trial": 7}
    warm = run(train, parts, trial(tmp_path / "warm", epochs=1, start=start))
    assert warm[0]["start"]["loaded"] == 0
    assert warm[0]["checkpoint"] == cold[0]["checkpoint"]


# ---- the pace ----


def test_the_pace_is_told_and_nothing_is_written(
    train: ModuleType, parts: Any, tmp_path: Path
) -> None:
    before = {part: getattr(parts, part).x.clone() for part in ("train", "validation")}
    told = train.pace(trial(tmp_path / "t"), parts, 0.05)
    assert told["batch_size"] == 16
    assert told["steps"] >= 2
    for name in ("build_seconds", "step_seconds", "evaluation_seconds_per_row"):
        assert told[name] > 0
    least = 4 * told["step_seconds"] + 20 * told["evaluation_seconds_per_row"]
    assert told["epoch_seconds"] > least
    assert not [*(tmp_path / "t").iterdir()]
    assert all(torch.equal(getattr(parts, part).x, x) for part, x in before.items())
