"""`automlc fmt`: specs in one style, or as the other surface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from automlc.spec.formatting import Surface


@click.command("fmt", short_help="Format specs, or write them as YAML or DSL.")
@click.argument("files", nargs=-1, metavar="[FILES]...", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.option(
    "--to",
    type=click.Choice(["yaml", "dsl"]),
    help="Print the spec as the other surface instead of changing the file.",
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="With --to: the file to write.")
def command(
    files: tuple[Path, ...], check: bool, diff: bool, to: Surface | None, out: Path | None
) -> int:
    """Write specs in one style. Comments stay, and what the spec says does not change.

    Without FILES, formats task.yaml or task.aml. `.aml` files are the DSL, all others YAML.
    """
    from automlc.cli.common import default_spec
    from automlc.cli.files import write_spec
    from automlc.spec.errors import AutomlcError

    given = files or (default_spec(),)
    if out is not None and (to is None or len(given) != 1):
        raise click.UsageError("-o takes one file and --to")
    if to is not None and (check or diff):
        raise click.UsageError("--to does not go with --check or --diff")
    if to is not None:
        for file in given:
            made = _made(file, to)[1]
            if out is None:
                click.echo(made, nl=False)
            elif out.exists() and out.resolve() == file.resolve():
                raise AutomlcError(f"{out} is the file that is read", "name another file")
            else:
                write_spec(out, made)
        return 0
    changed = [file for file in given if _format(file, check=check, diff=diff)]
    return int(bool(changed) and (check or diff))


def _made(file: Path, to: Surface | None) -> tuple[str, str]:
    """The text of a file, and what it becomes. Line breaks stay those of the file."""
    from automlc.cli.files import read_spec
    from automlc.spec.formatting import formatted

    text = read_spec(file)
    made = formatted(text, str(file), to)
    return text, made.replace("\n", "\r\n") if "\r\n" in text else made


def _format(file: Path, *, check: bool, diff: bool) -> bool:
    """Whether a file changes, or would."""
    from automlc.cli.files import write_spec
    from automlc.spec.diagnostics import clean

    text, made = _made(file, None)
    if text == made:
        return False
    if diff:
        import difflib

        name, lines = str(file), (text.splitlines(True), made.splitlines(True))
        for line in difflib.unified_diff(*lines, name, name):
            click.echo(clean(line.rstrip("\r\n")))
    elif check:
        click.echo(f"{clean(str(file))}: would be formatted")
    else:
        write_spec(file, made)
        click.echo(f"{clean(str(file))}: formatted")
    return True
