"""`automlc compile`: a spec to a project."""

from pathlib import Path

import click

from automlc.cli.common import (
    data_root_option,
    diagnostics_option,
    errors_as,
    say_warnings,
    spec_argument,
    variant_of,
    variant_options,
)


@click.command("compile", short_help="Turn a spec into a project of plain framework code.")
@spec_argument
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder [build/<name>].")
@variant_options
@data_root_option
@diagnostics_option
def command(
    spec: Path,
    out: Path | None,
    profile: str | None,
    overrides: tuple[str, ...],
    data_root: tuple[Path, ...],
    diagnostics: str,
) -> None:
    """Turn SPEC into a project: plain source, plan, graph and lock."""
    from automlc.backends import build
    from automlc.compiler.checks import load_checked
    from automlc.compiler.plan_text import auto_reason, backend_text

    with errors_as(diagnostics):
        loaded = load_checked(spec, variant_of(spec, profile, overrides))
        project = build(loaded, out, data_root)
    say_warnings(project.warnings, diagnostics)
    if auto_reason(project.graph):
        click.echo(f"backend: {backend_text(project.graph)}")
    click.echo(f"wrote {project.path}")
    click.echo(f"  read it:   {project.path / 'model.py'}, {project.path / 'train.py'}")
    click.echo(f"  search:    automlc run {project.path}")
