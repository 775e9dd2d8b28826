"""The forms of diagnostics that other programs read."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from automlc.cli.fixing import check_text
from automlc.spec.codes import CODES
from automlc.spec.diagnostics import Diagnostic, Edit, Fix, Note, Span, render
from automlc.spec.edits import Positions, apply
from automlc.spec.github import commands

TESTS = Path(__file__).parent.parent
SCHEMA = Draft4Validator(
    json.loads((TESTS / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
)
SPECS = sorted((TESTS / "bad" / "specs").glob("*.yaml"))


def sarif(found: list[Diagnostic], sources: dict[str, str] | None = None) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(render(found, format="sarif", sources=sources))
    return log


def errors_of(log: dict[str, Any]) -> list[str]:
    return [f"{list(e.absolute_path)}: {e.message}" for e in SCHEMA.iter_errors(log)]


@pytest.mark.parametrize("path", SPECS[::4], ids=lambda p: p.stem)
def test_every_log_is_valid_sarif(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    found = list(check_text(text, path.name).found)
    log = sarif(found, {path.name: text})
    assert not errors_of(log)
    assert [r["ruleId"] for r in log["runs"][0]["results"]] == [d.code for d in found]


def test_the_schema_refuses_what_is_no_sarif() -> None:
    log = sarif([Diagnostic("E201", "no", Span("f", 1, 1, 1, 2))])
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert errors_of(log)


def test_a_log_without_findings_is_valid() -> None:
    assert not errors_of(sarif([], {"task.yaml": ""}))


def test_all_rules_are_described() -> None:
    log = sarif([Diagnostic(code, "x", None) for code in sorted(CODES)])
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted(CODES)
    assert not errors_of(log)
    for rule in rules:
        entry = CODES[rule["id"]]
        assert rule["shortDescription"]["text"] == entry.title
        assert entry.example in rule["help"]["text"]
        wanted = "warning" if rule["id"].startswith("W") else "error"
        assert rule["defaultConfiguration"]["level"] == wanted


def test_columns_are_counted_in_characters() -> None:
    """A character outside the basic plane is one here, and two in UTF-16."""
    text = "automlc: 1\ntask: {kind: image_classification}\ndata: {source: 🙂, sedd: 1}\n"
    log = sarif(list(check_text(text, "t.yaml").found))
    run = log["runs"][0]
    assert run["columnKind"] == "unicodeCodePoints"
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    line = text.splitlines()[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "sedd"


def test_replacements_make_the_text_that_the_fix_makes() -> None:
    path = TESTS / "bad" / "specs" / "key_typos.yaml"
    text = path.read_text(encoding="utf-8")
    found = list(check_text(text, path.name).found)
    results = sarif(found)["runs"][0]["results"]
    for diagnostic, result in zip(found, results, strict=True):
        assert diagnostic.fix is not None
        made, places = text, Positions(text)
        (change,) = result["fixes"][0]["artifactChanges"]
        for replacement in reversed(change["replacements"]):
            region = replacement["deletedRegion"]
            start = places.offset(region["startLine"], region["startColumn"])
            end = places.offset(region["endLine"], region["endColumn"])
            made = (
                made[:start] + replacement.get("insertedContent", {}).get("text", "") + made[end:]
            )
        assert made == apply(text, diagnostic.fix.edits)


def test_notes_become_related_locations() -> None:
    note = Note("first given here", Span("a b/ü.yaml", 1, 1, 1, 5))
    d = Diagnostic("E103", "twice", Span("a b/ü.yaml", 2, 1, 2, 5), notes=(note, Note("no place")))
    (result,) = sarif([d])["runs"][0]["results"]
    assert [r["message"]["text"] for r in result["relatedLocations"]] == ["first given here"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b/%C3%BC.yaml"


@pytest.mark.parametrize(
    ("file", "uri"),
    [("/a/t.yaml", "file:///a/t.yaml"), ("C:\\a\\t.yaml", "file:///C:/a/t.yaml")],
)
def test_absolute_paths_have_a_scheme(file: str, uri: str) -> None:
    log = sarif([Diagnostic("E201", "no", Span(file, 1, 1, 1, 2))])
    assert log["runs"][0]["artifacts"][0]["location"]["uri"] == uri
    assert not errors_of(log)


def test_a_command_names_the_place_and_the_code() -> None:
    d = Diagnostic("E201", "no key `a`", Span("x.yaml", 3, 5, 3, 8), "did you mean b?")
    assert commands([d]) == (
        "::error file=x.yaml,line=3,col=5,endLine=3,endColumn=7,title=E201::no key `a`;"
        " did you mean b?"
    )


def test_a_warning_without_a_place_is_a_command_too() -> None:
    assert commands([Diagnostic("W521", "x", None)]) == "::warning title=W521::x"


@given(st.text(max_size=30), st.text(min_size=1, max_size=20))
def test_no_text_of_a_spec_ends_a_command(message: str, file: str) -> None:
    """https://github.com/actions/toolkit escapes the same letters."""
    span = Span(file, 1, 1, 1, 2)
    text = commands([Diagnostic("E201", message, span, message, notes=(Note(message, span),))])
    assert len(text.splitlines()) == 1
    head = text.split("::")[1]
    assert head.startswith("error file=")
    assert head.count(",") == 5
    assert head.count("=") == 6 + file.count("=")


def test_json_carries_the_edits() -> None:
    span = Span("f", 1, 1, 1, 2)
    found = [Diagnostic("E201", "no", span, fix=Fix((Edit(span, "b"),), safe=False))]
    (entry,) = json.loads(render(found, format="json"))
    assert entry["fix"]["applicability"] == "unsafe"
    assert entry["fix"]["edits"][0]["text"] == "b"
    assert entry["fix"]["edits"][0]["span"]["end_column"] == 2
