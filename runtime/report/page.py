"""The words and tables of the report: everything that the template prints, already decided."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automlc.runtime.report.charts import ranked
from automlc.runtime.report.statistics import wilson
from automlc.runtime.report.training import evenly
from automlc.runtime.view import read_json
from automlc.runtime.wording import (
    cost,
    count,
    duration,
    moment,
    number,
    plain,
    scalar,
    shown,
    size,
    start,
    thin,
)

if TYPE_CHECKING:
    from automlc.runtime.view import RunView, Summary, Trial

MOST_ROWS = 1000
MOST_FAILURES = 50
_SHARES = frozenset({"accuracy", "balanced_accuracy", "error", "error_rate"})
_HASHED = ("plan.json", "project/plan.json", "project/graph.json", "project/automlc.lock")


def header(view: RunView, summary: Summary, best: Trial | None) -> dict[str, Any]:
    """Name, state, the lead sentence and the tiles."""
    return {
        "name": plain(summary.name),
        "run": plain(summary.run),
        "state": plain(summary.state),
        "reason": plain(summary.reason or ""),
        "task": plain(view.task.get("kind") or "").replace("_", " "),
        "lead": _lead(view, summary, best),
        "tiles": _tiles(view, summary, best),
        "resume": plain(summary.resume or ""),
        "written": time.strftime("%d %B %Y, %H:%M", time.localtime()),
    }


def _lead(view: RunView, summary: Summary, best: Trial | None) -> str:
    metric, goal = plain(view.metric), "highest" if view.goal == "maximize" else "lowest"
    if best is None and summary.closest is not None:
        reason = plain(summary.closest.get("reason"))
        return f"No configuration is feasible. The closest one: {reason}."
    if best is None:
        return f"No trial has ended with a {metric} yet."
    text = (
        f"Trial {best.number} reached the {goal} validation {metric}, {number(best.value)}, "
        f"after epoch {number(best.best_epoch)}."
    )
    if not best.feasible:
        text += " It violates a constraint: no trial was feasible."
    return text


def _tiles(view: RunView, summary: Summary, best: Trial | None) -> list[dict[str, str]]:
    counts, budget = summary.trials, summary.budget.get("trials")
    states = [
        f"{counts[s]:,} {s}" for s in ("complete", "stopped", "failed", "running") if counts[s]
    ]
    tiles = [
        _tile(
            f"best validation {plain(view.metric)}",
            number(best.value) if best else "-",
            f"trial {best.number}, {_chosen_from(view)}" if best else "",
            "main",
        ),
        _test_tile(view, summary),
        _tile(
            "trials",
            f"{counts['total']:,}" + (f" of {budget:,}" if isinstance(budget, int) else ""),
            " · ".join(states),
        ),
        _tile("time", duration(summary.elapsed), _pace(summary)),
    ]
    return tiles + ([_size_tile(best)] if best and best.costs else [])


def _tile(label: str, value: str, note: str = "", kind: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note, "kind": kind}


def _chosen_from(view: RunView) -> str:
    rank = view.rank(best) if (best := view.best()) else None
    return f"best of {rank[1]:,} compared" if rank else ""


def _pace(summary: Summary) -> str:
    total = summary.trials["total"]
    return f"{duration(summary.elapsed / total)} a trial" if total and summary.elapsed else ""


def _size_tile(best: Trial) -> dict[str, str]:
    params, stored = best.costs.get("model.params"), best.costs.get("model.size")
    note = f"{size(stored)} of weights" if stored is not None else ""
    if params is None:
        name, value = next(iter(best.costs.items()))
        return _tile(plain(name), cost(name, value))
    return _tile("parameters", f"{params:,}" if params < 1e6 else number(params, digits=3), note)


def _test_tile(view: RunView, summary: Summary) -> dict[str, str]:
    result, error = test_result(view, summary), (summary.test or {}).get("error")
    if error:
        return _tile("test", "failed", plain(error, limit=120))
    if result is None:
        return _tile("test", "not yet", "the test split is untouched")
    return _tile(f"test {result['metric']}", result["value"], result["interval"], "test")


def test_result(view: RunView, summary: Summary) -> dict[str, str] | None:
    """The test metric with a Wilson interval where it is a share of rows whose number is known."""
    metrics = (summary.test or {}).get("metrics")
    if not isinstance(metrics, dict) or not metrics:
        return None
    name = view.metric if view.metric in metrics else next(iter(metrics))
    value, rows = metrics[name], test_rows(view, summary)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    interval = ""
    if name in _SHARES and 0 <= value <= 1:
        interval = _interval(value, rows) if rows else "no interval: the number of rows is unknown"
    return {"metric": plain(name), "value": number(value), "interval": interval}


def _interval(share: float, rows: int) -> str:
    low, high = wilson(share, rows)
    return f"95% interval {low:.3f} to {high:.3f}, {rows:,} rows"


def test_rows(view: RunView, summary: Summary) -> int | None:
    """Rows of the test split: from the test result, else from the data contract."""
    test = summary.test or {}
    contract = read_json(view.project / "contract.json")
    graph = read_json(view.project / "graph.json")
    found = [test.get("samples"), test.get("rows"), _rows(contract)]
    found += [_rows(graph.get("contract")), _rows(graph.get("data")), _rows(view.plan.get("data"))]
    return next((n for n in found if isinstance(n, int) and n > 0), None)


def _rows(data: Any) -> Any:
    rows = data.get("rows") if isinstance(data, dict) else None
    return rows.get("test") if isinstance(rows, dict) else None


def caution(view: RunView, summary: Summary, compared: int) -> str:
    """What the reader must know before believing the two headline numbers."""
    text = (
        f"{count(compared, 'trial')} were compared on the validation data, so the best validation "
        f"{plain(view.metric)} is flattered by that choice."
    )
    if compared == 1:
        text = "Only one trial has a value, so nothing was compared yet."
    left = len(view.outsiders)
    if left:
        verb = "does" if left == 1 else "do"
        text += f" {count(left, 'trial')} outside the present plan {verb} not count."
    if summary.test:
        return text + " The test split was read once, after the search, for the chosen model only."
    return text + " The test split has not been read."


def trial_rows(view: RunView, trials: Sequence[Trial], best: Trial | None) -> dict[str, Any]:
    """The trial table: at most MOST_ROWS rows, the best trials first to stay."""
    kept = evenly(view, trials, MOST_ROWS)
    values = view.curves([t.number for t in kept])
    low, high = _span([v for points in values.values() for _, v in points if v is not None])
    places = {t.number: place for place, t in enumerate(ranked(view, trials), start=1)}
    rows = []
    for trial in kept:
        line = _spark([v for _, v in values[trial.number]], low, high)
        row = _row(trial, places.get(trial.number), line, trial is best or trial == best)
        outside = view.outsiders.get(trial.number)
        rows.append(row | {"outside": "" if outside is None else outside.text})
    return {"rows": rows, "shown": len(kept), "total": len(trials)}


def _row(trial: Trial, place: int | None, line: str, is_best: bool) -> dict[str, Any]:
    params = trial.costs.get("model.params")
    return {
        "number": trial.number,
        "state": plain(trial.state),
        "best": is_best,
        "feasible": trial.feasible,
        "place": place,
        "value": trial.value,
        "value_text": number(trial.value),
        "line": line,
        "best_epoch": trial.best_epoch,
        "epochs": trial.epochs,
        "params": params,
        "params_text": number(params),
        "seconds": trial.seconds,
        "seconds_text": duration(trial.seconds),
        "config": [(plain(k), scalar(v)) for k, v in trial.config.items()],
        "reason": plain(_reason(trial)),
    }


def _reason(trial: Trial) -> str:
    text = trial.reason
    return f"{trial.failure}: {text}" if trial.failure and trial.failure not in text else text


def _span(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (0.0, 1.0)


def _spark(values: Sequence[float | None], low: float, high: float) -> str:
    """Points of a 72 x 20 polyline; all rows share one vertical scale."""
    kept = [(i, v) for i, v in enumerate(thin(values, 36)) if v is not None]
    if len(kept) < 2:
        return ""
    width, span = kept[-1][0] or 1, (high - low) or 1.0
    return " ".join(f"{i / width * 70 + 1:.1f},{18 - (v - low) / span * 16:.1f}" for i, v in kept)


def failures(view: RunView, trials: Sequence[Trial]) -> dict[str, Any]:
    """Failed trials by class, and the last words of each."""
    failed = [t for t in trials if t.state == "failed"]
    classes = Counter(t.failure or "error" for t in failed)
    return {
        "total": len(failed),
        "classes": [(plain(name), amount) for name, amount in classes.most_common()],
        "rows": [_failure(view, t) for t in failed[:MOST_FAILURES]],
    }


def _failure(view: RunView, trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "kind": plain(trial.failure or "error"),
        "reason": plain(trial.reason),
        "epochs": trial.epochs,
        "config": [(plain(k), scalar(v)) for k, v in trial.config.items()],
        "log": "\n".join(plain(line) for line in view.log_tail(trial, 8)),
    }


def best_model(view: RunView, best: Trial | None) -> dict[str, Any] | None:
    """The incumbent's configuration and the commands that reproduce and export it."""
    if best is None:
        return None
    return {
        "number": best.number,
        "config": [(plain(k), scalar(v)) for k, v in best.config.items()],
        "costs": [(plain(name), cost(name, value)) for name, value in best.costs.items()],
        "json": json.dumps(dict(best.config), indent=2, ensure_ascii=True),
        "commands": commands(view, best),
    }


def commands(view: RunView, trial: Trial) -> list[tuple[str, str]]:
    """(what for, command) lines; the run directory is named relative, as the reader keeps it."""
    from shlex import quote

    run = quote(plain(view.folder.name))
    return [
        (
            "train it again",
            f"cd {run}/project && python train.py --config ../{trial.folder}/config.json",
        ),
        ("keep its source and weights", f"automlc export {run} --format source"),
        ("ask why it was tried", f"automlc why {trial.number} {run}"),
    ]


def plan_tables(view: RunView) -> dict[str, Any]:
    """Budget, search, stopping, constraints and the space as rows."""
    plan = view.plan
    budget = _section(plan, "budget")
    return {
        "facts": [
            ("task", f"{plain(view.task.get('kind') or '-')}, {view.goal} {plain(view.metric)}"),
            ("target", number(target) if (target := view.task.get("target")) else "none"),
            ("data", plain(_section(plan, "data").get("source") or "-")),
            ("budget", _budget(budget)),
            ("search", _choice(_section(plan, "search"), "strategy")),
            ("stopping", _choice(_section(plan, "stopping"), "policy")),
            ("backend", shown({k: v for k, v in _section(plan, "backend").items() if v})),
            ("seed", plain(plan.get("seed", "-"))),
        ],
        "space": [_parameter(p) for p in view.parameters()],
        "constraints": [plain(c.get("text")) for c in _listed(plan, "constraints")],
        "forbidden": [plain(text) for text in _section(plan, "space").get("forbidden") or ()],
    }


def _section(plan: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = plan.get(key)
    return value if isinstance(value, dict) else {}


def _listed(plan: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = plan.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _budget(budget: Mapping[str, Any]) -> str:
    words = [f"{plain(budget[key])} {key}" for key in ("trials", "epochs") if budget.get(key)]
    times = (("wall", "in all"), ("epoch_wall", "an epoch at most"))
    words += [
        f"{duration(budget[key])} {what}"
        for key, what in times
        if isinstance(budget.get(key), int | float)
    ]
    return ", ".join(words) or "-"


def _choice(section: Mapping[str, Any], key: str) -> str:
    options = section.get("options")
    settings = f" ({shown(options)})" if isinstance(options, dict) and options else ""
    return plain(section.get(key) or "-") + settings


def _parameter(parameter: Mapping[str, Any]) -> dict[str, str]:
    domain = parameter.get("domain")
    return {
        "name": plain(parameter.get("name")),
        "domain": plain(domain_text(domain if isinstance(domain, dict) else {}), limit=1000),
        "default": scalar(parameter.get("default")) if parameter.get("default") is not None else "",
        "when": plain(parameter.get("when") or ""),
    }


def domain_text(domain: Mapping[str, Any]) -> str:
    """A domain in the words of the spec.

    >>> domain_text({"kind": "float", "low": 1e-4, "high": 0.1, "log": True})
    'log_uniform(0.0001, 0.1)'
    """
    kind = domain.get("kind")
    if kind == "choice":
        return f"choice({', '.join(scalar(v) for v in domain.get('values') or ())})"
    if kind == "fixed":
        return f"fixed({scalar(domain.get('value'))})"
    if kind in ("int", "float"):
        names = {"int": ("int", "log_int"), "float": ("float", "log_uniform")}
        step = domain.get("step") or 1
        tail = f" step {scalar(step)}" if step != 1 else ""
        ends = f"({scalar(domain.get('low'))}, {scalar(domain.get('high'))})"
        return names[str(kind)][bool(domain.get("log"))] + ends + tail
    return shown(domain)


def provenance(view: RunView) -> list[tuple[str, str]]:
    """Versions, seeds, hashes: what is needed to say that two runs were the same."""
    meta = view.meta
    rows = [("run", plain(meta.get("run_id") or view.folder.name))]
    versions = meta.get("versions")
    if isinstance(versions, dict):
        rows += [(plain(name), plain(value)) for name, value in versions.items()]
    rows += [("study seed", plain(meta.get("seed", view.plan.get("seed", "-"))))]
    rows += [("data", plain(_section(view.plan, "data").get("fingerprint") or "-"))]
    rows += [(name, f"sha256:{digest}") for name, digest in _hashes(view)]
    pace = meta.get("pace")
    if isinstance(pace, dict):
        rows += [("start of the search", start(pace))] if start(pace) else []
        rows += [("pace", plain(shown(pace.get("coefficients") or {}), limit=1000))]
    times = [("started", meta.get("started")), ("ended", meta.get("ended"))]
    return rows + [(name, moment(value)) for name, value in times if value]


def _hashes(view: RunView) -> list[tuple[str, str]]:
    found = []
    for name in _HASHED:
        try:
            handle = os.open(view.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        with os.fdopen(handle, "rb") as file:
            found.append((name, hashlib.file_digest(file, "sha256").hexdigest()))
    return found
