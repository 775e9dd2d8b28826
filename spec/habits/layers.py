"""Habits in a model: arguments, loops, conditions and arrows of other languages."""

from __future__ import annotations

import re

from automlc.spec.aml import Block, Items, Statement, Text
from automlc.spec.aml_tokens import Tok
from automlc.spec.diagnostics import quote
from automlc.spec.habits.finder import Finder
from automlc.spec.habits.habit import LAYERS, STRUCTURES, Found, Habit


def find_dash(f: Finder, one: Statement, place: str) -> Found:
    """`- flatten` in a model."""
    if place != LAYERS or one.word is None or one.word.text != "-":
        return None
    start, end, _ = f.dash(one.word)
    rest = f.text[end : f.last(one)][:40]
    return Habit("E113", "a layer begins without a dash", start, start + 1, f"write {rest}",
                 ((start, end, ""),))  # fmt: skip


def as_arguments(f: Finder, one: Statement, at: int, block: Block | Items) -> Found:
    """`dense: {units: outputs}` in a model."""
    assert one.word is not None
    name, inside = one.word.text, f.text[block.start + 1 : block.end - 1]
    if re.search(r"[{}#\"']", inside):
        return None
    parts = [part.strip() for part in re.split(r"[;\n\r]|,(?=\s*\w+\s*[:=])", inside)]
    pairs = [re.fullmatch(r"(\w+)\s*[:= ]\s*(.+)", part) for part in parts if part]
    written = ", ".join(f"{pair[1]}={pair[2]}" for pair in pairs if pair)
    if not all(pairs):
        return None
    made = f"{name}({written})" if pairs else name
    message = f"the arguments of {name} stand in parentheses"
    change = (one.word.start, block.end, made)
    return Habit("E116", message, at, at + 1, f"write {made[:60]}", (change,))


def find_layer(f: Finder, one: Statement, place: str) -> Found:
    """`conv2d filters 8`, `flatten -> dense(…)`, `for i in range(3) { … }` in a model."""
    if place != LAYERS or one.word is None or one.marked:
        return None
    text = one.head or one.value
    if not isinstance(text, Text) or text.token.type != "TEXT":
        return None
    token, word = text.token, one.word.text
    loop = re.fullmatch(r"(\w+)\s+in\s+range\((.+)\)", token.text)
    if word == "for" and isinstance(one.value, Block) and loop:
        made = f"repeat {loop[2]} as {loop[1]}"
        return Habit("E113", "layers are repeated by `repeat`", one.word.start, one.word.end,
                     f"write {made} {{ … }}", ((one.word.start, token.end, made),))  # fmt: skip
    if word == "repeat" and (loop := re.fullmatch(r"(\w+)\s+in\s+(.+)", token.text)):
        made = f"repeat {loop[2]} as {loop[1]}"
        return Habit("E116", "repeat has its number first", token.start, token.end,
                     f"write {made} {{ … }}", ((one.word.start, token.end, made),))  # fmt: skip
    if word == "repeat" and (match := re.search(r"\s+(times|x)$", token.text)):
        start = token.start + match.start()
        return Habit("E113", f"no {quote(match[1])} stands behind the number",
                     start + 1, token.end, f"write repeat {token.text[: match.start()]} {{ … }}",
                     ((start, token.end, ""),))  # fmt: skip
    if match := re.search(r"\s*(->|=>|>>|\|>)\s*(?=[a-zA-Z])", token.text):
        start, end = token.start + match.start(), token.start + match.end()
        start = one.word.end if start == token.start else start
        return Habit("E113", "layers follow each other without arrows", start, end,
                     "write `;` or a line break between them", ((start, end, "; "),))  # fmt: skip
    if one.head is None and word not in STRUCTURES:
        return _plain_arguments(one.word, token)
    return None


_PLAIN = re.compile(r"[\w.]+")


def _plain_arguments(word: Tok, token: Tok) -> Found:
    """`conv2d filters 8, kernel 3`."""
    words = re.split(r",?[ ]+", token.text)
    if len(words) % 2 or words[0] in ("when", "as") or not all(map(_PLAIN.fullmatch, words)):
        return None
    pairs = (f"{name}={value}" for name, value in zip(words[::2], words[1::2], strict=True))
    made = f"({', '.join(pairs)})"
    message = f"the arguments of {word.text} stand in parentheses"
    change = (word.end, token.end, made)
    return Habit("E116", message, token.start, token.end, f"write {word.text}{made}", (change,))


def find_named_arguments(f: Finder, one: Statement, place: str) -> Found:
    """`dense(units: outputs)` in a model."""
    if place != LAYERS or one.word is None:
        return None
    text = one.head or one.value
    if not isinstance(text, Text) or not text.token.text.startswith("("):
        return None
    if match := re.search(r"=\s*[\w.\"'-]+(\s*;\s*|\s+)(\w+)\s*=(?!=)", text.token.text):
        start, end = text.token.start + match.start(1), text.token.start + match.end(1)
        message = "a comma stands between two arguments"
        return Habit("E116", message, text.token.start + match.start(2),
                     text.token.start + match.end(2), f"write a comma before {match[2][:40]}",
                     ((start, end, ", "),))  # fmt: skip
    match = re.search(r"[(,]\s*(\w+)(\s*:\s*)(?=[^\s,)])", text.token.text)
    if match is None:
        return None
    start, end = text.token.start + match.start(2), text.token.start + match.end(2)
    value = re.match(r"[^,)]*", f.text[end:])
    shown = f"{match[1]}={value[0].strip() if value else ''}"
    at = start + match[2].index(":")
    return Habit("E116", "`:` does not stand between an argument and its value", at, at + 1,
                 f"write {shown[:40]}", ((start, end, "="),))  # fmt: skip


def find_open_arguments(f: Finder, one: Statement, place: str) -> Found:
    """`conv2d(filters=8` without its `)`."""
    if place != LAYERS or one.word is None or not isinstance(one.value, Text):
        return None
    token = one.value.token
    text = re.split(r"\s+#", token.text)[0]
    if (
        re.match(r"\([^()]*\)", text)
        or token.text[:1] != "("
        or text.count("(") != text.count(")") + 1
        or "\n" in text
    ):
        return None
    end = token.start + len(text)
    return Habit("E114", "this parenthesis is not closed", token.start, token.start + 1, "add `)`",
                 ((end, end, ")"),))  # fmt: skip


def find_conditional_layer(f: Finder, one: Statement, place: str) -> Found:
    """`if depth > 1 { batch_norm }` in a model."""
    if place != LAYERS or one.word is None or one.word.text not in ("if", "when"):
        return None
    if one.head is None or not isinstance(one.value, Block) or not one.value.statements:
        return None
    condition = f.text[one.head.token.start : one.head.token.end].strip("() ")
    inner = one.value.statements
    layer = f.cut(inner[0])
    message = "the condition of a layer stands behind it"
    hint = f"write {' '.join(layer.split())[:40]} when {condition[:40]}"
    start, end = one.word.start, one.value.end
    plain = all(isinstance(s.value, Text | None) and s.head is None for s in inner)
    plain = plain and "#" not in f.cut(one) and " when " not in f.cut(one)
    made = "; ".join(f"{f.cut(s)} when {condition}" for s in inner)
    return Habit("E113", message, start, one.word.end, hint,
                 ((start, end, made if plain else ""),), fixes=plain)  # fmt: skip


def find_bracket_arguments(f: Finder, one: Statement, place: str) -> Found:
    """`conv2d{filters=8}` and `conv2d[filters=8]` in a model."""
    if place != LAYERS or one.word is None or one.head is not None:
        return None
    if one.word.text in STRUCTURES or not isinstance(one.value, Block | Items):
        return None
    inside = f.text[one.value.start + 1 : one.value.end - 1]
    if not re.search(r"\w\s*[:=](?!=)", inside):
        return None
    return as_arguments(f, one, one.value.start, one.value)
