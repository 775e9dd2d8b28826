"""automlc.lock: what a project was made of, so that drift can be seen."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from automlc.compiler.graph import SCHEMA as GRAPH_SCHEMA
from automlc.compiler.graph import SearchGraph
from automlc.runtime.plan import SCHEMA as PLAN_SCHEMA
from automlc.spec.load import LoadedSpec

LOCK = "automlc.lock"
SCHEMA = "automlc.lock/1"


def digest(text: str) -> str:
    """sha256 of a text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def lock_text(graph: SearchGraph, loaded: LoadedSpec, files: Mapping[str, str]) -> str:
    """The lock of a project: digests of spec, graph, data and files; seed; versions.

    `spec` is the digest of what the spec says as one text; `specs` has each of its files.
    """
    from automlc import __version__

    lock = {
        "schema": SCHEMA,
        "automlc": __version__,
        "schemas": {"graph": GRAPH_SCHEMA, "plan": PLAN_SCHEMA},
        "spec": digest(loaded.resolved_text()),
        "specs": _spec_files(loaded),
        "graph": digest(graph.dumps()),
        "data": {"source": graph.contract.source, "fingerprint": graph.contract.fingerprint},
        "seed": graph.seed,
        "files": {name: digest(text) for name, text in sorted(files.items())},
    }
    return json.dumps(lock, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _spec_files(loaded: LoadedSpec) -> dict[str, str]:
    """The digest of every file of the spec, by its path seen from the first one's folder."""
    here = os.path.abspath(loaded.source.path.parent)
    found = {}
    for file in loaded.files:
        name = os.path.relpath(os.path.abspath(file.path), here)
        found[Path(name).as_posix()] = digest(file.text)
    return found
