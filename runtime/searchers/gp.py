"""GP: Bayesian optimization with a Gaussian process, through Optuna."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from automlc.runtime.backends import is_installed
from automlc.runtime.searchers.base import SEARCHERS, NoOptions, Past, Proposal
from automlc.runtime.searchers.optuna_bridge import default_first, import_optuna, propose
from automlc.spec.domains import Space
from automlc.spec.errors import AutomlcError

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@SEARCHERS.add("gp")
class GP:
    """Fit a Gaussian process to what was measured, propose where improvement is most likely.

    Snoek et al., 2012, with a Matern kernel. Best for small budgets and spaces with few
    conditions: a parameter that not every trial has is drawn at random. Stopped trials count with
    the best value they reached. The first proposal is the space's default
    (`start_with_default`), the others up to `startup` trials are random.
    """

    class Options(NoOptions):
        start_with_default: bool = True
        """The first trial is the default configuration of the space."""
        startup: int = Field(default=10, ge=1)
        """Random trials before the model decides."""

    needs: ClassVar[tuple[str, ...]] = ("optuna", "torch")
    needs_history: ClassVar[bool] = True
    exhaustive: ClassVar[bool] = False

    def __init__(self, options: Options, space: Space, goal: str) -> None:
        if not is_installed("torch"):
            raise AutomlcError(
                "the search strategy 'gp' needs PyTorch for its own computations",
                "pip install 'automlc[pytorch]', or choose search: tpe",
            )
        # Read when torch is first imported: threads would make the fit depend on the machine.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self._options = options
        self._space = space
        self._goal = goal

    def ask(self, number: int, history: Sequence[Past], rng_seed: int) -> Proposal | None:
        first = default_first(self._space, number, history)
        if first is not None and self._options.start_with_default:
            return first
        # Optuna's GP leaves pruned trials out altogether; their values are worth having.
        measured = [
            dataclasses.replace(past, state="complete", intermediate=())
            if past.state == "stopped"
            else past
            for past in history
        ]
        config, evidence = propose(
            self._space,
            self._goal,
            lambda: self._sampler(rng_seed),
            measured,
            startup=self._options.startup,
            refused_as="complete",
        )
        model = evidence["observed"] >= self._options.startup
        why: dict[str, Any] = {"rule": "gp" if model else "startup", "seed": rng_seed, **evidence}
        return Proposal(config, why)

    def _sampler(self, seed: int) -> BaseSampler:
        sampler: BaseSampler = import_optuna().samplers.GPSampler(
            n_startup_trials=self._options.startup, warn_independent_sampling=False, seed=seed
        )
        return sampler
