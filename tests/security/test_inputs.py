"""Hostile texts: each gives a diagnostic in little time, no traceback, and does nothing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.spec.diagnostics import clean, render
from automlc.spec.errors import SpecError
from automlc.spec.load import load_text

BASE = (
    "automlc: 1\n"
    "task: {kind: tabular_classification}\n"
    "data: {source: 'builtin:breast_cancer', target: x}\n"
)
LEVELS = 25
ALIASES = "a0: &a0 [x, x]\n" + "".join(
    f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, LEVELS)
)
MERGES = "a0: &a0 {k: 1}\n" + "".join(
    f"a{i}: &a{i}\n  <<: [*a{i - 1}, *a{i - 1}]\n" for i in range(1, LEVELS)
)
# name -> (text, code that must be among the diagnostics, seconds it may take on a slow machine)
YAML = {
    "a tag": ('x: !!python/object/apply:os.system ["id"]\n', "E104"),
    "a tag of its own": (BASE + "name: !x y\n", "E104"),
    "aliases": (ALIASES, "E105"),
    "merge keys": (MERGES, "E105"),
    "deep lists": ("[" * 100_000, "E106"),
    "deep mappings": ("{a: " * 100_000, "E106"),
    "deep dashes": ("- " * 100_000, "E106"),
    "a huge file": (BASE + "# " + "x" * 9_000_000, "E106"),
    "a huge number": (BASE + "seed: " + "9" * 5_000, "E111"),
    "a NUL": (BASE + "name: a\0b\n", "E107"),
    "an escape sequence": (BASE + "name: a\x1b[2Jb\n", "E107"),
    "a tab": (BASE + "search:\n\tstrategy: tpe\n", "E102"),
    "two documents": (BASE + "---\nb: 2\n", "E108"),
    "a duplicate key": (BASE + "seed: 1\nseed: 2\n", "E103"),
    "a word for a bool": (BASE.replace("x}", "x, split: {stratify: no}}"), "E207"),
    "minutes as a number": (BASE + "seed: 12:30:45\n", "E203"),
}


def codes_of(text: str) -> set[str]:
    """Codes of the diagnostics of a text; empty when it is a valid spec."""
    try:
        load_text(text, "x.yaml")
    except SpecError as error:
        for form in ("full", "concise", "json"):
            shown = render(error.diagnostics, format=form, sources=error.sources, color=False)
            assert "\x1b" not in shown
        return {d.code for d in error.diagnostics}
    return set()


@pytest.mark.parametrize("what", YAML)
def test_yaml(what: str) -> None:
    text, code = YAML[what]
    assert code in codes_of(text)


def test_many_values_are_refused_soon() -> None:
    assert "E106" in codes_of("x: [" + "1, " * 1_000_000 + "1]")


@pytest.mark.parametrize(("text", "value"), [("1e-3", 0.001), ("010", 10), ("0o10", 8), ("+1", 1)])
def test_numbers_are_those_of_yaml_1_2(text: str, value: float) -> None:
    spec = load_text(BASE + f"space: {{parameters: {{a: {text}}}}}\n", "x.yaml").spec
    assert spec.space.parameters["a"].domain.default() == value


@pytest.mark.parametrize(
    "name",
    [
        "class",
        "\uff46oo",
        "con",
        "__init__",
        "os",
        "\xe9vil",
        "x" * 300,
        "../../etc",
        "None",
        "a-b",
    ],
)
def test_names_of_parameters(name: str) -> None:
    spec = BASE + f"space: {{parameters: {{{json.dumps(name)}: 'int(1, 3)'}}}}\n"
    assert "E208" in codes_of(spec)


@pytest.mark.parametrize(
    "name", ["../../x", "/etc", "a/b", "con", "-rf", "..", ".", "a\\nb", "$HOME", "${env:SECRET}"]
)
def test_names_of_folders(name: str) -> None:
    assert "E208" in codes_of(BASE + f'name: "{name}"\n')


EXPRESSIONS = [
    "9**9**9",
    "2**99999 > 1",
    "'a'*10**10 == 'b'",
    "().__class__",
    "a.__class__ == 1",
    "eval('1')",
    "open('/etc/passwd')",
    "__import__('os')",
    "{{ 7*7 }}",
    "${env:SECRET}",
    "a == 1; a",
    "lambda: 1",
    "[x for x in a]",
    "(" * 5_000,
    "1" + "+1" * 5_000,
    "not " * 900 + "a",
    "-" * 3_000 + "1 < a",
    "(a+a)*" * 500 + "1 < 2",
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda e: e[:20])
def test_expressions(expression: str) -> None:
    text = BASE + (
        f"space:\n  parameters: {{a: 'int(1, 3)'}}\n  forbid: [{json.dumps(expression)}]\n"
    )
    codes_of(text)  # a diagnostic or a harmless expression, never another exception


@pytest.mark.parametrize("code", ["'a'*10**10 == 'b'", "().__class__", "eval('1')", "a == 1; a"])
def test_expressions_that_are_refused(code: str) -> None:
    text = BASE + (f"space:\n  parameters: {{a: 'int(1, 3)'}}\n  forbid: [{json.dumps(code)}]\n")
    assert codes_of(text) & {"E110", "E309"}


@pytest.mark.parametrize("word", ["os.system", "builtins.eval", "automlc.cli.main", "tpe; id"])
@pytest.mark.parametrize("where", ["search: {}", "stopping: {}", "space: {{model: [{}]}}"])
def test_a_path_to_code_is_only_an_unknown_word(word: str, where: str, tmp_path: Path) -> None:
    from automlc.cli.main import cli

    spec = tmp_path / "task.yaml"
    spec.write_text(BASE + where.format(json.dumps(word)) + "\n", encoding="utf-8")
    done = CliRunner().invoke(cli, ["validate", str(spec)], standalone_mode=False)
    assert done.return_value == 1, done.output
    assert "E3" in done.output


@pytest.mark.parametrize(
    "foreign", ["\x1b[2J", "\x1b]0;title\x07", "\u202eevil", "\x9b31m", "a\nb", "\u2028", "\ud800"]
)
def test_a_terminal_gets_no_control_characters(foreign: str) -> None:
    shown = clean(f"name {foreign} x")
    assert not [c for c in shown if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2028\ud800"]


def test_markup_in_a_name_is_text(tmp_path: Path) -> None:
    from automlc.cli.main import cli

    spec = tmp_path / "task.yaml"
    spec.write_text(BASE + 'name: "[/bold][link=https://x]"\n', encoding="utf-8")
    done = CliRunner().invoke(cli, ["validate", str(spec)], standalone_mode=False)
    assert done.return_value == 1
    assert done.exception is None


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_diagnostics_or_a_spec(text: str) -> None:
    codes_of(text)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_change_of_a_valid_spec_gives_diagnostics_or_a_spec(data: st.DataObject) -> None:
    text = BASE + (
        "space:\n"
        "  parameters: {a: 'log_uniform(1e-4, 1)', b: {int: [1, 9], when: a > 0.5}}\n"
        "  forbid: [a > 0.1 and b in [1, 2]]\n"
        "constraints: [model.size <= 5MB]\n"
        "budget: {trials: 3, wall: 2h}\n"
    )
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    codes_of(text[:start] + data.draw(st.text(max_size=12)) + text[end:])


@pytest.mark.parametrize("form", ["mermaid", "dot"])
def test_graph_labels_are_text(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that looks like markup or a click handler stays inside its quotes."""
    from automlc.cli.main import cli

    monkeypatch.chdir(tmp_path)
    payload = '"]; click a "javascript:alert(1)" <img src=x onerror=alert(1)> |`'
    spec = tmp_path / "task.yaml"
    spec.write_text(
        BASE.replace(", target: x", "")
        + "space:\n  preset: tabular/mlp\n  parameters:\n"
        + f"    kind: {{choice: [{json.dumps(payload)}, b]}}\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(cli, ["graph", str(spec), "--format", form], standalone_mode=False)
    assert done.exception is None, done.output
    assert "<img" not in done.output
    assert not [x for x in done.output.splitlines() if x.strip().startswith("click")]
    for line in done.output.splitlines():
        assert line.replace('\\"', "").count('"') % 2 == 0
