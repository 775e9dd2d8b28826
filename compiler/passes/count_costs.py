"""Count parameters, bytes, multiply-accumulates and activations for the whole space at once."""

from dataclasses import replace

from automlc.compiler.contracts.contract import ClassTarget
from automlc.compiler.costing import TRAINING, Counter, input_env
from automlc.compiler.draft import Draft
from automlc.compiler.graph import shape_of
from automlc.compiler.ops import Vector
from automlc.compiler.symbolic import Sym
from automlc.spec.expressions import ExpressionError, names


def count_costs(draft: Draft) -> Draft:
    """The cost program of the plan, and the facts that `verify_model` must hold."""
    if draft.expansion is None or draft.problems.errors:
        return draft
    if draft.expansion.as_shipped:
        return draft
    target = draft.contract.target
    outputs = len(target.classes) if isinstance(target, ClassTarget) else 1
    shape = shape_of(draft.contract)
    env = input_env(shape, outputs)
    env["regression"] = draft.loaded.spec.task.kind.endswith("regression")
    for parameter in draft.expansion.space.parameters:
        env[parameter.name] = draft.builder.parameter(parameter.name, parameter.domain)
    asked = frozenset().union(*(names(c) for c in draft.loaded.spec.constraints))
    counter = Counter(draft.builder, draft.problems, training=bool(asked & TRAINING))
    try:
        after, total = counter.count(draft.expansion.model, shape, env)
    except ExpressionError as error:
        draft.problems.include(error.diagnostic("space.model"))
        return draft
    last = draft.expansion.model[-1].span if draft.expansion.model else None
    features = after.features if isinstance(after, Vector) else None
    counted = not draft.nominal and not isinstance(features, Sym)
    wrong = features is None or (counted and features != outputs)
    if wrong and not draft.problems.errors:
        draft.problems.add(
            "E328", f"the model must end in a vector, one number for each of {outputs} outputs",
            last,
            hint="let the last layer be `dense: {units: outputs}`",
        )  # fmt: skip
    if draft.problems.errors:
        return draft
    values = total.costs(draft.builder)
    if counter.training:
        memory = total.training_memory(draft.builder, env, shape.size())
        values = {**values, "training.memory": memory}
    return replace(
        draft,
        cost_values=values,
        costs=draft.builder.program(dict(values)),
        checks=tuple(counter.checks),
    )
