"""Exports and the places they are written to: nothing of anybody else's is ever lost.

The project here is a toy: its export.py writes what the environment variable TOY says. Real models
are exported in test_road.py and test_export_keras.py.
"""

from __future__ import annotations

import json
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest

from automlc.compiler.lock import LOCK
from automlc.exporting import export
from automlc.spec.errors import AutomlcError
from tests.report.made_run import make_run
from tests.runtime.toy import plan, write_manifest

TOY = """
import json, os, sys
from pathlib import Path

out = Path(sys.argv[sys.argv.index("--out") + 1])
toy = json.loads(os.environ["TOY"])
if "crash" in toy:
    raise RuntimeError(toy["crash"])
if "say" in toy:
    raise SystemExit(toy["say"])
for name, text in toy["files"].items():
    path = out / name if name else out
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.format(engine=os.environ.get("KERAS_BACKEND")))
print("a library talks")
difference = toy.get("difference", 0.0)
print(json.dumps({"samples": 64, "largest_difference": difference, "tolerance": 1e-4,
                  "same": difference <= 1e-4}))
"""
FILES = {"saved_model.pb": "graph", "variables/variables.index": "index", "assets/a": "a"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with a best model of the Keras backend, trained with JAX."""
    monkeypatch.setattr("automlc.exporting.is_installed", lambda name: True)
    run = make_run(tmp_path / "run", trials=2, epochs=2)
    project, best = run / "project", run / "best"
    project.mkdir()
    backend = {"kind": "keras", "engine": "jax", "device": "cpu", "precision": "float32"}
    (project / "plan.json").write_text(json.dumps(plan(backend={**backend, "threads": 1})))
    (project / "export.py").write_text(TOY)
    (project / "train.py").write_text("")
    write_manifest(project)
    best.mkdir()
    (best / "config.json").write_text('{"config": {}}')
    (best / "weights.safetensors").write_bytes(b"weights")
    return run


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch):
    """Says what the toy's export.py does next."""

    def says(**what: object) -> None:
        monkeypatch.setenv("TOY", json.dumps(what))

    says(files=FILES)
    return says


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def refused(run: Path, form: str, out: Path | None = None, exit_code: int = 2) -> str:
    with pytest.raises(AutomlcError) as error:
        export(run, form, out)
    assert error.value.exit_code == exit_code
    return f"{error.value.message} | {error.value.hint}"


def test_a_format_of_another_backend_is_refused_with_those_of_this_one(run: Path) -> None:
    for form in ("torch-export", "saved_model"):
        text = refused(run, form)
        assert f"keras is not exported as '{form}'" in text
        assert "source, weights, backbone, keras, saved-model, onnx" in text
    assert not (run / "export").exists()


def test_the_engine_of_the_plan_holds_against_the_shell(
    run: Path, toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    toy(files={"": "written with {engine}"})
    done = export(run, "keras")
    assert done.path == run / "export" / "model.keras"
    assert done.path.read_text() == "written with jax"
    assert (done.largest_difference, done.samples) == (0.0, 64)


def test_weights_are_a_copy(run: Path) -> None:
    done = export(run, "weights")
    assert done.path.read_bytes() == b"weights"
    assert done.largest_difference is None


def test_weights_that_changed_are_not_exported(run: Path, toy) -> None:
    record = {"file": "w.safetensors", "sha256": sha256(b"weights").hexdigest(), "epoch": 1}
    with sqlite3.connect(run / "study.db") as store:
        store.execute("UPDATE trials SET weights = ?", [json.dumps(record)])
    assert export(run, "weights").path.read_bytes() == b"weights"
    (run / "best" / "weights.safetensors").write_bytes(b"others!")
    for form in ("weights", "saved-model"):
        words = refused(run, form)
        assert "is not what the best trial wrote: its sha256 differs" in words
        assert "cp " in words


def test_an_engine_that_is_gone_is_one_line(
    run: Path, toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automlc.exporting.is_installed", lambda name: name != "jax")
    words = refused(run, "saved-model")
    assert words == (
        "exporting saved-model needs jax | install it: pip install 'automlc[keras]' jax"
    )
    assert export(run, "weights").samples == 0, "a copy needs no framework"


def test_a_folder_is_replaced_by_a_newer_export_as_a_whole(run: Path, toy) -> None:
    first = export(run, "saved-model").path
    assert first == run / "export" / "saved-model"
    assert contents(first).keys() == {*FILES, LOCK}
    toy(files={"saved_model.pb": "newer", "fingerprint.pb": "f"})
    export(run, "saved-model")
    assert contents(first).keys() == {"saved_model.pb", "fingerprint.pb", LOCK}
    assert (first / "saved_model.pb").read_text() == "newer"
    assert [path.name for path in first.parent.iterdir()] == ["saved-model"]


def test_an_empty_folder_may_be_written_to(run: Path, toy, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    export(run, "saved-model", tmp_path / "mine")
    assert contents(tmp_path / "mine").keys() == {*FILES, LOCK}


@pytest.mark.parametrize("what", ["strange", "added", "below", "edited", "gone", "link", "file"])
def test_a_folder_with_anything_else_in_it_is_left_alone(
    run: Path, toy, tmp_path: Path, what: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    mine = place / "mine"
    if what == "strange":
        mine.mkdir()
        (mine / "thesis.txt").write_text("years of work")
    elif what == "file":
        mine.write_text("years of work")
    elif what == "link":
        (place / "other").mkdir()
        mine.symlink_to(place / "other")
    else:
        export(run, "saved-model", mine)
    if what == "added":
        (mine / "thesis.txt").write_text("years of work")
    elif what == "below":
        (mine / "variables" / "thesis.txt").write_text("years of work")
    elif what == "edited":
        (mine / "saved_model.pb").write_text("years of work")
    elif what == "gone":
        (mine / LOCK).unlink()
    before = contents(place)
    assert "with -o DIR" in refused(run, "saved-model", mine)
    assert contents(place) == before
    assert mine.is_symlink() == (what == "link")


def test_a_folder_is_never_replaced_by_a_file(run: Path, toy, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    toy(files={"": "x"})
    assert "is a folder" in refused(run, "onnx", tmp_path / "mine")


def test_other_answers_are_refused_and_the_earlier_export_stays(run: Path, toy) -> None:
    export(run, "saved-model")
    toy(files={"": "good"})
    export(run, "onnx")
    before = contents(run / "export")
    toy(files={"": "bad"}, difference=0.5)
    text = refused(run, "onnx", exit_code=1)
    assert "the largest difference is 0.5, allowed is 0.0001" in text
    toy(files={"saved_model.pb": "bad"}, difference=float("nan"))
    refused(run, "saved-model", exit_code=1)
    refused(run, "saved-model", run / "export" / "new", exit_code=1)
    assert contents(run / "export") == before


def test_a_keras_file_is_called_so(run: Path, toy, tmp_path: Path) -> None:
    for name in ("model.h5", "model"):
        assert "-o NAME.keras" in refused(run, "keras", tmp_path / name)
        assert not (tmp_path / name).exists()


def test_a_missing_package_is_one_line_and_a_crash_says_where(run: Path, toy) -> None:
    line = "writing onnx needs packages that are not installed: pip install onnx"
    toy(say=line)
    assert refused(run, "onnx") == f"{line} | None"
    toy(crash="no such thing")
    text = refused(run, "onnx")
    assert text.startswith("the export failed: RuntimeError: no such thing | in ")
    assert "--format onnx" in text
    assert not list((run / "export").iterdir())


def test_changed_code_is_not_run(run: Path, toy) -> None:
    with (run / "project" / "export.py").open("a") as file:
        file.write("# mine\n")
    assert "export.py is not what was compiled" in refused(run, "keras")
