"""AutoKeras's greedy search: draw one branch of the best trial's parameters anew.

Jin et al., 2023, "AutoKeras: An AutoML Library for Deep Learning" (JMLR 24), as in AutoKeras
1.0.12, so that a comparison of strategies shares everything else.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from automlc.runtime.searchers.base import SEARCHERS, Config, NoOptions, Past, Proposal, key_of
from automlc.runtime.searchers.optuna_bridge import default_first
from automlc.runtime.training import TRAINING_PARAMETERS
from automlc.spec.domains import Space
from automlc.spec.expressions import names
from automlc.spec.record import record

COLLISIONS = 20  # how often a branch is drawn again, and how many branches are tried


@record
class Branch:
    """A node of the tree of parameters, and the parameters at its leaves."""

    name: str
    leaves: tuple[str, ...]


@SEARCHERS.add("autokeras_greedy")
class AutoKerasGreedy:
    """Keep the best trial's values, but draw a branch of the tree of parameters anew.

    AutoKeras reads the tree off its names (`image_block_1/conv_block_1/kernel_size`). Ours are
    flat, so the tree is that of the conditions: a parameter hangs below the one that its condition
    names, and the others below `model` or `training`. A node is drawn with a probability
    proportional to 1 / (number of leaves below it). A parameter that becomes active is drawn too.
    The first proposal is the space's default (`start_with_default`), AutoKeras's initial
    hyperparameters. The study ends where nothing untried is found.
    """

    class Options(NoOptions):
        start_with_default: bool = True
        """The first trial is the default configuration of the space."""

    needs_history: ClassVar[bool] = True
    exhaustive: ClassVar[bool] = False

    def __init__(self, options: Options, space: Space, goal: str) -> None:
        self._options = options
        self._space = space
        self._goal = goal

    def ask(self, number: int, history: Sequence[Past], rng_seed: int) -> Proposal | None:
        first = default_first(self._space, number, history)
        if first is not None and self._options.start_with_default:
            return first
        best = best_of(history, self._goal)
        base = self._space.default_config() if best is None else best.config
        found = branches(self._space, base)
        if not found:
            return None
        seen = {key_of(past.config) for past in history}
        rng = random.Random(rng_seed)  # noqa: S311 - not for secrets
        for _ in range(COLLISIONS):
            branch = rng.choices(found, weights=[1 / len(b.leaves) for b in found])[0]
            for _ in range(COLLISIONS + 1):
                config = self._redrawn(base, branch, rng)
                if key_of(config) not in seen:
                    return Proposal(config, _why(best, branch, rng_seed))
        return None

    def _redrawn(self, base: Config, branch: Branch, rng: random.Random) -> Config:
        kept = {name: value for name, value in base.items() if name not in branch.leaves}
        return self._space.build(lambda p: kept[p.name] if p.name in kept else p.domain.sample(rng))


def best_of(history: Sequence[Past], goal: str) -> Past | None:
    """The best trial that ended with a value; of equals the earliest."""
    sign = -1.0 if goal == "maximize" else 1.0
    done = [p for p in history if p.state in ("complete", "stopped") and p.value is not None]
    return min(done, key=lambda p: (sign * (p.value or 0.0), p.number), default=None)


def branches(space: Space, config: Mapping[str, Any]) -> tuple[Branch, ...]:
    """The nodes of the tree, of the parameters that are active and searched; inner ones first.

    A parameter that others hang below is a leaf, and gives its name to the branch of itself and
    of those: as AutoKeras's block has its type and what the type needs.
    """
    above = parents(space)
    searched = [name for name in config if space[name].domain.cardinality() != 1]
    below: dict[str, list[str]] = {"all": [], "model": [], "training": []}
    below |= {f"{parent} and below": [] for parent in space.names if parent in above.values()}
    for name in searched:
        lineage = list(_lineage(name, above))
        root = "training" if lineage[-1] in TRAINING_PARAMETERS else "model"
        for inner in ("all", root, *(f"{one} and below" for one in lineage)):
            if inner in below:
                below[inner].append(name)
    inner_ones = [
        Branch(name, tuple(leaves))
        for name, leaves in below.items()
        if (leaves and f"{leaves[0]} and below" != name) or len(leaves) > 1
    ]
    return (*inner_ones, *(Branch(name, (name,)) for name in searched))


def parents(space: Space) -> dict[str, str]:
    """The parameter that each conditional one hangs below: the last that its condition names."""
    place = {name: index for index, name in enumerate(space.names)}
    found = {}
    for parameter in space.parameters:
        needed = names(parameter.when) & place.keys() if parameter.when is not None else ()
        if needed:
            found[parameter.name] = max(needed, key=place.__getitem__)
    return found


def _lineage(name: str, above: Mapping[str, str]) -> Iterator[str]:
    """A parameter, the one that it hangs below, and so on to the root."""
    yield name
    while name in above:
        name = above[name]
        yield name


def _why(best: Past | None, branch: Branch, seed: int) -> dict[str, Any]:
    why: dict[str, Any] = {"rule": "greedy", "drawn": list(branch.leaves), "seed": seed}
    if best is not None:
        why |= {"parent": best.number, "action": f"{branch.name} drawn anew"}
    return why
