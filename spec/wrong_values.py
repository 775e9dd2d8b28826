"""Values of a wrong type or out of bounds: what was expected, and the edit that mends them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from automlc.spec.diagnostics import Fix, clean, put, swap
from automlc.spec.samples import SAMPLES
from automlc.spec.suggest import DOUBTFUL, nearest
from automlc.spec.units import UnitError, parse_count
from automlc.spec.yaml_nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    boolean_word,
    kind_of,
    text_span,
)

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
}
_LIMITS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
Said = tuple[str, str, str | None, Fix | None]


def what_is_wrong(kind: str, context: Mapping[str, Any], key: str, node: Node | None) -> Said:
    """Code, message, hint and fix of one of pydantic's error types."""
    got = kind_of(node) if node is not None else "nothing"
    if kind == "automlc":
        fix = rewritten(node, context["instead"] or None, safe=context["code"] != "E208")
        return context["code"], f"{context['message']}", context["hint"] or None, fix
    if kind == "literal_error":
        return _not_allowed(str(context.get("expected", "")), key, got, node)
    if kind in _LIMITS:
        name, word = _LIMITS[kind]
        bound = context[name]
        shown = f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"
        message = f"`{key}` must be {word} {shown}, got {got}"
        hint, instead = _fraction_hint(key, node)
        return "E205", message, hint, rewritten(node, instead)
    if kind in ("too_short", "too_long"):
        count = context["actual_length"]
        values = "value" if count == 1 else "values"
        return "E203", f"`{key}` has {count} {values}", _count_hint(context), None
    if kind == "string_too_short":
        return "E203", f"`{key}` is empty", "write a value, or remove the key", None
    if kind not in _EXPECTED:
        return "E203", f"`{key}` cannot be {got}", None, None
    expected = _EXPECTED[kind]
    if isinstance(node, ScalarNode) and re.search(r"\$\{?\w|\{\{", node.text):
        hint = f"a spec has no variables: write the value, or give it with --set {key}=…"
        return "E203", f"`{key}` must be {expected}, got {got}", hint, None
    code = "E207" if kind == "bool_type" else "E203"
    message = f"`{key}` must be {expected}, got {got}"
    hint = _section_hint(key, node) if kind in ("model_type", "dict_type") else None
    if hint:
        return code, message, hint, None
    hint, instead = _fraction_hint(key, node)
    if hint:
        return code, message, hint, rewritten(node, instead)
    hint, fix = _type_hint(kind, key, node)
    return code, message, hint, fix


def rewritten(node: Node | None, text: str | None, *, safe: bool = True) -> Fix | None:
    """The fix that writes another text for a value, without the quotes that it may have had."""
    if not isinstance(node, ScalarNode) or text is None or node.style not in ("", "'", '"'):
        return None
    return put(node.span, text, safe=safe) if node.span.line == node.span.end_line else None


def _fraction_hint(key: str, node: Node | None) -> tuple[str | None, str | None]:
    """`validation: 20` and `validation: 20 percent`: what to say, and what to write."""
    if key not in ("data.split.validation", "data.split.test") or not isinstance(node, ScalarNode):
        return None, None
    match = re.match(r"\d+(\.\d+)?", node.text)
    if match and 1 < float(match[0]) < 100 and "%" not in node.text:
        share = f"{match[0]}%"
        rest = node.text.removeprefix(match[0]).strip()
        sure = rest == "percent" or (not rest and "." not in match[0])
        return f"write {share} or {float(match[0]) / 100:g}", share if sure else None
    return "write a fraction such as 0.2, or 20%", None


def _section_hint(key: str, node: Node | None) -> str | None:
    """What a section written as a word or a list was meant to be."""
    if key == "data.split" and (split := _split_hint(node)) is not None:
        return split
    if isinstance(node, SequenceNode):
        if node.items and all(isinstance(item, MappingNode) for item in node.items):
            return "remove the dashes: a section has keys, not items"
        return f"write {SAMPLES[key]}" if key in SAMPLES else "write one key and value a line"
    if not isinstance(node, ScalarNode) or node.value is None:
        return None
    if re.match(r"\w+:\S", node.text) and key != "data":
        return "write a space after the colon"
    if pair := re.match(r"(\w+)\s*=\s*(\S+)", node.text):
        return f"write {pair[1]}: {pair[2]}, with a colon"
    if key == "data":
        return f"write data: {{source: {clean(node.text)}}}"
    return f"write {SAMPLES[key]}" if key in SAMPLES else None


def _split_hint(node: Node | None) -> str | None:
    """`split: 0.2` and `split: [0.7, 0.2, 0.1]`."""
    if isinstance(node, ScalarNode) and re.fullmatch(r"0?\.\d+|\d\d?%", node.text):
        return f"write split: {{validation: {node.text}}}"
    if isinstance(node, SequenceNode) and len(node.items) == 3:
        parts = [item.value for item in node.items if isinstance(item, ScalarNode)]
        shares = [part for part in parts if isinstance(part, float) and 0 < part < 1]
        if len(shares) == 3 and abs(sum(shares) - 1) < 1e-9:
            return f"write split: {{validation: {shares[1]:g}, test: {shares[2]:g}}}"
    return None


def _count_hint(context: Mapping[str, Any]) -> str:
    wanted = context.get("min_length") or context.get("max_length")
    return f"write {wanted} values between [ and ]"


def _type_hint(kind: str, key: str, node: Node | None) -> tuple[str | None, Fix | None]:
    if isinstance(node, ScalarNode) and node.value is None:
        return "write a value, or remove the key", None
    if isinstance(node, SequenceNode) and len(node.items) == 1:
        item = node.items[0]
        if isinstance(item, ScalarNode) and item.text and node.span.line == node.span.end_line:
            return f"write {item.text}, without brackets", put(node.span, item.text)
    if not isinstance(node, ScalarNode):
        return ("write one value, without brackets" if node is not None else None), None
    if kind == "tuple_type":
        return _list_hint(key, node)
    if kind == "bool_type":
        word = boolean_word(node.text)
        return f"write {word}" if word else "write true or false", rewritten(node, word)
    if kind == "string_type":
        return f'put it between quotes: "{node.text}"', rewritten(node, f'"{node.text}"')
    if kind in ("int_type", "float_type") and isinstance(node.value, str):
        return _number_hint(kind, node)
    if kind in ("int_type", "int_from_float") and isinstance(node.value, float):
        if not abs(node.value) < 1e15:
            return None, None
        whole, exact = str(round(node.value)), node.value.is_integer()
        return f"write {whole}", rewritten(node, whole, safe=exact)
    if kind in ("int_type", "float_type") and isinstance(node.value, bool):
        return "write a number, such as 1", None
    return None, None


def _number_hint(kind: str, node: ScalarNode) -> tuple[str | None, Fix | None]:
    """A text where a number is wanted: quoted, with separators, or with a unit of counts."""
    text = node.text
    if _is_number(text):
        if not node.style:
            return None, None
        fits = kind == "float_type" or re.fullmatch(r"[-+]?\d+", text)
        return "remove the quotes", rewritten(node, text if fits else None)
    plain = re.sub(r"(?<=\d)[_, '](?=\d{3}\b)", "", text)
    if plain != text and _is_number(plain):
        return f"write {plain}: a number has no separators", rewritten(node, plain)
    if share := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text):
        value = f"{float(share[1]) / 100:g}"
        return f"write {value}", rewritten(node, value if kind == "float_type" else None)
    try:
        count = str(parse_count(text))
    except UnitError:
        return "write a number in digits", None
    return f"write {count}", rewritten(node, count)


def _list_hint(key: str, node: ScalarNode) -> tuple[str | None, Fix | None]:
    """`size: 32x32`, and a single name where names are listed."""
    if key.endswith("size"):
        sides = re.fullmatch(r"(\d+)(?:\s*[xX,*]\s*(\d+))?", node.text)
        if sides is None:
            return "write size: [32, 32]", None
        size = f"[{sides[1]}, {sides[2] or sides[1]}]"
        return f"write size: {size}", rewritten(node, size)
    if isinstance(node.value, str) and re.fullmatch(r"[\w./@-]+", node.text):
        return f"write [{node.text}]", rewritten(node, f"[{node.text}]")
    return "write [a, b]", None


def _is_number(text: str) -> bool:
    if "_" in text:  # Python reads it, YAML does not
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _not_allowed(expected: str, key: str, got: str, node: Node | None) -> Said:
    words = re.findall(r"'([^']*)'", expected) or re.findall(r"\d+", expected)
    if key == "automlc":
        return (
            "E209",
            f"this automlc reads version 1 of the language, got {got}",
            "write automlc: 1",
            rewritten(node, "1"),
        )
    near = nearest(node.text, words) if isinstance(node, ScalarNode) else None
    listed = f"one of {', '.join(words)}" if len(words) > 1 else "".join(words)
    hint = f"did you mean {near}?" if near else f"write one of {', '.join(words)}"
    fix = None
    if isinstance(node, ScalarNode):
        fix = swap(text_span(node), node.text, near, safe=node.text.lower() not in DOUBTFUL)
    return (
        "E204",
        f"`{key}` cannot be {got}" if near is None else (f"`{key}` must be {listed}, got {got}"),
        hint,
        fix,
    )
