"""The lock knows presets, rules, word vectors and backbones, and names what changed."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from automlc.cli.main import cli
from automlc.compiler.lock import PRESETS
from automlc.spec.errors import AutomlcError

TEXTS = """\
automlc: 1
name: texts
task: {kind: text_classification}
data: {source: texts.csv, target: y}
space: {embeddings: {glove: vectors/glove.txt}}
search: feedback
rules: {use: rules.yaml}
budget: {trials: 2, epochs: 1}
backend: pytorch
"""
IMAGES = """\
automlc: 1
name: images
task: {kind: image_classification}
data: {source: builtin:digits}
space: {backbones: [models/small, resnet50, xception@own.safetensors]}
budget: {trials: 2, epochs: 1}
backend: pytorch
"""
RULES = """\
schema: automlc.rules/1
rows:
  - state: {gradient: vanishing}
    actions: [lr = lr * 2, lr = lr * 3, lr = lr * 5, lr = lr * 7, lr = lr * 9]
"""


def small_backbone(folder: Path, weights: bytes) -> None:
    """A folder as `automlc export --format backbone` writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.safetensors").write_bytes(weights)
    manifest = {
        "schema": "automlc.backbone/1",
        "name": "small",
        "family": "resnet",
        "backend": "pytorch",
        "input": {"channels": 3},
        "normalisation": {"mean": [0.1, 0.2, 0.3], "deviation": [1.0, 2.0, 3.0]},
        "model": [{"conv2d": {"filters": 7, "stride": 2}}, "batch_norm"],
        "weights": {"file": "weights.safetensors", "sha256": hashlib.sha256(weights).hexdigest()},
    }
    (folder / "backbone.json").write_text(json.dumps(manifest))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = "".join(f"the word {i} of,{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "texts.csv").write_text("t,y\n" + rows)
    (tmp_path / "texts.yaml").write_text(TEXTS)
    (tmp_path / "images.yaml").write_text(IMAGES)
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "glove.txt").write_text("the 0.5 -1\nof 1 2\n")
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "own.safetensors").write_bytes(b"own")
    small_backbone(tmp_path / "models" / "small", b"weights")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compile_(spec: str, *options: str) -> Result:
    return CliRunner().invoke(cli, ["compile", spec, "-o", "p", *options])


def lock() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("p/automlc.lock").read_text())
    return found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def held(spec: str) -> list[str]:
    """What --locked says after a change; --check says the same of it, and neither writes."""
    before = {path.name: path.read_bytes() for path in Path("p").iterdir()}
    locked, checked = compile_(spec, "--locked"), compile_(spec, "--check")
    for done in (locked, checked):
        assert isinstance(done.exception, AutomlcError)
        assert done.exception.exit_code == 1
    lines = [line for line in locked.output.splitlines() if "since the lock (" in line]
    assert set(lines) <= set(checked.output.splitlines())
    assert {path.name: path.read_bytes() for path in Path("p").iterdir()} == before
    return lines


def schema() -> dict[str, Any]:
    text = files("automlc.compiler").joinpath("schemas/lock.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    Draft202012Validator.check_schema(found)
    return found


def test_a_lock_has_the_digest_of_every_file_that_a_project_is_made_of(here: Path) -> None:
    assert compile_("texts.yaml").exit_code == 0
    assert lock()["made_of"] == {
        "presets": {
            "text/blocks": {"sha256": sha256(PRESETS / "text" / "blocks.yaml")},
            "training": {"sha256": sha256(PRESETS / "training.yaml")},
        },
        "rules": {
            "rules.yaml": {
                "bytes": (here / "rules.yaml").stat().st_size,
                "sha256": sha256(here / "rules.yaml"),
            }
        },
        "word_vectors": {
            "vectors/glove.txt": {"bytes": 18, "sha256": sha256(here / "vectors" / "glove.txt")}
        },
    }
    Draft202012Validator(schema()).validate(lock())


def test_backbones_are_known_by_their_weights_and_what_a_hub_holds_by_its_name(here: Path) -> None:
    assert compile_("images.yaml").exit_code == 0
    folder = here / "models" / "small"
    assert lock()["made_of"]["backbones"] == {
        "models/small": {
            "bytes": 7,
            "manifest": sha256(folder / "backbone.json"),
            "sha256": sha256(folder / "weights.safetensors"),
        },
        "resnet50": {"hub": "timm", "network": "resnet50", "revision": "a1_in1k"},
        "xception@own.safetensors": {"bytes": 3, "sha256": sha256(here / "own.safetensors")},
    }
    Draft202012Validator(schema()).validate(lock())


def test_word_vectors_that_changed_are_named(here: Path) -> None:
    compile_("texts.yaml")
    old = sha256(here / "vectors" / "glove.txt")[:12]
    (here / "vectors" / "glove.txt").write_text("the 0.5 -1\nof 1 3\n")
    new = sha256(here / "vectors" / "glove.txt")[:12]
    assert held("texts.yaml") == [
        f"word vectors vectors/glove.txt: changed since the lock (sha256 {old} -> {new})"
    ]


def test_rules_that_changed_are_named_even_where_they_mean_the_same(here: Path) -> None:
    compile_("texts.yaml")
    (here / "rules.yaml").write_text("# mine\n" + RULES)
    (line,) = held("texts.yaml")
    assert line.startswith("rules rules.yaml: changed since the lock (bytes ")


def test_rules_that_no_search_reads_are_not_held_to(here: Path) -> None:
    (here / "texts.yaml").write_text(TEXTS.replace("search: feedback", "search: random"))
    compile_("texts.yaml")
    assert "rules" not in lock()["made_of"]


def test_weights_that_changed_are_named(here: Path) -> None:
    compile_("images.yaml")
    (here / "own.safetensors").write_bytes(b"another")
    small_backbone(here / "models" / "small", b"trained again")
    first, second = held("images.yaml")
    assert first.startswith("backbone models/small: changed since the lock (bytes 7 -> 13, ")
    assert second.startswith("backbone xception@own.safetensors: changed since the lock (bytes 3 ")


def test_weights_that_are_not_those_of_their_manifest_are_refused_by_compiling(here: Path) -> None:
    (here / "models" / "small" / "weights.safetensors").write_bytes(b"others")
    done = compile_("images.yaml")
    assert done.exit_code == 1
    assert "models/small: weights.safetensors is not what backbone.json says" in done.stderr
    assert not (here / "p").exists()


def test_a_preset_of_another_version_is_named(
    here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    compile_("texts.yaml")
    shipped = tmp_path_factory.mktemp("presets")
    for name in ("text/blocks.yaml", "training.yaml"):
        (shipped / name).parent.mkdir(exist_ok=True)
        text = (PRESETS / name).read_text("utf-8")
        (shipped / name).write_text(f"# of another version\n{text}" if "blocks" in name else text)
    monkeypatch.setattr("automlc.compiler.lock.PRESETS", shipped)
    (line,) = held("texts.yaml")
    assert line.startswith("preset text/blocks: changed since the lock (sha256 ")


def test_a_lock_of_an_earlier_version_says_that_it_cannot_tell(here: Path) -> None:
    compile_("texts.yaml")
    old = lock()
    del old["made_of"]
    Draft202012Validator(schema()).validate(old)
    Path("p/automlc.lock").write_text(json.dumps(old, indent=1, sort_keys=True) + "\n")
    for option in ("--locked", "--check"):
        done = compile_("texts.yaml", option)
        assert isinstance(done.exception, AutomlcError)
        assert "this lock does not tell them" in done.output
    # Whoever only reads it is not held up, and one compile brings it up to date.
    same = CliRunner().invoke(cli, ["diff", "p", "texts.yaml", "--exit-code"])
    assert same.exit_code == 0, same.output
    assert compile_("texts.yaml").exit_code == 0
    assert compile_("texts.yaml", "--locked").exit_code == 0


def test_words_of_a_lock_cannot_drive_the_terminal(here: Path) -> None:
    compile_("texts.yaml")
    made = lock()
    made["made_of"]["rules"] = {"a\x1b[2Jb": {"sha256": "\x1b[31m"}, "rules.yaml": "\x1b[31m"}
    Path("p/automlc.lock").write_text(json.dumps(made))
    output = compile_("texts.yaml", "--locked").output
    assert "rules a[2Jb: in the lock, and no longer used" in output
    assert "\x1b" not in output


def test_an_export_has_a_lock_of_its_files_alone() -> None:
    Draft202012Validator(schema()).validate({"schema": "automlc.lock/1", "files": {}})
    assert not Draft202012Validator(schema()).is_valid({"schema": "automlc.lock/2", "files": {}})
