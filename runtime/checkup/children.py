"""Questions that only foreign code can answer, asked in a child process that may crash or hang."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from automlc.runtime.backends import BACKENDS, is_installed
from automlc.runtime.checkup.finding import NOTE, OK, PROBLEM, Finding

TIMEOUT_S = 60.0
_MARK = "automlc-doctor:"

# What each framework is asked; the child prints one line of JSON: a list of devices.
_QUESTIONS = {
    "torch": """
import torch
found = [f"cuda: {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
if torch.backends.mps.is_available():
    found.append("mps")
""",
    "tensorflow": """
import tensorflow
found = [f"cuda: {d.name}" for d in tensorflow.config.list_physical_devices("GPU")]
""",
    "jax": """
import jax
found = [f"cuda: {d.device_kind}" for d in jax.devices() if d.platform == "gpu"]
""",
}
_PLUGINS = """
from importlib.metadata import entry_points
import automlc.cli.main
found = []
for point in sorted(entry_points(group="automlc.plugins"), key=lambda point: point.name):
    package = point.dist.name if point.dist else point.value
    try:
        point.load()
        found.append([point.name, package, ""])
    except BaseException as error:
        found.append([point.name, package, f"{type(error).__name__}: {error}"])
"""
_LAST = f"\nimport json\nprint({_MARK!r} + json.dumps(found), flush=True)\n"


def devices(timeout_s: float = TIMEOUT_S) -> Iterator[Finding]:
    """The accelerators that each installed framework sees; all of them compute on the CPU too."""
    for framework, question in _QUESTIONS.items():
        if not is_installed(framework):
            continue
        answer, trouble = _ask(question, timeout_s)
        if trouble:
            mend = f"try it: python -c 'import {framework}'; then install it anew"
            yield Finding("devices", framework, PROBLEM, trouble, mend)
        else:
            yield Finding("devices", framework, OK, ", ".join(["cpu", *map(str, answer)]))


def plugins(timeout_s: float = TIMEOUT_S) -> Iterator[Finding]:
    """Installed plug-ins, and which of them fail to load."""
    from importlib.metadata import entry_points

    from automlc.runtime.plugins import GROUP

    if not entry_points(group=GROUP):
        return
    answer, trouble = _ask(_PLUGINS, timeout_s)
    if trouble:
        mend = "uninstall plug-ins one by one until this passes"
        yield Finding("plug-ins", "all", PROBLEM, trouble, mend)
    for name, package, error in answer:
        if error:
            mend = f"repair it, or: pip uninstall {package}"
            yield Finding("plug-ins", name, PROBLEM, f"{package} cannot be loaded: {error}", mend)
        else:
            yield Finding("plug-ins", name, OK, f"of {package}")


def _ask(question: str, timeout_s: float) -> tuple[list[Any], str]:
    """What a child answers, and what went wrong instead."""
    try:
        done = subprocess.run(  # noqa: S603 - our own text, our own interpreter
            [sys.executable, "-c", question + _LAST],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [], f"importing it takes longer than {timeout_s:g} s"
    lines = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if lines:
        answer: list[Any] = json.loads(lines[-1].removeprefix(_MARK))
        return answer, ""
    if done.returncode < 0:
        return [], f"importing it ends the process (signal {-done.returncode})"
    last = [line for line in done.stderr.splitlines() if line.strip()][-1:] or ["it says nothing"]
    return [], f"importing it fails: {last[0].strip()[:200]}"


def _environment() -> Mapping[str, str]:
    """That of a run, with frameworks told to be quiet."""
    keras = BACKENDS.get("keras")
    return {**os.environ, **keras.environment(), "TF_CPP_MIN_LOG_LEVEL": "3"}


def unasked() -> Finding:
    """What stands in for the devices where nobody was asked."""
    return Finding("devices", "devices", NOTE, "not asked (--quick)", "leave --quick out")
