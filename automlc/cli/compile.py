"""`automlc compile`: a spec to a project; or whether a project is what its spec compiles to."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from automlc.backends.project import Made


@click.command("compile", short_help="Turn a spec into a project of plain framework code.")
@spec_argument
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder [build/<name>].")
@click.option(
    "--locked", is_flag=True, help="Refuse where anything differs from automlc.lock; say what."
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where the project is stale.")
@click.option("--force", is_flag=True, help="Overwrite files that were changed by hand.")
@variant_options
@data_root_option
@diagnostics_option
def command(
    spec: Path,
    out: Path | None,
    locked: bool,
    check: bool,
    force: bool,
    profile: str | None,
    overrides: tuple[str, ...],
    data_root: tuple[Path, ...],
    diagnostics: str,
) -> None:
    """Turn SPEC into a project: plain source, plan, graph and lock."""
    if check + locked + force > 1:
        raise click.UsageError("--locked, --check and --force exclude each other: choose one")
    from automlc.backends.project import make, write
    from automlc.compiler.checks import load_checked
    from automlc.compiler.plan_text import auto_reason, backend_text

    with errors_as(diagnostics):
        loaded = load_checked(spec, variant_of(spec, profile, overrides))
        made = make(loaded, out, data_root)
    say_warnings(made.warnings, diagnostics)
    again = _again(spec, out, profile, overrides)
    if check:
        _check(made, again)
        return
    if locked:
        _refuse_drift(made, again)
    write(made.folder, made.files, force=force)
    if auto_reason(made.graph):
        click.echo(f"backend: {backend_text(made.graph)}")
    click.echo(f"wrote {made.folder}")
    click.echo(f"  read it:   {made.folder / 'model.py'}, {made.folder / 'train.py'}")
    click.echo(f"  search:    automlc run {made.folder}")


def _again(
    spec: Path, out: Path | None, profile: str | None, overrides: tuple[str, ...]
) -> list[str]:
    """The command that compiles the same without looking at what is there."""
    words = ["automlc", "compile", str(spec)]
    words += ["-o", str(out)] if out is not None else []
    words += ["--profile", profile] if profile else []
    return [*words, *(word for value in overrides for word in ("--set", value))]


def _check(made: Made, again: list[str]) -> None:
    from automlc.backends.drift import check
    from automlc.backends.project import RESOLVED
    from automlc.spec.errors import AutomlcError

    stale = check(made)
    if not stale:
        click.echo(f"{made.folder} is up to date")
        return
    for line in stale.lines():
        click.echo(line)
    ours = [*again, *(["--force"] if stale.edited else [])]
    hint = f"compile again: {shlex.join(ours)}"
    strangers = [name for name in stale.extra if name.endswith(".py")]
    if strangers:
        hint += f"; and remove {', '.join(strangers)} if nobody needs it"
    if RESOLVED in stale.extra:
        hint = f"it was compiled with the options that {RESOLVED} begins with: give them; or {hint}"
    message = f"{made.folder} is not what {again[2]} compiles to"
    raise AutomlcError(message, hint, exit_code=1)


def _refuse_drift(made: Made, again: list[str]) -> None:
    from automlc.backends.drift import check, drift
    from automlc.spec.errors import AutomlcError

    found = drift(made)
    if not found:
        return
    for line in found:
        click.echo(line)
    stale = check(made)
    again = [*again, *(["--force"] if stale and stale.edited else [])]
    raise AutomlcError(
        f"{made.folder} has drifted from its lock; nothing was written",
        f"undo the change, or accept it: {shlex.join(again)}",
        exit_code=1,
    )
