"""The presets that are shipped: texts like the space of a spec, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path

from automlc.compiler.architecture import Block
from automlc.compiler.ops import OPS
from automlc.compiler.problems import Problems
from automlc.spec.declarations import ParameterDecl, read_declaration
from automlc.spec.expressions import Expr, Scalar
from automlc.spec.record import record
from automlc.spec.yaml_nodes import (
    MappingNode,
    Node,
    SequenceNode,
    parse_yaml,
    to_plain,
)

PRESETS = ("image/blocks", "tabular/mlp", "text/blocks")
TRAINING = "training"
SHIPPED = (*PRESETS, TRAINING)
TEXT = "text/blocks"
DEFAULT_PRESETS = {"image": "image/blocks", "tabular": "tabular/mlp", "text": TEXT}


@record
class Preset:
    """A search space shipped as a text."""

    name: str
    tasks: tuple[str, ...]
    parameters: Mapping[str, ParameterDecl]
    blocks: Mapping[str, Block]
    model: SequenceNode | None
    forbid: tuple[Expr, ...] = ()
    groups: Mapping[str, Node] = field(default_factory=dict)
    """The declarations of each group, which `groups_of` reads."""
    neutral: Mapping[str, Scalar] = field(default_factory=dict)
    """Values of names of the model that only a group makes parameters."""
    starts: tuple[Mapping[str, Scalar], ...] = ()
    """What differs from the defaults in smaller models that learn well, the larger first."""


@cache
def load_preset(name: str) -> Preset:
    """A shipped preset by name; presets are checked by tests, so mistakes in them are bugs."""
    # Not importlib.resources: importing it takes as long as reading the preset.
    file = Path(__file__).parent / "presets" / f"{name}.yaml"
    root, found = parse_yaml(file.read_text(encoding="utf-8"), name)
    assert not found, f"the preset {name} is broken: {found}"
    assert isinstance(root, MappingNode)
    problems = Problems()
    parameters, groups = root.get("parameters"), root.get("expand")
    declared = _declarations(parameters, name)
    listed = groups.items if isinstance(groups, MappingNode) else ()
    blocks = root.get("blocks")
    read = read_blocks(blocks, problems) if isinstance(blocks, MappingNode) else {}
    model = root.get("model")
    tasks, neutral, starts = root.get("tasks"), root.get("neutral"), root.get("starts")
    return Preset(
        name,
        tuple(to_plain(tasks)) if tasks is not None else (),
        declared,
        read,
        model if isinstance(model, SequenceNode) else None,
        groups={key.text: node for key, node in listed},
        neutral=to_plain(neutral) if neutral is not None else {},
        starts=tuple(to_plain(starts)) if starts is not None else (),
    )


def _declarations(node: Node | None, name: str) -> dict[str, ParameterDecl]:
    """The parameters that a preset declares in one place."""
    assert isinstance(node, MappingNode), f"the preset {name}: parameters are a mapping"
    declared: dict[str, ParameterDecl] = {}
    for key, value in node.items:
        declaration, mistakes = read_declaration(value, key.text)
        assert declaration is not None, f"the preset {name}: {mistakes}"
        declared[key.text] = declaration
    return declared


def read_blocks(node: MappingNode, problems: Problems) -> dict[str, Block]:
    """`name: {args: [a, b], body: [layers]}`, or `name: [layers]`, of a spec or a preset."""
    blocks: dict[str, Block] = {}
    for key, value in node.items:
        name = key.text
        if name in OPS.names():
            problems.add(
                "E329", f"{name} is an operation; a block needs its own name", key.span,
                hint=f"call it my_{name}, here and where it is used",
            )  # fmt: skip
            continue
        if isinstance(value, SequenceNode):
            blocks[name] = Block((), value)
            continue
        body = value.get("body") if isinstance(value, MappingNode) else None
        args = value.get("args") if isinstance(value, MappingNode) else None
        words = to_plain(args) if args is not None else []
        fits = isinstance(words, list) and all(isinstance(w, str) for w in words)
        if not isinstance(body, SequenceNode) or not fits:
            problems.add(
                "E329",
                f"the block {name} is `{{args: [names], body: [layers]}}`",
                key.span,
                hint=f"write {name}: [layers], or {name}: {{args: [width], body: [layers]}}",
            )
            continue
        blocks[name] = Block(tuple(words), body)
    return blocks


def modality(task: str) -> str:
    """What goes in: image, tabular or text."""
    return task.partition("_")[0]


def default_preset(task: str) -> str:
    """The preset of a task when the spec gives neither a preset nor a model."""
    return DEFAULT_PRESETS[modality(task)]


def groups_of(preset: Preset | None) -> dict[str, dict[str, ParameterDecl]]:
    """What `space.expand` may name: the groups of training and of the preset, joined by name."""
    found: dict[str, dict[str, ParameterDecl]] = {}
    for source in filter(None, (load_preset(TRAINING), preset)):
        for name, node in source.groups.items():
            found.setdefault(name, {}).update(_declarations(node, source.name))
    return found
