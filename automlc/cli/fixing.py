"""What `automlc validate --fix` and `--diff` do with a file."""

from __future__ import annotations

import sys
from difflib import unified_diff
from pathlib import Path

import click

from automlc.cli.files import read_spec, write_spec
from automlc.compiler import checks
from automlc.spec.diagnostics import clean
from automlc.spec.fixing import Checked, Fixed, fix_text
from automlc.spec.load import PLAIN, Variant


def check_text(text: str, file: str, variant: Variant = PLAIN) -> Checked:
    """All that `validate` says of a text that stands in `file`."""
    found, _, complete = checks.check_text(text, file, variant)
    return Checked(tuple(found), complete)


def fix_file(
    path: Path, variant: Variant = PLAIN, *, unsafe: bool, diff: bool
) -> tuple[Fixed, str]:
    """Put a file right on disk, or show how; what became of it, and the text it has now."""
    before, file = read_spec(path), str(path)
    fixed = fix_text(before, file, lambda text: check_text(text, file, variant), unsafe=unsafe)
    if fixed.text == before:
        return fixed, before
    if diff:
        click.echo(_difference(before, fixed.text, file), nl=False)
    else:
        write_spec(path, fixed.text)
        _tell(path, fixed)
    return fixed, fixed.text


def _tell(path: Path, fixed: Fixed) -> None:
    count = len(fixed.applied)
    click.echo(
        f"{clean(str(path))}: {count} {'mistake' if count == 1 else 'mistakes'} fixed", err=True
    )
    for d in fixed.applied:
        line = f"line {d.span.line}: " if d.span else ""
        click.echo(f"  {line}{d.code} {clean(d.message)}", err=True)
    sys.stderr.flush()


def _difference(before: str, after: str, file: str) -> str:
    """A unified diff, as patch(1) takes it."""
    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), file, file
    )
    out = []
    for line in lines:
        out.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(out)
