"""What the templates print: facts of a graph as flat values. Templates do not decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from automlc.backends.literals import literal
from automlc.compiler.architecture import BackboneNode, walk
from automlc.compiler.contracts.contract import ImageInput, TextInput
from automlc.compiler.graph import SearchGraph
from automlc.runtime.training import FALLBACK
from automlc.spec.domains import Choice, Fixed
from automlc.spec.errors import AutomlcError

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
    "polynomial": "1 - (1 - last_share(config)) * progress",
}

# The variance of a first kernel times its fan, and which fan: the numbers that a unit takes, or the
# mean of those and of what it gives to (LeCun 1998, Glorot 2010, He 2015; the formulas of Keras).
INITIALIZERS = {
    "default": None,
    "he_uniform": (2.0, "in"),
    "he_normal": (2.0, "in"),
    "lecun_uniform": (1.0, "in"),
    "lecun_normal": (1.0, "in"),
    "glorot_uniform": (1.0, "mean"),
    "glorot_normal": (1.0, "mean"),
}

# How many stages a training has, and what the first one may freeze, in words.
STEPS = dict.fromkeys(("one", "two", "three"), "")
FREEZE = {
    "all": "all but the head",
    "bn": "normalization layers",
    "no": "nothing",
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
    steps = words(graph, "steps", STEPS)
    initializers = words(graph, "initializer", INITIALIZERS)
    optimizers = words(graph, "optimizer", OPTIMIZERS)
    # The first stages of a training in steps use Adam, whatever the space offers.
    optimizers += ["adam"] if steps != ["one"] and "adam" not in optimizers else []
    return {
        "name": graph.name,
        "classification": graph.task.kind.endswith("classification"),
        "image": isinstance(graph.contract.input, ImageInput),
        "text": isinstance(graph.contract.input, TextInput),
        "metric": graph.task.metric,
        "goal": graph.task.goal,
        "optimizers": optimizers,
        "classes": OPTIMIZERS,
        "schedules": words(graph, "schedule", SCHEDULES),
        "schedule_code": SCHEDULES,
        "steps": steps,
        "stages": steps != ["one"],
        "backbones": any(isinstance(node, BackboneNode) for node in walk(graph.model)),
        "vectors": graph.vectors,
        "freezing": freezing(graph, steps),
        "freezes": ", ".join(f"{FREEZE[w]} ({w})" for w in [*freezing(graph, steps), "no"]),
        "initializers": {name: INITIALIZERS[name] for name in initializers if name != "default"},
        "clips": clip != Fixed(0.0),
        "probe_rows": graph.monitor.probe,
        "get": get,
        "pad": lambda loop: "" if loop.last else "    ",
        "outputs": graph.outputs,
    }


def freezing(graph: SearchGraph, steps: Sequence[str]) -> list[str]:
    """What the stages of a training may freeze."""
    found = words(graph, "step_freeze", FREEZE) if "two" in steps else []
    found += ["all"] if "three" in steps else []
    return [word for word in ("all", "bn") if word in found]


def training_modules(view: Mapping[str, Any]) -> tuple[str, ...]:
    """The files that a project has only where its space asks for them."""
    stages = ("stages.py",) if view["stages"] else ()
    drawn = ("initializers.py",) if view["initializers"] else ()
    return (*stages, *drawn, *(("vectors.py",) if view["vectors"] else ()))


def words(graph: SearchGraph, name: str, known: Mapping[str, Any]) -> list[str]:
    """The values of a parameter that names something this backend must write."""
    domain = graph.space[name].domain if name in graph.space else Fixed(next(iter(known)))
    values = domain.values if isinstance(domain, Choice) else (domain.default(),)
    for value in values:
        if value not in known:
            raise AutomlcError(
                f"no {name} is called {value!r}", f"known: {', '.join(known)}", exit_code=1
            )
    return [str(value) for value in values]
