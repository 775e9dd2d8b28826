"""Specs and configurations that the compiler's tests share."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import Any

from automlc.compiler.checks import run_passes
from automlc.compiler.contracts.contract import (
    Category,
    ClassTarget,
    DataContract,
    ImageInput,
    NumberTarget,
    Rows,
    Storage,
    TableInput,
    TextInput,
)
from automlc.compiler.draft import Draft
from automlc.compiler.graph import SearchGraph
from automlc.compiler.shipped import DEFAULT_PRESETS, groups_of, load_preset
from automlc.spec.load import load_text

INPUTS = {
    "digits": ImageInput(8, 8, 1),
    "color": ImageInput(32, 32, 3),
    "odd": ImageInput(27, 19, 3),
    "large": ImageInput(96, 128, 3),
    "numbers": TableInput(tuple(f"x{i}" for i in range(10))),
    "mixed": TableInput(
        ("a", "b"), (Category("c", ("u", "v")), Category("d", tuple("abcdefghijklmnopqrstuvwxyz")))
    ),
    "text": TextInput(("body",), 21, 90),
}
CLASSES = ClassTarget(tuple(range(7)), (9,) * 7)
NUMBER = NumberTarget(-1.0, 4.0, 1.0)


def storage(name: str) -> Storage:
    """How data of that input would lie on disk."""
    if name in ("mixed", "text"):
        return Storage("csv", 63, details={"delimiter": ",", "target": "y"})
    details = {"features": "x_train", "labels": "y_train", "axes": "NHWC"}
    if name == "numbers":
        details |= {"axes": "NF", "columns": "10"}
    return Storage("npz", 63, details=details)


def contract(name: str, regression: bool) -> DataContract:
    """A contract of that input, without data behind it."""
    return DataContract(
        source="made.npz",
        format="table" if name in ("mixed", "text") else "npz",
        fingerprint="sha256:0",
        input=INPUTS[name],
        target=NUMBER if regression else CLASSES,
        rows=Rows(40, 10, 13),
        storage=storage(name),
    )


def graph(text: str, input_name: str, regression: bool = False) -> SearchGraph:
    """The graph of a spec over a made-up contract; fails on any diagnostic."""
    draft = run_passes(Draft(load_text(text, "task.yaml"), contract(input_name, regression)))
    assert not draft.problems.errors, draft.problems.errors
    return draft.graph()


def kind_of(input_name: str) -> str:
    """What goes in: image, tabular or text."""
    kinds = {ImageInput: "image", TableInput: "tabular", TextInput: "text"}
    return kinds[type(INPUTS[input_name])]


@cache
def preset_graph(
    input_name: str, regression: bool, groups: tuple[str, ...] = (), constraint: str = ""
) -> SearchGraph:
    kind = kind_of(input_name)
    task = f"{kind}_{'regression' if regression else 'classification'}"
    return graph(
        f"automlc: 1\nname: made\ntask: {{kind: {task}}}\ndata: {{source: made.npz}}\n"
        f"constraints: [{constraint}]\nspace: {{expand: [{', '.join(groups)}]}}\n",
        input_name,
        regression,
    )


def groups_for(input_name: str) -> tuple[str, ...]:
    """Every group that `space.expand` may name for that input."""
    return tuple(groups_of(load_preset(DEFAULT_PRESETS[kind_of(input_name)])))


def with_backend(found: SearchGraph, kind: str, engine: str | None = None) -> SearchGraph:
    """The same graph for another backend."""
    return replace(found, backend=replace(found.backend, kind=kind, engine=engine))


def sample(found: SearchGraph, seed: int) -> dict[str, Any]:
    """A random configuration of a graph's space."""
    return found.space.sample(random.Random(seed))
