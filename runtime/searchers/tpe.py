"""TPE: the tree-structured Parzen estimator, through Optuna."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from automlc.runtime.searchers.base import SEARCHERS, NoOptions, Past, Proposal
from automlc.runtime.searchers.optuna_bridge import default_first, import_optuna, propose
from automlc.spec.domains import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@SEARCHERS.add("tpe")
class TPE:
    """Model good and other configurations apart, propose where their ratio is largest.

    Bergstra et al., 2011; the multivariate form follows Falkner et al., 2018. The first proposal
    is the space's default (`start_with_default`), the others up to `startup` finished trials are
    random. `multivariate` models parameters together, conditional ones in groups. Trials that
    run at the same time are counted as bad ones, so that workers spread out.
    """

    class Options(NoOptions):
        start_with_default: bool = True
        """The first trial is the default configuration of the space."""
        startup: int = Field(default=10, ge=0)
        """Random trials before the model decides."""
        candidates: int = Field(default=24, ge=1, le=10_000)
        """Configurations that are drawn for each proposal, of which the best is taken."""
        multivariate: bool = True
        """Parameters are modelled together, not each by itself."""

    needs: ClassVar[tuple[str, ...]] = ("optuna",)
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
        config, evidence = propose(
            self._space,
            self._goal,
            lambda: self._sampler(rng_seed),
            history,
            startup=self._options.startup,
            refused_as="stopped",
        )
        model = evidence["observed"] >= max(1, self._options.startup)
        why: dict[str, Any] = {"rule": "tpe" if model else "startup", "seed": rng_seed, **evidence}
        return Proposal(config, why)

    def _sampler(self, seed: int) -> BaseSampler:
        sampler: BaseSampler = import_optuna().samplers.TPESampler(
            n_startup_trials=self._options.startup,
            n_ei_candidates=self._options.candidates,
            multivariate=self._options.multivariate,
            group=self._options.multivariate,
            constant_liar=True,
            seed=seed,
        )
        return sampler
