"""The sections of a spec and their keys, from the models and their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from automlc.compiler.catalog.entry import Entry, Option
from automlc.compiler.catalog.values import bounds, in_words, is_null, shown
from automlc.spec.model import Duration, Fraction, Section, Spec
from automlc.spec.schema import json_schema


@cache
def _schema() -> Mapping[str, Any]:
    return json_schema()


def sections() -> tuple[Entry, ...]:
    """The spec itself under the name `spec`, then every section, with its keys as options."""
    return tuple(_section(name, model) for name, model in _models())


def _models() -> Iterator[tuple[str, type[Section]]]:
    """Dotted name and model of every section, in the order of the keys."""
    yield "spec", Spec
    yield from _below(Spec, "")


def _below(model: type[Section], prefix: str) -> Iterator[tuple[str, type[Section]]]:
    for name, info in model.model_fields.items():
        held = info.annotation
        if isinstance(held, type) and issubclass(held, Section):
            yield f"{prefix}{name}", held
            yield from _below(held, f"{prefix}{name}.")


def _section(name: str, model: type[Section]) -> Entry:
    schema = _schema() if model is Spec else _schema()["$defs"][model.__name__]
    options = tuple(_key(key, value, model) for key, value in schema["properties"].items())
    return Entry(name, (model.__doc__ or "").strip(), options)


def _key(name: str, schema: Mapping[str, Any], model: type[Section]) -> Option:
    info = model.model_fields.get(name)
    if info is None:  # read before the models see a spec
        words = in_words(schema, _schema()["$defs"])
        return Option(name, words, shown(None), schema.get("description", ""))
    parts = [part for part in schema.get("anyOf", [schema]) if not is_null(part)]
    is_section = isinstance(info.annotation, type) and issubclass(info.annotation, Section)
    words = "section" if is_section else in_words({"anyOf": parts}, _schema()["$defs"])
    if is_section and len(parts) > 1:
        words = "word or section"
    if _is(info, Fraction):
        # JSON Schemas of values that are read by a function have no bounds.
        limits = bounds({key: value for mark in _marks(info) for key, value in _limit(mark)})
        words = f"fraction, {limits}, or a percentage" if limits else "fraction or percentage"
    if info.is_required():
        default = None
    elif is_section or words == "section":
        default = ""
    else:
        default = _default(info)
    return Option(name, words, default, schema.get("description", ""))


def _default(info: Any) -> str:
    value = info.default
    if _is(info, Duration) and isinstance(value, float):
        return f"{value / 60:g}min" if value >= 60 else f"{value:g}s"
    return '""' if value == "" else shown(value)


_LIMITS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def _marks(info: Any) -> Iterator[Any]:
    """What is annotated to a field or to one of the types it may be."""
    yield from info.metadata
    for part in get_args(info.annotation):
        for mark in getattr(part, "__metadata__", ()):
            yield from getattr(mark, "metadata", [mark])


def _limit(mark: Any) -> list[tuple[str, Any]]:
    return [(key, getattr(mark, name)) for name, key in _LIMITS.items() if hasattr(mark, name)]


def _is(info: Any, alias: Any) -> bool:
    """Whether a field is a quantity of that kind, also one that may be left out."""
    mark = repr(alias.__metadata__[0])
    return mark in repr(info.metadata) or mark in repr(info.annotation)
