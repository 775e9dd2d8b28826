"""Graphs over images with backbones of a spec that lies in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from automlc.compiler.checks import run_passes
from automlc.compiler.contracts.contract import ImageInput
from automlc.compiler.draft import Draft
from automlc.compiler.graph import SearchGraph
from automlc.spec.load import load_text
from tests.compiler.spaces import contract


def hub_draft(
    folder: Path,
    backbones: Sequence[str],
    kind: str,
    engine: str | None = None,
    size: tuple[int, int, int] = (32, 32, 3),
    more: str = "",
) -> Draft:
    """The draft after all passes, with its problems; `size` is height, width, channels."""
    names = ", ".join(f'"{name}"' for name in backbones)
    backend = f"{{kind: {kind}, engine: {engine}}}" if engine else kind
    text = (
        "automlc: 1\nname: made\ntask: {kind: image_classification}\ndata: {source: made.npz}\n"
        f"space:\n  backbones: [{names}]\n{more}backend: {backend}\n"
    )
    loaded = load_text(text, str(folder / "task.yaml"))
    made = replace(contract("color", False), input=ImageInput(*size))
    return run_passes(Draft(loaded, made))


def hub_graph(
    folder: Path,
    backbones: Sequence[str],
    kind: str,
    engine: str | None = None,
    size: tuple[int, int, int] = (32, 32, 3),
) -> SearchGraph:
    """The graph; fails on any error."""
    draft = hub_draft(folder, backbones, kind, engine, size)
    assert not draft.problems.errors, draft.problems.errors
    return draft.graph()
