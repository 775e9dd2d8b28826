"""Habits in the space: how parameters, their clauses and blocks are declared elsewhere."""

from __future__ import annotations

import re

from automlc.spec.aml import Block, Statement, Text
from automlc.spec.diagnostics import quote
from automlc.spec.habits.finder import Finder
from automlc.spec.habits.habit import SPACE, Change, Found, Habit


def find_declared(f: Finder, one: Statement, place: str) -> Found:
    """`param lr ~ …`, `let lr = …` and `lr in [1, 2]` in the space."""
    if place != "space" or one.word is None or one.marked:
        return None
    if not isinstance(one.value, Text) or one.head is not None:
        return None
    text, start = one.value.token.text, one.value.token.start
    if match := re.match(r"in\s*([(\[])([^()\[\]]*)[)\]]$", text):
        parts = [part.strip() for part in match[2].split(",")]
        numbers = len(parts) == 2 and all(re.fullmatch(r"[-+.\de]+", part) for part in parts)
        made = f"{'float' if numbers and match[1] == '(' else 'choice'}({', '.join(parts)})"
        message = f"`in` does not declare the parameter {quote(one.word.text)}"
        change = (one.word.end, start + len(text), f" ~ {made}")
        return Habit("E113", message, start, start + 2, f"write {one.word.text[:40]} ~ {made}",
                     (change,), safe=False)  # fmt: skip
    if one.word.text not in ("param", "parameter", "let", "var", "const", "hyperparameter"):
        return None
    if not (match := re.match(r"([A-Za-z_]\w*)\s*(~|:=|=|:)\s*", text)):
        return None
    message = f"no {quote(one.word.text)} stands before a parameter"
    hint = f"write {match[1]} ~ {text[match.end() :][:40]}"
    changes = ((one.word.start, start + match.end(), f"{match[1]} ~ "),)
    return Habit("E113", message, one.word.start, one.word.end, hint, changes)


def find_condition_block(f: Finder, one: Statement, place: str) -> Found:
    """`if optimizer == "sgd" { momentum ~ … }` in the space."""
    if place != "space" or one.word is None or one.word.text not in ("if", "when") or one.marked:
        return None
    end = f.last(one)
    condition = "…"
    word = one.word
    if isinstance(one.value, Text):
        text = one.value.token.text
        if match := re.fullmatch(r"(.+?),?\s+(\w+)\s*~\s*(.+)", text):
            made = f"{match[2]} ~ {match[3]} when {match[1]}"
            message = "a condition stands behind the domain of its parameter"
            return Habit("E113", message, word.start, word.end, f"write {made[:60]}",
                         ((word.start, end, made),))  # fmt: skip
    if one.head is not None:
        condition = f.text[one.head.token.start : one.head.token.end]
    inner = "momentum ~ float(0, 0.99)"
    if isinstance(one.value, Block) and one.value.statements:
        inner = f.cut(one.value.statements[0])
    message = "a condition stands behind the domain of its parameter"
    hint = f"write {' '.join(inner.split())[:40]} when {condition[:40]}"
    changes = ((word.start, end, ""),)
    if isinstance(one.value, Block) and one.head is not None and len(one.value.statements) == 1:
        made = f"{f.cut(one.value.statements[0])} when {condition}"
        if one.value.statements[0].marked and " when " not in inner and "#" not in f.cut(one):
            changes = ((word.start, end, made),)
            return Habit("E113", message, word.start, word.end, hint, changes)
    return Habit("E113", message, word.start, word.end, hint, changes, fixes=False)


def find_clauses(f: Finder, one: Statement, place: str) -> Found:
    """What stands behind a domain in the manner of other languages."""
    if not one.marked or not isinstance(one.value, Text) or one.value.token.type != "TEXT":
        return None
    token = one.value.token
    for pattern, message, made, hint in _CLAUSES:
        match = re.search(pattern, token.text)
        if match is None:
            continue
        start, end = token.start + match.start(1), token.start + match.end(1)
        new = match.expand(made)
        said = match.expand(hint) if hint else f"write {new}"
        return Habit("E113", match.expand(message), start, end, said, ((start, end, new),))
    return None


# A text behind `~` -> what is said, what is put there, a hint.
_CLAUSES = (
    (r"\)\s*((default|step)\s*(=|:)\s*)(?=\S)", r"`\2` and its value stand without `\3`",
     r"\2 ", r"write default 3, step 2"),
    (r"\)\s*((default|step)\(([^()]*)\))", r"the value of `\2` stands without parentheses",
     r"\2 \3", ""),
    (r"^((default|step)\s+(\S+)\s+(\w+\([^()]*\)))$", "the domain comes first", r"\4 \2 \3", ""),
    (r"\)\s+(//+)\s*[A-Za-z]", r"`\1` begins no comment", "#", "begin a comment with `#`"),
    (r"\)[^\"']*?\s(when\s*(:|=(?!=))\s*)", r"no `\2` stands behind `when`", "when ",
     r"write when and the condition"),
    (r"\)[^\"']*?\s(if|where|unless)\s", r"a condition begins with `when`", "when",
     r"write when and the condition"),
    (r"\)\s*(by)\s+(?=\d)", r"a step begins with `step`", "step", "write step 2"),
    (r"\)\s*(when\s+([^\"']*(?:\"[^\"]*\"|'[^']*')?[^\"']*?)\s+(default|step)\s+(\S+))$",
     r"`when` is the last clause", r"\3 \4 when \2", ""),
)  # fmt: skip


def find_block(f: Finder, one: Statement, place: str) -> Found:
    """`block unit(filters): { … }` and `def unit(filters) { … }`."""
    if place != "space" or one.word is None or one.head is None or not isinstance(one.value, Block):
        return None
    word, token = one.word, one.head.token
    if token.text[0] == "(" and token.text[-1] == ")" and word.text not in SPACE:
        change = (word.start, word.start, "block ")
        hint = f"write block {word.text[:40]}{token.text[:40]} {{ … }}"
        message = "a block of layers begins with `block`"
        return Habit("E113", message, word.start, word.end, hint, (change,))
    if word.text in ("def", "function", "fn", "class", "module", "macro"):
        name = token.text.rstrip(": ")
        change = (word.start, word.end, "block")
        return Habit("E113", "a block of layers begins with `block`", word.start, word.end,
                     f"write block {name[:40]} {{ … }}", (change,))  # fmt: skip
    if word.text == "block" and (match := re.search(r"\s*[:=]$", token.text)):
        start = token.start + match.start()
        return Habit("E116", f"no {quote(match[0].strip())} stands before a block",
                     token.end - 1, token.end, f"write block {token.text[: match.start()]} {{ … }}",
                     ((start, token.end, ""),))  # fmt: skip
    return None


def find_braces(f: Finder, one: Statement, place: str) -> Found:
    """`choice{16, 32}`, `~ {16, 32}` and `when { optimizer == "sgd" }` behind `~`."""
    if not one.marked:
        return None
    if isinstance(one.value, Block):
        inside = f.text[one.value.start + 1 : one.value.end - 1]
        if not re.fullmatch(r"\s*[\w.+-]+(\s*,\s*[\w.+-]+)+\s*", inside):
            return None
        made = f"choice({inside.strip()})"
        return Habit("E113", "a domain has a word before its values", one.value.start,
                     one.value.end, f"write {made[:60]}",
                     ((one.value.start, one.value.end, made),), safe=False)  # fmt: skip
    if not isinstance(one.value, Text):
        return None
    token = one.value.token
    match = re.compile(r"[ \t]*\{([^{}\n\r#]*)\}").match(f.text, token.end)
    if match is None or not re.search(r"(^[A-Za-z_]+|\swhen)$", token.text):
        return None
    start, end = match.start() + match[0].index("{"), match.end()
    if token.text.endswith("when"):
        changes: tuple[Change, ...] = ((start, end, match[1].strip()),)
        message, hint = "a condition stands without braces", f"write when {match[1].strip()[:60]}"
    else:
        changes = ((token.end, end, f"({match[1].strip()})"),)
        message = "the values of a domain stand in parentheses"
        hint = f"write {token.text}({match[1].strip()[:40]})"
    return Habit("E113", message, start, start + 1, hint, changes)


def find_tilde(f: Finder, one: Statement, place: str) -> Found:
    """`lr ~= log_uniform(…)`."""
    if not one.marked or not isinstance(one.value, Text):
        return None
    token = one.value.token
    match = re.match(r"([:=]+)\s*(?=\S)", token.text)
    if match is None or token.type != "TEXT":
        return None
    start = token.start
    message = f"no {quote(match[1])} stands behind `~`"
    change = (start, start + match.end(), "" if f.text[start - 1] == " " else " ")
    return Habit("E113", message, start, start + len(match[1]),
                 f"write ~ {token.text[match.end() :][:50]}", (change,))  # fmt: skip
