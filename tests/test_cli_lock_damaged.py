"""A project whose lock or files are damaged: what is wrong is said, and nothing gets worse."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from automlc.cli.main import cli
from automlc.spec.errors import AutomlcError

SPEC = """\
automlc: 1
name: iris
task: {kind: tabular_classification, metric: accuracy}
data: {source: data.csv, target: y}
space: {preset: tabular/mlp}
budget: {trials: 4, epochs: 2}
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    rows = "".join(f"{i / 2},{i % 7},{'ab'[i % 2]}\n" for i in range(40))
    (folder / "data.csv").write_text("u,v,y\n" + rows)
    (folder / "task.yaml").write_text(SPEC)
    spec, project = str(folder / "task.yaml"), str(folder / "p")
    assert CliRunner().invoke(cli, ["compile", spec, "-o", project]).exit_code == 0
    return folder


@pytest.fixture
def here(compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(compiled, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compile_(*options: str) -> Result:
    return CliRunner().invoke(cli, ["compile", "task.yaml", "-o", "p", *options])


def failure(*options: str) -> AutomlcError:
    done = compile_(*options)
    assert isinstance(done.exception, AutomlcError), done.output
    return done.exception


def with_files(lock: str, name: str) -> str:
    return json.dumps(json.loads(lock) | {"files": {name: "0"}})


DAMAGES: list[tuple[str, Callable[[str], str], str]] = [
    ("cut off", lambda lock: lock[:200], "no JSON at line"),
    ("empty", lambda lock: "", "it is empty"),
    (
        "merged badly",
        lambda lock: f"<<<<<<< HEAD\n{lock}=======\n>>>>>>> b\n",
        "a merge that met a conflict",
    ),
    ("no object", lambda lock: "[]", "it names no files"),
    ("without files", lambda lock: "{}", "it names no files"),
    ("nested", lambda lock: "[" * 200_000, "nested too deeply"),
    ("long number", lambda lock: f'{{"seed": {"9" * 5_000}}}', "a number that is too long"),
    ("another folder", lambda lock: with_files(lock, "../x"), "`../x` is no file of a project"),
    ("zero byte", lambda lock: with_files(lock, "a\0b"), "is no file of a project"),
    ("long name", lambda lock: with_files(lock, "a" * 256), "is no file of a project"),
]


@pytest.mark.parametrize(
    ("damage", "said"), [one[1:] for one in DAMAGES], ids=[one[0] for one in DAMAGES]
)
def test_a_damaged_lock_is_called_that_by_every_verb(
    here: Path, damage: Callable[[str], str], said: str
) -> None:
    lock = here / "p" / "automlc.lock"
    lock.write_text(damage(lock.read_text()))
    before = {path.name: path.read_bytes() for path in (here / "p").iterdir()}
    found = {option: failure(*option.split()) for option in ("--check", "--locked", "")}
    for option, error in found.items():
        assert error.message.startswith(f"{Path('p') / 'automlc.lock'} is damaged: ")
        assert said in error.message
        assert error.hint is not None
        assert "restore it" in error.hint
        assert error.exit_code == (1 if option else 2)
    assert {path.name: path.read_bytes() for path in (here / "p").iterdir()} == before


def test_a_folder_in_place_of_a_lock_is_named(here: Path) -> None:
    (here / "p" / "automlc.lock").unlink()
    (here / "p" / "automlc.lock").mkdir()
    assert failure("--check").message == f"{Path('p') / 'automlc.lock'} is a folder"


def test_a_folder_in_place_of_a_file_is_named_before_anything_is_written(here: Path) -> None:
    (here / "p" / "model.py").unlink()
    (here / "p" / "model.py").mkdir()
    (here / "task.yaml").write_text(SPEC.replace("epochs: 2", "epochs: 3"))
    before = sorted(path.name for path in (here / "p").iterdir())
    plan = (here / "p" / "plan.json").read_bytes()
    error = failure("--force")
    assert error.message.startswith(f"{Path('p') / 'model.py'} is a folder")
    assert sorted(path.name for path in (here / "p").iterdir()) == before
    assert (here / "p" / "plan.json").read_bytes() == plan


def test_a_pipe_in_place_of_a_file_is_not_waited_for(here: Path) -> None:
    for name in ("automlc.lock", "graph.json", "data.py", "plan.json"):
        held = here / "held"
        os.replace(here / "p" / name, held)
        os.mkfifo(here / "p" / name)
        done = CliRunner().invoke(cli, ["diff", "p", "task.yaml"])
        if name == "automlc.lock":
            assert failure("--check").message == f"{Path('p') / name} is a pipe or a device"
        else:
            assert isinstance(done.exception, AutomlcError), name
            assert str(Path("p") / name) in done.exception.message
            assert failure("--check").exit_code == 1
        os.replace(held, here / "p" / name)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("graph.json", "[" * 200_000, "nested too deeply"),
        ("graph.json", "[]", "holds no object"),
        ("plan.json", "{", "no JSON at line 1, column 2"),
        ("data.py", b"\xff", "cannot be read"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_diff_names_the_file_that_is_damaged(
    here: Path, name: str, text: str | bytes, said: str
) -> None:
    (here / "p" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    done = CliRunner().invoke(cli, ["diff", "p", "task.yaml"])
    assert isinstance(done.exception, AutomlcError)
    assert done.exception.message.startswith(str(Path("p") / name))
    assert said in done.exception.message


def test_the_lock_of_another_format_is_drift(here: Path) -> None:
    lock = here / "p" / "automlc.lock"
    lock.write_text(lock.read_text().replace("automlc.lock/1", "automlc.lock/2"))
    assert "format of the lock: automlc.lock/2 -> automlc.lock/1" in compile_("--locked").output
