"""YAML to nodes: the 1.2 core schema, places, and what is refused."""

import pytest

from automlc.spec.diagnostics import Diagnostic, Note, Span, clean, render
from automlc.spec.yaml_nodes import (
    MappingNode,
    ScalarNode,
    decode,
    parse_yaml,
    text_span,
    to_plain,
)


def plain(text: str) -> object:
    node, found = parse_yaml(text, "f")
    assert found == []
    assert node is not None
    return to_plain(node)


def codes(text: str) -> list[str]:
    return [d.code for d in parse_yaml(text, "f")[1]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("NO", "NO"),
        ("no", "no"),
        ("on", "on"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2026-11-22", "2026-11-22"),
        ("~", None),
        ("", None),
        ("null", None),
        ("True", True),
        ("false", False),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("+3", 3),
        ("3.", 3.0),
        ("'1'", "1"),
        ('"true"', "true"),
        ("٣", "٣"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    got = plain(f"a: {text}")
    assert got == {"a": value}
    assert isinstance(got, dict)
    assert type(got["a"]) is type(value)


def test_nodes_know_their_places() -> None:
    node, _ = parse_yaml("a:\n  - 'b c'\n  - {d: é, e: 2}\n", "f")
    assert isinstance(node, MappingNode)
    key, value = node.items[0]
    assert key.span == Span("f", 1, 1, 1, 2)
    first = value.items[0]
    assert isinstance(first, ScalarNode)
    assert first.span == Span("f", 2, 5, 2, 10)
    assert text_span(first) == Span("f", 2, 6, 2, 9)
    second = value.items[1]
    assert isinstance(second, MappingNode)
    assert second.items[1][1].span == Span("f", 3, 15, 3, 16)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: 1\na: 2", "E103"),
        ("a: &x 1\nb: *x", "E105"),
        ("b: *x", "E105"),
        ("<<: {a: 1}", "E105"),
        ('x: !!python/object/apply:os.system ["id"]', "E104"),
        ("x: !foo 1", "E104"),
        ("x: ! 1", "E104"),
        ("a:\n\tb: 1", "E102"),
        ("a: b: c", "E101"),
        ("a: 1\n---\nb: 1", "E108"),
        ("a: " + "9" * 5000, "E111"),
        ("a: 0x" + "f" * 5000, "E111"),
        ("a: 1e999", "E111"),
        ("a: \x00", "E107"),
        ("a: \ud800", "E107"),
        ("a: \x1b[2J", "E107"),
        ("? {a: 1}\n: 2", "E112"),
    ],
)
def test_traps_have_their_codes(text: str, code: str) -> None:
    assert code in codes(text)


def bomb_of_aliases() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    return "\n".join(lines)


def bomb_of_merges() -> str:
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 25)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (bomb_of_aliases(), "E105"),
        (bomb_of_merges(), "E105"),
        ("[" * 100_000, "E106"),
        ("{a: " * 100_000, "E106"),
        ("- " * 100_000, "E106"),
    ],
)
def test_bombs_are_refused_at_once(text: str, code: str) -> None:
    assert code in codes(text)  # walking what a bomb expands to would not end


def test_large_files_are_refused() -> None:
    assert codes("a" * (4 * 2**20 + 1)) == ["E106"]
    assert codes("[" + "1," * 500_000 + "]") == ["E106"]


def test_a_bom_and_dos_line_ends_are_read() -> None:
    assert plain("\ufeffa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "text",
    ["[/bold]", "[link=http://x]y[/link]", "\x1b[2J", "\x1b]0;title\x07", "\u202etxt", "a\nb"],
)
def test_foreign_text_is_printed_without_control_characters(text: str) -> None:
    span = Span(f"{text}.yaml", 1, 1, 1, 2)
    found = [Diagnostic("E201", text, span, text, text, (Note(text, span),))]
    for form in ("full", "concise"):
        shown = render(found, format=form, sources={f"{text}.yaml": f"x{text}"}, color=False)
        assert clean(shown.replace("\n", "")) == shown.replace("\n", "")
    assert len(render(found, format="concise").splitlines()) == 1


def test_json_is_ascii_and_complete() -> None:
    import json

    found = [Diagnostic("W501", "\u202e", Span("f", 1, 2, 3, 4), None, "a.b")]
    text = render(found, format="json")
    assert text.isascii()
    assert json.loads(text) == [
        {
            "code": "W501",
            "severity": "warning",
            "message": "\u202e",
            "hint": None,
            "key": "a.b",
            "span": {"file": "f", "line": 1, "column": 2, "end_line": 3, "end_column": 4},
            "notes": [],
            "fix": None,
        }
    ]


def test_color_only_adds_escape_sequences() -> None:
    import re

    found = [Diagnostic("E201", "no", Span("f", 1, 1, 1, 2), "do")]
    colored = render(found, sources={"f": "abc"}, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(found, sources={"f": "abc"})


def test_a_long_line_is_cut_around_the_place() -> None:
    found = [Diagnostic("E201", "no", Span("f", 1, 5001, 1, 5002))]
    lines = render(found, sources={"f": "a" * 5000 + "X" + "b" * 5000}).splitlines()
    assert len(lines[3]) < 200
    assert lines[3][lines[4].index("^")] == "X"


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        ("naïve".encode("latin-1"), "Latin-1"),
        ("name".encode("utf-16"), "UTF-16"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "this is no text"),
    ],
)
def test_bytes_that_are_not_utf_8_are_named_for_what_they_are(data: bytes, advice: str) -> None:
    found = decode(data, "task.yaml")[1]
    assert found is not None
    assert advice in (found.hint or "")
