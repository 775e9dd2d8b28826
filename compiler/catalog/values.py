"""JSON Schemas of values in words: `whole number, 1 to 64`, `tpe or random`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from automlc.compiler.catalog.entry import Option
from automlc.spec.schema import texts_of

_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}


def options_of(model: type[BaseModel]) -> tuple[Option, ...]:
    """The options that a model of options checks, with their texts."""
    schema = model.model_json_schema()
    try:
        texts = texts_of(model)
    except (OSError, TypeError):  # a plug-in without its source
        texts = {}
    required = schema.get("required", [])
    return tuple(
        Option(
            name,
            in_words(value, schema.get("$defs", {})),
            None if name in required else shown(value.get("default")),
            texts.get(name, ""),
        )
        for name, value in schema.get("properties", {}).items()
    )


def in_words(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What a JSON Schema allows, for people; "" where it says nothing.

    >>> in_words({"type": "integer", "minimum": 1}, {})
    'whole number, at least 1'
    >>> in_words({"enum": ["adaptive", "greedy", "beam"]}, {})
    '`adaptive`, `greedy` or `beam`'
    """
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        known = {"Expression": "condition", "Rule": "rule", "Parameter": "parameter"}
        return known.get(name) or "mapping"
    if "anyOf" in schema:
        kinds = [in_words(part, definitions) for part in schema["anyOf"] if not is_null(part)]
        return either([kind for kind in dict.fromkeys(kinds) if kind])
    if "const" in schema or "enum" in schema:
        return either([f"`{value}`" for value in schema.get("enum", [schema.get("const")])])
    if isinstance(schema.get("type"), list):
        kinds = [_TYPES[kind] for kind in schema["type"] if kind != "null"]
        return either(kinds)
    if schema.get("type") == "array":
        return _list(schema, definitions)
    if "pattern" in schema and "examples" in schema:
        kind = "size" if schema["pattern"].endswith("B$") else "duration"
        return f"{kind}, such as " + " or ".join(f"`{example}`" for example in schema["examples"])
    kind = _TYPES.get(str(schema.get("type")), "")
    held = schema.get("additionalProperties")
    if schema.get("type") == "object" and isinstance(held, Mapping) and held:
        kind = f"mapping of names to {in_words(held, definitions) or 'values'}"
    return ", ".join(part for part in (kind, bounds(schema)) if part)


def is_null(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "null"


def either(words: list[str]) -> str:
    """
    >>> either(["a"]), either(["a", "b", "c"])
    ('a', 'a, b or c')
    """
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _list(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    held = in_words(schema.get("items", {}), definitions)
    if schema.get("minItems") == schema.get("maxItems") and "minItems" in schema:
        return f"list of {schema['minItems']} {held or 'value'}s"
    return f"list of {held}s" if held and " or " not in held else "list"


def bounds(schema: Mapping[str, Any]) -> str:
    """The bounds of a number.

    >>> bounds({"exclusiveMinimum": 0, "maximum": 1}), bounds({"minimum": 1, "maximum": 64})
    ('above 0, at most 1', '1 to 64')
    """
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if high == 2**63 - 1 or below == 2**63:
        high = below = None  # as large as a number of this language may be
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}"
    parts = [
        f"at least {_number(low)}" if low is not None else "",
        f"above {_number(above)}" if above is not None else "",
        f"at most {_number(high)}" if high is not None else "",
        f"below {_number(below)}" if below is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def shown(value: object) -> str:
    """A default as one writes it in a spec; `not set` where there is no value.

    >>> shown(True), shown(0.05), shown(None), shown([]), shown("tpe")
    ('true', '0.05', 'not set', '[]', 'tpe')
    """
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return "{}" if value == {} else str(value)
