"""Random search: every configuration is drawn from the space's own distributions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from automlc.runtime.searchers.base import SEARCHERS, NoOptions, Past, Proposal
from automlc.spec.domains import Space


@SEARCHERS.add("random")
class RandomSearch:
    """Draw independently for each trial (Bergstra and Bengio, 2012).

    `start_with_default` makes the space's default configuration the first proposal; it is off
    here, so that a random search stays the plain baseline.
    """

    class Options(NoOptions):
        start_with_default: bool = False
        """The first trial is the default configuration of the space."""

    needs_history: ClassVar[bool] = False
    exhaustive: ClassVar[bool] = False

    def __init__(self, options: Options, space: Space, goal: str) -> None:
        self._options = options
        self._space = space

    def ask(self, number: int, history: Sequence[Past], rng_seed: int) -> Proposal | None:
        if self._options.start_with_default and number == 1 and not history:
            return Proposal(self._space.default_config(), {"rule": "default"})
        config = self._space.sample(random.Random(rng_seed))  # noqa: S311 - not for secrets
        return Proposal(config, {"rule": "random", "seed": rng_seed})
