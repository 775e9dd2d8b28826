"""Arguments and output that several verbs share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from automlc.spec.diagnostics import Diagnostic, render

spec_argument = click.argument("spec", type=click.Path(path_type=Path))
data_root_option = click.option(
    "--data-root",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="A further folder in which data may lie; may be given several times.",
)


def say_warnings(warnings: Iterable[Diagnostic]) -> None:
    """Print warnings to standard error, where they cannot be mistaken for output."""
    found = tuple(warnings)
    if found:
        color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        click.echo(render(found, format="concise", sources={}, color=color), err=True)


def roots_of_environment() -> list[Path]:
    """The folders of AUTOMLC_DATA_ROOT, in which data may lie."""
    text = os.environ.get("AUTOMLC_DATA_ROOT", "")
    return [Path(item) for item in text.split(os.pathsep) if item]
