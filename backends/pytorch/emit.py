"""The PyTorch backend: a graph to the files of a project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from automlc.backends.common import (
    data_file,
    environment,
    frozen_plain_files,
    import_lines,
    model_words,
    plain_files,
    predict_words,
    requirements,
    training_files,
)
from automlc.backends.pytorch.layers import HELPERS
from automlc.backends.pytorch.model_writer import PyTorchWriter
from automlc.backends.rendering import renderer
from automlc.backends.train_view import train_view, training_modules
from automlc.compiler.architecture import BackboneNode, walk
from automlc.compiler.graph import SearchGraph
from automlc.spec.model import Data

# What the emitted files import, with the oldest versions they are safe and tested with.
REQUIREMENTS = ("numpy>=2.0", "safetensors>=0.5", "torch>=2.10,<2.14")
OPTIONAL = ("onnx>=1.19", "onnxruntime>=1.22", "onnxscript>=0.5", "pytest>=8.4")

_AXES = "N, C, H, W"
_WORDS = {"framework": "PyTorch", "exports": "ONNX and torch.export", "more_files": []}
_TRAINING_FILES = ("train.py", "metrics.py", "feedback.py", "checkpoint.py", "export.py")
render = renderer("automlc.backends.pytorch")


def model_files(graph: SearchGraph, *, straight: bool) -> dict[str, str]:
    """model.py and, where needed, ops.py: for the space, or (`straight`) for what is fixed."""
    writer = PyTorchWriter()
    body = writer.write(graph.model, graph.input_shape, environment(graph))
    helpers = [name for name in HELPERS if name in writer.helpers]
    backbone = ["Backbone"] if "Backbone" in helpers else []
    named = sorted({*backbone, *(n for n in helpers if re.search(rf"\b{n}\b", body))}, key=_sorted)
    variables = {
        **model_words(graph, _AXES),
        "frozen": straight,
        "imports": import_lines("ops", named) if helpers else "",
        "backbone": "Backbone" in writer.helpers,
        "body": body,
    }
    files = {"model.py": render("model.py", variables)}
    if helpers:
        pieces = [render(f"ops/{name}.py", {}).strip("\n") for name in helpers]
        functional = any(re.search(r"\bF\.", piece) for piece in pieces)
        words = {"name": graph.name, "pieces": pieces, "functional": functional}
        words["imports"] = _ops_imports(pieces)
        files["ops.py"] = render("ops.py", words)
    return files


def _sorted(name: str) -> tuple[bool, bool, str]:
    """Constants, classes, functions: the order in which linters want names imported."""
    return (not name.isupper(), not name[0].isupper(), name)


def _ops_imports(pieces: list[str]) -> str:
    """What the pieces of ops.py need beside torch; empty for most."""
    text = "\n".join(pieces)
    own = ["import hashlib", "from pathlib import Path"] if "hashlib." in text else []
    own += ["from typing import Any"] if re.search(r"\bAny\b", text) else []
    own += [""] if own else []
    return "\n".join([*own, *(["import safetensors.torch"] if "safetensors." in text else [])])


def _requirements(graph: SearchGraph) -> tuple[str, ...]:
    """What the files import; networks of timm need it."""
    hub = any(isinstance(n, BackboneNode) and n.hub is not None for n in walk(graph.model))
    return (*REQUIREMENTS, "timm>=1.0") if hub else REQUIREMENTS


def project_files(graph: SearchGraph, data: Data, source: str | None) -> dict[str, str]:
    """Every source file of a project; see backends/base.py."""
    view = {**train_view(graph), "stage_imports": "from torch import nn"}
    files = model_files(graph, straight=False)
    files |= data_file(graph, render, data, source, "torch")
    files |= training_files(graph, render, (*_TRAINING_FILES, *training_modules(view)), view)
    files["requirements.txt"] = requirements(graph, _requirements(graph), OPTIONAL)
    return files | plain_files(graph, render, _WORDS, files)


def frozen_files(graph: SearchGraph, trial: Mapping[str, Any]) -> dict[str, str]:
    """Straight-line source of one configuration: model.py, ops.py, predict.py, what they need."""
    files = model_files(graph, straight=True)
    files["predict.py"] = render("predict.py", predict_words(graph, _AXES))
    files["requirements.txt"] = "".join(f"{line}\n" for line in _requirements(graph))
    return files | frozen_plain_files(graph, render, _WORDS, trial)
