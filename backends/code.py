"""Values of emitted code: text where a configuration is open, constants where it is known.

The emitter runs the formulas of compiler/ops on these. Known operands fold, so that a frozen
configuration gives straight-line code and a search space gives expressions: partial evaluation.
Text is written the way `ruff format` writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from automlc.backends.literals import literal
from automlc.compiler.symbolic import OPERATORS
from automlc.runtime.costs import BINARY
from automlc.spec.expressions import (
    Binary,
    Call,
    Compare,
    Expr,
    In,
    List,
    Literal,
    Logical,
    Name,
    Unary,
)
from automlc.spec.record import record

Value = Any  # int | float | str | bool | Code

# Binding strength, as in Python's grammar.
_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(1, 10)
_STRENGTH = {
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "//": _PRODUCT,
    "%": _PRODUCT,
    "**": _POWER,
}


@record
class Code:
    """Python source of an expression, with the strength of its outermost operator.

    `whole` is False where the value may be a float, which no size or count can be.
    """

    text: str
    strength: int = _ATOM
    whole: bool = True

    def __str__(self) -> str:
        return self.text

    def __add__(self, other: Value) -> Value:
        return binary("+", self, other)

    def __radd__(self, other: Value) -> Value:
        return binary("+", other, self)

    def __sub__(self, other: Value) -> Value:
        return binary("-", self, other)

    def __rsub__(self, other: Value) -> Value:
        return binary("-", other, self)

    def __mul__(self, other: Value) -> Value:
        return binary("*", self, other)

    def __rmul__(self, other: Value) -> Value:
        return binary("*", other, self)

    def __floordiv__(self, other: Value) -> Value:
        return binary("//", self, other)

    def __rfloordiv__(self, other: Value) -> Value:
        return binary("//", other, self)

    def ceil_divide(self, value: Value) -> Value:
        """ceil(value / self)"""
        return Code(f"-(-{text(value, _SIGN)} // {text(self, _PRODUCT + 1)})", _SIGN, self.whole)

    def minimum(self, other: Value) -> Value:
        return Code(f"min({text(self)}, {text(other)})", whole=self.whole)


def text(value: Value, at_least: int = 0) -> str:
    """Source text of a value; in parentheses where it binds weaker than `at_least`."""
    if isinstance(value, Code):
        return f"({value.text})" if value.strength < at_least else value.text
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return f"({literal(value)})" if at_least > _SIGN else literal(value)
    return literal(value)


def known(value: Value) -> bool:
    return not isinstance(value, Code)


def whole(value: Value) -> Value:
    """A value where a framework takes only integers: 24.0 is 24, and code is made to be one."""
    if isinstance(value, Code):
        return value if value.whole else Code(f"int({value.text})")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _whole(*values: Value) -> bool:
    return all(v.whole if isinstance(v, Code) else not isinstance(v, float) for v in values)


def binary(op: str, left: Value, right: Value) -> Value:
    """One arithmetic operation or comparison; folded when both sides are known."""
    if known(left) and known(right):
        return BINARY[OPERATORS[op]](left, right)
    neutral = _neutral(op, left, right)
    if neutral is not None:
        return neutral
    folded = _reassociate(op, left, right)
    if folded is not None:
        return folded
    if op not in _STRENGTH:
        return _comparison(op, left, right)
    strength, integer = _STRENGTH[op], op != "/" and _whole(left, right)
    if op == "**":
        a, b = text(left, _ATOM), text(right, _SIGN)
        space = "" if _simple(a) and _simple(b.removeprefix("-")) else " "
        return Code(f"{a}{space}**{space}{b}", strength, integer and not b.startswith("-"))
    return Code(f"{text(left, strength)} {op} {text(right, strength + 1)}", strength, integer)


def _comparison(op: str, left: Value, right: Value) -> Code:
    if left is None or isinstance(left, bool):
        left, right = right, left
    if op in ("==", "!=") and (right is None or isinstance(right, bool)):
        op = "is" if op == "==" else "is not"  # linters refuse == None and == True
    return Code(f"{text(left, _SUM)} {op} {text(right, _SUM)}", _COMPARE)


def _neutral(op: str, left: Value, right: Value) -> Value | None:
    if op == "+" and _equals(left, 0):
        return right
    if op in ("+", "-") and _equals(right, 0):
        return left
    if op == "*" and _equals(left, 1):
        return right
    if op in ("*", "**") and _equals(right, 1):
        return left
    if op == "//" and _equals(right, 1) and _whole(left):
        return left
    return None


def _reassociate(op: str, left: Value, right: Value) -> Value | None:
    """x + 2 - 1 is x + 1: the ceil divisions of shapes would otherwise be hard to read."""
    if op not in ("+", "-") or not isinstance(left, Code) or not isinstance(right, int):
        return None
    head, plus, tail = left.text.rpartition(" + ")
    if left.strength != _SUM or not plus or not tail.isdigit():
        return None
    total = int(tail) + (right if op == "+" else -right)
    if total < 0 or "+" in head or "-" in head:
        return None
    base = Code(head, _PRODUCT if any(o in head for o in "*/%") else _ATOM)
    return (
        Code(base.text, base.strength, left.whole)
        if total == 0
        else Code(f"{head} + {total}", _SUM, left.whole)
    )


def _equals(value: Value, constant: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value == constant


def _simple(source: str) -> bool:
    # ruff hugs ** only between names, attributes and numbers.
    return source.replace("_", "").replace(".", "").isalnum()


def logical(op: str, left: Value, right: Value) -> Value:
    for one, other in ((left, right), (right, left)):
        if known(one):
            return other if bool(one) == (op == "and") else bool(one)
    strength = _AND if op == "and" else _OR
    return Code(f"{text(left, strength)} {op} {text(right, strength)}", strength)


def negate(value: Value) -> Value:
    if known(value):
        return not value
    return Code(f"not {text(value, _NOT)}", _NOT)


def select(condition: Value, then: Value, otherwise: Value) -> Value:
    if known(condition):
        return then if condition else otherwise
    if known(then) and known(otherwise) and then == otherwise:
        return then
    source = f"{text(then, _OR)} if {text(condition, _OR)} else {text(otherwise, _OR)}"
    return Code(source, 0, _whole(then, otherwise))


def evaluate(expr: Expr, env: Mapping[str, Value]) -> Value:
    """The value of a spec expression where `env` gives constants or code for each name."""
    match expr:
        case Literal():
            return expr.value
        case Name():
            return env[expr.name]
        case Unary(op="not", operand=In() as member):
            return _contains(member, env, "not in")
        case Unary(op="not", operand=Compare(op="==" | "!=") as compared):
            op = "!=" if compared.op == "==" else "=="
            return binary(op, evaluate(compared.left, env), evaluate(compared.right, env))
        case Unary(op="not"):
            return negate(evaluate(expr.operand, env))
        case Unary():
            value = evaluate(expr.operand, env)
            if expr.op == "+":
                return value
            if known(value):
                return -value
            return Code(f"-{text(value, _SIGN)}", _SIGN, value.whole)
        case Logical():
            left = evaluate(expr.left, env)
            if known(left) and bool(left) != (expr.op == "and"):
                return bool(left)  # the other side may read what is not active
            return logical(expr.op, left, evaluate(expr.right, env))
        case Binary() | Compare():
            return binary(expr.op, evaluate(expr.left, env), evaluate(expr.right, env))
        case In():
            return _contains(expr, env)
        case Call(name="select"):
            condition = evaluate(expr.args[0], env)
            if known(condition):
                return evaluate(expr.args[1 if condition else 2], env)
            return select(condition, evaluate(expr.args[1], env), evaluate(expr.args[2], env))
        case Call():
            args = expr.args[0].items if isinstance(expr.args[0], List) else expr.args
            return _call(expr.name, [evaluate(arg, env) for arg in args])
    raise AssertionError(f"compiler author: no rule for {type(expr).__name__}")


def _contains(expr: In, env: Mapping[str, Value], op: str = "in") -> Value:
    item = evaluate(expr.item, env)
    items = tuple(evaluate(each, env) for each in expr.items)
    if known(item) and all(known(each) for each in items):
        return (item in items) == (op == "in")
    if len(items) == 1:
        return binary("==" if op == "in" else "!=", item, items[0])
    inner = ", ".join(text(each) for each in items)
    return Code(f"{text(item, _SUM)} {op} ({inner})", _COMPARE)


def _call(name: str, args: list[Value]) -> Value:
    if len(args) == 1 and name != "abs":
        return args[0]
    if all(known(arg) for arg in args):
        functions: dict[str, Callable[..., Value]] = {"min": min, "max": max, "abs": abs}
        return functions[name](*args)
    return Code(f"{name}({', '.join(text(arg) for arg in args)})", whole=_whole(*args))
