"""What the templates print: facts of a graph as flat values. Templates do not decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automlc.backends.literals import literal
from automlc.compiler.contracts.contract import ImageInput, TextInput
from automlc.compiler.graph import SearchGraph
from automlc.spec.domains import Choice, Fixed
from automlc.spec.errors import AutomlcError

# Where a training parameter has no value (it may be conditional), this is used.
FALLBACK = {
    "weight_decay": 0.0,
    "momentum": 0.0,
    "warmup": 0.0,
    "label_smoothing": 0.0,
    "clip_norm": 0.0,
}


# The class of each optimizer: a backend has or writes one of that name, by the same formulas.
OPTIMIZERS = {
    "adam": "Adam",
    "adamw": "AdamW",
    "nadam": "NAdam",
    "rmsprop": "RMSprop",
    "sgd": "SGD",
}

# The formula of each schedule; `progress` runs from 0 to 1 once the warm-up is over.
SCHEDULES = {
    "constant": "1.0",
    "cosine": "0.5 * (1 + math.cos(math.pi * progress))",
    "linear": "1 - progress",
}


def train_view(graph: SearchGraph) -> dict[str, Any]:
    """Variables of the templates that train.

    Raises AutomlcError for an optimizer or a schedule that no template can write.
    """

    def get(name: str) -> str:
        """The source text that reads a training parameter."""
        if name in graph.space and graph.space[name].when is None:
            return f'config["{name}"]'
        return f'config.get("{name}", {literal(FALLBACK[name])})'

    clip = graph.space["clip_norm"].domain if "clip_norm" in graph.space else Fixed(0.0)
    return {
        "name": graph.name,
        "classification": graph.task.kind.endswith("classification"),
        "image": isinstance(graph.contract.input, ImageInput),
        "text": isinstance(graph.contract.input, TextInput),
        "metric": graph.task.metric,
        "goal": graph.task.goal,
        "optimizers": words(graph, "optimizer", OPTIMIZERS),
        "classes": OPTIMIZERS,
        "schedules": words(graph, "schedule", SCHEDULES),
        "schedule_code": SCHEDULES,
        "clips": clip != Fixed(0.0),
        "get": get,
        "pad": lambda loop: "" if loop.last else "    ",
        "outputs": graph.outputs,
    }


def words(graph: SearchGraph, name: str, known: Mapping[str, str]) -> list[str]:
    """The values of a parameter that names something this backend must write."""
    domain = graph.space[name].domain if name in graph.space else Fixed(next(iter(known)))
    values = domain.values if isinstance(domain, Choice) else (domain.default(),)
    for value in values:
        if value not in known:
            raise AutomlcError(
                f"no {name} is called {value!r}", f"known: {', '.join(known)}", exit_code=1
            )
    return [str(value) for value in values]
