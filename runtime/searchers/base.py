"""The contract of a searcher: it proposes configurations and remembers nothing.

A searcher is made once per study and asked once per trial. Everything it may use is in the
question: the number of the trial, what happened so far, and a seed of its own. So a study that
was killed and resumed asks the same question and gets the same answer.

To add one: a file here with a class that meets `Searcher`, registered by
`@SEARCHERS.add("name")`, its name in `__init__.py`; tests/runtime/test_searchers.py then
runs it through the conformance suite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from automlc.runtime.monitor.conditions import Condition
from automlc.runtime.plan import Plan
from automlc.runtime.registry import Registry
from automlc.spec.domains import Space
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

Config = Mapping[str, Any]


class NoOptions(BaseModel):
    """For a searcher or policy that takes no options; base of all option models."""

    # A model is built on its first use: of all strategies and policies a spec names two.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


@record
class Past:
    """An earlier trial as a searcher sees it.

    `state` is complete, stopped, failed, running, or refused (proposed for the present trial, but
    not allowed). `value` is the best validation metric; `intermediate` holds (epoch, value). `why`
    is what the searcher noted when it proposed the configuration, `condition` what its training
    looked like in the end (monitor.Condition), None before anything was measured.
    """

    number: int
    config: Config
    state: str
    value: float | None
    intermediate: tuple[tuple[int, float], ...] = ()
    why: Mapping[str, Any] = field(default_factory=dict)
    condition: Condition | None = None


@record
class Proposal:
    """A configuration (only active parameters are keys) and why it was proposed."""

    config: Config
    why: Mapping[str, Any]


class Searcher(Protocol):
    """Who proposes the next configuration.

    Two things a class may have besides: `needs`, the packages that it imports, and `for_plan`, a
    class method that makes it from its options and the whole plan. One that weighs how long a
    configuration takes has `ask_timed`, which is asked in place of `ask` once that is known, with a
    function from a configuration to seconds as the fourth argument. `uses_rules` asks the compiler
    for the plan's rules.
    """

    Options: ClassVar[type[BaseModel]]
    # Whether `ask` reads the history; without it a study of any length costs the same per trial.
    needs_history: ClassVar[bool]
    # Whether every proposal follows from the space alone, so that asking again always advances.
    exhaustive: ClassVar[bool]

    def __init__(self, options: Any, space: Space, goal: str) -> None: ...

    def ask(self, number: int, history: Sequence[Past], rng_seed: int) -> Proposal | None:
        """The proposal for trial `number`; None when the space is exhausted.

        Asked again after a refusal, the history ends with the refused proposals and the seed is
        another one.
        """
        ...


SEARCHERS: Registry[type[Searcher]] = Registry("search strategy")


def read_options(model: type[BaseModel], options: Mapping[str, Any], what: str) -> BaseModel:
    """Options as typed values; AutomlcError names the first key that is wrong."""
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        known = ", ".join(model.model_fields) or "none"
        raise AutomlcError(f"{what}: {key}: {problem['msg']}", f"its options: {known}") from None


def make_searcher(strategy: str, options: Mapping[str, Any], space: Space, goal: str) -> Searcher:
    """The searcher of that name; AutomlcError for an unknown name or option."""
    found = SEARCHERS.get(strategy)
    return found(read_options(found.Options, options, f"search {strategy!r}"), space, goal)


def searcher_of(plan: Plan) -> Searcher:
    """The searcher of a plan. One that needs more of it than space and goal has `for_plan`."""
    found = SEARCHERS.get(plan.search.name)
    for_plan = getattr(found, "for_plan", None)
    if for_plan is None:
        return make_searcher(plan.search.name, plan.search.options, plan.space, plan.task.goal)
    what = f"search {plan.search.name!r}"
    made: Searcher = for_plan(read_options(found.Options, plan.search.options, what), plan)
    return made


def key_of(config: Config) -> str:
    """A hashable key of a configuration; True and 1 and 1.0 differ."""
    return repr(sorted(config.items()))
