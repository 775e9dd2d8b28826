"""docs/errors/compared.md from what the tools said.

`python compare.py automlc.json hydra.json ludwig.json`: the JSON files
are those of say.py. Messages are verbatim; lines beyond the twelfth are counted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mistakes import MISTAKES

TOOLS = ("automlc", "Ludwig 0.11.0", "Hydra 1.3.8")
NOTHING = "(accepted: nothing is said)"
MOST_LINES = 12
WIDEST = 400
# What in a message names the right thing: a repair, the choices, or the bound.
RIGHT = (
    *("help: ", "did you mean", "one of [", "available metrics are"),
    *("at least", "minimum of", "of type 'integer'", "to integer"),
)
HEAD = """# Ten mistakes, three tools

What automlc, Ludwig and Hydra say about the same mistake, each in its own configuration. Hydra
checks against a schema of data classes, which its users have to write; types and enumerations are
what such a schema can say. Ludwig checks its own configuration; it was installed beside a CPU build
of PyTorch. The messages are verbatim, from `benchmarks/diagnostics` (`say.py` asks a tool,
`compare.py` writes this page); a message is the text of the tool's exception, without a traceback.
"Says what is right" is generous: a type, a bound or a list of choices is enough. What is accepted
here may still fail later, when a model is built or trained.
"""


def shown(message: str) -> list[str]:
    """A message in a fence, cut where it goes on and on."""
    lines = [line[:WIDEST] + ("…" if len(line) > WIDEST else "") for line in message.splitlines()]
    more = len(lines) - MOST_LINES
    lines = [*lines[:MOST_LINES], f"[{more} more lines]"] if more > 1 else lines
    return ["```text", *(lines or [NOTHING]), "```"]


def table(said: list[dict[str, str]]) -> list[str]:
    """Which of the mistakes each tool sees, where it points and whether it says what is right."""
    rows = ["| mistake | " + " | ".join(TOOLS) + " |", "|---|---|---|---|"]
    for mistake in MISTAKES:
        cells = [verdict(messages[mistake]) for messages in said]
        rows.append(f"| {mistake} | {' | '.join(cells)} |")
    return rows


def verdict(message: str) -> str:
    """Place and repair, as far as the text itself has them."""
    if not message:
        return "accepted"
    has_line = "line " in message or "config.yaml:" in message
    right = any(words in message.lower() for words in RIGHT)
    parts = ["line and column" if has_line else "no line"]
    return ", ".join([*parts, "says what is right" if right else "not what is right"])


def main(files: list[str]) -> None:
    automlc, hydra, ludwig = (json.loads(Path(f).read_text(encoding="utf-8")) for f in files)
    said = [automlc, ludwig, hydra]
    out = [HEAD, *table(said), ""]
    for number, mistake in enumerate(MISTAKES, 1):
        out += [f"## {number}. {mistake}", ""]
        for tool, messages in zip(TOOLS, said, strict=True):
            out += [f"{tool}:", "", *shown(messages[mistake]), ""]
    page = Path(__file__).parents[2] / "docs" / "errors" / "compared.md"
    page.write_text("\n".join(out), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
