"""Broken specs and what is said about them.

`python tests/test_bad_specs.py --write` rewrites the expected texts; read the difference.
"""

import sys
from pathlib import Path

import pytest

from automlc.compiler.checks import check, with_rest
from automlc.spec.codes import CODES
from automlc.spec.diagnostics import sort_key
from automlc.spec.errors import SpecError
from automlc.spec.load import load_text
from automlc.spec.yaml_nodes import decode

FOLDER = Path(__file__).parent / "bad" / "specs"
SPECS = sorted([*FOLDER.glob("*.yaml"), *FOLDER.glob("*.aml")])


def expected_of(path: Path) -> Path:
    """`x.expected` for `x.yaml`, `x.aml.expected` for its twin."""
    return path.with_suffix(".expected" if path.suffix == ".yaml" else ".aml.expected")


def found_in(path: Path) -> SpecError:
    """What `validate` finds, under the file's bare name so that the texts know no folder."""
    text, refused = decode(path.read_bytes(), path.name)
    if refused is not None:
        return SpecError([refused], {path.name: text})
    try:
        loaded = load_text(text, path.name)
    except SpecError as error:
        return with_rest(error)
    if found := check(loaded):
        return SpecError(sorted(found, key=sort_key), loaded.sources)
    raise AssertionError(f"{path.name} is accepted")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_a_broken_spec_gets_its_diagnostics(path: Path) -> None:
    expected = expected_of(path).read_text(encoding="utf-8")
    assert expected == found_in(path).rendered() + "\n"


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_every_diagnostic_is_complete(path: Path) -> None:
    for diagnostic in found_in(path).diagnostics:
        assert diagnostic.code in CODES
        assert diagnostic.span is not None
        assert diagnostic.span.file == path.name
        assert "\n" not in diagnostic.message
        assert "pydantic" not in diagnostic.message


def test_no_expected_text_is_left_over() -> None:
    assert {expected_of(p) for p in SPECS} == {*FOLDER.glob("*.expected")}
    assert len([p for p in SPECS if p.suffix == ".yaml"]) >= 150
    assert len([p for p in SPECS if p.suffix == ".aml"]) >= 30


def write() -> None:
    """Rewrite all expected texts."""
    for path in SPECS:
        text = found_in(path).rendered() + "\n"
        expected_of(path).write_text(text, encoding="utf-8")


if __name__ == "__main__" and "--write" in sys.argv:
    write()
