"""Habits of single statements: signs, commas, comments, calls, keys with dots."""

from __future__ import annotations

import re

from automlc.spec.aml import LISTS, MAIN, Block, Items, Statement, Text
from automlc.spec.diagnostics import quote
from automlc.spec.habits.finder import Finder
from automlc.spec.habits.habit import (
    BRANCHES,
    COMMENT,
    LAYERS,
    SPACE,
    STRUCTURES,
    Change,
    Found,
    Habit,
    commas_of,
    keys_at,
    keys_within,
)
from automlc.spec.habits.layers import as_arguments


def find_comment(f: Finder, one: Statement, place: str) -> Found:
    """`// a comment`."""
    word = one.word
    if word is None or not (match := COMMENT.match(word.text)) or word.text == "-":
        return None
    start = word.start
    end = f.line_end(start)
    if word.text.startswith("/*"):
        closed = f.text.find("*/", start)
        if closed >= 0 and not re.search("[\r\n]", f.text[start:closed]):
            end = closed + 2
            if f.text[end : f.line_end(end)].strip():
                return None
            inside = f.text[start + match.end() : closed].strip("* ")
            changes: tuple[Change, ...] = ((start, end, f"# {inside}"),)
            return Habit("E113", "`/*` begins no comment", start, start + 2,
                         f"write # {inside[:40]}", changes)  # fmt: skip
        return None
    sign = match[0]
    rest = " ".join(f.text[start + len(sign) : end].split())[:40]
    mark = "#" if f.text[start + len(sign) : start + len(sign) + 1] in (" ", "\t") else "# "
    message = f"{quote(sign)} begins no comment"
    change = (start, start + len(sign), mark)
    return Habit("E113", message, start, start + len(sign), f"write # {rest}", (change,))


_SIGN = re.compile(r"(:\s*[A-Za-z_]\w*\s*=(?!=)|:=|\+=|=>|->|==?|:)\s*")


def find_sign(f: Finder, one: Statement, place: str) -> Found:
    """`trials: 3`, `trials = 3`, `lr: log_uniform(…)`, `dense: {units: 8}`."""
    text = one.head or one.value
    if one.word is None or not isinstance(text, Text) or text.token.type != "TEXT":
        return None
    token, word = text.token, one.word.text
    match = _SIGN.match(token.text)
    if match is None or one.marked or (place == LAYERS and match[1] in ("->", "=>")):
        return None
    at, end = token.start, token.start + match.end()
    sign = match[1]
    rest = f.text[end : f.last(one)]
    comma = next(commas_of(rest), len(rest))
    shown = " ".join(rest[:comma].split())[:40]
    if place == LAYERS and isinstance(one.value, Block) and word not in STRUCTURES:
        return as_arguments(f, one, at, one.value)
    between = f"{quote(sign)} does not stand between key and value"
    if one.head is not None and not token.text[match.end() :]:
        assert isinstance(one.value, Block)
        if (flow := _flow(f, one, one.value, place)) is not None:
            return flow
    if place == "space" and word not in SPACE and one.head is None and rest:
        message = f"{quote(sign)} does not declare a parameter"
        change = (one.word.end, end, " ~ ")
        return Habit("E113", message, at, at + len(sign), f"write {word[:40]} ~ {shown}", (change,))
    if one.head is not None and not token.text[match.end() :]:
        assert isinstance(one.value, Block)
        if place == "space" and word not in (*SPACE, "block"):
            message = f"{quote(sign)} does not declare a parameter"
            change = (one.word.end, one.value.start, " ~ ")
            hint = f"write {word[:40]} ~ float(0, 0.5)"
            return Habit("E113", message, at, at + len(sign), hint, (change,))
        change = (one.word.end, one.value.start, " ")
        return Habit("E113", between, at, at + len(sign), f"write {word[:40]} {{ … }}", (change,))
    if not rest:
        return None
    change = (one.word.end, end, " ")
    if one.head is not None:
        shown = f"{token.text[match.end() :]} {{ … }}"
    return Habit("E113", between, at, at + len(sign), f"write {word[:40]} {shown}", (change,))


_FLOW = re.compile(r""""(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[\[\](),]|(?<=[\w"'])\s*:(?=[\s"'{\[])\s*|#""")


def _flow(f: Finder, one: Statement, block: Block, place: str) -> Found:
    """`budget: {trials: 20, epochs: 10}`: a section as YAML and JSON have it in braces."""
    assert one.word is not None
    word, depth = one.word.text, 0
    declares = place == "space" and word not in (*SPACE, "block", "blocks")
    changes: list[Change] = [(one.word.end, block.start, " ~ " if declares else " ")]
    for match in _FLOW.finditer(f.text, block.start, block.end):
        piece = match[0]
        if piece == "#":
            return None
        depth += (piece in "([") - (piece in ")]") if len(piece) == 1 else 0
        if ":" in piece and piece[0] not in "\"'":
            changes.append((*match.span(), " "))
        elif piece == "," and depth == 0:
            changes.append((*match.span(), ";"))
    if len(changes) == 1:
        return None
    made, at = "", one.word.start
    for start, end, new in changes:
        made, at = made + f.text[at:start] + new, end
    made += f.text[at : block.end]
    start = one.word.end
    while f.text[start] in " \t":
        start += 1
    message = f"{quote(word)} is written as in YAML: keys have no colon here, statements no comma"
    return Habit("E113", message, start, block.end, f"write {' '.join(made.split())[:70]}",
                 tuple(changes))  # fmt: skip


def find_comma(f: Finder, one: Statement, place: str) -> Found:
    """`trials 3, epochs 4`, and a comma at the end."""
    text = one.value if isinstance(one.value, Text) else one.head
    if one.word is None or text is None or text.token.type != "TEXT":
        return None
    if (place, one.word.text) in LISTS:  # a rule has commas between its actions
        return None
    token = text.token
    for at in commas_of(token.text):
        rest = token.text[at + 1 :].lstrip()
        follows = re.match(r"""["']?([A-Za-z_][\w.]*)["']?(\s*[:=]|\s+\S|\s*\(|$)""", rest)
        begins = follows is not None and (
            place == LAYERS or follows[2].strip() in (":", "=") or follows[1] in keys_at(place)
        )
        start = token.start + at
        if rest and not begins:
            continue
        if place == LAYERS and re.search(r"\bwhen\b", token.text[:at]) and "(" not in rest:
            continue  # it may belong to the condition
        if follows is not None and follows[1] in ("default", "step", "when"):
            message = f"no comma stands before {quote(follows[1])}"
            hint = f"write {' '.join(rest.split())[:40]} behind a blank"
            return Habit("E113", message, start, start + 1, hint, ((start, start + 1, ""),))
        message = "`,` does not end a statement"
        hint = "write `;` or a line break between two statements"
        new = ";"
        if not rest:
            hint, new = "remove it: a statement ends with its line", ""
            if f.text[f.last(one) : f.line_end(f.last(one))].strip()[:1] not in ("", "#", "}"):
                new = ";"
        return Habit("E113", message, start, start + 1, hint, ((start, start + 1, new),))
    return None


def find_call(f: Finder, one: Statement, place: str) -> Found:
    """`budget(trials=3)`, `budget dict(trials=3)`, `budget [trials 3]` at the top."""
    if one.word is None or place != "" or one.head is not None:
        return None
    word = one.word.text
    if not keys_within(word):
        return None
    if isinstance(one.value, Items):
        start, end, opened = one.value.start, one.value.end, "["
        first = f.text[start + 1 : end - 1].split()
        if not first or first[0].rstrip(":=,") not in keys_within(word):
            return None
    elif isinstance(one.value, Text) and one.value.token.type == "TEXT":
        token = one.value.token
        match = re.match(r"(dict\s*)?[(<]", token.text)
        if match is None or token.text[-1] not in ")>":
            return None
        start, end, opened = token.start, token.end, match[0][-1]
    else:
        return None
    inside = f.text[start:end]
    inside = inside[inside.index(opened) + 1 : -1].strip().rstrip(",")
    if re.search(r"[\[\](){}\n]", inside):
        return None
    parts = [part.strip() for part in re.split(r"[,;]", inside)]
    parts = [re.sub(r"""^["']?(\w+)["']?\s*[:=]\s*""", r"\1 ", part) for part in parts]
    head = ""
    if word in MAIN and len(parts) > 1 and re.fullmatch(r"[\w./:-]+", parts[0]):
        head = f"{parts.pop(0)} "
    made = f"{head}{{ {'; '.join(parts)} }}"
    message = f"the statements of {quote(word)} stand between braces"
    at = one.word.end
    return Habit("E113", message, start, end, f"write {word} {made[:60]}",
                 ((at, end, f" {made}"),))  # fmt: skip


def find_two(f: Finder, one: Statement, place: str) -> Found:
    """`seed 1 name digits`, in one line."""
    if one.word is None or not isinstance(one.value, Text) or one.value.token.type != "TEXT":
        return None
    known = {"": ("seed", "automlc", "name", "search", "stopping", "backend")}.get(place)
    word = one.word.text
    if word not in (known or ()) and not (place in (".budget",) and word in keys_at(place)):
        return None
    match = re.match(r"\S+(\s+)([a-z_]+)\s+\S", one.value.token.text)
    if match is None or match[2] not in keys_at(place) or match[2] in ("min",):
        return None
    start = one.value.token.start
    message = f"{quote(match[2])} begins another statement"
    change = (start + match.start(1), start + match.end(1), "; ")
    at = start + match.start(2)
    return Habit("E113", message, at, at + len(match[2]),
                 "put `;` or a line break before it", (change,))  # fmt: skip


def find_keyword(f: Finder, one: Statement, place: str) -> Found:
    """`constraint model.size <= 5MB`, `modle { … }`: words of statements that are no keys."""
    from automlc.spec.suggest import nearest

    words = {"": ("constrain",), "space": ("model", "block", "forbid"), "rules": ("when",)}
    if one.word is None or one.marked or place not in words or one.value is None:
        return None
    word = one.word.text
    if word in (*words[place], *keys_at(place)):
        return None
    near = nearest(word, (*words[place], *(k for k in keys_at(place) if k not in words[place])))
    if near == "constraints" and isinstance(one.value, Text):
        near = "constrain"
    if near not in words[place] or (near == "model") is isinstance(one.value, Text):
        return None
    section = f" in `{place}`" if place else ""
    return Habit("E201", f"there is no key {quote(word)}{section}", one.word.start, one.word.end,
                 f"did you mean {near}?", ((one.word.start, one.word.end, near),))  # fmt: skip


def find_hash(f: Finder, one: Statement, place: str) -> Found:
    """`seed 3#few`."""
    if one.word is None or not isinstance(one.value, Text) or one.value.token.type != "TEXT":
        return None
    match = re.match(r"(-?\d[\w.%]*|true|false|null)(#|//)", one.value.token.text)
    if match is None or (
        match[2] == "//" and re.match(r"\s*[\d(]", one.value.token.text[match.end() :])
    ):
        return None
    at = one.value.token.start + match.start(2)
    message = "`#` begins a comment where a blank stands before it"
    return Habit("E113", message, at, at + len(match[2]), "put a blank before `#`",
                 ((at, at + len(match[2]), " #" if match[2] == "#" else "  #"),))  # fmt: skip


def find_dotted(f: Finder, one: Statement, place: str) -> Found:
    """`budget.trials 3`."""
    if place != "" or one.word is None or "." not in one.word.text or one.value is None:
        return None
    section, _, key = one.word.text.partition(".")
    if key not in keys_within(section) and section not in ("budget",):
        return None
    rest = f.text[one.word.end : f.last(one)]
    made = f"{section} {{ {key}{rest} }}"
    shown = re.sub(r"\s*[:=]\s*", " ", f"{key}{rest}")
    message = "a key in a section stands in the section's block"
    return Habit("E113", message, one.word.start, one.word.end,
                 f"write {section} {{ {' '.join(shown.split())[:40]} }}",
                 ((one.word.start, f.last(one), made),))  # fmt: skip


def find_head(f: Finder, one: Statement, place: str) -> Found:
    """`search "tpe" = {`, `name ${NAME}` and `case a { … }`: what stands before a block."""
    if one.word is None or one.head is None or not isinstance(one.value, Block):
        return None
    token, word = one.head.token, one.word
    if token.text.endswith("$") and token.end == one.value.start:
        message = "a spec has no variables"
        hint = f"write the value itself, or give it with --set {word.text[:40]}=…"
        return Habit("E113", message, token.start, one.value.end, hint,
                     ((word.start, one.value.end, ""),), fixes=False)  # fmt: skip
    if place == BRANCHES and word.text in ("case", "when", "if", "elif"):
        message = f"a branch begins with its value, without {quote(word.text)}"
        return Habit("E116", message, word.start, word.end, f"write {token.text[:40]} {{ … }}",
                     ((word.start, token.start, ""),))  # fmt: skip
    if word.text in ("profile", "profiles") and place == "":
        made = f"profiles {{ {token.text} {f.text[one.value.start : one.value.end]} }}"
        message = "a profile stands in the block of `profiles`"
        return Habit("E113", message, word.start, word.end,
                     f"write profiles {{ {token.text[:40]} {{ … }} }}",
                     ((word.start, one.value.end, made),))  # fmt: skip
    if match := re.search(r"\S(\s*[:=])$", token.text):
        start = token.start + match.start(1)
        return Habit("E113", f"no {quote(match[1].strip())} stands before a block",
                     token.end - 1, token.end, "write the block behind the word",
                     ((start, token.end, ""),))  # fmt: skip
    return None


def find_grown_block(f: Finder, one: Statement, place: str) -> Found:
    """`constrain { model.size <= 5MB }`, and two constraints in one statement."""
    if one.word is None or (place, one.word.text) not in LISTS or one.head is not None:
        return None
    word, value = one.word.text, one.value
    if isinstance(value, Block) and len(value.statements) == 1:
        inside = f.text[value.start + 1 : value.end - 1].strip().rstrip(";").rstrip()
        if "#" in inside:
            return None
        return Habit("E113", f"{quote(word)} has no block", value.start, value.start + 1,
                     f"write {word} {' '.join(inside.split())[:60]}",
                     ((value.start, value.end, inside),))  # fmt: skip
    if not isinstance(value, Text) or value.token.type != "TEXT" or word == "when":
        return None
    commas = [at for at in commas_of(value.token.text) if value.token.text[at + 1 :].strip()]
    parts = value.token.text.split(",")
    if not commas or not all(re.search(r"[<>=]", part) for part in parts):
        return None
    start = value.token.start
    changes = tuple((start + at, start + at + 1, f"; {word}") for at in commas)
    at = start + commas[0]
    return Habit("E113", f"each {quote(word)} says one thing", at, at + 1,
                 f"write {word} again for the second", changes)  # fmt: skip
