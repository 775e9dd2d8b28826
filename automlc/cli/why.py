"""`automlc why`: why a trial was proposed, how it went, and why it ended."""

from __future__ import annotations

import json

import click

from automlc.cli.status import colors
from automlc.runtime.view import RunView
from automlc.runtime.why import tell, why


@click.command()
@click.argument("number", metavar="N", type=int)
@click.argument("folder", metavar="[DIR]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(number: int, folder: str | None, as_json: bool) -> None:
    """Tell why trial N was proposed and why it ended.

    DIR is a run directory; by default the latest run in runs/.
    """
    with RunView.open(folder) as view, view.snapshot():
        record = why(view, number)
    if as_json:
        click.echo(json.dumps(record.to_json(), indent=2, allow_nan=False))
        return
    for at, (heading, lines) in enumerate(tell(record)):
        text = click.style(heading, bold=True)
        click.echo("\n".join([*([""] if at else []), text, *lines]), color=colors())
