"""What a backend is: an emitter, found by the name that the plan carries."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from automlc.compiler.graph import SearchGraph
from automlc.runtime.backends import BACKENDS
from automlc.spec.model import Data


class Emitter(Protocol):
    """Writes projects for one framework; a module with these functions is one."""

    def project_files(
        self, graph: SearchGraph, data: Data, source: str | None
    ) -> Mapping[str, str]:
        """Every source file of a project: name -> text.

        `source` is the path of the data seen from the project, posix; None for builtin data.
        """

    def frozen_files(self, graph: SearchGraph, trial: Mapping[str, Any]) -> Mapping[str, str]:
        """Straight-line source of one configuration. `graph` is frozen, `trial` its config.json."""


def emitter(kind: str) -> Emitter:
    """The emitter of a backend. Raises AutomlcError if no backend has that name."""
    return cast(Emitter, import_module(BACKENDS.get(kind).emitter))
