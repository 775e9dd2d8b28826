import csv
import fcntl
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from made_run import make_run

BAD = "x\x1b[2J\x1b]0;title\x07\u202e[/bold][link=http://evil]\ny"


def automlc(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONUTF8": "1", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "automlc", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_status_json_has_the_promised_keys(run: Path) -> None:
    done = automlc("status", str(run), "--json", cwd=run)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"run", "name", "state", "reason", "trials", "best", "metric", "goal"} < set(found)
    assert {"target", "budget", "elapsed", "test"} < set(found)
    assert set(found["trials"]) == {"total", "complete", "stopped", "failed", "running"}
    assert {"trial", "value", "feasible", "config", "epoch"} == set(found["best"])
    assert (found["state"], found["budget"]["trials"]) == ("finished", 26)


def test_status_finds_the_latest_run_by_itself(run: Path) -> None:
    (run.parent / "latest").write_text("digits-1\n")
    done = automlc("status", cwd=run.parent.parent)
    assert done.returncode == 0, done.stderr
    assert "digits-1  finished" in done.stdout
    assert "26 of 26" in done.stdout


def test_status_of_a_dead_driver_names_the_resume_command(tmp_path: Path) -> None:
    run = make_run(tmp_path / "digits-1", trials=4, state="running")
    done = automlc("status", "digits-1", cwd=tmp_path)
    assert "interrupted" in done.stdout
    assert "automlc run digits-1 --resume" in done.stdout
    assert json.loads(automlc("status", str(run), "--json", cwd=tmp_path).stdout)["resume"]


@pytest.mark.parametrize("verb", [["status"], ["why", "1"], ["report"]])
def test_what_is_not_a_run_is_one_line_and_exit_2(verb: list[str], tmp_path: Path) -> None:
    for folder in ([], ["."], ["nowhere"]):
        done = automlc(*verb, *folder, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 2


def test_an_unknown_trial_is_exit_2_with_the_range(run: Path) -> None:
    for number in ("26", str(10**30)):
        done = automlc("why", number, str(run), cwd=run)
        assert done.returncode == 2
        assert "the trials are 0 to 25" in done.stderr


def test_why_tells_proposal_course_end_and_how_to_reproduce(run: Path) -> None:
    done = automlc("why", "12", str(run), cwd=run)
    assert done.returncode == 0, done.stderr
    for part in ("by tpe", "parent", "trial 6", "model.size 311 kB > 250 kB", "▁", "Why it ended"):
        assert part in done.stdout
    assert "python train.py --config ../t0012/config.json" in done.stdout


def test_why_of_a_stopped_trial_shows_the_evidence(run: Path) -> None:
    trials = json.loads(automlc("status", str(run), "--json", cwd=run).stdout)["trials"]
    assert trials["stopped"] > 0
    numbers = [n for n in range(26) if _why(run, n)["trial"]["state"] == "stopped"]
    text = automlc("why", str(numbers[0]), str(run), cwd=run).stdout
    assert "0.61 is below the median 0.83" in text
    assert "median  0.83" in text


def _why(run: Path, number: int) -> dict[str, Any]:
    from automlc.runtime.view import RunView
    from automlc.runtime.why import why

    with RunView.open(run) as view:
        return why(view, number).to_json()


def test_why_of_a_failed_trial_shows_its_class_and_log(run: Path) -> None:
    done = automlc("why", "15", str(run), cwd=run)
    assert "failure class nan" in done.stdout
    assert "FloatingPointError: loss" in done.stdout
    found = json.loads(automlc("why", "15", str(run), "--json", cwd=run).stdout)
    assert (found["rank"], found["trial"]["failure"]) == (None, "nan")
    assert found["epochs"][-1]["value"] is None


def test_why_of_a_running_trial_says_that_it_runs(tmp_path: Path) -> None:
    run = make_run(tmp_path / "digits-1", trials=4, state="running")
    done = automlc("why", "3", str(run), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Why it has not ended" in done.stdout


def test_why_tells_an_action_its_reason_and_what_it_brought(tmp_path: Path) -> None:
    run = make_run(tmp_path / "digits-1", steered=True)
    done = automlc("why", "5", str(run), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for line in (
        "  action      width = width * 2",
        "  on          trial 2",
        "  because     dying gradients, slow (largest gain 0.002, gradient ratio 0.81,",
        "  condition   architecture=other, convergence=slow, gradient=dying, weights=normal",
        "  from        the rule at task.yaml:31, score 0.125",
        "  next best   depth = depth - 1 (0.1)",
        "  skipped     dropout = 0.5: it was tried",
        "              and 2 more",
        "  posterior   mean 0.02, deviation 0.01, n 3, draw 0.025",
        "              depth = depth + 1 on trial 0",
        "  warm start  began with the weights of trial 2",
        "  brought     -0.103 against trial 2",
        "What its training looked like",
        "  from epoch 1    normal (gradient ratio 0.5, zero share 0.1)",
        "  from epoch 2    dying gradients (gradient ratio 0.5, zero share 0.9)",
        "  until epoch 12  dying gradients (largest gain 0.",
    ):
        assert line in done.stdout


def test_why_json_has_decision_effect_and_conditions(tmp_path: Path) -> None:
    run = make_run(tmp_path / "digits-1", steered=True)
    found = _why(run, 5)
    record: Any = found["trial"]["why"]
    assert found["decision"] == {**record["proposal"], "because": None}
    assert (found["weights_of"], _why(run, 4)["weights_of"]) == (2, None)
    value, before = found["trial"]["value"], _why(run, 2)["trial"]["value"]
    assert found["effect"] == {
        "parent": 2,
        "value": value,
        "parent_value": before,
        "gain": value - before,
        "text": "-0.103 against trial 2",
    }
    assert [one["epoch"] for one in found["conditions"]] == [1, 2, 12]
    assert found["conditions"][2]["condition"] == found["conditions"][1]["condition"]
    pairs = list(pairwise(found["epochs"]))
    gains = [(b["value"] - a["value"]) / (1 - a["value"]) for a, b in pairs]
    gains += [1 - b["metrics"]["loss"] / a["metrics"]["loss"] for a, b in pairs]
    assert found["conditions"][2]["evidence"]["largest_gain"] == pytest.approx(max(gains))
    assert found["conditions"][1]["condition"] == {
        "architecture": "other",
        "convergence": "normal",
        "gradient": "dying",
        "weights": "normal",
    }
    assert found["conditions"][1]["evidence"]["zero_share"] == 0.9


def test_why_says_when_weights_that_were_asked_for_were_not_lent(tmp_path: Path) -> None:
    from automlc.runtime.view import RunView
    from automlc.runtime.why import tell, why

    run = make_run(tmp_path / "digits-1", steered=True)
    with RunView.open(run) as view:
        text = "\n".join(line for _, lines in tell(why(view, 4)) for line in lines)
    assert "warm start  none: trial 2 could lend nothing" in text


def test_why_of_a_search_without_actions_still_tells_conditions_and_effect(run: Path) -> None:
    found = _why(run, 12)
    assert found["decision"] is None
    assert found["effect"]["parent"] == 6
    assert found["conditions"][0]["epoch"] == 1
    assert _why(run, 1)["effect"] is None


def test_status_tells_the_best_trials_condition_and_the_actions(tmp_path: Path) -> None:
    run = make_run(tmp_path / "digits-1", steered=True, state="running")
    with (run / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = automlc("status", str(run), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "its training  vanishing gradients" in done.stdout
    assert "25 taken, 1 made their trial better" in done.stdout
    assert "trial 25, 3 epochs done" in done.stdout
    assert ': optimizer = "adam" on trial 2' in done.stdout
    found = json.loads(automlc("status", str(run), "--json", cwd=tmp_path).stdout)
    assert found["condition"]["gradient"] == "vanishing"
    assert found["actions"] == {"taken": 25, "better": 1}


@pytest.mark.parametrize("steered", [False, True])
def test_foreign_text_cannot_drive_the_terminal(tmp_path: Path, steered: bool) -> None:
    name = lambda text: text + BAD  # noqa: E731
    run = make_run(tmp_path / "digits-1", trials=16, name=name, steered=steered)
    for verb in (["status"], ["why", "15"], ["why", "12"]):
        done = automlc(*verb, str(run), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert not set("\x1b\x07\u202e") & set(done.stdout)
        assert "[/bold]" in done.stdout


def test_csv_holds_every_trial(run: Path, tmp_path: Path) -> None:
    done = automlc("status", str(run), "--csv", "trials.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["number"]) for row in rows] == list(range(26))


def test_report_goes_into_the_run_directory(run: Path, tmp_path: Path) -> None:
    done = automlc("report", str(run), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (run / "report.html").stat().st_size > 1_000_000
    done = automlc("report", str(run), "-o", "missing/r.html", cwd=tmp_path)
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True)
