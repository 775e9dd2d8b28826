"""`automlc diff`: variants of both sides, what a file does not tell, and what a seed changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from automlc.backends import build
from automlc.cli.main import cli
from automlc.spec.errors import AutomlcError, SpecError

SPEC = """\
automlc: 1
name: iris
task: {kind: tabular_classification, metric: accuracy}
data: {source: data.csv, target: y}
space: {preset: tabular/mlp}
budget: {trials: 40, epochs: 20}
profiles:
  smoke:
    budget: {trials: 2, epochs: 1}
  longer:
    budget: {trials: 400}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = "".join(f"{i / 2},{i % 7},{'ab'[i % 2]},{'tv'[i % 4 == 0]}\n" for i in range(40))
    (tmp_path / "data.csv").write_text("u,v,y,part\n" + rows)
    (tmp_path / "task.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def diff(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["diff", *arguments])


def changes(*arguments: str) -> list[tuple[str, str, str, str]]:
    """Key, old, new and class of each difference."""
    done = diff(*arguments, "--format", "json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return [(c["key"], c["old"], c["new"], c["class"]) for c in found["changes"]]


# --- variants ------------------------------------------------------------------------------------


VARIANTS = [
    ((), []),
    (
        ("--profile", "smoke"),
        [("budget.trials", "40", "2", "budget"), ("budget.epochs", "20", "1", "training")],
    ),
    (("--set", "budget.trials=7"), [("budget.trials", "40", "7", "budget")]),
    (("--old-profile", "longer"), [("budget.trials", "400", "40", "budget")]),
    (("--old-set", "budget.trials=7"), [("budget.trials", "7", "40", "budget")]),
    (
        ("--old-profile", "longer", "--profile", "smoke", "--set", "budget.epochs=20"),
        [("budget.trials", "400", "2", "budget")],
    ),
    (("--old-profile", "smoke", "--profile", "smoke"), []),
]


@pytest.mark.parametrize(("options", "expected"), VARIANTS)
def test_a_spec_is_compared_with_another_variant_of_itself(
    here: Path, options: tuple[str, ...], expected: list[tuple[str, str, str, str]]
) -> None:
    assert changes("task.yaml", "task.yaml", *options) == expected


def test_a_difference_names_the_options_that_made_it(here: Path) -> None:
    options = ("--old-set", "budget.trials=7", "--profile", "longer")
    output = diff("task.yaml", "task.yaml", *options).output
    assert "--old-set budget.trials=7 -> profile longer (task.yaml:11)" in output
    found = json.loads(diff("task.yaml", "task.yaml", *options, "--format", "json").stdout)
    assert found["old"] == "task.yaml --set budget.trials=7"
    assert found["new"] == "task.yaml --profile longer"


@pytest.mark.parametrize("options", [("--old-profile", "smke"), ("--profile", "smke")])
def test_a_profile_that_there_is_none_of_is_an_error_of_the_spec(
    here: Path, options: tuple[str, ...]
) -> None:
    done = diff("task.yaml", "task.yaml", *options)
    assert isinstance(done.exception, SpecError)
    assert "did you mean smoke?" in done.exception.rendered()


COMPILED = [
    ("p", "task.yaml", ("--old-profile", "smoke"), "--old-profile is for a spec, and OLD (p)"),
    ("p", "task.yaml", ("--old-set", "seed=1"), "--old-set is for a spec, and OLD (p)"),
    ("task.yaml", "p", ("--profile", "smoke"), "--profile is for a spec, and NEW (p)"),
    ("task.yaml", "p/graph.json", ("--set", "seed=1"), "--set is for a spec, and NEW (p/graph."),
    ("task.yaml", "p/plan.json", ("--set", "seed=1"), "--set is for a spec, and NEW (p/plan."),
]


@pytest.mark.parametrize(("old", "new", "options", "words"), COMPILED)
def test_what_is_compiled_already_has_no_variants(
    here: Path, old: str, new: str, options: tuple[str, ...], words: str
) -> None:
    build(Path("task.yaml"), Path("p"))
    error = diff(old, new, *options).exception
    assert isinstance(error, AutomlcError)
    assert error.exit_code == 2
    assert error.message.startswith(words)
    assert error.message.endswith("is compiled already")
    assert str(error.hint).startswith("name the spec as ")


def test_a_project_is_compared_with_a_variant_of_its_spec(here: Path) -> None:
    build(Path("task.yaml"), Path("p"))
    assert changes("p", "task.yaml", "--profile", "longer") == [
        ("budget.trials", "40", "400", "budget")
    ]


def test_one_file_of_a_project_is_compared_and_what_it_does_not_tell_is_said(here: Path) -> None:
    build(Path("task.yaml"), Path("p"))
    for name, words in (
        ("graph.json", "note: p/graph.json does not tell how the data is divided; name"),
        ("plan.json", "does not tell the layers of the model, nor how the data is divided; name"),
    ):
        done = diff(f"p/{name}", "task.yaml", "--set", "budget.trials=5")
        assert "budget.trials: 40 -> 5" in done.stdout
        assert words in done.stderr
    assert diff("p", "task.yaml").stderr == ""


# --- what a seed changes -------------------------------------------------------------------------

DRAWN = "data changed", "seed: 0 -> 5 (the seed draws the split; data.split.seed: 0 would keep it)"
OTHER = "search changed", "seed: 0 -> 5 (other draws of the search and of its trials)"
SEEDS = [
    ("data: {source: data.csv, target: y}", DRAWN),
    ("data: {source: data.csv, target: y, split: {seed: 0}}", OTHER),
    ("data: {source: data.csv, target: y, split: {seed: 3}}", OTHER),
]


@pytest.mark.parametrize(("data", "expected"), SEEDS)
def test_a_seed_changes_the_data_exactly_where_it_draws_the_split(
    here: Path, data: str, expected: tuple[str, str]
) -> None:
    Path("task.yaml").write_text(SPEC.replace("data: {source: data.csv, target: y}", data))
    output = diff("task.yaml", "task.yaml", "--set", "seed=5").output
    lines = output.splitlines()
    assert (lines[0], lines[1].strip()) == expected
    assert ("resuming refuses" in output) == (expected is DRAWN)
    # As data.py has it: the rows of the parts are others exactly where its text is another.
    texts = []
    for seed in (0, 5):
        text = SPEC.replace("data: {source: data.csv, target: y}", data)
        Path("one.yaml").write_text(f"{text}seed: {seed}\n")
        texts.append((build(Path("one.yaml"), Path(f"p{seed}")).path / "data.py").read_text())
    assert (texts[0] != texts[1]) == (expected is DRAWN)


def test_a_seed_of_data_with_parts_of_its_own_changes_the_search_alone(here: Path) -> None:
    Path("data.csv").write_text(
        Path("data.csv").read_text().replace(",t\n", ",train\n").replace(",v\n", ",validation\n")
    )
    split = "split: {column: part, test: 0}"
    text = SPEC.replace("target: y}", f"target: y, {split}}}")
    Path("task.yaml").write_text(text)
    assert changes("task.yaml", "task.yaml", "--set", "seed=5") == [("seed", "0", "5", "search")]


def test_a_seed_of_the_split_is_named_where_it_is_what_changed(here: Path) -> None:
    options = ("--set", "data.split.seed=5")
    assert changes("task.yaml", "task.yaml", *options) == [("data.split.seed", "0", "5", "data")]
    both = ("--set", "seed=7", *options)
    assert changes("task.yaml", "task.yaml", *both) == [
        ("seed", "0", "7", "search"),
        ("data.split.seed", "0", "5", "data"),
    ]
    # Writing down the seed that was used all along changes nothing.
    assert changes("task.yaml", "task.yaml", "--set", "data.split.seed=0") == []


def test_a_file_that_does_not_hold_the_division_does_not_claim_to(here: Path) -> None:
    build(Path("task.yaml"), Path("p"))
    output = diff("p/graph.json", "task.yaml", "--set", "seed=5").stdout
    assert "whether it also divides the data is not known here" in output


def test_a_wrong_option_of_the_old_side_is_said_to_be_of_it(here: Path) -> None:
    done = diff("task.yaml", "task.yaml", "--old-set", "budget.epochs=-1", "--set", "seed=3")
    assert isinstance(done.exception, SpecError)
    assert "note: this is about OLD, task.yaml with --old-set" in done.stderr
    done = diff("task.yaml", "task.yaml", "--old-set", "seed=3", "--set", "budget.epochs=-1")
    assert isinstance(done.exception, SpecError)
    assert "note" not in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "automlc.plan/9"}, "the schema is 'automlc.plan/9', this version reads"),
        ({"schema": None}, "is neither a plan.json nor a graph.json: its schema is None"),
        ({"hours": 3}, "unknown key 'hours'"),
        ({"space": {"parameters": [{"name": "lr"}]}}, "'space' is damaged: KeyError('domain')"),
        ({"space": {"parameters": 3}}, "'space' is damaged: TypeError"),
        ({"costs": {"program": 3}}, "'costs' is damaged"),
    ],
)
def test_a_plan_that_cannot_be_read_is_named_with_its_path(
    here: Path, change: dict[str, Any], said: str
) -> None:
    build(Path("task.yaml"), Path("p"))
    plan = json.loads(Path("p/plan.json").read_text(encoding="utf-8")) | change
    Path("odd.json").write_text(json.dumps(plan), encoding="utf-8")
    error = diff("odd.json", "task.yaml").exception
    assert isinstance(error, AutomlcError)
    assert error.message.startswith("odd.json")
    assert said in error.message
    Path("p/plan.json").write_text(json.dumps(plan), encoding="utf-8")
    error = diff("p", "task.yaml").exception
    assert isinstance(error, AutomlcError)
    assert error.message.startswith(str(Path("p") / "plan.json"))
