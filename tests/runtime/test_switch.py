"""Resuming a run under another plan: what is kept, filtered, refused, and killed half-way."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from toy import (
    KIND,
    SIZE_OF_X,
    X,
    digest_of,
    make_project,
    parameter,
    rows,
    run_forked,
    run_here,
    store_of,
    write_manifest,
)

from automlc.cli.main import cli
from automlc.runtime.plan import load_plan
from automlc.runtime.report.build import collect
from automlc.runtime.view import RunView
from automlc.runtime.why import why
from automlc.spec.errors import AutomlcError

DECAY = parameter("weight_decay", {"kind": "float", "low": 0.0, "high": 0.5, "log": False}, 0.25)
NARROW = parameter("x", {"kind": "float", "low": 0.0, "high": 0.5, "log": False}, 0.25)
# Hits of fault points until the event is in the database: before the switch, before the commit.
AT_THE_EVENT = 2
ONE = {"budget__trials": 6, "budget__epochs": 1}


def space(*parameters: Any) -> dict[str, Any]:
    return {"space": {"parameters": list(parameters), "forbidden": []}}


def project(folder: Path, **changes: Any) -> Path:
    return make_project(folder, {"sleep": 0}, **{**ONE, **space(X, KIND), **changes})


def start(tmp_path: Path, **changes: Any) -> Path:
    assert run_here(project(tmp_path / "old", **changes), tmp_path / "run") == 0
    return tmp_path / "run"


def resume(tmp_path: Path, **changes: Any) -> int:
    return run_here(project(tmp_path / "new", **changes), tmp_path / "run", resume=True)


def configs(run: Path) -> dict[int, dict[str, Any]]:
    return {n: json.loads(c) for n, c in rows(run, "SELECT number, config FROM trials")}


def test_a_larger_budget_goes_on_and_equals_a_study_that_had_it_from_the_start(
    tmp_path: Path,
) -> None:
    run = start(tmp_path, budget__trials=3)
    assert resume(tmp_path, budget__trials=6) == 0
    straight = tmp_path / "straight"
    assert run_here(project(tmp_path / "other", budget__trials=6), straight) == 0
    assert configs(run) == configs(straight)
    assert load_plan(run / "plan.json").budget.trials == 6
    assert load_plan(run / "plans" / "1" / "project" / "plan.json").budget.trials == 3
    assert load_plan(run / "plans" / "2" / "project" / "plan.json").budget.trials == 6


def test_a_widened_space_keeps_all_trials_and_records_what_they_had_without_knowing(
    tmp_path: Path,
) -> None:
    run = start(tmp_path)
    assert resume(tmp_path, budget__trials=8, **space(X, KIND, DECAY)) == 0
    store = store_of(run)
    found = {row.number: row.config for row in store.trials()}
    assert all(found[number]["weight_decay"] == 0.0 for number in range(1, 7))
    assert all("weight_decay" not in configs(run)[number] for number in range(1, 7))
    assert all(store.outside(number) is None for number in found)
    assert len(found) == 8
    before = store.tables()
    store.rebuild()
    assert store.tables() == before
    store.close()
    with RunView.open(run) as view:
        assert view.trial(1).config["weight_decay"] == 0.0


@pytest.mark.parametrize(
    "tight",
    [
        space(NARROW, KIND),
        {
            "costs": SIZE_OF_X,
            "constraints": [
                {
                    "text": "model.size <= 500",
                    "metric": "model.size",
                    "op": "<=",
                    "bound": 500,
                    "stage": "static",
                }
            ],
        },
    ],
)
def test_a_narrowed_plan_keeps_trials_that_are_outside_but_no_longer_counts_them(
    tmp_path: Path, tight: dict[str, Any]
) -> None:
    run = start(tmp_path)
    assert resume(tmp_path, budget__trials=9, **tight) == 0
    out = {n for n, config in configs(run).items() if config["x"] > 0.5 and n <= 6}
    assert out
    store = store_of(run)
    assert {n for n in range(1, 10) if store.outside(n)} == out
    best = store.incumbent()
    assert best is not None
    assert best.config["x"] <= 0.5
    store.close()
    with RunView.open(run) as view:
        shown = view.best()
        assert shown is not None
        assert shown.number == best.number
        (switch,) = view.plans()
    assert {int(n) for n in switch["outside"]} == out
    assert json.loads((run / "best" / "config.json").read_text())["config"] == best.config
    assert len(list(run.glob("t*/weights*"))) == 1


def test_the_best_that_is_left_is_trained_again_where_its_weights_are_gone(tmp_path: Path) -> None:
    run = start(tmp_path)
    values = dict(rows(run, "SELECT number, value FROM trials"))
    best = max(values, key=lambda n: values[n])
    bound = configs(run)[best]["x"]
    # Leave the best out, whichever it is.
    low, high = (0.0, bound - 1e-9) if bound > 0.4 else (bound + 1e-9, 1.0)
    domain = {"kind": "float", "low": low, "high": high, "log": False}
    new = parameter("x", domain, (low + high) / 2)
    assert resume(tmp_path, budget__trials=7, **space(new, KIND)) == 0
    inside = [n for n, c in configs(run).items() if low <= c["x"] <= high and n <= 6]
    again = max(inside, key=lambda n: values[n])
    store = store_of(run)
    assert store.trial(7).config == configs(run)[again]
    best_now = store.incumbent()
    assert best_now is not None
    assert best_now.number == 7
    store.close()


def test_a_space_that_is_widened_back_brings_trials_back(tmp_path: Path) -> None:
    run = start(tmp_path)
    assert resume(tmp_path, budget__trials=7, **space(NARROW, KIND)) == 0
    wide = project(tmp_path / "third", budget__trials=8)
    assert run_here(wide, run, resume=True) == 0
    store = store_of(run)
    assert not any(store.outside(n) for n in range(1, 9))
    store.close()


REFUSED = [
    ({"task__metric": "f1"}, r"objective changed, task\.metric: accuracy -> f1"),
    ({"budget__epochs": 2}, r"training changed, budget\.epochs: 1 -> 2"),
    ({"backend__precision": "bfloat16"}, r"training changed, backend\.precision"),
    ({"data__fingerprint": "sha256:1"}, r"data changed, data\.source"),
]


@pytest.mark.parametrize(("new", "words"), REFUSED)
def test_what_makes_trials_incomparable_is_refused_and_nothing_is_touched(
    tmp_path: Path, new: dict[str, Any], words: str
) -> None:
    run = start(tmp_path)
    before = digest_of(run), sorted(p.name for p in run.iterdir())
    folder = make_project(tmp_path / "new", {"sleep": 0}, **{**ONE, **space(X, KIND)})
    text = json.loads((folder / "plan.json").read_text())
    for key, value in new.items():
        section, _, name = key.partition("__")
        text[section][name] = value
    (folder / "plan.json").write_text(json.dumps(text))
    write_manifest(folder)
    with pytest.raises(AutomlcError, match=words) as caught:
        run_here(folder, run, resume=True)
    assert "--resume" in str(caught.value.hint)
    assert (digest_of(run), sorted(p.name for p in run.iterdir())) == before


# What a plan does not tell: the rows of each part, and how the data is divided.
UNSEEN = [
    (
        {"rows": {"train": 9, "validation": 1}},
        "SPLIT_SEED = 1\n",
        r"data changed, data\.rows\.train",
    ),
    (
        {"rows": {"train": 8, "validation": 2}},
        "SPLIT_SEED = 2\n",
        r"data changed, data\.split\.seed",
    ),
]


@pytest.mark.parametrize(("contract", "reader", "words"), UNSEEN)
@pytest.mark.parametrize("more", [0, 2])
def test_a_change_that_the_plan_does_not_show_is_refused_as_well(
    tmp_path: Path, contract: dict[str, Any], reader: str, words: str, more: int
) -> None:
    known = {"rows": {"train": 8, "validation": 2}}
    old, new = project(tmp_path / "old"), project(tmp_path / "new", budget__trials=6 + more)
    for folder, says, text in ((old, known, "SPLIT_SEED = 1\n"), (new, contract, reader)):
        (folder / "graph.json").write_text(json.dumps({"contract": says, "nodes": []}))
        (folder / "data.py").write_text(text)
        write_manifest(folder)
    run = tmp_path / "run"
    assert run_here(old, run) == 0
    before = digest_of(run)
    with pytest.raises(AutomlcError, match=words):
        run_here(new, run, resume=True)
    assert digest_of(run) == before


def test_status_says_under_which_plans_a_run_was(tmp_path: Path) -> None:
    run = start(tmp_path, budget__trials=2)
    assert resume(tmp_path, budget__trials=3) == 0
    text = CliRunner().invoke(cli, ["status", str(run)]).output
    assert "2, changed: budget.trials" in text


def test_a_diff_with_a_run_counts_the_trials_that_stay_valid(tmp_path: Path) -> None:
    run = start(tmp_path)
    narrow = project(tmp_path / "new", **space(NARROW, KIND))
    text = CliRunner().invoke(cli, ["diff", str(run), str(narrow), "--exit-code"])
    assert text.exit_code == 1
    inside = sum(config["x"] <= 0.5 for config in configs(run).values())
    assert f"{inside} of 6 trials stay valid" in text.output
    same = CliRunner().invoke(cli, ["diff", str(run), str(tmp_path / "old"), "--exit-code"])
    assert same.exit_code == 0


def with_layer(folder: Path, units: str) -> Path:
    """The project with a graph.json of one layer."""
    args = {"units": units}
    node = {"id": "model.0", "kind": "operation", "op": "dense", "args": args}
    (folder / "graph.json").write_text(json.dumps({"contract": {}, "nodes": [node]}))
    write_manifest(folder)
    return folder


def width(*values: int) -> Any:
    return parameter("width", {"kind": "choice", "values": list(values)}, values[0])


def test_a_diff_with_a_run_sees_trials_as_the_plan_of_the_run_writes_them(tmp_path: Path) -> None:
    run = tmp_path / "run"
    old = with_layer(project(tmp_path / "old", budget__trials=3), "64")
    assert run_here(old, run) == 0
    wide = {"budget__trials": 6, **space(X, KIND, width(32, 64))}
    assert run_here(with_layer(project(tmp_path / "wide", **wide), "width"), run, resume=True) == 0
    other = with_layer(project(tmp_path / "other", **{**wide, **space(X, KIND, width(64, 128))}),
                       "width")  # fmt: skip
    drawn = [configs(run)[number]["width"] for number in (4, 5, 6)]
    valid = 3 + drawn.count(64)  # the first three count as 64: that is what they were
    assert valid < 6
    text = CliRunner().invoke(cli, ["diff", str(run), str(other)]).output
    assert f"{valid} of 6 trials stay valid" in text


def told(run: Path, number: int) -> str:
    done = CliRunner().invoke(cli, ["why", str(number), str(run)])
    assert done.exit_code == 0, done.output
    return done.output


def test_why_says_since_which_plan_a_trial_is_outside_and_for_what(tmp_path: Path) -> None:
    run = start(tmp_path)
    assert resume(tmp_path, budget__trials=8, **space(NARROW, KIND)) == 0
    # A third plan that does not mention x again: still outside since the second.
    third = project(tmp_path / "third", budget__trials=9, **space(NARROW, KIND))
    assert run_here(third, run, resume=True) == 0
    out = {n for n, config in configs(run).items() if config["x"] > 0.5}
    assert out
    for number, config in configs(run).items():
        text = told(run, number)
        reason = rf"x = {config['x']!r} is not in float\(0\.0, 0\.5\)"
        line = rf"  outside the plan since plan 2 \(\d{{4}}-\d\d-\d\d [\d:]{{8}} UTC\): {reason}"
        assert bool(re.search(line, text)) == (number in out)
        assert ("does not count" in text) == (number in out)
        assert ("rank" in text) == (number not in out)
    with RunView.open(run) as view:
        assert set(view.outsiders) == out
        ranks = [view.rank(trial) for trial in view.trials() if trial.number not in out]
        ended = [rank for rank in ranks if rank is not None]
        assert sorted(place for place, _ in ended) == list(range(1, len(ended) + 1))
        assert {total for _, total in ended} == {len(ended)}
        found = [row["number"] for row in view.flat_trials() if row["outside"] is not None]
        assert set(found) == out
        (plan_2, _) = view.plans()
        one = why(view, min(out)).to_json()
        assert one["outside"] == {
            "plan": 2,
            "since": plan_2["time"],
            "reason": plan_2["outside"][str(min(out))],
        }
        assert why(view, next(n for n in configs(run) if n not in out)).outside is None


def test_a_trial_that_comes_back_is_no_longer_outside(tmp_path: Path) -> None:
    run = start(tmp_path)
    assert resume(tmp_path, budget__trials=7, **space(NARROW, KIND)) == 0
    wide = project(tmp_path / "third", budget__trials=8)
    assert run_here(wide, run, resume=True) == 0
    assert "outside the plan" not in "".join(told(run, number) for number in configs(run))
    narrow = project(tmp_path / "fourth", budget__trials=9, **space(NARROW, KIND))
    assert run_here(narrow, run, resume=True) == 0
    out = min(n for n, config in configs(run).items() if config["x"] > 0.5)
    assert "outside the plan since plan 4 (" in told(run, out)


def test_why_says_that_a_trial_without_weights_cannot_be_the_best(tmp_path: Path) -> None:
    run = start(tmp_path)
    assert resume(tmp_path, budget__trials=9, **space(NARROW, KIND)) == 0
    store = store_of(run)
    lost = [int(n) for n in store.meta()["lost"]]
    store.close()
    assert lost
    for number in configs(run):
        text = "it counts, but cannot be the best any more: its weights were not kept"
        assert (text in told(run, number)) == (number in lost)


def test_the_report_marks_trials_outside_and_does_not_count_them(tmp_path: Path) -> None:
    run = start(tmp_path)
    assert resume(tmp_path, budget__trials=9, **space(NARROW, KIND)) == 0
    out = {n for n, config in configs(run).items() if config["x"] > 0.5}
    with RunView.open(run) as view:
        found = collect(view)
    rows_ = {row["number"]: row for row in found["trials"]["rows"]}
    assert {n for n, row in rows_.items() if row["outside"]} == out
    assert {n for n, row in rows_.items() if row["place"] is None} >= out
    assert "outside the present plan" in found["caution"]
    best = found["charts"]["progress"]["best"]["value"][-1]
    assert best == max(row["value"] for n, row in rows_.items() if n not in out)


def test_verbs_that_read_a_run_killed_in_a_switch_see_the_plan_that_holds(tmp_path: Path) -> None:
    old = project(tmp_path / "old", budget__trials=3)
    new = project(tmp_path / "new", budget__trials=5, **space(NARROW, KIND))
    run = tmp_path / "run"
    assert run_here(old, run) == 0
    assert run_forked(new, run, resume=True, fault="driver.switch.recorded:1:sigkill") == -9
    assert load_plan(run / "plan.json").budget.trials == 3  # not settled yet
    before = {p: p.read_bytes() for p in sorted((run / "project").iterdir())}
    status = json.loads(CliRunner().invoke(cli, ["status", str(run), "--json"]).output)
    assert status["budget"]["trials"] == 5
    assert status["state"] == "interrupted"
    assert status["resume"] == f"automlc run {run} --resume"
    same = CliRunner().invoke(cli, ["diff", str(run), str(new), "--exit-code"])
    assert same.exit_code == 0, same.output
    assert f"cd {run}/plans/2/project && python train.py --config ../../../t0001/" in told(run, 1)
    with RunView.open(run) as view:
        assert [p["domain"]["high"] for p in view.parameters() if p["name"] == "x"] == [0.5]
    assert {p: p.read_bytes() for p in sorted((run / "project").iterdir())} == before
    assert run_forked(run, run, resume=True) == 0
    with RunView.open(run) as view:
        assert view.project == run / "project"


def test_a_run_killed_anywhere_in_a_switch_is_under_one_plan_or_the_other(tmp_path: Path) -> None:
    old = project(tmp_path / "old", budget__trials=3)
    new = project(tmp_path / "new", budget__trials=5, **space(NARROW, KIND, DECAY))
    assert run_here(old, tmp_path / "base") == 0
    assert run_forked(old, tmp_path / "straight") == 0
    assert run_forked(new, tmp_path / "straight", resume=True) == 0
    expected = digest_of(tmp_path / "straight")
    for number in range(1, 14):
        run = tmp_path / f"run-{number}"
        shutil.copytree(tmp_path / "base", run)
        code = run_forked(new, run, resume=True, fault=f"driver.*:{number}:sigkill")
        assert code == -9
        # Without the new project a run that was switched goes on with it all the same.
        assert run_forked(run, run, resume=True) == 0
        switched = load_plan(run / "plan.json").budget.trials == 5
        assert switched == (number > AT_THE_EVENT)
        if not switched:
            assert run_forked(new, run, resume=True) == 0
        assert digest_of(run) == expected, f"hit {number}"
