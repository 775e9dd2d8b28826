"""A box: for each parameter a part of its domain; and what a cost or a condition can be on it.

Everything here may say too much and never too little: a value that some configuration of the box
gives is always within what is returned, and a truth that is returned holds in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from automlc.compiler.proofs.classes import members
from automlc.compiler.symbolic import OPERATORS
from automlc.runtime.costs import BINARY, Instruction
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Space
from automlc.spec.expressions import (
    Binary,
    Call,
    Compare,
    Expr,
    ExpressionError,
    In,
    List,
    Literal,
    Logical,
    Name,
    Scalar,
    Unary,
    evaluate,
    names,
    same,
)
from automlc.spec.record import record

FAR = 1e12  # sizes are not told apart further than this
MOST = 24  # values of a set that are still told apart

Box: TypeAlias = dict[str, Domain]
Truth: TypeAlias = bool | None  # None: not decided on this box


@record
class Some:
    """What a value may be: one of a few, or a number between two bounds; `absent`: or nothing."""

    few: tuple[Any, ...] | None
    low: float = -math.inf
    high: float = math.inf
    absent: bool = False
    number: bool = True  # false: it may be no number at all


ANY = Some(None, absent=True, number=False)
BOTH = Some((False, True))


def exactly(value: Any) -> Some:
    """A known value; None is absent."""
    if value is None:
        return Some((), 0, 0, absent=True)
    return of_values((value,))


def of_values(values: Sequence[Any], absent: bool = False) -> Some:
    """One of these; bounds where they are numbers."""
    kept = tuple({(type(v).__name__, v): v for v in values}.values())
    numbers = all(isinstance(v, (int, float)) for v in kept)
    if not kept:
        return Some((), 0, 0, absent)
    if not numbers:
        return Some(kept, absent=absent, number=False)
    low, high = min(kept), max(kept)
    return Some(kept if len(kept) <= MOST else None, low, high, absent)


def truth(value: Some) -> Truth:
    """Whether it is true in all, in none, or in some configurations."""
    if value.few is None:
        return None
    found = {bool(v) for v in value.few} | ({False} if value.absent else set())
    return found.pop() if len(found) == 1 else None


def of_domain(domain: Domain) -> Some:
    """What a parameter may be."""
    match domain:
        case Choice():
            nothing = any(v is None for v in domain.values)
            return of_values([v for v in domain.values if v is not None], nothing)
        case Fixed():
            return exactly(domain.value)
        case Integer():
            if (domain.cardinality() or 0) <= MOST:
                return of_values(range(domain.low, domain.high + 1, domain.step))
            return Some(None, domain.low, domain.high)
        case Float():
            if domain.low == domain.high:
                return exactly(domain.low)
            return Some(None, domain.low, domain.high)


def whole(space: Space) -> Box:
    """The box of the whole space."""
    return {p.name: p.domain for p in space.parameters}


# Conditions -------------------------------------------------------------------------------------


class Unsure(Exception):
    """A condition has no value somewhere on a box (`1 // x` where x may be 0)."""


def holds(expr: Expr, box: Mapping[str, Domain]) -> Truth:
    """Whether a condition is true on a box, all its names being active."""
    read = sorted(names(expr))
    counts = [box[name].cardinality() or MOST + 1 for name in read]
    if math.prod(counts) <= MOST:
        try:
            found = {evaluate(expr, env) is True for env in _settings(read, box)}
        except ExpressionError:
            return None
        return found.pop() if len(found) == 1 else None
    return truth(_expr(expr, box))


def _settings(read: Sequence[str], box: Mapping[str, Domain]) -> Iterator[dict[str, Scalar]]:
    settings: list[dict[str, Scalar]] = [{}]
    for name in read:
        settings = [{**s, name: v} for s in settings for v in members(box[name])]
    yield from settings


def _expr(expr: Expr, box: Mapping[str, Domain]) -> Some:
    match expr:
        case Literal():
            return Some((None,), number=False) if expr.value is None else exactly(expr.value)
        case Name():
            some = of_domain(box[expr.name])
            return ANY if some.absent else some  # null is a value here
        case Unary(op="not"):
            return _not(_expr(expr.operand, box))
        case Unary():
            return binary("sub", exactly(0), _expr(expr.operand, box))
        case Logical():
            left, right = _truth_of(expr.left, box), _truth_of(expr.right, box)
            return _logical(expr.op, left, right)
        case Compare(op=op) if op in ("==", "!="):
            return _equal(_expr(expr.left, box), _expr(expr.right, box), op == "==")
        case Compare() | Binary():
            return binary(OPERATORS[expr.op], _expr(expr.left, box), _expr(expr.right, box))
        case In():
            items = [_equal(_expr(expr.item, box), _expr(i, box), True) for i in expr.items]
            found: Truth = False
            for item in items:
                found = truth(_logical("or", found, truth(item)))
            return _some(found)
        case Call():
            return _call(expr, box)
        case List():
            return ANY


def _truth_of(expr: Expr, box: Mapping[str, Domain]) -> Truth:
    try:
        return holds(expr, box)
    except ExpressionError:
        return None


def _call(expr: Call, box: Mapping[str, Domain]) -> Some:
    if expr.name == "select":
        condition = _truth_of(expr.args[0], box)
        if condition is not None:
            return _expr(expr.args[1 if condition else 2], box)
        return join(_expr(expr.args[1], box), _expr(expr.args[2], box))
    first = expr.args[0]
    values = [_expr(one, box) for one in (first.items if isinstance(first, List) else expr.args)]
    if expr.name == "abs":
        return binary("max", values[0], binary("sub", exactly(0), values[0]))
    result = values[0]
    for value in values[1:]:
        result = binary(expr.name, result, value)
    return result


def _some(value: Truth) -> Some:
    return BOTH if value is None else exactly(value)


def _not(value: Some) -> Some:
    known = truth(value)
    return BOTH if known is None else exactly(not known)


def _logical(op: str, left: Truth, right: Truth) -> Some:
    decisive = op == "or"
    if left is decisive or right is decisive:
        return exactly(decisive)
    if left is None or right is None:
        return BOTH
    return exactly(not decisive)


def _equal(left: Some, right: Some, wanted: bool) -> Some:
    if left.few is not None and right.few is not None and not (left.absent or right.absent):
        found = {same(a, b) == wanted for a in left.few for b in right.few}
        return exactly(found.pop()) if len(found) == 1 else BOTH
    apart = left.number and right.number and (left.low > right.high or right.low > left.high)
    return exactly(not wanted) if apart and not (left.absent or right.absent) else BOTH


# Arithmetic -------------------------------------------------------------------------------------

_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_CONDITIONS = _COMPARISONS | {"and", "or", "not", "in"}


def join(a: Some, b: Some) -> Some:
    """One or the other."""
    absent = a.absent or b.absent
    if a.few == () and a.absent:
        return Some(b.few, b.low, b.high, True, b.number)
    if b.few == () and b.absent:
        return Some(a.few, a.low, a.high, True, a.number)
    if a.few is not None and b.few is not None and len(a.few) + len(b.few) <= MOST:
        return of_values((*a.few, *b.few), absent)
    if not (a.number and b.number):
        return ANY
    return Some(None, min(a.low, b.low), max(a.high, b.high), absent)


def binary(name: str, left: Some, right: Some) -> Some:
    """The results of an operation of a cost program; absent where an operand is absent."""
    if () in (left.few, right.few):
        return exactly(False if name in _COMPARISONS else None)
    if left.few is not None and right.few is not None:
        few = _few(name, left, right)
        if few is not None:
            return few
    absent = left.absent or right.absent
    if not (left.number and right.number):
        return BOTH if name in _COMPARISONS else ANY
    if name in _COMPARISONS:
        return _compared(name, left, right, absent)
    return _ranged(name, left, right, absent)


def _few(name: str, left: Some, right: Some) -> Some | None:
    assert left.few is not None
    assert right.few is not None
    if len(left.few) * len(right.few) > MOST * 4:
        return None
    absent = left.absent or right.absent
    found: list[Any] = []
    for a in left.few:
        for b in right.few:
            try:
                found.append(BINARY[name](a, b))
            except ArithmeticError:
                absent = True
            except (TypeError, ValueError):
                return ANY
    if any(isinstance(v, complex) for v in found):
        return ANY
    if absent and name in _COMPARISONS:
        return of_values([*found, False])
    return of_values(found, absent)


def _compared(name: str, a: Some, b: Some, absent: bool) -> Some:
    if name in ("gt", "ge"):
        name, a, b = {"gt": "lt", "ge": "le"}[name], b, a
    known: Truth = None
    if name == "lt":
        known = True if a.high < b.low else False if a.low >= b.high else None
    elif name == "le":
        known = True if a.high <= b.low else False if a.low > b.high else None
    elif a.high < b.low or b.high < a.low:
        known = name == "ne"
    if known is None or (absent and known):
        return BOTH
    return exactly(known)


def _ranged(name: str, a: Some, b: Some, absent: bool) -> Some:
    if name in ("floordiv", "truediv", "mod") and b.low <= 0 <= b.high:
        return Some(None, absent=True)
    if name == "mod":
        return _mod(a, b, absent)
    if name == "pow" and (a.low < 0 or max(abs(b.low), abs(b.high)) > 64):
        return ANY
    if name == "pow" and a.low == 0 and b.low <= 0:
        return ANY
    low, high = corners(BINARY[name], a, b)
    return Some(None, low, high, absent)


def _mod(a: Some, b: Some, absent: bool) -> Some:
    known = b.low == b.high and a.low > -math.inf and a.high < math.inf
    if known and a.low // b.low == a.high // b.low:
        ends = (a.low % b.low, a.high % b.low)
        return Some(None, min(ends), max(ends), absent)
    return Some(None, min(0, b.low), max(0, b.high), absent)


def corners(f: Callable[[Any, Any], Any], a: Some, b: Some) -> tuple[float, float]:
    """The bounds of a function that is monotone in each argument."""
    try:
        values = [f(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    except (ArithmeticError, ValueError):
        return -math.inf, math.inf
    if any(isinstance(v, complex) or v != v for v in values):
        return -math.inf, math.inf
    return min(values), max(values)


# Cost programs ----------------------------------------------------------------------------------


@dataclass
class Evaluator:
    """A cost program on one box after another: only what differs from the last is computed again.

    `steps` counts the instructions that were computed.
    """

    code: Sequence[Instruction]
    steps: int = 0
    _values: list[Some] = field(default_factory=list)
    _seen: dict[int, tuple[Domain, Truth]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reads = [self._read_by(instruction) for instruction in self.code]
        self._deciding = list(self._decided_by())

    def _read_by(self, instruction: Instruction) -> tuple[int, ...]:
        name, *operands = instruction
        if name in ("const", "param"):
            return ()
        if name == "in":
            return (operands[0],)
        if name == "select" and self.code[operands[0]][0] in _COMPARISONS:
            return (*operands, *self.code[operands[0]][1:])  # see _refined
        return tuple(operands)

    def _decided_by(self) -> Iterator[tuple[int, frozenset[str]]]:
        """Each choice between two sizes, and the parameters that its condition reads."""
        read: list[frozenset[str]] = []
        for index, (name, *rest) in enumerate(self.code):
            if name == "param":
                read.append(frozenset({str(rest[0])}))
                continue
            if name == "select" and read[rest[0]]:
                yield index, read[rest[0]]
            # Only conditions are followed: a size depends on nearly everything.
            known = name in _CONDITIONS
            operands = rest[:1] if name == "in" else rest
            read.append(frozenset().union(*(read[o] for o in operands)) if known else frozenset())

    def undecided(self) -> Iterator[tuple[str, float]]:
        """Parameters that decide between sizes on the last box, and how far these are apart."""
        for index, names_ in self._deciding if self._values else ():
            _, condition, then, otherwise = self.code[index]
            if truth(self._values[condition]) is not None:
                continue
            a, b = self._values[then], self._values[otherwise]
            apart = abs(a.low - b.low) + abs(a.high - b.high)
            for name in names_:
                yield name, apart if apart < FAR else FAR

    def run(self, box: Mapping[str, Domain], active: Mapping[str, Truth]) -> list[Some]:
        """What each instruction may give on a box. The list is overwritten by the next call."""
        try:
            return self._run(box, active)
        except BaseException:
            self._values, self._seen = [], {}  # half of it would be of another box
            raise

    def _run(self, box: Mapping[str, Domain], active: Mapping[str, Truth]) -> list[Some]:
        values, known = self._values, bool(self._values)
        changed = bytearray(len(self.code))
        for index, instruction in enumerate(self.code):
            if instruction[0] == "param":
                fresh = self._is_news(index, instruction[1], box, active)
            else:
                fresh = not known or any(changed[i] for i in self._reads[index])
            if not fresh:
                continue
            self.steps += 1
            value = _step(instruction, values, box, active, self.code)
            if not known:
                values.append(value)
            elif not alike(values[index], value):
                values[index] = value
                changed[index] = 1
        return values

    def _is_news(
        self, index: int, name: str, box: Mapping[str, Domain], active: Mapping[str, Truth]
    ) -> bool:
        now, before = (box[name], active.get(name, False)), self._seen.get(index)
        self._seen[index] = now
        return before is None or before[0] is not now[0] or before[1] is not now[1]


def alike(a: Some, b: Some) -> bool:
    """Whether two say the same; 1 and True are not the same."""
    if (a.low, a.high, a.absent, a.number) != (b.low, b.high, b.absent, b.number):
        return False
    if a.few is None or b.few is None:
        return a.few is b.few
    return len(a.few) == len(b.few) and all(
        type(x) is type(y) and x == y for x, y in zip(a.few, b.few, strict=True)
    )


def _refined(
    code: Sequence[Instruction], values: Sequence[Some], condition: int, branch: int, taken: bool
) -> Some:
    """A branch of a select that the condition is about: `select(filters > 0, filters, width)`."""
    name, *operands = code[condition]
    value = values[branch]
    if name not in _COMPARISONS or branch not in operands or value.few is None:
        return value
    left, right = operands
    other = values[right if branch == left else left]
    if other.few is None or len(other.few) != 1 or other.absent:
        return value
    known, compare = other.few[0], BINARY[name]
    kept = [v for v in value.few if taken == _asked(compare, v, known, branch == left)]
    return of_values(kept, value.absent and not taken) if kept else value


def _asked(compare: Callable[[Any, Any], Any], own: Any, known: Any, first: bool) -> bool:
    return bool(compare(own, known) if first else compare(known, own))


def _step(
    instruction: Instruction,
    values: Sequence[Some],
    box: Mapping[str, Domain],
    active: Mapping[str, Truth],
    code: Sequence[Instruction],
) -> Some:
    name = instruction[0]
    if name == "const":
        return exactly(instruction[1])
    if name == "param":
        return _parameter(instruction[1], box, active)
    if name == "select":
        known = truth(values[instruction[1]])
        if known is None:
            return join(
                _refined(code, values, instruction[1], instruction[2], True),
                _refined(code, values, instruction[1], instruction[3], False),
            )
        return values[instruction[2 if known else 3]]
    if name in ("and", "or"):
        return _logical(name, truth(values[instruction[1]]), truth(values[instruction[2]]))
    if name == "not":
        return _not(values[instruction[1]])
    if name == "in":
        return _member(values[instruction[1]], instruction[2])
    if name == "neg":
        return binary("sub", exactly(0), values[instruction[1]])
    return binary(name, values[instruction[1]], values[instruction[2]])


def _parameter(name: str, box: Mapping[str, Domain], active: Mapping[str, Truth]) -> Some:
    state = active.get(name, False)
    if state is False:
        return exactly(None)
    some = of_domain(box[name])
    return some if state else join(some, exactly(None))


def _member(value: Some, items: Sequence[Any]) -> Some:
    if value.few is None:
        return BOTH
    found = {v in items for v in value.few} | ({None in items} if value.absent else set())
    return exactly(found.pop()) if len(found) == 1 else BOTH
