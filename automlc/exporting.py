"""Exports the best model of a run, and refuses what does not answer as the trained model does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automlc.backends.project import write_files
from automlc.backends.pytorch.emit import frozen_files
from automlc.compiler.graph import SearchGraph
from automlc.runtime.run import verify_project
from automlc.runtime.trial import sha256_of
from automlc.runtime.view import RunView
from automlc.spec.errors import AutomlcError

FORMATS = ("source", "onnx", "torch-export", "weights")
_SUFFIX = {"onnx": "model.onnx", "torch-export": "model.pt2", "weights": "weights.safetensors"}
_NEEDS = {"onnx": ("onnx", "onnxruntime", "onnxscript")}


@dataclass(frozen=True)
class Export:
    """What was written, and how its answers compare with the trained model's.

    `largest_difference` is over `samples` validation rows, in the units of the model's outputs;
    None for `weights`, which are a copy with the same digest.
    """

    path: Path
    format: str
    largest_difference: float | None
    samples: int


def export(run: str | Path | None, format_: str, out: Path | None = None) -> Export:
    """Write the best model of a run as `source`, `onnx`, `torch-export` or `weights`.

    Raises AutomlcError where there is no best model, where a package is missing, or where the
    export answers differently than the trained model (the file is then removed).
    """
    if format_ not in FORMATS:
        raise AutomlcError(f"no format is called {format_!r}", f"known: {', '.join(FORMATS)}")
    _require(format_)
    with RunView.open(run) as view:
        folder, meta = view.folder, view.meta
    config, weights = folder / "best" / "config.json", folder / "best" / "weights.safetensors"
    if not config.exists() or not weights.exists():
        raise AutomlcError(
            f"{folder} has no best model yet",
            f"finish the run first: automlc run {folder} --resume",
        )
    target = out or folder / "export" / _SUFFIX.get(format_, "source")
    if format_ == "weights":
        return _copy_weights(weights, target)
    if format_ == "source":
        return _export_source(folder, meta, config, weights, target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AutomlcError(f"{target} cannot be written: {error.strerror or error}") from error
    if target.is_dir():
        raise AutomlcError(f"{target} is a folder", "name a file with -o FILE")
    return _checked(_run_export(folder, meta, format_, config, weights, target), target, format_)


def _require(format_: str) -> None:
    from importlib.util import find_spec

    missing = [name for name in _NEEDS.get(format_, ()) if find_spec(name) is None]
    if missing:
        raise AutomlcError(
            f"exporting {format_} needs {', '.join(missing)}",
            "install it: pip install 'automlc[onnx]'",
        )


def _copy_weights(weights: Path, target: Path) -> Export:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(weights, target)
    except OSError as error:
        raise AutomlcError(f"{target} cannot be written: {error.strerror or error}") from error
    if sha256_of(weights) != sha256_of(target):
        raise AutomlcError(f"{target} differs from {weights} after copying")
    return Export(target, "weights", None, 0)


def _export_source(
    folder: Path, meta: Mapping[str, Any], config: Path, weights: Path, target: Path
) -> Export:
    # Its names are written into source: they must be the compiler's.
    verify_project(folder / "project", tuple(meta.get("allow_code") or ()))
    graph = SearchGraph.from_json(_read(folder / "project" / "graph.json"))
    trial = _read(config)
    if not isinstance(trial, dict) or not isinstance(trial.get("config"), dict):
        raise AutomlcError(f"{config} is damaged: it holds no configuration")
    files = frozen_files(graph.freeze(trial["config"]), trial)
    write_files(target, files)
    shutil.copyfile(weights, target / "weights.safetensors")
    return _checked(_run_export(folder, meta, "source", config, weights, target), target, "source")


def _run_export(
    folder: Path, meta: Mapping[str, Any], format_: str, config: Path, weights: Path, target: Path
) -> dict[str, Any]:
    """The project's own export.py in a process of its own; its last line is the comparison."""
    project = folder / "project"
    verify_project(project, tuple(meta.get("allow_code") or ()))
    command = [sys.executable, "export.py", "--format", format_]
    command += ["--config", str(config.resolve()), "--weights", str(weights.resolve())]
    command += ["--out", str(target.resolve())]
    source = meta.get("data")
    if source and not str(source).startswith("builtin:"):
        command += ["--data", str(source)]
    # The arguments are ours: this interpreter, a file whose digest was just checked, paths.
    done = subprocess.run(  # noqa: S603
        command, cwd=project, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        cause = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise AutomlcError(f"the export failed: {cause}", f"in {project}: {' '.join(command)}")
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def _checked(result: Mapping[str, Any], target: Path, format_: str) -> Export:
    if not result["same"]:
        if target.is_file():
            target.unlink()
        raise AutomlcError(
            f"the {format_} export answers differently than the trained model: "
            f"the largest difference is {result['largest_difference']:.3g}, "
            f"allowed is {result['tolerance']:.3g}",
            exit_code=1,
        )
    return Export(target, format_, float(result["largest_difference"]), int(result["samples"]))


def _read(path: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AutomlcError(f"{path} cannot be read: {error}") from error
    return data
