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
)


@click.command("plan", short_help="Show what compile and run would do; write nothing.")
@spec_argument
@click.option("--json", "as_json", is_flag=True, help="Print plan.json instead of text.")
@data_root_option
@diagnostics_option
def command(spec: Path, as_json: bool, data_root: tuple[Path, ...], diagnostics: str) -> None:
    """Show what compiling and running SPEC would do."""
    from automlc.compiler.checks import load_checked
    from automlc.compiler.driver import compile_spec
    from automlc.compiler.plan_text import plan_text

    with errors_as(diagnostics):
        graph, warnings = compile_spec(load_checked(spec), data_root)
    say_warnings(warnings, diagnostics)
    if as_json:
        click.echo(json.dumps(graph.plan().to_json(), indent=1, sort_keys=True))
    else:
        click.echo(plan_text(graph), nl=False)
