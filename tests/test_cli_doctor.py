"""`automlc doctor`: what a machine can do, told even where it can do little."""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from automlc.cli.main import cli
from automlc.runtime.checkup import children, machine, packages
from automlc.runtime.checkup.versions import Requirement, is_within, requirement


def doctor(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["doctor", "--quick", *args], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value, done.output


def test_where_a_backend_is_installed_a_search_can_run() -> None:
    code, text = doctor()
    value = json.loads(doctor("--json")[1])
    assert value["schema"] == "automlc.doctor/1"
    able = [f["name"] for f in value["findings"] if (f["group"], f["state"]) == ("backends", "ok")]
    assert value["backends"] == able
    assert code == (0 if able else 1)
    assert value["can_run"] == bool(able)
    assert ("a search can run on" in text) == bool(able)


def test_every_finding_that_is_not_ok_says_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda _: False)
    monkeypatch.setattr(packages, "version_of", lambda _: None)
    value = json.loads(doctor("--json")[1])
    silent = [f["name"] for f in value["findings"] if f["state"] != "ok" and not f["mend"]]
    assert not silent


def test_without_a_backend_the_exit_code_is_1_and_the_installs_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda _: False)
    code, text = doctor()
    assert code == 1
    assert "no search can run here: install a backend" in text
    assert "help: pip install 'automlc[pytorch]'" in text
    assert "help: pip install 'automlc[keras]' tensorflow" in text


def test_a_package_outside_the_supported_range_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        packages, "requirements", lambda: (Requirement("torch", ">=2.10,<2.14", "pytorch"),)
    )
    monkeypatch.setattr(packages, "version_of", lambda _: "2.9.1+cpu")
    monkeypatch.setattr(packages, "is_installed", lambda _: True)
    (found,) = [f for f in packages.extras() if f.name == "pytorch"]
    assert (found.state, found.found) == (
        "problem",
        "not supported: torch 2.9.1+cpu (needs >=2.10,<2.14)",
    )
    (backend,) = [f for f in packages.backends() if f.name == "pytorch"]
    assert backend.state == "problem"


def test_the_requirements_are_those_of_pyproject() -> None:
    found = {(r.package, r.extra) for r in packages.requirements()}
    assert {("torch", "pytorch"), ("keras", "keras"), ("optuna", "run"), ("click", "")} <= found


def test_a_framework_that_crashes_or_hangs_or_raises_is_a_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    questions = {
        "torch": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "tensorflow": "import time\ntime.sleep(60)",
        "jax": "raise OSError('libfoo.so is missing')",
    }
    monkeypatch.setattr(children, "_QUESTIONS", questions)
    monkeypatch.setattr(children, "is_installed", lambda _: True)
    crashed, hung, raised = children.devices(timeout_s=2.0)
    assert "signal 9" in crashed.found
    assert "longer than 2 s" in hung.found
    assert "libfoo.so is missing" in raised.found
    assert {f.state for f in (crashed, hung, raised)} == {"problem"}
    assert all(f.mend for f in (crashed, hung, raised))


def test_a_backend_whose_framework_cannot_be_imported_cannot_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        packages, "is_installed", lambda name: name in ("torch", "safetensors", "optuna")
    )
    monkeypatch.setattr(packages, "version_of", lambda _: None)
    monkeypatch.setattr(children, "_QUESTIONS", {"torch": "raise OSError('broken')"})
    done = CliRunner().invoke(cli, ["doctor", "--json"], standalone_mode=False)
    assert done.return_value == 1
    states = {f["name"]: f["state"] for f in json.loads(done.output)["findings"]}
    assert states["pytorch"] == "problem"


def test_a_plug_in_that_fails_to_load_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from test_plugins import install

    install(tmp_path, {"broken": "raise RuntimeError('no')\n", "fine": ""})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    found = {f.name: f for f in children.plugins()}
    assert found["broken"].state == "problem"
    assert found["broken"].mend == "repair it, or: pip uninstall my-package"
    assert found["fine"].state == "ok"


def test_nothing_of_the_environment_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2-hunter2")
    assert "hunter2" not in doctor()[1] + doctor("--json")[1]


# --- the machine ------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    found = machine._writable("this folder", tmp_path / "absent", "use --run-dir")
    assert found.state == "problem"
    assert found.mend == "use --run-dir"


def test_a_nearly_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LEAST_DISK", 2**62)
    assert next(iter(machine.disks(tmp_path))).state == "problem"


def test_the_write_ahead_log_is_tried_and_leaves_nothing(tmp_path: Path) -> None:
    _, wal = machine.database(tmp_path)
    assert wal.state in ("ok", "note")
    assert not list(tmp_path.iterdir())


def test_a_file_system_without_the_log_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    _, wal = machine.database(tmp_path)
    assert wal.state == "problem"
    assert "--run-dir" in wal.mend


def test_the_file_system_is_that_of_the_longest_mount_point(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 8:1 / / rw - ext4 /dev/a rw\n"
        f"23 1 0:5 / {tmp_path} rw shared:1 - nfs4 host:/x rw\n"
        "24 1 0:6 / /elsewhere rw - tmpfs none rw\n"
        "broken\n"
    )
    assert machine.file_system(tmp_path / "inner", table) == "nfs4"
    assert machine.file_system(Path("/usr"), table) == "ext4"
    assert machine.file_system(tmp_path, tmp_path / "absent") == ""


def test_a_network_file_system_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "file_system", lambda _: "nfs4")
    _, wal = machine.database(tmp_path)
    assert wal.state == "note"
    assert "nfs4 is a network file system" in wal.found


def test_an_old_python_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old(tuple[int, ...]):
        pass

    monkeypatch.setattr(sys, "version_info", Old((3, 10, 0)))
    assert packages.python().state == "problem"


# --- versions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "bounds", "expected"),
    [
        ("2.10", ">=2.10,<2.14", True),
        ("2.10.0", "==2.10", True),
        ("2.9.9", ">=2.10", False),
        ("2.14.0", ">=2.10,<2.14", False),
        ("3.0rc1", "!=3", False),
    ],
)
def test_bounds_compare_numbers_and_not_texts(version: str, bounds: str, expected: bool) -> None:
    assert is_within(version, bounds) is expected


releases = st.lists(st.integers(0, 50), min_size=1, max_size=4)


@given(releases, releases)
def test_of_two_versions_one_is_at_least_the_other(a: list[int], b: list[int]) -> None:
    left, right = ".".join(map(str, a)), ".".join(map(str, b))
    assert is_within(left, f">={right}") != is_within(left, f"<{right}")
    assert is_within(left, f">={right}") == is_within(right, f"<={left}")


def test_a_requirement_with_a_marker_keeps_its_extra() -> None:
    line = "tensorflow-cpu>=2.21; (python_version < '3.14') and extra == 'dev'"
    assert requirement(line) == Requirement("tensorflow-cpu", ">=2.21", "dev")
