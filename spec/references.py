"""Conditions and forbidden combinations against the parameters that they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from automlc.spec import expressions
from automlc.spec.declarations import quoted
from automlc.spec.diagnostics import Diagnostic, Note, Span, clean, put, quote, swap
from automlc.spec.domains import WORD, Choice, Fixed, Parameter, order
from automlc.spec.errors import SpecError
from automlc.spec.expressions import Expr, ExpressionError, Literal, Name, describe, literal_text
from automlc.spec.suggest import nearest


def check_references(
    parameters: Iterable[Parameter],
    forbidden: Iterable[Expr],
    *,
    also: frozenset[str] = frozenset(),
) -> list[Diagnostic]:
    """Names that are no parameters, values that no choice has, circles, and conditions that do not
    yield true or false. For a whole space: preset and spec together.

    `also` are names whose domains could not be read; values compared with them are not judged.
    """
    by_name: dict[str, Parameter] = {p.name: p for p in parameters}
    found: list[Diagnostic] = []
    for parameter in by_name.values():
        if parameter.when is not None:
            key = f"space.parameters.{parameter.name}.when"
            found += _check_condition(parameter.when, by_name, also, key)
    for index, expr in enumerate(forbidden):
        found += _check_condition(expr, by_name, also, f"space.forbid[{index}]")
    try:
        order(tuple(by_name.values()))
    except SpecError as error:
        found += error.diagnostics
    return found


def _check_condition(
    expr: Expr, by_name: Mapping[str, Parameter], also: frozenset[str], key: str
) -> list[Diagnostic]:
    found = _unknown_names(expr, by_name, also, key)
    whole = {name: p for name, p in by_name.items() if name not in also} if also else by_name
    found += [d for node in expressions.walk(expr) for d in _check_values(node, whole, key)]
    if found or expressions.names(expr) & also:
        return found
    env = {name: by_name[name].default for name in expressions.names(expr)}
    try:
        value = expressions.evaluate(expr, env)
    except ExpressionError as error:
        return [error.diagnostic(key)]
    if isinstance(value, bool):
        return []
    message = f"a condition is true or false, but this is {describe(value)}"
    hint = "compare it, such as width > 3"
    return [Diagnostic("E309", message, expr.span, hint, key)]


def _unknown_names(
    expr: Expr, by_name: Mapping[str, Parameter], also: frozenset[str], key: str
) -> list[Diagnostic]:
    found = []
    for node in expressions.walk(expr):
        if isinstance(node, Name) and node.name not in by_name and node.name not in also:
            near = nearest(node.name, [*by_name, *sorted(also)])
            text = f'put text between quotes: "{clean(node.name)}"'
            hint = f"did you mean {near}?" if near else text
            message = f"there is no parameter {quote(node.name)}"
            fix = swap(node.span, node.name, near, safe=False)
            if near is None and WORD.fullmatch(node.name):
                fix = quoted(node, expr)
            found.append(Diagnostic("E307", message, node.span, hint, key, fix=fix))
    return found


def _check_values(node: Expr, by_name: Mapping[str, Parameter], key: str) -> list[Diagnostic]:
    """`optimizer == "sdg"` where the choice has only "sgd"."""
    pairs: list[tuple[Expr, Expr]] = []
    if isinstance(node, expressions.Compare) and node.op in ("==", "!="):
        pairs = [(node.left, node.right), (node.right, node.left)]
    elif isinstance(node, expressions.In):
        pairs = [(node.item, item) for item in node.items]
    found = []
    for name, value in pairs:
        if not isinstance(name, Name) or not isinstance(value, Literal):
            continue
        parameter = by_name.get(name.name)
        domain = parameter.domain if parameter else None
        if isinstance(domain, Choice | Fixed) and not domain.contains(value.value):
            span = parameter.span if parameter else None
            found.append(_never(name.name, domain, value, key, span))
    return found


def _never(
    name: str, domain: Choice | Fixed, value: Literal, key: str, declared: Span | None
) -> Diagnostic:
    values = domain.values if isinstance(domain, Choice) else (domain.value,)
    near = nearest(str(value.value), [str(v) for v in values])
    known = ", ".join(literal_text(v) for v in values[:8])
    match = next((v for v in values if str(v) == near), None)
    hint = f"did you mean {literal_text(match)}?" if near else f"its values are {known}"
    message = f"{name} is never {literal_text(value.value)}"
    notes = (Note(f"{name} is declared here", declared),) if declared else ()
    old, new = value.text, literal_text(match)
    fix = None
    if near and value.span and value.span.end_column - value.span.column == len(old):
        quotes = f"{old[:1]}{match}{old[:1]}"
        fix = put(value.span, quotes if isinstance(match, str) else new, safe=False)
    return Diagnostic("E312", message, value.span, hint, key, notes, fix)
