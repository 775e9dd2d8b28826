"""Hints that show YAML, said as the DSL for a mistake in an `.aml` file."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from automlc.spec.diagnostics import Diagnostic
from automlc.spec.yaml_nodes import MappingNode, parse_yaml

# A key with a value of one word, call, text, or pair of brackets with at most one more inside; or
# such a pair of braces alone.
_BRACES = r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}"
_PAIR = re.compile(
    rf"""(?<![\w.$-])(?:
        (?P<key>[a-z_]+):\ (?:
            {_BRACES} | \[[^\[\]]*\] | "[^"]*" | \w+\([^()]*\)
            | [^\s,;:{{}}\[\]()"]+(?![\w:(])
        )
        | (?P<alone>{_BRACES})
    )""",
    re.VERBOSE,
)
# What is no pair, or reads better otherwise.
_OWN = (
    ("write one `- ` for each, such as - model.size", "write constrain model.size"),
    ("write one `- ` for each, such as - depth", "write forbid depth"),
    ("write one `- ` for each, such as - ", "write when "),
    ("or write one `- ` for each", "or write a statement for each"),
    ("have keys: {int: [1, 8], default: 3}", "follow the domain: int(1, 8) default 3"),
    ("is the key: {float: [0, 1]} or {choice: [a, b]}", "begins the domain: float(0, 1)"),
    ("or {int: [1, 9], step: 2}", "or int(1, 9) step 2"),
    (
        "write {kind: keras, engine: tensorflow}",
        "write backend keras, and engine tensorflow in its block",
    ),
    ("between { and } put", "put"),
    ("write name: domain, such as lr: log_uniform", "write lr ~ log_uniform"),
    ("in a list: {float: [0, 1]} or {int: [1, 8]}", "in brackets: float [0, 1] or int [1, 8]"),
)


def said_as_dsl(diagnostic: Diagnostic) -> Diagnostic:
    """The diagnostic of an `.aml` file with its hint in the words of that surface."""
    if diagnostic.hint is None:
        return diagnostic
    hint = diagnostic.hint
    for yaml, dsl in _OWN:
        hint = hint.replace(yaml, dsl)
    return replace(diagnostic, hint=_PAIR.sub(_statement, hint))


@cache
def _keys() -> frozenset[str]:
    """Words that are keys of the language; others before a colon are prose."""
    from pydantic import BaseModel

    from automlc.spec.domains import DOMAINS
    from automlc.spec.model import Spec

    found, models = {*DOMAINS, "default", "step", "when"}, [Spec]
    while models:
        for name, info in models.pop().model_fields.items():
            found.add(name)
            if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
                models.append(info.annotation)  # type: ignore[arg-type]  # a section
    return frozenset(found)


def _statement(match: re.Match[str]) -> str:
    from automlc.spec.aml_text import aml_text

    alone, key = match["alone"], match["key"]
    if key is not None and key not in _keys():
        return match[0]
    root, found = parse_yaml(f"x: {alone}" if alone else match[0], "")
    if found or not isinstance(root, MappingNode):
        return match[0]
    text = aml_text(root).strip().removesuffix(" {}")
    return match[0] if "\n" in text else text.removeprefix("x ") if alone else text
