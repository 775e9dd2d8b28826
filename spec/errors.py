"""The errors that every layer raises for people: one line, one hint, one exit code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automlc.spec.diagnostics import Diagnostic
    from automlc.spec.load import LoadedSpec


class AutomlcError(Exception):
    """Something a person can act on. The command line prints it without a traceback."""

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None, *, exit_code: int | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code


class SpecError(AutomlcError):
    """A spec, or the data it names, is wrong; carries every diagnostic that was found.

    `partial` is what can still be read of a spec: with defaults where values were wrong. It serves
    to find further mistakes, nothing else.
    """

    exit_code = 1

    def __init__(
        self,
        diagnostics: Iterable[Diagnostic],
        sources: Mapping[str, str] | None = None,
        partial: LoadedSpec | None = None,
    ):
        self.diagnostics = tuple(diagnostics)
        self.sources = dict(sources or {})
        self.partial = partial
        first = self.diagnostics[0].message if self.diagnostics else "invalid spec"
        super().__init__(first)

    def rendered(self, *, format: str = "full", color: bool = False) -> str:
        """The diagnostics as text (`full`, `concise`) or JSON (`json`)."""
        from automlc.spec.diagnostics import render

        return render(self.diagnostics, format=format, sources=self.sources, color=color)
