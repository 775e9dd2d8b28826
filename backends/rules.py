"""The table of a backend: operation -> how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from automlc.spec.errors import AutomlcError

T = TypeVar("T")


def rule_of(table: Mapping[str, T], op: str, backend: str) -> T:
    """The rule of an operation. Raises AutomlcError where a backend cannot write it."""
    if op not in table:
        raise AutomlcError(
            f"the {backend} backend cannot write the operation {op!r}",
            f"add its rule to automlc.backends.{backend}.layers.LAYERS, or choose another backend",
            exit_code=1,
        )
    return table[op]
