"""What the emitters share: the names of a graph as code, and the files that name no framework."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from automlc.backends.code import Code
from automlc.backends.data_view import data_view
from automlc.backends.data_view import requirements as data_requirements
from automlc.backends.literals import assignment, literal
from automlc.backends.rendering import Render
from automlc.compiler.contracts.contract import ClassTarget
from automlc.compiler.costing import input_env
from automlc.compiler.graph import SearchGraph
from automlc.compiler.ops import Image
from automlc.spec.domains import Choice, Domain, Fixed, Float
from automlc.spec.expressions import Scalar
from automlc.spec.model import Data

RUFF = 'src = ["."]\n'  # tells linters which imports are the project's own


def environment(graph: SearchGraph) -> dict[str, Any]:
    """What is known of each name: constants where fixed, `config[...]` where searched."""
    env = input_env(graph.input_shape, graph.outputs)
    env["regression"] = graph.task.kind.endswith("regression")
    for parameter in graph.space.parameters:
        domain = parameter.domain
        env[parameter.name] = (
            domain.value
            if isinstance(domain, Fixed)
            else Code(f"config[{literal(parameter.name)}]", whole=_is_whole(domain))
        )
    return env


def _is_whole(domain: Domain) -> bool:
    """Whether no value of a domain is a float."""
    if isinstance(domain, Choice):
        return not any(isinstance(value, float) for value in domain.values)
    return not isinstance(domain, Float)


def model_words(graph: SearchGraph, image_axes: str) -> dict[str, Any]:
    """What the model takes and gives, in words."""
    image = isinstance(graph.input_shape, Image)
    classification = graph.task.kind.endswith("classification")
    return {
        "name": graph.name,
        "takes": f"images [{image_axes}] with values from 0 to 1" if image else "rows [N, columns]",
        "gives": f"logits [N, {graph.outputs}]" if classification else "predictions [N, 1]",
    }


def predict_words(graph: SearchGraph, image_axes: str) -> dict[str, Any]:
    """What predict.py takes and answers, in words."""
    target = graph.contract.target
    return {
        "takes": f"images [{image_axes}]: bytes, or numbers from 0 to 1"
        if isinstance(graph.input_shape, Image)
        else "rows [N, columns]: numbers first, then category codes, as data.py makes them",
        "classes": assignment("CLASSES", target.classes)
        if isinstance(target, ClassTarget)
        else "OUTPUTS = 1",
        "classification": isinstance(target, ClassTarget),
        "answer": "The class" if isinstance(target, ClassTarget) else "The number",
    }


def import_lines(module: str, names: Sequence[str]) -> str:
    """`from module import a, b`, broken where it is too long for a line."""
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= 88:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


def pieces_of(
    helpers: Sequence[str], order: Sequence[str], needs: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """The pieces of ops.py: those that model.py imports, and those that they call."""
    wanted = {*helpers, *(other for name in helpers for other in needs.get(name, ()))}
    assert all({*needs.get(name, ())} <= wanted for name in wanted)
    return [name for name in order if name in wanted]


def trial_json(graph: SearchGraph, config: Mapping[str, Scalar]) -> str:
    """A configuration as `train.py --config` takes it."""
    trial = {
        "config": dict(config),
        "seed": graph.seed,
        "epochs": graph.budget.epochs,
        "device": graph.backend.device,
        "precision": graph.backend.precision,
        "threads": graph.backend.threads or 1,
    }
    return json.dumps(trial, indent=2, sort_keys=True, allow_nan=False) + "\n"


def requirements(graph: SearchGraph, framework: Sequence[str], optional: Sequence[str] = ()) -> str:
    """requirements.txt: the framework, what data.py imports, and what tests and exports need."""
    lines = sorted([*framework, *data_requirements(graph.contract)])
    if optional:
        lines.append("# for export.py and test_project.py:")
        lines += [f"# {line}" for line in optional]
    return "".join(f"{line}\n" for line in lines)


def data_file(
    graph: SearchGraph, render: Render, data: Data, source: str | None, arrays: str
) -> dict[str, str]:
    """data.py; `arrays` as data_view takes it, the rest as project_files of an emitter."""
    view = data_view(graph.contract, data, graph.seed, source, arrays)
    return {"data.py": render("data.py", view)}


def training_files(
    graph: SearchGraph, render: Render, names: Sequence[str], view: Mapping[str, Any]
) -> dict[str, str]:
    """The files that train, by the templates of a backend, and the tests of the project."""
    config = graph.space.default_config()
    costs = graph.costs.evaluate(config)
    tests = {**view, "config": assignment("CONFIG", config), "costs": costs}
    return {
        **{name: render(name, view) for name in names},
        "test_project.py": render("test_project.py", tests),
    }


def plain_files(
    graph: SearchGraph, render: Render, words: Mapping[str, Any], files: Mapping[str, str]
) -> dict[str, str]:
    """The files of a project that look the same in every framework."""
    from automlc import __version__

    readme = {"name": graph.name, "version": __version__, "has_ops": "ops.py" in files, **words}
    return {
        "search.py": render("search.py", readme),
        "README.md": render("README.md", readme),
        "default.json": trial_json(graph, graph.space.default_config()),
        "ruff.toml": RUFF,
    }


def frozen_plain_files(
    graph: SearchGraph, render: Render, words: Mapping[str, Any], trial: Mapping[str, Any]
) -> dict[str, str]:
    """The same for the source of one configuration."""
    from automlc import __version__

    readme = {"name": graph.name, "version": __version__, **words}
    return {
        "README.md": render("frozen_README.md", readme),
        "config.json": json.dumps(dict(trial), indent=2, sort_keys=True) + "\n",
        "ruff.toml": RUFF,
    }
