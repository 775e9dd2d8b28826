"""Collects diagnostics while a compiler step goes on, so that all of them are shown at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from automlc.spec.diagnostics import Diagnostic, Span


@dataclass
class Problems:
    """A growing list of diagnostics."""

    found: list[Diagnostic] = field(default_factory=list)

    def add(
        self, code: str, message: str, span: Span | None, *, hint: str | None = None, key: str = ""
    ) -> None:
        problem = Diagnostic(code, message, span, hint=hint, key=key)
        if problem not in self.found:
            self.found.append(problem)

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self.found if d.code.startswith("E")]
