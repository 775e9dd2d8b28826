"""Data paths of a spec lead to the project and the data roots, and nowhere else."""

import os
from pathlib import Path

import pytest

from automlc.compiler.contracts.reading import inspect
from automlc.spec.load import load

ROWS = "x,z,y\n" + "".join(f"{i % 7}.5,{i % 3}.25,{'ab'[i % 2]}\n" for i in range(400))


def project(base: Path, source: str) -> Path:
    """A spec in a project folder, and a table beside the project that it must not read."""
    root = base / "project"
    root.mkdir(exist_ok=True)
    (base / "outside.csv").write_text(ROWS)
    (root / "inside.csv").write_text(ROWS)
    spec = root / "task.yaml"
    spec.write_text(
        "automlc: 1\n"
        "task: {kind: tabular_classification}\n"
        f"data: {{source: '{source}', target: y}}\n"
    )
    return spec


def codes(spec: Path, *roots: Path) -> set[str]:
    return {d.code for d in inspect(load(spec), roots).diagnostics if d.code.startswith("E")}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The project root is the spec's folder unless the current folder lies above the spec.
    other = tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.chdir(other)
    monkeypatch.delenv("AUTOMLC_DATA_ROOT", raising=False)


def test_a_path_in_the_project_is_read(tmp_path: Path) -> None:
    assert codes(project(tmp_path, "inside.csv")) == set()


@pytest.mark.parametrize(
    "source", ["../outside.csv", "/etc/passwd", "a/../../outside.csv", "/", ".."]
)
def test_a_path_outside_is_refused(tmp_path: Path, source: str) -> None:
    assert "E351" in codes(project(tmp_path, source))


def test_a_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    spec = project(tmp_path, "link.csv")
    (spec.parent / "link.csv").symlink_to(tmp_path / "outside.csv")
    assert codes(spec) == {"E351"}


def test_a_data_root_opens_its_folder(tmp_path: Path) -> None:
    assert codes(project(tmp_path, "../outside.csv"), tmp_path) == set()


@pytest.mark.parametrize(
    "source", ["https://evil.example/x.csv", "file:///etc/passwd", "s3://b/x.parquet", "hf://x/y"]
)
def test_an_address_is_not_fetched(tmp_path: Path, source: str) -> None:
    assert codes(project(tmp_path, source)) & {"E350", "E351", "E352"}


def test_a_pipe_or_device_is_not_opened(tmp_path: Path) -> None:
    spec = project(tmp_path, "pipe.csv")
    os.mkfifo(spec.parent / "pipe.csv")
    assert codes(spec) == {"E352"}


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_an_archive_is_not_unpacked(tmp_path: Path, name: str) -> None:
    spec = project(tmp_path, name)
    (spec.parent / name).write_bytes(b"PK\x03\x04")
    assert codes(spec) == {"E352"}
