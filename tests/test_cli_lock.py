"""`compile --locked`, `compile --check`, edits that are not lost, and writing that is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from automlc.backends.project import write
from automlc.cli.main import cli
from automlc.runtime import faults
from automlc.runtime.run import verify_project
from automlc.runtime.settling import settle
from automlc.spec.errors import AutomlcError

SPEC = """\
automlc: 1
name: iris
task: {kind: tabular_classification, metric: accuracy}
data: {source: data.csv, target: y}
space: {preset: tabular/mlp}
budget: {trials: 4, epochs: 2}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = "".join(f"{i / 2},{i % 7},{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "data.csv").write_text("u,v,y\n" + rows)
    (tmp_path / "task.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compile_(*options: str) -> Result:
    return CliRunner().invoke(cli, ["compile", "task.yaml", "-o", "p", *options])


def failure(*options: str) -> AutomlcError:
    done = compile_(*options)
    assert isinstance(done.exception, AutomlcError)
    return done.exception


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def edit(path: str, old: str, new: str) -> None:
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


def test_a_project_that_is_up_to_date_passes_both(here: Path) -> None:
    assert compile_().exit_code == 0
    before = contents(here / "p")
    assert compile_("--check").output == "p is up to date\n"
    assert compile_("--locked").exit_code == 0
    assert contents(here / "p") == before


def test_without_a_project_there_is_nothing_to_hold_to(here: Path) -> None:
    for option in ("--check", "--locked"):
        error = failure(option)
        assert error.exit_code == 1
        assert "nothing was compiled there" in error.message
        assert not (here / "p").exists()


DRIFTS = [
    ("task.yaml", "trials: 4", "trials: 9", "budget only: budget.trials: 4 -> 9"),
    ("task.yaml", "epochs: 2", "epochs: 3", "training changed: budget.epochs: 2 -> 3"),
    ("task.yaml", "name: iris", "name: iris  # flowers", "spec: task.yaml is changed"),
    (
        "task.yaml",
        "automlc: 1",
        "automlc: 1\nseed: 5",
        "data changed: seed: 0 -> 5 (the seed draws",
    ),
    ("data.csv", "19.5,4,b\n", "19.5,4,b\n20.25,5,a\n", "data changed: data.source: data.csv ("),
    ("p/model.py", "import", "import  ", "edited: model.py was changed by hand"),
    ("p/automlc.lock", '"automlc": "', '"automlc": "0', "version of automlc: 0"),
]


@pytest.mark.parametrize(("file", "old", "new", "words"), DRIFTS)
def test_drift_is_told_by_what_drifted_and_nothing_is_written(
    here: Path, file: str, old: str, new: str, words: str
) -> None:
    compile_()
    edit(file, old, new)
    before = contents(here / "p")
    done = compile_("--locked")
    assert isinstance(done.exception, AutomlcError)
    assert done.exception.exit_code == 1
    assert words in done.output
    assert contents(here / "p") == before


def test_data_drift_says_how_many_rows_there_were(here: Path) -> None:
    compile_()
    edit("data.csv", "19.5,4,b\n", "19.5,4,b\n20.25,5,a\n")
    assert ", 40 rows) -> data.csv (" in compile_("--locked").output
    assert ", 41 rows)" in compile_("--locked").output


def test_a_check_names_every_file_and_what_mends_them(here: Path) -> None:
    compile_()
    edit("task.yaml", "trials: 4", "trials: 9")
    (here / "p" / "README.md").unlink()
    edit("p/model.py", "import", "import  ")
    (here / "p" / "mine.py").write_text("")
    before = contents(here / "p")
    done = compile_("--check")
    lines = set(done.output.splitlines())
    assert {"changed  plan.json", "missing  README.md", "edited   model.py"} <= lines
    assert "extra    mine.py" in lines
    assert isinstance(done.exception, AutomlcError)
    assert done.exception.exit_code == 1
    assert "automlc compile task.yaml -o p --force" in str(done.exception.hint)
    assert contents(here / "p") == before
    (here / "p" / "mine.py").unlink()
    assert compile_("--force").exit_code == 0
    assert compile_("--check").exit_code == 0


def test_a_check_without_the_profile_of_the_project_says_so(here: Path) -> None:
    edit("task.yaml", "budget: {", "profiles: {smoke: {seed: 3}}\nbudget: {")
    compile_("--profile", "smoke")
    assert compile_("--check", "--profile", "smoke").exit_code == 0
    assert "options that spec.yaml begins with" in str(failure("--check").hint)


def test_edits_by_hand_are_lost_only_where_that_is_asked_for(here: Path) -> None:
    compile_()
    edit("task.yaml", "trials: 4", "trials: 9")
    assert compile_().exit_code == 0  # what nobody edited is overwritten freely
    edit("p/model.py", "import", "import  ")
    edited = (here / "p" / "model.py").read_bytes()
    assert "model.py was changed after it was written" in failure().message
    assert (here / "p" / "model.py").read_bytes() == edited
    assert compile_("--force").exit_code == 0
    assert (here / "p" / "model.py").read_bytes() != edited


def test_the_lock_has_every_file_of_the_spec(here: Path) -> None:
    shutil.copy("task.yaml", "base.yaml")
    Path("task.yaml").write_text("automlc: 1\nextends: base.yaml\nbudget: {trials: 5}\n")
    compile_()
    assert set(json.loads(Path("p/automlc.lock").read_text())["specs"]) == {
        "task.yaml",
        "base.yaml",
    }
    edit("base.yaml", "name: iris", "name: iris  # flowers")
    assert "spec: base.yaml is changed, and means the same" in compile_("--locked").output


def project(text: str, *more: str) -> dict[str, str]:
    import hashlib

    files = {name: f"{text} {name}\n" for name in ("train.py", "plan.json", "model.py", *more)}
    digests = {name: hashlib.sha256(body.encode()).hexdigest() for name, body in files.items()}
    lock = {"schema": "automlc.lock/1", "files": digests}
    return {**files, "automlc.lock": json.dumps(lock)}


def write_and_die(folder: Path, files: dict[str, str], fault: str) -> int:
    """Write a project in a process of its own; negative: the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        faults._fault = faults.read_fault({"FAULT": fault})
        try:
            write(folder, files)
            os._exit(0)
        finally:
            os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("again", [False, True])
def test_a_compile_that_is_killed_anywhere_leaves_the_old_project_or_the_new_one(
    tmp_path: Path, again: bool
) -> None:
    old, new = project("old", "gone.py"), project("new", "come.py")
    seen, number = set(), 0
    while True:
        number += 1
        folder = tmp_path / str(number)
        if again:
            write(folder, old)
        code = write_and_die(folder, new, f"compile.*:{number}:sigkill")
        settle(folder)
        found = {p.name: p.read_text() for p in folder.iterdir() if p.is_file()}
        assert found in ({}, new) if not again else found in (old, new)
        if found:
            verify_project(folder)
        seen.add(found == new)
        write(folder, new)  # and whoever compiles next succeeds
        assert {p.name: p.read_text() for p in folder.iterdir()} == new
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert seen == {True, False}
    assert number > 10


def test_a_file_of_ones_own_is_not_overwritten(here: Path) -> None:
    assert compile_().exit_code == 0
    (here / "p" / "spec.yaml").write_text("mine\n")
    assert "spec.yaml" in str(failure("--set", "seed=9"))
    assert (here / "p" / "spec.yaml").read_text() == "mine\n"
