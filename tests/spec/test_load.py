"""From a file to a LoadedSpec, or to all diagnostics at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from automlc.spec.codes import CODES
from automlc.spec.diagnostics import Span
from automlc.spec.domains import Choice, Float
from automlc.spec.errors import AutomlcError, SpecError
from automlc.spec.expressions import to_text
from automlc.spec.load import load, load_text
from automlc.spec.yaml_nodes import MappingNode, SequenceNode

FULL = """\
# a spec with every section
automlc: 1
name: cifar-feedback
task:
  kind: image_classification
  metric: accuracy
  goal: maximize
  target: 0.70
data:
  source: data/cifar10_10k.npz
  columns: {age: number, a.b: ignore}
  split: {validation: 20%, stratify: true, seed: 3}
  classes: [cat, 3]
  image: {size: [32, 32], channels: 3}
  missing: {number: mean}
space:
  preset: image/blocks
  parameters:
    lr: log_uniform(1e-4, 1e-1)
    optimizer: choice(sgd, adam)
    momentum: {choice: [0.0, 0.9], default: 0.9, when: optimizer == "sgd"}
  forbid: [lr > 0.05 and momentum > 0.5]
  model:
    - conv: {width: 3}
  blocks:
    head: [flatten]
constraints:
  - model.size <= 5MB
  - fairness.equalized_odds_difference(sex) <= 0.25
search: {strategy: tpe, startup: 5}
stopping: asha
budget: {trials: 25, epochs: 12, wall: 2h, epoch_wall: 90s, memory: 4GB}
backend: pytorch
seed: 7
"""
SMALL = "automlc: 1\ntask: {kind: tabular_regression}\ndata: {source: builtin:diabetes}\n"


def codes(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load_text(text)
    return [d.code for d in caught.value.diagnostics]


def test_every_section_is_read() -> None:
    spec = load_text(FULL).spec
    assert spec.name == "cifar-feedback"
    assert spec.task.target == 0.70
    assert spec.data.split.validation == 0.2
    assert spec.data.columns == {"age": "number", "a.b": "ignore"}
    assert spec.data.classes == ("cat", 3)
    assert spec.data.image.size == (32, 32)
    assert spec.space.parameters["lr"].domain == Float(1e-4, 1e-1, log=True)
    assert spec.space.parameters["momentum"].domain == Choice((0.0, 0.9))
    assert spec.space.parameters["momentum"].default == 0.9
    assert [to_text(c) for c in spec.constraints] == [
        "model.size <= 5MB",
        "fairness.equalized_odds_difference(sex) <= 0.25",
    ]
    assert isinstance(spec.space.model, SequenceNode)
    assert isinstance(spec.space.blocks, MappingNode)
    assert spec.search.strategy == "tpe"
    assert spec.search.options == {"startup": 5}
    assert spec.stopping.policy == "asha"
    assert spec.stopping.options == {}
    assert spec.budget.wall == 7200.0
    assert spec.budget.epoch_wall == 90.0
    assert spec.budget.memory == 4_000_000_000
    assert spec.backend.kind == "pytorch"
    assert spec.seed == 7


def test_defaults_of_the_smallest_spec() -> None:
    spec = load_text(SMALL, "folder/My Task (2).yaml").spec
    assert spec.name == "my-task--2"
    assert spec.budget.trials == 20
    assert spec.budget.epochs == 10
    assert spec.budget.wall is None
    assert spec.budget.epoch_wall == 600.0
    assert spec.search.strategy == "tpe"
    assert spec.stopping.policy == "none"
    assert spec.backend.device == "auto"
    assert spec.data.split.test == 0.2
    assert spec.data.missing.category == "own"
    assert spec.space.parameters == {}
    assert spec.seed == 0


def test_keys_have_places() -> None:
    loaded = load_text(FULL, "t.yaml")
    assert loaded.spans("search.startup") == Span("t.yaml", 30, 34, 30, 35)
    assert loaded.key_spans("search.startup") == Span("t.yaml", 30, 25, 30, 32)
    assert loaded.spans("stopping.policy") == Span("t.yaml", 31, 11, 31, 15)
    assert loaded.spans("constraints[1]") == loaded.spans(("constraints", 1))
    assert loaded.spans(("data", "columns", "a.b")) == Span("t.yaml", 11, 31, 11, 37)
    assert loaded.spans("budget.nothing") is None
    assert loaded.spans("search.startup.more") is None
    assert loaded.sources == {"t.yaml": FULL}


def test_expressions_know_their_columns() -> None:
    when = load_text(FULL, "t.yaml").spec.space.parameters["momentum"].when
    assert when is not None
    assert when.span == Span("t.yaml", 21, 56, 21, 74)


def test_a_spec_does_not_change() -> None:
    spec = load_text(SMALL).spec
    with pytest.raises(ValidationError):
        spec.seed = 3  # type: ignore[misc]  # what is tested


def test_names_of_a_preset_are_left_to_the_compiler() -> None:
    text = SMALL + "space:\n  preset: tabular/mlp\n  forbid: [depth > 4]\n"
    assert load_text(text).spec.space.preset == "tabular/mlp"
    # Without one the task's default preset is meant, or the training's own parameters.
    assert load_text(text.replace("  preset: tabular/mlp\n", "")).spec.space.preset is None


def test_all_sections_report_in_one_pass() -> None:
    text = SMALL + "budget: {trials: 0}\nspace: {parameters: {x: 'int(2, 1)'}}\nseed: x\nfoo: 1\n"
    assert codes(text) == ["E205", "E302", "E203", "E201"]


def test_a_broken_default_does_not_hide_a_broken_condition() -> None:
    text = SMALL + "space: {parameters: {x: {int: [1, 2], default: 3, when: y >}}}\n"
    assert codes(text) == ["E304", "E110"]


def test_files_that_cannot_be_read_are_usage_errors(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml", Path("a\0b")):
        with pytest.raises(AutomlcError) as caught:
            load(path)
        assert not isinstance(caught.value, SpecError)
        assert caught.value.exit_code == 2


def test_ten_thousand_parameters_are_read() -> None:
    lines = "".join(f"    p{i}: float(0, {i + 1})\n" for i in range(10_000))
    spec = load_text(SMALL + "space:\n  parameters:\n" + lines).spec
    assert len(spec.space.parameters) == 10_000


def test_an_equal_text_is_read_once() -> None:
    lines = "".join(f"    p{i}: float(0, 1)\n" for i in range(10_000))
    spec = load_text(SMALL + "space:\n  parameters:\n" + lines).spec
    first, *others = spec.space.parameters.values()
    assert all(other.domain is first.domain for other in others)


def test_the_table_of_codes_is_complete() -> None:
    for code, entry in CODES.items():
        assert code == entry.code
        assert all((entry.title, entry.cause, entry.example, entry.fix))
        assert not entry.title.endswith(".")


# The command line ---------------------------------------------------------------------------------


def validate(*args: str) -> tuple[int, str, str]:
    from automlc.cli.validate import command

    result = CliRunner().invoke(command, list(args), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value), result.stdout, result.stderr


def test_validate_says_ok_or_shows_diagnostics(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(SMALL)
    bad.write_text(SMALL + "sede: 1\n")
    code, out, err = validate(str(good), str(bad), "--format", "concise")
    assert code == 1
    assert f"{good}: ok" in out
    assert err == f"{bad}:4:1: E201 there is no key `sede`; did you mean seed?\n"


def test_validate_prints_json_to_standard_output(tmp_path: Path) -> None:
    import json

    bad = tmp_path / "bad.yaml"
    bad.write_text(SMALL + "sede: 1\n")
    code, out, err = validate(str(bad), "--format", "json")
    assert (code, err) == (1, "")
    assert [d["code"] for d in json.loads(out)] == ["E201"]


def test_validate_is_quiet_when_asked(tmp_path: Path) -> None:
    good = tmp_path / "good.yaml"
    good.write_text(SMALL)
    assert validate(str(good), "-q")[:2] == (0, "")


def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text(FULL)
    heavy = {"rich", "jinja2", "networkx", "numpy", "optuna", "torch", "pandas", "sklearn"}
    script = (
        "import sys; from automlc.spec.load import load; load(sys.argv[1]); "
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "task.yaml")],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout.strip() == "[]"
