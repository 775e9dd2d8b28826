"""Broken specs of several files, profiles and --set, and what is said about them.

A folder of tests/bad/layers/ is a case: task.yaml, files that it extends, and in `args` what the
command line says besides. `python tests/test_bad_layers.py --write` rewrites the expected texts;
read the difference.
"""

import sys
from contextlib import chdir
from pathlib import Path

import pytest

from automlc.compiler.checks import check_all
from automlc.spec.codes import CODES
from automlc.spec.diagnostics import Diagnostic, render
from automlc.spec.load import Variant

FOLDER = Path(__file__).parent / "bad" / "layers"
CASES = sorted(path for path in FOLDER.iterdir() if path.is_dir())


def variant_of(case: Path) -> Variant:
    file = case / "args"
    words = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    pairs = list(zip(words[::2], words[1::2], strict=True))
    profile = next((value for option, value in pairs if option == "--profile"), None)
    return Variant(profile, tuple(value for option, value in pairs if option == "--set"))


def found_in(case: Path) -> tuple[list[Diagnostic], dict[str, str]]:
    """What `validate` finds, seen from the case's folder so that the texts know no other."""
    with chdir(case):
        return check_all(Path("task.yaml"), variant_of(case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_spec_gets_its_diagnostics(case: Path) -> None:
    found, sources = found_in(case)
    expected = (case / "expected").read_text(encoding="utf-8")
    assert expected == render(found, sources=sources) + "\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_diagnostic_has_a_code_and_a_place_in_a_text_that_is_there(case: Path) -> None:
    found, sources = found_in(case)
    assert found
    for diagnostic in found:
        assert diagnostic.code in CODES
        for span in (diagnostic.span, *(note.span for note in diagnostic.notes)):
            assert span is not None
            lines = sources[span.file].splitlines() or [""]
            assert 1 <= span.line <= len(lines) + 1
    assert len({(d.code, d.span, d.message) for d in found}) == len(found), (
        "something is said twice"
    )


def test_every_code_of_layers_has_a_case() -> None:
    told = "".join((case / "expected").read_text(encoding="utf-8") for case in CASES)
    assert not [f"E21{n}" for n in range(8) if f"[E21{n}]" not in told]


def write() -> None:
    """Rewrite all expected texts."""
    for case in CASES:
        found, sources = found_in(case)
        text = render(found, sources=sources) + "\n"
        (case / "expected").write_text(text, encoding="utf-8")


if __name__ == "__main__" and "--write" in sys.argv:
    write()
