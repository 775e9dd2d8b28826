"""Warm starts: a trial that begins with the weights of another.

A searcher asks for it in its proposal. The weights get a second name in the new trial's folder, so
that they stay for as long as the trial is repeated, whatever becomes of the other one. Which of
them fit is for train.py to find, by name and shape; it reports how many it took.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from automlc.runtime.proposing import Accepted
from automlc.runtime.store import Store
from automlc.runtime.trial import damage, folder_name, sha256_of

START = "start.safetensors"
# What two models must have in common: then an action between them left the shapes intact.
_SIZES = ("model.params", "model.size")
_LENT = "weights_lent"


class WarmStarts:
    """Lends weights from trial to trial within a run directory."""

    def __init__(self, store: Store, folder: Path):
        self._store = store
        self._folder = folder

    def lend(self, number: int, accepted: Accepted) -> None:
        """Lend a trial the weights that its proposal asks for, where they are and may fit.

        They are there as long as that trial is the best one.
        """
        asked = accepted.why.get("proposal", {}).get("warm_start")
        if not isinstance(asked, dict):
            return
        parent = self._store.trial(int(asked["trial"]))
        sizes = [parent.costs.get(name) for name in _SIZES]
        if None in sizes or sizes != [accepted.costs.get(name) for name in _SIZES]:
            return
        source, folder = self._of(parent.number), self._of(number)
        if parent.weights is None or damage(source, parent.weights) is not None:
            return
        folder.mkdir(exist_ok=True)
        second_name(source / parent.weights.file, folder / START)
        digest = parent.weights.sha256
        self._store.note(_LENT, number, parent=parent.number, sha256=digest)

    def start_of(self, number: int) -> dict[str, Any] | None:
        """The weights that a trial was lent, as its train.py takes them; None for a cold start."""
        lent = self._store.last_note(_LENT, number)
        path = self._of(number) / START
        if lent is None or sha256_of(path) != lent["sha256"]:
            return None
        return {"file": str(path), "trial": lent["parent"]}

    def _of(self, number: int) -> Path:
        return self._folder / folder_name(number)


def second_name(source: Path, target: Path) -> None:
    """A second name for a file that is never written again; a copy where that cannot be."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
