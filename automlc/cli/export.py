"""`automlc export`: the best model of a run, in a form that others can use."""

from pathlib import Path

import click

from automlc.runtime.backends import BACKENDS

BACKEND_FORMATS = [BACKENDS.get(name).formats for name in BACKENDS.names()]
FORMATS = tuple(dict.fromkeys(name for formats in BACKEND_FORMATS for name in formats))


@click.command(
    "export", short_help="Write the best model as source, weights, ONNX, .keras or SavedModel."
)
@click.argument("run", metavar="[RUN]", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="source",
    show_default=True,
    help="What to write.",
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where [RUN/export/…].")
def command(run: str | None, format_: str, out: Path | None) -> None:
    """Write the best model of RUN (default: the latest run).

    source and weights for every backend, torch-export for PyTorch, keras (a .keras file) and
    saved-model for Keras, onnx for both; backbone is a folder with the model without its head, for
    `space.backbones` of another spec.

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
