"""What `automlc calibrate` measures: random models, single actions, and the table of them."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from automlc.calibrating import read
from automlc.runtime.monitor.conditions import Condition, Metric
from automlc.runtime.rules.effect import effect
from automlc.runtime.rules.library import load_file
from automlc.runtime.rules.measuring import measure
from automlc.runtime.searchers.base import Past, key_of
from automlc.runtime.searchers.calibrate import Calibrate
from automlc.runtime.seeds import derive_seed
from automlc.runtime.store import open_store
from automlc.runtime.trial import Report, State
from automlc.runtime.view import RunView
from automlc.spec.domains import Choice, Float, Parameter, Space
from automlc.spec.errors import AutomlcError
from tests.runtime.toy import plan as toy_plan

SPACE = Space(
    [
        Parameter("lr", Float(1e-4, 1e-1, log=True), 1e-2),
        Parameter("kind", Choice(("a", "b", "c")), "a"),
        Parameter("width", Choice((8, 16, 32)), 8),
    ]
)
NORMAL = Condition("other", "normal", "normal", "normal")


def value(config: Any) -> float:
    return 0.5 + 0.1 * (config["kind"] == "c") + 0.005 * config["width"]


def play(options: dict[str, int], most: int = 200) -> list[Past]:
    searcher = Calibrate(
        Calibrate.Options(**options), SPACE, "maximize", None, Metric("maximize", 1.0)
    )
    past: list[Past] = []
    while len(past) < most:
        number = len(past) + 1
        asked = searcher.ask(number, past, derive_seed(3, "ask", number))
        if asked is None:
            break
        past.append(
            Past(number, asked.config, "complete", value(asked.config), (), asked.why, NORMAL)
        )
    return past


def test_every_model_gets_its_actions_and_no_more() -> None:
    past = play({"models": 4, "actions": 5, "follow": 0})
    assert Counter(p.why["rule"] for p in past) == {"model": 4, "action": 20}
    parents = Counter(p.why["parent"] for p in past if p.why["rule"] == "action")
    assert set(parents.values()) == {5}


def test_actions_are_measured_equally_often() -> None:
    past = play({"models": 10, "actions": 5, "follow": 0})
    counts = Counter(p.why["action"] for p in past if p.why["rule"] == "action")
    # Some do not apply to some models (a value that it has already), so not exactly.
    assert len(counts) == 10
    assert max(counts.values()) - min(counts.values()) <= 3


def test_a_model_that_an_action_improved_is_acted_on_in_turn() -> None:
    past = play({"models": 2, "actions": 4, "follow": 1})
    by_number = {p.number: p for p in past}
    followed = [p for p in past if p.why.get("chain") == 1]
    assert followed
    for child in followed:
        base = by_number[child.why["parent"]]
        siblings = [p for p in past if p.why.get("parent") == base.why["parent"]]
        assert base.value == max(s.value for s in siblings if s.value is not None)
        assert base.value > (by_number[base.why["parent"]].value or 0)


def test_nothing_is_trained_twice() -> None:
    past = play({"models": 6, "actions": 6, "follow": 2})
    assert len({key_of(p.config) for p in past}) == len(past)


def test_a_running_model_does_not_end_the_measuring() -> None:
    searcher = Calibrate(Calibrate.Options(models=1, actions=2), SPACE, "maximize")
    running = Past(1, SPACE.default_config(), "running", None, (), {"rule": "model"}, None)
    asked = searcher.ask(2, [running], 0)
    assert asked is not None
    assert asked.why["rule"] == "model"


# From a run to measurements ---------------------------------------------------------------------


def make_run(folder: Path) -> Path:
    """A run of three trials: a model, one action that helps, one whose training fails."""
    folder.mkdir()
    data = toy_plan(search={"strategy": "calibrate", "options": {"models": 1, "actions": 2}})
    (folder / "plan.json").write_text(json.dumps(data))
    store = open_store(folder / "study.db", "maximize")
    store.start_study({"run_id": "r", "plan": "", "seed": 0, "data": "builtin:x"})
    trials: list[tuple[dict[str, Any], float | None]] = [
        ({"rule": "model"}, 0.5),
        ({"rule": "action", "parent": 1, "action": "x = x / 2"}, 0.75),
        ({"rule": "action", "parent": 1, "action": 'kind = "c"'}, None),
    ]
    for number, (note, got) in enumerate(trials, 1):
        config = {"x": number / 10, "kind": "a"}
        attempt = store.start_trial(number, config, 0, why={"proposal": note}, costs={})
        if got is not None:
            feedback = {"probe": {"gradient_first": 1e-9, "gradient_last": 1.0, "zero_units": 0.0}}
            report = Report(1, got, {"loss": 1.0}, 0.1, 1.0, 10, feedback, None, None)
            store.record_epoch(number, attempt, report)
            store.end_trial(number, attempt, State.COMPLETE, "all epochs done")
        else:
            store.end_trial(number, attempt, State.FAILED, "nan", failure="nan")
    store.close()
    return folder


def test_measurements_are_effects_by_state_and_action(tmp_path: Path) -> None:
    with RunView.open(make_run(tmp_path / "run")) as view:
        found = measure(view, "toy", "tabular")
    state = {
        "input": "tabular", "architecture": "other", "convergence": "normal",
        "gradient": "vanishing", "weights": "normal",
    }  # fmt: skip
    by_action = {action: gains for (_, action), gains in found.gains.items()}
    assert {dict(s)["gradient"] for s, _ in found.gains} == {"vanishing"}
    assert all(dict(s) == state for s, _ in found.gains)
    assert by_action["x = x / 2"].mean == pytest.approx(math.log(2))
    # A training that failed counts as the worst there was, which is the model itself here.
    assert by_action['kind = "c"'].mean == effect(0.5, 0.5, Metric("maximize", 1.0))
    assert found.details["pairs"] == 2
    assert found.details["failed"] == 1
    assert found.details["median_difference"] == pytest.approx(0.25)


def test_a_run_without_actions_is_no_measurement(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    store = open_store(folder / "study.db", "maximize")
    store._db.execute("UPDATE trials SET why = '{}' WHERE state = 'running'")
    store.close()
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "plan.json").write_text(json.dumps(toy_plan()))
    empty = open_store(tmp_path / "empty" / "study.db", "maximize")
    empty.start_study({"run_id": "e", "plan": "", "seed": 0, "data": "builtin:x"})
    empty.close()
    with (
        RunView.open(tmp_path / "empty") as view,
        pytest.raises(AutomlcError, match="took no actions"),
    ):
        measure(view, "toy", "tabular")


# The command ------------------------------------------------------------------------------------

SPEC = """automlc: 1
name: NAME
task: {kind: tabular_classification}
data: {source: builtin:breast_cancer}
space:
  parameters: {depth: fixed(1), width: "choice(8, 16)", batch_size: fixed(128)}
search: {strategy: feedback}
rules: builtin/none
budget: {epochs: 1}
backend: {kind: pytorch, device: cpu, threads: 1}
"""


def calibrate(*words: str) -> Any:
    from automlc.cli.calibrate import command

    return CliRunner().invoke(command, list(words), catch_exceptions=False)


@pytest.mark.torch
def test_the_command_measures_resumes_and_adds_data_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(SPEC.replace("NAME", name))
    effort = ("--models", "1", "--actions", "3", "--follow", "0", "-q")
    done = calibrate("one.yaml", "-o", "rules.json", *effort)
    assert done.exit_code == 0, done.output
    assert "use it: rules: {use: rules.json}" in done.output
    first = json.loads((tmp_path / "rules.json").read_text())
    assert [d["name"] for d in first["datasets"]] == ["one"]
    assert first["datasets"][0]["details"]["pairs"] == 3
    # Trials of measuring are not for a best model: the test part is not looked at.
    with RunView.open(tmp_path / "runs" / "calibrate" / "one") as view:
        assert view.summary().test is None
    # A second call trains nothing again for what is done, and keeps the other data set.
    done = calibrate("two.yaml", "-o", "rules.json", *effort)
    assert done.exit_code == 0, done.output
    again = calibrate("one.yaml", "-o", "rules.json", *effort)
    assert again.exit_code == 0, again.output
    second = json.loads((tmp_path / "rules.json").read_text())
    assert [d["name"] for d in second["datasets"]] == ["one", "two"]
    assert second["datasets"][0] == first["datasets"][0]
    table = load_file(tmp_path / "rules.json", ("two",))
    assert table.provenance["left_out"] == ["two"]
    assert any(row.state == {"input": "tabular"} for row in table.rows)


def test_a_file_of_something_else_is_refused_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(SPEC.replace("NAME", "one"))
    (tmp_path / "rules.json").write_text('{"schema": "automlc.rules/1", "rows": []}')
    with pytest.raises(AutomlcError, match="holds no measurements"):
        calibrate("one.yaml", "-o", "rules.json")
    assert not (tmp_path / "runs").exists()


def test_two_specs_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("a.yaml", "b.yaml"):
        (tmp_path / file).write_text(SPEC.replace("NAME", "same"))
    with pytest.raises(AutomlcError, match="two specs are called same"):
        calibrate("a.yaml", "b.yaml", "-o", "rules.json")


def test_a_wall_that_is_no_duration_is_a_wrong_option(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SPEC)
    done = calibrate(str(tmp_path / "a.yaml"), "-o", "x.json", "--wall", "soon")
    assert done.exit_code == 2
    assert "--wall" in done.output


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is damaged"), ("[" * 100_000, "nested too deeply"), ("{}", "holds no measurements")],
)
def test_a_file_that_holds_no_measurements_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "table.json"
    assert read(path) is None
    path.write_text(text)
    with pytest.raises(AutomlcError, match=words):
        read(path)
