"""`automlc explain`: a diagnostic code, or a value of a spec and where it came from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import click

from automlc.cli.common import data_root_option, default_spec, variant_of, variant_options
from automlc.spec.errors import AutomlcError


@click.command("explain", short_help="Explain a diagnostic code, or where a value came from.")
@click.argument("what")
@click.argument("spec", required=False, type=click.Path(path_type=Path))
@variant_options
@data_root_option
def command(
    what: str,
    spec: Path | None,
    profile: str | None,
    overrides: tuple[str, ...],
    data_root: tuple[Path, ...],
) -> None:
    """Explain WHAT: a code such as E201, or a key such as budget.epochs.

    A key needs SPEC (a spec, a project folder or a graph.json; default: task.yaml here).
    """
    if re.fullmatch(r"[EWew]\d{3}", what):
        click.echo(_code(what.upper()))
        return
    path = spec or default_spec()
    if not path.exists():
        hint = "name the spec: automlc explain KEY SPEC"
        if Path(what).exists():
            hint = f"the key comes first: automlc explain {path} {what}"
        raise AutomlcError(f"there is no file {path}", hint)
    if path.is_dir() or path.suffix == ".json":
        variant_of(path, profile, overrides)
        click.echo(_recorded(what, path, data_root))
    else:
        click.echo(_key(what, path, profile, overrides, data_root))


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


def _recorded(key: str, path: Path, roots: tuple[Path, ...]) -> str:
    """A key of a compiled project: what its passes recorded."""
    from automlc.cli.graph import read_graph
    from automlc.spec.load import PLAIN

    graph, _ = read_graph(path, roots, PLAIN)
    records = {r.key: r for r in graph.records}
    chosen = [records[name] for name in _chosen(key, records, "nothing was decided about")]
    return "\n".join(
        f"{r.key} = {r.decision}\n    from {r.because} ({r.pass_name})" for r in chosen
    )


def _key(
    key: str, path: Path, profile: str | None, overrides: tuple[str, ...], roots: tuple[Path, ...]
) -> str:
    """A key of a spec: every key of the language has a value that comes from somewhere."""
    from automlc.compiler.checks import load_checked
    from automlc.compiler.driver import compile_spec
    from automlc.compiler.resolved import Values

    loaded = load_checked(path, variant_of(path, profile, overrides))
    graph, _ = compile_spec(loaded, roots)
    known = Values(loaded, graph.records)
    chosen = [known.value(name) for name in _chosen(key, known.keys(), "there is no key")]
    return "\n".join(one.sentence() for one in chosen)


def _chosen(key: str, known: Iterable[str], problem: str) -> list[str]:
    """The key itself, keys that end in it, or else the keys inside it."""
    from automlc.spec.suggest import nearest

    known = list(known)
    found = [k for k in known if k == key or k.endswith(f".{key}")]
    found = found or [k for k in known if k.startswith((f"{key}.", f"{key}["))]
    if not found:
        near = nearest(key, sorted(known))
        hint = f"did you mean {near}?" if near else "such as budget.epochs or space.parameters.lr"
        raise AutomlcError(f"{problem} {key!r}", hint)
    return found
