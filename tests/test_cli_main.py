"""The entry point: verbs load on demand, errors become one line, exit codes are the documented."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
from click.testing import CliRunner

from automlc.cli import main as entry
from automlc.spec.errors import AutomlcError


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def body() -> NoReturn:
        raise error

    return body


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `automlc probe` with the given body; returns (exit code, stdout, stderr)."""

    def run(body: Callable[[], object]) -> tuple[object, str, str]:
        monkeypatch.setattr(entry.LazyGroup, "get_command", lambda *_: click.command()(body))
        monkeypatch.setitem(entry.VERBS, "probe", "For tests.")
        monkeypatch.setattr(sys, "argv", ["automlc", "probe"])
        with pytest.raises(SystemExit) as end:
            entry.main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return run


def test_a_verb_that_returns_is_exit_0(call: Any) -> None:
    assert call(lambda: click.echo("done"))[:2] == (0, "done\n")


def test_an_error_for_people_is_two_lines_without_a_traceback(call: Any) -> None:
    code, out, err = call(raising(AutomlcError("the disk is full", "free some space")))
    assert (code, out) == (2, "")
    assert err == "error: the disk is full\n  help: free some space\n"


def test_an_error_chooses_its_exit_code(call: Any) -> None:
    assert call(raising(AutomlcError("no feasible model", exit_code=1)))[0] == 1


def test_control_characters_of_an_error_do_not_reach_the_terminal(call: Any) -> None:
    _, _, err = call(raising(AutomlcError("bad name \x1b[2J\u202e x")))
    assert "\x1b" not in err
    assert "\u202e" not in err


def test_wrong_usage_is_exit_2(call: Any) -> None:
    code, _, err = call(raising(click.UsageError("no such option")))
    assert code == 2
    assert "no such option" in err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_exit_130(call: Any, error: BaseException) -> None:
    assert call(raising(error))[0] == 130


def test_an_unexpected_exception_is_one_line_and_exit_2(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTOMLC_DEBUG", raising=False)
    code, _, err = call(raising(ValueError("surprise")))
    assert code == 2
    assert err.startswith("internal error: ValueError: surprise\n")
    assert "Traceback" not in err


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOMLC_DEBUG", "1")
    body = click.command()(raising(ValueError("surprise")))
    monkeypatch.setattr(entry.LazyGroup, "get_command", lambda *_: body)
    monkeypatch.setattr(sys, "argv", ["automlc", "validate"])
    with pytest.raises(ValueError, match="surprise"):
        entry.main()


def test_help_lists_every_verb_and_the_exit_codes() -> None:
    done = CliRunner().invoke(entry.cli, ["--help"])
    assert done.exit_code == 0
    assert all(verb in done.output for verb in entry.VERBS)
    assert "130" in done.output


def test_a_wrong_verb_is_told_the_nearest() -> None:
    done = CliRunner().invoke(entry.cli, ["vlaidate", "x.yaml"])
    assert done.exit_code == 2
    assert "did you mean 'validate'?" in done.output


def test_a_verb_that_resembles_nothing_is_told_the_list() -> None:
    done = CliRunner().invoke(entry.cli, ["qqqqqqqq"])
    assert done.exit_code == 2
    assert "the verbs are: init, validate, " in done.output


def test_version() -> None:
    done = CliRunner().invoke(entry.cli, ["--version"])
    assert done.output.startswith("automlc ")


@pytest.mark.parametrize("verb", entry.VERBS)
def test_every_verb_is_a_command_with_help(verb: str) -> None:
    done = CliRunner().invoke(entry.cli, [verb, "--help"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Usage:")


def test_module_and_script_are_the_same_command() -> None:
    script = Path(sys.executable).with_name("automlc")
    outputs = {
        subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
        for command in ([str(script)], [sys.executable, "-m", "automlc"])
    }
    assert len({text.split("[OPTIONS]")[-1] for text in outputs}) == 1


def test_a_closed_pipe_is_quiet_and_neither_success_nor_an_invalid_spec() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "automlc", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read().decode()
    process.stderr.close()
    assert (process.wait(30), error) == (2, "")


def test_a_signal_before_the_verb_starts_is_exit_130(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time, click\n"
        "from automlc.cli import main as entry\n"
        # A shell may have started the tests in the background, where Ctrl-C is ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "@click.command()\n"
        "def slow():\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "entry.LazyGroup.get_command = lambda *_: slow\n"
        "sys.argv = ['automlc', 'validate']\n"
        "entry.main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("verb", [["explain", "E401"], ["schema"], ["validate", "--help"]])
def test_output_that_finds_no_room_is_no_bug_of_ours(verb: list[str]) -> None:
    program = [sys.executable, "-c", "from automlc.cli.main import main; main()", *verb]
    with open("/dev/full", "w") as full:
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True)
    said = "error: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, f"{said}  help: make room on the disk\n")


@pytest.mark.parametrize(
    "verb", [["status"], ["why", "1"], ["diff", "x"], ["graph"], ["explain", "seed"], ["report"]]
)
def test_a_name_that_no_file_can_have_is_no_bug_of_ours(
    verb: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["automlc", *verb, "a" * 300])
    if verb[0] == "diff":
        monkeypatch.setattr(sys, "argv", ["automlc", "diff", "a" * 300, "x"])
    with pytest.raises(SystemExit) as end:
        entry.main()
    err = capsys.readouterr().err
    assert end.value.code == 2
    assert err.startswith("error: ")
    assert "a" * 300 in err


def test_a_spec_before_the_key_is_put_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("task.yaml").write_text("automlc: 1\n", encoding="utf-8")
    done = CliRunner().invoke(entry.cli, ["explain", "task.yaml", "seed"])
    assert isinstance(done.exception, AutomlcError)
    assert done.exception.message == "there is no file seed"
    assert done.exception.hint == "the key comes first: automlc explain seed task.yaml"
