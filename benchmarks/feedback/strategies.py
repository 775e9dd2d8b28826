"""Strategy against strategy: the same space, start, trials and epochs, by different searchers.

    python benchmarks/feedback/strategies.py run SPEC... --seeds 5 --trials 15 --jobs 2 -o out.jsonl
    python benchmarks/feedback/strategies.py table out.jsonl

Every search of a seed begins with the same random configuration, which is seldom a good one, and
sees the same data. A measured table leaves out the data set that it is used on. Compared are the
errors (1 - accuracy, the loss of a regression) of the best trial on the validation part, as
ln(error / error of the other strategy): below 0 is better. Searches of one seed and data set are
pairs, so their differences are averaged; intervals are bootstrap intervals of 90 % over the pairs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

from automlc.backends import build
from automlc.compiler.checks import load_checked
from automlc.runtime.monitor.timeline import metric_of
from automlc.runtime.plan import Choice, load_plan
from automlc.runtime.rules.effect import error_of
from automlc.runtime.rules.library import FOLDER, load_builtin
from automlc.runtime.rules.measured import DataSet, Gains, Measurements, key_of
from automlc.runtime.rules.shuffled import shuffled
from automlc.runtime.run import Options, execute
from automlc.runtime.view import RunView
from automlc.spec.model import Rules, Search, Stopping

FEEDBACK = {"strategy": "feedback", "warm_start": "never", "restart": False}
GREEDY = FEEDBACK | {"variant": "greedy"}
# name -> (search, table, whether the space is expanded)
STRATEGIES: dict[str, tuple[dict[str, Any], str, bool]] = {
    "adaptive, measured": (FEEDBACK, "measured", True),
    "adaptive, measured, restart": (FEEDBACK | {"restart": True}, "measured", True),
    "adaptive, one row": (FEEDBACK, "one row", True),
    "adaptive, no table": (FEEDBACK, "none", True),
    "adaptive, published": (FEEDBACK, "dream", True),
    "adaptive, measured, original space": (FEEDBACK, "measured", False),
    "greedy, measured": (GREEDY, "measured", True),
    "greedy, one row": (GREEDY, "one row", True),
    "greedy, shuffled": (GREEDY, "shuffled", True),
    "greedy, published": (GREEDY, "dream", True),
    "autokeras_greedy": ({"strategy": "autokeras_greedy"}, "", True),
    "autokeras_bayesian": ({"strategy": "autokeras_bayesian"}, "", True),
    "tpe": ({"strategy": "tpe"}, "", True),
    "random": ({"strategy": "random", "start_with_default": True}, "", True),
}
# What the method claims: the first is to be at least as good as the second.
CLAIMS = (
    ("greedy, measured", "greedy, shuffled"),
    ("greedy, measured", "greedy, published"),
    ("adaptive, measured", "greedy, measured"),
    ("adaptive, measured", "adaptive, no table"),
    ("adaptive, measured", "adaptive, published"),
    ("adaptive, measured", "adaptive, measured, original space"),
    ("adaptive, measured", "adaptive, one row"),
    ("greedy, measured", "greedy, one row"),
    ("adaptive, measured", "autokeras_greedy"),
    ("adaptive, measured", "autokeras_bayesian"),
    ("adaptive, measured", "tpe"),
    ("adaptive, measured", "random"),
    ("adaptive, measured, restart", "adaptive, measured"),
    ("adaptive, measured, restart", "tpe"),
    ("adaptive, measured, restart", "random"),
)
_RESAMPLES = 10_000


def one(spec: Path, name: str, seed: int, trials: int) -> dict[str, Any]:
    """One search: the best error after 1, 2, … trials."""
    search, table, expanded = STRATEGIES[name]
    options = {key: value for key, value in search.items() if key != "strategy"}
    loaded = load_checked(spec)
    section = loaded.spec
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        space = section.space if expanded else section.space.model_copy(update={"expand": ()})
        section = section.model_copy(
            update={
                "space": space,
                "search": Search(strategy=search["strategy"], options=options),
                "rules": rules(table, section.name, seed, folder),
                "stopping": Stopping(policy="none"),
                "budget": section.budget.model_copy(update={"trials": trials}),
                "seed": 1000 + seed,
            }
        )
        project = build(replace(loaded, spec=section), folder / "project", (spec.parent, folder))
        begin(project.path, seed)
        source = None if project.data is None else str(project.data)
        execute(project.path, Options(folder / "run", allow_code=("plan.json",), source=source))
        with RunView.open(folder / "run") as view:
            found = list(view.trials())
        values = [trial.value for trial in found]
        proposed = [(trial.why.get("proposal") or {}).get("rule") for trial in found]
        task = load_plan(project.path / "plan.json").task
    metric = metric_of(task.metric, task.goal)
    best, course = math.inf, []
    for value in values:
        best = min(best, error_of(value, metric) if value is not None else best)
        course.append(best)
    told = {"data": section.name, "strategy": name, "seed": seed, "errors": course}
    return told | {"values": values, "rules": proposed}


def begin(project: Path, seed: int) -> None:
    """Make the start of all strategies of a seed the same: drawn from what both spaces share."""
    plan = load_plan(project / "plan.json")
    # Each parameter has a generator of its own: in a wider space these are drawn alike.
    config = plan.space.build(
        lambda p: _drawn(p.name, p.domain, seed) if p.name in SHARED else p.default
    )
    # Starts that a preset knows would be told to one strategy alone.
    sized = replace(plan, space=plan.space.with_defaults(config), starts=())
    if plan.search.name == "feedback":
        # What is drawn is not what the preset's makers chose, and the search may know that.
        options = {**plan.search.options, "start": dict(config)}
        sized = replace(sized, search=Choice("feedback", options))
    (project / "plan.json").write_text(json.dumps(sized.to_json(), indent=1, sort_keys=True))


def _drawn(name: str, domain: Any, seed: int) -> Any:
    rng = random.Random(f"{name} {seed}")
    # The group `optimizers` widens the rates.
    return 10 ** rng.uniform(-3.5, -1.6) if name == "lr" else domain.sample(rng)


# Otherwise parameters whose domain no group widens.
SHARED = ("lr", "batch_size", "depth", "layers", "width", "reduction", "hidden", "dropout", "block")


def rules(table: str, name: str, seed: int, folder: Path) -> Rules:
    measured = Measurements.from_json(json.loads((FOLDER / "automlc.json").read_text()))
    left_out = (name,) if name in measured.datasets else ()
    if table == "measured":
        return Rules(use="builtin/automlc", exclude=left_out)
    file = folder / "table.json"
    if table == "shuffled":
        given = shuffled(load_builtin("builtin/automlc", left_out), seed)
        file.write_text(json.dumps(given.to_json()))
        return Rules(use=str(file))
    if table == "one row":
        kept = {key: broad(one) for key, one in measured.datasets.items() if key != name}
        file.write_text(json.dumps(Measurements("one row", kept).to_json()))
        return Rules(use=str(file))
    return Rules(use=f"builtin/{table or 'none'}")


def broad(measured: DataSet) -> DataSet:
    """The same measurements without their conditions."""
    gains: dict[Any, Gains] = {}
    for (state, action), found in measured.gains.items():
        key = key_of({k: v for k, v in state if k == "input"}, action)
        gains[key] = gains.get(key, Gains()).join(found)
    return replace(measured, gains=gains)


def run(arguments: argparse.Namespace) -> None:
    jobs = [
        (spec, name, seed)
        for seed in range(arguments.first, arguments.first + arguments.seeds)
        for spec in arguments.specs
        for name in arguments.only or STRATEGIES
    ]
    deadline = time.monotonic() + arguments.wall
    with (
        ProcessPoolExecutor(arguments.jobs) as pool,
        arguments.output.open("a", encoding="utf-8") as file,
    ):
        futures = {pool.submit(until, deadline, *job, arguments.trials): job for job in jobs}
        for future in as_completed(futures):
            try:
                found = future.result()
            except Exception as error:
                print(*futures[future], f"failed: {error!r}", flush=True)
                continue
            if found is not None:
                file.write(json.dumps(found) + "\n")
                file.flush()


def until(deadline: float, spec: Path, name: str, seed: int, trials: int) -> dict[str, Any] | None:
    """`one`, unless the time is up already."""
    os.environ["OMP_NUM_THREADS"] = "1"
    return one(spec, name, seed, trials) if time.monotonic() < deadline else None


def table(arguments: argparse.Namespace) -> None:
    lines = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    found = {(r["data"], r["strategy"], r["seed"]): r["errors"] for r in lines}
    data = sorted({key[0] for key in found})
    print(f"mean ln(best error) after all trials\n{'':36}" + "".join(f"{d:>10}" for d in data))
    for name in STRATEGIES:
        ends = {d: [math.log(e[-1]) for k, e in found.items() if k[:2] == (d, name)] for d in data}
        shown = "".join(
            f"{statistics.mean(v):10.3f}" if (v := ends[d]) else f"{'-':>10}" for d in data
        )
        print(f"{name:36}{shown}")
    print("\ndifferences of ln(error), the first less the second: below 0 the first is better")
    for first, second in CLAIMS:
        pairs = [
            (
                math.log(errors[-1] / found[d, second, seed][-1]),
                area(errors, found[d, second, seed]),
            )
            for (d, name, seed), errors in sorted(found.items())
            if name == first and (d, second, seed) in found
        ]
        if pairs:
            ends, whole = zip(*pairs, strict=True)
            print(
                f"{first} - {second}: at the end {interval(ends)}, on average over the"
                f" trials {interval(whole)}; better in {sum(e < 0 for e in ends)}, worse in"
                f" {sum(e > 0 for e in ends)} of {len(ends)}"
            )


def area(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The mean over the trials after the first of ln(our best error / their best error)."""
    ratios = [math.log(a / b) for a, b in zip(ours[1:], theirs[1:], strict=False)]
    return statistics.mean(ratios) if ratios else 0.0


def interval(values: Sequence[float]) -> str:
    drawn = random.Random(0)
    means = sorted(statistics.mean(drawn.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    low, high = means[int(0.05 * _RESAMPLES)], means[int(0.95 * _RESAMPLES)]
    return f"{statistics.mean(values):+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run")
    running.add_argument("specs", nargs="+", type=Path)
    running.add_argument("--seeds", type=int, default=5)
    running.add_argument("--first", type=int, default=0, help="the first seed")
    running.add_argument("--trials", type=int, default=15)
    running.add_argument("--jobs", type=int, default=1)
    running.add_argument(
        "--wall", type=float, default=math.inf, help="seconds; no search begins later"
    )
    running.add_argument("--only", action="append", choices=list(STRATEGIES))
    running.add_argument("-o", "--output", type=Path, required=True)
    running.set_defaults(function=run)
    shown = commands.add_parser("table")
    shown.add_argument("results", type=Path)
    shown.set_defaults(function=table)
    arguments = parser.parse_args()
    arguments.function(arguments)


if __name__ == "__main__":
    main()
