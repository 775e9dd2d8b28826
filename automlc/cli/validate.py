"""`automlc validate`: every error of a spec, with its place."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from automlc.cli.common import FORMATS, TO_OUTPUT, default_spec, variant_of, variant_options
from automlc.spec.diagnostics import Diagnostic, Severity, clean, render

if TYPE_CHECKING:
    from automlc.spec.load import Variant


@click.command("validate")
@click.argument("files", nargs=-1, metavar="[FILES]...", type=click.Path())
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="full",
    show_default=True,
    help="How diagnostics are printed; json, github and sarif go to standard output.",
)
@variant_options
@click.option("--fix", is_flag=True, help="Put right what is certain, in the files.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: what is likely as well.")
@click.option("--diff", is_flag=True, help="Show what --fix would change; write nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing about files without findings.")
def command(
    files: tuple[str, ...],
    form: str,
    profile: str | None,
    overrides: tuple[str, ...],
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    quiet: bool,
) -> int:
    """Check specs and report every error with its place.

    Without FILES, checks task.yaml or task.aml. All profiles of a spec are checked. Exit code 1
    when a file has errors.
    """
    if unsafe_fixes and not (fix or diff):
        raise click.UsageError("--unsafe-fixes goes with --fix or --diff")
    found: list[Diagnostic] = []
    sources: dict[str, str] = {}
    with _cold_start():
        for file in files or (str(default_spec()),):
            of_file, texts = check_file(Path(file), profile, overrides)
            if (fix or diff) and any(d.fix for d in of_file):
                variant = variant_of(Path(file), profile, overrides)
                of_file, changed = _fixed(
                    Path(file), of_file, variant, unsafe=unsafe_fixes, diff=diff
                )
                texts |= changed
            sources |= texts
            found += of_file
            if not of_file and form not in TO_OUTPUT and not quiet:
                click.echo(f"{clean(file)}: ok")
    show(found, form, sources)
    return int(any(d.severity is Severity.ERROR for d in found))


def _fixed(
    path: Path, found: list[Diagnostic], variant: "Variant", *, unsafe: bool, diff: bool
) -> tuple[list[Diagnostic], dict[str, str]]:
    """What remains to be said of a file that was put right, and its text."""
    from automlc.cli.fixing import fix_file

    fixed, text = fix_file(path, variant, unsafe=unsafe, diff=diff)
    return (found, {}) if diff else (list(fixed.remaining), {str(path): text})


@contextmanager
def _cold_start() -> Iterator[None]:
    """A process that runs on every save starts sooner so: nothing is garbage before the end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def check_file(
    path: Path, profile: str | None = None, overrides: tuple[str, ...] = ()
) -> tuple[list[Diagnostic], dict[str, str]]:
    """All diagnostics of a file, and the texts they point into."""
    from automlc.compiler.checks import check_all
    from automlc.spec.load import Variant

    return check_all(path, Variant(profile, overrides))


def show(found: list[Diagnostic], form: str, sources: dict[str, str]) -> None:
    """Print diagnostics where their format belongs."""
    if form in TO_OUTPUT:
        text = render(found, format=form, sources=sources, color=False)
        if text:
            click.echo(text)
    elif found:
        color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        click.echo(render(found, format=form, sources=sources, color=color), err=True)
