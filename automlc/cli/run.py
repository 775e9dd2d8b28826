"""`automlc run`: search with a spec or a compiled project, or resume a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from automlc.cli.common import variant_options

if TYPE_CHECKING:
    from automlc.runtime.run import Options
    from automlc.spec.load import Variant


@click.command("run")
@click.argument("target", type=click.Path(path_type=Path))
@variant_options
@click.option("--run-dir", type=click.Path(path_type=Path), help="The folder of the run.")
@click.option("--resume", is_flag=True, help="Continue an interrupted run; finished: do nothing.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, help="Trials at a time.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the result.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: one object per event.",
)
@click.option(
    "--data-root",
    "data_roots",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder in which data may lie (repeatable; also AUTOMLC_DATA_ROOT).",
)
@click.option(
    "--allow-code",
    "allow_code",
    multiple=True,
    metavar="NAME",
    help="Run this file of the project although automlc did not write it so (repeatable).",
)
@click.pass_context
def command(
    context: click.Context,
    target: Path,
    profile: str | None,
    overrides: tuple[str, ...],
    run_dir: Path | None,
    resume: bool,
    workers: int,
    quiet: bool,
    log_format: str,
    data_roots: tuple[Path, ...],
    allow_code: tuple[str, ...],
) -> None:
    """Search: train trials, stop losers, keep and test the best model.

    TARGET is a spec, a compiled project, or (with --resume) the folder of a run. Ctrl-C once
    finishes the running epoch, saves and exits with 130; twice stops at once.
    """
    from automlc.cli.common import roots_of_environment, variant_of
    from automlc.runtime.progress import make_progress
    from automlc.runtime.run import Options, execute

    options = Options(
        run_dir=run_dir,
        resume=resume,
        workers=workers,
        allow_code=allow_code,
        data_roots=(*data_roots, *roots_of_environment()),
        progress=make_progress(quiet=quiet, log_format=log_format),
    )
    variant = variant_of(target, profile, overrides)
    if not target.is_dir():
        target, options = _compile(target, variant, options)
    context.exit(execute(target, options).exit_code)


def _compile(spec: Path, variant: Variant, options: Options) -> tuple[Path, Options]:
    """Compile a spec to build/<name>; returns the project and the options with its data."""
    from automlc.backends import build
    from automlc.cli.common import say_warnings
    from automlc.compiler.checks import load_checked
    from automlc.compiler.disk import too_full
    from automlc.compiler.plan_text import auto_reason, backend_text
    from automlc.runtime.run import RUNS

    project = build(load_checked(spec, variant), roots=options.data_roots)
    target = options.run_dir or Path(RUNS)
    say_warnings([*project.warnings, *too_full(project.graph, target, options.workers)])
    if auto_reason(project.graph):
        options.progress.say(f"backend: {backend_text(project.graph)}")
    source = None if project.data is None else str(project.data)
    return project.path, replace(options, source=source)
