"""A tree of nodes as `.aml` text, with its comments; the inverse of spec/aml.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from automlc.spec.aml import LISTS, MAIN, SHORT
from automlc.spec.aml_tokens import STRING, TooLargeError, tokens
from automlc.spec.comments import Comments, tidied
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, resolve

WIDTH = 88
INDENT = "  "
DOMAIN_WORDS = ("choice", "int", "log_int", "float", "uniform", "log_uniform", "log", "fixed")
_CLAUSES = ("default", "step", "when")
_SIMPLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:+-]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
# What may stand between commas without quotes.
_PIECE = re.compile(r"""[A-Za-z0-9_.+\-*/%<>!(][A-Za-z0-9_.+\-*/%<> ()!=:]*""")
_CLAUSE_WORD = re.compile(r"\b(default|step|when|as)\b")


def aml_text(root: MappingNode, comments: Comments | None = None) -> str:
    """The whole text of a spec. Comments that find no place stand at the end."""
    writer = _Writer(comments or Comments(None, []))
    lines = list(writer.section(root, "", ""))
    return tidied(lines + writer.comments.rest())


class _Writer:
    def __init__(self, comments: Comments):
        self.comments = comments

    # -- sections --

    def section(self, node: MappingNode, place: str, indent: str) -> Iterator[str]:
        """The statements of a mapping; `place` as in spec/aml.py."""
        for key, value in node.items:
            yield from self.entry(key, value, place, indent)

    def entry(self, key: ScalarNode, value: Node, place: str, indent: str) -> Iterator[str]:
        """The lines of one key and its value."""
        for comment in self.comments.take_before(key):
            yield f"{indent}{comment}"
        word = next((w for (p, w), name in LISTS.items() if (p, name) == (place, key.text)), None)
        if word is not None and _grows(value):
            assert isinstance(value, SequenceNode)
            yield from self.grown(word, key, value, indent)
        elif place == "space" and key.text == "parameters" and _is_full(value):
            yield from self.parameters(key, value, indent)
        elif place == "space" and key.text == "model" and isinstance(value, SequenceNode):
            head = f"{indent}model"
            yield from self.block(head, key, value, self.layers(value, indent + INDENT), indent)
        elif place == "space" and key.text == "blocks" and _are_blocks(value):
            yield from self.blocks(key, value, indent)
        elif place == "" and key.text in MAIN and isinstance(value, MappingNode):
            yield from self.main(key, value, indent)
        else:
            inner = "" if place == "profiles" else "-"
            inner = "profiles" if place == "" and key.text == "profiles" else inner
            yield from self.plain(key_text(key), key, value, inner, indent)

    def plain(
        self, head: str, key: ScalarNode, value: Node, place: str, indent: str
    ) -> Iterator[str]:
        """`key value`, `key [items]`, `key { statements }`."""
        inline = self.inline(value, place)
        if (
            inline is not None and len(indent) + len(head) + 1 + len(inline) <= WIDTH
        ) or isinstance(value, ScalarNode):
            yield self.behind(f"{indent}{head} {inline}", key)
        elif isinstance(value, MappingNode):
            inner = self.section(value, place, indent + INDENT)
            yield from self.block(f"{indent}{head}", key, value, inner, indent)
        else:
            assert isinstance(value, SequenceNode)
            yield self.behind(f"{indent}{head} [", key)
            yield from self.items(value, indent + INDENT)
            yield f"{indent}]"

    def items(self, node: SequenceNode, indent: str) -> Iterator[str]:
        """The items of a list, a line each."""
        for item in node.items:
            for comment in self.comments.take_before(item):
                yield f"{indent}{comment}"
            inline = self.inline(item, "-", in_list=True)
            if inline is not None:
                yield self.behind(f"{indent}{inline}", item)
            elif isinstance(item, MappingNode):
                yield self.behind(f"{indent}{{", item)
                yield from self.section(item, "-", indent + INDENT)
                yield f"{indent}}}"
            else:
                assert isinstance(item, SequenceNode)
                yield self.behind(f"{indent}[", item)
                yield from self.items(item, indent + INDENT)
                yield f"{indent}]"

    def block(
        self, head: str, key: Node, value: Node, lines: Iterator[str], indent: str
    ) -> Iterator[str]:
        """A head and its lines between braces; on one line where they are few and short."""
        few = not self.comments.within(value)
        inner = list(lines) if few else None
        if (
            inner is not None
            and len(inner) <= 4
            and (len(inner) == 1 or not any(_is_open(line) for line in inner))
        ):
            text = (
                f"{head} {{ {'; '.join(line.strip() for line in inner)} }}"
                if inner
                else f"{head} {{}}"
            )
            if len(text) <= WIDTH and "#" not in text:
                yield self.behind(text, key)
                return
        yield self.behind(f"{head} {{", key)
        yield from inner if inner is not None else lines
        yield f"{indent}}}"

    def behind(self, line: str, node: Node) -> str:
        comment = self.comments.take_behind(node)
        return f"{line}  {comment}" if comment else line

    def inline(self, node: Node, place: str = "-", *, in_list: bool = False) -> str | None:
        """A value on one line; None for what needs more."""
        match node:
            case ScalarNode():
                return scalar_text(node, in_list=in_list)
            case SequenceNode(items=items):
                if self.comments.within(node):
                    return None
                parts = [self.inline(item, in_list=True) for item in items]
                if any(part is None for part in parts):
                    return None
                return f"[{', '.join(part for part in parts if part is not None)}]"
            case MappingNode(items=()):
                return "{}"
            case MappingNode(items=pairs):
                if place != "-" or self.comments.within(node):
                    return None
                parts = [self.pair(key, value) for key, value in pairs]
                if len(parts) > 4 or any(part is None for part in parts):
                    return None
                text = f"{{ {'; '.join(part for part in parts if part is not None)} }}"
                return text if len(text) <= WIDTH - 8 else None

    def pair(self, key: ScalarNode, value: Node) -> str | None:
        inline = self.inline(value)
        return None if inline is None else f"{key_text(key)} {inline}"

    # -- what reads better than key and value --

    def main(self, key: ScalarNode, value: MappingNode, indent: str) -> Iterator[str]:
        """`task image_classification { … }`."""
        name = key.text
        main = value.get(MAIN[name])
        if not isinstance(main, ScalarNode):
            inner = self.section(value, name, indent + INDENT)
            yield from self.block(f"{indent}{name}", key, value, inner, indent)
            return
        marker = value.key(MAIN[name])
        assert marker is not None
        for comment in self.comments.take_all(marker):
            yield f"{indent}{comment}"
        rest = tuple((k, v) for k, v in value.items if k.text != MAIN[name])
        head = f"{indent}{name} {scalar_text(main)}"
        if not rest:
            yield self.behind(f"{head} {{}}" if name in SHORT else head, key)
            return
        left = MappingNode(rest, value.span)
        lines = self.section(left, name, indent + INDENT)
        yield from self.block(head, key, left, lines, indent)

    def grown(self, word: str, key: ScalarNode, value: SequenceNode, indent: str) -> Iterator[str]:
        """`forbid a`, `forbid b`."""
        behind = self.comments.take_behind(key)
        if behind:
            yield f"{indent}{behind}"
        for item in value.items:
            for comment in self.comments.take_before(item):
                yield f"{indent}{comment}"
            assert isinstance(item, ScalarNode)
            yield self.behind(f"{indent}{word} {scalar_text(item)}", item)

    def parameters(self, key: ScalarNode, value: Node, indent: str) -> Iterator[str]:
        """`name ~ domain` for each."""
        assert isinstance(value, MappingNode)
        behind = self.comments.take_behind(key)
        if behind:
            yield f"{indent}{behind}"
        for name, declared in value.items:
            lines = self.comments.take_before(name)
            text = declaration_text(declared)
            head = f"{key_text(name)} ~"
            if text is not None:
                lines += (
                    self.comments.take_all(declared) if not isinstance(declared, ScalarNode) else []
                )
                yield from (f"{indent}{line}" for line in lines)
                yield self.behind(f"{indent}{head} {text}", name)
                continue
            yield from (f"{indent}{line}" for line in lines)
            yield from self.plain(head, name, declared, "-", indent)

    def blocks(self, key: ScalarNode, value: Node, indent: str) -> Iterator[str]:
        """`block name(args) { layers }` for each."""
        assert isinstance(value, MappingNode)
        behind = self.comments.take_behind(key)
        if behind:
            yield f"{indent}{behind}"
        for name, block in value.items:
            for comment in self.comments.take_before(name):
                yield f"{indent}{comment}"
            head, body = f"{indent}block {name.text}", block
            if isinstance(block, MappingNode):
                args, body = block.items[0][1], block.items[1][1]
                assert isinstance(args, SequenceNode)
                for comment in self.comments.take_all(block.items[0][0], args, block.items[1][0]):
                    yield f"{indent}{comment}"
                words = [scalar_text(a) for a in args.items if isinstance(a, ScalarNode)]
                head += f"({', '.join(words)})"
            assert isinstance(body, SequenceNode)
            yield from self.block(head, name, body, self.layers(body, indent + INDENT), indent)

    # -- layers --

    def layers(self, node: SequenceNode, indent: str) -> Iterator[str]:
        """A line or a block for each layer."""
        for item in node.items:
            for comment in self.comments.take_before(item):
                yield f"{indent}{comment}"
            yield from self.layer(item, indent)

    def layer(self, node: Node, indent: str) -> Iterator[str]:
        if isinstance(node, ScalarNode):
            yield self.behind(f"{indent}{layer_word(node)}", node)
            return
        if isinstance(node, MappingNode) and node.items:
            entries = {key.text: value for key, value in node.items}
            made = self.structure(node, entries, indent) or self.operation(node, entries, indent)
            if made is not None:
                yield from made
                return
            yield self.behind(f"{indent}{{", node)
            yield from self.section(node, "-", indent + INDENT)
            yield f"{indent}}}"
            return
        if isinstance(node, MappingNode):
            yield self.behind(f"{indent}{{}}", node)
            return
        yield from self.plain("list", ScalarNode("list", "list", node.span), node, "-", indent)

    def operation(
        self, node: MappingNode, entries: dict[str, Node], indent: str
    ) -> Iterator[str] | None:
        """`conv2d(filters=8) when depth > 1`."""
        names = [name for name in entries if name != "when"]
        when = condition_text(entries.get("when"))
        if len(names) != 1 or when is None or not _SIMPLE.fullmatch(names[0]):
            return None
        value = entries[names[0]]
        if isinstance(value, ScalarNode) and value.value is None and when:
            text = f"{names[0]}{when}"
        elif isinstance(value, MappingNode) and value.items:
            arguments = [argument_text(key, one) for key, one in value.items]
            if any(one is None for one in arguments):
                return None
            text = f"{names[0]}({', '.join(one for one in arguments if one)}){when}"
        else:
            return None
        key = node.items[0][0]
        lines = self.comments.take_all(*(k for k, _ in node.items[1:]), *entries.values())
        return iter([*(f"{indent}{line}" for line in lines), self.behind(f"{indent}{text}", key)])

    def structure(
        self, node: MappingNode, entries: dict[str, Node], indent: str
    ) -> Iterator[str] | None:
        """`choice`, `repeat` and `residual` with their layers."""
        when = condition_text(entries.get("when"))
        names = set(entries) - {"when"}
        key, inner = node.items[0][0], indent + INDENT
        if when is None:
            return None
        of, body = entries.get("of"), entries.get("body")
        if (
            names == {"choice", "of"}
            and isinstance(of, MappingNode)
            and _is_piece(entries["choice"])
        ):
            if not all(isinstance(v, SequenceNode) for _, v in of.items):
                return None
            head = f"{indent}choice {_piece(entries['choice'])}{when}"
            return self.structured(head, key, node, of, self.branches(of, inner), indent)
        if names in ({"repeat", "body"}, {"repeat", "as", "body"}) and isinstance(
            body, SequenceNode
        ):
            if not _is_piece(entries["repeat"]) or not _is_piece(
                entries.get("as", entries["repeat"])
            ):
                return None
            index = f" as {_piece(entries['as'])}" if "as" in entries else ""
            head = f"{indent}repeat {_piece(entries['repeat'])}{index}{when}"
            return self.structured(head, key, node, body, self.layers(body, inner), indent)
        residual = entries.get("residual")
        if names <= {"residual", "stride", "project"} and isinstance(residual, SequenceNode):
            given = [(k, v) for k, v in node.items if k.text in ("stride", "project")]
            arguments = [argument_text(k, v) for k, v in given]
            if any(one is None for one in arguments):
                return None
            head = f"{indent}residual" + (
                f"({', '.join(a for a in arguments if a)})" if given else ""
            )
            lines = self.layers(residual, inner)
            return self.structured(f"{head}{when}", key, node, residual, lines, indent)
        return None

    def structured(
        self, head: str, key: Node, node: MappingNode, body: Node, lines: Iterator[str], indent: str
    ) -> Iterator[str]:
        """A block of layers, with comments of what has no line of its own before it."""
        keys = [k for k, _ in node.items if k is not key]
        values = [v for _, v in node.items if v is not body]
        for comment in self.comments.take_all(*keys, *values):
            yield f"{indent}{comment}"
        yield from self.block(head, key, body, lines, indent)

    def branches(self, node: MappingNode, indent: str) -> Iterator[str]:
        for key, value in node.items:
            for comment in self.comments.take_before(key):
                yield f"{indent}{comment}"
            assert isinstance(value, SequenceNode)
            lines = self.layers(value, indent + INDENT)
            yield from self.block(f"{indent}{key_text(key)}", key, value, lines, indent)


def _is_open(line: str) -> bool:
    """Whether a line begins, ends or holds a block, of which one inside another is enough."""
    return line.rstrip().endswith(("{", "[", "}", "]")) and line.strip() not in ("{}", "[]")


def _grows(node: Node) -> bool:
    return (
        isinstance(node, SequenceNode)
        and bool(node.items)
        and all(isinstance(item, ScalarNode) for item in node.items)
    )


def _is_full(node: Node) -> bool:
    return isinstance(node, MappingNode) and bool(node.items)


def _are_blocks(node: Node) -> bool:
    return (
        isinstance(node, MappingNode)
        and bool(node.items)
        and all(
            _SIMPLE.fullmatch(name.text) and not name.style and _is_block(block)
            for name, block in node.items
        )
    )


def _is_block(node: Node) -> bool:
    if isinstance(node, SequenceNode):
        return True
    if not isinstance(node, MappingNode) or [k.text for k, _ in node.items] != ["args", "body"]:
        return False
    args, body = node.items[0][1], node.items[1][1]
    return (
        isinstance(args, SequenceNode)
        and isinstance(body, SequenceNode)
        and all(isinstance(a, ScalarNode) and _is_word(a) for a in args.items)
    )


def _is_word(node: ScalarNode) -> bool:
    """Whether a value reads back as it is when its text stands without quotes."""
    same = resolve(node.text)[0]
    return bool(_SIMPLE.fullmatch(node.text)) and type(same) is type(node.value)


# Single values ------------------------------------------------------------------------------------


def key_text(key: ScalarNode) -> str:
    """A key as it stands at the beginning of a statement."""
    return key.text if _SIMPLE.fullmatch(key.text) else quoted(key.text)


def layer_word(node: ScalarNode) -> str:
    """A layer that is a name alone."""
    text = scalar_text(node)
    return text if _SIMPLE.fullmatch(text) or text[:1] == '"' else quoted(str(node.value))


def scalar_text(node: ScalarNode, *, in_list: bool = False) -> str:
    """A single value as it stands behind a key, or as an item of a list."""
    if node.value is None:
        return "null"
    if not isinstance(node.value, str):
        same = resolve(node.text)[0] if node.text else None
        is_same = same == node.value and type(same) is type(node.value)
        return node.text if is_same or node.value != node.value else json.dumps(node.value)
    text = node.value
    if _SIMPLE.fullmatch(text):
        return text if isinstance(resolve(text)[0], str) else quoted(text)
    return text if _reads_back(text, in_list) else quoted(text)


def _reads_back(text: str, in_list: bool) -> bool:
    if not text or "\n" in text or "\r" in text or not text.isprintable():
        return False
    if not isinstance(resolve(text)[0], str) or not _is_balanced(text) or text[0] in "=:,":
        return False
    if text[-1] in ",=:":
        return False
    if text[0] in "\"'" and not STRING.match(text):
        return False
    before = ["LSQB"] if in_list else ["WORD"]
    after = ["RSQB"] if in_list else ["END"]
    try:
        read = list(tokens(f"[{text}]" if in_list else f"k {text}\n"))
    except TooLargeError:
        return False
    return [t.type for t in read] == [*before, "TEXT", *after] and read[1].text == text


def quoted(text: str) -> str:
    """A text between double quotes, with what cannot be printed as escapes."""
    out = ['"']
    for letter in text:
        if letter in '"\\':
            out.append(f"\\{letter}")
        elif letter == "\n":
            out.append("\\n")
        elif letter == "\t":
            out.append("\\t")
        elif letter.isprintable() and letter not in "\ufeff":
            out.append(letter)
        else:
            code = ord(letter)
            out.append(
                f"\\x{code:02x}"
                if code < 256
                else f"\\u{code:04x}"
                if code < 65536
                else f"\\U{code:08x}"
            )
    return "".join([*out, '"'])


# Texts of several values --------------------------------------------------------------------------


def _is_piece(node: Node) -> bool:
    return isinstance(node, ScalarNode)


def _piece(node: Node, *, in_clause: bool = True) -> str:
    """A value between commas or clause words."""
    assert isinstance(node, ScalarNode)
    text = scalar_text(node)
    if text[:1] == '"' or not isinstance(node.value, str):
        return text
    plain = _PIECE.fullmatch(text) and _is_balanced(text) and not text.endswith(" ")
    plain = plain and not (in_clause and _CLAUSE_WORD.search(text)) and "=" not in text[:1]
    return text if plain else quoted(node.value)


def _is_balanced(text: str) -> bool:
    """Whether every bracket outside of strings is closed."""
    depth = 0
    for letter in _STRING.sub("", text):
        depth += (letter in "([") - (letter in ")]")
        if depth < 0:
            return False
    return depth == 0


def _call_piece(node: ScalarNode) -> str:
    """A value of an argument: an expression may have commas inside parentheses and texts."""
    text = scalar_text(node)
    if text[:1] == '"' or not isinstance(node.value, str):
        return text
    from automlc.spec.aml_layers import commas_of

    apart = commas_of(text)
    plain = apart == [text] and text[0] not in "[=" and _is_balanced(text)
    return text if plain else quoted(node.value)


def argument_text(key: ScalarNode, value: Node) -> str | None:
    """`name=value`; None for what needs a block."""
    if not _SIMPLE.fullmatch(key.text):
        return None
    if isinstance(value, ScalarNode):
        return f"{key.text}={_call_piece(value)}"
    if isinstance(value, SequenceNode) and all(isinstance(i, ScalarNode) for i in value.items):
        parts: Sequence[str] = [_call_piece(i) for i in value.items if isinstance(i, ScalarNode)]
        return f"{key.text}=[{', '.join(parts)}]"
    return None


def condition_text(node: Node | None) -> str | None:
    """` when condition`, "" without one, None for what is no text."""
    if node is None:
        return ""
    return f" when {scalar_text(node)}" if isinstance(node, ScalarNode) else None


def declaration_text(node: Node) -> str | None:
    """A domain with its clauses; None for what needs a block."""
    if isinstance(node, ScalarNode):
        text = scalar_text(node)
        if isinstance(node.value, str) and text[:1] != '"' and not _is_call(text):
            return (
                text
                if not _CLAUSE_WORD.search(text) and text[:1] not in "(["
                else quoted(node.value)
            )
        return text
    if not isinstance(node, MappingNode):
        return None
    entries = {key.text: value for key, value in node.items}
    kinds = [name for name in entries if name in DOMAIN_WORDS]
    clauses = [name for name in _CLAUSES if name in entries]
    if len(kinds) != 1 or len(entries) != 1 + len(clauses):
        return None
    value = entries[kinds[0]]
    if not all(isinstance(entries[name], ScalarNode) for name in clauses):
        return None
    if isinstance(value, SequenceNode) and all(isinstance(i, ScalarNode) for i in value.items):
        parts = [_piece(i, in_clause=False) for i in value.items]
        is_single = kinds[0] == "fixed" and len(parts) == 1
        opened, closed = ("[", "]") if not clauses or is_single else ("(", ")")
        blank = " " if opened == "[" else ""
        text = f"{kinds[0]}{blank}{opened}{', '.join(parts)}{closed}"
    elif isinstance(value, ScalarNode) and kinds[0] == "fixed" and clauses:
        text = f"fixed({_piece(value, in_clause=False)})"
    else:
        return None
    for name in clauses:
        one = entries[name]
        assert isinstance(one, ScalarNode)
        text += f" {name} {scalar_text(one) if name == 'when' else _piece(one)}"
    return text


def _is_call(text: str) -> bool:
    """Whether a text is one call, such as `float(0, 1)`, and no clause."""
    match = re.fullmatch(r"[A-Za-z_]\w*\s*\((.*)\)", text, re.S)
    return match is not None and _is_balanced(match[1])
