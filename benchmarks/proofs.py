"""Seconds and verdicts of the proofs over every kind of data, all groups of its preset included.

    python benchmarks/proofs.py

Processor seconds of `count_space` and `prove_constraints` together; the verdict of each constraint
and how many values were removed. A verdict that was not reached says why.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from automlc.compiler import checks
from automlc.compiler.draft import Draft
from automlc.spec.load import load_text
from tests.compiler.spaces import INPUTS, contract, groups_for, kind_of

CONSTRAINTS = ("model.params <= 20k", "model.size <= 1MB", "model.macs <= 100k")
PROOFS = ("count_space", "prove_constraints")


def main() -> None:
    """One line for each kind of data and constraint."""
    for name in INPUTS:
        for constraint in CONSTRAINTS:
            draft, seconds = proven(name, constraint)
            print(f"{name:<8} {constraint:<20} {seconds:5.2f} s  {verdict(draft)}")


def proven(name: str, constraint: str) -> tuple[Draft, float]:
    """The draft after all passes up to the proofs, and the processor seconds of these."""
    text = (
        f"automlc: 1\nname: made\ntask: {{kind: {kind_of(name)}_classification}}\n"
        f"data: {{source: made.npz}}\nconstraints: [{constraint}]\n"
        f"space: {{expand: [{', '.join(groups_for(name))}]}}\n"
    )
    draft, seconds = Draft(load_text(text, "task.yaml"), contract(name, False)), 0.0
    for step in checks.PASSES:
        begun = time.process_time()
        draft = step(draft)
        if step.__name__ in PROOFS:
            seconds += time.process_time() - begun
    return draft, seconds


def verdict(draft: Draft) -> str:
    """What was found, in a few words."""
    if draft.problems.errors:
        return "; ".join(f"{d.code} {d.message}" for d in draft.problems.errors)
    records = [r for r in draft.records if r.pass_name == "prove_constraints"]
    proof = [r.decision for r in records if r.key.endswith(".proof")]
    removed = sum(" is removed" in r.decision for r in records)
    left = [f"UNKNOWN for other values: {r.because}" for r in records if r.key == "space.pruned"]
    return "; ".join([*proof, f"{removed} values or runs removed", *left])


if __name__ == "__main__":
    main()
