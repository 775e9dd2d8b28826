"""The PyTorch backend: a graph to the files of a project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from automlc.backends.code import Code
from automlc.backends.literals import assignment, literal
from automlc.backends.pytorch.layers import HELPERS
from automlc.backends.pytorch.model_writer import ModelWriter
from automlc.backends.pytorch.view import train_view
from automlc.compiler.contracts.contract import ClassTarget
from automlc.compiler.costing import input_env
from automlc.compiler.graph import SearchGraph
from automlc.compiler.ops import Image
from automlc.spec.domains import Choice, Domain, Fixed, Float
from automlc.spec.expressions import Scalar

# What the emitted files import, with the oldest versions they are safe and tested with.
REQUIREMENTS = ("numpy>=2.0", "safetensors>=0.5", "torch>=2.10,<2.14")

_TRAINING_FILES = (
    "train.py",
    "metrics.py",
    "feedback.py",
    "checkpoint.py",
    "export.py",
    "search.py",
)


@cache
def templates() -> jinja2.Environment:
    """Templates print literals through `py`; a name that is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("automlc.backends.pytorch", "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # the output is Python, and values go through `py`
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["py"] = literal
    return environment


def render(name: str, variables: Mapping[str, Any]) -> str:
    """One file from its template."""
    return templates().get_template(f"{name}.jinja").render(variables)


def model_files(graph: SearchGraph, *, straight: bool) -> dict[str, str]:
    """model.py and, where needed, ops.py: for the space, or (`straight`) for what is fixed."""
    env = _environment(graph)
    writer = ModelWriter()
    body = writer.write(graph.model, graph.input_shape, env)
    helpers = [name for name in HELPERS if name in writer.helpers]
    image = isinstance(graph.input_shape, Image)
    count = graph.outputs
    classification = graph.task.kind.endswith("classification")
    files = {
        "model.py": render(
            "model.py",
            {
                "name": graph.name,
                "frozen": straight,
                "helpers": helpers,
                "helper_line": ", ".join(helpers),
                "body": body,
                "takes": "images [N, C, H, W] with values from 0 to 1"
                if image
                else "rows [N, columns]",
                "gives": f"logits [N, {count}]" if classification else "predictions [N, 1]",
            },
        )
    }
    if helpers:
        pieces = [render(f"ops/{name}.py", {}).strip("\n") for name in helpers]
        files["ops.py"] = render("ops.py", {"name": graph.name, "pieces": pieces})
    return files


def _environment(graph: SearchGraph) -> dict[str, Any]:
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


def project_files(graph: SearchGraph, data: Mapping[str, Any]) -> dict[str, str]:
    """Every source file of a project; `data` are the variables of data.py's template."""
    from automlc import __version__

    view = train_view(graph)
    files = model_files(graph, straight=False)
    files["data.py"] = render("data.py", data)
    for name in _TRAINING_FILES:
        files[name] = render(name, view)
    config = graph.space.default_config()
    files["test_project.py"] = render(
        "test_project.py",
        {
            **view,
            "config": assignment("CONFIG", config),
            "costs": graph.costs.evaluate(config),
        },
    )
    files["default.json"] = trial_json(graph, config)
    files["ruff.toml"] = 'src = ["."]\n'
    files["requirements.txt"] = "".join(f"{line}\n" for line in requirements(graph))
    has_ops = "ops.py" in files
    files["README.md"] = render(
        "README.md",
        {"name": graph.name, "version": __version__, "frozen": False, "has_ops": has_ops},
    )
    return files


def frozen_files(graph: SearchGraph, trial: Mapping[str, Any]) -> dict[str, str]:
    """Straight-line source of one configuration: model.py, ops.py, predict.py, what they need."""
    from automlc import __version__

    files = model_files(graph, straight=True)
    image = isinstance(graph.input_shape, Image)
    target = graph.contract.target
    classification = isinstance(target, ClassTarget)
    takes = (
        "images [N, C, H, W]: bytes, or numbers from 0 to 1"
        if image
        else ("rows [N, columns]: numbers first, then category codes, as data.py makes them")
    )
    classes = assignment("CLASSES", target.classes) if isinstance(target, ClassTarget) else ""
    files["predict.py"] = render(
        "predict.py",
        {
            "takes": takes,
            "classes": classes or "OUTPUTS = 1",
            "classification": classification,
            "answer": "The class" if classification else "The number",
        },
    )
    files["config.json"] = json.dumps(dict(trial), indent=2, sort_keys=True) + "\n"
    files["requirements.txt"] = "".join(f"{line}\n" for line in sorted(REQUIREMENTS))
    files["ruff.toml"] = 'src = ["."]\n'
    files["README.md"] = render("frozen_README.md", {"name": graph.name, "version": __version__})
    return files


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


def requirements(graph: SearchGraph) -> list[str]:
    """requirements.txt: what data.py, model.py and train.py import, and export and tests need."""
    reading = {
        "builtin": ["scikit-learn>=1.6"],
        "csv": ["pandas>=2.2.3"],
        "parquet": ["pandas>=2.2.3", "pyarrow>=18"],
        "image_folder": ["pillow>=11"],
        "npz": [],
    }[graph.contract.storage.kind]
    optional = ["onnx>=1.19", "onnxruntime>=1.22", "onnxscript>=0.5", "pytest>=8.4"]
    return [
        *sorted([*REQUIREMENTS, *reading]),
        "# for export.py --format onnx and for test_project.py:",
        *(f"# {line}" for line in optional),
    ]
