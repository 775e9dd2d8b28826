"""`--set budget.epochs=3`: one value of a spec, given on the command line.

Keys may stand between quotes (`data.columns."a.b"=number`), items of lists have an index
(`constraints[0]="model.size <= 1MB"`). The value is read like one of a YAML file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from automlc.spec.diagnostics import Diagnostic, Note, Span, lines_of, quote
from automlc.spec.keys import LAYERED, dotted
from automlc.spec.merge import (
    NoPlaceError,
    Path,
    assign,
    is_whole,
    overlay,
)
from automlc.spec.record import record
from automlc.spec.yaml_nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    kind_of,
    parse_yaml,
)

_EXAMPLE = "write --set key=value, such as --set budget.epochs=3"
_STEP = re.compile(
    r"""(?P<key>[^\s.\[\]="']+) | "(?P<double>[^"]+)" | '(?P<single>[^']+)'
    | \[(?P<index>\d{1,6})\]""",
    re.VERBOSE,
)


@record
class Override:
    """One --set: `file` is what diagnostics call it, `text` the whole argument."""

    file: str
    text: str
    steps: tuple[ScalarNode | int, ...]
    value: Node

    @property
    def path(self) -> Path:
        """The key it sets."""
        return tuple(step if isinstance(step, int) else step.text for step in self.steps)

    @property
    def tree(self) -> MappingNode | None:
        """The override as a spec of its own; None where it reaches into a list or a parameter."""
        path = self.path
        inside = any(is_whole(path[:end]) for end in range(1, len(path)))
        if inside or any(isinstance(step, int) for step in path):
            return None
        node = self.value
        for step in reversed(self.steps):
            assert isinstance(step, ScalarNode), "indices were sorted out above"
            first, last = step.span, self.value.span
            span = Span(self.file, 1, first.column, last.end_line, last.end_column)
            node = MappingNode(((step, node),), span)
        assert isinstance(node, MappingNode), "a path has at least one step"
        return node


def read_override(text: str, number: int, found: list[Diagnostic]) -> Override | None:
    """The `number`-th --set of a command line; None, and diagnostics, where it is none."""
    file = f"<--set {number}>"
    steps: list[ScalarNode | int] = []
    at = 0
    while (match := _STEP.match(text, at)) is not None:
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            group = next(name for name in ("key", "double", "single") if match[name] is not None)
            word, start, end = match[group], match.start(group) + 1, match.end(group) + 1
            steps.append(ScalarNode(word, word, Span(file, 1, start, 1, end)))
        at = match.end()
        if text[at : at + 1] == ".":
            at += 1
            if text[at : at + 1] in ("", "=", "[", "."):
                break
        elif text[at : at + 1] != "[":
            break
    if not steps or isinstance(steps[0], int) or text[at : at + 1] != "=":
        at = 0 if steps and isinstance(steps[0], int) else at
        found.append(_malformed(text, at, file))
        return None
    if isinstance(steps[0], ScalarNode) and steps[0].text in LAYERED:
        message = f"`{steps[0].text}` cannot be set: a spec says itself what it is made of"
        hint = "write it in the file; --profile NAME chooses a profile"
        found.append(Diagnostic("E215", message, steps[0].span, hint, steps[0].text))
        return None
    # Blanks in place of the key, so that the columns of the value are those of the argument.
    node, problems = parse_yaml(" " * (at + 1) + text[at + 1 :], file)
    found += [_inside(problem, text) for problem in problems]
    if problems:
        return None
    end = len(text) + 1
    empty = ScalarNode(None, "", Span(file, 1, end, 1, end + 1))
    return Override(file, text, tuple(steps), empty if node is None else node)


def _inside(problem: Diagnostic, text: str) -> Diagnostic:
    """A syntax error behind the end of the argument, moved to its end."""
    lines = lines_of(text)
    span = problem.span
    if span is None or span.line <= len(lines):
        return problem
    end, column = len(lines), len(lines[-1]) + 1
    return replace(problem, span=Span(span.file, end, column, end, column + 1))


def _malformed(text: str, at: int, file: str) -> Diagnostic:
    span = Span(file, 1, at + 1, 1, at + 2)
    if "=" not in text:
        place = Span(file, 1, 1, 1, len(text) + 1)
        return Diagnostic("E216", f"`--set` has no `=`: {quote(text)}", place, _EXAMPLE)
    message = (
        "a key is expected here"
        if text[at : at + 1] in ("", "=", ".") or at == 0
        else (f"{quote(text[at])} is not expected in a key")
    )
    hint = 'write a.b[0]=value; put keys with other characters between quotes: data.columns."a b"'
    return Diagnostic("E216", message, span, hint)


def apply(root: MappingNode, override: Override, found: list[Diagnostic]) -> MappingNode:
    """The tree with the override; unchanged, and a diagnostic, where its key has no place."""
    tree = override.tree
    if tree is not None:
        return overlay(root, tree)
    try:
        made = assign(root, override.steps, override.value)
    except NoPlaceError as error:
        found.append(_no_place(override, error))
        return root
    assert isinstance(made, MappingNode), "the first step is a key"
    return made


def _no_place(override: Override, error: NoPlaceError) -> Diagnostic:
    where = dotted(override.path[: error.step])
    key = dotted(override.path)
    step = override.steps[error.step]
    before = override.steps[error.step - 1]
    after = step.span.column if isinstance(step, ScalarNode) else None
    start = before.span.column if isinstance(before, ScalarNode) else 1
    end = (
        after + len(step.text)
        if after and isinstance(step, ScalarNode)
        else (override.text.index("=") + 1)
    )
    span = Span(override.file, 1, start, 1, end)
    notes = (Note(f"`{where}` stands here", error.found.span),) if error.found else ()
    if isinstance(step, int) and isinstance(error.found, SequenceNode):
        count = len(error.found.items)
        message = f"`{where}` has {count} item{'' if count == 1 else 's'}; there is no [{step}]"
        hint = f"the last one is [{count - 1}]" if count else f"write {where}=[...] for the list"
    elif isinstance(step, int):
        what = "not given" if error.found is None else kind_of(error.found)
        message = f"`{where}` is {what}; it has no items"
        whole = f"give it as a whole: --set '{where}=[...]'"
        hint = whole if error.found is None else f"leave out the [{step}]"
    else:
        what = "a list" if error.found is None else kind_of(error.found)
        message = f"`{where}` is {what}; it has no keys"
        hint = f"set it as a whole: --set '{where}=...'"
    return Diagnostic("E217", message, span, hint, key, notes)


def override_texts(overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """`{"budget.epochs": 3}` as the arguments of --set."""
    import json

    return tuple(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in overrides.items()
    )
