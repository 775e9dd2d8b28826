import csv
import json
import os
import subprocess
import sys
from pathlib import Path

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


def _why(run: Path, number: int) -> dict[str, dict[str, str]]:
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


def test_foreign_text_cannot_drive_the_terminal(tmp_path: Path) -> None:
    run = make_run(tmp_path / "digits-1", trials=16, name=lambda text: text + BAD)
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
