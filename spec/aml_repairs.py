"""Fixes and hints that need the statements of an `.aml` file: moved keys, joined blocks, brackets.

The twin of spec/repairs.py, which does the same for YAML. Sought only in files with findings. What
a repair proposes need not be right in every case: `validate --fix` keeps it only if it helps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from automlc.spec.aml import LISTS, Block, Items, Statement, Text, read_statements
from automlc.spec.aml_tokens import Places
from automlc.spec.diagnostics import Diagnostic, Edit, Fix, Span, put
from automlc.spec.edits import positions
from automlc.spec.record import record
from automlc.spec.suggest import nearest

LONG = 100_000  # characters; the statements of a longer text, which no person wrote, are not sought


@record
class _Found:
    """A statement and those around it, outermost first."""

    one: Statement
    around: tuple[Statement, ...]


class _File:
    """A file with its statements."""

    def __init__(self, text: str, file: str):
        self.bom = "\ufeff" if text.startswith("\ufeff") else ""
        self.text, self.file = text.removeprefix("\ufeff"), file
        self.places = Places(self.text, file)
        self.statements = read_statements(self.text, self.places)[0] or ()
        self.by_start: dict[int, _Found] = {}
        for found in self.all():
            if found.one.word is not None:
                self.by_start.setdefault(found.one.word.start, found)

    def offsets(self, span: Span) -> tuple[int, int]:
        return positions(self.text).ends(span)

    def edit(self, start: int, end: int, new: str) -> Edit:
        return Edit(self.places.span(start, end), new)

    def fix(self, start: int, end: int, new: str, *, safe: bool = True) -> Fix:
        return Fix((self.edit(start, end, new),), safe)

    def all(
        self, statements: Sequence[Statement] | None = None, around: tuple[Statement, ...] = ()
    ) -> Iterator[_Found]:
        """Every statement, each behind those that hold it."""
        for one in self.statements if statements is None else statements:
            yield _Found(one, around)
            for block in _blocks(one):
                yield from self.all(block.statements, (*around, one))

    def named(self, span: Span | None) -> _Found | None:
        """The statement whose word stands at a place."""
        if span is None:
            return None
        return self.by_start.get(self.offsets(span)[0])

    def holding(self, span: Span | None) -> _Found | None:
        """The innermost statement around a place."""
        if span is None:
            return None
        start = self.offsets(span)[0]
        last = None
        for found in self.all():
            if self.first(found.one) <= start <= self.last(found.one):
                last = found
        return last

    @staticmethod
    def first(one: Statement) -> int:
        return one.word.start if one.word is not None else _start(one)

    @staticmethod
    def last(one: Statement) -> int:
        if isinstance(one.value, Text):
            return one.value.token.end
        if one.value is not None:
            return one.value.end
        return one.word.end if one.word is not None else 0

    def line(self, offset: int) -> tuple[int, int]:
        """Where the line of a place begins and ends."""
        start = max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1
        ends = [at for mark in "\r\n" if (at := self.text.find(mark, offset)) >= 0]
        return start, min(ends, default=len(self.text))

    def indent(self, offset: int) -> str:
        start, end = self.line(offset)
        line = self.text[start:end]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def body(self, one: Statement) -> str:
        """The text of a statement, its further lines indented relative to the first."""
        first = self.first(one)
        lines = re.split("\r\n|[\r\n]", self.text[first : self.last(one)])
        gap = len(self.indent(first))
        rest = [line[gap:] if not line[:gap].strip() else line.lstrip() for line in lines[1:]]
        return "\n".join([lines[0], *rest])


def _start(one: Statement) -> int:
    assert isinstance(one.value, Block | Items)
    return one.value.start


def _blocks(one: Statement) -> Iterator[Block]:
    if isinstance(one.value, Block):
        yield one.value
    elif isinstance(one.value, Items):
        yield from (item for item in one.value.items if isinstance(item, Block))


Repair = Callable[[Diagnostic, _File], Diagnostic | Fix | None]


def with_repairs(found: Sequence[Diagnostic], text: str, file: str) -> list[Diagnostic]:
    """The findings, each with a fix where one of the table knows it."""
    if len(text) > LONG:
        return list(found)
    source = _File(text, file)
    return [_repaired(d, source) for d in found]


def _repaired(d: Diagnostic, source: _File) -> Diagnostic:
    repair = _REPAIRS.get(d.code)
    if d.fix is not None or d.span is None or repair is None or d.span.file != source.file:
        return d
    made = repair(d, source)
    if isinstance(made, Diagnostic):
        return made
    return replace(d, fix=made)


# Moving statements --------------------------------------------------------------------------------


def _unknown_key(d: Diagnostic, source: _File) -> Diagnostic | Fix | None:
    """A known key in the wrong section, into its own."""
    match = re.search(r"belongs (?:in `(?P<home>[\w.]+)`|at the top)", d.hint or "")
    found = source.named(d.span)
    if match is None or found is None or found.one.word is None:
        return None
    home = match["home"].split(".") if match["home"] else []
    body, name = source.body(found.one), found.one.word.text
    if meant := re.match(r"did you mean (\w+)\? it", d.hint or ""):
        body = meant[1] + body.removeprefix(name)
    if home == ["space", "parameters"]:
        return _as_parameter(d, found, source)
    fix = _moved(found, home, body, source)
    return replace(d, fix=fix) if fix else None


def _as_parameter(d: Diagnostic, found: _Found, source: _File) -> Diagnostic | None:
    """`lr log_uniform(…)` as a declaration in the space."""
    one = found.one
    assert one.word is not None
    if not isinstance(one.value, Text) or one.head is not None:
        return None
    body = f"{one.word.text} ~ {source.text[one.value.token.start : one.value.token.end]}"
    shown = " ".join(body.split())[:60]
    if [a.word.text for a in found.around if a.word is not None] == ["space"]:
        fix = source.fix(one.word.end, one.value.token.start, " ~ ")
        return replace(d, hint=f"a parameter is declared by `~`: write {shown}", fix=fix)
    hint = f"a parameter is declared in the block of `space`: write space {{ {shown} }}"
    return replace(d, hint=hint, fix=_moved(found, ["space"], body, source))


def _outside(d: Diagnostic, source: _File) -> Diagnostic | Fix | None:
    """`lr ~ …` outside of the space."""
    found = source.named(d.span)
    if found is None or not isinstance(found.one.value, Text):
        return None
    one, token = found.one, found.one.value.token
    body = source.body(one)
    if "(" not in token.text and found.around:
        assert one.word is not None
        hint = f"outside of `space`, write {one.word.text[:40]} {token.text[:40]}"
        return replace(d, hint=hint, fix=source.fix(one.word.end, token.start, " "))
    hint = f"write space {{ {' '.join(body.split())[:60]} }}"
    return replace(d, hint=hint, fix=_moved(found, ["space"], body, source))


def _moved(found: _Found, home: list[str], body: str, source: _File) -> Fix | None:
    """The edits that take a statement from where it is and write `body` into the section `home`."""
    around: Sequence[Statement] = source.statements
    target: Statement | None = None
    depth = 0
    while depth < len(home):
        named = next((s for s in around if s.word is not None and s.word.text == home[depth]), None)
        if named is None:
            break
        target, depth = named, depth + 1
        if not isinstance(named.value, Block):
            break
        around = named.value.statements
    missing = home[depth:]
    inside = found.around[-1] if found.around else None
    if missing and inside is target:
        start, end = source.first(found.one), source.last(found.one)
        return source.fix(start, end, _wrapped(body, missing, source.indent(start)))
    taken = _taken(found, source)
    if target is None:
        end = len(source.text)
        begins = "" if not source.text or source.text[-1] in "\r\n" else "\n"
        closes = "\n" if not begins else ""
        return Fix((taken, source.edit(end, end, f"{begins}{_wrapped(body, missing)}{closes}")))
    added = _added(target, _wrapped(body, missing), source)
    return Fix((taken, added)) if added else None


def _wrapped(body: str, sections: list[str], indent: str = "") -> str:
    """A statement in blocks, on one line where it has one."""
    for name in reversed(sections):
        if "\n" in body:
            inner = body.replace("\n", "\n  ")
            body = f"{name} {{\n  {inner}\n}}"
        else:
            body = f"{name} {{ {body} }}"
    return body.replace("\n", f"\n{indent}")


def _taken(found: _Found, source: _File) -> Edit:
    """The edit that takes a statement away, with its line or its `;`."""
    start, end = source.first(found.one), source.last(found.one)
    begins, ends = source.line(start)[0], source.line(end)[1]
    if not source.text[begins:start].strip() and not source.text[end:ends].strip():
        ends += 2 if source.text[ends : ends + 2] == "\r\n" else 1
        return source.edit(begins, min(ends, len(source.text)), "")
    if after := re.compile(r"[ \t]*;[ \t]*").match(source.text, end):
        return source.edit(start, after.end(), "")
    if before := re.search(r"[ \t]*;[ \t]*$", source.text[begins:start]):
        return source.edit(begins + before.start(), end, "")
    return source.edit(start, end, "")


def _added(target: Statement, body: str, source: _File) -> Edit | None:
    """The edit that puts a statement into a section, first in its block."""
    if isinstance(target.value, Text):
        end = target.value.token.end
        return source.edit(end, end, f" {{ {body} }}") if "\n" not in body else None
    if not isinstance(target.value, Block):
        return None
    start = target.value.start + 1
    end = source.line(start)[1]
    rest = source.text[start:end].strip()
    if rest and not rest.startswith("#"):
        if "\n" in body:
            return None
        one = f" {body}" if rest.startswith("}") else f" {body};"
        blank = "" if source.text[start : start + 1] in (" ", "\t") else " "
        return source.edit(start, start, one + blank)
    indent = source.indent(target.value.start) + "  "
    if target.value.statements:
        indent = source.indent(source.first(target.value.statements[0]))
    inner = body.replace("\n", f"\n{indent}")
    return source.edit(end, end, f"\n{indent}{inner}")


# Keys ---------------------------------------------------------------------------------------------


def _twice(d: Diagnostic, source: _File) -> Diagnostic | Fix | None:
    """Two blocks of a section as one; of two equal statements the second, else the first, away."""
    two = source.named(d.span)
    one = source.named(d.notes[0].span) if d.notes else None
    if one is None or two is None:
        return None
    joined = _joined(one.one, two, source)
    if joined is not None:
        return replace(d, hint="put both into one block", fix=joined)
    same = source.body(one.one).split() == source.body(two.one).split()
    return Fix((_taken(two if same else one, source),), safe=same)


def _joined(first: Statement, second: _Found, source: _File) -> Fix | None:
    """The statements of a section's second block in its first, where none has the other's."""
    value, block = first.value, second.one.value
    if not isinstance(block, Block) or not isinstance(value, Block | Text):
        return None
    if second.one.head is not None and (first.head is not None or isinstance(value, Text)):
        return None
    if second.one.head is not None or not block.statements:
        return None
    words = [s.word.text for s in block.statements if s.word is not None]
    had = [s.word.text for s in value.statements if s.word] if isinstance(value, Block) else []
    if len(words) < len(block.statements) or {*words} & {*had}:
        return None
    inside = source.text[block.start + 1 : block.end - 1]
    if "#" in inside:
        return None
    one_line = not re.search("[\r\n]", inside)
    if one_line:
        body = inside.strip().rstrip(";").rstrip()
    else:
        body = "\n".join(source.body(s) for s in block.statements)
    added = _added(first, body, source)
    return Fix((added, _taken(second, source))) if added else None


def _missing(d: Diagnostic, source: _File) -> Fix | None:
    """The version line, which can only be one."""
    if d.key != "automlc" or not source.statements:
        return None
    start = source.first(source.statements[0])
    before = source.text[source.line(start)[0] : start]
    return None if before.strip() else source.fix(start, start, f"automlc 1\n{before}")


def _no_value(d: Diagnostic, source: _File) -> Diagnostic | None:
    """`seed` alone: an example of its own value."""
    match = re.fullmatch(r"`(.+)` has no value", d.message)
    if match is None:
        return None
    found = source.named(d.span)
    section = ""
    if found is not None and found.around:
        section = ".".join(s.word.text for s in found.around if s.word is not None)
    from automlc.spec.aml_hints import sample

    shown = sample(f"{section}.{match[1]}" if section else match[1])
    return replace(d, hint=(shown and f"write {shown}") or d.hint)


# Values of a wrong kind ---------------------------------------------------------------------------

# The key that the short form of a section most likely meant.
_WORD_OF = {"data.image": "size", "data.split": "validation"}


def _wrong_type(d: Diagnostic, source: _File) -> Diagnostic | Fix | None:
    """A section, a list or a value in a form that it does not have."""
    found = source.holding(d.span)
    if found is None or found.one.word is None or found.one.value is None:
        return None
    one, word = found.one, found.one.word
    place = found.around[0].word.text if found.around and found.around[0].word else ""
    grown = next((w for (p, w), n in LISTS.items() if (p, n) == (place, word.text)), None)
    if grown and "is a list" in d.message:
        return _one_of(d, one, grown, source)
    if isinstance(one.value, Items) and ("must be a mapping" in d.message or _is_section(d)):
        return _no_list(d, one, one.value, source)
    if (paired := _pairs(d, one, source)) is not None:
        return paired
    if not isinstance(one.value, Text) or one.value.token.type != "TEXT":
        return None
    start, end = one.value.token.start, one.value.token.end
    if "is a list" in d.message and not re.search(r"[\[\]{}();#]", one.value.token.text):
        return source.fix(start, end, f"[{one.value.token.text}]")
    if d.key in _WORD_OF and "mapping" in d.message:
        return source.fix(start, end, f"{{ {_WORD_OF[d.key]} {one.value.token.text} }}")
    return None


def _is_section(d: Diagnostic) -> bool:
    return "is a mapping" in d.message


def _one_of(d: Diagnostic, one: Statement, grown: str, source: _File) -> Diagnostic | None:
    """`constraints model.size <= 5MB` and `constraints { model.size 5MB }`."""
    word, value = one.word, one.value
    assert word is not None
    if isinstance(value, Text):
        text = source.text[value.token.start : value.token.end]
        bare = text[1:-1] if value.token.type == "STRING" else text
        if bare[:1] == "-":
            lines = [part.strip() for part in re.split(r"\s-\s*(?=[a-z])", f" {bare}")]
            made = "\n".join(f"{grown} {line}" for line in lines if line)
            hint = f"write {grown} {lines[1][:60]}"
            return replace(d, hint=hint, fix=source.fix(word.start, value.token.end, made))
        fix = source.fix(word.start, word.end, grown)
        return replace(d, hint=f"write {grown} {' '.join(text.split())[:60]}", fix=fix)
    if isinstance(value, Block) and all(s.word is not None for s in value.statements):
        parts = [source.body(s) for s in value.statements]
        if parts and all(re.search(r"[<>=]", part) and "\n" not in part for part in parts):
            made = "\n".join(f"{grown} {part}" for part in parts)
            return replace(d, fix=source.fix(word.start, value.end, made))
    said = (d.hint or "").rpartition(" - ")[2]
    if isinstance(value, Block) and len(value.statements) == 1 and grown == "constrain" and said:
        return replace(d, fix=source.fix(word.start, value.end, f"{grown} {said}"))
    return None


def _no_list(d: Diagnostic, one: Statement, value: Items, source: _File) -> Diagnostic | None:
    """`task [{ kind x }, { metric y }]` and `budget [trials 3]` as a block."""
    assert one.word is not None
    parts = []
    for item in value.items:
        if isinstance(item, Block):
            parts += [source.body(s) for s in item.statements]
        elif isinstance(item, Text) and re.match(r"[a-z_]+\s+\S", item.token.text):
            parts.append(item.token.text)
        else:
            return None
    if not parts or "#" in source.text[value.start : value.end]:
        return None
    made = f"{{ {'; '.join(parts)} }}"
    hint = f"write {one.word.text} {made[:60]}"
    if d.key == "space.parameters":
        made = "; ".join(re.sub(r"^(\S+)\s+", r"\1 ~ ", part) for part in parts)
        fix = source.fix(one.word.start, value.end, made)
        return replace(d, hint=f"write {made[:60]}", fix=fix)
    if "\n" in made:
        made = "{\n" + "\n".join(parts) + "\n}"
    return replace(d, hint=hint, fix=source.fix(value.start, value.end, made))


_PAIR = re.compile(r"([a-z_]+)\s*[:=\s]\s*([^\s:=,;]+)[\s,;]*")


def _pairs(d: Diagnostic, one: Statement, source: _File) -> Diagnostic | None:
    """`budget trials = 3` and `budget "trials:3 epochs:4"`: a block of these."""
    from automlc.spec.load import keys_of

    if not isinstance(one.value, Text) or one.word is None or "must be a mapping" not in d.message:
        return None
    token = one.value.token
    inside = token.text[1:-1] if token.type == "STRING" else token.text
    pairs = _PAIR.findall(inside)
    if _PAIR.sub("", inside).strip() or not {key for key, _ in pairs} <= keys_of(one.word.text):
        return None
    made = f"{{ {'; '.join(f'{key} {value}' for key, value in pairs)} }}"
    fix = source.fix(token.start, token.end, made)
    return replace(d, hint=f"write {one.word.text} {made[:60]}", fix=fix)


_SINGLE = re.compile(r"""\s*([^\s"'(){}\[\]#]+|"[^"]*"|'[^']*')\s*""")


def _list_domain(d: Diagnostic, source: _File) -> Fix | None:
    """`optimizer ~ [sgd, adam]`, where only a choice can be meant."""
    if "a list is not a domain" not in d.message or " or " in (d.hint or "") or d.span is None:
        return None
    start, end = source.offsets(d.span)
    if source.text[start] != "[" or source.text[end - 1] != "]":
        return None
    inside = source.text[start + 1 : end - 1]
    if not all(map(_SINGLE.fullmatch, inside.split(","))):
        return None
    return source.fix(start, end, f"choice({inside})")


# Brackets, quotes and signs -----------------------------------------------------------------------


def _expression(d: Diagnostic, source: _File) -> Diagnostic | Fix | None:
    """What an expression lacks."""
    assert d.span is not None
    start, end = source.offsets(d.span)
    if "parenthesis is not closed" in d.message:
        fix = _close_parenthesis(start, end, source)
        return replace(d, hint="add `)`", fix=fix)
    if (clauses := re.fullmatch(r"write \{(\w+): \[([^\]]*)\], (.+)\}", d.hint or "")) is not None:
        made = f"{clauses[1]}({clauses[2]}) {re.sub(r'[:,] ', ' ', clauses[3])}"
        found = source.holding(d.span)
        value = found.one.value if found is not None else None
        if isinstance(value, Text) and value.token.type == "TEXT":
            call = re.match(r"\w+\s*\([^()]*\)", value.token.text)
            at = value.token.start
            fix = source.fix(at, at + call.end(), made) if call else None
            return replace(d, hint=f"write {made}", fix=fix)
        return replace(d, hint=f"write {made}")
    if "takes values only" in d.message and source.text[start:end] in _CLAUSES:
        found = source.holding(d.span)
        value = found.one.value if found is not None else None
        if isinstance(value, Text) and value.token.type == "STRING" and value.token.text[0] == '"':
            inside = value.token.text[1:-1]
            if not re.search(r"[\\;{}#]", inside):
                fix = source.fix(value.token.start, value.token.end, inside)
                return replace(d, hint="take the quotes away", fix=fix)
    elif "takes values only" in d.message and (near := nearest(source.text[start:end], _CLAUSES)):
        return replace(d, hint=f"did you mean {near}?", fix=source.fix(start, end, near))
    if (d.hint or "").startswith("a comma between values"):
        before = len(source.text[:start].rstrip())
        if re.fullmatch(r"[\w.]+|\"[^\"]*\"", source.text[start:end]):
            return replace(d, fix=source.fix(before, before, ","))
    return None


_CLAUSES = ("default", "step", "when")


def _close_parenthesis(start: int, end: int, source: _File) -> Fix | None:
    """A `)` behind the last value of the line."""
    found = source.holding(source.places.span(start, start))
    value = found.one.value if found is not None else None
    if not isinstance(value, Text):
        return None
    if end - start <= 1 and source.text[start : start + 1] in ("'", '"'):
        return source.fix(start, start, ")")
    at = value.token.end - (value.token.type == "STRING")
    text = source.text[value.token.start : at]
    if (comment := re.search(r"\s+#", text)) is not None:
        at, text = value.token.start + comment.start(), text[: comment.start()]
    missing = text.count("(") - text.count(")")
    if missing != 1 or re.search(r"\b(default|step|when)\b", text.rpartition("(")[2]):
        return None
    return source.fix(at, at, ")")


def _bracket(d: Diagnostic, source: _File) -> Diagnostic | Fix | None:
    """A bracket too many, too few, or of the other kind."""
    assert d.span is not None
    start, end = source.offsets(d.span)
    if "closes no" in d.message:
        return source.fix(start, end, "", safe=False)
    return None


def _quote(d: Diagnostic, source: _File) -> Fix | None:
    """The second quote at the end of the line."""
    if "is not closed" not in d.message or d.span is None:
        return None
    start, end = source.offsets(d.span)
    mark = source.text[start]
    end = min(end, source.line(start)[1])
    inside = source.text[start:end].rstrip("; \t")
    while inside.endswith("}") and "{" not in inside:
        inside = inside[:-1].rstrip("; \t")
    at = start + len(inside)
    return source.fix(at, at, mark, safe=False) if mark in "\"'" else None


def _control(d: Diagnostic, source: _File) -> Fix | None:
    return put(d.span, "", safe=False) if "control character" in d.message else None


_REPAIRS: dict[str, Repair] = {
    "E103": _twice,
    "E107": _control,
    "E110": _expression,
    "E113": _no_value,
    "E114": _bracket,
    "E115": _quote,
    "E117": _outside,
    "E201": _unknown_key,
    "E202": _missing,
    "E203": _wrong_type,
    "E301": _list_domain,
}
