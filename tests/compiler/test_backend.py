"""Which backend a spec gets: the one it names, or with `auto` the first that is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from automlc.compiler.graph import Record, SearchGraph
from automlc.compiler.passes import choose_backend as choosing
from automlc.compiler.plan_text import plan_text
from automlc.runtime.backends import BACKENDS
from automlc.runtime.plan import Backend, Plan
from automlc.spec.schema import json_schema
from tests.compiler.spaces import graph
from tests.compiler.test_schemas import schema

SPEC = "automlc: 1\nname: made\ntask: {kind: image_classification}\ndata: {source: made.npz}\n"
ALL = {"torch", "safetensors", "keras", "tensorflow", "jax"}


def made(backend: str) -> SearchGraph:
    return graph(f"{SPEC}{backend}\n", "digits")


def records(found: SearchGraph) -> dict[str, Record]:
    return {r.key: r for r in found.records if r.pass_name == "choose_backend"}


def only(monkeypatch: pytest.MonkeyPatch, *installed: str) -> None:
    monkeypatch.setattr(choosing, "is_installed", lambda name: name in installed)


@pytest.mark.parametrize(
    ("text", "kind", "engine"),
    [
        ("", "pytorch", None),
        ("backend: pytorch", "pytorch", None),
        ("backend: keras", "keras", "tensorflow"),
        ("backend: {kind: keras}", "keras", "tensorflow"),
        ("backend: {kind: keras, engine: jax}", "keras", "jax"),
        ("backend: {kind: keras, engine: torch}", "keras", "torch"),
    ],
)
def test_a_backend_that_is_named_needs_not_be_installed(
    monkeypatch: pytest.MonkeyPatch, text: str, kind: str, engine: str | None
) -> None:
    only(monkeypatch)
    found = made(text)
    assert (found.backend.kind, found.backend.engine) == (kind, engine)
    assert records(found)["backend.kind"].because == ("task.yaml:5" if text else "default")


def test_device_precision_and_threads_are_kept_beside_the_engine() -> None:
    found = made(
        "backend: {kind: keras, engine: jax, device: cpu, precision: bfloat16, threads: 3}"
    )
    assert found.backend == Backend("keras", "cpu", "bfloat16", 3, "jax")


@pytest.mark.parametrize(
    ("installed", "text", "kind", "engine", "because"),
    [
        (ALL, "auto", "pytorch", None, "torch is installed"),
        (ALL - {"keras"}, "auto", "pytorch", None, "torch is installed"),
        (ALL - {"torch"}, "auto", "keras", "tensorflow", "keras and tensorflow are installed"),
        (ALL - {"torch", "tensorflow"}, "auto", "keras", "jax", "keras and jax are installed"),
        (ALL - {"torch", "keras"}, "auto", "pytorch", None,
         "no backend is installed, so the first one"),
        (set(), "auto", "pytorch", None, "no backend is installed, so the first one"),
        (ALL, "{kind: auto, engine: jax}", "keras", "jax", "keras and jax are installed"),
        (ALL, "{kind: auto, engine: torch}", "keras", "torch", "keras and torch are installed"),
        ({"torch", "safetensors"}, "{kind: auto, engine: torch}", "keras", "torch",
         "no backend with torch is installed, so the first one"),
        (set(), "{kind: auto, engine: jax}", "keras", "jax",
         "no backend with jax is installed, so the first one"),
    ],
)  # fmt: skip
def test_auto_takes_the_first_that_is_installed_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
    installed: set[str],
    text: str,
    kind: str,
    engine: str | None,
    because: str,
) -> None:
    only(monkeypatch, *installed)
    found = made(f"backend: {text}")
    assert (found.backend.kind, found.backend.engine) == (kind, engine)
    assert records(found)["backend.kind"] == Record(
        "choose_backend", "backend.kind", kind, f"auto: {because}"
    )
    on = f" on {engine}" if engine else ""
    assert f"  backend   {kind}{on} (auto: {because}), device" in plan_text(found)


def test_auto_passes_over_engines_without_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "keras", "safetensors", "tensorflow", "torch")
    found = made("backend: {kind: auto, device: mps}")
    assert (found.backend.kind, found.backend.engine) == ("pytorch", None)
    only(monkeypatch, "keras", "safetensors", "tensorflow")
    found = made("backend: {kind: auto, device: cuda}")
    assert (found.backend.kind, found.backend.engine) == ("keras", "tensorflow")
    found = made("backend: {kind: auto, device: mps}")
    assert (found.backend.kind, found.backend.engine) == ("pytorch", None)
    assert made("backend: {kind: keras, engine: torch, device: mps}").backend.device == "mps"


def test_a_named_backend_has_no_reason_in_the_plan() -> None:
    assert "  backend   keras on tensorflow, device auto" in plan_text(made("backend: keras"))
    assert "  backend   pytorch, device auto" in plan_text(made(""))


def test_a_graph_of_keras_survives_its_json_form_and_fits_the_schemas() -> None:
    found = made("backend: {kind: keras, engine: jax}")
    text = json.loads(found.dumps())
    Draft202012Validator(schema("automlc.compiler", "graph.schema.json")).validate(text)
    assert SearchGraph.from_json(text) == found
    plan = json.loads(json.dumps(found.plan().to_json()))
    Draft202012Validator(schema("automlc.runtime", "plan.schema.json")).validate(plan)
    assert Plan.from_json(plan) == found.plan()
    assert plan["backend"]["engine"] == text["backend"]["engine"] == "jax"


def test_plans_from_before_there_were_engines_are_the_same_plans() -> None:
    plan = made("").plan()
    assert set(plan.to_json()["backend"]) == {"kind", "device", "precision", "threads"}
    assert Plan.from_json(plan.to_json()).sha256() == plan.sha256()


def test_the_schema_of_specs_knows_backend_and_engine() -> None:
    validator = Draft202012Validator(json_schema())
    base = {
        "automlc": 1,
        "task": {"kind": "image_classification"},
        "data": {"source": "builtin:digits"},
    }
    for good in ("keras", "auto", {"kind": "keras", "engine": "jax"}, {"engine": None}):
        assert validator.is_valid({**base, "backend": good})
    for bad in (["keras"], {"engine": "theano"}, {"keras": {}}):
        assert not validator.is_valid({**base, "backend": bad})


def test_every_engine_of_a_spec_belongs_to_a_backend() -> None:
    engine = json_schema()["$defs"]["Backend"]["properties"]["engine"]
    allowed = next(part["enum"] for part in engine["anyOf"] if "enum" in part)
    assert set(allowed) == {e for n in ("pytorch", "keras") for e in BACKENDS.get(n).engines}
    assert BACKENDS.names()[:2] == ("pytorch", "keras"), "the order in which auto prefers them"


def test_compile_says_in_one_line_what_auto_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from automlc.cli.compile import command

    monkeypatch.chdir(tmp_path)
    only(monkeypatch, "torch", "safetensors")
    spec = "automlc: 1\ntask: {kind: image_classification}\ndata: {source: 'builtin:digits'}\n"
    automatic = "backend: pytorch (auto: torch is installed)"
    for backend, said in (("auto", [automatic]), ("pytorch", [])):
        Path("task.yaml").write_text(f"{spec}backend: {backend}\n", encoding="utf-8")
        result = CliRunner().invoke(command, ["task.yaml"], catch_exceptions=False)
        assert [x for x in result.output.splitlines() if x.startswith("backend:")] == said
