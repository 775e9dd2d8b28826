"""Rules of a spec: `condition => action, action`, read by the grammar of the expressions.

What the names mean is known where the space is (compiler/passes/attach_rules.py): here a word on
the right is a name, whether it is a parameter or a value.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import field
from functools import lru_cache
from typing import Any

from automlc.spec.diagnostics import Span
from automlc.spec.expressions import (
    Expr,
    ExpressionError,
    check,
    check_depth,
    move,
    place,
    run_parser,
    syntax_error,
    to_text,
)
from automlc.spec.record import record
from automlc.spec.yaml_nodes import Node, ScalarNode, kind_of, text_span

EXAMPLE = "gradient == vanishing => activation = selu, lr = lr * 3"
MAX_TEXT = 4000  # characters of one rule


@record
class Assignment:
    """`lr = lr / 10`: a parameter and its new value, in terms of the values before."""

    name: str
    value: Expr
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name} = {to_text(self.value)}"


@record
class Action:
    """What is changed at once; all values on the right are those before the action."""

    assignments: tuple[Assignment, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return " and ".join(map(str, self.assignments))


@record
class Rule:
    """Where the condition holds, the actions are worth trying, best first."""

    condition: Expr
    actions: tuple[Action, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{to_text(self.condition)} => {', '.join(map(str, self.actions))}"


def parse_rule(text: str, span: Span | None = None) -> Rule:
    """A rule from its text; raises ExpressionError (E110) at the place of the mistake.

    >>> str(parse_rule("gradient == dying => activation = selu, lr = lr / 10 and clip_norm = 1"))
    'gradient == dying => activation = selu, lr = lr / 10 and clip_norm = 1'
    """
    condition, actions = _parse(text, "rule", span)
    found = tuple(_action(parts, text, span) for parts in actions)
    return Rule(_moved(condition, text, span), found, span)


def parse_action(text: str) -> Action:
    """One action from its text; raises ExpressionError (E110).

    >>> str(parse_action("optimizer = adamw and schedule = polynomial"))
    'optimizer = adamw and schedule = polynomial'
    """
    return _parsed_action(text)


@lru_cache(maxsize=8192)  # a table of rules repeats a few hundred actions in every condition
def _parsed_action(text: str) -> Action:
    return _action(_parse(text, "action", None), text, None)


def read_rule(node: Node) -> Rule:
    """A rule of a spec; raises ExpressionError at its place."""
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        raise ExpressionError(
            f"a rule is a text, got {kind_of(node)}", f"write {EXAMPLE}", code="E110",
            span=node.span,
        )  # fmt: skip
    return parse_rule(node.value, text_span(node))


def _parse(text: str, start: str, span: Span | None) -> Any:
    try:
        if len(text) > MAX_TEXT:
            message = f"the rule has {len(text):,} characters"
            raise ExpressionError(message, f"at most {MAX_TEXT:,} fit", code="E110")
        return run_parser(text, start)
    except ExpressionError as error:
        said = error
        arrow = _ARROW.search(text) if start == "rule" and "=>" not in text else None
        if arrow is not None:
            at, end = arrow.span(1)
            blank = "" if text[at - 1 : at].isspace() else " "
            said = syntax_error(
                f"`{arrow[1]}` does not stand between a condition and its actions",
                "write =>", at, end, (at, end, f"{blank}=>"),
            )  # fmt: skip
        raise said.moved(text, span) from None


# What other languages write before an action.
_ARROW = re.compile(r"\s*(->|:|\bthen\b)(?=\s*[a-z_]\w*\s*=(?!=))")


def _moved(expr: Expr, text: str, span: Span | None) -> Expr:
    check_depth(expr)
    moved = move(expr, text, span)
    for problem in check(moved):
        raise problem
    return moved


def _action(parts: list[tuple[str, Expr, Span]], text: str, span: Span | None) -> Action:
    seen: Counter[str] = Counter()
    for name, _, local in parts:
        seen[name] += 1
        if seen[name] > 1:
            raise ExpressionError(
                f"{name} is set twice", "an action gives a parameter one value", code="E110",
                span=place(local, text, span) or span,
            )  # fmt: skip
    return Action(
        tuple(
            Assignment(name, _moved(value, text, span), place(local, text, span))
            for name, value, local in parts
        ),
        span,
    )
