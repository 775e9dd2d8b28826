"""Every code's example has the mistake, and its fix has not."""

import re
from pathlib import Path

import pytest

from automlc.cli.fixing import check_text
from automlc.compiler.driver import compile_spec
from automlc.spec.codes import AML, CODES, DATA, FILE, MODEL, TOP, Code
from automlc.spec.errors import SpecError
from automlc.spec.load import load_text

BASE = {
    "automlc": "automlc: 1",
    "task": "task: {kind: image_classification}",
    "data": "data: {source: builtin:digits}",
}
END = "- global_avg_pool2d\n- dense: {units: outputs}"
TRIED = [entry for entry in CODES.values() if entry.place is not None]


def whole(fragment: str, place: str) -> str:
    """The smallest spec around a fragment."""
    if place == FILE:
        return f"{fragment}\n"
    if place == AML:
        given = ("automlc 1", "task image_classification", "data builtin:digits")
        own = [line for line in given if line.split()[0] != fragment.split()[0]]
        return "\n".join([*own, fragment, ""])
    base, body = dict(BASE), fragment
    if place == MODEL and "outputs" not in fragment:
        body = f"{fragment}\n{END}"
    if place == "data":
        body = f"source: builtin:digits\n{fragment}"
    for depth, name in enumerate(reversed([] if place in (TOP, DATA) else place.split("."))):
        body = f"{name}:\n" + "\n".join(f"  {line}" for line in body.splitlines())
        assert depth < 2
    for name in re.findall(r"^(\w+):", body, re.MULTILINE):
        base.pop(name, None)
    return "\n".join([*base.values(), body, ""])


def codes_of(text: str, place: str) -> set[str]:
    if place == DATA:
        try:
            _, warnings = compile_spec(load_text(text, "task.yaml"), ())
        except SpecError as error:
            return {d.code for d in error.diagnostics}
        return {d.code for d in warnings}
    return {d.code for d in check_text(text, "task.aml" if place == AML else "task.yaml").found}


@pytest.mark.parametrize("entry", TRIED, ids=lambda entry: entry.code)
def test_an_example_has_its_mistake_and_the_fix_has_not(entry: Code) -> None:
    assert entry.place is not None
    assert entry.code in codes_of(whole(entry.example, entry.place), entry.place)
    assert entry.code not in codes_of(whole(entry.fix, entry.place), entry.place)


def test_most_examples_about_specs_are_tried() -> None:
    """Those that are not need files or commands: data, tables, other specs, options."""
    untried = {code for code, entry in CODES.items() if entry.place is None}
    assert len(TRIED) >= 69
    beyond = {"E107", "E118", *(f"E21{n}" for n in range(8))}
    assert {code for code in untried if re.match(r"E[12]", code)} <= beyond


def test_codes_are_of_a_known_family() -> None:
    assert all(re.fullmatch(r"[EW]\d{3}", code) for code in CODES)
    for entry in CODES.values():
        assert entry.title
        assert entry.cause.endswith(".")
        assert entry.example != entry.fix


def test_the_pages_are_what_the_command_writes() -> None:
    from automlc.spec.codes_pages import pages

    folder = Path(__file__).parents[2] / "docs" / "errors"
    for name, text in pages().items():
        assert (folder / name).read_text(encoding="utf-8") == text, "run: make pages"
    stale = {path.name for path in folder.glob("[EW]???.md")} - {*pages()}
    assert not stale
