"""What an operation is: its arguments, the ranks it accepts, its shape and its costs.

The formulas use only + - * // so that they run on plain integers, on symbolic values
(compiler/symbolic.py) and on code text (backends). One description serves every backend;
a backend adds only how the operation is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from automlc.runtime.registry import Registry
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer
from automlc.spec.record import record

Value = Any  # int | Sym | Code
Args = Mapping[str, Value]


@record
class Image:
    """A batch of feature maps: channels, height, width (batch axis left out)."""

    channels: Value
    height: Value
    width: Value

    rank = "image"

    def size(self) -> Value:
        return self.channels * self.height * self.width


@record
class Vector:
    """A batch of feature vectors."""

    features: Value

    rank = "vector"

    def size(self) -> Value:
        return self.features


@record
class Table:
    """A table row: `numeric` standardizable columns, then one code per category column.

    `cardinalities` counts the values of each category column, without the extra code 0 that
    stands for a missing or unknown value. Always known: it comes from the data contract.
    """

    numeric: int
    cardinalities: tuple[int, ...]

    rank = "table"

    def size(self) -> int:
        return self.numeric + len(self.cardinalities)


@record
class Tokens:
    """A batch of texts as token ids from 0 to `vocabulary` - 1; 0 is padding, at the end only."""

    length: Value
    vocabulary: Value

    rank = "tokens"

    def size(self) -> Value:
        return self.length


@record
class Sequence:
    """A batch of texts with a feature vector at each place; which places are padding is known."""

    length: Value
    features: Value

    rank = "sequence"

    def size(self) -> Value:
        return self.length * self.features


Shape = Image | Vector | Table | Tokens | Sequence


@record
class Cost:
    """Exact counts of one operation for one example.

    `buffers`: float32 numbers that are saved but not trained. `macs`: multiply-accumulates of
    convolutions, dense layers and attention (element-wise work is not counted, as is usual).
    """

    params: Value = 0
    buffers: Value = 0
    macs: Value = 0


@record
class Arg:
    """An argument of an operation; `default` None means that it must be given."""

    kind: str  # "int" | "float" | "bool" | "word"
    default: Any = None
    low: float = float("-inf")
    high: float = float("inf")
    odd: bool = False
    words: tuple[str, ...] = ()

    def problem(self, value: Any) -> str | None:
        """Why a known value is not allowed, or None."""
        if self.kind == "word":
            return None if value in self.words else f"must be one of {', '.join(self.words)}"
        if self.kind == "bool":
            return None if isinstance(value, bool) else "must be true or false"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return "must be a number"
        if self.kind == "int" and not (isinstance(value, int) or value.is_integer()):
            return "must be a whole number"
        if not self.low <= value <= self.high:
            return f"must be {self._bounds()}"
        if self.odd and value % 2 == 0:
            return "must be odd, so that the padding is the same on both sides"
        return None

    def domain_problem(self, domain: Domain) -> str | None:
        """Why some value of a domain is not allowed, or None."""
        values: tuple[Any, ...]
        if isinstance(domain, Choice):
            values = domain.values
        elif isinstance(domain, Fixed):
            values = (domain.value,)
        elif isinstance(domain, Integer):
            values = (domain.low, min(domain.low + domain.step, domain.high), domain.high)
        else:
            assert isinstance(domain, Float)
            values = (domain.low, domain.high)
        for value in values:
            problem = self.problem(value)
            if problem:
                return f"{problem}, but {value!r} is in its domain"
        return None

    def _bounds(self) -> str:
        if self.high == float("inf"):
            return f"at least {self.low:g}"
        return f"between {self.low:g} and {self.high:g}"


ShapeRule = Callable[[Any, Args], Shape]
CostRule = Callable[[Any, Any, Args], Cost]
InsideRule = Callable[[Any, Any, Args], Value]


def same_shape(shape: Shape, _: Args) -> Shape:
    return shape


def nothing_inside(before: Shape, after: Shape, args: Args) -> Value:
    """Numbers that an operation makes beside its output: none."""
    return 0


def no_cost(*_: Any) -> Cost:
    return Cost()


@record
class Op:
    """One operation. `cost(before, after, args)` sees the shapes on both sides, and so does
    `inside`: the numbers it makes for one example on the way to its output."""

    name: str
    doc: str
    ranks: tuple[str, ...]
    args: Mapping[str, Arg] = field(default_factory=dict)
    shape: ShapeRule = same_shape
    cost: CostRule = no_cost
    inside: InsideRule = nothing_inside
    output_rank: str | None = None  # None: the rank it got


OPS: Registry[Op] = Registry("operation")


def add(op: Op) -> Op:
    """Register an operation; a package outside registers its own the same way."""
    OPS.add(op.name)(op)
    return op


def smaller(a: Value, b: Value) -> Value:
    """min() of two values of any kind."""
    if hasattr(a, "minimum"):
        return a.minimum(b)
    return b.minimum(a) if hasattr(b, "minimum") else min(a, b)


def ceil_div(value: Value, divisor: Value) -> Value:
    """The size of a feature map after "same" padding and a stride: ceil(size / stride)."""
    if isinstance(divisor, int) and divisor == 1:
        return value
    if hasattr(divisor, "ceil_divide"):  # code reads better with -(-a // b)
        return divisor.ceil_divide(value)
    return (value + divisor - 1) // divisor
