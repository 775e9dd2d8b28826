"""A run never mixes two data sets."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from automlc.runtime.plan import DataSource, Plan
from automlc.runtime.run import check_data
from automlc.spec.errors import AutomlcError
from tests.compiler.spaces import preset_graph


def plan_for(content: bytes) -> Plan:
    fingerprint = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return replace(preset_graph("digits", False).plan(), data=DataSource("x.npz", fingerprint))


def test_changed_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"old")
    check_data(plan_for(b"old"), str(path))
    path.write_bytes(b"new")
    with pytest.raises(AutomlcError, match="sha256 differs"):
        check_data(plan_for(b"old"), str(path))


def test_builtin_data_needs_no_check() -> None:
    check_data(plan_for(b"old"), "builtin:digits")
