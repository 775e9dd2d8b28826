"""Declarations of parameters: `log_uniform(1e-4, 1e-1)`, `{choice: [a, b], when: …}`, a value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Any

from automlc.spec import expressions
from automlc.spec.diagnostics import Diagnostic, Edit, Fix, Note, Span, put, quote, swap
from automlc.spec.domains import WORD, Choice, Domain, Fixed, Float, Integer, Parameter, word_text
from automlc.spec.errors import SpecError
from automlc.spec.expressions import (
    Call,
    Expr,
    ExpressionError,
    Literal,
    Name,
    Scalar,
    Unary,
    describe,
    literal_text,
)
from automlc.spec.record import record
from automlc.spec.suggest import DOUBTFUL, nearest
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, kind_of, text_span


@record
class ParameterDecl:
    """A parameter as the spec declares it; presets may add others to it."""

    domain: Domain
    default: Scalar
    when: Expr | None = None
    span: Span | None = field(default=None, compare=False, repr=False)

    def parameter(self, name: str) -> Parameter:
        """The same under its name."""
        return Parameter(name, self.domain, self.default, self.when, self.span)


class _Problem(Exception):
    """One mistake inside one declaration."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span | None,
        hint: str | None = None,
        fix: Fix | None = None,
        notes: tuple[Note, ...] = (),
    ):
        super().__init__(message)
        self.code, self.message, self.span, self.hint = code, message, span, hint
        self.fix, self.notes = fix, notes


def parse_domain(node: Node | Scalar, key: str = "") -> tuple[Domain, Scalar, Expr | None]:
    """Domain, default and condition of a declaration: a node of a spec, or a text or number.

    Raises SpecError with located diagnostics.
    """
    decl, problems = read_declaration(_as_node(node), key)
    if decl is None or problems:
        raise SpecError(problems)
    return decl.domain, decl.default, decl.when


def _as_node(value: Node | Scalar) -> Node:
    if isinstance(value, ScalarNode | SequenceNode | MappingNode):
        return value
    text = value if isinstance(value, str) else literal_text(value)
    return ScalarNode(value, text, Span("<text>", 1, 1, 1, len(text) + 1))


def read_declaration(node: Node, key: str = "") -> tuple[ParameterDecl | None, list[Diagnostic]]:
    """A declaration and every mistake in it.

    With mistakes, the declaration only serves to check what else refers to what; its domain may
    be a stand-in. None when there is nothing to check.
    """
    problems: list[Diagnostic] = []

    def attempt(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except _Problem as p:
            problems.append(Diagnostic(p.code, p.message, p.span, p.hint, key, p.notes, p.fix))
        except ExpressionError as error:
            problems.append(error.diagnostic(key))
        return None

    if isinstance(node, MappingNode):
        decl = _read_mapping(node, attempt)
    else:
        domain = attempt(lambda: _short_domain(node))
        decl = ParameterDecl(domain, domain.default(), None, node.span) if domain else None
    return decl, problems


_CALL = re.compile(r"\s*([A-Za-z_][\w.\-]*)\s*\(")
_BRACKETS = re.compile(r"\s*([A-Za-z_]\w*)\s*[\[{]([^\[\]{}]*)[\]}]\s*")
# One bracket of each kind.
_UNLIKE = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\(([^()\[\]{}]*)[\]}]|[\[{]([^()\[\]{}]*)\))\s*")


def _short_domain(node: Node) -> Domain:
    """`lr: log_uniform(1e-4, 1e-1)`, or a bare value that stays fixed."""
    if isinstance(node, SequenceNode):
        choice = _choice_of(node)
        hint, fix = f"write {choice} for one of several values", _as_choice(node)
        ends = [item.value for item in node.items if isinstance(item, ScalarNode)]
        if len(node.items) == 2 and all(type(end) in (int, float) for end in ends):
            kind = "int" if all(type(end) is int for end in ends) else "log_uniform"
            numbers = [item for item in node.items if isinstance(item, ScalarNode)]
            numbers.sort(key=lambda item: float(item.text))
            texts = ", ".join(item.text for item in numbers)
            hint, fix = f"{hint}, or {kind}({texts}) for all between them", None
        raise _Problem("E301", "a list is not a domain", node.span, hint, fix)
    assert isinstance(node, ScalarNode), "mappings are read by _read_mapping"
    if isinstance(node.value, str) and (match := _UNLIKE.fullmatch(node.value)):
        meant = f"{match[1]}({match[2] or match[3]})"
        if match[1] in DOMAINS:
            fix = put(node.span, meant) if not node.style else None
            message = "a domain's values stand in parentheses"
            raise _Problem("E301", message, node.span, f"write {meant}", fix)
    if isinstance(node.value, str) and (match := _CALL.match(node.value)):
        return _call_domain(node, match[1])
    if isinstance(node.value, str) and (match := _BRACKETS.fullmatch(node.value)):
        meant = f"{match[1]}({match[2]})"
        if match[1] in DOMAINS:
            fix = put(node.span, meant) if not node.style else None
            message = "a domain's values stand in parentheses"
            raise _Problem("E301", message, node.span, f"write {meant}", fix)
    if node.value is None and node.text == "":
        raise _Problem(
            "E301", "the parameter has no domain", node.span, "write a domain, such as float(0, 1)"
        )
    if isinstance(node.value, str) and not node.style:
        _refuse_other_words(node, node.value)
    _finite(node)
    return Fixed(node.value)


# `1e-3..1e-1` and `sgd | adam`.
_RANGE = re.compile(r"([-+\d.e]+?)\s*(?:\.\.+|\bto\b|\u2026|\u2013)\s*([-+\d.e]+)")
_SEVERAL = re.compile(r"[\w.-]+(?:\s*(?:\||,|\bor\b)\s*[\w.-]+)+")


def _refuse_other_words(node: ScalarNode, text: str) -> None:
    """Ranges and alternatives as other languages write them; a fixed text is none of them."""
    if match := _RANGE.fullmatch(text):
        kind = "int" if match[1].isdigit() and match[2].isdigit() else "log_uniform"
        meant = f"{kind}({match[1]}, {match[2]})"
        hint = f"write {meant}"
        if kind != "int":
            hint += f" or float({match[1]}, {match[2]})"
        message = "a range is a domain with two bounds"
        raise _Problem("E301", message, node.span, hint, put(node.span, meant, safe=False))
    if _SEVERAL.fullmatch(text):
        meant = f"choice({', '.join(re.split(r' *(?:[|,]|or(?= )) *', text))})"
        fix = put(node.span, meant, safe=False)
        raise _Problem(
            "E301", "one of several values is a choice", node.span, f"write {meant}", fix
        )


def _as_choice(node: SequenceNode) -> Fix | None:
    """`[a, b]` as `{choice: [a, b]}`, which may stand anywhere a list may."""
    span = node.span
    if not node.items or span.line != span.end_line:
        return None
    if not all(isinstance(item, ScalarNode) for item in node.items):
        return None
    begin = Span(span.file, span.line, span.column, span.line, span.column)
    end = Span(span.file, span.line, span.end_column, span.line, span.end_column)
    return Fix((Edit(begin, "{choice: "), Edit(end, "}")), safe=False)


def _left_out(before: Span | None, span: Span | None) -> Fix | None:
    """A value of a list taken away with the comma before it."""
    if before is None or span is None or before.end_line != span.line:
        return None
    place = Span(span.file, span.line, before.end_column, span.line, span.end_column)
    return put(place, "")


def _swapped(first: Span | None, second: Span | None, low: Any, high: Any) -> Fix | None:
    """Two bounds in the other order."""
    if first is None or second is None:
        return None
    return Fix((Edit(first, str(high)), Edit(second, str(low))), safe=False)


def quoted(node: Name, expr: Expr) -> Fix | None:
    """A bare word that is compared with a parameter, between quotes."""
    for part in expressions.walk(expr):
        if isinstance(part, expressions.Compare) and part.right is node and node.span:
            exact = node.span.end_column - node.span.column == len(node.name)
            return put(node.span, f'"{node.name}"', safe=False) if exact else None
    return None


def _choice_of(node: SequenceNode) -> str:
    """The choice that a list was meant to be."""
    values = [item.value for item in node.items if isinstance(item, ScalarNode)]
    if not 0 < len(values) == len(node.items) <= 6:
        return "choice(a, b)"
    return str(Choice(tuple(values)))


def is_cut_off(key: ScalarNode, value: Node) -> bool:
    """`{lr: float(0, 1)}` is read as `lr: float(0` and the key `1)`: said once, at lr."""
    return ")" in key.text and isinstance(value, ScalarNode) and value.text == ""


def _call_domain(node: ScalarNode, name: str) -> Domain:
    assert isinstance(node.value, str)
    text, place = node.value, text_span(node)
    if text.count("(") > text.count(")") and node.style == "" and name in DOMAINS:
        hint = 'add `)`; inside { } put the domain between quotes: "float(0, 1)"'
        raise _Problem("E110", "a parenthesis is not closed", node.span, hint)
    try:
        return _read_domain(text, name)
    except _Problem as p:
        span = expressions.place(p.span, text, place)
        fix = p.fix and expressions.moved_fix(p.fix, text, place)
        notes = tuple(
            Note(note.message, expressions.place(note.span, text, place)) for note in p.notes
        )
        raise _Problem(p.code, p.message, span, p.hint, fix, notes) from None
    except ExpressionError as error:
        moved = error.moved(text, place)
        if "=" in error.message or re.search(r"\)\s*\w+|,\s*(step|default)\b", text):
            bounds = "choice: [a, b]" if name == "choice" else f"{name}: [1, 8]"
            logged = {"int": "log_int", "float": "log_uniform", "uniform": "log_uniform"}.get(name)
            if logged and re.search(r"\blog\s*=", text):
                inside = re.split(r",\s*log\s*=", text.partition("(")[2])[0]
                meant = f"{logged}({inside})"
                sure = not node.style and re.search(r"\blog\s*=\s*[Tt]rue\s*\)$", text)
                moved = ExpressionError(
                    f"{name} has no log", f"write {meant}", code=moved.code, span=moved.span,
                    fix=put(node.span, meant) if sure else None,
                )  # fmt: skip
            elif name in DOMAINS and (whole := _with_clauses(text, name)) is not None:
                moved = ExpressionError(
                    "a domain takes values only", f"write {whole}", code=moved.code,
                    span=moved.span, fix=put(node.span, whole),
                )  # fmt: skip
            elif name in DOMAINS:
                hint = f"a default, a step and a condition have keys: {{{bounds}, default: 3}}"
                moved = ExpressionError(
                    "a domain takes values only", hint, code=moved.code, span=moved.span
                )
        raise moved from None


def _with_clauses(text: str, name: str) -> str | None:
    """`int(1, 9, step=2)` as `{int: [1, 9], step: 2}`."""
    pattern = r"\w+\s*\(([^()=]*?)((?:,\s*(?:default|step)\s*=\s*[\w.+-]+)+)\s*\)"
    match = re.fullmatch(pattern, text.strip())
    if match is None:
        return None
    clauses = re.sub(r"\s*=\s*", ": ", match[2].strip(", "))
    return f"{{{name}: [{match[1].strip()}], {clauses}}}"


@lru_cache(maxsize=4096)
def _read_domain(text: str, name: str) -> Domain:
    """The domain of a text; spans of errors are relative to it. Specs repeat their domains."""
    _check_domain_name(name, text)
    tree = expressions.parse_relative(text)
    if not isinstance(tree, Call):
        raise _Problem(
            "E301", f"{quote(text)} is not a domain", tree.span, "put text between quotes"
        )
    values = [_argument(arg, tree.name) for arg in tree.args]
    spans = [arg.span for arg in tree.args]
    return DOMAINS[tree.name].build(_Arguments(tree.name, values, spans, tree.span))


def _check_domain_name(name: str, text: str) -> None:
    if name in DOMAINS:
        return
    near = nearest(name, DOMAINS)
    from automlc.spec.foreign import of_domain

    hint = f"did you mean {near}?" if near else f"the domains are {', '.join(DOMAINS)}"
    if (foreign := of_domain(name)) is not None:
        near, hint = None, foreign
    start = len(text) - len(text.lstrip()) + 1
    span = Span("", 1, start, 1, start + len(name))
    fix = swap(span, name, near, safe=name.lower() not in DOUBTFUL)
    raise _Problem("E301", f"there is no domain {quote(name)}", span, hint, fix)


def _argument(expr: Expr, call: str) -> Scalar:
    """A constant: a number, a text, true, false, null, or a bare word."""
    if isinstance(expr, Literal):
        return expr.value
    if isinstance(expr, Name):
        if call == "choice" or call == "fixed":
            return expr.name
        usage = DOMAINS[call].usage if call in DOMAINS else "float(0, 0.5)"
        hint = f"write {usage}"
        if expr.name.startswith("log"):
            hint = "write log_uniform(1e-4, 1e-1) or log_int(16, 512)"
        raise _Problem("E302", f"{call} takes numbers, got {quote(expr.name)}", expr.span, hint)
    if isinstance(expr, Unary) and expr.op == "-" and isinstance(expr.operand, Literal):
        value = expr.operand.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value
    if isinstance(expr, expressions.List) and expr.span is not None:
        inner = ", ".join(expressions.to_text(item) for item in expr.items)
        raise _Problem(
            "E301",
            "the values stand in parentheses alone",
            expr.span,
            f"write {call}({', '.join(_bare(item) for item in expr.items)})",
            put(expr.span, inner),
        )
    raise _Problem(
        "E301",
        f"{quote(expressions.to_text(expr))} is not a plain value",
        expr.span,
        "write a number or a word; put other text between quotes",
    )


def _bare(expr: Expr) -> str:
    return word_text(expr.value) if isinstance(expr, Literal) else expressions.to_text(expr)


@record
class _Arguments:
    """Values for a domain, with the places to point at."""

    name: str
    values: list[Scalar]
    spans: list[Span | None]
    span: Span | None
    step: ScalarNode | None = None


def _counted(values: Sequence[Any]) -> str:
    return "1 value" if len(values) == 1 else f"{len(values)} values"


def _bounds(args: _Arguments, kind: str) -> tuple[Any, Any]:
    """Two numbers in order."""
    usage = DOMAINS[args.name].usage
    if len(args.values) < 2 or len(args.values) > (3 if kind == "int" else 2):
        raise _Problem(
            "E302",
            f"{args.name} takes two bounds, got {_counted(args.values)}",
            args.span,
            f"write {usage}",
        )
    for value, span in zip(args.values, args.spans, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Problem(
                "E302", f"{args.name} takes numbers, got {describe(value)}", span, f"write {usage}"
            )
        if kind == "int" and not isinstance(value, int):
            hint = "write whole numbers, or use float"
            raise _Problem("E302", f"{args.name} takes whole numbers, got {value}", span, hint)
        if not math.isfinite(value):
            raise _Problem("E302", f"{args.name} takes finite numbers", span, f"write {usage}")
    low, high = args.values[:2]
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if low > high:
        raise _Problem(
            "E302",
            f"the lower bound {low} is above the upper bound {high}",
            args.span,
            f"write {args.name}({high}, {low})",
            _swapped(args.spans[0], args.spans[1], low, high),
        )
    if DOMAINS[args.name].log and low <= 0:
        raise _Problem(
            "E303",
            f"{args.name} needs bounds above 0, got {low}",
            args.spans[0],
            "a logarithm has no 0: begin at a small number such as "
            + ("1" if kind == "int" else "1e-6"),
        )
    return low, high


def _integer(args: _Arguments) -> Domain:
    low, high = _bounds(args, "int")
    step: Any = args.values[2] if len(args.values) > 2 else 1
    span = args.spans[2] if len(args.values) > 2 else args.span
    if args.step is not None:
        step, span = args.step.value, args.step.span
    if isinstance(step, bool) or not isinstance(step, int) or step < 1:
        raise _Problem("E310", "a step is a whole number of at least 1", span, "write step: 2")
    if step > high - low and step != 1:
        raise _Problem(
            "E310",
            f"the step {step} is larger than the range {low} to {high}",
            span,
            f"use a step of at most {max(high - low, 1)}",
        )
    return Integer(low, high, step, DOMAINS[args.name].log)


def _float(args: _Arguments) -> Domain:
    low, high = _bounds(args, "float")
    if args.step is not None:
        raise _Problem(
            "E310", "a float domain has no step", args.step.span, "use int, or choice for a grid"
        )
    return Float(float(low), float(high), DOMAINS[args.name].log)


def _choice(args: _Arguments) -> Domain:
    if not args.values:
        raise _Problem("E305", "the choice is empty", args.span, "write choice(a, b)")
    seen: dict[tuple[type, Scalar], Span | None] = {}
    for index, (value, span) in enumerate(zip(args.values, args.spans, strict=True)):
        kind = type(value) if isinstance(value, bool | str) else float
        if (kind, value) in seen:
            message = f"{word_text(value)} is in the choice twice"
            first = Note("it stands here first", seen[kind, value])
            fix = _left_out(args.spans[index - 1], span)
            raise _Problem("E306", message, span, "remove one", fix, (first,))
        seen[kind, value] = span
    _no_step(args)
    return Choice(tuple(args.values))


def _fixed(args: _Arguments) -> Domain:
    if len(args.values) != 1:
        raise _Problem("E302", "fixed takes one value", args.span, "write fixed(3)")
    _no_step(args)
    return Fixed(args.values[0])


def _no_step(args: _Arguments) -> None:
    if args.step is not None:
        raise _Problem(
            "E310", f"{args.name} has no step", args.step.span, "a step belongs to int and log_int"
        )


@record
class _Kind:
    """How a kind of domain is built and written."""

    build: Callable[[_Arguments], Domain]
    usage: str
    log: bool = False


DOMAINS: dict[str, _Kind] = {
    "choice": _Kind(_choice, "choice(a, b)"),
    "int": _Kind(_integer, "int(1, 8)"),
    "log_int": _Kind(_integer, "log_int(16, 512)", log=True),
    "float": _Kind(_float, "float(0, 0.5)"),
    "uniform": _Kind(_float, "uniform(0, 0.5)"),
    "log_uniform": _Kind(_float, "log_uniform(1e-4, 1e-1)", log=True),
    "log": _Kind(_float, "log(1e-4, 1e-1)", log=True),
    "fixed": _Kind(_fixed, "fixed(3)"),
}
_EXTRAS = ("step", "default", "when")


def _read_mapping(node: MappingNode, attempt: Callable[..., Any]) -> ParameterDecl | None:
    """`{choice: [a, b], default: a, when: optimizer == "sgd"}`."""
    attempt(lambda: _check_keys(node))
    domain: Domain | None = attempt(lambda: _mapping_domain(node))
    default = attempt(lambda: _read_default(node, domain)) if domain else None
    when: Expr | None = attempt(lambda: _read_when(node))
    if domain is None:
        return ParameterDecl(Fixed(None), None, when, node.span) if when is not None else None
    if node.key("default") is None:
        default = domain.default()
    return ParameterDecl(domain, default, when, node.span)


def _check_keys(node: MappingNode) -> None:
    known = (*DOMAINS, *_EXTRAS)
    for key, value in node.items:
        if key.text not in known and not is_cut_off(key, value):
            near = nearest(key.text, known) if "(" not in key.text else None
            hint = f"did you mean {near}?" if near else f"the keys are {', '.join(known)}"
            from automlc.spec.foreign import of_parameter_key

            if (foreign := of_parameter_key(key.text)) is not None:
                near, hint = None, foreign
            if "(" in key.text:
                hint = 'write the domain without { }, such as lr: "float(0, 1)"'
            fix = swap(key.span, key.text, near, safe=key.text.lower() not in DOUBTFUL)
            raise _Problem("E201", f"a parameter has no key {quote(key.text)}", key.span, hint, fix)


def _mapping_domain(node: MappingNode) -> Domain | None:
    given = [(key, value) for key, value in node.items if key.text in DOMAINS]
    if not given and any(key.text not in _EXTRAS for key, _ in node.items):
        return None  # the unknown key was meant to be the domain, and is reported
    if len(given) != 1:
        kinds = " and ".join(key.text for key, _ in given)
        message = f"a parameter has one domain, got {kinds}" if given else "the domain is missing"
        span = given[1][0].span if given else node.span
        notes = (Note("the first domain is here", given[0][0].span),) if given else ()
        hint = "keep one of them" if given else "write one of " + ", ".join(DOMAINS)
        raise _Problem("E301", message, span, hint, notes=notes)
    key, value = given[0]
    step = node.get("step")
    if step is not None and not isinstance(step, ScalarNode):
        raise _Problem("E310", "a step is a whole number of at least 1", step.span, "write step: 2")
    items = _mapping_values(key, value)
    for item in items:
        _finite(item)
    values = [item.value for item in items]
    spans: list[Span | None] = [item.span for item in items]
    return DOMAINS[key.text].build(_Arguments(key.text, values, spans, value.span, step))


def _mapping_values(key: ScalarNode, value: Node) -> list[ScalarNode]:
    if key.text == "fixed" and isinstance(value, ScalarNode):
        return [value]
    example = "[a, b]" if key.text == "choice" else "[1, 8]"
    if not isinstance(value, SequenceNode):
        hint = f"write {key.text}: {example}"
        raise _Problem("E302", f"{key.text} takes a list, got {kind_of(value)}", value.span, hint)
    for item in value.items:
        if not isinstance(item, ScalarNode):
            hint = "write numbers, words or texts"
            raise _Problem("E302", f"{kind_of(item)} cannot be a value here", item.span, hint)
    return [item for item in value.items if isinstance(item, ScalarNode)]


def _finite(node: ScalarNode) -> None:
    if isinstance(node.value, float) and not math.isfinite(node.value):
        message = f"{quote(node.text)} is not a value a parameter can have"
        raise _Problem("E302", message, node.span, "write a finite number")


def _read_default(node: MappingNode, domain: Domain) -> Scalar:
    value = node.get("default")
    if value is None:
        return None
    if not isinstance(value, ScalarNode):
        instead = f"write one of them, such as {word_text(domain.default())}"
        raise _Problem("E304", f"a default is one value, got {kind_of(value)}", value.span, instead)
    if not domain.contains(value.value):
        hint, near = None, None
        if isinstance(domain, Choice) and isinstance(value.value, str):
            near = nearest(value.value, [v for v in domain.values if isinstance(v, str)])
            hint = f"did you mean {near}?" if near else None
        hint = hint or f"choose a value of the domain, such as {word_text(domain.default())}"
        key = next((k for k, _ in node.items if k.text in DOMAINS), None)
        raise _Problem(
            "E304",
            f"the default {quote(value.text)} is not in {domain}",
            value.span,
            hint,
            swap(value.span, value.text, near),
            (Note("the domain is here", key.span),) if key else (),
        )
    return float(value.value) if isinstance(domain, Float) else value.value  # type: ignore[arg-type]  # contains() lets only numbers pass


def _read_when(node: MappingNode) -> Expr | None:
    value = node.get("when")
    return None if value is None else read_expression(value)


def read_expression(node: Node, *, metric_calls: bool = False) -> Expr:
    """An expression of a spec; raises ExpressionError at its place."""
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        example = "a metric and its bound, such as model.size <= 5MB"
        hint = f"write {example if metric_calls else _condition_of(node)}"
        if isinstance(node, ScalarNode) and isinstance(node.value, bool):
            return Literal(node.value, node.text, node.span)
        fix = None
        if (
            isinstance(node, MappingNode)
            and not metric_calls
            and node.span.line == node.span.end_line
        ):
            fix = put(node.span, f"'{_condition_of(node)}'", safe=False)
            fix = None if hint.startswith("write a condition") else fix
        raise ExpressionError(
            f"an expression is expected, got {kind_of(node)}", hint, code="E110", span=node.span,
            fix=fix,
        )  # fmt: skip
    tree = expressions.parse(node.value, text_span(node))
    for error in expressions.check(tree, metric_calls=metric_calls):
        raise error
    return tree


def _condition_of(node: Node) -> str:
    """The condition that `{optimizer: sgd}` was meant to be."""
    if isinstance(node, MappingNode) and 0 < len(node.items) <= 3:
        pairs = [(k.text, v.value) for k, v in node.items if isinstance(v, ScalarNode)]
        if len(pairs) == len(node.items) and all(WORD.fullmatch(name) for name, _ in pairs):
            return " and ".join(f"{name} == {literal_text(value)}" for name, value in pairs)
    return 'a condition, such as optimizer == "sgd"'
