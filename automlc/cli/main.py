"""Entry point: loads one verb on demand and turns every error into a line for people."""

import errno
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

import click

from automlc.spec.errors import AutomlcError, SpecError

# verb -> one line of help; the verb lives in automlc/cli/<verb>.py as `command`.
VERBS = {
    "init": "Look at data and write a commented spec for it.",
    "validate": "Check a spec and report every error with its location.",
    "fmt": "Format specs, or write them as YAML or DSL.",
    "plan": "Show what compile and run would do; write nothing.",
    "compile": "Turn a spec into a project of plain framework code.",
    "diff": "Compare two specs, projects or runs by what they mean.",
    "graph": "Print the search graph as Mermaid, DOT or JSON.",
    "explain": "Explain a diagnostic code, or where a value came from.",
    "schema": "Print the JSON Schema of the spec language.",
    "ls": "List what a spec may name: presets, ops, searchers and more.",
    "doctor": "Say what this machine can run, and what is missing.",
    "run": "Search: train trials, stop losers, keep the best model.",
    "calibrate": "Measure what actions bring: a table of rules of your own.",
    "status": "Show the state of a run.",
    "why": "Tell why a trial was proposed and why it ended.",
    "report": "Write one self-contained HTML file about a run.",
    "export": "Write the best model as source, weights, ONNX, .keras or SavedModel.",
}


class ReaderGoneError(Exception):
    """Whoever read our output (head, less) went away."""


class LazyGroup(click.Group):
    """A group that imports a verb's module only when the verb is called."""

    # click itself would turn a broken pipe into exit code 1, which here means an invalid spec.
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command = import_module(f"automlc.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from automlc.spec.suggest import nearest

            near = nearest(args[0], VERBS)
            hint = f"did you mean {near!r}?" if near else f"the verbs are: {', '.join(VERBS)}."
            ctx.fail(f"there is no verb {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok; 1 the spec is invalid or infeasible, or the run ended without a "
    "feasible model; 2 wrong usage or an internal error; 130 interrupted, state saved.",
)
@click.version_option(package_name="automlc", message="automlc %(version)s")
def cli() -> None:
    """A declarative AutoML compiler: from a spec to a trained model you own."""


def report_error(error: AutomlcError) -> None:
    """Print an error for people to standard error."""
    if isinstance(error, SpecError):
        color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        click.echo(error.rendered(color=color), err=True)
        return
    complain("error", error.message, error.hint)


def complain(kind: str, message: str, hint: str | None = None) -> None:
    """One line to standard error, and one that helps; foreign text loses its control characters."""
    from automlc.spec.diagnostics import clean

    click.echo(f"{kind}: {clean(message)}", err=True)
    if hint:
        click.echo(f"  help: {clean(hint)}", err=True)


def _without_plugins_of_pydantic() -> None:
    """Keep pydantic from looking for plug-ins, which only other programs need.

    Before its first model it reads the metadata of every installed distribution, which takes as
    long as all of spec/ and opens files of frameworks that a spec has no business with.
    """
    loader = ModuleType("pydantic.plugin._loader")
    loader.__dict__["get_plugins"] = tuple
    sys.modules.setdefault(loader.__name__, loader)


def _leave_at_once(code: int) -> NoReturn:
    """End without freeing object by object what the system frees at once.

    That takes a fifth of the time of `validate`, which holds no file open and starts no thread.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError as error:
        raise ReaderGoneError from error
    except OSError as error:
        raise AutomlcError(f"the output cannot be written: {error.strerror}") from error
    os._exit(code)


# What the system refuses whatever a program does, and what helps.
_OF_THE_SYSTEM = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room within your quota",
    errno.ENAMETOOLONG: "name a file or folder that exists",
    errno.ELOOP: "a link leads back to itself: name the file it is to lead to",
}


def _report_refusal(error: OSError) -> None:
    """An error of the system about a path, or about the output, which names none."""
    if error.filename is None:
        # What is left in a buffer cannot be written either when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    what = error.filename or "the output cannot be written"
    complain("error", f"{what}: {error.strerror}", _OF_THE_SYSTEM.get(error.errno or 0))


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    _without_plugins_of_pydantic()
    try:
        result = cli.main(standalone_mode=False)
        code = result if isinstance(result, int) else 0
        if sys.argv[1:2] == ["validate"]:
            _leave_at_once(code)
        sys.exit(code)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except AutomlcError as error:
        report_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except ReaderGoneError:
        # Nothing more can be said. Not 0: what was asked for may not have been done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
            _report_refusal(error)
            sys.exit(2)
        if os.environ.get("AUTOMLC_DEBUG"):
            raise
        help_ = "this is a bug in automlc; AUTOMLC_DEBUG=1 shows the traceback"
        complain("internal error", f"{type(error).__name__}: {error}", help_)
        sys.exit(2)
