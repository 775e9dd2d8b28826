"""The expression language: text to a small tree, and the tree to names, values and text again.

One grammar (grammar/expr.lark) serves conditions, forbidden combinations, constraints and domains.
Nothing here runs code of a spec: the tree has eight kinds of nodes, calls come from a closed set,
and every value is bounded.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from automlc.spec.diagnostics import Diagnostic, Edit, Fix, Span, put, quote, swap
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record
from automlc.spec.suggest import nearest
from automlc.spec.units import LARGEST, UnitError, parse_number

if TYPE_CHECKING:
    from lark import Lark

Scalar: TypeAlias = bool | int | float | str | None

MAX_TEXT = 4000  # characters of one expression
MAX_DEPTH = 100  # levels of its tree: every walk below is recursive
MAX_STRING = 1000  # characters of a text value


class ExpressionError(AutomlcError):
    """An expression that cannot be read (E110) or has no value (E309)."""

    exit_code = 1

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        code: str = "E309",
        span: Span | None = None,
        fix: Fix | None = None,
    ):
        super().__init__(message, hint)
        self.code = code
        self.span = span
        self.fix = fix

    def moved(self, text: str, span: Span | None) -> ExpressionError:
        """The same with its places in the file, where they were relative to the text."""
        fix = self.fix and moved_fix(self.fix, text, span)
        where = place(self.span, text, span)
        return ExpressionError(self.message, self.hint, code=self.code, span=where, fix=fix)

    def diagnostic(self, key: str = "") -> Diagnostic:
        """The same as a diagnostic about the spec's key."""
        return Diagnostic(self.code, self.message, self.span, self.hint, key, fix=self.fix)


@record
class Literal:
    """A constant; `text` is how it was written (`5MB`)."""

    value: Scalar
    text: str = field(default="", compare=False)
    span: Span | None = field(default=None, compare=False, repr=False)


@record
class Name:
    """A parameter or a metric: `width`, `model.size`."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)


@record
class Unary:
    """`-x` or `not x`."""

    op: str
    operand: Expr
    span: Span | None = field(default=None, compare=False, repr=False)


@record
class Binary:
    """Arithmetic: + - * / // % **."""

    op: str
    left: Expr
    right: Expr
    span: Span | None = field(default=None, compare=False, repr=False)


@record
class Compare:
    """A comparison: == != < <= > >=."""

    op: str
    left: Expr
    right: Expr
    span: Span | None = field(default=None, compare=False, repr=False)


@record
class Logical:
    """`and` or `or` of two conditions."""

    op: str
    left: Expr
    right: Expr
    span: Span | None = field(default=None, compare=False, repr=False)


@record
class In:
    """`item in [a, b]`; `not in` is a Unary around it."""

    item: Expr
    items: tuple[Expr, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@record
class Call:
    """`min(a, b)`, or a metric with arguments in a constraint."""

    name: str
    args: tuple[Expr, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@record
class List:
    """`[a, b]` as an argument of a call."""

    items: tuple[Expr, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


Expr: TypeAlias = Literal | Name | Unary | Binary | Compare | Logical | In | Call | List
_NODES = (Literal, Name, Unary, Binary, Compare, Logical, In, Call, List)


# Parsing ----------------------------------------------------------------------------------------


def parse(text: str, span: Span | None = None) -> Expr:
    """The tree of an expression; raises ExpressionError (E110) at the place of the mistake.

    `span` is where the text stands in its file. When it covers exactly the text's characters on
    one line, every node and error gets its own columns; else all get the whole span.
    """
    try:
        tree = parse_relative(text)
    except ExpressionError as error:
        raise error.moved(text, span) from None
    return move(tree, text, span)


@lru_cache(maxsize=4096)
def parse_relative(text: str) -> Expr:
    """The tree with spans relative to the text: line 1, columns from 1, no file."""
    if len(text) > MAX_TEXT:
        raise syntax_error(
            f"the expression has {len(text):,} characters", f"at most {MAX_TEXT:,} fit"
        )
    if not text.strip():
        raise syntax_error(
            "the expression is empty", 'write a condition, such as optimizer == "sgd"'
        )
    tree: Expr = run_parser(text, "start")
    check_depth(tree)
    return tree


def run_parser(text: str, start: str) -> Any:
    """What the grammar's rule `start` makes of a text; spans are relative to it."""
    from lark.exceptions import UnexpectedInput

    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as error:
        raise _explain_syntax(text, error) from None


@cache
def _parser() -> Lark:
    """Built on first use: `--help` and specs without expressions do not need it."""
    from automlc.grammar.loader import parser

    return parser("expr", _Build())


def _local(start: int, end: int) -> Span:
    return Span("", 1, start + 1, 1, end + 1)


def syntax_error(
    message: str,
    hint: str | None,
    start: int = 0,
    end: int = 1,
    instead: tuple[int, int, str] | None = None,
    *,
    safe: bool = True,
) -> ExpressionError:
    """E110 at a place relative to the text; `instead` is what to write from where to where."""
    fix = put(_local(*instead[:2]), instead[2], safe=safe) if instead else None
    return ExpressionError(message, hint, code="E110", span=_local(start, end), fix=fix)


class _Build:
    """Methods named as the grammar's rules; lark passes the parts, punctuation included."""

    def number(self, parts: list[Any]) -> Expr:
        text, span = str(parts[0]), _span(parts)
        try:
            return Literal(parse_number(text), text, span)
        except UnitError as error:
            fix = swap(span, text, error.instead)
            raise ExpressionError(
                error.message, error.hint, code="E110", span=span, fix=fix
            ) from None

    def string(self, parts: list[Any]) -> Expr:
        return Literal(_unquote(str(parts[0]), _span(parts)), str(parts[0]), _span(parts))

    def true(self, parts: list[Any]) -> Expr:
        return Literal(True, "true", _span(parts))

    def false(self, parts: list[Any]) -> Expr:
        return Literal(False, "false", _span(parts))

    def null(self, parts: list[Any]) -> Expr:
        return Literal(None, "null", _span(parts))

    def name(self, parts: list[Any]) -> Expr:
        return Name(str(parts[0]), _span(parts))

    def group(self, parts: list[Any]) -> Expr:
        inner: Expr = parts[1]
        return inner

    def minus(self, parts: list[Any]) -> Expr:
        return Unary("-", parts[1], _span(parts))

    def negate(self, parts: list[Any]) -> Expr:
        return Unary("not", parts[1], _span(parts))

    def binary(self, parts: list[Any]) -> Expr:
        return Binary(str(parts[1]), parts[0], parts[2], _span(parts))

    def compare(self, parts: list[Any]) -> Expr:
        return Compare(str(parts[1]), parts[0], parts[2], _span(parts))

    def both(self, parts: list[Any]) -> Expr:
        return Logical("and", parts[0], parts[2], _span(parts))

    def either(self, parts: list[Any]) -> Expr:
        return Logical("or", parts[0], parts[2], _span(parts))

    def member(self, parts: list[Any]) -> Expr:
        return In(parts[0], parts[2].items, _span(parts))

    def not_member(self, parts: list[Any]) -> Expr:
        return Unary("not", In(parts[0], parts[3].items, _span(parts)), _span(parts))

    def sequence(self, parts: list[Any]) -> Expr:
        return List(_without_marks(parts), _span(parts))

    def call(self, parts: list[Any]) -> Expr:
        return Call(str(parts[0]), _without_marks(parts), _span(parts))

    # Parts of a rule, which spec/rules.py puts together.

    def assignment(self, parts: list[Any]) -> tuple[str, Expr, Span]:
        return str(parts[0]), parts[2], _span(parts)

    def action(self, parts: list[Any]) -> list[Any]:
        return [part for part in parts if isinstance(part, tuple)]

    def actions(self, parts: list[Any]) -> list[Any]:
        return [part for part in parts if isinstance(part, list)]

    def rule(self, parts: list[Any]) -> tuple[Expr, list[Any]]:
        return parts[0], parts[2]


def _without_marks(parts: list[Any]) -> tuple[Expr, ...]:
    """The expressions among brackets, commas and names."""
    return tuple(part for part in parts if not isinstance(part, str))


def _span(parts: list[Any]) -> Span:
    """From the first part to the last; parts are our nodes or lark's tokens (which are str)."""
    return Span("", 1, _edges(parts[0])[0], 1, _edges(parts[-1])[1])


def _edges(part: Any) -> tuple[int, int]:
    """First column, and the one after the last."""
    token = getattr(part, "start_pos", None)
    if token is not None:
        return token + 1, part.end_pos + 1
    return part.span.column, part.span.end_column


_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}


def _unquote(token: str, span: Span) -> str:
    if "\\" not in token:
        return token[1:-1]
    out: list[str] = []
    letters = iter(token[1:-1])
    for letter in letters:
        if letter == "\\":
            escaped = next(letters)
            if escaped not in _ESCAPES:
                hint = r"the escapes are \n, \t, \\, \" and \'"
                raise ExpressionError(f"`\\{escaped}` is no escape", hint, code="E110", span=span)
            letter = _ESCAPES[escaped]
        out.append(letter)
    return "".join(out)


# Operators of other languages and ours; longer ones first.
_FOREIGN_OPERATORS = {
    "&&": ("`&&` is not an operator", "and"),
    "||": ("`||` is not an operator", "or"),
    "&": ("`&` is not an operator", "and"),
    "|": ("`|` is not an operator", "or"),
    "^": ("`^` is not an operator", "**"),
    "!": ("`!` is not an operator", "not"),
}
# What else people write in other languages, and how it is said here.
_FOREIGN = {
    "=": ("`=` does not compare", "write == to compare"),
    ":": ("`:` is not part of an expression", "write == to compare"),
    "{": ("`{` is not part of an expression", "write a list as [a, b]"),
    "_": ("a name cannot begin with `_`", "write the name of a parameter, or a text in quotes"),
    '"': ("the text is not closed", 'end it with "'),
    "'": ("the text is not closed", "end it with '"),
}


def _explain_syntax(text: str, error: Any) -> ExpressionError:
    """Lark's complaint in words: what stands there, and what could."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    if isinstance(error, UnexpectedCharacters):
        return _explain_character(text, int(error.pos_in_stream or 0))
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        token: Any = error.token
        start, end = token.start_pos, token.end_pos
        if token.type == "EQUAL" and text[start - 2 : start] == "==":
            equal = (start - 2, end, "==")
            return syntax_error("`===` does not compare", "write ==", start - 2, end, equal)
        if text[start - 1 : end] == "<>":
            unlike = (start - 1, end, "!=")
            return syntax_error("`<>` does not compare", "write !=", start - 1, end, unlike)
        if token.type == "EQUAL" and text[start - 1 : start] == "=":
            return syntax_error("an action sets a value", "write name = value", start - 1, end)
        named = _LAST_NAME.search(text[:start])
        if token.type == "EQUAL" and "COMMA" in error.accepts and named:
            alone = (named.start(), end, "")
            other = f"write the value alone, or == to compare {named[0].strip()} with it"
            message = "arguments have no names, so `=` is not expected"
            return syntax_error(message, other, start, end, alone, safe=False)
        if token.type == "EQUAL":
            instead = None if text[start:end] != "=" else (start, end, "==")
            return syntax_error(*_FOREIGN["="], start, end, instead)
        if token.type == "ARROW":
            return syntax_error("`=>` makes a rule", "rules stand in rules.when", start, end)
        if token.type == "COMPARE" and "COMPARE" not in error.accepts:
            return syntax_error(
                "comparisons do not chain", "write a < b and b < c", start, max(end, start + 1)
            )
        if token.type == "LSQB":
            return syntax_error("a list is not expected here", "write x in [a, b]", start, end)
        if joined := _joined(text, token):
            message = f"{quote(str(token))} stands apart from its number"
            apart = f"write {joined[2]}, without a space"
            return syntax_error(message, apart, start, end, joined)
        if _WORDS.get(str(token)) and "AND" in error.accepts:
            ours = _WORDS[str(token)]
            message = f"{quote(str(token))} does not compare"
            return syntax_error(message, f"write {ours}", start, end, (start, end, ours))
        hint = _expected(error.accepts)
        if hint and "COMMA" in error.accepts and token.type == "NAME":
            hint += "; put a name of several words between quotes"
        message = f"{quote(str(token))} is not expected here"
        if str(token) == ")" and text.count(")") > text.count("(") and not text[end:].strip():
            remove = "remove it: no parenthesis is open"
            return syntax_error(message, remove, start, end, (start, end, ""))
        return syntax_error(message, hint, start, end)
    end = len(text.rstrip())
    accepts: Any = getattr(error, "accepts", ())
    if text.count("(") > text.count(")"):
        hint = "add `)`; between { and } put the whole expression between quotes"
        return syntax_error("a parenthesis is not closed", hint, end, end + 1)
    if text.count("[") > text.count("]"):
        return syntax_error("a list is not closed", "add `]`", end, end + 1, (end, end, "]"))
    return syntax_error("the expression ends too early", _expected(accepts), end, end + 1)


_LAST_NAME = re.compile(r"[A-Za-z_]\w*\s*$")
# Words that other languages compare with.
_WORDS = {"is": "==", "eq": "==", "equals": "=="}


def _joined(text: str, token: Any) -> tuple[int, int, str] | None:
    """`250 k`: the unit of a number stands apart; from where to where what would be right."""
    before = text[: token.start_pos].split()
    if not before or not before[-1].replace(".", "").isdigit():
        return None
    if token.type == "NUMBER":
        return None
    whole = f"{before[-1]}{token}"
    try:
        parse_number(whole)
    except UnitError as error:
        if error.instead is None:
            return None
        whole = error.instead
    return text.rindex(before[-1], 0, token.start_pos), token.end_pos, whole


def _explain_character(text: str, at: int) -> ExpressionError:
    """A character that begins nothing."""
    letter = text[at]
    if letter == "." and text[at + 1 : at + 2] == "_":
        return syntax_error(*_FOREIGN["_"], at + 1, at + 2)
    for foreign, (message, ours) in _FOREIGN_OPERATORS.items():
        if text.startswith(foreign, at):
            end = at + len(foreign)
            blank = " " if ours == "not" and not text[end : end + 1].isspace() else ""
            return syntax_error(message, f"write `{ours}`", at, end, (at, end, ours + blank))
    message, hint = _FOREIGN.get(letter, (f"{quote(letter)} is not expected here", None))
    if not letter.isascii() and letter.isalpha():
        hint = "a name has the letters a to z; put one with other letters between quotes"
    return syntax_error(message, hint, at, at + 1)


def _expected(accepts: Any) -> str | None:
    names = set(accepts or ())
    if "NUMBER" in names or "NAME" in names:
        return 'a name, a number or a "text" is expected'
    if "LSQB" in names and len(names) <= 2:
        return "a list is expected, such as [a, b]"
    if "ARROW" in names:
        return "write condition => name = value"
    if "EQUAL" in names:
        return "an action is name = value"
    if "COMMA" in names:
        return "a comma between values, or an operator, is expected"
    if "$END" in names or "RPAR" in names or "AND" in names:
        return "an operator (and, or, ==, <=, +, …) or the end is expected"
    return None


def check_depth(tree: Expr) -> None:
    """Iterative, because it protects the recursive walks."""
    level: list[Expr] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    raise syntax_error(
        f"the expression is nested deeper than {MAX_DEPTH} levels", "split it into several"
    )


def move(tree: Expr, text: str, span: Span | None) -> Expr:
    """A copy whose spans point into the file."""
    changes: dict[str, Any] = {"span": place(tree.span, text, span)}
    if isinstance(tree, Unary):
        changes["operand"] = move(tree.operand, text, span)
    elif isinstance(tree, Binary | Compare | Logical):
        changes["left"] = move(tree.left, text, span)
        changes["right"] = move(tree.right, text, span)
    elif isinstance(tree, In):
        changes["item"] = move(tree.item, text, span)
        changes["items"] = tuple(move(item, text, span) for item in tree.items)
    elif isinstance(tree, Call):
        changes["args"] = tuple(move(arg, text, span) for arg in tree.args)
    elif isinstance(tree, List):
        changes["items"] = tuple(move(item, text, span) for item in tree.items)
    return replace(tree, **changes)


def moved_fix(fix: Fix, text: str, span: Span | None) -> Fix | None:
    """A fix relative to the text, in its file; None where columns cannot be told."""
    if span is None or span.line != span.end_line or span.end_column - span.column != len(text):
        return None
    places = [(place(edit.span, text, span), edit.text) for edit in fix.edits]
    return replace(fix, edits=tuple(Edit(where, new) for where, new in places if where))


def place(local: Span | None, text: str, span: Span | None) -> Span | None:
    """A span relative to the text, moved to where the text stands in its file."""
    if span is None or local is None:
        return span if local is None else local
    exact = span.line == span.end_line and span.end_column - span.column == len(text)
    if not exact:
        return span
    shift = span.column - 1
    return Span(span.file, span.line, local.column + shift, span.line, local.end_column + shift)


# Walking ----------------------------------------------------------------------------------------


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of a node."""
    match expr:
        case Literal() | Name():
            return ()
        case Unary(operand=operand):
            return (operand,)
        case Binary() | Compare() | Logical():
            return (expr.left, expr.right)
        case In(item=item, items=items):
            return (item, *items)
        case Call(args=args):
            return args
        case List(items=items):
            return items


def walk(expr: Expr) -> Iterator[Expr]:
    """The node and everything below it, parents first."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def transform(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The tree with `change` applied to every node, children first."""
    changes: dict[str, Any] = {}
    for part in ("operand", "left", "right", "item"):
        if isinstance(getattr(expr, part, None), _NODES):
            changes[part] = transform(getattr(expr, part), change)
    for part in ("items", "args"):
        if hasattr(expr, part):
            changes[part] = tuple(transform(child, change) for child in getattr(expr, part))
    return change(replace(expr, **changes) if changes else expr)


def names(expr: Expr) -> frozenset[str]:
    """Every name the expression refers to (names of calls are not among them)."""
    return frozenset(node.name for node in walk(expr) if isinstance(node, Name))


def check(expr: Expr, *, metric_calls: bool = False) -> list[ExpressionError]:
    """What is wrong with an expression whatever its names mean: unknown functions, wrong numbers
    of arguments, and constant parts without a value (`9**9**9`)."""
    problems = [error for node in walk(expr) if (error := _check_call(node, metric_calls))]
    return problems or _check_constants(expr)


def _check_call(node: Expr, metric_calls: bool) -> ExpressionError | None:
    if not isinstance(node, Call):
        return None
    if node.name not in FUNCTIONS:
        if metric_calls:
            return None
        near = nearest(node.name, FUNCTIONS)
        known = ", ".join(FUNCTIONS)
        hint = f"did you mean {near}?" if near else f"the functions are {known}"
        span = first_part(node.span, len(node.name))
        fix = swap(span, node.name, near)
        return ExpressionError(f"there is no function {quote(node.name)}", hint, span=span, fix=fix)
    low, high, usage = FUNCTIONS[node.name][1:]
    if not low <= len(node.args) <= high:
        return ExpressionError(
            f"`{node.name}` does not take {len(node.args)} arguments",
            f"write {usage}",
            span=node.span,
        )
    return None


def first_part(span: Span | None, width: int) -> Span | None:
    """The first characters of a stretch on one line; the whole of any other."""
    if span is None or span.line != span.end_line or span.end_column - span.column < width:
        return span
    return replace(span, end_column=span.column + width)


def _check_constants(expr: Expr) -> list[ExpressionError]:
    """Evaluates the largest parts that name nothing."""
    has_metric = any(isinstance(n, Call) and n.name not in FUNCTIONS for n in walk(expr))
    if isinstance(expr, List) or has_metric or names(expr):
        return [error for child in children(expr) for error in _check_constants(child)]
    try:
        evaluate(expr, {})
    except ExpressionError as error:
        return [error]
    return []


# Values -----------------------------------------------------------------------------------------


def evaluate(expr: Expr, env: Mapping[str, Scalar]) -> Scalar:
    """The value of an expression; `and`, `or` and `select` leave the other side alone.

    Raises ExpressionError when a name has no value, types do not fit or a number gets too large.
    """
    match expr:
        case Literal(value=value):
            return value
        case Name(name=name):
            if name not in env:
                near = nearest(name, env)
                hint = f"did you mean {near}?" if near else None
                raise ExpressionError(f"{quote(name)} has no value", hint, span=expr.span)
            return env[name]
        case Unary(op="not"):
            return not _condition(expr.operand, env, "not")
        case Unary():
            return _bounded(-_number(expr.operand, env, "-"), expr)
        case Logical(op="and"):
            return _condition(expr.left, env, "and") and _condition(expr.right, env, "and")
        case Logical():
            return _condition(expr.left, env, "or") or _condition(expr.right, env, "or")
        case Compare():
            return _compare(expr, env)
        case In(item=item, items=items):
            value = evaluate(item, env)
            return any(same(value, evaluate(other, env)) for other in items)
        case Binary():
            return _arithmetic(expr, env)
        case Call():
            return _call(expr, env)
        case List():
            raise ExpressionError("a list has no single value", span=expr.span)


def same(left: Scalar, right: Scalar) -> bool:
    """Equality of values: 1 equals 1.0, but true is not 1 and "1" is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    return type(left) is type(right) and left == right


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], int | float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def _compare(expr: Compare, env: Mapping[str, Scalar]) -> bool:
    if expr.op in ("==", "!="):
        return same(evaluate(expr.left, env), evaluate(expr.right, env)) == (expr.op == "==")
    left, right = _number(expr.left, env, expr.op), _number(expr.right, env, expr.op)
    return _COMPARISONS[expr.op](left, right)


def _arithmetic(expr: Binary, env: Mapping[str, Scalar]) -> int | float:
    left, right = _number(expr.left, env, expr.op), _number(expr.right, env, expr.op)
    try:
        if expr.op == "**":
            return _bounded(_power(left, right, expr), expr)
        return _bounded(_ARITHMETIC[expr.op](left, right), expr)
    except ZeroDivisionError:
        raise ExpressionError("division by zero", span=expr.span) from None
    except OverflowError:
        raise _too_large(expr) from None


def _power(left: int | float, right: int | float, expr: Expr) -> int | float:
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        # The size of the result is known before it is computed.
        if abs(left) > 1 and right * math.log2(abs(left)) >= 64:
            raise _too_large(expr)
        return int(left**right)
    result = left**right
    if isinstance(result, complex):
        raise ExpressionError("a root of a negative number has no value", span=expr.span)
    return float(result) if isinstance(left, float) or right < 0 else result


def _too_large(expr: Expr) -> ExpressionError:
    return ExpressionError(
        "the number gets too large", f"values must stay below 2**63 ({LARGEST:.3g})", span=expr.span
    )


def _bounded(value: int | float, expr: Expr) -> int | float:
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise _too_large(expr)
    if isinstance(value, float) and not math.isfinite(value):
        raise _too_large(expr)
    return value


def _number(expr: Expr, env: Mapping[str, Scalar], op: str) -> int | float:
    value = evaluate(expr, env)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError(
            f"`{op}` works on numbers, got {describe(value)}",
            "compare text with == or in" if op in _COMPARISONS else None,
            span=expr.span,
        )
    return value


def _condition(expr: Expr, env: Mapping[str, Scalar], op: str) -> bool:
    value = evaluate(expr, env)
    if not isinstance(value, bool):
        raise ExpressionError(
            f"`{op}` joins conditions, got {describe(value)}",
            "a condition is true or false, such as width > 3",
            span=expr.span,
        )
    return value


def describe(value: Scalar) -> str:
    """A value and its kind, for messages: `the text "sgd"`, `the number 3`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {quote(value)}"
    return f"the number {value}"


def _call(expr: Call, env: Mapping[str, Scalar]) -> Scalar:
    if expr.name not in FUNCTIONS:
        raise ExpressionError(f"there is no function {quote(expr.name)}", span=expr.span)
    return FUNCTIONS[expr.name][0](expr, env)


def _numbers(expr: Call, env: Mapping[str, Scalar]) -> list[int | float]:
    args = expr.args
    if len(args) == 1 and isinstance(args[0], List):
        args = args[0].items
    if not args:
        raise ExpressionError(f"`{expr.name}` needs at least one number", span=expr.span)
    return [_number(arg, env, expr.name) for arg in args]


def _select(expr: Call, env: Mapping[str, Scalar]) -> Scalar:
    chosen = 1 if _condition(expr.args[0], env, "select") else 2
    return evaluate(expr.args[chosen], env)


# name -> (what it does, fewest arguments, most arguments, usage)
FUNCTIONS: dict[str, tuple[Callable[[Call, Mapping[str, Scalar]], Scalar], int, int, str]] = {
    "min": (lambda expr, env: min(_numbers(expr, env)), 1, 100, "min(a, b)"),
    "max": (lambda expr, env: max(_numbers(expr, env)), 1, 100, "max(a, b)"),
    "abs": (lambda expr, env: abs(_numbers(expr, env)[0]), 1, 1, "abs(a)"),
    "select": (_select, 3, 3, "select(condition, a, b)"),
}


# Text -------------------------------------------------------------------------------------------

_LEVELS = {"or": 1, "and": 2, "not": 3, "compare": 4, "+": 5, "*": 6, "-": 7, "**": 8, "atom": 9}


def to_text(expr: Expr) -> str:
    """The canonical text: single spaces, double quotes, no needless parentheses.

    `parse(to_text(e)) == e` for every tree that `parse` returns.
    """
    return _text(expr)[0]


def _text(expr: Expr) -> tuple[str, int]:
    match expr:
        case Literal():
            return literal_text(expr.value, expr.text), _LEVELS["atom"]
        case Name(name=name):
            return name, _LEVELS["atom"]
        case Unary(op="not", operand=In() as member):
            return f"{_wrap(member.item, 5)} not in [{_commas(member.items)}]", _LEVELS["compare"]
        case Unary(op="not"):
            return f"not {_wrap(expr.operand, 3)}", _LEVELS["not"]
        case Unary():
            return f"-{_wrap(expr.operand, 7)}", _LEVELS["-"]
        case Logical(op=op):
            level = _LEVELS[op]
            return f"{_wrap(expr.left, level)} {op} {_wrap(expr.right, level + 1)}", level
        case Compare(op=op):
            return f"{_wrap(expr.left, 5)} {op} {_wrap(expr.right, 5)}", _LEVELS["compare"]
        case In():
            return f"{_wrap(expr.item, 5)} in [{_commas(expr.items)}]", _LEVELS["compare"]
        case Binary(op="**"):
            return f"{_wrap(expr.left, 9)} ** {_wrap(expr.right, 7)}", _LEVELS["**"]
        case Binary(op=op):
            level = _LEVELS["+" if op in "+-" else "*"]
            return f"{_wrap(expr.left, level)} {op} {_wrap(expr.right, level + 1)}", level
        case Call(name=name, args=args):
            return f"{name}({_commas(args)})", _LEVELS["atom"]
        case List(items=items):
            return f"[{_commas(items)}]", _LEVELS["atom"]


def _wrap(expr: Expr, level: int) -> str:
    text, own = _text(expr)
    return text if own >= level else f"({text})"


def _commas(exprs: tuple[Expr, ...]) -> str:
    return ", ".join(_text(expr)[0] for expr in exprs)


def literal_text(value: Scalar, written: str = "") -> str:
    """A value in the language's own spelling; numbers keep how they were written."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'
    return written or repr(value)
