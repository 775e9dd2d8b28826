"""`automlc init`: look at data and write a commented spec for it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from automlc.cli.common import data_root_option, roots_of_environment
from automlc.cli.files import write_spec
from automlc.spec.errors import AutomlcError, SpecError
from automlc.spec.model import TaskKind

if TYPE_CHECKING:
    from automlc.compiler.starter.guess import Guess
    from automlc.compiler.starter.text import Start

DEFAULT = "task.yaml"
_SPECS = (".yaml", ".yml", ".aml")
_SHOWN = 20  # answers that are listed


@click.command("init", short_help="Look at data and write a commented spec for it.")
@click.argument("where", required=False, type=click.Path(path_type=Path))
@click.option("--data", help="A file, a folder of images, or builtin:digits.")
@click.option("--task", type=click.Choice(get_args(TaskKind)), help="The kind of task.")
@click.option("--target", metavar="COLUMN", help="The column to predict, for tables.")
@click.option("--metric", help="What the search improves.")
@click.option("--trials", type=click.IntRange(1, 10_000_000), help="Number of trials.")
@click.option("--epochs", type=click.IntRange(1, 1_000_000), help="Epochs of a trial.")
@click.option(
    "--backend",
    type=click.Choice(["pytorch", "keras", "auto"]),
    help="The framework; by default what is installed.",
)
@click.option("--force", is_flag=True, help="Overwrite a spec that is there already.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: take what was guessed.")
@data_root_option
def command(
    where: Path | None,
    data: str | None,
    task: str | None,
    target: str | None,
    metric: str | None,
    trials: int | None,
    epochs: int | None,
    backend: str | None,
    force: bool,
    yes: bool,
    data_root: tuple[Path, ...],
) -> None:
    """Look at data and write a spec for it, with a comment for each choice.

    WHERE is the spec to write, or its folder (default: task.yaml here). A data file or a folder of
    images in its place is taken as --data, and the spec gets its name. On a terminal what is not
    given is asked.
    """
    from automlc.compiler.starter.source import holds_images, is_data_file, located
    from automlc.compiler.starter.start import Given, start_for
    from automlc.compiler.starter.text import spec_text

    if where is not None and data is None and (is_data_file(where) or holds_images(where)):
        name = where.resolve().name.partition(".")[0] or "task"
        data, where = str(where), Path(f"{name}.yaml")
    spec = _spec_path(where or Path())
    _refuse_to_overwrite(spec, force)
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not yes
    source = located(data or _found_data(spec, asks), spec, data_root)
    told: list[tuple[str, Guess]] = []

    def ask(what: str, guess: Guess, known: Sequence[str]) -> Guess:
        answer = _ask(what, guess, known) if asks and len(known) > 1 else guess
        told.append((what, answer))
        return answer

    yaml = spec.with_suffix(".yaml")  # written as YAML, and as the DSL at the end
    start = start_for(
        source, yaml, data_root, Given(task, target, metric, trials, epochs, backend), ask
    )
    if asks and trials is None:
        start = _with_trials(start)
    text = spec_text(start)
    _check(text, yaml, data_root)
    _write(spec, _as_dsl(text) if spec.suffix.lower() == ".aml" else text, force)
    _tell(spec, start, told, data_root)


def _spec_path(where: Path) -> Path:
    if where.suffix.lower() in _SPECS and not where.is_dir():
        spec = where
    elif where.exists() and not where.is_dir():
        raise AutomlcError(
            f"{where} is neither a folder nor a spec (.yaml)",
            f"if it is your data: automlc init --data {where}",
        )
    elif where.suffix:
        raise AutomlcError(
            f"there is no {where}", "a spec ends in .yaml; data is named with --data"
        )
    else:
        spec = where / DEFAULT
    if spec.parent.exists() and not spec.parent.is_dir():
        raise AutomlcError(f"{spec.parent} is a file, and no folder", "name another place")
    return spec


def _as_dsl(text: str) -> str:
    from automlc.spec.formatting import formatted

    return formatted(text, "task.yaml", "dsl")


def _refuse_to_overwrite(spec: Path, force: bool) -> None:
    if spec.is_dir():
        raise AutomlcError(f"{spec} is a folder", "name a file: automlc init FOLDER/task.yaml")
    if os.path.lexists(spec) and not force:
        raise AutomlcError(
            f"{spec} is there already, and is left as it is",
            "name another file, or overwrite it with --force",
        )


def _found_data(spec: Path, asks: bool) -> str:
    """Data that lies where the spec will be: the only one, or what a person says."""
    from automlc.compiler.starter.source import candidates

    folder = spec.parent
    found = [(folder / name).as_posix() for name in candidates(folder)]
    if asks:
        if found:
            click.echo(f"Data found here: {', '.join(found[:_SHOWN])}")
        default = found[0] if found else "builtin:digits"
        answer: str = click.prompt("Data (a file, a folder of images, or builtin:…)", default)
        return answer
    if len(found) == 1:
        click.echo(f"data: {found[0]} (the only data here)", err=True)
        return found[0]
    listed = ", ".join(found[:_SHOWN])
    raise AutomlcError(
        "which data? " + (f"there are {listed}" if found else f"there is none in {folder}/"),
        f"name it: automlc init --data {found[0] if found else 'FILE'}",
    )


def _ask(what: str, guess: Guess, known: Sequence[str]) -> Guess:
    """The answer of a person, asked again until it is one of those that may be."""
    from automlc.compiler.starter.guess import Guess
    from automlc.spec.suggest import nearest

    listed = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    click.echo(f"\n{what.capitalize()}: {guess.value} ({_plain(guess.why)})")
    if len(known) > 1:
        click.echo(f"  possible: {_plain(listed)}")
    while True:
        answer = str(click.prompt(f"{what.capitalize()}", guess.value)).strip()
        if answer == guess.value:
            return guess
        if answer in known:
            return Guess(answer, "chosen")
        near = nearest(answer, known)
        click.echo(f"  {_plain(answer)!r} is none of these." + (f" Is it {near}?" if near else ""))


def _with_trials(start: Start) -> Start:
    from dataclasses import replace

    trials: int = click.prompt(
        "\nTrials (models to train)", start.trials, type=click.IntRange(1, 10_000_000)
    )
    return replace(start, trials=trials)


def _plain(text: str) -> str:
    from automlc.spec.diagnostics import clean

    return clean(text).replace("`", "'")


def _check(text: str, spec: Path, roots: tuple[Path, ...]) -> None:
    """What is written must plan; AutomlcError with what is wrong with the data otherwise."""
    from automlc.compiler.driver import compile_spec
    from automlc.spec.diagnostics import Severity
    from automlc.spec.load import load_text

    try:
        compile_spec(load_text(text, str(spec)), (*roots, *roots_of_environment()))
    except SpecError as error:
        errors = [d for d in error.diagnostics if d.severity is Severity.ERROR]
        more = f" (and {len(errors) - 1} more problems)" if len(errors) > 1 else ""
        raise AutomlcError(
            f"nothing was written, because a search with this data cannot begin: "
            f"{errors[0].message}{more}",
            errors[0].hint,
            exit_code=1,
        ) from error


def _write(spec: Path, text: str, force: bool) -> None:
    """The whole file or none; a file that appeared meanwhile is not overwritten."""
    try:
        spec.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AutomlcError(
            f"{spec} cannot be written: {error.strerror}", "name another place: automlc init FILE"
        ) from error
    write_spec(spec, text, lambda: _refuse_to_overwrite(spec, force))


def _tell(
    spec: Path, start: Start, told: Sequence[tuple[str, Guess]], roots: tuple[Path, ...]
) -> None:
    """What was chosen and why, and what to do next."""
    click.echo(f"wrote {spec}")
    for what, guess in told:
        click.echo(_plain(f"  {what:12}  {guess.value}  ({guess.why})"))
    for name, kind, why in start.columns[:_SHOWN]:
        click.echo(_plain(f"  {'column':12}  {name}: {kind}  ({why})"))
    options = "".join(f" --data-root {shlex.quote(str(root))}" for root in roots)
    click.echo("\nnext:")
    for verb, text in (("plan", "what would be done"), ("run", "search for the best model")):
        click.echo(f"  automlc {verb} {shlex.quote(str(spec))}{options}    # {text}")
