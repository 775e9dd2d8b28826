"""A body trained on the digits 0 to 4 begins models of the digits 5 to 9, by the real commands."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from automlc.runtime.view import RunView

pytestmark = [pytest.mark.slow, pytest.mark.torch, pytest.mark.keras]

SPEC = """automlc: 1
name: NAME
task: {kind: image_classification}
data: {source: DATA.npz}
space:
  BACKBONES
  parameters:
    block: fixed(resnet)
    depth: fixed(2)
    layers: fixed(1)
    width: fixed(16)
    normalize: fixed(true)
    augment: fixed(none)
    reduction: fixed(global_avg)
    hidden: fixed(0)
    dropout: fixed(0.0)
    activation: fixed(relu)
    optimizer: fixed(adamw)
    lr: fixed(LR)
    batch_size: fixed(32)
    weight_decay: fixed(1e-4)
    PARAMETERS
search: random
budget: {trials: 1, epochs: EPOCHS}
backend: {kind: KIND, device: cpu, threads: 1}
"""


@dataclass(frozen=True)
class Place:
    """A folder with data, specs and runs of one backend."""

    folder: Path
    kind: str

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "automlc", *words],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout

    def spec(self, name: str, data: str, epochs: int, backbone: str = "", **parameters: str) -> str:
        text = SPEC.replace("NAME", name).replace("DATA", data).replace("KIND", self.kind)
        text = text.replace("EPOCHS", str(epochs)).replace("LR", "3e-2" if backbone else "3e-3")
        text = text.replace("BACKBONES", f"backbones: [{backbone}]" if backbone else "expand: []")
        own = "\n    ".join(f"{key}: fixed({value})" for key, value in parameters.items())
        (self.folder / f"{name}.yaml").write_text(text.replace("PARAMETERS", own))
        return f"{name}.yaml"

    def accuracy(self, name: str) -> float:
        with RunView.open(self.folder / "runs" / f"{name}-1") as view:
            best = view.best()
        assert best is not None
        return float(best.value)

    def features(self, name: str, weights: str, images: str) -> np.ndarray:
        run, out = self.folder / "runs" / f"{name}-1", self.folder / "features.npy"
        script = Path(__file__).with_name("backbone_probe.py")
        command = [sys.executable, str(script), str(run / "project")]
        command += [str(run / "best" / "config.json"), weights, images, str(out)]
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return np.load(out)


def make_random(folder: Path) -> None:
    """A backbone of the same layers with weights as emitted code draws them before training."""
    import safetensors.numpy

    file, rng = folder / "weights.safetensors", np.random.default_rng(5)
    drawn = {}
    for name, array in safetensors.numpy.load_file(file).items():
        value = np.zeros_like(array)
        if array.ndim == 4:
            fan = array[0].size if folder.parent.parent.name == "pytorch" else array[..., 0].size
            value = rng.uniform(-(fan**-0.5), fan**-0.5, array.shape).astype(array.dtype)
        elif name.endswith(("gamma", "variance", "running_var", "weight")):
            value = np.ones_like(array)
        drawn[name] = value
    file.write_bytes(safetensors.numpy.save(drawn))
    manifest = json.loads((folder / "backbone.json").read_text())
    manifest["weights"]["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (folder / "backbone.json").write_text(json.dumps(manifest))


@pytest.fixture(scope="module", params=["pytorch", "keras"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where digits 0 to 4 were trained and exported, and 5 to 9 from it and from drawn weights."""
    for package in ("torch",) if request.param == "pytorch" else ("keras", "tensorflow"):
        if find_spec(package) is None:
            pytest.skip(f"needs {package}")
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("backbones") / request.param
    (folder / "specs").mkdir(parents=True)
    digits = load_digits()
    images = (digits.images * 255 / 16).astype(np.uint8)
    for name, chosen in (("low", digits.target < 5), ("high", digits.target >= 5)):
        np.savez(folder / f"{name}.npz", x_train=images[chosen], y_train=digits.target[chosen])
    np.save(folder / "images.npy", images[-64:])
    made = Place(folder, request.param)
    made.command("run", made.spec("low", "low", 12))
    made.command("export", "runs/low-1", "--format", "backbone", "-o", "models/low")
    shutil.copytree(folder / "models" / "low", folder / "models" / "drawn")
    make_random(folder / "models" / "drawn")
    words = {"pretrained": "true", "trainable": "false"}
    made.command("run", made.spec("high", "high", 12, "models/low", **words))
    made.command("run", made.spec("drawn", "high", 12, "models/drawn", **words))
    return made


def body_weights(place: Place, run: str) -> list[np.ndarray]:
    """What the best model of a run holds of its backbone, in the order of the file."""
    import safetensors.numpy

    file = place.folder / "runs" / f"{run}-1" / "best" / "weights.safetensors"
    tensors = safetensors.numpy.load_file(file)
    given = safetensors.numpy.load_file(place.folder / "models" / "low" / "weights.safetensors")
    if place.kind == "pytorch":
        return [tensors[f"layers.0.body.{name}"] for name in sorted(given)]
    return [tensors[name] for name in sorted(tensors)][: len(given)]


def test_the_pretrained_body_makes_the_features_that_the_trained_model_made(place: Place) -> None:
    trained = str(place.folder / "runs" / "low-1" / "best" / "weights.safetensors")
    expected = place.features("low", trained, "images.npy")
    loaded = place.features("high", "adapt", "images.npy")
    assert np.abs(expected).max() > 0.1
    assert np.allclose(loaded, expected, atol=1e-4)
    assert not np.allclose(place.features("drawn", "adapt", "images.npy"), expected, atol=0.1)


def test_what_is_frozen_stays_as_it_was_statistics_too(place: Place) -> None:
    import safetensors.numpy

    given = safetensors.numpy.load_file(place.folder / "models" / "low" / "weights.safetensors")
    kept = body_weights(place, "high")
    assert len(kept) == len(given) > 10
    for name, array in zip(sorted(given), kept, strict=True):
        assert np.array_equal(given[name], array), name


def test_a_frozen_body_that_was_trained_beats_one_that_was_drawn(place: Place) -> None:
    assert place.accuracy("high") > place.accuracy("drawn") + 0.05


def test_weights_that_were_changed_are_not_loaded(place: Place) -> None:
    file = place.folder / "models" / "drawn" / "weights.safetensors"
    before = file.read_bytes()
    file.write_bytes(before[:-4] + b"\0\0\0\1")
    try:
        with pytest.raises(AssertionError, match="was changed: its sha256 is not"):
            place.features("drawn", "adapt", "images.npy")
    finally:
        file.write_bytes(before)


def test_a_trainable_body_changes(place: Place) -> None:
    words = {"pretrained": "true", "trainable": "true"}
    place.command("run", place.spec("tuned", "high", 1, "models/low", **words))
    frozen, tuned = body_weights(place, "high"), body_weights(place, "tuned")
    assert any(not np.array_equal(a, b) for a, b in zip(frozen, tuned, strict=True))


@pytest.mark.parametrize("freeze", ["all", "no", "bn"])
def test_training_in_steps_holds_what_is_frozen_and_trains_the_rest(
    place: Place, freeze: str
) -> None:
    steps = {"steps": "two", "step_ratio": "0.5", "step_freeze": freeze}
    for trainable in ("false", "true"):
        name = f"steps-{freeze}-{trainable}"
        words = {"pretrained": "true", "trainable": trainable, **steps}
        place.command("run", place.spec(name, "high", 2, "models/low", **words))
        pairs = zip(body_weights(place, "high"), body_weights(place, name), strict=True)
        changed = any(not np.array_equal(a, b) for a, b in pairs)
        assert changed == (trainable == "true")
