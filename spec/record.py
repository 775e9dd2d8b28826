"""Frozen data classes that cost little to define.

`dataclasses.dataclass(frozen=True)` compiles six functions for each class, about a millisecond;
a cold `automlc validate` defines a hundred classes. `record` lets dataclasses compile `__init__`
alone and shares the rest. `fields`, `replace`, `asdict` and `match` work as with any data class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")

__all__ = ["field", "record"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make `cls` a data class with value equality, a hash and a readable repr.

    That fields are not assigned to is held by the type checker, not at run time. Fields with
    `field(compare=False)` count neither for equality nor for the hash.
    """
    made = dataclass(repr=False, eq=False)(cls)
    compared = [f.name for f in made.__dataclass_fields__.values() if f.compare]  # type: ignore[attr-defined]  # a data class
    own = vars(cls)
    if "__eq__" not in own:
        values = attrgetter(*compared) if compared else _nothing

        def equal(self: T, other: object) -> Any:
            return values(self) == values(other) if type(other) is cls else NotImplemented

        def digest(self: T) -> int:
            return hash((cls, values(self)))

        setattr(made, "__eq__", equal)  # noqa: B010  # mypy has no type for such methods
        setattr(made, "__hash__", digest)  # noqa: B010
    if "__repr__" not in own:
        setattr(made, "__repr__", _repr)  # noqa: B010
    return made


def _nothing(_: object) -> tuple[()]:
    return ()


def _repr(self: Any) -> str:
    shown = (f for f in self.__dataclass_fields__.values() if f.repr)
    inner = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in shown)
    return f"{type(self).__name__}({inner})"
