"""A feedback search takes over from any study: runs of ours, folders of Keras Tuner."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.compiler.adopting import adopt, fit
from automlc.compiler.checks import check, run_passes
from automlc.compiler.draft import Draft, nominal_contract
from automlc.compiler.plan_text import plan_text
from automlc.compiler.starts import MAX_VALUES, Start
from automlc.runtime.rules.keras_names import SIMPLER, TABLE, translate
from automlc.runtime.view import RunView
from automlc.spec.domains import Choice, Fixed, Float, Integer, Parameter, Space
from automlc.spec.expressions import parse, same
from automlc.spec.load import load
from tests.runtime.toy import make_project, run_here

SPEC = """automlc: 1
name: taking_over
task: {kind: tabular_classification}
data: {source: builtin:breast_cancer}
space:
  parameters: {PARAMETERS}
search: {strategy: feedback, start: START}
rules: builtin/none
"""


def draft_of(
    folder: Path, start: str, parameters: str = "", nominal: bool = False, more: str = ""
) -> Draft:
    text = SPEC.replace("PARAMETERS", parameters).replace("START", start) + more
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    contract = nominal_contract("tabular_classification")
    return run_passes(Draft(load(folder / "task.yaml"), contract, nominal=nominal))


def start_of(draft: Draft) -> Mapping[str, Any]:
    assert not draft.problems.errors, draft.problems.errors
    assert draft.search is not None
    found: Mapping[str, Any] = draft.search.options["start"]
    return found


def records_of(draft: Draft) -> dict[str, tuple[str, str]]:
    return {
        r.key.removeprefix("search.start."): (r.decision, r.because)
        for r in draft.records
        if r.pass_name == "resolve_start"
    }


def said(draft: Draft) -> str:
    assert [d.code for d in draft.problems.errors] == ["E349"]
    (error,) = draft.problems.errors
    assert error.span is not None
    return f"{error.message} | {error.hint}"


# ---- our own runs ----

TOY = "x: 'float(0, 0.5)', kind: 'choice(a, b)'"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of the toy task: five trials that searched x, kind and depth."""
    folder = tmp_path_factory.mktemp("ours")
    project = make_project(folder / "project", budget__trials=5, budget__epochs=1, seed=4)
    assert run_here(project, folder / "runs" / "toy") == 0
    return folder


def test_a_trial_of_ours_is_named_by_number_or_folder_or_as_the_best(runs: Path) -> None:
    with RunView.open(runs / "runs" / "toy") as view:
        best = view.best()
        assert best is not None
        trials = {trial.number: trial.config for trial in view.trials()}
    named = {"runs/toy/2": 2, "runs/toy/t0002": 2, "runs/toy/t2": 2}
    named |= dict.fromkeys(("runs/toy", "runs/toy/best", "runs/latest", "runs"), best.number)
    named["runs/latest/3"] = 3
    (runs / "runs" / "latest").write_text("toy\n", encoding="utf-8")
    for name, number in named.items():
        start = start_of(draft_of(runs, name, TOY))
        config = trials[number]
        assert start["x"] == min(float(config["x"]), 0.5), name
        wanted = config["kind"] if config["kind"] in ("a", "b") else "a"
        assert start["kind"] == wanted, name


def test_every_value_of_ours_is_taken_changed_or_left_out_and_says_why(runs: Path) -> None:
    trials = {}
    with RunView.open(runs / "runs" / "toy") as view:
        trials = {trial.number: trial.config for trial in view.trials()}
    outcomes = set()
    for number, config in trials.items():
        draft = draft_of(runs, f"runs/toy/{number}", TOY)
        records = records_of(draft)
        label = f"toy, trial {number}"
        if config["x"] <= 0.5:
            assert records["x"] == (repr(config["x"]), label)
            outcomes.add("taken")
        else:
            assert records["x"] == ("0.5", f"nearest to {config['x']!r}, {label}")
            outcomes.add("changed")
        if config["kind"] == "c":
            assert records["kind"][0] == 'left out ("c")'
            assert "choice(a, b)" in records["kind"][1]
            outcomes.add("left out")
        assert records["width"] == ("128", "the space's default")
    assert outcomes == {"taken", "changed", "left out"}


def test_the_plan_shows_where_the_search_starts(runs: Path) -> None:
    draft = draft_of(runs, "runs/toy/1", TOY)
    text = plan_text(draft.graph())
    lines = [line.split() for line in text.splitlines()]
    assert any(line[:4] == ["start", "toy,", "trial", "1"] for line in lines)
    assert ["width", "128", "(the", "space's", "default)"] in lines
    assert draft.graph().plan().search.options["start"] == start_of(draft)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("runs/toy/9", "there is no `runs/toy/9` | the trials are 1 to 5"),
        ("runs/nothing", "there is no `runs/nothing`"),
        ("defualt", "did you mean default?"),
        ("../elsewhere", "outside the project folder and every data root"),
        ("/etc", "outside the project folder and every data root"),
        ("project", "is neither a trial nor a run nor a folder of Keras Tuner"),
    ],
)
def test_a_start_that_cannot_be_read_says_what_would_be_right(
    runs: Path, start: str, message: str
) -> None:
    assert message in said(draft_of(runs, start, TOY))


def test_a_run_is_never_changed_by_reading_it(runs: Path) -> None:
    before = (runs / "runs" / "toy" / "study.db").read_bytes()
    start_of(draft_of(runs, "runs/toy", TOY))
    assert (runs / "runs" / "toy" / "study.db").read_bytes() == before


def test_a_link_leads_out_of_no_project(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "study.db").symlink_to(runs / "runs" / "toy" / "study.db")
    (tmp_path / "all").symlink_to(runs / "runs" / "toy")
    (tmp_path / "trial_0").mkdir()
    (tmp_path / "trial_0" / "trial.json").symlink_to(runs / "project" / "plan.json")
    for start in ("toy", "toy/1", "all", "all/1", "trial_0"):
        assert "outside the project" in said(draft_of(tmp_path, start))


def test_a_data_root_may_hold_the_run(runs: Path, tmp_path: Path) -> None:
    text = SPEC.replace("PARAMETERS", TOY).replace("START", str(runs / "runs" / "toy" / "1"))
    (tmp_path / "task.yaml").write_text(text, encoding="utf-8")
    contract = nominal_contract("tabular_classification")
    draft = Draft(load(tmp_path / "task.yaml"), contract, roots=(runs,))
    assert "x" in start_of(run_passes(draft))


def test_what_is_no_study_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    for name, content in (("text", b"not a database"), ("empty", b"")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "study.db").write_bytes(content)
        assert "study" in said(draft_of(tmp_path, name))
    (tmp_path / "other").mkdir()
    with sqlite3.connect(tmp_path / "other" / "study.db") as database:
        database.execute("CREATE TABLE trials (number)")
    assert "study" in said(draft_of(tmp_path, "other/1"))


def test_checking_a_spec_opens_no_other_study(tmp_path: Path) -> None:
    draft_of(tmp_path, "runs/nothing/3")
    assert check(load(tmp_path / "task.yaml")) == []


# ---- configurations in the spec ----


def test_a_written_start_is_completed_with_defaults(tmp_path: Path) -> None:
    start = start_of(draft_of(tmp_path, "{lr: 0.01, optimizer: sgd}"))
    assert (start["lr"], start["optimizer"], start["momentum"]) == (0.01, "sgd", 0.9)
    assert start["width"] == 128


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("{widht: 64}", "widht: this space has no such parameter | did you mean width?"),
        ("{width: 65}", "width: the value is not in choice(32, 64, 128, 256)"),
        ("{momentum: 0.9}", 'momentum: it needs optimizer == "sgd"'),
        ("{width: [64]}", "width: the value is not in choice(32, 64, 128, 256)"),
    ],
)
def test_a_mistake_in_a_written_start_is_an_error(tmp_path: Path, start: str, message: str) -> None:
    assert message in said(draft_of(tmp_path, start, nominal=True))


def test_a_start_that_may_not_be_tried_is_an_error(tmp_path: Path) -> None:
    small = "constraints: [model.params <= 3000]\n"
    assert "model.params is" in said(draft_of(tmp_path, "{width: 256}", more=small))
    assert start_of(draft_of(tmp_path, "{width: 32, depth: 1}", more=small))["width"] == 32


def test_words_are_left_to_the_search(tmp_path: Path) -> None:
    for word in ("default", "random"):
        assert start_of(draft_of(tmp_path, word)) == word


# ---- Keras Tuner ----


def hp(kind: str, name: str, default: Any, when: tuple[str, list[Any]] | None = None) -> Any:
    conditions = []
    if when is not None:
        parent = {"name": when[0], "values": when[1]}
        conditions = [{"class_name": "Parent", "config": parent}]
    config = {"name": name, "default": default, "conditions": conditions}
    return {"class_name": kind, "config": config}


def write_trial(
    folder: Path, number: int, score: float | None, direction: str = "max", **values: Any
) -> None:
    """A trial.json as Keras Tuner 1.4.8 writes it (seen in a run of its own)."""
    metrics = {
        "loss": {"direction": "min", "observations": [{"value": [0.25], "step": 0}]},
        "val_score": {
            "direction": direction,
            "observations": [{"value": [9.0], "step": 0}, {"value": [score], "step": 1}],
        },
    }
    space = [
        hp("Choice", "image_block_1/block_type", "vanilla"),
        hp("Choice", "conv_block_1/kernel_size", 3, ("image_block_1/block_type", ["vanilla"])),
    ]
    data = {
        "trial_id": f"{number:02d}",
        "hyperparameters": {"space": space, "values": values},
        "metrics": {"metrics": metrics},
        "score": score,
        "best_step": 1,
        "status": "FAILED" if score is None else "COMPLETED",
        "message": None,
    }
    (folder / f"trial_{number:02d}").mkdir(parents=True)
    (folder / f"trial_{number:02d}" / "trial.json").write_text(json.dumps(data), encoding="utf-8")


def test_a_trial_of_keras_tuner_is_translated(tmp_path: Path) -> None:
    write_trial(
        tmp_path / "tuner", 3, 0.5,
        **{
            "structured_data_block_1/normalize": 0,  # it writes a choice of booleans so
            "structured_data_block_1/dense_block_1/num_layers": 3,
            "structured_data_block_1/dense_block_1/units_0": 512,
            "structured_data_block_1/dense_block_1/use_batchnorm": False,
            "structured_data_block_1/dense_block_1/dropout": 0.25,
            "classification_head_1/dropout": 0.5,
            "optimizer": "adam_weight_decay",
            "learning_rate": 2e-5,
            "batch_size": 128,
            "structured_data_block_1/dense_block_1/units_1": 32,
        },
    )  # fmt: skip
    draft = draft_of(tmp_path, "tuner/trial_03")
    start = start_of(draft)
    expected = {
        "normalize": False, "depth": 3, "width": 256, "norm": "none", "dropout": 0.5,
        "optimizer": "adamw", "lr": 3e-4, "batch_size": 128,
    }  # fmt: skip
    assert {name: start[name] for name in expected} == expected
    records = records_of(draft)
    assert records["lr"][1] == "nearest to 2e-05, learning_rate of Keras Tuner's trial 03"
    assert records["structured_data_block_1/dense_block_1/units_1"][0] == "left out (32)"
    lost = records["structured_data_block_1/dense_block_1/dropout"]
    assert lost == ("left out (0.25)", "classification_head_1/dropout means dropout too")


@pytest.mark.parametrize(("direction", "best"), [("max", 64), ("min", 32)])
def test_the_best_trial_of_a_tuner_is_that_of_the_objective(
    tmp_path: Path, direction: str, best: int
) -> None:
    for number, (score, units) in enumerate(((0.5, 128), (0.2, 32), (0.9, 64), (None, 256))):
        write_trial(tmp_path / "tuner", number, score, direction, units_0=units, depth=2)
    (tmp_path / "tuner" / "oracle.json").write_text("{}", encoding="utf-8")
    assert start_of(draft_of(tmp_path, "tuner"))["width"] == best


def test_a_tuner_that_does_not_say_its_direction_is_not_guessed_at(tmp_path: Path) -> None:
    write_trial(tmp_path / "tuner", 0, 0.25, "max", depth=2)  # 0.25 is its loss as well
    assert "high or low" in said(draft_of(tmp_path, "tuner"))
    write_trial(tmp_path / "tuner", 1, 0.5, "max", depth=3)
    assert start_of(draft_of(tmp_path, "tuner"))["depth"] == 3


def test_values_that_do_not_count_in_a_trial_are_not_taken(tmp_path: Path) -> None:
    values = {"image_block_1/block_type": "resnet", "conv_block_1/kernel_size": 7}
    write_trial(tmp_path / "tuner", 0, 0.5, **values)
    kernel = "kernel: 'choice(3, 5, 7)'"
    assert start_of(draft_of(tmp_path, "tuner", kernel))["kernel"] == 3
    values["image_block_1/block_type"] = "vanilla"
    write_trial(tmp_path / "other", 0, 0.5, **values)
    assert start_of(draft_of(tmp_path, "other", kernel))["kernel"] == 7


def test_a_start_of_which_nothing_fits_is_an_error_and_of_which_little_a_warning(
    tmp_path: Path,
) -> None:
    write_trial(tmp_path / "none", 0, 0.5, foo=1, optimizer="lion")
    message = said(draft_of(tmp_path, "none"))
    assert "nothing of Keras Tuner's trial 00 fits this space" in message
    assert 'optimizer = "lion" is not in choice(adamw, sgd)' in message
    write_trial(tmp_path / "one", 0, 0.5, foo=1, depth=2)
    draft = draft_of(tmp_path, "one")
    assert start_of(draft)["depth"] == 2
    assert "W525" in {d.code for d in draft.problems.found}


HOSTILE = [
    b"", b"[]", b"{", b"\xff\xfe", b'{"hyperparameters": 3}', b"[" * 100_000,
    b'{"hyperparameters": {"values": []}}',
    b'{"hyperparameters": {"values": {"depth": 1e999}}}',
    b'{"hyperparameters": {"values": {"depth": [1], "width": {"a": 1}, "lr": NaN}}}',
    b'{"hyperparameters": {"values": {"depth": ' + b"9" * 4000 + b"}}}",
    b'{"hyperparameters": {"values": {"\\u001b[2J": "\\u202e"}, "space": [1, {"config": 2}]}}',
    json.dumps({"hyperparameters": {"values": dict.fromkeys(map(str, range(2000)), 1)}}).encode(),
    b'{"hyperparameters": {"values": {"width": "' + b"x" * 10_000 + b'"}}}',
]  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_trial_is_one_error(tmp_path: Path, content: bytes) -> None:
    assert MAX_VALUES < 2000
    (tmp_path / "trial_0").mkdir()
    (tmp_path / "trial_0" / "trial.json").write_bytes(content)
    for start in ("trial_0", "trial_0/trial.json"):
        message = said(draft_of(tmp_path, start))
        assert message.isprintable()
        assert len(message) < 1000


# ---- names and values ----


def test_names_are_translated_by_their_last_part_and_their_block() -> None:
    both = {"layers", "dense_layers", "depth", "resnet_version", "efficientnet_version", "lr"}
    assert translate("image_block_1/conv_block_2/num_layers", 2, both) == ("layers", 2)
    assert translate("a/dense_block_1/num_layers", 2, both) == ("dense_layers", 2)
    assert translate("a/dense_block_1/num_layers", 2, {"depth"}) == ("depth", 2)
    assert translate("i/res_net_block_1/version", "v2", both) == ("resnet_version", "v2")
    assert translate("i/efficient_net_block_1/version", "b7", both) == (
        "efficientnet_version", "efficientnet_b7",
    )  # fmt: skip
    assert translate("learning_rate", 0.1, both) == ("lr", 0.1)
    assert translate("learning_rate", 0.1, {"learning_rate", "lr"}) == ("learning_rate", 0.1)
    assert translate("max_pooling", True, {"pooling"}) == ("pooling", "max")
    assert translate("max_pooling", 1, {"pooling"}) == ("pooling", 1)
    assert translate("num_layers", 2, both) is None


def test_every_row_of_the_table_is_reached() -> None:
    for key, (parameter, _) in TABLE.items():
        name, _, block = key.partition("/")
        path = f"outer_1/{block}_block_1/{name}" if block else f"outer_1/{name}"
        assert translate(path, 1, {parameter}) is not None, key
    for key, parameter in SIMPLER.items():
        name, _, block = key.partition("/")
        path = f"{block}_block_1/{name}" if block else name
        assert translate(path, 1, {parameter}) == (parameter, 1)


@pytest.mark.parametrize(
    ("domain", "value", "fitted"),
    [
        (Integer(2, 11, 3), 6, 5),
        (Integer(2, 11, 3), 100, 11),
        (Integer(2, 12, 3), 12, 11),
        (Integer(2, 11, 3), 8.0, 8),
        (Float(0.1, 0.5), 1, 0.5),
        (Float(0.1, 0.5), True, None),
        (Choice((8, 32, 128)), 17, 32),  # by ratio; by difference it would be 8
        (Choice((0.0, 0.3)), 0.1, 0.0),
        (Choice(("a", 3)), "b", None),
        (Choice((True, False)), 1, None),
        (Choice((1, 2)), True, None),
        (Fixed(0.9), 0.9, 0.9),
        (Fixed(0.9), 0.8, None),
    ],
)
def test_the_nearest_value(domain: Any, value: Any, fitted: Any) -> None:
    found = fit(domain, value)
    assert type(found) is type(fitted)
    assert found == fitted


@given(
    low=st.integers(-50, 50), size=st.integers(0, 60), step=st.integers(1, 9),
    value=st.floats(-200, 200),
)  # fmt: skip
def test_no_value_of_a_grid_is_nearer(low: int, size: int, step: int, value: float) -> None:
    domain = Integer(low, low + size, step)
    found = fit(domain, value)
    assert isinstance(found, int)
    assert domain.contains(found)
    best = min(abs(value - other) for other in range(low, low + size + 1, step))
    assert abs(value - found) == pytest.approx(best)


ADOPTING = Space(
    [
        Parameter("kind", Choice(("a", "b", "c")), "a"),
        Parameter("x", Float(0.0, 1.0), 0.5, parse('kind == "b"')),
        Parameter("n", Integer(1, 9, 2), 3),
        Parameter("fixed", Fixed(7), 7),
    ]
)
SCALARS = st.one_of(
    st.booleans(), st.integers(-10, 20), st.floats(-2, 3), st.sampled_from("abcd"), st.none()
)


@given(values=st.dictionaries(st.sampled_from(["kind", "x", "n", "fixed", "other"]), SCALARS))
def test_what_is_adopted_is_in_the_space_and_every_value_is_accounted_for(
    values: dict[str, Any],
) -> None:
    made = adopt(Start("there", "", values, foreign=False), ADOPTING)
    assert ADOPTING.problems(made.config) == []
    for name, value in values.items():
        if name in made.config and ADOPTING[name].domain.contains(value):
            assert same(made.config[name], value)
        elif name != "fixed" or value != 7:
            assert any(one.name == name and one.outcome != "taken" for one in made.values)


@given(seed=st.integers(0, 10**6))
def test_a_configuration_of_the_space_is_taken_as_it_is(seed: int) -> None:
    config = ADOPTING.sample(random.Random(seed))
    made = adopt(Start("there", "", config, foreign=False), ADOPTING)
    assert made.config == config
    assert {one.outcome for one in made.values} == {"taken"}


# ---- the real command ----


@pytest.mark.torch
def test_a_feedback_search_takes_over_from_a_real_run(tmp_path: Path) -> None:
    spec = SPEC.replace("PARAMETERS", "depth: 1").replace("rules: builtin/none", "")
    spec += "budget: {trials: 2, epochs: 1}\nbackend: {kind: pytorch, device: cpu, threads: 1}\n"
    first = spec.replace("{strategy: feedback, start: START}", "random")
    (tmp_path / "first.yaml").write_text(first, encoding="utf-8")
    second = spec.replace("START", "runs/first/2").replace("trials: 2", "trials: 1")
    second += "rules: builtin/none\n"
    (tmp_path / "second.yaml").write_text(second, encoding="utf-8")
    for name in ("first", "second"):
        command = [sys.executable, "-m", "automlc", "run", f"{name}.yaml"]
        done = subprocess.run(
            [*command, "--run-dir", f"runs/{name}"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    with RunView.open(tmp_path / "runs" / "first") as view:
        wanted = view.trial(2).config
    with RunView.open(tmp_path / "runs" / "second") as view:
        begun = view.trial(1)
    assert begun.config == wanted
    assert begun.why["proposal"]["rule"] == "start"
