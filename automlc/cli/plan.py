"""`automlc plan`: what would be done; nothing is written."""

import json
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


@click.command("plan", short_help="Show what compile and run would do; write nothing.")
@spec_argument
@click.option("--json", "as_json", is_flag=True, help="Print plan.json instead of text.")
@click.option(
    "--resolved",
    is_flag=True,
    help="Print the whole spec, defaults included, and where each value comes from.",
)
@variant_options
@data_root_option
@diagnostics_option
def command(
    spec: Path,
    as_json: bool,
    resolved: bool,
    profile: str | None,
    overrides: tuple[str, ...],
    data_root: tuple[Path, ...],
    diagnostics: str,
) -> None:
    """Show what compiling and running SPEC would do."""
    if as_json and resolved:
        raise click.UsageError("--json prints the plan, --resolved the spec: choose one")
    from automlc.compiler.checks import load_checked
    from automlc.compiler.driver import compile_spec
    from automlc.compiler.plan_text import plan_text

    with errors_as(diagnostics):
        loaded = load_checked(spec, variant_of(spec, profile, overrides))
        graph, warnings = compile_spec(loaded, data_root)
    say_warnings(warnings, diagnostics)
    if resolved:
        from automlc.compiler.resolved import resolved_text

        click.echo(resolved_text(loaded, graph.records), nl=False)
        return
    if as_json:
        click.echo(json.dumps(graph.plan().to_json(), indent=1, sort_keys=True))
    else:
        click.echo(plan_text(graph), nl=False)
