"""Cost programs: sizes of any configuration, computed without the compiler or a framework.

The compiler writes, for the whole search space at once, one list of instructions in static
single assignment form; `plan.json` carries it. Each instruction names earlier ones by index, so
evaluation is one pass. Values are exact Python integers (parameters, bytes, multiply-accumulates).
An inactive parameter is None; arithmetic on None is None, and `select` discards it again, because
a branch that is not taken has no size.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

Number = int | float
Instruction = tuple[Any, ...]

_MAX_MAGNITUDE = 2**63


def _power(base: Number, exponent: Number) -> Number:
    if abs(exponent) > 64:
        raise ValueError("exponent above 64")
    result: Number = base**exponent
    return result


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "truediv": operator.truediv,
    "mod": operator.mod,
    "pow": _power,
    "min": min,
    "max": max,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})


@record
class CostProgram:
    """`code`: the instructions; `outputs`: cost name -> index of the instruction that holds it."""

    code: tuple[Instruction, ...]
    outputs: Mapping[str, int]

    def evaluate(self, config: Mapping[str, Any]) -> dict[str, Number]:
        """Costs of one configuration (only its active parameters are keys).

        Returns parameters and multiply-accumulates as counts, sizes in bytes.
        Raises AutomlcError where a size is undefined or absurd (division by zero, above 2**63).
        """
        values: list[Any] = []
        for instruction in self.code:
            values.append(_step(instruction, values, config))
        found = {name: _count(values[index]) for name, index in self.outputs.items()}
        for name, value in found.items():
            if value is None:
                raise AutomlcError(f"{name} of this configuration is undefined")
        return found

    def to_json(self) -> dict[str, Any]:
        return {"code": [list(i) for i in self.code], "outputs": dict(self.outputs)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CostProgram:
        """Read a program; raises AutomlcError on an unknown instruction or a forward reference."""
        code = tuple(
            tuple(tuple(part) if isinstance(part, list) else part for part in item)
            for item in data["code"]
        )
        for index, instruction in enumerate(code):
            _check(index, instruction)
        return cls(code, dict(data["outputs"]))


def _step(instruction: Instruction, values: Sequence[Any], config: Mapping[str, Any]) -> Any:
    name = instruction[0]
    if name == "const":
        return instruction[1]
    if name == "param":
        return config.get(instruction[1])
    if name == "select":
        return values[instruction[2]] if values[instruction[1]] else values[instruction[3]]
    if name == "and":
        return bool(values[instruction[1]]) and bool(values[instruction[2]])
    if name == "or":
        return bool(values[instruction[1]]) or bool(values[instruction[2]])
    if name == "not":
        return not values[instruction[1]]
    if name == "in":
        return values[instruction[1]] in instruction[2]
    if name == "neg":
        operand = values[instruction[1]]
        return None if operand is None else -operand
    return _binary(name, values[instruction[1]], values[instruction[2]])


def _binary(name: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return False if name in _COMPARISONS else None
    try:
        result = BINARY[name](left, right)
    except ArithmeticError:
        return None  # undefined, which is an error only where the branch is taken
    except (TypeError, ValueError) as error:
        raise AutomlcError(f"a size of this configuration is undefined: {error}") from error
    if not isinstance(result, bool) and abs(result) > _MAX_MAGNITUDE:
        raise AutomlcError("a size of this configuration is above 2**63")
    return result


def _count(value: Any) -> Any:
    """Sizes are integers, also where `width * 0.5` made them."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check(index: int, instruction: Instruction) -> None:
    name, *operands = instruction
    if name in ("const", "param"):
        return
    if name == "in":
        operands = operands[:1]
    elif name not in BINARY and name not in ("select", "and", "or", "not", "neg"):
        raise AutomlcError(f"cost program: instruction {index} has the unknown name {name!r}")
    if not all(isinstance(o, int) and 0 <= o < index for o in operands):
        raise AutomlcError(f"cost program: instruction {index} refers to a later one")
