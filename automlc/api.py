"""The Python API: the verbs of the command line as functions.

>>> import automlc
>>> spec = "automlc: 1\\ntask: {kind: tabular_classification}\\n"
>>> spec += "data: {source: builtin:breast_cancer}\\n"
>>> from pathlib import Path
>>> folder = Path(getfixture("tmp_path"))  # a folder of your own, outside of these tests
>>> _ = (folder / "cancer.yaml").write_text(spec)
>>> automlc.validate(folder / "cancer.yaml")
[]
>>> project = automlc.compile(folder / "cancer.yaml", folder / "build")
>>> sorted(path.name for path in project.path.iterdir())[:4]
['README.md', 'automlc.lock', 'checkpoint.py', 'contract.json']
>>> project.graph.outputs
2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from automlc.spec.diagnostics import Diagnostic
from automlc.spec.errors import AutomlcError

if TYPE_CHECKING:
    import pandas

    from automlc.backends import Project
    from automlc.exporting import Export
    from automlc.runtime.view import Summary
    from automlc.spec.load import Variant

Overrides: TypeAlias = Mapping[str, Any] | Sequence[str]


class Study:
    """A run on disk: what was tried, and the best model. Safe to open while the run is live."""

    def __init__(self, folder: Path):
        self.folder = folder

    @property
    def summary(self) -> Summary:
        """State, counts, best trial and test result, as `automlc status` shows them."""
        from automlc.runtime.view import RunView

        with RunView.open(self.folder) as view:
            return view.summary()

    @property
    def trials(self) -> pandas.DataFrame:
        """One row for each trial: number, state, value, parameters, costs, reason."""
        from automlc.runtime.view import RunView

        with RunView.open(self.folder) as view:
            return view.trials_frame()

    def report(self, path: str | Path | None = None) -> Path:
        """Write the HTML report; its path."""
        from automlc.runtime.report import write_report
        from automlc.runtime.view import RunView

        with RunView.open(self.folder) as view:
            return write_report(view, Path(path) if path else view.folder / "report.html")

    def export(self, format: str = "source", path: str | Path | None = None) -> Export:
        """Write the best model, checked for parity; formats are in docs/backends.md."""
        from automlc.exporting import export

        return export(self.folder, format, Path(path) if path else None)

    def __repr__(self) -> str:
        return f"Study({str(self.folder)!r})"


def _variant(profile: str | None, overrides: Overrides) -> Variant:
    """A profile, and values such as `{"budget.epochs": 3}` or `["budget.epochs=3"]`."""
    from automlc.spec.load import Variant

    if isinstance(overrides, Mapping):
        from automlc.spec.overrides import override_texts

        return Variant(profile, override_texts(overrides))
    return Variant(profile, tuple(overrides))


def validate(
    spec: str | Path, *, profile: str | None = None, overrides: Overrides = ()
) -> list[Diagnostic]:
    """Every error and warning of a spec file, with code, place and hint; empty if all is well.

    All profiles are checked. `overrides` are values over all else, such as `{"budget.epochs": 3}`,
    or arguments of --set. The data is not read. Raises AutomlcError if there is no such file.
    """
    from automlc.compiler.checks import check_all

    return check_all(Path(spec), _variant(profile, overrides))[0]


def compile(
    spec: str | Path,
    out: str | Path | None = None,
    data_roots: Sequence[str | Path] = (),
    *,
    profile: str | None = None,
    overrides: Overrides = (),
) -> Project:
    """Compile a spec, or one of its variants, to a project (default: build/<name>).

    Raises SpecError with every diagnostic of spec and data.
    """
    from automlc.backends import build
    from automlc.compiler.checks import load_checked

    loaded = load_checked(Path(spec), _variant(profile, overrides))
    return build(loaded, Path(out) if out else None, tuple(Path(r) for r in data_roots))


def run(
    spec: str | Path,
    run_dir: str | Path | None = None,
    *,
    resume: bool = False,
    workers: int = 1,
    data_roots: Sequence[str | Path] = (),
    profile: str | None = None,
    overrides: Overrides = (),
) -> Study:
    """Search with a spec, a compiled project, or (with `resume`) a run directory.

    Returns the study; raises AutomlcError (exit_code 1) when it ended without a model.
    """
    from automlc.runtime.run import Options, execute, is_run

    target, roots = Path(spec), tuple(Path(root) for root in data_roots)
    source = None
    if target.is_dir() and (profile or overrides):
        raise AutomlcError(f"{target} is compiled already: a profile or override changes a spec")
    if not target.is_dir():
        project = compile(target, None, roots, profile=profile, overrides=overrides)
        target, source = project.path, str(project.data) if project.data else None
    options = Options(
        run_dir=Path(run_dir) if run_dir else None,
        resume=resume,
        workers=workers,
        data_roots=roots,
        source=source,
    )
    outcome = execute(target, options)
    if outcome.exit_code:
        raise AutomlcError(
            f"the run ended without a model: {outcome.reason}", exit_code=outcome.exit_code
        )
    return load(run_dir if run_dir else target if resume and is_run(target) else None)


def load(run_dir: str | Path | None = None) -> Study:
    """Open a run directory (default: the latest below runs/). Raises AutomlcError if it is none."""
    from automlc.runtime.view import find_run

    return Study(find_run(run_dir))
