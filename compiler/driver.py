"""From a loaded spec to a SearchGraph: read the data's contract, then run the passes in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from automlc.compiler.checks import check, run_passes
from automlc.compiler.class_rows import told
from automlc.compiler.contracts.contract import ClassTarget, ImageInput, Input, TextInput
from automlc.compiler.contracts.reading import inspect
from automlc.compiler.draft import Draft
from automlc.compiler.graph import SearchGraph
from automlc.spec.diagnostics import Diagnostic, sort_key
from automlc.spec.errors import SpecError
from automlc.spec.load import LoadedSpec

_SETTLED = ("trials", "epochs", "wall", "epoch_wall", "memory")


def compile_spec(
    loaded: LoadedSpec, roots: Sequence[Path] = ()
) -> tuple[SearchGraph, tuple[Diagnostic, ...]]:
    """The graph of a spec and its warnings; `roots` are further folders that may hold data.

    Raises SpecError with every problem of spec and data that can be found together.
    """
    found = inspect(loaded, roots)
    if found.contract is None:
        # What is wrong with the spec and with its data is worth knowing at the same time.
        early = [d for d in check(loaded, roots) if d.code.startswith("E")]
        raise SpecError(sorted({*early, *found.diagnostics}, key=sort_key), loaded.sources)
    draft = Draft(loaded, found.contract, roots=tuple(roots), groups=found.groups)
    draft = _record_inputs(run_passes(draft))
    if draft.problems.errors:
        both = {*draft.problems.found, *found.diagnostics}
        raise SpecError(sorted(both, key=sort_key), loaded.sources)
    warnings = {*loaded.warnings, *found.diagnostics, *draft.problems.found}
    return draft.graph(), tuple(sorted(warnings, key=sort_key))


def _size(data: Input) -> str:
    if isinstance(data, ImageInput):
        return f"{data.channels} x {data.height} x {data.width} images"
    if isinstance(data, TextInput):
        return f"texts of up to {data.length} tokens of {data.vocabulary}"
    return f"{len(data.numeric)} number and {len(data.categorical)} category columns"


def _record_inputs(draft: Draft) -> Draft:
    """Records of values that no pass decides: they stand in the spec, the data or the defaults."""
    spec, contract = draft.loaded.spec, draft.contract
    data = contract.input
    layers = draft.loaded.layers
    if layers is not None and not layers.is_one_file:
        draft = draft.noted("load", "spec", layers.summary(), "the files and the command line")
    draft = draft.noted("read_contract", "data.source", contract.source, contract.fingerprint)
    draft = draft.noted("read_contract", "data.input", _size(data), "the data's contract")
    if isinstance(contract.target, ClassTarget):
        count = f"{len(contract.target.classes)} classes"
        draft = draft.noted("read_contract", "data.classes", count, "the data's contract")
        for place, rows in told(contract, spec.data):
            key = f"data.classes[{place}]"
            draft = draft.noted("read_contract", key, rows, "the data's contract and data.split")
    for key in _SETTLED:
        value = getattr(spec.budget, key)
        draft = draft.noted("budget", f"budget.{key}", value, draft.origin(f"budget.{key}"))
    for key in ("device", "precision", "threads"):
        value = getattr(spec.backend, key)
        draft = draft.noted("backend", f"backend.{key}", value, draft.origin(f"backend.{key}"))
    for key in ("validation", "test", "stratify"):
        value = getattr(spec.data.split, key)
        name = f"data.split.{key}"
        draft = draft.noted("split", name, value, draft.origin(name))
    return draft.noted("seed", "seed", spec.seed, draft.origin("seed"))
