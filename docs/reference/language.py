"""Writes docs/language.md: the prose of language.in.md, with tables of the models put in.

    python docs/reference/language.py            says whether docs/language.md is up to date
    python docs/reference/language.py --write    writes it

A line `<!-- table: NAME [ARGUMENT] -->` of the prose stands for a table; TABLES has the names.
Prose goes into language.in.md, a key's meaning below the key in spec/model.py, an option's below
the option, what a preset or a group is into compiler/catalog.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from automlc.compiler.catalog import running, searching, sections, spaces
from automlc.compiler.catalog.entry import Entry, Option
from automlc.runtime.fairness import FAIRNESS

HERE = Path(__file__).resolve().parent
PROSE = HERE / "language.in.md"
PAGE = HERE.parent / "language.md"
GRAMMAR = HERE.parents[1] / "grammar" / "expr.lark"
_MARK = re.compile(r"^<!-- table: (\w+)(?: (\S+))? -->$", re.MULTILINE)
NOTICE = (
    "<!-- Written by docs/reference/language.py; the prose is docs/reference/language.in.md. -->"
)


def page() -> str:
    """The whole document."""
    prose = PROSE.read_text(encoding="utf-8")
    body = _MARK.sub(lambda mark: TABLES[mark[1]](mark[2] or "").rstrip("\n"), prose)
    return f"{NOTICE}\n\n{body}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a column that is empty in every row is left out."""
    listed = [[_cell(cell) for cell in row] for row in rows]
    kept = [i for i in range(len(heads)) if any(row[i] for row in listed)]
    lines = [[heads[i] for i in kept], ["---"] * len(kept), *([r[i] for i in kept] for r in listed)]
    return "\n".join("".join(_framed(cell) for cell in line) + "|" for line in lines)


def _framed(cell: str) -> str:
    if cell == "---":
        return "|---"
    return f"| {cell} " if cell else "| "


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def keys(name: str) -> str:
    """The keys of a section; other sections are named by their place."""
    prefix = "" if name == "spec" else f"{name}."
    rows = [_key(option, prefix) for option in _entry(sections.sections(), name).options]
    return table(["key", "values", "default", "meaning"], rows)


def _key(option: Option, prefix: str) -> list[str]:
    values = option.values
    if "section" in values:
        values = f"{values}: [{prefix}{option.name}](#{_anchor(prefix + option.name)})"
    return [code(option.name), values, _default(option), option.meaning]


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _entry(entries: Iterable[Entry], name: str) -> Entry:
    return next(entry for entry in entries if entry.name == name)


def domains(_: str) -> str:
    rows = [[code(entry.facts["usage"]), entry.summary] for entry in spaces.domains()]
    return table(["domain", "values"], rows)


def training(_: str) -> str:
    rows = [
        [code(e.name), e.facts["values"], code(e.facts["default"]), e.summary]
        for e in spaces.parameters()
    ]
    return table(["parameter", "values", "default", "meaning"], rows)


def presets(name: str) -> str:
    """The parameters of one preset, without its groups."""
    preset = _entry(spaces.presets(), name)
    plain = [option for option in preset.options if not option.only.startswith("expand")]
    rows = [
        [code(o.name), code(o.values), code(o.default or ""), code(o.only.removeprefix("when "))]
        for o in plain
    ]
    return table(["parameter", "domain", "default", "exists when"], rows)


def groups(of: str) -> str:
    """The groups of one preset, or (without a name) those of every preset."""
    found = [e for e in spaces.groups() if e.facts["of"] == (of or "every preset")]
    rows = [
        [code(entry.name), code(o.name), code(o.values), code(o.only.removeprefix("when "))]
        for entry in found
        for o in entry.options
    ]
    heads = ["group", "parameter", "domain", "exists when"]
    return table(
        heads, [_without_repeat(row, rows[i - 1] if i else None) for i, row in enumerate(rows)]
    )


def _without_repeat(row: list[str], before: list[str] | None) -> list[str]:
    """A row whose first cell is left empty where it is that of the row before."""
    return ["", *row[1:]] if before is not None and before[0] == row[0] else row


def operations(_: str) -> str:
    rows = [
        [code(e.name), e.facts["takes"], "; ".join(map(_argument, e.options)), e.summary]
        for e in spaces.operations()
    ]
    return table(["operation", "input", "arguments", "what it does"], rows)


def _argument(option: Option) -> str:
    default = "required" if option.default is None else f"default {option.default}"
    return f"{code(option.name)}: {option.values}, {default}"


def constants(_: str) -> str:
    rows = [[code(e.name), e.facts["inputs"], e.summary] for e in spaces.constants()]
    return table(["name", "inputs", "meaning"], rows)


def functions(_: str) -> str:
    rows = [[code(e.facts["usage"]), e.summary] for e in spaces.functions()]
    return table(["function", "value"], rows)


def units(_: str) -> str:
    return table(["unit", "stands for"], [[code(e.name), e.summary] for e in running.units()])


def grammar(_: str) -> str:
    """The rules of the grammar as they are, without its comments and terminals."""
    lines = GRAMMAR.read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("//")]
    end = next(i for i, line in enumerate(rules) if re.match(r"[A-Z]+[.:]", line))
    return "```lark\n" + "\n".join(rules[:end]).strip() + "\n```"


def metrics(_: str) -> str:
    rows = [
        [code(e.name), e.summary, e.facts["goal"], e.facts["tasks"].replace("_", " ")]
        for e in searching.metrics()
    ]
    return table(["metric", "what it is", "goal", "tasks"], rows)


def constraints(_: str) -> str:
    rows = [[code(e.name), e.summary, code(e.facts["usage"])] for e in searching.constraints()]
    return table(["metric", "what it is", "such as"], rows)


def fairness(_: str) -> str:
    rows = [
        [code(f"{m.name}(COLUMN) {m.better} BOUND"), m.title, _ROWS[m.rows]]
        for m in FAIRNESS.values()
    ]
    return table(["constraint", "what it compares", "rows that it divides by"], rows)


_ROWS = {
    "all": "those of each group",
    "each class": "those of each group and class",
    "positive class": "those of each group in the positive class",
}


def strategies(which: str) -> str:
    """Searchers or stopping policies with their options."""
    found = {"searchers": searching.searchers, "stopping": searching.policies}[which]()
    word = {"searchers": "strategy", "stopping": "policy"}[which]
    rows = [[code(entry.name), entry.summary, entry.facts.get("needs", "")] for entry in found]
    options = [
        [code(entry.name), code(o.name), o.values, _default(o), o.meaning]
        for entry in found
        for o in entry.options
    ]
    listed = [_without_repeat(row, options[i - 1] if i else None) for i, row in enumerate(options)]
    heads = [word, "option", "values", "default", "meaning"]
    return f"{table([word, 'how it decides', 'needs'], rows)}\n\n{table(heads, listed)}"


def _default(option: Option) -> str:
    if option.default is None:
        return "required"
    return option.default if option.default == "not set" else code(option.default)


def definitions(_: str) -> str:
    """The thresholds of each definition side by side."""
    found = searching.definitions()
    rows = [
        [code(option.name), *(_entry(found, e.name).options[i].default or "" for e in found)]
        for i, option in enumerate(found[0].options)
    ]
    return table(["threshold", *(code(entry.name) for entry in found)], rows)


def conditions(_: str) -> str:
    rows = [[code(e.name), e.facts["values"], e.summary] for e in searching.conditions()]
    return table(["name", "values", "what it tells"], rows)


def tables(_: str) -> str:
    return table(
        ["table", "what it holds"], [[code(e.name), e.summary] for e in searching.tables()]
    )


def sources(_: str) -> str:
    rows = [[code(entry.name), entry.summary] for entry in running.sources()]
    return table(["source", "what it is"], rows)


TABLES: dict[str, Callable[[str], str]] = {
    "keys": keys,
    "domains": domains,
    "training": training,
    "preset": presets,
    "groups": groups,
    "operations": operations,
    "constants": constants,
    "functions": functions,
    "units": units,
    "grammar": grammar,
    "metrics": metrics,
    "constraints": constraints,
    "fairness": fairness,
    "strategies": strategies,
    "definitions": definitions,
    "conditions": conditions,
    "rules": tables,
    "sources": sources,
}


def main(arguments: Sequence[str]) -> int:
    """Write the page, or say whether it is up to date."""
    text = page()
    if "--write" in arguments:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == text:
        return 0
    print("docs/language.md is out of date: make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
