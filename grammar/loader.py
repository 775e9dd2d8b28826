"""Parsers from grammar files, with their tables built ahead.

Building LALR tables takes longer than all else that `validate` does, so the tables of each grammar
lie beside it as JSON. They are used when they were made from this grammar by this version of lark;
otherwise the parser is built from the grammar. After changing a grammar:

    PYTHONHASHSEED=0 python -m automlc.grammar.loader
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import lark

FOLDER = Path(__file__).parent
GRAMMARS = ("expr",)
_OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "contextual",
    "keep_all_tokens": True,
    "start": ["start", "rule", "action"],
    "maybe_placeholders": False,
}


@cache
def text(name: str) -> str:
    """The grammar's own text."""
    return (FOLDER / f"{name}.lark").read_text(encoding="utf-8")


def parser(name: str, transformer: object) -> lark.Lark:
    """A LALR parser that calls the transformer's methods, named as rules, while it reads."""
    tables = _tables(name)
    if tables is None:
        return lark.Lark(text(name), transformer=transformer, **_OPTIONS)
    # The way of lark's own stand-alone parsers.
    load: Any = lark.Lark._load_from_dict
    made: lark.Lark = load(tables["data"], tables["memo"], transformer=transformer)
    return made


def _tables(name: str) -> dict[str, Any] | None:
    """The tables, when they fit this grammar and this lark."""
    try:
        tables_text = (FOLDER / f"{name}.tables.json").read_text(encoding="utf-8")
        tables: dict[str, Any] = json.loads(tables_text, object_hook=_with_numbers)
    except (OSError, ValueError):
        return None
    fits = tables.get("lark") == lark.__version__ and tables.get("grammar") == _mark(name)
    return tables if fits else None


def _with_numbers(pairs: dict[str, Any]) -> dict[Any, Any]:
    """States and references are numbered; JSON made texts of the numbers."""
    if not next(iter(pairs), "").isdigit():
        return pairs
    return {int(key): value for key, value in pairs.items()}


def _mark(name: str) -> int:
    return crc32(text(name).encode())


def build_tables(name: str) -> str:
    """The JSON text of a grammar's tables."""
    built = lark.Lark(text(name), **_OPTIONS)
    data, memo = built.memo_serialize([lark.lexer.TerminalDef, lark.grammar.Rule])
    tables = {"lark": lark.__version__, "grammar": _mark(name), "data": data, "memo": memo}
    return json.dumps(tables, sort_keys=True, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    for grammar in GRAMMARS:
        (FOLDER / f"{grammar}.tables.json").write_text(build_tables(grammar), encoding="utf-8")
