"""Emitted projects as they are, whole: read their diff like code.

`python tests/test_golden_projects.py --write` rewrites them (make golden).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from automlc.backends import build
from automlc.backends.base import emitter
from automlc.compiler.graph import SearchGraph

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = ("architecture", "cancer", "digits", "keras", "text")
# Hashes and versions: they change with every release, and other tests hold them.
LEFT_OUT = {"automlc.lock", "README.md"}


def emitted(name: str, folder: Path) -> dict[str, str]:
    """All files of an example's project, and of its default configuration as frozen source."""
    # A copy beside the project: where this checkout lies must not show in the path of the data.
    example = shutil.copytree(EXAMPLES / name, folder / "examples" / name)
    project = build(example / "task.yaml", folder / name)
    files = {p.name: p.read_text(encoding="utf-8") for p in project.path.iterdir()}
    graph: SearchGraph = project.graph
    config = graph.space.default_config()
    emit = emitter(graph.backend.kind)
    frozen = emit.frozen_files(graph.freeze(config), {"config": config})
    files |= {f"frozen_{n}": frozen[n] for n in ("model.py", "predict.py")}
    return {n: text for n, text in files.items() if n not in LEFT_OUT}


@pytest.mark.parametrize("name", NAMES)
def test_a_project_is_emitted_as_expected(name: str, tmp_path: Path) -> None:
    made = emitted(name, tmp_path)
    expected = {p.name: p.read_text(encoding="utf-8") for p in (GOLDEN / name).iterdir()}
    assert sorted(made) == sorted(n.removesuffix(".golden") for n in expected)
    for file, text in sorted(made.items()):
        assert text == expected[f"{file}.golden"], f"{name}/{file}"


def write() -> None:
    """Rewrite the golden projects."""
    for name in NAMES:
        shutil.rmtree(GOLDEN / name, ignore_errors=True)
        (GOLDEN / name).mkdir(parents=True)
        with tempfile.TemporaryDirectory() as folder:
            for file, text in emitted(name, Path(folder)).items():
                # Another ending, so that no tool takes them for code of ours.
                (GOLDEN / name / f"{file}.golden").write_text(text, encoding="utf-8")


if __name__ == "__main__" and "--write" in sys.argv:
    write()
