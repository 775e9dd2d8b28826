"""The control of an ablation: a table whose order says nothing."""

from __future__ import annotations

import random
from dataclasses import replace

from automlc.runtime.rules.table import Row, Table, rank
from automlc.runtime.seeds import derive_seed


def shuffled(table: Table, seed: int) -> Table:
    """The same states and actions, in each state in a random order.

    Scores are 1, …, 0 in equal steps; counts and spreads go, since nothing measured these scores.
    Each row is drawn by its place, so the same table and seed give the same order everywhere.
    """
    rows = tuple(_row(row, derive_seed(seed, "shuffled", i)) for i, row in enumerate(table.rows))
    provenance = {**table.provenance, "shuffled": {"of": table.name, "seed": seed}}
    return replace(table, name=f"{table.name} shuffled {seed}", rows=rows, provenance=provenance)


def _row(row: Row, seed: int) -> Row:
    places = list(range(len(row.actions)))
    random.Random(seed).shuffle(places)  # noqa: S311  # not for secrets
    last = max(len(places) - 1, 1)
    actions = [
        replace(one, score=1.0 - place / last, n=None, spread=None)
        for one, place in zip(row.actions, places, strict=True)
    ]
    return Row(row.state, tuple(rank(actions)))
