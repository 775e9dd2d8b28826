"""docs/language.md is what the models and the prose make of it."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "docs" / "reference" / "language.py"


def load() -> ModuleType:
    found = importlib.util.spec_from_file_location("language_reference", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


REFERENCE = load()
PAGE = REFERENCE.page()


def test_the_language_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    assert written == PAGE, "make docs writes it"


def test_every_section_of_a_spec_has_a_table_of_its_keys_below_its_heading() -> None:
    from automlc.compiler.catalog.sections import sections

    for section in sections():
        heading = "# The language" if section.name == "spec" else f"# {section.name}\n"
        below = PAGE.partition(heading)[2]
        assert below, section.name
        for option in section.options:
            assert f"\n| `{option.name}` |" in below, f"{section.name}.{option.name}"


def test_every_anchor_of_the_page_has_its_heading() -> None:
    headings = {REFERENCE._anchor(text) for text in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)}
    assert not set(re.findall(r"\]\(#([^)]+)\)", PAGE)) - headings


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    text = REFERENCE.table(["a", "b"], [["x | y", ""]])
    assert text == "| a |\n|---|\n| x \\| y |"


def test_a_row_has_as_many_cells_as_there_are_heads() -> None:
    rows = [x for x in PAGE.split("\n\n") if x.startswith("| ")]
    for table in rows:
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1, table


if __name__ == "__main__" and "--write" in sys.argv:
    REFERENCE.main(["--write"])
