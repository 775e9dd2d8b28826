"""Strategy against strategy: the same space, start, trials and epochs, by different searchers.

    python benchmarks/feedback/strategies.py SPEC... --seeds 5 --trials 15 -o out.json

Prints for each data set the mean of the best validation value after all trials, and how many trials
it took to the target (with --target; a search that never gets there counts as censored). A measured
table leaves out the data set that it is used on. What is compared are validation values.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from automlc.backends import build
from automlc.compiler.checks import load_checked
from automlc.runtime.rules.library import FOLDER, load_builtin
from automlc.runtime.rules.measured import Measurements
from automlc.runtime.rules.shuffled import shuffled
from automlc.runtime.run import Options, execute
from automlc.runtime.view import RunView
from automlc.spec.model import Rules, Search, Stopping

# name -> (search, table): `measured` without the data set at hand, `shuffled` with mixed scores.
STRATEGIES: dict[str, tuple[dict[str, Any], str]] = {
    "feedback adaptive, measured": ({"strategy": "feedback"}, "measured"),
    "feedback adaptive, no table": ({"strategy": "feedback"}, "none"),
    "feedback adaptive, published": ({"strategy": "feedback"}, "dream"),
    "feedback greedy, measured": ({"strategy": "feedback", "variant": "greedy"}, "measured"),
    "feedback greedy, shuffled": ({"strategy": "feedback", "variant": "greedy"}, "shuffled"),
    "feedback greedy, published": ({"strategy": "feedback", "variant": "greedy"}, "dream"),
    "autokeras_greedy": ({"strategy": "autokeras_greedy"}, ""),
    "autokeras_bayesian": ({"strategy": "autokeras_bayesian"}, ""),
    "tpe": ({"strategy": "tpe"}, ""),
    "random": ({"strategy": "random"}, ""),
}


def best_by_trial(spec: Path, name: str, seed: int, arguments: argparse.Namespace) -> list[float]:
    """The best validation value after 1, 2, … trials."""
    search, table = STRATEGIES[name]
    options = {key: value for key, value in search.items() if key != "strategy"}
    if search["strategy"] == "feedback":
        options["warm_start"] = arguments.warm_start
    loaded = load_checked(spec)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        section = loaded.spec
        section = section.model_copy(
            update={
                "search": Search(strategy=search["strategy"], options=options),
                "rules": _rules(table, section.name, seed, folder),
                "stopping": Stopping(policy="none"),
                "budget": section.budget.model_copy(update={"trials": arguments.trials}),
                "seed": 1000 + seed,
            }
        )
        project = build(replace(loaded, spec=section), folder / "project", (spec.parent, folder))
        source = None if project.data is None else str(project.data)
        execute(project.path, Options(run_dir=folder / "run", source=source))
        with RunView.open(folder / "run") as view:
            values = [trial.value for trial in view.trials()]
    best, course = float("-inf"), []
    for value in values:
        best = max(best, value if value is not None else best)
        course.append(best)
    return course


def _rules(table: str, name: str, seed: int, folder: Path) -> Rules:
    if table == "measured":
        return Rules(use="builtin/automlc", exclude=(name,) if name in _measured_on() else ())
    if table == "shuffled":
        given = load_builtin("builtin/automlc", (name,) if name in _measured_on() else ())
        file = folder / "shuffled.json"
        file.write_text(json.dumps(shuffled(given, seed).to_json()))
        return Rules(use=str(file))
    return Rules(use=f"builtin/{table or 'none'}")


def _measured_on() -> tuple[str, ...]:

    data = json.loads((FOLDER / "automlc.json").read_text())
    return tuple(Measurements.from_json(data).datasets)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=15)
    parser.add_argument("--target", type=float)
    parser.add_argument("--warm-start", choices=["auto", "never"], default="never")
    parser.add_argument("--only", action="append", choices=list(STRATEGIES))
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    found: dict[str, dict[str, list[list[float]]]] = {}
    for spec in arguments.specs:
        for name in arguments.only or STRATEGIES:
            courses = [best_by_trial(spec, name, s, arguments) for s in range(arguments.seeds)]
            found.setdefault(spec.stem, {})[name] = courses
            ends = [course[-1] for course in courses]
            spread = statistics.stdev(ends) if len(ends) > 1 else 0.0
            reached = [_trials_to(course, arguments.target) for course in courses]
            print(
                f"{spec.stem:10} {name:30} best {statistics.mean(ends):.4f} (sd {spread:.4f})"
                f"  trials to target {reached}",
                flush=True,
            )
            arguments.output.write_text(json.dumps(found, indent=1))


def _trials_to(course: list[float], target: float | None) -> int | str | None:
    if target is None:
        return None
    hit = next((i for i, value in enumerate(course, 1) if value >= target), None)
    return hit if hit is not None else f">{len(course)}"


if __name__ == "__main__":
    main()
