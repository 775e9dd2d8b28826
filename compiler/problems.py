"""Collects diagnostics while a compiler step goes on, so that all of them are shown at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from automlc.spec.diagnostics import Diagnostic, Fix, Note, Span


@dataclass
class Problems:
    """A growing list of diagnostics."""

    found: list[Diagnostic] = field(default_factory=list)
    _known: set[Diagnostic] = field(default_factory=set)

    def add(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        hint: str | None = None,
        key: str = "",
        notes: tuple[Note, ...] = (),
        fix: Fix | None = None,
    ) -> None:
        self.include(Diagnostic(code, message, span, hint, key, notes, fix))

    def include(self, *diagnostics: Diagnostic) -> None:
        """Add what another step found; nothing is said twice."""
        for one in diagnostics:
            if one not in self._known:
                self._known.add(one)
                self.found.append(one)

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self.found if d.code.startswith("E")]
