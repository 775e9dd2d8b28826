"""Fixes that need the text and the tree of a YAML file: moved keys, indentation, quotes, dashes.

They are sought only for files with findings. What a repair proposes need not be right in every
case: `validate --fix` keeps it only if it helps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from automlc.spec.diagnostics import Diagnostic, Edit, Fix, Span, lines_of, put
from automlc.spec.edits import positions
from automlc.spec.record import record
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode


@record
class _File:
    """A file with what was read of it; `root` is None after a syntax error."""

    name: str
    text: str
    lines: list[str]
    root: Node | None

    def line(self, number: int) -> str:
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def span(self, line: int, start: int, end: int) -> Span:
        """Characters of a line, 0-based as in Python."""
        return Span(self.name, line, start + 1, line, end + 1)

    def cut(self, span: Span) -> str:
        """The characters of a stretch."""
        start, end = positions(self.text).ends(span)
        return self.text[start:end]


Repair = Callable[[Diagnostic, _File], Fix | None]


def with_repairs(
    found: Sequence[Diagnostic], root: Node | None, text: str, file: str
) -> list[Diagnostic]:
    """The findings, each with a fix where one of the table knows it."""
    lines = lines_of(text.removeprefix("\ufeff"))
    source = _File(file, text, lines, root)
    return [_repaired(d, source) for d in found]


def _repaired(d: Diagnostic, source: _File) -> Diagnostic:
    repair = _REPAIRS.get(d.code)
    if d.fix is not None or d.span is None or repair is None:
        return d
    return replace(d, fix=repair(d, source))


# Syntax -------------------------------------------------------------------------------------------


def _tabs(d: Diagnostic, source: _File) -> Fix | None:
    """Two spaces for each tab that indents, in all lines: they were written alike."""
    edits = []
    for number, line in enumerate(source.lines, 1):
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" in indent and line.strip():
            edits.append(Edit(source.span(number, 0, len(indent)), indent.replace("\t", "  ")))
    return Fix(tuple(edits)) if edits else None


def _syntax(d: Diagnostic, source: _File) -> Fix | None:
    """What E101 is about is told by its words."""
    assert d.span is not None
    for words, repair in _SYNTAX:
        if words in d.message:
            return repair(d, source)
    return None


_VALUE = re.compile(r"(?P<key>\s*(?:- )?[\w.-]+:\s+)(?P<value>[^\s#].*?)\s*$")


def _quote_value(d: Diagnostic, source: _File) -> Fix | None:
    """`name: digits: the first` with its value between quotes."""
    assert d.span is not None
    match = _VALUE.match(source.line(d.span.line))
    if match is None or '"' in match["value"] or match["value"][0] in "{[&*!|>'":
        return None
    place = source.span(d.span.line, match.start("value"), match.end("value"))
    return put(place, f'"{match["value"]}"')


def _close_bracket(d: Diagnostic, source: _File) -> Fix | None:
    """A bracket that stays open at the end of its line, or quotes around what broke it."""
    assert d.span is not None
    opened = d.notes[0].span if d.notes else None
    if opened is None:
        return None
    line = source.line(opened.line)
    if d.span.line == opened.line:
        return _quote_condition(d.span.line, line, source)
    missing: list[str] = []
    number = last = opened.line
    for number in range(opened.line, d.span.line):
        bare = source.line(number).split(" #")[0].rstrip()
        for letter in bare[opened.column - 1 if number == opened.line else 0 :]:
            if letter in "{[":
                missing.append(letter)
            elif letter in "}]" and missing:
                missing.pop()
        last = number if bare.strip() else last
    closing = "".join("}" if c == "{" else "]" for c in reversed(missing))
    end = len(source.line(last).split(" #")[0].rstrip())
    return put(source.span(last, end, end), closing, safe=False) if closing else None


_CONDITION = re.compile(r"\bwhen:\s+(?P<value>[^'\"{}][^{}]*?\])(?=\s*[,}])")


def _quote_condition(number: int, line: str, source: _File) -> Fix | None:
    """`{float: [0, 1], when: optimizer in ["adam"]}` with the condition between quotes."""
    match = _CONDITION.search(line)
    if match is None or "'" in match["value"]:
        return None
    place = source.span(number, match.start("value"), match.end("value"))
    return put(place, f"'{match['value']}'")


def _close_quote(d: Diagnostic, source: _File) -> Fix | None:
    assert d.span is not None
    line = source.line(d.span.line)
    mark, end = line[d.span.column - 1 : d.span.column], len(line.rstrip())
    if mark not in ("'", '"'):
        return None
    while mark and line[end - 1] in ",}]" and line.count(line[end - 1]) > 0 and end > d.span.column:
        if line[end - 1] == "," or {"}": "{", "]": "["}[line[end - 1]] in line[: d.span.column]:
            end -= 1
        else:
            break
    return put(source.span(d.span.line, end, end), mark, safe=False)


def _single_quotes(d: Diagnostic, source: _File) -> Fix | None:
    r"""`"C:\data"` between single quotes, in which a backslash is a backslash."""
    assert d.span is not None
    line, at = source.line(d.span.line), d.span.column - 1
    first, last = line.rfind('"', 0, at), line.find('"', at)
    if first < 0 or last < 0 or "'" in line[first:last]:
        return None
    return put(source.span(d.span.line, first, last + 1), f"'{line[first + 1 : last]}'")


def _align(d: Diagnostic, source: _File) -> Fix | None:
    """A line that begins between two levels, at the level of the line above it."""
    assert d.span is not None
    line, above = source.line(d.span.line), ""
    for number in range(d.span.line - 1, 0, -1):
        above = source.line(number)
        if above.strip() and not above.lstrip().startswith("#"):
            break
    indent, wanted = len(line) - len(line.lstrip()), len(above) - len(above.lstrip())
    if indent == wanted or d.span.column - 1 != indent or above.rstrip().endswith(":"):
        return None
    return put(source.span(d.span.line, 0, indent), " " * wanted, safe=False)


_SYNTAX: tuple[tuple[str, Repair], ...] = (
    ("`:` is not expected", _quote_value),
    ("cannot begin a value", _quote_value),
    ("closing bracket is missing", _close_bracket),
    ("the text is not closed", _close_quote),
    ("escape is not known", _single_quotes),
    ("a key is expected here", _align),
)


def _twice(d: Diagnostic, source: _File) -> Fix | None:
    """Take the second of two equal entries away; of two unlike ones the first, which most readers
    of YAML forget."""
    first = d.notes[0].span if d.notes else None
    if d.span is None or first is None:
        return None
    blocks = [_block(source, span) for span in (first, d.span)]
    if any(block is None for block in blocks):
        return None
    one, other = (block for block in blocks if block is not None)
    same = source.cut(one).split() == source.cut(other).split()
    return put(other if same else one, "", safe=same)


def _block(source: _File, key: Span) -> Span | None:
    """The lines of a key and all that is indented below it; None inside brackets."""
    line = source.line(key.line)
    indent = key.column - 1
    if line[:indent].strip():
        return None
    last = key.line
    for number in range(key.line + 1, len(source.lines) + 1):
        text = source.line(number)
        deep = len(text) - len(text.lstrip())
        if text.strip() and deep <= indent and not (deep == indent and text.lstrip()[:2] == "- "):
            break
        last = number if text.strip() else last
    return Span(source.name, key.line, 1, last + 1, 1)


def _tag(d: Diagnostic, source: _File) -> Fix | None:
    """A tag and the blank behind it are taken away."""
    assert d.span is not None
    line, start, end = source.line(d.span.line), d.span.column - 1, d.span.end_column - 1
    if not line[start:end].startswith("!"):
        return None
    end += len(line[end:]) - len(line[end:].lstrip(" "))
    plain = line[start:end].strip() in ("!!str", "!!int", "!!float", "!!bool", "!!map", "!!seq")
    return put(source.span(d.span.line, start, end), "", safe=plain)


def _control(d: Diagnostic, source: _File) -> Fix | None:
    return put(d.span, "", safe=False) if "control character" in d.message else None


# Sections and keys --------------------------------------------------------------------------------


def _missing(d: Diagnostic, source: _File) -> Fix | None:
    """The version line, which can only be one."""
    root = source.root
    if d.key != "automlc" or not isinstance(root, MappingNode) or not root.items:
        return None
    first, is_flow = root.items[0][0].span, source.cut(root.span)[:1] == "{"
    at = replace(first, end_line=first.line, end_column=first.column)
    return put(at, "automlc: 1, " if is_flow else f"automlc: 1\n{' ' * (first.column - 1)}")


def _no_dashes(d: Diagnostic, source: _File) -> Fix | None:
    """A list of pairs that was meant to be a section."""
    node = source.root if not d.key else _at(source.root, d.key)
    if not isinstance(node, SequenceNode) or not node.items:
        return None
    items = [item for item in node.items if isinstance(item, MappingNode)]
    single = all(len(item.items) == 1 for item in items)
    edits = []
    for item in items:
        line, start = item.span.line, item.span.column - 1
        if source.line(line)[start - 2 : start] != "- ":
            return None
        edits.append(Edit(source.span(line, start - 2, start), "" if single else "  "))
    return Fix(tuple(edits)) if len(items) == len(node.items) else None


def _wrong_type(d: Diagnostic, source: _File) -> Fix | None:
    """A section in a form that it does not have."""
    node = _at(source.root, d.key)
    if isinstance(node, MappingNode) and d.key == "space.model":
        return _dashes(node, source)
    if isinstance(node, MappingNode) and d.key == "constraints" and len(node.items) == 1:
        said = (d.hint or "").rpartition("such as - ")[2]
        return put(node.span, f"[{said}]") if node.span.line == node.span.end_line else None
    if isinstance(node, SequenceNode):
        if d.key == "task" and len(node.items) == 1 and isinstance(node.items[0], ScalarNode):
            return put(node.span, f"{{kind: {source.cut(node.items[0].span)}}}")
        return _no_dashes(d, source)
    if not isinstance(node, ScalarNode):
        return None
    if d.key == "data.split" and "{validation: " in (d.hint or ""):
        return put(node.span, f"{{validation: {source.cut(node.span)}}}")
    if not isinstance(node.value, str):
        return None
    if (fix := _space_after_colon(node, source)) is not None:
        return fix
    if (fix := _space_after_dash(node, source)) is not None:
        return fix
    if pair := re.fullmatch(r"(\w+)(\s*=\s*)(\S+)", source.cut(node.span)):
        start = node.span.column - 1 + len(pair[1])
        return put(source.span(node.span.line, start, start + len(pair[2])), ": ")
    if node.span.line != node.span.end_line:
        return None
    if d.key in _WORD_OF:
        return put(node.span, f"{{{_WORD_OF[d.key]}: {source.cut(node.span)}}}")
    if "is a list" in d.message and not re.search(r"[\[\]{},#]|: ", node.text):
        return put(node.span, f"[{source.cut(node.span)}]")
    return None


def _dashes(node: MappingNode, source: _File) -> Fix | None:
    """`- ` before each layer of a model, where each stands in one line."""
    edits = []
    for key, value in node.items:
        line, start = key.span.line, key.span.column - 1
        if source.line(line)[:start].strip() or value.span.end_line != line:
            return None
        empty = isinstance(value, ScalarNode) and value.value is None
        edits.append(Edit(source.span(line, start, start), "- "))
        end = key.span.end_column - 1
        if empty and source.line(line)[end:].strip() == ":":
            edits.append(Edit(source.span(line, end, len(source.line(line))), ""))
    return Fix(tuple(edits)) if edits else None


# The key that the short form of a section most likely meant.
_WORD_OF = {"task": "kind", "data": "source", "data.image": "size"}


def _space_after_dash(node: ScalarNode, source: _File) -> Fix | None:
    """`-model.size <= 5MB`, in each line of the list."""
    edits = []
    for number in range(node.span.line, node.span.end_line + 1):
        match = re.match(r"\s*-(?=[a-z])", source.line(number))
        if match is None:
            return None
        edits.append(Edit(source.span(number, match.end(), match.end()), " "))
    return Fix(tuple(edits))


def _space_after_colon(node: ScalarNode, source: _File) -> Fix | None:
    """`kind:image_classification`, in each line of the section."""
    edits = []
    for number in range(node.span.line, node.span.end_line + 1):
        line = source.line(number)
        start = node.span.column - 1 if number == node.span.line else 0
        match = re.compile(r"\s*[a-z_]+:(?=[^\s/])").match(line, start)
        if match is None:
            return None
        edits.append(Edit(source.span(number, match.end(), match.end()), " "))
    known = re.match(r"\s*([a-z_]+):", node.text)
    return Fix(tuple(edits)) if known and known[1] not in ("builtin", "http", "https") else None


def _move(d: Diagnostic, source: _File) -> Fix | None:
    """A known key in the wrong section, into its own."""
    match = re.search(r"belongs (?:in `(?P<home>[\w.]+)`|at the top)", d.hint or "")
    if match is None or not isinstance(source.root, MappingNode) or d.span is None:
        return None
    home = (match["home"] or "").split(".") if match["home"] else []
    meant = re.match(r"did you mean (\w+)\? it", d.hint or "")
    return _moved(d.key.split("."), home, meant[1] if meant else None, source)


def _moved(path: list[str], home: list[str], meant: str | None, source: _File) -> Fix | None:
    """The fix that moves the pair at `path` into the section `home`, under the name `meant`."""
    owner = _at(source.root, ".".join(path[:-1])) if path[:-1] else source.root
    if not isinstance(owner, MappingNode):
        return None
    key, value = owner.key(path[-1]), owner.get(path[-1])
    if key is None or value is None:
        return None
    target, depth = source.root, 0
    while depth < len(home) and isinstance(target, MappingNode) and target.get(home[depth]):
        target, depth = target.get(home[depth]), depth + 1
    if not isinstance(target, MappingNode):
        return None
    body = _body(source, key, value)
    if meant:
        body[0] = meant + body[0].removeprefix(source.cut(key.span))
    if target is owner:  # the section is there, and lacks what is between it and the key
        return _wrapped(owner, key, value, home[depth:], body, source)
    taken, added = _taken(owner, key, value, source), _added(target, home[depth:], body, source)
    return Fix((taken, added)) if taken and added else None


def _wrapped(
    owner: MappingNode,
    key: ScalarNode,
    value: Node,
    missing: list[str],
    body: list[str],
    source: _File,
) -> Fix | None:
    """A pair put into sections of its own where it stands."""
    place = replace(key.span, end_line=value.span.end_line, end_column=value.span.end_column)
    if source.cut(owner.span)[:1] == "{":
        if len(body) != 1:
            return None
        inner = body[0]
        for name in reversed(missing):
            inner = f"{name}: {{{inner}}}"
        return put(place, inner)
    for name in reversed(missing):
        body = [f"{name}:", *(f"  {line}" if line else line for line in body)]
    indent = " " * (key.span.column - 1)
    return put(place, f"\n{indent}".join(body))


def _taken(owner: MappingNode, key: ScalarNode, value: Node, source: _File) -> Edit | None:
    """The edit that takes a pair out of its mapping."""
    if source.cut(owner.span)[:1] != "{":
        block = _block(source, key.span)
        return Edit(block, "") if block and len(owner.items) > 1 else None
    index = [k for k, _ in owner.items].index(key)
    if len(owner.items) == 1 or value.span.end_line != key.span.line:
        return None
    if index:
        before = owner.items[index - 1][1].span
        start = replace(before, line=before.end_line, column=before.end_column)
        return Edit(
            replace(start, end_line=value.span.end_line, end_column=value.span.end_column), ""
        )
    after = owner.items[1][0].span
    return Edit(replace(key.span, end_line=after.line, end_column=after.column), "")


def _body(source: _File, key: ScalarNode, value: Node) -> list[str]:
    """The lines of a pair, the first without indentation and the others relative to it."""
    span = replace(key.span, end_line=value.span.end_line, end_column=value.span.end_column)
    first, *rest = [line.rstrip() for line in lines_of(source.cut(span))]
    indent = key.span.column - 1
    return [first, *(line[indent:] if not line[:indent].strip() else line for line in rest)]


def _added(target: MappingNode, missing: list[str], body: list[str], source: _File) -> Edit | None:
    """The edit that puts a pair first into a mapping, making the sections that are missing."""
    if not target.items:
        return None
    body = [line for line in body if line]
    if len(body) == 1 and source.cut(target.span)[:1] == "{":
        for name in reversed(missing):
            body = [f"{name}: {{{body[0]}}}"]
    else:
        for name in reversed(missing):
            body = [f"{name}:", *(f"  {line}" for line in body)]
    at = target.items[0][0].span
    if target is source.root:  # behind all else: the version stays the first line
        last = len(source.lines)
        end = source.line(last)
        text = "\n".join(body)
        if source.cut(target.span)[:1] == "{":
            return None
        if not end:
            return Edit(source.span(last, 0, 0), f"{text}\n")
        return Edit(source.span(last, len(end), len(end)), f"\n{text}")
    place = replace(at, end_line=at.line, end_column=at.column)
    if source.cut(target.span)[:1] == "{":
        return Edit(place, f"{body[0]}, ") if len(body) == 1 else None
    indent = " " * (at.column - 1)
    return Edit(place, "".join(f"{line}\n{indent}" for line in body))


def _unread(d: Diagnostic, source: _File) -> Fix | None:
    """`lr: float(0, 1)` between braces, where a comma ends the value: quotes around it."""
    if "parenthesis is not closed" not in d.message:
        return None
    node = _at(source.root, d.key)
    if isinstance(node, MappingNode):
        node = node.get("when")
    if not isinstance(node, ScalarNode) or node.style or node.span.line != node.span.end_line:
        return None
    line, start = source.line(node.span.line), node.span.column - 1
    depth, end = 0, start
    for end in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[end], 0)
        if depth == 0 and line[end] in ",}" and end > start:
            break
    else:
        if depth == 1:  # a block value: the bracket is really missing
            stop = node.span.end_column - 1
            return put(source.span(node.span.line, stop, stop), ")")
        return None
    value = line[start:end].rstrip()
    mark = "'" if '"' in value else '"'
    if depth or mark in value:
        return None
    return put(source.span(node.span.line, start, start + len(value)), f"{mark}{value}{mark}")


def _at(root: Node | None, key: str) -> Node | None:
    """The node of a dotted key."""
    node = root
    for part in re.findall(r"[^.\[\]]+", key):
        if isinstance(node, MappingNode):
            node = node.get(part)
        elif isinstance(node, SequenceNode) and part.isdigit() and int(part) < len(node.items):
            node = node.items[int(part)]
        else:
            return node if isinstance(node, ScalarNode) else None
    return node


_REPAIRS: dict[str, Repair] = {
    "E101": _syntax,
    "E102": _tabs,
    "E103": _twice,
    "E104": _tag,
    "E107": _control,
    "E109": _no_dashes,
    "E110": _unread,
    "E201": _move,
    "E202": _missing,
    "E203": _wrong_type,
}
