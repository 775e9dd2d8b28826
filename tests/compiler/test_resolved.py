"""The whole spec with the origin of every value, and what is said of one key."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import automlc
from automlc.cli.main import cli
from automlc.compiler.driver import compile_spec
from automlc.compiler.resolved import Values, resolved_text
from automlc.spec.errors import AutomlcError, SpecError
from automlc.spec.load import LoadedSpec, Variant, load, load_text
from automlc.spec.model import Spec

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/task.yaml"))
BASE = """\
automlc: 1
task: {kind: image_classification}
data: {source: builtin:digits}
budget: {epochs: 15, epoch_wall: 90s, memory: 2GB}
"""
TASK = """\
extends: base.yaml
space:
  parameters:
    lr: log_uniform(1e-4, 1e-1)
    momentum: {choice: [0.0, 0.9], default: 0.9, when: optimizer == "sgd"}
  forbid:
    - lr > 0.05 and width > 16
constraints:
  - model.size <= 5MB
search: {strategy: tpe, startup: 5}
budget: {trials: 20}
profiles:
  smoke: {budget: {epochs: 2, trials: 2}, search: random}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "task.yaml").write_text(TASK)
    return Path("task.yaml")


def listed(loaded: LoadedSpec) -> str:
    return resolved_text(loaded, compile_spec(loaded)[0].records)


def output(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, list(arguments))
    if isinstance(result.exception, AutomlcError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


# --- the whole spec ---------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [Variant(), Variant("smoke"), Variant(None, ("seed=3",))])
def test_the_listing_is_a_spec_that_means_the_same(project: Path, variant: Variant) -> None:
    loaded = load(project, variant)
    again = load_text(listed(loaded), "task.yaml")
    assert again.spec == loaded.spec
    ours, theirs = compile_spec(loaded)[0], compile_spec(again)[0]
    assert ours.plan().to_json() == theirs.plan().to_json()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_listing_of_an_example_is_the_same_spec(path: Path) -> None:
    loaded = load(path)
    again = load_text(resolved_text(loaded), str(path))
    fields = [name for name in Spec.model_fields if name != "space"]
    assert [getattr(again.spec, f) for f in fields] == [getattr(loaded.spec, f) for f in fields]
    assert again.spec.space.parameters.keys() == loaded.spec.space.parameters.keys()


def test_every_value_has_an_origin(project: Path) -> None:
    text = listed(load(project, Variant("smoke", ("budget.wall=10min",))))
    lines = {line.split("#")[0].strip(): line.partition("  # ")[2] for line in text.splitlines()}
    silent = [key for key, told in lines.items() if key and not key.endswith(":") and not told]
    assert silent == []
    assert lines["epoch_wall: 90s"] == "base.yaml:4"
    assert lines["epochs: 2"] == "profile smoke (task.yaml:13)"
    assert lines["wall: 10min"] == "--set budget.wall=10min"
    assert lines["first: 0.05"] == "default"
    assert lines["metric: null"].startswith("default; resolve_task: accuracy")
    assert lines["- model.size <= 5MB"].startswith("task.yaml:9")
    assert lines["strategy: random"] == "profile smoke (task.yaml:13)"
    assert re.search(r"# batch_size: choice\(32, 64, 128\).*# image/blocks:\d+ ", text)


def test_the_command_prints_the_listing(project: Path) -> None:
    text = output("plan", str(project), "--resolved", "--profile", "smoke", "--set", "seed=9")
    loaded = load(project, Variant("smoke", ("seed=9",)))
    assert text == listed(loaded)


# --- one key ----------------------------------------------------------------------------------


def keys_of(model: type, at: str = "") -> list[str]:
    found = []
    for name, info in model.model_fields.items():  # type: ignore[attr-defined]  # a model
        key = f"{at}{name}"
        if isinstance(info.annotation, type) and hasattr(info.annotation, "model_fields"):
            found += keys_of(info.annotation, f"{key}.")
        elif name != "options":
            found.append(key)
    return found


def test_every_key_of_the_language_can_be_explained(project: Path) -> None:
    loaded = load(project)
    known = Values(loaded, compile_spec(loaded)[0].records)
    names = known.keys()
    assert set(keys_of(Spec)) <= set(names)
    for key in names:
        sentence = known.value(key).sentence()
        assert sentence.startswith(f"{key} = ")
        assert "\n    from " in sentence


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("budget.epochs", "--profile", "smoke", "--set", "budget.epochs=3"),
            "budget.epochs = 3\n"
            "    from --set budget.epochs=3 (budget)\n"
            "    the default is 10; base.yaml:4 says 15; profile smoke (task.yaml:13) says 2; "
            "--set budget.epochs=3 says 3\n",
        ),
        (
            ("budget.epochs",),
            "budget.epochs = 15\n"
            "    from base.yaml:4 (budget)\n"
            "    the default is 10; base.yaml:4 says 15\n",
        ),
        (("budget.first",), "budget.first = 0.05\n    from default\n"),
        (
            ("task.kind",),
            "task.kind = image_classification\n    from base.yaml:2\n",
        ),
        (("monitor.probe",), "monitor.probe = 32\n    from default\n"),
        (
            ("budget.memory", "--set", "budget.memory=null"),
            "budget.memory = null\n"
            "    from default (budget)\n"
            "    the default is null; base.yaml:4 says 2GB; "
            "--set budget.memory=null takes it away\n",
        ),
        (
            ("budget.epoch_wall", "--set", "budget.epoch_wall=2min"),
            "budget.epoch_wall = 2min\n"
            "    from --set budget.epoch_wall=2min (budget)\n"
            "    the default is 600s; base.yaml:4 says 90s; "
            "--set budget.epoch_wall=2min says 2min\n",
        ),
        (
            ("space.forbid[0]",),
            "space.forbid[0] = lr > 0.05 and width > 16\n    from task.yaml:7\n",
        ),
    ],
)
def test_a_key_tells_who_said_what(project: Path, arguments: tuple[str, ...], said: str) -> None:
    key, *options = arguments
    assert output("explain", key, str(project), *options) == said


def test_a_parameter_tells_what_its_presets_say(project: Path) -> None:
    first, _, told = output("explain", "space.parameters.lr", str(project)).splitlines()
    assert first.startswith("space.parameters.lr = log_uniform(0.0001, 0.1)")
    assert re.fullmatch(
        r" +training:\d+ says fixed\(0\.001\); image/blocks:\d+ says log_uniform\(.*\);"
        r" task\.yaml:4 says log_uniform\(1e-4, 1e-1\)",
        told,
    )


def test_options_of_a_strategy_that_was_replaced_are_gone(project: Path) -> None:
    assert output("explain", "search.startup", str(project)).startswith("search.startup = 5\n")
    with pytest.raises(AutomlcError, match=r"there is no key 'search\.startup'"):
        output("explain", "search.startup", str(project), "--profile", "smoke")


def test_a_mistyped_key_gets_the_nearest_one(project: Path) -> None:
    with pytest.raises(AutomlcError) as caught:
        output("explain", "budget.epoch", str(project))
    assert caught.value.hint == "did you mean budget.epochs?"


# --- projects ---------------------------------------------------------------------------------


def test_a_project_of_layers_has_them_merged(project: Path, tmp_path: Path) -> None:
    output("compile", str(project), "-o", "out", "--profile", "smoke", "--set", "seed=9")
    text = (tmp_path / "out" / "spec.yaml").read_text()
    assert "  epochs: 2" in text
    assert "# profile smoke (task.yaml:13)\n" in text
    again = load_text(text, "spec.yaml")
    assert again.spec == load(project, Variant("smoke", ("seed=9",))).spec
    plan = (tmp_path / "out" / "plan.txt").read_text()
    assert "  spec      task.yaml, extends base.yaml, profile smoke, --set seed=9\n" in plan


def test_a_project_says_the_same_wherever_it_is_compiled(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output("compile", str(project), "-o", "one", "--profile", "smoke")
    monkeypatch.chdir(tmp_path.parent)
    output("compile", f"{tmp_path.name}/task.yaml", "-o", f"{tmp_path}/two", "--profile", "smoke")
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two


def test_profiles_that_nobody_chose_leave_no_trace(tmp_path: Path) -> None:
    text = BASE.replace("2GB", "3GB")
    for name, more in (("plain", ""), ("with", "profiles: {smoke: {seed: 4}}\n")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "task.yaml").write_text(text + more)
        automlc.compile(folder / "task.yaml", folder / "out")
    files = [
        {p.name: p.read_bytes() for p in (tmp_path / name / "out").iterdir()}
        for name in ("plain", "with")
    ]
    assert {n: t for n, t in files[0].items() if n != "automlc.lock"} == {
        n: t for n, t in files[1].items() if n != "automlc.lock"
    }


@pytest.mark.parametrize("option", [("--profile", "smoke"), ("--set", "seed=1")])
@pytest.mark.parametrize("verb", ["run", "graph", "explain"])
def test_what_is_compiled_has_no_variants(
    project: Path, verb: str, option: tuple[str, str]
) -> None:
    output("compile", str(project), "-o", "out")
    key = ("seed",) if verb == "explain" else ()
    with pytest.raises(AutomlcError, match="is compiled already"):
        output(verb, *key, "out", *option)


# --- in Python --------------------------------------------------------------------------------


def test_the_python_api_takes_the_same_variants(project: Path, tmp_path: Path) -> None:
    given = {"budget.epochs": 3, "data.classes": None, "constraints": ["model.size <= 1MB"]}
    made = automlc.compile(project, "a", profile="smoke", overrides=given)
    assert made.graph.budget.epochs == 3
    assert made.graph.budget.trials == 2
    assert [c.text for c in made.graph.constraints] == ["model.size <= 1MB"]
    texts = ["budget.epochs=3", "data.classes=null", "constraints=[model.size <= 1MB]"]
    again = automlc.compile(project, "b", profile="smoke", overrides=texts)
    assert again.graph.plan().to_json() == made.graph.plan().to_json()
    assert automlc.validate(project, profile="smoke") == []
    assert [d.code for d in automlc.validate(project, profile="smok")] == ["E214"]
    with pytest.raises(SpecError):
        automlc.compile(project, "c", overrides={"budget.epoch": 3})
