"""`automlc diff`: what differs between two tasks, and what of a study stays valid."""

from __future__ import annotations

import json
from pathlib import Path

import click

from automlc.cli.common import data_root_option


@click.command("diff", short_help="Compare two specs, projects or runs by what they mean.")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something differs.")
@data_root_option
@click.pass_context
def command(
    context: click.Context,
    old: Path,
    new: Path,
    format_: str,
    exit_code: bool,
    data_root: tuple[Path, ...],
) -> None:
    """Compare OLD and NEW: each a spec, a compiled project, a graph.json or a run.

    Says for each difference of what class it is, and what resuming a study of OLD with NEW would
    do. Where OLD is a run, counts its trials that stay valid.
    """
    from automlc.backends.sides import read_subject
    from automlc.compiler.diff import Diff, kept_trials
    from automlc.runtime.changes import compare

    a, b = read_subject(old, data_root), read_subject(new, data_root)
    comparison = compare(a.side, b.side)
    kept = None
    if a.trials is not None:
        kept = kept_trials(a.trials, b.side.plan, comparison)
    made = Diff(comparison, a.name, b.name, a.place, b.place, kept)
    if format_ == "json":
        click.echo(json.dumps(made.to_json(), indent=2, allow_nan=False))
    else:
        click.echo(made.text(), nl=False)
    if exit_code and comparison.changes:
        context.exit(1)
