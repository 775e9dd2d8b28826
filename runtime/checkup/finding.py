"""One thing that was looked at, how it is, and what mends it."""

from __future__ import annotations

from typing import Any

from automlc.spec.record import record

OK, NOTE, PROBLEM = "ok", "note", "problem"


@record
class Finding:
    """`state`: ok, note (works, but may surprise) or problem; `mend`: a command, or what to do."""

    group: str
    name: str
    state: str
    found: str
    mend: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))
