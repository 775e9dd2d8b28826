"""`automlc diff`: what differs between two tasks, and what of a study stays valid."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from automlc.cli.common import data_root_option
from automlc.spec.errors import AutomlcError, SpecError

if TYPE_CHECKING:
    from automlc.runtime.changes import Side
    from automlc.spec.load import Variant


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
@click.option("--profile", metavar="NAME", help="A profile of NEW.")
@click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set one value of NEW over all else, as budget.epochs=3 (repeatable).",
)
@click.option("--old-profile", metavar="NAME", help="A profile of OLD.")
@click.option(
    "--old-set",
    "old_overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set one value of OLD (repeatable).",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something differs.")
@data_root_option
@click.pass_context
def command(
    context: click.Context,
    old: Path,
    new: Path,
    format_: str,
    profile: str | None,
    overrides: tuple[str, ...],
    old_profile: str | None,
    old_overrides: tuple[str, ...],
    exit_code: bool,
    data_root: tuple[Path, ...],
) -> None:
    """Compare OLD and NEW: each a spec, a compiled project, its graph.json or plan.json, or a run.

    Says for each difference of what class it is, and what resuming a study of OLD with NEW would
    do. Where OLD is a run, counts its trials that stay valid. `automlc diff task.yaml task.yaml
    --profile smoke` says what a profile changes.
    """
    from automlc.backends.sides import read_subject
    from automlc.compiler.diff import Diff, kept_trials
    from automlc.runtime.changes import compare

    variants = (
        _variant(old, "OLD", ("--old-profile", old_profile), ("--old-set", old_overrides)),
        _variant(new, "NEW", ("--profile", profile), ("--set", overrides)),
    )
    try:
        a = read_subject(old, data_root, variants[0])
    except SpecError:
        if old_overrides or old_profile:
            click.echo(f"note: this is about OLD, {old} with --old-set or --old-profile", err=True)
        raise
    b = read_subject(new, data_root, variants[1])
    for path, one in ((old, a), (new, b)):
        _say_unknown(path, one.side)
    comparison = compare(a.side, b.side)
    kept = None
    if a.trials is not None:
        kept = kept_trials(a.trials, b.side.plan, comparison)
    made = Diff(comparison, a.name, b.name, lambda key: _of_old(a.place(key)), b.place, kept)
    if format_ == "json":
        click.echo(json.dumps(made.to_json(), indent=2, allow_nan=False))
    else:
        click.echo(made.text(), nl=False)
    if exit_code and comparison.changes:
        context.exit(1)


def _variant(
    path: Path, side: str, profile: tuple[str, str | None], overrides: tuple[str, tuple[str, ...]]
) -> Variant:
    """Which variant of a spec a side is. Only a spec has variants: else a usage error."""
    from automlc.runtime.run import is_run
    from automlc.spec.load import Variant

    given = [option for option, value in (profile, overrides) if value]
    if given and (path.is_dir() or path.suffix == ".json"):
        what = "a run" if is_run(path) else "compiled already"
        raise AutomlcError(
            f"{given[0]} is for a spec, and {side} ({path}) is {what}",
            f"name the spec as {side}, or leave {given[0]} out",
        )
    return Variant(profile[1], overrides[1])


def _say_unknown(path: Path, side: Side) -> None:
    """What one file of a project does not tell, lest silence be taken for equality."""
    unknown = ["the layers of the model"] if side.graph is None else []
    unknown += ["how the data is divided"] if side.reader is None else []
    if path.is_file() and unknown:
        what = ", nor ".join(unknown)
        click.echo(f"note: {path} does not tell {what}; name the folder it is in", err=True)


def _of_old(place: str | None) -> str | None:
    """A place of OLD, whose options have names of their own."""
    return place and re.sub(r"^--set ", "--old-set ", place)
