"""The same spec gives the same bytes, whatever process, hash seed, locale or time zone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = next((Path(__file__).parents[1] / "examples" / "digits").glob("*.yaml"))
COMMAND = "from automlc.cli.main import main; main()"


def printed(seed: str, locale: str, zone: str, relative: bool, *verb: str) -> bytes:
    """What the command prints in a fresh process, with the spec's path as told."""
    env = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone}
    spec = EXAMPLE.name if relative else str(EXAMPLE)
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *verb, spec],
        cwd=EXAMPLE.parent,
        env=env,
        capture_output=True,
        check=True,
    )
    return done.stdout


def test_a_graph_is_the_same_bytes_in_every_process() -> None:
    verb = ("graph", "--format", "json")
    first = printed("1", "C", "UTC", True, *verb)
    assert first.startswith(b"{")
    assert first == printed("77", "C.UTF-8", "Asia/Tokyo", True, *verb)
