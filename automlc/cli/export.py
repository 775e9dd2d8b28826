"""`automlc export`: the best model of a run, in a form that others can use."""

from pathlib import Path

import click


@click.command(
    "export", short_help="Write the best model as source, weights, ONNX or torch.export."
)
@click.argument("run", metavar="[RUN]", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["source", "onnx", "torch-export", "weights"]),
    default="source",
    show_default=True,
    help="What to write.",
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where [RUN/export/…].")
def command(run: str | None, format_: str, out: Path | None) -> None:
    """Write the best model of RUN (default: the latest run).

    The answers of the export are compared with those of the trained model on validation rows;
    an export that differs is refused.
    """
    from automlc.exporting import export

    done = export(run, format_, out)
    click.echo(f"wrote {done.path}")
    if done.largest_difference is not None:
        click.echo(
            f"  same answers as the trained model: the largest difference over {done.samples} "
            f"validation rows is {done.largest_difference:.3g}"
        )
