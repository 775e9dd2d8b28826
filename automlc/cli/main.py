"""Entry point: loads one verb on demand and turns every error into a line for people."""

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from automlc.spec.errors import AutomlcError, SpecError

# verb -> one line of help; the verb lives in automlc/cli/<verb>.py as `command`.
VERBS = {
    "validate": "Check a spec and report every error with its location.",
    "plan": "Show what compile and run would do; write nothing.",
    "compile": "Turn a spec into a project of plain framework code.",
    "graph": "Print the search graph as Mermaid, DOT or JSON.",
    "explain": "Explain a diagnostic code, or where a value came from.",
    "schema": "Print the JSON Schema of the spec language.",
    "run": "Search: train trials, stop losers, keep the best model.",
    "status": "Show the state of a run.",
    "why": "Tell why a trial was proposed and why it ended.",
    "report": "Write one self-contained HTML file about a run.",
    "export": "Write the best model as source, weights, ONNX or torch.export.",
}


class LazyGroup(click.Group):
    """A group that imports a verb's module only when the verb is called."""

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
        click.echo(error.rendered(color=sys.stderr.isatty() and "NO_COLOR" not in os.environ), err=True)
        return
    click.echo(f"error: {error.message}", err=True)
    if error.hint:
        click.echo(f"  help: {error.hint}", err=True)


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
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
    except BrokenPipeError:
        # The reader (head, less) went away: not an error of ours, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("AUTOMLC_DEBUG"):
            raise
        click.echo(f"internal error: {type(error).__name__}: {error}", err=True)
        click.echo("  help: this is a bug in automlc; AUTOMLC_DEBUG=1 shows the traceback", err=True)
        sys.exit(2)
