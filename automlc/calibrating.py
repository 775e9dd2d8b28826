"""What `automlc calibrate` does: measure on data sets what actions bring, make a table of it.

Each spec is a data set. It is compiled with the searcher `calibrate` in place of its own and runs
like any other study, so it can be stopped and resumed; the measurements are read from its store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from automlc.backends import build
from automlc.compiler.checks import load_checked
from automlc.compiler.contracts.contract import ImageInput, TableInput
from automlc.compiler.graph import SearchGraph
from automlc.runtime.json_files import read_json
from automlc.runtime.progress import Progress
from automlc.runtime.rules.measured import Measurements, is_measured
from automlc.runtime.rules.measuring import measure
from automlc.runtime.run import Options, execute
from automlc.runtime.study import write_json
from automlc.runtime.view import RunView
from automlc.spec.errors import AutomlcError
from automlc.spec.load import PLAIN, LoadedSpec, Variant
from automlc.spec.model import Search, Stopping
from automlc.spec.record import record


@record
class Effort:
    """How much is measured: random models, actions on each, improvements that are followed.

    `wall`: no training begins later than so many seconds after the first of its data set.
    """

    models: int = 20
    actions: int = 10
    follow: int = 2
    wall: float | None = None

    def trials(self, workers: int) -> int:
        """As many trials as that can take."""
        return self.models * (1 + self.actions * (1 + self.follow)) + workers


@record
class Calibration:
    """Where measurements are made: a folder for the runs, and what the command line says."""

    folder: Path
    effort: Effort
    workers: int
    data_roots: tuple[Path, ...]
    progress: Progress
    variant: Variant = PLAIN


def calibrate(specs: Sequence[Path], made: Calibration) -> tuple[Measurements, int]:
    """Measure on every spec's data, or go on with it; (measurements, exit code).

    An interruption ends it with the code of the run; the next call goes on there.
    """
    loaded = [load_checked(path, made.variant) for path in specs]
    names = [one.spec.name for one in loaded]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise AutomlcError(
            f"two specs are called {twice}", "their names are those of the data sets", exit_code=1
        )
    found = Measurements("measured", {}, _provenance(made.effort))
    for one in loaded:
        made.progress.say(f"measuring on {one.spec.name}")
        place = made.folder / "build" / one.spec.name
        project = build(_measuring(one, made), place, made.data_roots)
        run = made.folder / one.spec.name
        source = None if project.data is None else str(project.data)
        options = Options(
            run_dir=run,
            resume=True,
            workers=made.workers,
            data_roots=made.data_roots,
            source=source,
            progress=made.progress,
        )
        outcome = execute(project.path, options)
        if outcome.state == "interrupted":
            return found, outcome.exit_code
        with RunView.open(run) as view:
            found.datasets[one.spec.name] = measure(view, one.spec.name, kind_of(project.graph))
    return found, 0


def _measuring(loaded: LoadedSpec, made: Calibration) -> LoadedSpec:
    """The spec with the measuring in place of its search, and nothing that would stop it early."""
    effort = made.effort
    options = {"models": effort.models, "actions": effort.actions, "follow": effort.follow}
    budget = loaded.spec.budget.model_copy(
        update={"trials": effort.trials(made.workers), "wall": effort.wall}
    )
    spec = loaded.spec.model_copy(
        update={
            "search": Search(strategy="calibrate", options=options),
            "stopping": Stopping(policy="none"),
            "task": loaded.spec.task.model_copy(update={"target": None}),
            "budget": budget,
        }
    )
    return replace(loaded, spec=spec)


def kind_of(graph: SearchGraph) -> str:
    """What goes into the models, as tables of rules call it."""
    inputs = graph.contract.input
    if isinstance(inputs, ImageInput):
        return "image"
    return "tabular" if isinstance(inputs, TableInput) else "text"


def _provenance(effort: Effort) -> dict[str, object]:
    from automlc import __version__

    return {
        "automlc": __version__,
        "effect": "ln(error before / error after) of the validation metric",
        "effort": dict(vars(effort)),
    }


def read(path: Path) -> Measurements | None:
    """The measurements of a file; None where there is none yet."""
    try:
        data = read_json(path, "name another file with -o")
    except FileNotFoundError:
        return None
    if not is_measured(data):
        raise AutomlcError(f"{path} holds no measurements", "name another file with -o")
    return Measurements.from_json(data, path.name)


def joined(old: Measurements | None, new: Measurements) -> Measurements:
    """`old` with the data sets of `new` added or replaced."""
    if old is None:
        return new
    datasets = {**old.datasets, **new.datasets}
    return Measurements(old.name, datasets, {**old.provenance, **new.provenance})


def write(found: Measurements, path: Path) -> None:
    """Write a file of measurements, the old one or the new one whenever the power fails."""
    write_json(path, found.to_json())
