"""Try the model's own laws on the default and on random configurations of the space."""

import random
import re
from collections.abc import Mapping

from automlc.compiler.architecture import used_names, walk
from automlc.compiler.contracts.contract import ClassTarget
from automlc.compiler.costing import Counter, input_env
from automlc.compiler.draft import Draft
from automlc.compiler.graph import shape_of
from automlc.compiler.problems import Problems
from automlc.compiler.symbolic import Builder
from automlc.spec.diagnostics import Note
from automlc.spec.domains import Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import ExpressionError, Scalar

SAMPLES = 16
FEWEST = 3  # of a very large model
_LAYERS = 10_000  # that are walked in all, where that leaves more than the fewest samples


def verify_model(draft: Draft) -> Draft:
    """Residual strides, argument bounds, and parameters read only where they are active."""
    if draft.expansion is None:
        return draft
    try:
        return _verify(draft, draft.expansion.space)
    except ExpressionError as error:
        # A condition without a value, such as a division by zero, for some configurations.
        draft.problems.include(error.diagnostic("space"))
        return draft


def _defaults(space: Space, violated: str, default: Mapping[str, Scalar]) -> tuple[Note, ...]:
    """The defaults of the parameters that a combination names, with their places."""
    words = re.findall(r"[a-z]\w*", violated)
    named = [p for p in space.parameters if p.name in words and p.name in default]
    return tuple(Note(f"{p.name} has the default {default[p.name]}", p.span) for p in named)


def _verify(draft: Draft, space: Space) -> Draft:
    default = space.default_config()
    violated = space.violated(default)
    if violated:
        draft.problems.add(
            "E335", f"the default configuration is {violated[0]}",
            draft.loaded.spans("space.forbid"), key="space.forbid",
            hint="give one of its parameters another default",
            notes=_defaults(space, violated[0], default),
        )  # fmt: skip
    if draft.costs is None:
        return draft
    rng = random.Random(0)  # noqa: S311  # a fixed sample of configurations, not a secret
    layers = sum(1 for _ in walk(draft.expansion.model)) if draft.expansion else 0
    samples = min(SAMPLES, max(FEWEST, _LAYERS // max(layers, 1)))
    configs = [default, *(space.sample(rng) for _ in range(samples))]
    if all(_walk(draft, config) for config in configs):
        _run_checks(draft, configs)
    return draft


def _run_checks(draft: Draft, configs: list[dict[str, Scalar]]) -> None:
    if not draft.checks:
        return
    program = draft.builder.program({str(i): c.holds for i, c in enumerate(draft.checks)})
    for config in configs:
        try:
            results = program.evaluate(config)
        except AutomlcError:
            continue  # a part that is not taken here has no value, or it was reported
        for index, holds in results.items():
            if not holds:
                check = draft.checks[int(index)]
                draft.problems.add(
                    check.code, check.message, check.span, hint=_seen_at(draft, config)
                )


def _seen_at(draft: Draft, config: Mapping[str, Scalar]) -> str | None:
    """The part of a configuration that the model reads, for a hint."""
    assert draft.expansion is not None
    read = sorted(used_names(draft.expansion.model) & set(config))
    return f"seen at {', '.join(f'{k}={config[k]!r}' for k in read[:8])}" if read else None


def _walk(draft: Draft, config: Mapping[str, Scalar]) -> bool:
    """Count one configuration with nothing but its active parameters at hand."""
    assert draft.expansion is not None
    target = draft.contract.target
    outputs = len(target.classes) if isinstance(target, ClassTarget) else 1
    shape = shape_of(draft.contract)
    regression = draft.loaded.spec.task.kind.endswith("regression")
    env = {**input_env(shape, outputs), "regression": regression, **config}
    found = Problems()
    try:
        Counter(Builder(), found).count(draft.expansion.model, shape, env)
    except ExpressionError as error:
        hint = error.hint or _seen_at(draft, config)
        draft.problems.add(error.code, error.message, error.span, hint=hint, key="space.model")
        return False
    except KeyError as error:
        name = str(error.args[0])
        draft.problems.add(
            "E334", f"the model reads {name} where it is not active",
            draft.expansion.space[name].span,
            hint="put that layer under the same condition, or make the parameter unconditional",
        )  # fmt: skip
        return False
    except (ArithmeticError, TypeError, ValueError) as error:
        draft.problems.add("E324", f"the model cannot be built: {error}", None)
        return False
    if draft.nominal:
        return True  # sizes are nominal
    for problem in found.found:
        hint = problem.hint or _seen_at(draft, config)
        draft.problems.add(problem.code, problem.message, problem.span, hint=hint, key=problem.key)
    return not found.found
