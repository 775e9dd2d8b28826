"""Arguments and output that several verbs share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from automlc.spec.diagnostics import Diagnostic, render
from automlc.spec.errors import SpecError

if TYPE_CHECKING:
    from automlc.spec.load import Variant

F = TypeVar("F", bound=Callable[..., Any])

spec_argument = click.argument("spec", type=click.Path(path_type=Path))
data_root_option = click.option(
    "--data-root",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="A further folder in which data may lie; may be given several times.",
)


FORMATS = ("full", "concise", "json", "github", "sarif")
TO_OUTPUT = FORMATS[2:]  # for other programs
diagnostics_option = click.option(
    "--diagnostics",
    type=click.Choice(FORMATS),
    default="full",
    show_default=True,
    help="How errors and warnings are printed.",
)


def variant_options(command: F) -> F:
    """--profile and --set, as the parameters `profile` and `overrides`."""
    overrides = click.option(
        "--set",
        "overrides",
        metavar="KEY=VALUE",
        multiple=True,
        help="Set one value over all else, as budget.epochs=3 (repeatable).",
    )
    profile = click.option("--profile", metavar="NAME", help="A profile of the spec.")
    return profile(overrides(command))


def variant_of(target: Path, profile: str | None, overrides: tuple[str, ...]) -> Variant:
    """Which of a spec's variants is meant; a compiled project and its files have none."""
    from automlc.spec.errors import AutomlcError
    from automlc.spec.load import Variant

    if (profile or overrides) and (target.is_dir() or target.suffix == ".json"):
        option = "--profile" if profile else "--set"
        raise AutomlcError(
            f"{option} changes a spec, and {target} is compiled already",
            f"name the spec: automlc compile SPEC {option} ...",
        )
    return Variant(profile, overrides)


def say_warnings(warnings: Iterable[Diagnostic], form: str = "full") -> None:
    """Print warnings to standard error, where they cannot be mistaken for output."""
    found = tuple(warnings)
    if found:
        color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        form = form if form in TO_OUTPUT else "concise"
        click.echo(render(found, format=form, sources={}, color=color), err=True)


@contextmanager
def errors_as(form: str) -> Iterator[None]:
    """Errors of a spec printed to standard error in a form; exit code 1, as for any wrong spec."""
    try:
        yield
    except SpecError as error:
        color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        click.echo(error.rendered(format=form, color=color and form == "full"), err=True)
        raise click.exceptions.Exit(error.exit_code) from None


def roots_of_environment() -> list[Path]:
    """The folders of AUTOMLC_DATA_ROOT, in which data may lie."""
    text = os.environ.get("AUTOMLC_DATA_ROOT", "")
    return [Path(item) for item in text.split(os.pathsep) if item]


def default_spec() -> Path:
    """The spec that is meant where none is named: task.aml where there is only that."""
    dsl = Path("task.aml")
    return dsl if dsl.exists() and not Path("task.yaml").exists() else Path("task.yaml")
