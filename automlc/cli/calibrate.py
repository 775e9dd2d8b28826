"""`automlc calibrate`: measure on one's own data and machine what actions bring."""

from __future__ import annotations

from pathlib import Path

import click

from automlc.cli.common import variant_options


def _seconds(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    from automlc.spec.units import UnitError, parse_duration

    try:
        return None if text is None else parse_duration(text)
    except UnitError as error:
        raise click.BadParameter(error.message, context, option) from None


@click.command("calibrate")
@click.argument("specs", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The table of rules; data sets that it has already are kept.",
)
@click.option(
    "--models", type=click.IntRange(1), default=20, show_default=True, help="Random models."
)
@click.option("--actions", type=click.IntRange(1), default=10, show_default=True, help="On each.")
@click.option(
    "--follow",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    help="How often an improved model is acted on in turn.",
)
@click.option("--wall", callback=_seconds, help="No training of a data set begins after, as 30min.")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/calibrate"),
    show_default=True,
    help="Where the trainings are; a second call goes on with them.",
)
@variant_options
@click.option("--workers", type=click.IntRange(1, 256), default=1, help="Trials at a time.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the result.")
@click.option(
    "--data-root",
    "data_roots",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder in which data may lie (repeatable; also AUTOMLC_DATA_ROOT).",
)
@click.pass_context
def command(
    context: click.Context,
    specs: tuple[Path, ...],
    output: Path,
    models: int,
    actions: int,
    follow: int,
    wall: float | None,
    runs: Path,
    profile: str | None,
    overrides: tuple[str, ...],
    workers: int,
    quiet: bool,
    data_roots: tuple[Path, ...],
) -> None:
    """Measure a table of rules: random models, one action at a time, on the data of each spec.

    The table says for each condition of training what each action brings on average. Use it with
    `rules: {use: FILE}`. Stop it with Ctrl-C; the same command goes on.
    """
    from automlc.calibrating import Calibration, Effort, calibrate, joined, read, write
    from automlc.cli.common import roots_of_environment
    from automlc.runtime.progress import make_progress
    from automlc.spec.load import Variant

    made = Calibration(
        runs,
        Effort(models, actions, follow, wall),
        workers,
        (*data_roots, *roots_of_environment()),
        make_progress(quiet=quiet, log_format="text"),
        Variant(profile, overrides),
    )
    earlier = read(output)  # before hours of training, not after them
    found, code = calibrate(specs, made)
    if found.datasets:
        whole = joined(earlier, found)
        write(whole, output)
        pairs = sum(g.n for d in whole.datasets.values() for g in d.gains.values())
        click.echo(f"{output}: {pairs} measurements on {', '.join(sorted(whole.datasets))}")
        click.echo(f"use it: rules: {{use: {output}}}")
    context.exit(code)
