"""automlc.lock: what a project was made of, so that drift can be seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from automlc.compiler.graph import SCHEMA as GRAPH_SCHEMA
from automlc.compiler.graph import SearchGraph
from automlc.runtime.plan import SCHEMA as PLAN_SCHEMA

LOCK = "automlc.lock"
SCHEMA = "automlc.lock/1"


def digest(text: str) -> str:
    """sha256 of a text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def lock_text(graph: SearchGraph, spec: str, files: Mapping[str, str]) -> str:
    """The lock of a project: hashes of spec, graph, data and files; seed; versions."""
    from automlc import __version__

    lock = {
        "schema": SCHEMA,
        "automlc": __version__,
        "schemas": {"graph": GRAPH_SCHEMA, "plan": PLAN_SCHEMA},
        "spec": digest(spec),
        "graph": digest(graph.dumps()),
        "data": {"source": graph.contract.source, "fingerprint": graph.contract.fingerprint},
        "seed": graph.seed,
        "files": {name: digest(text) for name, text in sorted(files.items())},
    }
    return json.dumps(lock, indent=1, sort_keys=True, allow_nan=False) + "\n"
