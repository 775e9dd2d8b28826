"""`automlc fmt`: a spec's text in one style, or as the other surface, without loss.

Comments and single empty lines stay where they belong. Nothing is returned that does not read back
as the same spec.
"""

from __future__ import annotations

from typing import Literal

from automlc.spec.aml import parse_aml
from automlc.spec.aml_text import aml_text
from automlc.spec.aml_tokens import Places, Tok, tokens
from automlc.spec.comments import Comment, Comments
from automlc.spec.diagnostics import Diagnostic, Span, lines_of, quote
from automlc.spec.errors import SpecError
from automlc.spec.load import check_root, parse
from automlc.spec.yaml_format import yaml_text
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, parse_yaml

Surface = Literal["yaml", "dsl"]


def surface_of(file: str) -> Surface:
    """What a file's suffix says that it is written in."""
    return "dsl" if file.endswith(".aml") else "yaml"


def formatted(text: str, file: str, to: Surface | None = None) -> str:
    """The text in one style, or as the other surface.

    Raises SpecError for a text that cannot be read, or not be said on the other surface.
    """
    source = surface_of(file)
    root, found = parse(text, file)
    if root is not None or not found:
        root = check_root(root, file, found)
    if found or not isinstance(root, MappingNode):
        raise SpecError(found, {file: text})
    target = to or source
    accident = _accident(root) if source != target else None
    if accident is not None:
        hint = "`automlc validate` says what is wrong with it"
        message = f"{quote(accident.text)} cannot be written as .aml as it stands"
        raise SpecError([Diagnostic("E118", message, accident.span, hint)], {file: text})
    made = _written(root, text, source, target)
    back, problems = parse_aml(made, file) if target == "dsl" else parse_yaml(made, file)
    if problems or back is None or not same_tree(root, back):
        raise SpecError([_unsaid(root, back, target)], {file: text})
    return made


def _written(root: MappingNode, text: str, source: Surface, target: Surface) -> str:
    text = text.removeprefix("\ufeff")
    lines = lines_of(text)
    found = aml_comments(text) if source == "dsl" else yaml_comments(lines, root)
    comments = Comments(root, [*found, *_gaps(lines)])
    if target == "dsl":
        return aml_text(root, comments)
    return yaml_text(root, comments, lines, is_yaml=source == "yaml")


def _unsaid(root: MappingNode, back: Node | None, target: Surface) -> Diagnostic:
    """What the other surface cannot say: the first key whose value is not read back."""
    place: Span = Span(root.span.file, root.span.line, 1, root.span.line, 2)
    name = "this spec"
    for key, value in root.items:
        other = back.get(key.text) if isinstance(back, MappingNode) else None
        if other is None or not same_tree(value, other):
            place, name = key.span, f"`{key.text}`"
            break
    surface = ".aml" if target == "dsl" else "YAML"
    hint = "`automlc validate` says what is wrong with it"
    return Diagnostic("E118", f"{name} cannot be written as {surface} as it stands", place, hint)


def _accident(node: Node) -> ScalarNode | None:
    """A key that YAML made of a value with a comma between braces, or one without a domain.

    `{lr: float(0, 1)}` has the value `float(0` and the key `1)`. As statements, both would be what
    somebody wrote.
    """
    if isinstance(node, SequenceNode):
        return next((found for item in node.items if (found := _accident(item))), None)
    if not isinstance(node, MappingNode):
        return None
    parameters = node.get("parameters")
    if isinstance(parameters, MappingNode):
        for key, value in parameters.items:
            if isinstance(value, ScalarNode) and value.value is None and not value.text:
                return key
    for key, value in node.items:
        cut = isinstance(value, ScalarNode) and value.value is None and not value.text
        if cut and not key.style and key.text.count(")") > key.text.count("("):
            return key
        if (found := _accident(value)) is not None:
            return found
    return None


def same_tree(one: Node, other: Node) -> bool:
    """Whether two trees say the same; the order of keys does not count."""
    match one, other:
        case ScalarNode(value=a), ScalarNode(value=b):
            return type(a) is type(b) and (a == b or (a != a and b != b))
        case SequenceNode(items=a), SequenceNode(items=b):
            return len(a) == len(b) and all(map(same_tree, a, b))
        case MappingNode(items=a), MappingNode(items=b):
            theirs = {key.text: value for key, value in b}
            return len(a) == len(b) and all(
                key.text in theirs and same_tree(value, theirs[key.text]) for key, value in a
            )
        case _:
            return False


# Comments -----------------------------------------------------------------------------------------


def _gaps(lines: list[str]) -> list[Comment]:
    """Empty lines, the last of each group."""
    return [
        Comment(number, 1, "", True)
        for number, line in enumerate(lines[:-1], 1)
        if not line.strip() and lines[number].strip()
    ]


def aml_comments(text: str) -> list[Comment]:
    """The comments of an `.aml` text."""
    found: list[Tok] = []
    for _ in tokens(text, found):
        pass
    places, comments = Places(text, ""), []
    for one in found:
        number, column = places.of(one.start)
        before = text[one.start - column + 1 : one.start]
        comments.append(Comment(number, column, one.text.rstrip(), not before.strip()))
    return comments


def yaml_comments(lines: list[str], root: Node) -> list[Comment]:
    """The comments of a YAML text: every ` #` that is in no value."""
    values: dict[int, list[tuple[int, int]]] = {}
    for span in _scalars(root):
        last = span.end_line if span.end_column > 1 else span.end_line - 1
        for number in range(span.line, last + 1):
            start = span.column if number == span.line else 0
            end = span.end_column if number == span.end_line else 10**9
            values.setdefault(number, []).append((start, end))
    comments = []
    for number, line in enumerate(lines, 1):
        at = line.find("#")
        while at >= 0:
            inside = any(start <= at + 1 < end for start, end in values.get(number, ()))
            if not inside and (at == 0 or line[at - 1] in " \t"):
                alone = not line[:at].strip()
                comments.append(Comment(number, at + 1, line[at:].rstrip(), alone))
                break
            at = line.find("#", at + 1)
    return comments


def _scalars(node: Node) -> list[Span]:
    """Where single values stand, keys included; of block scalars only the lines of text."""
    found: list[Span] = []
    level = [node]
    while level:
        one = level.pop()
        if isinstance(one, ScalarNode):
            span = one.span
            if one.style in ("|", ">"):  # a comment may stand behind the sign
                span = Span(span.file, span.line + 1, 0, span.end_line, span.end_column)
            found.append(span)
        elif isinstance(one, SequenceNode):
            level += one.items
        else:
            for key, value in one.items:
                level += (key, value)
    return found
