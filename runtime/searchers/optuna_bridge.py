"""Optuna as a stateless proposer: a study in memory, rebuilt from our rows for every question.

Optuna's samplers keep no state of ours and its storages are not used: they leave trials running
for ever after a crash. A choice is given to Optuna as the index of its value, so any values will
do. Only active parameters are suggested, in the order of the space (define by run).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automlc.runtime.searchers.base import Config, Past, Proposal
from automlc.spec.domains import Choice, Fixed, Float, Integer, Parameter, Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Scalar

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial


def propose(
    space: Space,
    goal: str,
    sampler: Callable[[], BaseSampler],
    history: Sequence[Past],
    *,
    startup: int,
    refused_as: str,
) -> tuple[Config, dict[str, Any]]:
    """Ask a fresh sampler once; returns the configuration and what it was based on.

    Args:
        sampler: makes the sampler, with its seed for this one question.
        history: the earlier trials, by number, then what was refused for this one.
        startup: with fewer judged trials the sampler draws at random.
        refused_as: the state (stopped, complete) in which refused proposals are told, as the
            worst of all; a model that did not hear of them would propose them again and again.
    """
    optuna = import_optuna()
    bridge = _Bridge(optuna, space)
    study: Study = optuna.create_study(direction=goal, sampler=sampler())
    past = [item for item in history if item.state != "refused"]
    judged = [item for item in past if item.state in ("complete", "stopped")]
    values = [item.value for item in judged if item.value is not None]
    best, worst = (min, max) if goal == "minimize" else (max, min)
    study.add_trials([bridge.frozen(item) for item in past])
    if values and len(judged) >= startup:
        refused = [
            replace(item, state=refused_as, value=worst(values))
            for item in history
            if item.state == "refused"
            and space.problems(item.config) == space.violated(item.config)
        ]
        study.add_trials([bridge.frozen(item) for item in refused])
    trial: Trial = study.ask()
    config = space.build(lambda parameter: bridge.suggest(trial, parameter))
    evidence: dict[str, Any] = {
        "observed": len(judged),
        "failed": sum(item.state == "failed" for item in past),
        "running": sum(item.state == "running" for item in past),
    }
    if values:
        evidence["best"] = best(values)
    return config, evidence


def import_optuna() -> Any:
    """The library, silent; AutomlcError that names the extra where it is absent."""
    try:
        import optuna
    except ImportError:
        raise AutomlcError(
            "this search strategy needs Optuna", "pip install 'automlc[run]'"
        ) from None
    import warnings

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


class _Bridge:
    """Translates configurations of a space to Optuna's parameters and back."""

    def __init__(self, optuna: Any, space: Space):
        self._optuna = optuna
        self._space = space
        self._distributions = {
            p.name: self._distribution(p)
            for p in space.parameters
            if not isinstance(p.domain, Fixed)
        }

    def _distribution(self, parameter: Parameter) -> Any:
        make, domain = self._optuna.distributions, parameter.domain
        if isinstance(domain, Choice):
            return make.CategoricalDistribution(tuple(range(len(domain.values))))
        if isinstance(domain, Float):
            return make.FloatDistribution(domain.low, domain.high, log=domain.log)
        assert isinstance(domain, Integer)
        if domain.log:
            return make.IntDistribution(domain.low, domain.high, log=True)
        # Optuna wants an upper end that is on the grid of steps.
        high = domain.low + (domain.high - domain.low) // domain.step * domain.step
        return make.IntDistribution(domain.low, high, step=domain.step)

    def suggest(self, trial: Trial, parameter: Parameter) -> Scalar:
        domain = parameter.domain
        if isinstance(domain, Fixed):
            return domain.value
        raw = trial._suggest(parameter.name, self._distributions[parameter.name])
        if isinstance(domain, Choice):
            return domain.values[int(raw)]
        if isinstance(domain, Float):
            # exp(log(high)) may come out one bit above high.
            return min(domain.high, max(domain.low, float(raw)))
        if domain.log and domain.step > 1:
            raw = domain.low + round((raw - domain.low) / domain.step) * domain.step
            while raw > domain.high:
                raw -= domain.step
        return int(raw)

    def frozen(self, past: Past) -> FrozenTrial:
        """A trial in Optuna's form: stopped is pruned, failed is failed, running is running."""
        states = self._optuna.trial.TrialState
        state = {
            "complete": states.COMPLETE,
            "stopped": states.PRUNED,
            "failed": states.FAIL,
            "running": states.RUNNING,
        }[past.state]
        if past.state in ("complete", "stopped") and past.value is None:
            state = states.FAIL
        names = [name for name in past.config if name in self._distributions]
        return self._optuna.trial.create_trial(  # type: ignore[no-any-return]  # untyped handle
            state=state,
            params={name: self._raw(name, past.config[name]) for name in names},
            distributions={name: self._distributions[name] for name in names},
            value=past.value if state == states.COMPLETE else None,
            intermediate_values=dict(past.intermediate),
        )

    def _raw(self, name: str, value: Scalar) -> Any:
        domain = self._space[name].domain
        if not isinstance(domain, Choice):
            return value
        # By type too: true and 1 are equal in Python, and different values of a choice.
        same = (i for i, v in enumerate(domain.values) if (type(v), v) == (type(value), value))
        found = next(same, None)
        return domain.values.index(value) if found is None else found


def default_first(space: Space, number: int, history: Sequence[Past]) -> Proposal | None:
    """The space's default configuration for the very first trial, unless it was refused."""
    if number != 1 or any(past.state == "refused" for past in history):
        return None
    return Proposal(space.default_config(), {"rule": "default"})
