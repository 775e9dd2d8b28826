"""The JSON Schema (draft 2020-12) of a spec, for editors and other tools."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from automlc.spec.declarations import DOMAINS
from automlc.spec.model import Spec
from automlc.spec.rules import EXAMPLE

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
_EXPRESSION: dict[str, Any] = {
    "title": "Expression",
    "description": "A condition over parameters or a comparison of a metric with a bound: and, or, "
    "not, == != < <= > >=, in [a, b], + - * / // % **, min(), max(), abs(), select(). Text "
    "stands between quotes; numbers may have units (5MB, 20ms, 25%, 250k).",
    "type": ["string", "boolean"],
    "examples": ['optimizer == "sgd"', "depth > 4 and width > 256", "model.size <= 5MB"],
}
_RULE: dict[str, Any] = {
    "title": "Rule",
    "description": "A condition over architecture, convergence, gradient, weights and parameters, "
    "then =>, then actions, best first: name = value, joined by `and` where several values change "
    "at once.",
    "type": "string",
    "examples": [EXAMPLE],
}


def json_schema() -> dict[str, Any]:
    """The schema of a whole spec file."""
    schema: dict[str, Any] = _with_fractions(_with_references(Spec.model_json_schema()))
    definitions = schema.setdefault("$defs", {})
    _describe(schema, Spec)
    definitions["Expression"] = _EXPRESSION
    definitions["Parameter"] = _parameter()
    definitions["Rule"] = _RULE
    _open_options(schema, "Search", "strategy")
    _open_options(schema, "Stopping", "policy")
    _allow_word(schema, "search", "Search")
    _allow_word(schema, "stopping", "Stopping")
    _allow_word(schema, "backend", "Backend")
    _allow_word(schema, "rules", "Rules")
    schema["properties"]["automlc"] = {
        "const": 1,
        "description": schema["properties"]["automlc"]["description"],
        "type": "integer",
    }
    _add_layers(schema)
    return {"$schema": DIALECT, "title": "automlc spec", **schema}


def _add_layers(schema: dict[str, Any]) -> None:
    """`extends` and `profiles`, which are read before the models see the rest.

    Nothing is required of a spec with a base, because it may stand there.
    """
    definitions = schema["$defs"]
    sections = {"task": "Task", "data": "Data"}
    schema["if"] = {"required": ["extends"]}
    schema["then"] = {}
    schema["else"] = {
        "required": schema.pop("required"),
        "properties": {
            key: {"required": definitions[name].pop("required")} for key, name in sections.items()
        },
    }
    models = [name for name, one in definitions.items() if "properties" in one]
    for name in models:
        definitions[f"{name}Part"] = _part(definitions[name], models)
    definitions["Profile"] = {
        **_part({"properties": schema["properties"]}, models),
        "title": "Profile",
        "description": "What is different in this profile; null takes a value away, so that its "
        "default holds.",
        "type": ["object", "null"],
    }
    path = {"type": "string", "minLength": 1, "examples": ["base.yaml"]}
    schema["properties"] |= {
        "extends": {
            "description": "Specs of the project that this one builds on, as paths seen from this "
            "file; later ones stand over earlier ones, and this file over all.",
            "anyOf": [path, {"type": "array", "items": path}],
        },
        "profiles": {
            "description": "Changes of this spec by name, chosen with --profile NAME.",
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"},
            "additionalProperties": {"$ref": "#/$defs/Profile"},
        },
    }


def _part(section: dict[str, Any], models: list[str]) -> dict[str, Any]:
    """A section of which everything may be missing, and every key may be null."""
    properties = {
        key: {
            "description": value["description"],
            "anyOf": [_parts_within(value, models), {"type": "null"}],
        }
        for key, value in section["properties"].items()
    }
    kept = {"additionalProperties": False, **section}
    return {**kept, "properties": properties}


def _parts_within(schema: Any, models: list[str]) -> Any:
    """References to sections as references to their parts."""
    if isinstance(schema, list):
        return [_parts_within(item, models) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if name in models:
        return {**schema, "$ref": f"#/$defs/{name}Part"}
    return {key: _parts_within(value, models) for key, value in schema.items()}


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Texts below the fields of a model as descriptions, here and in all sections below.

    pydantic can do this itself, but then every import pays for reading the source.
    """
    texts = texts_of(model)
    for name, info in model.model_fields.items():
        schema["properties"][name]["description"] = texts[name]
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            definition = schema["$defs"] if "$defs" in schema else schema["definitions"]
            _describe({**definition[section.__name__], "definitions": definition}, section)


def texts_of(model: type[BaseModel]) -> dict[str, str]:
    """Field name -> the text below it in the class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef), "the source of a class is a class"
    texts: dict[str, str] = {}
    for field, text in pairwise(body.body):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            assert isinstance(text, ast.Expr), "checked above"
            assert isinstance(text.value, ast.Constant), "checked above"
            texts[field.target.id] = inspect.cleandoc(str(text.value.value)).replace("\n", " ")
    return texts


def _with_references(schema: Any) -> Any:
    """Marks of spec/model.py as references to the definitions written here."""
    if isinstance(schema, list):
        return [_with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _with_references(value) for key, value in schema.items() if key != "$comment"}
    return out if "$comment" not in schema else {**out, "$ref": f"#/$defs/{schema['$comment']}"}


# What pydantic leaves of bounds that stand behind a validator -> their names in a schema.
_BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def _with_fractions(schema: Any) -> Any:
    """Fractions with their bounds, and as percentages."""
    if isinstance(schema, list):
        return [_with_fractions(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") != "number" or not _BOUNDS.keys() & schema.keys():
        return {key: _with_fractions(value) for key, value in schema.items()}
    number = {name: schema[key] for key, name in _BOUNDS.items() if key in schema}
    percent = {"type": "string", "pattern": r"^\s*(\d+(\.\d*)?|\.\d+)\s*%\s*$", "examples": ["20%"]}
    kept = {key: value for key, value in schema.items() if key not in (*_BOUNDS, "type")}
    return {**kept, "anyOf": [{"type": "number", **number}, percent]}


def _open_options(schema: dict[str, Any], name: str, word: str) -> None:
    """Options stand beside the word, and which there are depends on it."""
    section = schema["$defs"][name]
    section["properties"].pop("options")
    section["additionalProperties"] = {"description": f"An option of the {word}."}


def _allow_word(schema: dict[str, Any], key: str, name: str) -> None:
    section = schema["properties"][key]
    description = section.get("description", "")
    words = schema["$defs"][name]["properties"].get("kind", {"type": "string"})
    short = {k: v for k, v in words.items() if k in ("const", "enum", "type")}
    schema["properties"][key] = {
        "anyOf": [short, {"$ref": f"#/$defs/{name}"}],
        "description": description,
    }


def _parameter() -> dict[str, Any]:
    """A text such as `int(1, 8)`, a fixed value, or a mapping with one domain."""
    bounds: dict[str, Any] = {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 2,
        "maxItems": 3,
    }
    items: dict[str, Any] = {"type": "array", "items": _SCALAR, "minItems": 1}
    forms: dict[str, Any] = dict.fromkeys(DOMAINS, bounds)
    forms |= {"choice": items, "fixed": _SCALAR}
    shared = {
        "step": {"type": "integer", "minimum": 1, "description": "Distance of whole numbers."},
        "default": {**_SCALAR, "description": "The value tried first."},
        "when": {
            "$ref": "#/$defs/Expression",
            "description": "The parameter exists only when this holds.",
        },
    }
    described = {k: {**v, "description": f"As in {DOMAINS[k].usage}."} for k, v in forms.items()}
    return {
        "title": "Parameter",
        "description": "What may be chosen: "
        + ", ".join(k.usage for k in DOMAINS.values())
        + ", or a single value that stays fixed.",
        "anyOf": [
            _SCALAR,
            {
                "type": "object",
                "properties": {**described, **shared},
                "oneOf": [{"required": [name]} for name in DOMAINS],
                "additionalProperties": False,
            },
        ],
        "examples": [kind.usage for kind in DOMAINS.values()],
    }
