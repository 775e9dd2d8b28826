"""`automlc validate --fix`, --diff and the formats, as a person meets them."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from automlc.cli.main import cli

WRONG = (
    "automlc: 1  # a comment\ntask:   {kind: image_clasification}\ndata: {source: builtin:digits}\n"
)
RIGHT = WRONG.replace("clasification", "classification")


def automlc(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in args], standalone_mode=False)


def spec(folder: Path, text: str | bytes) -> Path:
    path = folder / "task.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_fix_changes_the_mistake_alone(tmp_path: Path) -> None:
    path = spec(tmp_path, WRONG)
    result = automlc("validate", "--fix", path)
    assert path.read_text(encoding="utf-8") == RIGHT
    assert result.return_value == 0
    assert "1 mistake fixed" in result.stderr
    assert "line 2: E204" in result.stderr


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_mark_stay(tmp_path: Path, ending: bytes, mark: bytes) -> None:
    before = (
        mark + b"task: {kind: image_classification}" + ending + b"data: {source: builtin:digits}"
    )
    path = spec(tmp_path, before)
    automlc("validate", "--fix", path)
    assert path.read_bytes() == mark + b"automlc: 1" + ending + before.removeprefix(mark)


def test_mode_and_links_stay(tmp_path: Path) -> None:
    path = spec(tmp_path, WRONG)
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    automlc("validate", "--fix", link)
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == RIGHT
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.yaml", "task.yaml"]


def test_a_file_without_a_fix_is_not_written(tmp_path: Path) -> None:
    path = spec(tmp_path, WRONG.replace("image_clasification", "music"))
    path.chmod(0o444)
    before = path.stat().st_mtime_ns
    assert automlc("validate", "--fix", path).return_value == 1
    assert path.stat().st_mtime_ns == before


def test_statements_are_put_right_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "task.aml"
    path.write_bytes(
        b"automlc: 1  # the version\r\n\r\n"
        b"task   image_clasification { metric = accuracy, target 0.9 }\r\n"
        b"data builtin:digits\r\ntrials 3\r\n"
    )
    shown = automlc("validate", "--diff", path)
    assert shown.return_value == 1
    assert "+automlc 1  # the version" in shown.stdout
    assert automlc("validate", "--fix", path).return_value == 0
    assert path.read_bytes() == (
        b"automlc 1  # the version\r\n\r\n"
        b"task   image_classification { metric accuracy; target 0.9 }\r\n"
        b"data builtin:digits\r\nbudget { trials 3 }\r\n"
    )


def test_a_file_on_the_other_surface_is_only_rewritten_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "task.aml"
    path.write_text(RIGHT, encoding="utf-8")
    assert automlc("validate", "--fix", path).return_value == 1
    assert path.read_text(encoding="utf-8") == RIGHT
    assert automlc("validate", "--fix", "--unsafe-fixes", path).return_value == 0
    assert "# a comment" in path.read_text(encoding="utf-8")


def test_unsafe_fixes_are_asked_for(tmp_path: Path) -> None:
    text = RIGHT + "space: {parameters: {depth: 'int(8, 1)'}}\n"
    path = spec(tmp_path, text)
    assert automlc("validate", "--fix", path).return_value == 1
    assert path.read_text(encoding="utf-8") == text
    assert automlc("validate", "--fix", "--unsafe-fixes", path).return_value == 0
    assert "int(1, 8)" in path.read_text(encoding="utf-8")
    result = automlc("validate", "--unsafe-fixes", path)
    assert "goes with --fix or --diff" in str(result.exception)


def test_diff_writes_nothing(tmp_path: Path) -> None:
    path = spec(tmp_path, WRONG)
    result = automlc("validate", "--diff", path)
    assert path.read_text(encoding="utf-8") == WRONG
    assert result.return_value == 1
    lines = result.stdout.splitlines()
    assert [line for line in lines if line[0] in "+-" and line[1:2] not in "+-"] == [
        "-task:   {kind: image_clasification}",
        "+task:   {kind: image_classification}",
    ]


def test_what_remains_is_said(tmp_path: Path) -> None:
    path = spec(tmp_path, WRONG + "budget: {trials: 0}\n")
    result = automlc("validate", "--fix", path)
    assert result.return_value == 1
    assert "E205" in result.stderr
    assert "E204 `task.kind`" in result.stderr  # among the fixed


@pytest.mark.parametrize("form", ["github", "sarif", "json"])
def test_forms_for_programs_go_to_standard_output(tmp_path: Path, form: str) -> None:
    path = spec(tmp_path, WRONG)
    result = automlc("validate", "--format", form, path)
    assert result.return_value == 1
    assert not result.stderr
    if form == "github":
        assert result.stdout.startswith("::error file=")
    else:
        json.loads(result.stdout)


def test_a_right_spec_needs_none_of_the_rest(tmp_path: Path) -> None:
    """The cold start of an editor that validates on every save."""
    path = spec(tmp_path, RIGHT)
    code = (
        "import sys; from automlc.cli.main import cli;"
        f"cli(['validate', {str(path)!r}], standalone_mode=False);"
        "print(sorted(m for m in sys.modules if m.startswith('automlc.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in ("sarif", "github", "fixing", "edits", "repairs", "foreign", "codes"):
        assert f"'automlc.spec.{name}'" not in done.stdout
    assert "'automlc.cli.fixing'" not in done.stdout


def test_a_file_is_put_right_as_it_is_judged_with_a_profile_and_values(tmp_path: Path) -> None:
    text = RIGHT + "profiles: {smoke: {budget: {trails: 2}}}\n"
    path = spec(tmp_path, text)
    result = automlc("validate", "--fix", "--profile", "smoke", "--set", "seed=3", path)
    assert path.read_text(encoding="utf-8") == text.replace("trails", "trials")
    assert result.return_value == 0
    # A mistake of the command line stays to be said.
    result = automlc("validate", "--fix", "--set", "seeed=3", spec(tmp_path, WRONG))
    assert path.read_text(encoding="utf-8") == RIGHT
    assert result.return_value == 1
    assert "seeed" in result.stderr
    assert "fixable" not in result.stderr


def test_arguments_are_no_files_to_other_programs(tmp_path: Path) -> None:
    path = spec(tmp_path, RIGHT)
    told = automlc("validate", "--set", "seeed=3", "--format", "github", path).stdout
    assert told.startswith("::error title=E201::<--set 1>: there is no key `seeed`")
    told = automlc("validate", "--set", "seeed=3", "--format", "sarif", path).stdout
    run = json.loads(told)["runs"][0]
    assert run["results"][0]["locations"] == []
    assert [a["location"]["uri"] for a in run["artifacts"]] == [f"file://{path}"]
