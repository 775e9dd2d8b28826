"""Diagnostics as a SARIF log, which code scanning services and editors read.

Static Analysis Results Interchange Format 2.1.0, OASIS standard:
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from automlc.spec.codes import CODES, Code
from automlc.spec.diagnostics import ARGUMENT, Diagnostic, Fix, Note, Span, in_file

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def log(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str]) -> str:
    """One run with its rules, results and fixes. Columns are 1-based characters, ends exclusive."""
    found = list(diagnostics)
    codes = sorted({d.code for d in found})
    places = [d.span for d in found] + [note.span for d in found for note in d.notes]
    named = {*sources, *(span.file for span in places if span)}
    files = sorted(file for file in named if not file.startswith(ARGUMENT))
    run = {
        "tool": {
            "driver": {
                "name": "automlc",
                "semanticVersion": _version(),
                "rules": [_rule(CODES[code]) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "artifacts": [_artifact(file) for file in files],
        "results": [_result(d, codes) for d in found],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=True)


def _artifact(file: str) -> dict[str, Any]:
    kind = {} if file.endswith(".aml") else {"mimeType": "application/yaml"}
    return {"location": {"uri": _uri(file)}, **kind, "encoding": "UTF-8"}


def _version() -> str:
    from importlib.metadata import version

    return version("automlc")


def _uri(file: str) -> str:
    """A path as a relative reference, or an absolute one with its scheme."""
    path = file.replace("\\", "/")
    if path[1:2] == ":":
        path = f"/{path}"
    encoded = quote(path, safe="/:" if path.startswith("/") else "/")
    return f"file://{encoded}" if path.startswith("/") else encoded


def _rule(code: Code) -> dict[str, Any]:
    level = "warning" if code.code.startswith("W") else "error"
    help_ = f"{code.cause}\n\nExample:\n{code.example}\n\nInstead:\n{code.fix}"
    return {
        "id": code.code,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.cause},
        "help": {
            "text": help_,
            "markdown": f"{code.cause}\n\n```yaml\n{code.example}\n```\n\nInstead:\n\n"
            f"```yaml\n{code.fix}\n```",
        },
        "defaultConfiguration": {"level": level},
    }


def _result(d: Diagnostic, codes: list[str]) -> dict[str, Any]:
    text = f"{d.message} ({d.hint})" if d.hint else d.message
    result: dict[str, Any] = {
        "ruleId": d.code,
        "ruleIndex": codes.index(d.code),
        "level": str(d.severity),
        "message": {"text": text},
        "locations": [_location(d.span, d.key)] if d.span and in_file(d.span) else [],
    }
    if d.notes:
        result["relatedLocations"] = [
            _related(i, n) for i, n in enumerate(d.notes) if n.span and in_file(n.span)
        ]
    if d.fix:
        result["fixes"] = [_fix(d.fix, d.hint)]
    return result


def _location(span: Span, key: str) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(span.file)},
            "region": _region(span),
        }
    }
    if key:
        location["logicalLocations"] = [{"fullyQualifiedName": key}]
    return location


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _related(index: int, note: Note) -> dict[str, Any]:
    assert note.span is not None
    return {"id": index, **_location(note.span, ""), "message": {"text": note.message}}


def _fix(fix: Fix, hint: str | None) -> dict[str, Any]:
    by_file: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        replacement: dict[str, Any] = {"deletedRegion": _region(edit.span)}
        if edit.text:
            replacement["insertedContent"] = {"text": edit.text}
        by_file.setdefault(edit.span.file, []).append(replacement)
    return {
        "description": {"text": hint or "put it right"},
        "artifactChanges": [
            {"artifactLocation": {"uri": _uri(file)}, "replacements": replacements}
            for file, replacements in by_file.items()
        ],
        "properties": {"applicability": "safe" if fix.safe else "unsafe"},
    }
