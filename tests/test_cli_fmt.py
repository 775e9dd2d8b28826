"""`automlc fmt` on files: in place, checking, converting."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from automlc.cli.main import cli
from automlc.spec.errors import SpecError

UGLY = """\
automlc:   1
task:   {kind: image_classification}  # what
data: {source:  'builtin:digits'}
"""
EXAMPLE = Path(__file__).parents[1] / "examples" / "architecture"


def fmt(*args: str | Path) -> Result:
    return CliRunner().invoke(cli, ["fmt", *map(str, args)])


def code(*args: str | Path) -> int:
    """What the process would exit with."""
    result = cli.main(["fmt", *map(str, args)], standalone_mode=False)
    assert isinstance(result, int)
    return result


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "task.yaml"
    path.write_text(UGLY)
    return path


def test_a_file_is_formatted_in_place_once(spec: Path) -> None:
    assert fmt(spec).exit_code == 0
    once = spec.read_text()
    assert once != UGLY
    assert "# what" in once
    assert fmt(spec).output == ""
    assert spec.read_text() == once
    assert list(spec.parent.iterdir()) == [spec]


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_checking_writes_nothing_and_tells(spec: Path, option: str) -> None:
    result = fmt(option, spec)
    assert "task.yaml" in result.output
    assert code(option, spec) == 1
    assert spec.read_text() == UGLY
    fmt(spec)
    assert fmt(option, spec).output == ""
    assert code(option, spec) == 0


def test_conversion_goes_to_a_file_and_back(spec: Path) -> None:
    fmt(spec)
    dsl, again = spec.with_name("task.aml"), spec.with_name("again.yaml")
    assert fmt("--to", "dsl", spec, "-o", dsl).exit_code == 0
    assert "task image_classification" in dsl.read_text()
    assert fmt("--to", "yaml", dsl, "-o", again).exit_code == 0
    assert "# what" in again.read_text()


def test_a_file_with_mistakes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "task.aml"
    path.write_text("automlc = 1\n")
    result = fmt(path)
    assert isinstance(result.exception, SpecError)
    assert [one.code for one in result.exception.diagnostics] == ["E113"]
    assert path.read_text() == "automlc = 1\n"


def test_the_example_is_the_same_on_both_surfaces() -> None:
    assert fmt("--to", "dsl", EXAMPLE / "task.yaml").output == (EXAMPLE / "task.aml").read_text()


@pytest.mark.parametrize("text", ["data:\n ? source", "? data", "data: {? source}", "data:\n- ? a"])
def test_an_explicit_key_may_end_the_file_without_a_value(tmp_path: Path, text: str) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(text, encoding="utf-8")
    assert CliRunner().invoke(cli, ["fmt", str(file)]).exit_code == 0
    assert yaml.safe_load(file.read_text(encoding="utf-8")) == yaml.safe_load(text)
