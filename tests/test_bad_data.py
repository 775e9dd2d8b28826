"""Broken data sets and what is said about each: tests/bad/data/<case>.yaml and .txt.

`AUTOMLC_GOLDEN=write pytest tests/test_bad_data.py` (or `python tests/test_bad_data.py --write`)
rewrites the texts; read the difference like code.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from automlc.compiler.contracts.reading import inspect
from automlc.spec.codes import CODES
from automlc.spec.diagnostics import render
from automlc.spec.load import load

FOLDER = Path(__file__).parent / "bad" / "data"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
WARNINGS_ONLY = {
    "fairness_rows_without_a_group",
    "table_part_without_a_class",
    "table_risks",
    "text_some_empty",
}


def _generators() -> ModuleType:
    found = importlib.util.spec_from_file_location("bad_data_generate", FOLDER / "generate.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


CASES = _generators().CASES


def test_each_generator_has_a_spec_and_an_expected_text() -> None:
    assert set(CASES) <= set(NAMES)
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(NAMES)
    assert len(NAMES) >= 25


@pytest.mark.parametrize("name", NAMES)
def test_golden_text_of_a_broken_data_set(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOMLC_DATA_ROOT", raising=False)
    (tmp_path / "task.yaml").write_bytes((FOLDER / f"{name}.yaml").read_bytes())
    if name in CASES:
        CASES[name](tmp_path)
    loaded = load("task.yaml")

    found = inspect(loaded)

    assert (found.contract is not None) == (name in WARNINGS_ONLY)
    assert all(diagnostic.span is not None for diagnostic in found.diagnostics)
    assert {diagnostic.code for diagnostic in found.diagnostics} <= set(CODES)
    assert not (tmp_path / "unpickled").exists()
    text = render(found.diagnostics, format="full", sources=loaded.sources, color=False) + "\n"
    assert str(tmp_path) not in text
    golden = FOLDER / f"{name}.txt"
    if os.environ.get("AUTOMLC_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


if __name__ == "__main__":
    if "--write" in sys.argv:
        os.environ["AUTOMLC_GOLDEN"] = "write"
    sys.exit(pytest.main([__file__, "-q", "-k", "golden"]))
