"""What the models find, in the words of the language: missing and unknown keys, their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from automlc.spec.declarations import DOMAINS
from automlc.spec.diagnostics import Diagnostic, Span, quote, swap
from automlc.spec.keys import LAYERED, KeyPath, as_model, dotted, fields_at, find
from automlc.spec.model import Spec
from automlc.spec.samples import sample
from automlc.spec.suggest import DOUBTFUL, nearest
from automlc.spec.wrong_values import what_is_wrong
from automlc.spec.yaml_nodes import ALIAS, MappingNode, Node, ScalarNode

MAX_EXPLAINED = 200  # a file with more mistakes is no spec; each takes a search for what was meant


def explain_validation(
    error: ValidationError, root: Node, model: type[BaseModel], prefix: KeyPath = ()
) -> list[Diagnostic]:
    """A model's errors as diagnostics at their places.

    `prefix` is the path of the model's node below `root`; the compiler checks options of
    searchers and policies with it.
    """
    items = error.errors(include_url=False, include_context=True, include_input=False)
    found = [_explain(item, root, model, prefix) for item in items[:MAX_EXPLAINED]]
    if len(items) > MAX_EXPLAINED and found[-1] is not None:
        more = f"{found[-1].message} (and {len(items) - MAX_EXPLAINED:,} more mistakes)"
        found[-1] = replace(found[-1], message=more)
    return _without_echoes([diagnostic for diagnostic in found if diagnostic is not None])


def _without_echoes(found: list[Diagnostic]) -> list[Diagnostic]:
    """A key in the wrong place is unknown there and missing here; it is said once, there."""
    moved = set()
    for d in found:
        if d.code == "E201" and "belongs" in (d.hint or ""):
            home = re.search(r"in `([\w.]+)`", d.hint or "")
            moved |= {d.key.rsplit(".", 1)[-1], *([home[1]] if home else [])}
    return [d for d in found if not (d.code == "E202" and d.key.rsplit(".", 1)[-1] in moved)]


def _explain(
    item: Mapping[str, Any], root: Node, model: type[BaseModel], prefix: KeyPath
) -> Diagnostic | None:
    loc = tuple(part for part in item["loc"] if part != "[key]")
    path = (*prefix, *loc)
    key = dotted(path)
    found = find(root, path)
    node = found[1] if found else None
    kind = str(item["type"])
    if isinstance(node, ScalarNode) and node.style == ALIAS:
        return None  # refused where it stands; what it meant is unknown
    if kind == "missing":
        return _missing(path, root, model, loc)
    if kind == "extra_forbidden":
        return _unknown_key(path, root, model, loc)
    span = place_of(node, root, path)
    code, message, hint, fix = what_is_wrong(kind, item.get("ctx") or {}, key, node)
    return Diagnostic(code, message, span, hint, key, fix=fix)


def place_of(node: Node | None, root: Node, path: KeyPath) -> Span | None:
    """The value; for an empty value or a long block, the key."""
    if node is None:
        return nearest_place(root, path)
    empty = isinstance(node, ScalarNode) and node.value is None and not node.text
    block = not isinstance(node, ScalarNode) and node.span.line != node.span.end_line
    if empty or block:
        found = find(root, path)
        if found and found[0] is not None:
            return found[0].span
    return node.span


def nearest_place(root: Node, path: KeyPath) -> Span | None:
    """Where the closest part that is there stands, for a key that is not."""
    for end in range(len(path) - 1, 0, -1):
        found = find(root, path[:end])
        if found:
            return (found[0] or found[1]).span
    span = root.span
    return Span(span.file, span.line, span.column, span.line, span.column + 1)


def _missing(path: KeyPath, root: Node, model: type[BaseModel], loc: KeyPath) -> Diagnostic | None:
    key = dotted(path)
    hint = f"add {sample(key, root)}"
    owner = fields_at(model, loc[:-1])
    parent = find(root, path[:-1])
    if parent and isinstance(parent[1], MappingNode) and owner:
        keys = parent[1].items[:MAX_EXPLAINED]
        unknown = [k.text for k, _ in keys if k.text not in owner.model_fields]
        if any(nearest(word, owner.model_fields) == path[-1] for word in unknown):
            return None
    return Diagnostic("E202", f"`{key}` is missing", nearest_place(root, path), hint, key)


def _unknown_key(path: KeyPath, root: Node, model: type[BaseModel], loc: KeyPath) -> Diagnostic:
    key, word = dotted(path), str(path[-1])
    found = find(root, path)
    span = (found[0] or found[1]).span if found else None
    where = dotted(path[:-1])
    owner = fields_at(model, loc[:-1])
    known = list(owner.model_fields) if owner else []
    hint = None
    if model is Spec:
        hint = _elsewhere(word, where, found) or _as_parameter(found, where)
    elif where in _CHOSEN:
        known = [_CHOSEN[where], *known]
        hint = _elsewhere(word, where, found)
    near = nearest(word, (*known, *LAYERED) if model is Spec and not where else known)
    if near and not (hint and near != word):
        hint = f"did you mean {near}?"
    if model is Spec and not (near and near.replace("_", "") == word.lower()):
        hint = hint or _foreign(word, where, near) or (None if near else _near_elsewhere(word))
    hint = hint or (f"did you mean {near}?" if near else f"the keys are {', '.join(known)}")
    message = f"there is no key {quote(word)}" + (f" in `{where}`" if where else "")
    fix = None
    if hint == f"did you mean {near}?":
        fix = swap(span, word, near, safe=word.lower() not in DOUBTFUL)
    return Diagnostic("E201", message, span, hint, key, fix=fix)


def _near_elsewhere(word: str) -> str | None:
    """A mistyped key in the wrong section."""
    homes = _homes(Spec)
    near = nearest(word, homes)
    if near is None:
        return None
    home = f"in `{homes[near]}`" if homes[near] else "at the top of the file"
    return f"did you mean {near}? it belongs {home}"


def _foreign(word: str, where: str, near: str | None) -> str | None:
    """What another tool's word is called here; at the top of the file also for near words."""
    from automlc.spec.foreign import of_key

    said = of_key(word, where)
    return said if where == "" or near is None else None


def _as_parameter(found: tuple[ScalarNode | None, Node] | None, where: str) -> str | None:
    """`lr: float(0, 1)` outside of space.parameters."""
    value = found[1] if found else None
    text = value.text if isinstance(value, ScalarNode) else ""
    is_domain = "(" in text and text.split("(")[0].strip() in DOMAINS
    return (
        "a parameter belongs in `space.parameters`"
        if is_domain and where in ("", "space")
        else None
    )


# The key that names what a section's other keys are options of.
_CHOSEN = {"search": "strategy", "stopping": "policy"}


def _elsewhere(word: str, where: str, found: tuple[ScalarNode | None, Node] | None) -> str | None:
    """Where a known key belongs that stands in the wrong section."""
    homes = _homes(Spec)
    value = found[1] if found else None
    if word == "target" and isinstance(value, ScalarNode) and isinstance(value.value, str):
        homes["target"] = "data"  # a column; task.target is a number
    if word not in homes or homes[word] == where:
        return None
    home = homes[word]
    return f"`{word}` belongs in `{home}`" if home else f"`{word}` belongs at the top of the file"


def _homes(model: type[BaseModel], where: str = "") -> dict[str, str]:
    homes: dict[str, str] = dict.fromkeys(model.model_fields, where)
    # Where several sections have a key, the budget's is what people mean: `epochs`.
    fields = sorted(model.model_fields.items(), key=lambda item: item[0] != "budget")
    for name, info in fields:
        section = as_model(info.annotation)
        if section is not None:
            inner = _homes(section, f"{where}.{name}" if where else name)
            for key, home in inner.items():
                homes.setdefault(key, home)
    return homes
