"""Exports the best model of a run, and refuses what does not answer as the trained model does."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automlc.backends.base import emitter
from automlc.backends.project import write_files
from automlc.compiler.graph import SearchGraph
from automlc.compiler.lock import LOCK
from automlc.compiler.lock import SCHEMA as LOCK_SCHEMA
from automlc.runtime.backends import BACKENDS, is_installed
from automlc.runtime.json_files import read_json
from automlc.runtime.plan import load_plan
from automlc.runtime.run import verify_project
from automlc.runtime.trial import VOCABULARY, sha256_of
from automlc.runtime.view import RunView
from automlc.spec.errors import AutomlcError

# What an export is called where nobody named it.
_NAMES = {
    "keras": "model.keras",
    "onnx": "model.onnx",
    "torch-export": "model.pt2",
    "weights": "weights.safetensors",
}
_SUFFIXES = {"keras": ".keras"}  # Keras tells its formats apart by the name
_FOLDERS = ("saved-model", "backbone")
_NEEDS = {("pytorch", "onnx"): ("onnx", "onnxruntime", "onnxscript")}


@dataclass(frozen=True)
class Export:
    """What was written, and how its answers compare with the trained model's.

    `largest_difference` is over `samples` validation rows, in the units of the model's outputs;
    None for `weights` and `backbone`, whose weights are copies.
    """

    path: Path
    format: str
    largest_difference: float | None
    samples: int


@dataclass(frozen=True)
class _Best:
    """The best model of a run: its project, and what export.py is called with."""

    run: Path
    project: Path
    config: Path
    weights: Path
    kind: str
    engine: str | None
    data: str | None
    allow_code: tuple[str, ...]

    @classmethod
    def of(cls, run: str | Path | None) -> _Best:
        with RunView.open(run) as view:
            folder, meta, winner, project = view.folder, view.meta, view.best(), view.project
        best = folder / "best"
        config, weights = best / "config.json", best / "weights.safetensors"
        if not config.exists() or not weights.exists():
            raise AutomlcError(
                f"{folder} has no best model yet",
                f"finish the run first: automlc run {folder} --resume",
            )
        # What is compared later are answers of the same file, so a changed one would not be seen.
        if winner is not None and winner.weights is not None:
            source = folder / winner.folder / winner.weights["file"]
            if sha256_of(weights) != winner.weights["sha256"]:
                raise AutomlcError(
                    f"{weights} is not what the best trial wrote: its sha256 differs",
                    f"copy it again: cp {source} {weights}",
                )
        backend = load_plan(project / "plan.json").backend
        named = str(meta.get("data") or "")
        data = named if named and not named.startswith("builtin:") else None
        allowed = tuple(meta.get("allow_code") or ())
        return cls(folder, project, config, weights, backend.kind, backend.engine, data, allowed)


def export(run: str | Path | None, format_: str, out: Path | None = None) -> Export:
    """Write the best model of a run in one of the formats of its backend (runtime/backends.py).

    Raises AutomlcError where there is no best model, where a package is missing, where the place
    holds something else, or where the export answers differently than the trained model. Then
    nothing is written, and an earlier export stays.
    """
    best = _Best.of(run)
    formats = BACKENDS.get(best.kind).formats
    if format_ not in formats:
        raise AutomlcError(
            f"a model of the backend {best.kind} is not exported as {format_!r}",
            f"its formats are: {', '.join(formats)}",
        )
    _require(best, format_)
    target = out or best.run / "export" / _NAMES.get(format_, format_)
    if format_ == "weights":
        done = _copy_weights(best.weights, target)
        _copy_vocabulary(best, target.parent)
        return done
    # Its code is run, and its names are written into source: both must be the compiler's.
    verify_project(best.project, best.allow_code)
    _check_target(format_, target)
    with _stage(target) as stage:
        made = stage / _NAMES.get(format_, format_)
        if format_ == "backbone":
            return _export_backbone(best, made, target, stage)
        if format_ == "source":
            return _export_source(best, made, target)
        done = _checked(_run_export(best, format_, made), target, format_)
        if made.is_dir():
            _copy_vocabulary(best, made)
        _put(made, target, stage)
    if not target.is_dir():
        _copy_vocabulary(best, target.parent)
    return done


def _copy_vocabulary(best: _Best, folder: Path) -> None:
    """What a model of texts cannot be used without goes where the model goes."""
    source, target = best.weights.with_name(VOCABULARY), folder / VOCABULARY
    if not source.is_file():
        return  # not a model of texts
    if target.is_file() and not _is_vocabulary(target):
        raise AutomlcError(
            f"{target} is no vocabulary that automlc wrote", "export to another folder with -o"
        )
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise AutomlcError(f"{target} cannot be written: {error.strerror or error}") from error


def _is_vocabulary(path: Path) -> bool:
    try:
        about = read_json(path)
    except (OSError, AutomlcError):
        return False
    return isinstance(about, dict) and str(about.get("schema")).startswith("automlc.vocabulary/")


def _require(best: _Best, format_: str) -> None:
    backend = BACKENDS.get(best.kind)
    own = () if format_ == "weights" else backend.modules(best.engine)
    missing = [name for name in own if not is_installed(name)]
    if missing:
        raise AutomlcError(
            f"exporting {format_} needs {', '.join(missing)}",
            f"install it: {backend.install(best.engine)}",
        )
    missing = [name for name in _NEEDS.get((best.kind, format_), ()) if not is_installed(name)]
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


def _export_source(best: _Best, made: Path, target: Path) -> Export:
    graph, trial = _trained(best)
    files = emitter(best.kind).frozen_files(graph.freeze(trial["config"]), trial)
    write_files(made, files)
    done = _checked(_run_export(best, "source", made), target, "source")
    write_files(target, files)
    shutil.copyfile(best.weights, target / best.weights.name)
    _copy_vocabulary(best, target)
    return done


def _export_backbone(best: _Best, made: Path, target: Path, stage: Path) -> Export:
    from automlc.backbone_export import write_backbone

    graph, config = _trained(best)
    write_backbone(graph, config["config"], best.weights, made)
    _put(made, target, stage)
    return Export(target, "backbone", None, 0)


def _trained(best: _Best) -> tuple[SearchGraph, dict[str, Any]]:
    graph = SearchGraph.from_json(_read(best.project / "graph.json"))
    trial = _read(best.config)
    if not isinstance(trial, dict) or not isinstance(trial.get("config"), dict):
        raise AutomlcError(f"{best.config} is damaged: it holds no configuration")
    return graph, trial


def _run_export(best: _Best, format_: str, made: Path) -> dict[str, Any]:
    """The project's own export.py in a process of its own; its last line is the comparison."""
    command = [sys.executable, "export.py", "--format", format_]
    command += ["--config", str(best.config.resolve()), "--weights", str(best.weights.resolve())]
    command += ["--out", str(made.resolve())]
    if best.data:
        command += ["--data", best.data]
    environment = {**os.environ, **BACKENDS.get(best.kind).environment(best.engine)}
    # The arguments are ours: this interpreter, a file whose digest was just checked, paths.
    done = subprocess.run(  # noqa: S603
        command, cwd=best.project, env=environment, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if lines:
        result: dict[str, Any] = json.loads(lines[-1])
        return result
    cause = (done.stderr.strip().splitlines() or ["no output"])[-1]
    if done.returncode > 0 and "Traceback" not in done.stderr:
        raise AutomlcError(cause)  # not a crash, but a line for people
    raise AutomlcError(f"the export failed: {cause}", f"in {best.project}: {' '.join(command)}")


def _checked(result: Mapping[str, Any], target: Path, format_: str) -> Export:
    if not math.isfinite(result["tolerance"]):
        raise AutomlcError(
            "the model answers with numbers that are not finite, so the "
            f"{format_} export cannot be compared with it",
            exit_code=1,
        )
    if not result["same"]:
        raise AutomlcError(
            f"the {format_} export answers differently than the trained model: "
            f"the largest difference is {result['largest_difference']:.3g}, "
            f"allowed is {result['tolerance']:.3g}",
            exit_code=1,
        )
    return Export(target, format_, float(result["largest_difference"]), int(result["samples"]))


def _check_target(format_: str, target: Path) -> None:
    """Raise AutomlcError, before any work, where an export of this format may not be written."""
    suffix = _SUFFIXES.get(format_)
    if suffix and target.suffix != suffix:
        raise AutomlcError(
            f"the name {target.name} does not end in {suffix}", f"name a file: -o NAME{suffix}"
        )
    if format_ in _FOLDERS:
        _check_folder(target)
    elif format_ != "source" and target.is_dir():
        raise AutomlcError(f"{target} is a folder", "name a file with -o FILE")


def _check_folder(folder: Path) -> None:
    """Raise AutomlcError unless a folder is free, or holds an earlier export and nothing else."""
    if folder.is_symlink():
        raise AutomlcError(f"{folder} is a link", "name the folder itself with -o DIR")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise AutomlcError(f"{folder} is a file", "name another folder with -o DIR")
    found = {name: digest for name, digest in _digests(folder).items() if name != LOCK}
    if found != _locked(folder):
        raise AutomlcError(
            f"{folder} holds files that automlc did not write, or that were changed since",
            "name an empty or a new folder with -o DIR",
        )


def _digests(folder: Path) -> dict[str, str | None]:
    """The files below a folder and their sha256; None for a link."""
    paths = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return {
        path.relative_to(folder).as_posix(): None if path.is_symlink() else sha256_of(path)
        for path in paths
    }


def _locked(folder: Path) -> dict[str, Any]:
    """What the lock of an export says of its files; nothing without a lock."""
    try:
        files = read_json(folder / LOCK)["files"]
    except (OSError, AutomlcError, KeyError, TypeError):
        return {}
    return files if isinstance(files, dict) else {}


@contextmanager
def _stage(target: Path) -> Iterator[Path]:
    """A folder beside the target, from which a finished export is moved to its place."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".automlc-", dir=target.parent) as stage:
            yield Path(stage)
    except OSError as error:
        raise AutomlcError(f"{target} cannot be written: {error.strerror or error}") from error


def _put(made: Path, target: Path, stage: Path) -> None:
    """Move a finished export to its place; an earlier export there goes."""
    if not made.is_dir():
        os.replace(made, target)
        return
    lock = {"schema": LOCK_SCHEMA, "files": dict(sorted(_digests(made).items()))}
    (made / LOCK).write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")
    _check_folder(target)
    if target.exists():
        os.rename(target, stage / "old")
    os.rename(made, target)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = read_json(path)
    except FileNotFoundError:
        raise AutomlcError(f"there is no file {path}") from None
    if not isinstance(data, dict):
        raise AutomlcError(f"{path} holds no object of JSON")
    return data
