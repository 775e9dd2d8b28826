"""What a killed compile leaves: whoever reads it next sees the project whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from automlc.backends.project import make, write
from automlc.cli.main import cli
from automlc.runtime import settling
from automlc.runtime.run import verify_project
from automlc.runtime.settling import COMMIT, settle
from automlc.spec.errors import AutomlcError

SPEC = """\
automlc: 1
name: iris
task: {kind: tabular_classification, metric: accuracy}
data: {source: data.csv, target: y}
space: {preset: tabular/mlp}
budget: {trials: TRIALS, epochs: 2}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project `p` of 4 trials, in the middle of becoming one of 9."""
    rows = "".join(f"{i / 2},{i % 7},{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "data.csv").write_text("u,v,y\n" + rows)
    monkeypatch.chdir(tmp_path)
    for name, trials in (("old.yaml", "4"), ("task.yaml", "9")):
        Path(name).write_text(SPEC.replace("TRIALS", trials))
    write(Path("p"), make(Path("old.yaml"), Path("p")).files)
    new = make(Path("task.yaml"), Path("p")).files
    commit(Path("p"), dict(new))
    for name in ("contract.json", "graph.json"):  # some files are in their places already
        (Path("p") / COMMIT / name).replace(Path("p") / name)
    return tmp_path


def commit(folder: Path, files: dict[str, str], gone: tuple[str, ...] = ()) -> None:
    """What a compile leaves that is killed right after its one decisive rename."""
    (folder / COMMIT).mkdir(parents=True)
    for name, text in {**files, ".gone": json.dumps(gone)}.items():
        (folder / COMMIT / name).write_text(text)


def automlc(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


READERS = [
    (("explain", "budget.trials", "p"), "budget.trials = 9"),
    (("explain", "budget.trials", "p/graph.json"), "budget.trials = 9"),
    (("graph", "p"), "flowchart TD"),
    (("graph", "p/graph.json"), "flowchart TD"),
    (("diff", "p", "task.yaml"), "nothing differs"),
    (("diff", "old.yaml", "p"), "budget.trials: 4 -> 9"),
    (("diff", "old.yaml", "p/plan.json"), "budget.trials: 4 -> 9"),
    (("diff", "old.yaml", "p/graph.json"), "budget.trials: 4 -> 9"),
    (("compile", "task.yaml", "-o", "p", "--check"), "p is up to date"),
    (("compile", "task.yaml", "-o", "p", "--locked"), "wrote p"),
    (("compile", "task.yaml", "-o", "p"), "wrote p"),
]


@pytest.mark.parametrize(("verb", "words"), READERS)
def test_every_verb_that_reads_a_project_finishes_what_a_killed_compile_began(
    here: Path, verb: tuple[str, ...], words: str
) -> None:
    with pytest.raises(AutomlcError):  # neither the old project nor the new one
        verify_project(Path("p"))
    done = automlc(*verb)
    assert done.exit_code == 0, done.output
    assert words in done.output
    assert not (Path("p") / COMMIT).exists()
    verify_project(Path("p"))
    assert json.loads(Path("p/plan.json").read_text())["budget"]["trials"] == 9


@pytest.mark.parametrize("verb", ["validate", "plan", "compile", "status", "report", "export"])
def test_verbs_that_read_no_project_say_so_and_touch_nothing(here: Path, verb: str) -> None:
    before = {path: path.read_bytes() for path in Path("p").rglob("*") if path.is_file()}
    error = automlc(verb, "p").exception
    assert isinstance(error, AutomlcError)
    assert error.message.startswith("p is ")
    assert {path: path.read_bytes() for path in Path("p").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("verb", [("graph", "p"), ("diff", "p", "task.yaml"), ("run", "p")])
def test_where_it_cannot_be_finished_the_message_says_what_to_do(
    here: Path, verb: tuple[str, ...]
) -> None:
    (Path("p") / COMMIT / ".gone").write_text("{")
    error = automlc(*verb).exception
    assert isinstance(error, AutomlcError)
    assert "holds an unfinished compile that cannot be finished" in error.message
    assert error.hint == "make the folder writable, or remove it and compile again"


# --- several that finish the same ----------------------------------------------------------------


def interrupted(monkeypatch: pytest.MonkeyPatch, at: int, what: Callable[[], object]) -> None:
    """Do something between the moves of two files."""
    moves = 0

    def hit(point: str) -> None:
        nonlocal moves
        moves += point == "compile.moved"
        if moves == at:
            moves += 1  # once
            what()

    monkeypatch.setattr(settling, "hit", hit)


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_two_that_finish_a_compile_at_once_lose_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    files = {name: f"new {name}" for name in ("a.py", "b.py", "plan.json", "automlc.lock")}
    folder = tmp_path / "p"
    commit(folder, files, gone=("old.py",))
    (folder / "old.py").write_text("old")
    interrupted(monkeypatch, at, lambda: settle(folder))
    assert settle(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == files


@pytest.mark.parametrize("at", [1, 2, 3])
def test_one_that_dies_beside_another_takes_no_file_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    files = {name: f"new {name}" for name in ("a.py", "b.py", "plan.json", "automlc.lock")}
    folder = tmp_path / "p"
    commit(folder, files)

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    interrupted(monkeypatch, at, die)
    with pytest.raises(Killed):
        settle(folder)
    assert (folder / "automlc.lock").exists() is False  # the last, so a folder with it is whole
    assert settle(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == files
    assert not settle(folder)


def test_an_empty_stage_is_of_no_account(tmp_path: Path) -> None:
    (tmp_path / COMMIT).mkdir()
    assert settle(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_without_their_list_are_not_thrown_away(tmp_path: Path) -> None:
    (tmp_path / COMMIT).mkdir()
    (tmp_path / COMMIT / "mine.py").write_text("mine")
    with pytest.raises(AutomlcError, match="cannot be finished"):
        settle(tmp_path)
    assert (tmp_path / COMMIT / "mine.py").read_text() == "mine"
    shutil.rmtree(tmp_path / COMMIT)
    assert not settle(tmp_path)
