"""`automlc ls`: everything that a spec may name, in lists."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from automlc.spec.errors import AutomlcError

if TYPE_CHECKING:
    from automlc.compiler.catalog.entry import Entry, Topic

SCHEMA = "automlc.ls/1"
_NARROW = 60  # columns of a terminal below which lines are not filled


@click.command("ls", short_help="List what a spec may name: presets, ops, searchers and more.")
@click.argument("topic", required=False)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON (automlc.ls/1).")
def command(topic: str | None, name: str | None, as_json: bool) -> None:
    """List what a spec may name.

    Without TOPIC, the topics. With TOPIC (presets, ops, searchers, ...) its names, one a line. With
    NAME everything about one of them: options with their values and defaults.
    """
    from automlc.compiler.catalog.topics import TOPICS

    if topic is None:
        _print_topics(TOPICS.values(), as_json)
        return
    found = TOPICS.get(topic)
    if found is None:
        raise _unknown("topic", topic, list(TOPICS))
    _load_plugins()
    entries = found.list()
    if name is not None:
        names = dict.fromkeys(entry.name for entry in entries)
        entries = tuple(entry for entry in entries if entry.name == name)
        if not entries:
            raise _unknown(f"name among the {found.name}", name, list(names))
    if as_json:
        _print_json({"topic": found.name, "entries": [entry.to_json() for entry in entries]})
    elif name is None:
        click.echo("\n".join(_rows((entry.name, _one_line(entry)) for entry in entries)))
    else:
        click.echo("\n\n".join(_full(found, entry) for entry in entries))


def _unknown(what: str, word: str, known: Sequence[str]) -> AutomlcError:
    from automlc.spec.suggest import nearest

    near = nearest(word, known)
    listed = ", ".join(known[:30]) + (", ..." if len(known) > 30 else "")
    return AutomlcError(
        f"there is no {what} called {word!r}",
        f"did you mean {near!r}?" if near else f"there are: {listed}",
    )


def _load_plugins() -> None:
    """Names of installed plug-ins are listed too; one that is broken is said, the rest shown."""
    from automlc.cli.main import complain
    from automlc.runtime.plugins import load_plugins

    try:
        load_plugins()
    except AutomlcError as error:
        complain("warning", error.message, error.hint)


def _print_topics(topics: Iterable[Topic], as_json: bool) -> None:
    listed = [(topic.name, topic.title) for topic in topics]
    if as_json:
        _print_json({"topics": [{"name": name, "title": title} for name, title in listed]})
        return
    click.echo("\n".join(_rows(listed)))


def _print_json(data: dict[str, Any]) -> None:
    value = {"schema": SCHEMA, **data}
    click.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def _one_line(entry: Entry) -> str:
    origin = "" if entry.package == "automlc" else f"  (from {entry.package})"
    return f"{entry.summary}{origin}"


def _rows(rows: Iterable[tuple[str, ...]], indent: str = "") -> list[str]:
    """Aligned columns; the last one is filled to a terminal's width, and left alone in a pipe."""
    listed = [tuple(_clean(cell) for cell in row) for row in rows]
    if not listed:
        return []
    sizes = [max(len(row[i]) for row in listed) for i in range(len(listed[0]) - 1)]
    lines: list[str] = []
    for row in listed:
        start = indent + "".join(f"{cell:{size}}  " for cell, size in zip(row, sizes, strict=False))
        lines += _fill(start, row[-1])
    return lines


def _clean(cell: str) -> str:
    from automlc.spec.diagnostics import clean

    return " ".join(clean(cell).replace("`", "").split())


def _fill(start: str, text: str) -> list[str]:
    width = shutil.get_terminal_size().columns
    if not sys.stdout.isatty() or width < _NARROW or len(start) > width - 24:
        return [(start + text).rstrip()]
    filled = textwrap.wrap(
        text,
        width,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
    )
    return filled or [start.rstrip()]


def _full(topic: Topic, entry: Entry) -> str:
    """One entry with all that is known of it."""
    lines = [_clean(entry.name), *_fill("  ", _clean(entry.summary))]
    facts = dict(entry.facts)
    if entry.package != "automlc":
        facts["package"] = entry.package
    lines += _rows(facts.items(), "  ")
    if entry.options:
        lines += ["", f"  {topic.takes}"]
        heads = ("", "values", "default", "meaning")
        rows = [
            (
                option.name,
                option.values,
                "required" if option.default is None else option.default,
                "; ".join(part for part in (option.meaning, option.only) if part),
            )
            for option in entry.options
        ]
        lines += _rows([heads, *rows], "    ")
    return "\n".join(lines)
