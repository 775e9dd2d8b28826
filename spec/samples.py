"""What may be written for a key: the samples that hints about missing and wrong sections show."""

from __future__ import annotations

from automlc.spec.keys import find
from automlc.spec.yaml_nodes import Node, ScalarNode

SAMPLES = {
    "automlc": "automlc: 1",
    "task": "task: {kind: image_classification}",
    "data": "data: {source: builtin:digits}",
    "task.kind": "kind: image_classification",
    "data.source": "source: builtin:digits",
    "data.columns": "columns: {age: number, city: category}",
    "data.missing": "missing: {number: mean}",
    "data.split": "split: {validation: 20%, test: 20%}",
    "data.image": "image: {size: [32, 32]}",
    "budget": "budget: {trials: 20, epochs: 10}",
    "search": "search: tpe",
    "stopping": "stopping: asha",
    "backend": "backend: pytorch",
    "space": "space: {preset: image/blocks}",
    "seed": "seed: 3",
    "name": "name: digits",
    "constraints": "constraints: [model.size <= 5MB]",
    "rules": "rules: builtin/dream",
    "task.metric": "metric: accuracy",
    "budget.trials": "trials: 20",
    "budget.epochs": "epochs: 10",
    "budget.wall": "wall: 2h",
    "budget.memory": "memory: 4GB",
}

# What else suits a kind of task, for a spec that names no source.
_SOURCES = {
    "tabular_classification": "builtin:breast_cancer",
    "tabular_regression": "builtin:diabetes",
    "text_classification": "reviews.csv, target: label",
    "text_regression": "reviews.csv, target: stars",
    "image_regression": "images.npz",
}


def sample(key: str, root: Node) -> str:
    """What may be written for a key that is missing."""
    found = find(root, ("task", "kind"))
    kind = found[1].text if found and isinstance(found[1], ScalarNode) else ""
    if key not in ("data", "data.source") or kind not in _SOURCES:
        return SAMPLES.get(key, f"{key.rpartition('.')[2]}: …")
    source = f"source: {_SOURCES[kind]}"
    return source if key == "data.source" else f"data: {{{source}}}"
