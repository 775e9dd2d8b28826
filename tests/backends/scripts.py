"""Runs a script of this folder under one engine: a process holds only one engine of Keras."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


def run(script: str, engine: str, *arguments: str) -> str:
    """What the script printed; the test is skipped where a framework is missing."""
    for package in ("keras", "torch", engine):
        if find_spec(package) is None:
            pytest.skip(f"needs {package}")
    environment = {**os.environ, "KERAS_BACKEND": engine, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name(script)), engine, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout
