"""docs/errors/: a page for every diagnostic code, and their index, from the one table of codes.

`python -m automlc.spec.codes_pages [FOLDER]` (`make pages`) writes them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from automlc.spec.codes import AML, CODES, DATA, FILE, TOP, Code

# The first digit, or the letter -> heading and what to know of it.
FAMILIES = {
    "E1": ("Syntax", "The file cannot be read, or only in part."),
    "E2": ("Schema", "A key or a value that the language does not have."),
    "E3": (
        "Meaning",
        "Each part can be read, but they make no sense together or with the data.",
    ),
    "E4": ("Infeasible", "No configuration can be what the spec asks for."),
    "W5": ("Risk", "A warning: the search would run, but hardly as meant."),
}


def pages() -> dict[str, str]:
    """File names and texts."""
    made = {f"{entry.code}.md": _page(entry) for entry in CODES.values()}
    return {"index.md": _index(), **made}


def _page(entry: Code) -> str:
    where = {
        None: "It needs more than a spec, such as files of data; tests hold it by other means.",
        TOP: "Both texts are parts of a spec, at its top; tests hold them to what is said here.",
        DATA: "Both texts are parts of a spec, at its top, and are judged with the data at hand; "
        "tests hold them to what is said here.",
        AML: "Both texts stand at the top of an .aml file; tests hold them to what is said here.",
        FILE: "Both texts are whole files; tests hold them to what is said here.",
    }.get(
        entry.place,
        f"Both texts stand in `{entry.place}`; tests hold them to what is said here.",
    )
    kind = "warning" if entry.code.startswith("W") else "error"
    return "\n".join(
        [
            f"# {entry.code}: {entry.title}",
            "",
            f"{entry.cause} This is {'a' if kind == 'warning' else 'an'} {kind}.",
            "",
            "Wrong:",
            "",
            *_fenced(entry.example),
            "",
            "Right:",
            "",
            *_fenced(entry.fix),
            "",
            f"{where} `automlc explain {entry.code}` prints the same.",
            "",
            "[All codes](index.md)",
            "",
        ]
    )


def _fenced(text: str) -> list[str]:
    return ["```text", *text.splitlines(), "```"]


def _index() -> str:
    tried = sum(entry.place is not None for entry in CODES.values())
    lines = [
        "# Diagnostic codes",
        "",
        f"Every finding of `automlc validate` has a code; there are {len(CODES)}.",
        "A code never changes its meaning. `automlc explain E201` prints its cause, an example and",
        "the fix. Most findings carry the edit that puts them right: `validate --fix` applies",
        "what is certain, with `--unsafe-fixes` what is likely too, and `--diff` shows either.",
        "Other programs read `--format json`, `github` or `sarif`.",
        "",
        "[Ten mistakes as automlc, Ludwig and Hydra report them](compared.md).",
        "",
        "These pages are written by `make pages` from the table that the compiler uses.",
        f"Of {tried} codes the tests run example and fix; the others (marked ·) need files beside",
        "the spec.",
    ]
    for family, (heading, text) in FAMILIES.items():
        entries = sorted(
            (entry for code, entry in CODES.items() if code.startswith(family)),
            key=lambda entry: entry.code,
        )
        if not entries:
            continue
        lines += ["", f"## {family}xx {heading}", "", text, "", "| code | meaning |", "|---|---|"]
        lines += [
            f"| [{e.code}]({e.code}.md){' ·' if e.place is None else ''} | {_cell(e.title)} |"
            for e in entries
        ]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write(folder: Path) -> None:
    """Write all pages, and take away those of codes that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for stale in folder.glob("[EW]???.md"):
        if stale.name not in made:
            stale.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/errors"))
