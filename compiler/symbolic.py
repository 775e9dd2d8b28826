"""Symbolic integers: a shape or cost formula applied to the whole search space at once.

`Builder` records each operation once (hash-consing) and folds constants; `Sym` overloads the
operators, so that the formulas in compiler/ops are written once and serve three readers: plain
integers, cost programs (here) and emitted code (backends). Beside each value its range over the
space is kept (interval arithmetic), which bounds repeats and will carry proofs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from automlc.runtime.costs import BINARY, CostProgram, Instruction
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer
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

Value = Any  # int | float | str | bool | None | Sym: what a formula is computed with

OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "==": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
}


@record
class Interval:
    """Bounds of a numeric value over the space; infinite where nothing better is known."""

    low: float
    high: float


EVERYTHING = Interval(-math.inf, math.inf)


@dataclass(eq=False)
class Sym:
    """One instruction of a builder, with the range of its value."""

    builder: Builder
    index: int
    range: Interval = EVERYTHING

    def __add__(self, other: Value) -> Value:
        return self.builder.binary("add", self, other)

    def __radd__(self, other: Value) -> Value:
        return self.builder.binary("add", other, self)

    def __sub__(self, other: Value) -> Value:
        return self.builder.binary("sub", self, other)

    def __rsub__(self, other: Value) -> Value:
        return self.builder.binary("sub", other, self)

    def __mul__(self, other: Value) -> Value:
        return self.builder.binary("mul", self, other)

    def __rmul__(self, other: Value) -> Value:
        return self.builder.binary("mul", other, self)

    def __floordiv__(self, other: Value) -> Value:
        return self.builder.binary("floordiv", self, other)

    def __rfloordiv__(self, other: Value) -> Value:
        return self.builder.binary("floordiv", other, self)

    def minimum(self, other: Value) -> Value:
        return self.builder.binary("min", self, other)

    def __bool__(self) -> bool:
        raise TypeError("compiler author: a symbolic value has no truth value; use select()")


@dataclass
class Builder:
    """Collects the instructions of one cost program."""

    code: list[Instruction] = field(default_factory=list)
    ranges: list[Interval] = field(default_factory=list)
    _known: dict[Instruction, int] = field(default_factory=dict)

    def emit(self, instruction: Instruction, range_: Interval = EVERYTHING) -> Sym:
        # Python holds 1 == True == 1.0, so the type of a constant is part of its identity.
        key = (*instruction, type(instruction[-1]).__name__)
        index = self._known.get(key)
        if index is None:
            index = len(self.code)
            self._known[key] = index
            self.code.append(instruction)
            self.ranges.append(range_)
        return Sym(self, index, self.ranges[index])

    def lift(self, value: Value) -> Sym:
        if isinstance(value, Sym):
            return value
        number = isinstance(value, (int, float))
        return self.emit(("const", value), Interval(value, value) if number else EVERYTHING)

    def parameter(self, name: str, domain: Domain) -> Value:
        """A parameter of the space; a fixed one is its value."""
        if isinstance(domain, Fixed):
            return domain.value
        return self.emit(("param", name), domain_range(domain))

    def binary(self, name: str, left: Value, right: Value) -> Value:
        if not isinstance(left, Sym) and not isinstance(right, Sym):
            return None if left is None or right is None else BINARY[name](left, right)
        simple = _simplify(name, left, right)
        if simple is not None:
            return simple
        if name in ("eq", "ne") and (left is None or right is None):
            # Comparisons take None for "not active" and are false; null as a value is `in [null]`.
            is_null = self.contains(right if left is None else left, (None,))
            return is_null if name == "eq" else self.negate(is_null)
        a, b = self.lift(left), self.lift(right)
        return self.emit((name, a.index, b.index), _binary_range(name, a.range, b.range))

    def logical(self, name: str, left: Value, right: Value) -> Value:
        for known, other in ((left, right), (right, left)):
            if not isinstance(known, Sym):
                return other if bool(known) == (name == "and") else bool(known)
        return self.emit((name, left.index, right.index), Interval(0, 1))

    def negate(self, value: Value) -> Value:
        if not isinstance(value, Sym):
            return not value
        return self.emit(("not", value.index), Interval(0, 1))

    def select(self, condition: Value, then: Value, otherwise: Value) -> Value:
        if not isinstance(condition, Sym):
            return then if condition else otherwise
        if then is otherwise or (not isinstance(then, Sym) and then == otherwise):
            return then
        a, b = self.lift(then), self.lift(otherwise)
        if a.index == b.index:
            return a
        return self.emit(("select", condition.index, a.index, b.index), _union(a.range, b.range))

    def contains(self, value: Value, items: tuple[Any, ...]) -> Value:
        if any(isinstance(item, Sym) for item in items):
            found: Value = False
            for item in items:
                found = self.logical("or", found, self.binary("eq", value, item))
            return found
        if not isinstance(value, Sym):
            return value in items
        return self.emit(("in", value.index, items), Interval(0, 1))

    def program(self, outputs: dict[str, Value]) -> CostProgram:
        """The finished program, holding only the instructions that the outputs need."""
        syms = {name: self.lift(value) for name, value in outputs.items()}
        return compact(self.code, {name: sym.index for name, sym in syms.items()})


def _operands(instruction: Instruction) -> tuple[int, ...]:
    if instruction[0] in ("const", "param"):
        return ()
    return instruction[1:2] if instruction[0] == "in" else instruction[1:]


def compact(code: list[Instruction], outputs: dict[str, int]) -> CostProgram:
    """The instructions that the outputs need, renumbered."""
    needed = set(outputs.values())
    for index in range(len(code) - 1, -1, -1):
        if index in needed:
            needed.update(_operands(code[index]))
    order = sorted(needed)
    place = {old: new for new, old in enumerate(order)}
    kept: list[Instruction] = []
    for old in order:
        name, *rest = code[old]
        count = len(_operands(code[old]))
        kept.append((name, *(place[o] for o in rest[:count]), *rest[count:]))
    return CostProgram(tuple(kept), {name: place[index] for name, index in outputs.items()})


def _simplify(name: str, left: Value, right: Value) -> Value | None:
    """Neutral elements, so that a frozen configuration costs no instructions."""
    if name == "add" and _is(left, 0):
        return right
    if name in ("add", "sub") and _is(right, 0):
        return left
    if name == "mul" and _is(left, 1):
        return right
    if name in ("mul", "pow") and _is(right, 1):
        return left
    return None


def _is(value: Value, constant: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value == constant


def domain_range(domain: Domain) -> Interval:
    """The numeric bounds of a domain (everything, for words)."""
    if isinstance(domain, (Integer, Float)):
        return Interval(domain.low, domain.high)
    values = domain.values if isinstance(domain, Choice) else (domain.value,)
    numbers = [v for v in values if isinstance(v, (int, float))]
    return Interval(min(numbers), max(numbers)) if len(numbers) == len(values) else EVERYTHING


def _union(a: Interval, b: Interval) -> Interval:
    return Interval(min(a.low, b.low), max(a.high, b.high))


def _corners(f: Callable[[Any, Any], Any], a: Interval, b: Interval) -> Interval:
    ends = [(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    try:
        values = [f(x, y) for x, y in ends]
    except (ArithmeticError, ValueError):
        return EVERYTHING
    if any(isinstance(v, complex) or math.isnan(v) for v in values):
        return EVERYTHING
    return Interval(min(values), max(values))


def _binary_range(name: str, a: Interval, b: Interval) -> Interval:
    if name in ("eq", "ne", "lt", "le", "gt", "ge"):
        return Interval(0, 1)
    if name in ("floordiv", "truediv", "mod") and b.low <= 0 <= b.high:
        return EVERYTHING
    if name == "mod":
        return Interval(0, b.high) if b.low > 0 else EVERYTHING
    if name == "pow" and (a.low <= 0 or abs(b.low) > 64 or abs(b.high) > 64):
        # Monotone in each argument only for positive bases.
        return EVERYTHING if a.low < 0 else Interval(0, _corners(BINARY["pow"], a, b).high)
    return _corners(BINARY[name], a, b)


def apply(expr: Expr, env: dict[str, Value], builder: Builder) -> Value:
    """Evaluate a spec expression over symbolic or known values.

    Raises KeyError for a name that `env` does not hold (the checks ran before).
    """
    match expr:
        case Literal():
            return expr.value
        case Name():
            return env[expr.name]
        case Unary(op="not"):
            return builder.negate(apply(expr.operand, env, builder))
        case Unary():
            value = apply(expr.operand, env, builder)
            return builder.binary("sub", 0, value) if expr.op == "-" else value
        case Logical():
            left = apply(expr.left, env, builder)
            if not isinstance(left, Sym) and bool(left) != (expr.op == "and"):
                return bool(left)  # the other side may read what is not active
            return builder.logical(expr.op, left, apply(expr.right, env, builder))
        case Binary() | Compare():
            left, right = apply(expr.left, env, builder), apply(expr.right, env, builder)
            return builder.binary(OPERATORS[expr.op], left, right)
        case In():
            return _apply_in(expr, env, builder)
        case Call():
            return _apply_call(expr, env, builder)
    raise AssertionError(f"compiler author: no rule for {type(expr).__name__}")


def _apply_in(expr: In, env: dict[str, Value], builder: Builder) -> Value:
    items = tuple(apply(item, env, builder) for item in expr.items)
    return builder.contains(apply(expr.item, env, builder), items)


def _apply_call(expr: Call, env: dict[str, Value], builder: Builder) -> Value:
    if expr.name == "select":
        condition = apply(expr.args[0], env, builder)
        if not isinstance(condition, Sym):
            return apply(expr.args[1 if condition else 2], env, builder)
        then, otherwise = (apply(arg, env, builder) for arg in expr.args[1:])
        return builder.select(condition, then, otherwise)
    written = expr.args[0].items if isinstance(expr.args[0], List) else expr.args
    args = [apply(arg, env, builder) for arg in written]
    if expr.name == "abs":
        return builder.binary("max", args[0], builder.binary("sub", 0, args[0]))
    result = args[0]
    for arg in args[1:]:
        result = builder.binary(expr.name, result, arg)
    return result
