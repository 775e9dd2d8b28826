"""Disk that the checkpoints and weights of a study take: bounds over the whole space.

What a run keeps is decided in runtime/study.py (`_keep_files`, `_clean`), runtime/warm_start.py
and the emitted checkpoint.py; tests/test_disk.py measures both backends against these bounds.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from automlc.compiler.costing import KEPT, KEPT_BY_OTHERS
from automlc.compiler.graph import SearchGraph
from automlc.compiler.proofs.answers import Bound, Clause, Forbidden
from automlc.compiler.proofs.boxes import whole
from automlc.compiler.proofs.feasibility import OutOfWork, Solver
from automlc.compiler.tensors import most_tensors
from automlc.spec.diagnostics import Diagnostic
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer
from automlc.spec.expressions import ExpressionError
from automlc.spec.record import record

SIZE = "model.size"
WORK = 30_000  # steps of the search for the largest model
# Bytes of a file beside the numbers: for each tensor, and once. Measured: up to 94 of safetensors,
# with names of 39 characters, and up to 870 of torch.save with the state of an optimizer.
_NAMED = 256
_PICKLED = 1_024
_ONCE = 8_192
# The two newest of each stay until the third is in its place; checkpoints are the larger ones.
CHECKPOINTS, WEIGHTS = 3, 2


@record
class Files:
    """Bytes of the largest weights and checkpoint of the space.

    `proven`: no configuration has larger ones; else they are those of the default configuration.
    """

    weights: int
    checkpoint: int
    proven: bool = True


@record
class Disk:
    """Bytes of checkpoints and weights: the most at any moment, and when the study has ended."""

    running: int
    ended: int


def largest_files(graph: SearchGraph) -> Files:
    """The largest files that one trial may write, each by itself."""
    size, proven = _largest_model(graph)
    tensors = most_tensors(graph)
    weights = size + tensors * _NAMED + _ONCE
    checkpoint = size * (1 + most_kept(graph)) + tensors * _PICKLED + _ONCE
    return Files(weights, checkpoint, proven)


def disk(graph: SearchGraph, files: Files, workers: int = 1) -> Disk:
    """What trials hold, `workers` of them at a time, with the best model and its copy in best/.

    A trial that began with the weights of another keeps them for good; each may be another's.
    """
    held = (graph.budget.trials - 1) * files.weights if _lends(graph) else 0
    one = CHECKPOINTS * files.checkpoint + WEIGHTS * files.weights
    # The best one, and its copy; the copy of a study that goes on lies there already.
    ended = 2 * files.weights + held + (files.weights if held else 0)
    return Disk(workers * one + ended, ended)


def too_full(graph: SearchGraph, target: Path, workers: int) -> list[Diagnostic]:
    """What there is to say of the room where a run will lie; `target` need not exist yet."""
    # os.path.exists answers for a name that no file can have, too.
    places = (target.absolute(), *target.absolute().parents)
    place = next(path for path in places if os.path.exists(path))
    free = shutil.disk_usage(place).free
    needed = disk(graph, largest_files(graph), workers).running
    if needed <= free:
        return []
    text = f"checkpoints and weights may take {bytes_above(needed)}, and {bytes_above(free)} are"
    text += f" free in {place}"
    hint = "make room, run elsewhere with --run-dir, or bound model.size in constraints"
    return [Diagnostic("W544", text, None, hint, "budget")]


def bytes_above(size: int) -> str:
    """A bound in words: rounded up.

    >>> bytes_above(1_000_001)
    '1.01 MB'
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{-(-size * 100 // factor) / 100:.2f} {unit}"
    return f"{size} B"


def most_kept(graph: SearchGraph) -> int:
    """The most numbers that an optimizer of the space keeps for each weight."""
    optimizer, momentum = (_domain(graph, name) for name in ("optimizer", "momentum"))
    if optimizer is None:
        return KEPT_BY_OTHERS
    of_sgd = int(momentum is not None and _high(momentum) > 0)
    kept = {**KEPT, "sgd": of_sgd}
    return max(kept.get(str(name), KEPT_BY_OTHERS) for name in _values(optimizer))


def _domain(graph: SearchGraph, name: str) -> Domain | None:
    return graph.space[name].domain if name in graph.space.names else None


def _values(domain: Domain) -> Iterator[object]:
    if isinstance(domain, Choice):
        yield from domain.values
    elif isinstance(domain, Fixed):
        yield domain.value


def _high(domain: Domain) -> float:
    if isinstance(domain, Float | Integer):
        return domain.high
    return max(float(value) for value in _values(domain) if isinstance(value, int | float))


def _largest_model(graph: SearchGraph) -> tuple[int, bool]:
    """Bytes of the largest model that is allowed, and whether that is a bound."""
    clauses: list[Clause] = [Bound(constraint) for constraint in graph.constraints]
    clauses += [Forbidden(expr) for expr in graph.space.forbidden]
    found = Solver(graph.space, graph.costs, WORK, WORK).smallest(SIZE, clauses, largest=True)
    highest = _at_a_glance(graph) if found is None else found.bound
    said = [c.bound for c in graph.constraints if c.metric == SIZE and c.op in ("<=", "<", "==")]
    if highest < math.inf or said:
        return int(min([highest, *said])), True
    return int(graph.costs.evaluate(graph.space.default_config())[SIZE]), False


def _at_a_glance(graph: SearchGraph) -> float:
    """What no model is larger than by intervals of the whole space; infinite where they fail."""
    solver, box = Solver(graph.space, graph.costs), whole(graph.space)
    try:
        return float(solver.costs_on({SIZE}, box, solver.activity(box))[SIZE].high)
    except (OutOfWork, ExpressionError):
        return math.inf


def _lends(graph: SearchGraph) -> bool:
    """Whether a trial may begin with the weights of another."""
    return bool(graph.search.options.get("warm_start", "never") != "never")
