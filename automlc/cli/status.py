"""`automlc status`: how a run stands."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from automlc.runtime.decisions import decision_of
from automlc.runtime.monitor.words import words
from automlc.runtime.view import STATES, RunView, Summary
from automlc.runtime.wording import columns, count, duration, number, pairs, plain, shown, start
from automlc.spec.errors import AutomlcError

if TYPE_CHECKING:
    from automlc.runtime.view import Trial

_COLORS = {"running": "cyan", "finished": "green", "interrupted": "yellow"}


@click.command()
@click.argument("folder", metavar="[DIR]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write all trials as CSV; - is stdout.")
def command(folder: str | None, as_json: bool, csv_file: str | None) -> None:
    """Show the state of a run.

    DIR is a run directory; by default the latest run in runs/. Reading never disturbs a live run.
    """
    with RunView.open(folder) as view:
        if csv_file is not None:
            save_csv(view, csv_file)
            return
        with view.snapshot():
            summary = view.summary()
            trials = [] if as_json else running(view)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=2, allow_nan=False))
        return
    click.echo("\n".join(lines(summary, trials)), color=colors())


def colors() -> bool | None:
    """False where NO_COLOR is set; else click decides by the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def running(view: RunView) -> list[Trial]:
    """The trials that run now."""
    return [t for t in view.trials() if t.state == "running"] if view.counts()["running"] else []


def lines(summary: Summary, trials: list[Trial]) -> list[str]:
    """The state of a run for people."""
    state = click.style(plain(summary.state), fg=_COLORS.get(summary.state), bold=True)
    head = f"{plain(summary.run)}  {state}"
    if summary.reason:
        head += f"  ({plain(summary.reason)})"
    rows = [("trials", _trials(summary)), ("best", _best(summary))]
    rows += [("", _config(summary))] if summary.best else []
    rows += [("its training", words(summary.condition))] if summary.condition else []
    rows += [("actions", _actions(summary)), ("closest", _closest(summary))]
    rows += [("now", _now(trial)) for trial in trials[:8] if summary.state == "running"]
    rows += [("test", _test(summary)), ("time", _time(summary)), ("start", start(summary.pace))]
    rows += [("plan" if i == 0 else "", _plan(one)) for i, one in enumerate(summary.plans)]
    rows += [("resume", summary.resume)] if summary.resume else []
    return [head, *columns((name, value) for name, value in rows if value)]


def _trials(summary: Summary) -> str:
    total, budget = summary.trials["total"], summary.budget.get("trials")
    states = [f"{summary.trials[s]} {s}" for s in STATES if summary.trials[s]]
    whole = f"{total:,} of {budget:,}" if isinstance(budget, int) else f"{total:,}"
    return whole + (f": {', '.join(states)}" if states else "")


def _best(summary: Summary) -> str:
    if summary.best is None:
        return "none yet"
    best = summary.best
    value = click.style(f"{plain(summary.metric)} {number(best['value'])}", bold=True)
    text = f"{value}, trial {best['trial']}, epoch {number(best['epoch'])}"
    if summary.target is not None:
        text += f" (target {number(summary.target)})"
    return text if best["feasible"] else text + ", violates a constraint"


def _config(summary: Summary) -> str:
    return pairs(summary.best["config"]) if summary.best else ""


def _closest(summary: Summary) -> str:
    if summary.closest is None:
        return ""
    return f"{plain(summary.closest.get('reason'))}: {shown(summary.closest.get('config'))}"


def _actions(summary: Summary) -> str:
    if summary.actions is None:
        return ""
    return f"{summary.actions['taken']} taken, {summary.actions['better']} made their trial better"


def _now(trial: Trial) -> str:
    value = "" if trial.value is None else f", best {number(trial.value)}"
    found = decision_of(trial.why)
    change = ""
    if found is not None and found.action and found.parent is not None:
        change = f": {plain(found.action)} on trial {found.parent}"
    return f"trial {trial.number}, {count(trial.epochs, 'epoch')} done{value}{change}"


def _test(summary: Summary) -> str:
    test = summary.test or {}
    if test.get("error"):
        return f"failed: {plain(test['error'])}"
    metrics = test.get("metrics")
    return pairs(metrics) if isinstance(metrics, dict) else ""


def _plan(plan: Mapping[str, Any]) -> str:
    keys = [plain(c.get("key")) for c in plan["changes"] if isinstance(c, dict)]
    text = f"{plan['number']}, changed: {', '.join(keys[:4])}"
    text += f" and {len(keys) - 4} more" if len(keys) > 4 else ""
    left = len(plan["outside"])
    return text + (f"; {count(left, 'trial')} outside" if left else "")


def _time(summary: Summary) -> str:
    wall = summary.budget.get("wall")
    limit = f" of {duration(wall)}" if isinstance(wall, int | float) else ""
    text = duration(summary.elapsed) + limit
    if summary.wall_left is not None:
        text += f"; nothing proposed would have ended in the last {duration(summary.wall_left)}"
    return text


def save_csv(view: RunView, target: str) -> None:
    """Write trials as CSV to a file, whole or not at all, or to stdout (`-`)."""
    from automlc.runtime.report.table import write_csv

    if target == "-":
        write_csv(view, sys.stdout)
        return
    path = Path(target)
    try:
        handle, partial = tempfile.mkstemp(prefix=".trials-", suffix=".csv", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            rows = write_csv(view, file)
        os.replace(partial, path)
    except OSError as error:
        raise AutomlcError(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"{count(rows, 'trial')} written to {plain(path)}", err=True)
