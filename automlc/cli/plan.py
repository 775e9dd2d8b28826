"""`automlc plan`: what would be done; nothing is written."""

import json
import math
from pathlib import Path

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

SLOWEST, FASTEST = 1 / 86_400, 1e12  # samples a second: one a day, and beyond any machine


def _rate(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """`250/s`, `15000/min` as training samples a second."""
    if value is None:
        return None
    from automlc.spec.units import UnitError, parse_duration

    number, slash, unit = value.strip().partition("/")
    try:
        rate = float(number) / parse_duration(f"1{unit}")
    except (UnitError, ValueError, ZeroDivisionError):
        rate = math.nan
    if not slash or not rate > 0:
        raise click.BadParameter(f"{value!r} is no rate; write 250/s or 15000/min", ctx, param)
    if not SLOWEST <= rate <= FASTEST:
        message = f"{value!r} is no rate of any machine; write 250/s or 15000/min"
        raise click.BadParameter(message, ctx, param)
    return rate


@click.command("plan", short_help="Show what compile and run would do; write nothing.")
@spec_argument
@click.option("--json", "as_json", is_flag=True, help="Print plan.json instead of text.")
@click.option(
    "--resolved",
    is_flag=True,
    help="Print the whole spec, defaults included, and where each value comes from.",
)
@click.option(
    "--rate", callback=_rate, metavar="N/s", help="Say how long training takes at this rate."
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Trials at a time, for time and disk [1]."
)
@variant_options
@data_root_option
@diagnostics_option
def command(
    spec: Path,
    as_json: bool,
    resolved: bool,
    rate: float | None,
    workers: int | None,
    profile: str | None,
    overrides: tuple[str, ...],
    data_root: tuple[Path, ...],
    diagnostics: str,
) -> None:
    """Show what compiling and running SPEC would do."""
    if as_json and resolved:
        raise click.UsageError("--json prints the plan, --resolved the spec: choose one")
    if (rate or workers) and (as_json or resolved):
        option = "--rate" if rate else "--workers"
        raise click.UsageError(f"{option} is for the plan as text")
    from automlc.compiler.checks import load_checked
    from automlc.compiler.disk import too_full
    from automlc.compiler.driver import compile_spec
    from automlc.compiler.plan_text import plan_text
    from automlc.compiler.preview import Rate, too_slow
    from automlc.runtime.run import RUNS

    with errors_as(diagnostics):
        loaded = load_checked(spec, variant_of(spec, profile, overrides))
        graph, warnings = compile_spec(loaded, data_root)
    stated = None if rate is None else Rate(rate)
    slow = [] if stated is None else too_slow(graph, stated, loaded)
    full = too_full(graph, Path(RUNS), workers or 1)
    say_warnings([*warnings, *slow, *full], diagnostics)
    if resolved:
        from automlc.compiler.resolved import resolved_text

        click.echo(resolved_text(loaded, graph.records), nl=False)
        return
    if as_json:
        click.echo(json.dumps(graph.plan().to_json(), indent=1, sort_keys=True))
    else:
        click.echo(plan_text(graph, stated, workers or 1), nl=False)
