"""What `automlc diff` compares: a spec, a project, a file of one or a run, as a Side."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from automlc.compiler.graph import SCHEMA as GRAPH_SCHEMA
from automlc.compiler.graph import SearchGraph
from automlc.runtime.changes import Side
from automlc.runtime.json_files import DamagedFile, naming, read_json
from automlc.runtime.plan import SCHEMA as PLAN_SCHEMA
from automlc.runtime.plan import Plan
from automlc.runtime.run import is_run
from automlc.runtime.settling import settle
from automlc.runtime.switching import read_side
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Scalar
from automlc.spec.load import LoadedSpec, Variant
from automlc.spec.record import record


@record
class Subject:
    """A side, its name for people, the spec it came from, and the trials where it is a run."""

    name: str
    side: Side
    loaded: LoadedSpec | None = None
    trials: tuple[tuple[int, dict[str, Scalar]], ...] | None = None

    def place(self, key: str) -> str | None:
        """Where the value of a key stands in the spec; None where there is none, or a default."""
        if self.loaded is None:
            return None
        for name in _shorter(key):
            span = self.loaded.spans(name)
            if span is not None:
                return self.loaded.place(span)
        return None


def _shorter(key: str) -> list[str]:
    """The key and the sections it is in, the narrowest first."""
    parts = key.split(" ")[0].split(".")
    found = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return [name for name in found if name != "space"]


def read_subject(path: Path, roots: Sequence[Path] = (), variant: Variant | None = None) -> Subject:
    """A spec, a compiled project, its graph.json or plan.json, or a run directory, to be compared.

    `variant` is that of a spec. Raises AutomlcError where it is none of these, SpecError for a
    wrong spec.
    """
    if path.is_dir() and is_run(path):
        return _of_run(path)
    if path.is_dir():
        settle(path)  # half of a compile that was cut off would be neither project
        return Subject(str(path), read_side(path))
    if path.suffix == ".json":
        settle(path.parent)
        data = _json(path)
        kind = str(data.get("schema")).partition("/")[0]
        if kind == PLAN_SCHEMA.partition("/")[0]:
            with naming("plan.json", path):
                return Subject(str(path), Side(Plan.from_json(data)))
        if kind != GRAPH_SCHEMA.partition("/")[0]:
            raise AutomlcError(
                f"{path} is neither a plan.json nor a graph.json: its schema is"
                f" {data.get('schema')!r:.40}",
                "name a spec, a compiled project or a run",
            )
        with naming("graph.json", path):
            graph = SearchGraph.from_json(data)
        return Subject(str(path), Side(graph.plan(), graph.to_json()))
    return _of_spec(path, roots, variant or Variant())


def _of_spec(path: Path, roots: Sequence[Path], variant: Variant) -> Subject:
    from automlc.backends.base import emitter
    from automlc.compiler.checks import load_checked
    from automlc.compiler.driver import compile_spec

    loaded = load_checked(path, variant)
    graph, _ = compile_spec(loaded, roots)
    files = emitter(graph.backend.kind).project_files(graph, loaded.spec.data, "data")
    # As the runtime reads it, so that a spec and its project are the same.
    plan = Plan.from_json(json.loads(json.dumps(graph.plan().to_json())))
    side = Side(plan, json.loads(graph.dumps()), files.get("data.py"))
    return Subject(_named(path, variant), side, loaded)


def _named(path: Path, variant: Variant) -> str:
    """A spec and its variant, as a command line says them."""
    words = [str(path), *(["--profile", variant.profile] if variant.profile else [])]
    return shlex.join([*words, *(word for text in variant.overrides for word in ("--set", text))])


def _json(path: Path) -> dict[str, object]:
    try:
        data = read_json(path, "compile the project again")
    except FileNotFoundError:
        raise AutomlcError(f"there is no file {path}") from None
    if not isinstance(data, dict):
        raise DamagedFile(f"{path} is damaged: it holds no object", "compile the project again")
    return data


def _of_run(run: Path) -> Subject:
    """A run by the plan that it is under, its trials as that plan writes them."""
    from automlc.runtime.view import RunView

    with RunView.open(run) as view, view.snapshot():
        trials = tuple((trial.number, dict(trial.config)) for trial in view.trials())
        return Subject(str(run), read_side(view.project), trials=trials)
