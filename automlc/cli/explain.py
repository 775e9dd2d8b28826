"""`automlc explain`: a diagnostic code, or a value of a spec and where it came from."""

from __future__ import annotations

import re
from pathlib import Path

import click

from automlc.cli.common import data_root_option
from automlc.spec.errors import AutomlcError


@click.command("explain", short_help="Explain a diagnostic code, or where a value came from.")
@click.argument("what")
@click.argument("spec", required=False, type=click.Path(path_type=Path))
@data_root_option
def command(what: str, spec: Path | None, data_root: tuple[Path, ...]) -> None:
    """Explain WHAT: a code such as E201, or a key such as budget.epochs.

    A key needs SPEC (a spec, a project folder or a graph.json; default: task.yaml here).
    """
    if re.fullmatch(r"[EWew]\d{3}", what):
        click.echo(_code(what.upper()))
        return
    click.echo(_key(what, spec, data_root))


def _code(code: str) -> str:
    from automlc.spec.codes import CODES
    from automlc.spec.suggest import nearest

    if code not in CODES:
        near = nearest(code, CODES)
        raise AutomlcError(f"there is no code {code}", f"did you mean {near}?" if near else None)
    entry = CODES[code]
    return "\n\n".join(
        [
            f"{code}: {entry.title}",
            f"Cause. {entry.cause}",
            f"Example.\n{_indent(entry.example)}",
            f"Fix. {entry.fix}",
        ]
    )


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _key(key: str, spec: Path | None, roots: tuple[Path, ...]) -> str:
    from automlc.cli.graph import read_graph
    from automlc.spec.suggest import nearest

    path = spec or Path("task.yaml")
    if not path.exists():
        raise AutomlcError(f"there is no {path}", "name the spec: automlc explain KEY SPEC")
    graph, _ = read_graph(path, roots)
    records = [r for r in graph.records if r.key == key or r.key.endswith(f".{key}")]
    inside = [r for r in graph.records if r.key.startswith((f"{key}.", f"{key}["))]
    if not records and not inside:
        near = nearest(key, sorted({r.key for r in graph.records}))
        hint = f"did you mean {near}?" if near else "such as budget.epochs or space.parameters.lr"
        raise AutomlcError(f"nothing was decided about {key!r}", hint)
    chosen = records or inside
    lines = [f"{r.key} = {r.decision}\n    from {r.because} ({r.pass_name})" for r in chosen]
    return "\n".join(lines)
