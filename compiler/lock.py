"""automlc.lock: what a project was made of, so that drift can be seen."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automlc.compiler.architecture import BackboneNode, Hub, walk
from automlc.compiler.backbones import MANIFEST
from automlc.compiler.contracts.files import sha256_of_file
from automlc.compiler.graph import SCHEMA as GRAPH_SCHEMA
from automlc.compiler.graph import SearchGraph
from automlc.runtime.plan import SCHEMA as PLAN_SCHEMA
from automlc.runtime.rules.library import PREFIX, builtin_file
from automlc.spec.errors import AutomlcError
from automlc.spec.load import LoadedSpec

LOCK = "automlc.lock"
SCHEMA = "automlc.lock/1"
MADE_OF = "made_of"
PRESETS = Path(__file__).parent / "presets"
# What a project is made of besides spec and data, and the word for one of it.
INGREDIENTS = {
    "presets": "preset",
    "rules": "rules",
    "word_vectors": "word vectors",
    "backbones": "backbone",
}

Ingredients = dict[str, dict[str, dict[str, Any]]]


def digest(text: str) -> str:
    """sha256 of a text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def lock_text(graph: SearchGraph, loaded: LoadedSpec, files: Mapping[str, str]) -> str:
    """The lock of a project: digests of spec, graph, data and files; seed; versions.

    `spec` is the digest of what the spec says as one text; `specs` has each of its files. Raises
    AutomlcError where a file that the project is made of cannot be read any more.
    """
    from automlc import __version__

    lock = {
        "schema": SCHEMA,
        "automlc": __version__,
        "schemas": {"graph": GRAPH_SCHEMA, "plan": PLAN_SCHEMA},
        "spec": digest(loaded.resolved_text()),
        "specs": _spec_files(loaded),
        MADE_OF: ingredients(graph, loaded),
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


# ---- what a project is made of besides spec and data ----------------------------------------


def ingredients(graph: SearchGraph, loaded: LoadedSpec) -> Ingredients:
    """What the graph has of presets, rules, word vectors and backbones, by their names in the spec.

    Each file is known by the digest of all its bytes. What a hub holds is known by the names of
    network and weights alone: nothing is downloaded here.
    """
    found: Ingredients = {
        "presets": _presets(graph),
        "rules": _rules(graph, loaded),
        "word_vectors": _word_vectors(graph, loaded),
        "backbones": _backbones(graph, loaded),
    }
    return {kind: named for kind, named in found.items() if named}


def _presets(graph: SearchGraph) -> dict[str, dict[str, Any]]:
    """The shipped texts that the space was made of; every space has what trains any model."""
    chosen = [record.decision for record in graph.records if record.key == "space.preset"]
    names = [*chosen, "training"]
    return {name: {"sha256": _digest(PRESETS / f"{name}.yaml", name)} for name in names}


def _rules(graph: SearchGraph, loaded: LoadedSpec) -> dict[str, dict[str, Any]]:
    """The table of rules; none where the search takes no actions, or only those of the spec."""
    use = loaded.spec.rules.use
    if graph.rules is None or use == f"{PREFIX}none":
        return {}
    if use.startswith(PREFIX):
        return {use: {"sha256": _digest(builtin_file(use), use)}}
    return {use: _file(_path(loaded, use), use)}


def _word_vectors(graph: SearchGraph, loaded: LoadedSpec) -> dict[str, dict[str, Any]]:
    written = loaded.spec.space.embeddings
    found = {}
    for one in graph.vectors:
        file = written[one.name]
        # The digest is that of the bytes that were read, whatever has become of the file since.
        found[file] = {"bytes": _size(_path(loaded, file), file), "sha256": one.sha256}
    return found


def _backbones(graph: SearchGraph, loaded: LoadedSpec) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    facts: dict[str, Any]
    for node in walk(graph.model):
        if not isinstance(node, BackboneNode):
            continue
        if node.weights:
            path = _path(loaded, node.weights)
            facts = {"bytes": _size(path, node.name), "sha256": node.sha256}
            if node.hub is None:
                facts["manifest"] = _digest(path.with_name(MANIFEST), node.name)
        else:
            assert node.hub is not None, "weights are in a file or at a hub"
            facts = _hub(node.hub, graph.backend.kind)
        found[node.name] = facts
    return found


def _hub(hub: Hub, backend: str) -> dict[str, Any]:
    """The library that holds a network, its name there, and which weights of it are meant."""
    if backend != "pytorch":
        return {"hub": "keras.applications", "network": hub.name, "revision": "imagenet"}
    network, _, revision = hub.name.partition(".")
    return {"hub": "timm", "network": network, "revision": revision}


def _path(loaded: LoadedSpec, text: str) -> Path:
    """A path of the spec; that it may be read was seen to when it was."""
    return (loaded.source.path.resolve().parent / text).resolve()


def _file(path: Path, name: str) -> dict[str, Any]:
    return {"bytes": _size(path, name), "sha256": _digest(path, name)}


def _digest(path: Path, name: str) -> str:
    try:
        return sha256_of_file(path).removeprefix("sha256:")
    except OSError as error:
        raise _gone(name, error) from None


def _size(path: Path, name: str) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _gone(name, error) from None


def _gone(name: str, error: OSError) -> AutomlcError:
    return AutomlcError(
        f"{name} was read a moment ago and cannot be any more: {error.strerror or error}",
        "compile again when nothing changes the file",
    )
