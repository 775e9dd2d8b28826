"""The emitted Keras training: it repeats, resumes, tells what happened, and fails as it should."""

from __future__ import annotations

import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automlc.backends.keras import emit
from tests.emitted.keras_projects import probe, project
from tests.emitted.loading import emitted

pytestmark = pytest.mark.keras

ROWS = 136  # two batches of 64 and one of 8
STEPS = 9  # in three epochs
ASKED = [
    {"device": "tpu"},
    {"device": "cuda"},
    {"device": "mps"},
    {"device": "cpu", "threads": 1, "precision": "bfloat16"},
    {"device": "cpu", "threads": 1, "precision": "auto"},
    {"device": "cpu", "threads": 2},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    project(folder, "images")
    project(folder, "table")
    return folder


JAX = pytest.param("jax", marks=pytest.mark.slow)  # compiles for minutes
TWO = pytest.param("tensorflow 2", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=["tensorflow", "torch", JAX, TWO])
def trained(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    """A training in a forked process, and the same again and resumed in another."""
    engine, _, threads = request.param.partition(" ")
    place = folder / request.param.replace(" ", "-")
    words = {"folder": str(place), "threads": int(threads or 1), "rows": ROWS}
    made = probe(engine, folder / "images-keras", forked=words)["forked"]
    words["other"] = f"{place}-later"
    return {
        "engine": engine,
        **made,
        **probe(engine, folder / "images-keras", again=words)["again"],
    }


@pytest.fixture(scope="module", params=["tensorflow", "torch", JAX])
def varied(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    """What set_up says, and trainings of the table that differ in one thing each."""
    words = {"folder": str(folder / f"{request.param}-varied"), "rows": ROWS}
    answers = probe(
        request.param,
        folder / "table-keras",
        devices={"asked": ASKED},
        gradients=words,
        variations=words,
        odd={},
    )
    return {**answers, **answers["variations"]}


def test_a_training_repeats_bit_for_bit(trained: Any) -> None:
    first, again = trained["records"], trained["again"]
    assert len(first) == 3
    assert first[0]["metrics"]["loss"] != first[1]["metrics"]["loss"]
    for record in (*first, *again):
        record.pop("seconds")
    assert again == first


def test_a_resumed_training_ends_with_the_same_files(trained: Any) -> None:
    [last] = trained["resumed"]
    assert last["checkpoint"] == trained["records"][-1]["checkpoint"]
    assert last["metrics"] == trained["records"][-1]["metrics"]
    assert last["feedback"] == trained["records"][-1]["feedback"]


def test_the_step_is_compiled_and_not_run_by_python(trained: Any) -> None:
    # TensorFlow compiles once, JAX for each of two sizes of a batch; PyTorch is not compiled.
    # The probe is compiled once more, and looks three times.
    expected = {"tensorflow": 1 + 1, "jax": 2 + 1, "torch": STEPS + 3}
    assert trained["losses"] == expected[trained["engine"]]


def test_records_hold_what_the_runtime_reads(trained: Any) -> None:
    for number, record in enumerate(trained["records"], start=1):
        assert record["epoch"] == number
        assert record["samples"] == ROWS
        assert record["value"] == record["metrics"]["validation_accuracy"]
        assert record["metrics"]["validation_loss"] == record["metrics"]["validation_log_loss"]
        assert len(record["checkpoint"]["sha256"]) == 64
        names = [layer["name"] for layer in record["feedback"]["layers"]]
        assert [name.rpartition(".")[2] for name in names] == [
            *("kernel", "bias", "gamma", "beta", "kernel", "bias")
        ]
        kernels = [row["name"] for row in record["feedback"]["layers"] if "gradient_norm" in row]
        assert [name.rpartition(".")[2] for name in kernels] == ["kernel", "kernel"]
        for layer in record["feedback"]["layers"]:
            assert all(math.isfinite(layer[key]) for key in layer if key != "name")
    assert trained["records"][0]["weights"] is not None


def test_the_weights_that_feedback_describes_are_those_of_the_checkpoint(trained: Any) -> None:
    for layer in trained["records"][-1]["feedback"]["layers"]:
        values = np.array(trained["weights"][layer["name"]])
        assert layer["weight_norm"] == pytest.approx(np.linalg.norm(values), rel=1e-6)
        assert layer["weight_mean"] == pytest.approx(values.mean(), rel=1e-6, abs=1e-9)
        assert layer["weight_std"] == pytest.approx(values.std(), rel=1e-6, abs=1e-9)
        assert layer["nonfinite"] == 0


def test_recorded_gradients_of_images_are_those_of_the_probe(trained: Any) -> None:
    hold_gradients(trained["gradients"])


def test_recorded_gradients_of_embeddings_are_those_of_the_probe(varied: Any) -> None:
    hold_gradients(varied["gradients"])


def hold_gradients(answer: Any) -> None:
    """Hold what feedback recorded to what the engine computed by itself."""
    layers = [row for row in answer["feedback"]["layers"] if "gradient_norm" in row]
    probe = answer["feedback"]["probe"]
    assert probe["loss"] == pytest.approx(answer["loss"], rel=1e-4)
    assert probe["gradient_first"] == pytest.approx(answer["norms"][0], rel=1e-4)
    assert probe["gradient_last"] == pytest.approx(answer["norms"][-1], rel=1e-4)
    assert probe["zero_entries"] == pytest.approx(answer["zero_entries"])
    assert probe["zero_units"] == pytest.approx(answer["zero_units"])
    assert (probe["rows"], probe["output_nonfinite"], probe["gradient_nonfinite"]) == (32, 0, 0)
    assert answer["feedback"]["weights_nonfinite"] == 0
    assert max(answer["norms"]) > 1e-2
    for key, expected in (("norm", "norms"), ("mean", "means"), ("zeros", "zeros")):
        recorded = [layer[f"gradient_{key}"] for layer in layers]
        np.testing.assert_allclose(recorded, answer[expected], rtol=1e-4, atol=1e-6)
    total = np.linalg.norm(answer["norms"])
    assert answer["feedback"]["gradient_norm"] == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("name", ["parts", "three", "changed"])
def test_a_batch_in_parts_moves_weights_as_a_whole_one_does(name: str, varied: Any) -> None:
    """`changed` starts whole and goes on in parts, as after it ran out of memory."""
    whole, parts = varied["whole"], varied[name]
    assert len(parts["records"]) == (1 if name == "changed" else 2)
    for key, values in whole["weights"].items():
        np.testing.assert_allclose(parts["weights"][key], values, rtol=1e-4, atol=1e-5)
    for key in ("loss", "validation_loss"):
        recorded = parts["records"][-1]["metrics"][key]
        # What is recorded takes the three parts of a batch as equal: they are 22, 21 and 21 rows.
        near = 1e-2 if (name, key) == ("three", "loss") else 1e-4
        assert recorded == pytest.approx(whole["records"][-1]["metrics"][key], rel=near)
    rate = parts["records"][-1]["learning_rate"]
    assert rate == whole["records"][-1]["learning_rate"] == 0.01


def test_the_training_loss_is_the_mean_over_examples(varied: Any) -> None:
    """With a rate too small to change anything, it is the loss of the untrained model."""
    recorded = varied["still"]
    assert recorded["loss"] == pytest.approx(recorded["expected"], rel=1e-5)


def test_clipped_gradients_hardly_move_weights(varied: Any) -> None:
    def change(name: str) -> float:
        first, second = (record["metrics"]["loss"] for record in varied[name]["records"])
        return abs(second - first)

    assert change("clipped") < 1e-3 < 10 * change("clipped") + change("whole")
    assert change("whole") > 20 * change("clipped")


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_other_number_formats_train(precision: str, varied: Any) -> None:
    records, whole = varied[precision]["records"], varied["whole"]["records"]
    for record, same in zip(records, whole, strict=True):
        loss = record["metrics"]["loss"]
        assert loss != same["metrics"]["loss"], "computed in float32"
        assert loss == pytest.approx(same["metrics"]["loss"], rel=0.05)
        norm = record["feedback"]["gradient_norm"]
        assert norm == pytest.approx(same["feedback"]["gradient_norm"], rel=0.2)


def test_a_training_that_diverges_says_so_and_ends(varied: Any) -> None:
    for records in varied["burst"]:
        last = records[-1]
        assert last["epoch"] == len(records) < 40
        assert last["value"] is None
        assert last["diverged"].endswith(f"in epoch {last['epoch']}")
        assert all("diverged" not in record for record in records[:-1])


def test_a_training_that_is_probed_ends_where_one_ends_that_is_not(trained: Any) -> None:
    [*_, last] = trained["unprobed"]
    assert last["checkpoint"] == trained["records"][-1]["checkpoint"]


def test_hand_made_models_are_seen_as_they_are(varied: Any) -> None:
    seen = varied["odd"]
    for answer in seen.values():
        json.dumps(answer, allow_nan=False)
    # One of the three outputs of a depthwise kernel is not read.
    [depthwise] = [row for row in seen["depthwise"]["layers"] if "Depthwise" in row["name"]][:1]
    assert depthwise["units_zero"] == pytest.approx(1 / 3)
    dead = seen["dead"]["probe"]
    assert dead["zero_units"] == 3 / 5
    assert dead["zero_entries"] == (9 + 3) / (12 + 4)
    table = seen["table"]["layers"][0]
    assert (table["units_zero"], table["gradient_zeros"]) == (0.25, pytest.approx(1 - 6 / 40))
    assert seen["frozen"] == seen["dead"]
    assert seen["frozen trainable"] == 0
    broken = seen["broken"]
    assert broken["weights_nonfinite"] == 3
    assert broken["probe"]["loss"] is None
    assert broken["probe"]["output_nonfinite"] == 8
    for name in ("gradient_first", "gradient_last", "zero_entries", "zero_units"):
        assert seen["bare"]["probe"][name] is None
    assert seen["bare"]["gradient_norm"] == 0.0


def test_tested_weights_are_the_best_ones(varied: Any) -> None:
    assert set(varied["test"]["metrics"]) == {"rmse", "mae", "r2"}
    assert varied["test"]["metrics"]["rmse"] == pytest.approx(varied["expected_test"], rel=1e-5)


def test_threads_and_device_are_chosen_once(varied: Any) -> None:
    answers = varied["devices"]
    for answer in answers[:3]:
        assert answer.startswith("ValueError: ")
        assert answer.endswith(("write auto, cpu, cuda", "write auto, cpu, cuda, mps", "or auto"))
        assert "\n" not in answer
    assert answers[3:5] == ["mixed_bfloat16", "float32"]
    assert "start another one for ('cpu', 2)" in answers[5]


# ---- metrics: numpy alone ----


def measured(tmp_path: Path, name: str, outputs: np.ndarray, y: np.ndarray) -> dict[str, float]:
    view = {"classification": name == "images", "metric": "x", "goal": "minimize"}
    files = {"metrics.py": emit.render("metrics.py", view)}
    with emitted(tmp_path / "metrics", files, "metrics") as metrics:
        return metrics.measure(outputs, y)


CLASSES = {
    "some": (np.random.default_rng(0).normal(size=(50, 4)), np.arange(50) % 4),
    "absent": (np.random.default_rng(1).normal(size=(30, 5)), np.arange(30) % 3),
    "sure": (np.eye(3)[[0, 1, 2, 2]] * 300 - 150, np.array([0, 1, 1, 2])),
    "one": (np.array([[0.1, 0.2]]), np.array([0])),
}


@pytest.mark.parametrize("name", CLASSES)
def test_metrics_of_classes_are_those_of_scikit_learn(name: str, tmp_path: Path) -> None:
    from scipy.special import softmax
    from sklearn import metrics

    outputs, y = CLASSES[name]
    predicted = outputs.argmax(1)
    chances = softmax(outputs.astype(np.float64), axis=1)[np.arange(len(y)), y]
    recalls = metrics.recall_score(y, predicted, labels=np.unique(y), average="macro")
    expected = {
        "log_loss": -np.log(chances).mean(),
        "accuracy": metrics.accuracy_score(y, predicted),
        "balanced_accuracy": recalls,
        "f1": metrics.f1_score(y, predicted, average="macro"),
    }
    found = measured(tmp_path, "images", outputs.astype(np.float32), y)
    assert found == pytest.approx(expected, rel=1e-5)


def test_metrics_of_numbers_are_those_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn import metrics

    rng = np.random.default_rng(3)
    y = (1000 + rng.normal(size=(40, 1))).astype(np.float32)
    outputs = y + rng.normal(size=(40, 1)).astype(np.float32)
    expected = {
        "rmse": metrics.root_mean_squared_error(y, outputs),
        "mae": metrics.mean_absolute_error(y, outputs),
        "r2": metrics.r2_score(y, outputs),
    }
    assert measured(tmp_path, "table", outputs, y) == pytest.approx(expected, rel=1e-5)


@pytest.mark.torch
@pytest.mark.skipif(find_spec("torch") is None, reason="compares with PyTorch")
@pytest.mark.parametrize("name", ["images", "table"])
def test_metrics_are_those_of_the_pytorch_project(name: str, tmp_path: Path) -> None:
    import torch

    from automlc.backends.pytorch import emit as pytorch

    rng = np.random.default_rng(4)
    y = rng.integers(0, 4, 60) if name == "images" else rng.normal(size=(60, 1))
    outputs = rng.normal(size=(60, 4 if name == "images" else 1)).astype(np.float32)
    y = y if name == "images" else y.astype(np.float32)
    view = {"classification": name == "images", "metric": "x", "goal": "minimize"}
    files = {"metrics.py": pytorch.render("metrics.py", view)}
    with emitted(tmp_path / "torch", files, "metrics") as theirs:
        expected = theirs.measure(torch.from_numpy(outputs), torch.from_numpy(y))
    assert measured(tmp_path, name, outputs, y) == pytest.approx(expected, rel=1e-5)


def test_metrics_that_are_not_finite_give_no_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    bad = np.full((4, 3), np.nan, np.float32)
    assert math.isnan(measured(tmp_path, "images", bad, np.arange(4) % 3)["log_loss"])
    same = np.ones((4, 1), np.float32)
    assert math.isinf(measured(tmp_path, "table", same + 1, same)["r2"])
    assert not recwarn.list
