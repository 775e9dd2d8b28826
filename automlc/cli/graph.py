"""`automlc graph`: the search graph as Mermaid, DOT or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from automlc.cli.common import (
    data_root_option,
    say_warnings,
    spec_argument,
    variant_of,
    variant_options,
)

if TYPE_CHECKING:
    from automlc.compiler.graph import SearchGraph
    from automlc.spec.diagnostics import Diagnostic
    from automlc.spec.load import Variant


@click.command("graph", short_help="Print the search graph as Mermaid, DOT or JSON.")
@spec_argument
@click.option(
    "--format",
    "format_",
    type=click.Choice(["mermaid", "dot", "json"]),
    default="mermaid",
    show_default=True,
    help="What to print it as.",
)
@variant_options
@data_root_option
def command(
    spec: Path,
    format_: str,
    profile: str | None,
    overrides: tuple[str, ...],
    data_root: tuple[Path, ...],
) -> None:
    """Print the search graph of SPEC (a spec, or a project's graph.json)."""
    from automlc.compiler.pictures import dot, mermaid

    graph, warnings = read_graph(spec, data_root, variant_of(spec, profile, overrides))
    say_warnings(warnings)
    if format_ == "json":
        click.echo(graph.dumps(), nl=False)
    else:
        click.echo(mermaid(graph) if format_ == "mermaid" else dot(graph), nl=False)


def read_graph(
    path: Path, roots: tuple[Path, ...], variant: Variant | None = None
) -> tuple[SearchGraph, tuple[Diagnostic, ...]]:
    """The graph of a spec, a project folder or a graph.json, and warnings."""
    from automlc.compiler.checks import load_checked
    from automlc.compiler.driver import compile_spec
    from automlc.compiler.graph import SearchGraph
    from automlc.runtime.json_files import naming, read_json
    from automlc.runtime.settling import settle
    from automlc.spec.errors import AutomlcError
    from automlc.spec.load import PLAIN

    file = path / "graph.json" if path.is_dir() else path
    if file.suffix == ".json":
        settle(file.parent)  # half of a compile that was cut off would be neither project
        if path.is_dir() and not file.exists():
            raise AutomlcError(f"{path} holds no graph.json", "name a spec, or a compiled project")
        try:
            with naming("graph.json", file):
                return SearchGraph.from_json(read_json(file, "compile the project again")), ()
        except FileNotFoundError:
            raise AutomlcError(f"there is no file {file}") from None
    return compile_spec(load_checked(file, variant or PLAIN), roots)
