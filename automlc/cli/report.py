"""`automlc report`: one HTML file about a run."""

from __future__ import annotations

from pathlib import Path

import click

from automlc.runtime.view import RunView
from automlc.runtime.wording import plain, size


@click.command()
@click.argument("folder", metavar="[DIR]", required=False)
@click.option("-o", "--output", metavar="FILE", help="Where to write; default: DIR/report.html.")
def command(folder: str | None, output: str | None) -> None:
    """Write one self-contained HTML file about a run.

    DIR is a run directory; by default the latest run in runs/. The file opens without a network
    and may be sent to others. Works while the run is live.
    """
    from automlc.runtime.report import write_report

    with RunView.open(folder) as view:
        path = write_report(view, Path(output) if output else view.folder / "report.html")
    click.echo(f"{plain(path)}  ({size(path.stat().st_size)}, opens without a network)")
