"""`space.backbones`: what is listed, what the space gains, what is refused."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automlc.compiler.backbones import MANIFEST, SCHEMA, catalog
from automlc.compiler.graph import SearchGraph
from automlc.compiler.ops import Image
from automlc.compiler.plan_text import plan_text
from automlc.runtime.plan import Plan
from automlc.runtime.run import check_packages
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import to_text
from tests.compiler.hubs import hub_draft, hub_graph

Change = Callable[[dict[str, Any]], object]
WEIGHTS = hashlib.sha256(b"weights").hexdigest()


def write(folder: Path, change: Change = lambda data: None) -> None:
    """A backbone of one convolution below `folder`, with one thing changed."""
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / "weights.safetensors").write_bytes(b"weights")
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "name": "small",
        "family": "resnet",
        "backend": "pytorch",
        "input": {"channels": 3},
        "normalisation": {"mean": [0.1, 0.2, 0.3], "deviation": [1.0, 2.0, 3.0]},
        "model": [{"conv2d": {"filters": 7, "stride": 2}}, "batch_norm"],
        "weights": {"file": "weights.safetensors", "sha256": WEIGHTS},
    }
    change(data)
    (folder / "models" / MANIFEST).write_text(json.dumps(data), encoding="utf-8")


def errors(folder: Path, *names: str, kind: str = "pytorch", **words: Any) -> list[str]:
    draft = hub_draft(folder, names, kind, **words)
    return [f"{d.code} {d.message} | {d.hint}" for d in draft.problems.errors]


def conditions(graph: SearchGraph) -> dict[str, str]:
    return {p.name: to_text(p.when) for p in graph.space.parameters if p.when is not None}


def test_a_spec_with_backbones_gains_their_parameters_under_their_conditions(
    tmp_path: Path,
) -> None:
    write(tmp_path)
    graph = hub_graph(tmp_path, ["models", "resnet50", "xception"], "pytorch")
    when = conditions(graph)
    assert when["pretrained"] == 'block in ["resnet", "xception"]'
    assert when["trainable"] == 'block in ["resnet", "xception"] and pretrained'
    assert when["resnet_version"] == 'block == "resnet" and pretrained'
    assert graph.space["resnet_version"].domain.values == ("models", "resnet50")
    assert "image_size" in when
    assert "efficientnet_version" not in graph.space.names
    assert SearchGraph.from_json(json.loads(graph.dumps())).model == graph.model


def test_a_folder_alone_brings_no_size_of_images(tmp_path: Path) -> None:
    write(tmp_path)
    assert "image_size" not in hub_graph(tmp_path, ["models"], "pytorch").space.names


def test_plan_and_project_say_what_will_be_downloaded(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "own.safetensors").write_bytes(b"own")
    graph = hub_graph(tmp_path, ["models", "resnet50", "xception@own.safetensors"], "pytorch")
    text = plan_text(graph)
    assert "  backbone models: resnet, weights models/weights.safetensors\n" in text
    assert "  backbone resnet50: resnet, weights downloaded when training begins\n" in text
    hubs = [(hub.name.partition(".")[0], hub.download) for hub in graph.plan().hubs]
    assert hubs == [("resnet50", True), ("legacy_xception", False)]
    assert Plan.from_json(graph.plan().to_json()) == graph.plan()
    assert "hubs" not in hub_graph(tmp_path, ["models"], "pytorch").plan().to_json()


def test_a_run_without_timm_says_so_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = hub_graph(tmp_path, ["resnet50"], "pytorch").plan()
    monkeypatch.setattr("automlc.runtime.run.is_installed", lambda name: name != "timm")
    with pytest.raises(AutomlcError, match="timm") as error:
        check_packages(plan)
    assert "pip install timm" in (error.value.hint or "")


def test_the_default_is_the_model_without_backbones(tmp_path: Path) -> None:
    write(tmp_path)
    with_them = hub_graph(tmp_path, ["models", "resnet50"], "pytorch")
    without = hub_graph(tmp_path, [], "pytorch")
    default = with_them.space.default_config()
    assert with_them.costs.evaluate(default) == without.costs.evaluate(
        without.space.default_config()
    )


def test_costs_of_a_hubs_network_are_those_of_the_catalog_and_the_head(tmp_path: Path) -> None:
    graph = hub_graph(tmp_path, ["resnet50"], "pytorch", size=(224, 224, 3))
    config = {**graph.space.default_config(), "pretrained": True, "trainable": False}
    config |= {"image_size": "input", "resnet_version": "resnet50"}
    assert graph.space.problems(config) == []
    facts = catalog()["resnet50"]["pytorch"]
    head = 2048 * graph.outputs + graph.outputs
    assert graph.costs.evaluate(config)["model.params"] == facts["params"] + head
    assert graph.costs.evaluate(config)["model.macs"] == facts["macs"] + 2048 * graph.outputs


def test_small_images_may_be_scaled_to_those_of_the_pretraining(tmp_path: Path) -> None:
    graph = hub_graph(tmp_path, ["resnet50"], "pytorch", size=(32, 32, 1))
    config = {**graph.space.default_config(), "pretrained": True, "trainable": True}
    config |= {"resnet_version": "resnet50", "image_size": "input"}
    small = graph.costs.evaluate(config)["model.macs"]
    large = graph.costs.evaluate({**config, "image_size": "imagenet"})["model.macs"]
    assert large > 40 * small


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(schema="automlc.backbone/2"), "the schema is"),
        (lambda d: d.update(backend="keras"), "trained with the backend keras"),
        (lambda d: d.update(family="vanilla"), "its family is 'vanilla'"),
        (lambda d: d.pop("model"), "it holds no model"),
        (lambda d: d.update(model=[{"conv2d": {"filters": "width"}}]), "is not frozen"),
        (lambda d: d.update(model=[{"conv": {}}]), "no operation is called 'conv'"),
        (lambda d: d["weights"].update(file="../weights.safetensors"), "there is no file"),
        (lambda d: d["weights"].update(sha256="x"), "no sha256"),
        (lambda d: d["normalisation"].update(deviation=[1.0, 0.0, 1.0]), "needs a mean"),
        (lambda d: d.update(input={"channels": 4}), "needs a mean"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused_with_the_reason(
    change: Change, words: str, tmp_path: Path
) -> None:
    write(tmp_path, change)
    found = errors(tmp_path, "models")
    assert len(found) == 1
    assert found[0].startswith("E333 ")
    assert words in found[0]


def test_names_that_are_nothing_are_refused_with_the_nearest(tmp_path: Path) -> None:
    (message,) = errors(tmp_path, "resnet5")
    assert "neither a network of the catalog nor a folder" in message
    assert "did you mean resnet50?" in message
    (message,) = errors(tmp_path, "../elsewhere")
    assert "outside the project folder" in message
    (message,) = errors(tmp_path, "resnet50", "resnet50")
    assert "named twice" in message
    (message,) = errors(tmp_path, "resnet152_v2")
    assert "no resnet152_v2 for the backend pytorch" in message
    (message,) = errors(tmp_path, "resnet50@weights.bin")
    assert "is no file of weights (.safetensors)" in message


def test_images_of_other_channels_are_refused(tmp_path: Path) -> None:
    (message,) = errors(tmp_path, "resnet50", size=(32, 32, 4))
    assert "takes images of 3 channels, the data has 4" in message


def test_a_model_of_ones_own_takes_no_backbone(tmp_path: Path) -> None:
    own = "  model: [global_avg_pool2d, {dense: {units: outputs}}]\n"
    (message,) = errors(tmp_path, "resnet50", more=own)
    assert "only the model of the preset image/blocks" in message


def test_numbers_of_the_catalog_are_whole_and_named(tmp_path: Path) -> None:
    for name, network in catalog().items():
        assert network["family"] in ("resnet", "xception", "efficientnet"), name
        for kind in {"keras", "pytorch"} & network.keys():
            facts = network[kind]
            assert facts["params"] > 10 * facts["buffers"] > 0, name
            assert len(facts["mean"]) == len(facts["deviation"]) == 3
    assert set(catalog()["resnet50"]) == {"family", "keras", "pytorch"}


FAKE_TIMM = """
import torch
from torch import nn

CALLS = []


def create_model(name, *, pretrained, num_classes, global_pool):
    CALLS.append((name, pretrained, num_classes, global_pool))
    net = nn.Sequential(nn.Conv2d(3, 2048, 1, stride=32), nn.BatchNorm2d(2048))
    if pretrained:
        nn.init.constant_(net[0].weight, 0.5)
    return net
"""


@pytest.mark.torch
@pytest.mark.parametrize("local", [False, True])
def test_a_network_of_timm_is_loaded_once_training_begins(
    local: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    import safetensors.torch

    from automlc.backends.pytorch.emit import model_files
    from tests.emitted.loading import emitted

    name = "resnet50"
    if local:
        name = "resnet50@own.safetensors"
        tensors = {"0.weight": torch.full((2048, 3, 1, 1), 0.25), "0.bias": torch.zeros(2048)}
        tensors |= {f"1.{part}": torch.ones(2048) for part in ("weight", "running_var")}
        tensors |= {f"1.{part}": torch.zeros(2048) for part in ("bias", "running_mean")}
        tensors |= {"1.num_batches_tracked": torch.tensor(0), "fc.weight": torch.zeros(3)}
        safetensors.torch.save_file(tensors, tmp_path / "own.safetensors")
    graph = hub_graph(tmp_path, [name], "pytorch")
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "timm.py").write_text(FAKE_TIMM)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path / "fake"))
    monkeypatch.chdir(tmp_path)
    config = {**graph.space.default_config(), "pretrained": True, "trainable": False}
    config |= {"image_size": "input", "resnet_version": name, "augment": "none"}
    assert graph.space.problems(config) == []
    files = model_files(graph, straight=False)
    assert isinstance(graph.input_shape, Image)
    with emitted(tmp_path / "project", files, "model") as module:
        import timm  # the file above

        model = module.Model(config).train()
        full = catalog()["resnet50"]["pytorch"]["name"]
        assert [(full, False, 0, "")] == timm.CALLS, "nothing is downloaded to build a model"
        model.backbone.adapt_input(None)
        assert len(timm.CALLS) == 1 if local else timm.CALLS[1:] == [(full, True, 0, "")]
        assert set(model.backbone.body[0].weight.flatten().tolist()) == {0.25 if local else 0.5}
        assert not any(p.requires_grad for p in model.backbone.parameters())
        assert not model.backbone.body[1].training, "frozen statistics stay"
        assert any(p.requires_grad for p in model.parameters())
        x = torch.rand(2, 3, 32, 32)
        mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
        expected = model.backbone.body((x - mean) / deviation)
        assert torch.allclose(model.backbone(x), expected)
        assert module.Model({**config, "pretrained": False} | rest(graph)).backbone is None


def rest(graph: SearchGraph) -> dict[str, Any]:
    """What a model without a backbone reads."""
    return {k: v for k, v in graph.space.default_config().items() if k != "pretrained"}


@pytest.mark.torch
def test_counts_of_models_with_a_backbone_equal_those_of_the_module(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from automlc.backends.pytorch.emit import model_files
    from tests.emitted.loading import emitted

    write(tmp_path)
    graph = hub_graph(tmp_path, ["models"], "pytorch", size=(27, 19, 3))
    rng, pretrained = random.Random(2), 0
    with emitted(tmp_path / "project", model_files(graph, straight=False), "model") as module:
        for _ in range(60):
            config = graph.space.sample(rng)
            if config["block"] != "resnet":
                continue
            with torch.device("meta"):
                model = module.Model(config).eval()
                assert model(torch.zeros(2, 3, 27, 19)).shape == (2, graph.outputs)
            costs = graph.costs.evaluate(config)
            assert costs["model.params"] == sum(p.numel() for p in model.parameters())
            saved = [t for t in model.state_dict().values() if t.is_floating_point()]
            assert costs["model.size"] == 4 * sum(t.numel() for t in saved)
            assert (model.backbone is not None) == config["pretrained"]
            pretrained += config["pretrained"]
            if config["pretrained"]:
                frozen = graph.freeze(config)
                straight = model_files(frozen, straight=True)["model.py"]
                assert " if " not in straight.split("def backbone")[0]
    assert pretrained > 3


@pytest.mark.torch
def test_code_with_backbones_is_clean_and_every_sample_counts(tmp_path: Path) -> None:
    from automlc.backends.keras.emit import model_files as keras_files
    from automlc.backends.pytorch.emit import model_files

    write(tmp_path)
    names = ["models", "resnet50", "xception", "efficientnet_b0"]
    graph = hub_graph(tmp_path, names, "pytorch")
    for seed in range(20):
        assert graph.costs.evaluate(graph.space.sample(random.Random(seed)))["model.params"] > 0
    keras = hub_graph(tmp_path, names[1:], "keras", "tensorflow")
    for folder, files in (
        ("pytorch", model_files(graph, straight=False)),
        ("keras", keras_files(keras, straight=False)),
    ):
        (tmp_path / folder).mkdir()
        for file, text in files.items():
            (tmp_path / folder / file).write_text(text)
        (tmp_path / folder / "ruff.toml").write_text('src = ["."]\n')
        ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"
        for words in (["check", "--select", "E4,E7,E9,F,I"], ["format", "--check", "--diff"]):
            done = subprocess.run(
                [ruff, *words, "."], cwd=tmp_path / folder, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
