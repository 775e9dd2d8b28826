"""The Keras backend: a graph to the files of a project, for TensorFlow, PyTorch or JAX below it."""

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
from automlc.backends.keras.layers import HELPERS
from automlc.backends.keras.model_writer import KerasWriter
from automlc.backends.literals import literal
from automlc.backends.rendering import renderer
from automlc.backends.train_view import train_view, training_modules
from automlc.compiler.graph import SearchGraph
from automlc.compiler.ops import Image, Tokens
from automlc.spec.model import Data

# What the emitted files import, with the oldest versions they are safe and tested with.
REQUIREMENTS = ("keras>=3.14", "numpy>=2.0", "safetensors>=0.5")
ENGINES = {"tensorflow": "tensorflow>=2.21", "torch": "torch>=2.10,<2.14", "jax": "jax>=0.6"}
OPTIONAL = ("onnx>=1.19", "onnxruntime>=1.22", "onnxscript>=0.5", "pytest>=8.4", "tf2onnx>=1.17")

_AXES = "N, H, W, C"
_TRAINING_FILES = (
    "train.py",
    "optimizers.py",
    "metrics.py",
    "feedback.py",
    "checkpoint.py",
    "export.py",
)
render = renderer("automlc.backends.keras")


def model_files(graph: SearchGraph, *, straight: bool) -> dict[str, str]:
    """engine.py, model.py and ops.py: for the space, or (`straight`) for what is fixed."""
    writer = KerasWriter(helpers={"initialize"}, unroll=straight)
    body = writer.write(graph.model, graph.input_shape, environment(graph))
    helpers = sorted(writer.helpers, key=HELPERS.index)
    bodies = ["\n".join(lines) for lines in writer.functions.values()]
    code = "\n".join([body, *bodies])
    named = [name for name in helpers if re.search(rf"\b{name}\(", code)] + ["initialize"]
    named.sort(key=HELPERS.index)
    is_text = isinstance(graph.input_shape, Tokens)
    used = ["keras", *(["layers"] if "layers." in code else [])]
    variables = {
        **model_words(graph, _AXES),
        "frozen": straight,
        "imports": f"{import_lines('engine', used)}\n{import_lines('ops', named)}",
        "input": literal(input_shape(graph)) + (', dtype="int32"' if is_text else ""),
        "initialized": "keras.Model(inputs, x)" + (", embeddings=0.1" if is_text else ""),
        "functions": zip(writer.functions, bodies, strict=True),
        "any": not straight or bool(bodies),
        "body": body,
    }
    pieces = [render(f"ops/{name}.py", {}).strip("\n") for name in helpers]
    return {
        "engine.py": render("engine.py", {"name": graph.name, "engine": graph.backend.engine}),
        "model.py": render("model.py", variables),
        "ops.py": render(
            "ops.py", {"name": graph.name, "imports": _ops_imports(pieces), "pieces": pieces}
        ),
    }


def input_shape(graph: SearchGraph) -> tuple[int, ...]:
    """The shape of one example as the model takes it: channels last."""
    shape = graph.input_shape
    if isinstance(shape, Image):
        return (shape.height, shape.width, shape.channels)
    return (shape.size(),)


def _ops_imports(pieces: list[str]) -> str:
    """The imports that the pieces of ops.py need."""
    text = "\n".join(pieces)
    lines = ["import hashlib"] if "hashlib." in text else []
    lines += ["from collections.abc import Callable"] if "Callable" in text else []
    lines += ["from pathlib import Path"] if "Path(" in text else []
    lines += ["from typing import Any"] if re.search(r"\bAny\b", text) else []
    third = ["import numpy as np"] if "np." in text else []
    third += ["import safetensors.numpy"] if "safetensors." in text else []
    lines += ["", *third] if third else []
    names = [name for name in ("keras", "layers", "ops") if re.search(rf"\b{name}\.", text)]
    return "\n".join([*lines, "", import_lines("engine", names)]).lstrip("\n")


def project_files(graph: SearchGraph, data: Data, source: str | None) -> dict[str, str]:
    """Every source file of a project; see backends/base.py."""
    engine = graph.backend.engine
    assert engine is not None, "the compiler settles the engine"
    view = {
        **train_view(graph),
        "stage_imports": "from engine import keras, layers",
        "engine": engine,
        "input_shape": input_shape(graph),
    }
    files = model_files(graph, straight=False)
    files |= data_file(graph, render, data, source, "numpy")
    files |= training_files(graph, render, (*_TRAINING_FILES, *training_modules(view)), view)
    files["requirements.txt"] = requirements(graph, [*REQUIREMENTS, ENGINES[engine]], OPTIONAL)
    return files | plain_files(graph, render, _words(engine), files)


def frozen_files(graph: SearchGraph, trial: Mapping[str, Any]) -> dict[str, str]:
    """Straight-line source of one configuration: model.py, ops.py, predict.py, what they need."""
    engine = graph.backend.engine
    assert engine is not None, "the compiler settles the engine"
    files = model_files(graph, straight=True)
    files["predict.py"] = render("predict.py", {**predict_words(graph, _AXES), "engine": engine})
    packages = sorted([*REQUIREMENTS, ENGINES[engine]])
    files["requirements.txt"] = "".join(f"{package}\n" for package in packages)
    return files | frozen_plain_files(graph, render, _words(engine), trial)


def _words(engine: str) -> dict[str, Any]:
    return {
        "framework": "Keras",
        "exports": ".keras, SavedModel and ONNX",
        "more_files": [
            ("engine.py", f"names Keras's engine ({engine}) and sets it up"),
            ("optimizers.py", "optimizers, by PyTorch's formulas"),
        ],
    }
