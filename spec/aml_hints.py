"""Hints and words of YAML, said as the DSL for a mistake in an `.aml` file."""

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
            | [^\s,;:{{}}\[\]()"]+(?::[^\s,;:{{}}\[\]()"]+)?(?![\w:(])
        )
        | (?P<alone>(?=\{{\w+:\ ){_BRACES})
    )""",
    re.VERBOSE,
)
# A layer with arguments, and a branch or a block that holds layers.
_LAYER = re.compile(r"(?<![\w.$-])(?:- )?(?P<name>[a-z]\w*): \{(?P<args>[^{}\[\]]*)\}")
_HOLDER = re.compile(r"(?<![\w.$-])(?P<name>[^\s`:]+): \[layers\]")
_CLAUSES = re.compile(r"have keys: \{(\w+): \[([^\]]*)\], default: 3\}")
# Words of messages.
_WORDS = (
    ("a mapping of names to blocks", "a block of named blocks"),
    ("a mapping", "a block"),
    ("or `operation: {arguments}`", "or operation(argument=value)"),
    ("needs `body:`", "needs a block of layers"),
    ("needs `of:`", "needs a block of branches"),
    ("are `name: value` pairs", "stand in parentheses, as name=value"),
)
# What is no pair, or reads better otherwise.
_OWN = (
    ("remove the dashes: a section has keys, not items", "write its statements between { and }"),
    ("write one `- ` for each constraint", "write one constrain statement for each"),
    ("begin each layer with `- `, such as - flatten", "write model { … }, with the layers in it"),
    ("write name: [...]", "write block name { … }"),
    ("start each layer with its own `- `", "write each layer as a statement of its own"),
    ("write - flatten, or - dense: {units: 64}", "write flatten, or dense(units=64)"),
    ("(or `[]` for nothing)", "(or {} for nothing)"),
    ("add body: below repeat, in the same column", "write repeat 3 { … }"),
    ("add body: below residual, in the same column", "write residual { … }"),
    ("add of: below choice, in the same column", "write choice k { a { … }; b { … } }"),
    (", in the same column", ""),
    ("space: {model: [...]}", "space { model { … } }"),
    ("space: {parameters: …}", "space { lr ~ … }"),
    ("in space.parameters", "in `space`"),
    ("space.parameters.", "in `space`, as "),
    (
        "Keras on torch is {kind: keras, engine: torch}",
        "Keras on torch is backend keras { engine torch }",
    ),
    ("put it between quotes: name: ", "put it between quotes: name "),
    ("extends: base.yaml", "extends base.aml"),
    ("then task: and data:", "then task and data"),
    ("write a space after the colon", "write a blank, and no colon"),
    ("with its options beside it", "with its options in its block"),
    ('write the domain without x, such as lr: "float(0, 1)"', "write lr ~ float(0, 1)"),
    ("write preset: ", "write space "),
    ("`when:`", "`when`"),
    ("`model:`", "`model`"),
    ("`backbones:`", "`backbones`"),
    ("`embeddings:`", "`embeddings`"),
    ("and data:", "and data"),
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
    message, hint = diagnostic.message, diagnostic.hint
    for yaml, dsl in _WORDS:
        message = message.replace(yaml, dsl)
    if diagnostic.code not in _AS_THEY_ARE and hint is not None:
        hint = statements(hint)
    if (message, hint) == (diagnostic.message, diagnostic.hint):
        return diagnostic
    return replace(diagnostic, message=message, hint=hint)


# Codes of statements: what is said of them speaks the DSL already.
_AS_THEY_ARE = frozenset(("E113", "E114", "E115", "E116", "E117", "E119"))


def statements(hint: str) -> str:
    """A hint with its examples as statements."""
    for yaml, dsl in _OWN:
        hint = hint.replace(yaml, dsl)
    hint = re.sub(
        r"have keys: \{(\w+): \[([^\]]*)\], default: 3\}",
        r"follow the domain: \1(\2) default 3",
        hint,
    )
    return _PAIR.sub(_statement, _LAYER.sub(_layer, _HOLDER.sub(r"\g<name> { layers }", hint)))


def _layer(match: re.Match[str]) -> str:
    """`dense: {units: 64}` as a layer; keys of the language are none."""
    if match["name"] in _keys():
        return match[0]
    return f"{match['name']}({match['args'].replace(': ', '=')})"


def sample(key: str) -> str | None:
    """An example of a key with its value, as a statement."""
    from automlc.spec.samples import SAMPLES

    return statements(SAMPLES[key]) if key in SAMPLES else None


@cache
def _keys() -> frozenset[str]:
    """Words that are keys of the language; others before a colon are prose."""
    from pydantic import BaseModel

    from automlc.spec.declarations import DOMAINS
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
