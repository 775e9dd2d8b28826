"""`automlc doctor`: what this machine can run, and what mends what it cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from automlc.runtime.checkup.finding import Finding

SCHEMA = "automlc.doctor/1"


@click.command("doctor", short_help="Say what this machine can run, and what is missing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (automlc.doctor/1).")
@click.option("--quick", is_flag=True, help="Import no framework: do not ask for devices.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1.0),
    default=60.0,
    show_default=True,
    help="Seconds that one framework may take to answer.",
)
def command(as_json: bool, quick: bool, timeout: float) -> int:
    """Look at this machine: packages, devices, disk, database.

    Exit code 0 when a search can run on at least one backend, 1 otherwise. Frameworks are imported
    in processes of their own, so that one that crashes is a finding.
    """
    findings = tuple(examine(quick, timeout))
    able = [f.name for f in findings if f.group == "backends" and f.state == "ok"]
    blocked = [f.name for f in findings if f.group != "extras" and f.state == "problem"]
    hard = [f for f in findings if f.group in ("disk", "database") and f.state == "problem"]
    can_run = bool(able) and not hard
    if as_json:
        value = {
            "schema": SCHEMA,
            "can_run": can_run,
            "backends": able,
            "findings": [finding.to_json() for finding in findings],
        }
        click.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))
    else:
        _print(findings)
        click.echo(_verdict(able, [f.name for f in hard], blocked))
    return 0 if can_run else 1


def examine(quick: bool, timeout_s: float) -> Iterator[Finding]:
    """Everything that is looked at, in the order of the report."""
    from automlc.runtime.checkup import children, machine, packages

    here = Path.cwd()
    yield packages.python()
    yield packages.ourselves()
    yield from packages.core()
    yield from packages.extras()
    found = list(packages.backends())
    seen = [children.unasked()] if quick else list(children.devices(timeout_s))
    yield from _without_broken(found, seen)
    yield from seen
    yield from machine.hardware()
    yield machine.clock()
    yield from machine.disks(here)
    yield from machine.database(here)
    yield machine.terminal()
    yield from children.plugins(timeout_s)


def _without_broken(backends: list[Finding], devices: list[Finding]) -> Iterator[Finding]:
    """A backend whose framework cannot be imported cannot run, though it is installed."""
    from dataclasses import replace

    broken = {f.name: f for f in devices if f.state == "problem"}
    for backend in backends:
        modules = {"pytorch": "torch"}.get(backend.name, backend.name.rpartition(" ")[2])
        if backend.state == "ok" and modules in broken:
            trouble = broken[modules]
            found = f"cannot run: {trouble.found}"
            yield replace(backend, state="problem", found=found, mend=trouble.mend)
        else:
            yield backend


def _print(findings: tuple[Finding, ...]) -> None:
    from automlc.spec.diagnostics import clean

    width = max(len(finding.name) for finding in findings)
    group = ""
    for finding in findings:
        if finding.group != group:
            group = finding.group
            click.echo(group)
        line = f"  {finding.state:7}  {finding.name:{width}}  {finding.found}"
        click.echo(clean(line))
        if finding.mend and finding.state != "ok":
            click.echo(clean(f"  {'':7}  {'':{width}}  help: {finding.mend}"))


def _verdict(able: list[str], hard: list[str], blocked: list[str]) -> str:
    if hard:
        return f"\nno search can run here before this is mended: {', '.join(hard)}"
    if not able:
        return "\nno search can run here: install a backend (validate, plan and compile work)"
    more = f"; problems with {', '.join(blocked)}" if blocked else ""
    return f"\na search can run on: {', '.join(able)}{more}"
