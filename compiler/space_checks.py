"""What a merged space and its model must keep: names, branches, arguments, training values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from automlc.compiler.architecture import (
    ChoiceNode,
    ConditionNode,
    Layer,
    OpNode,
    RepeatNode,
    bodies,
    expressions,
    walk,
)
from automlc.compiler.ops import OPS
from automlc.compiler.problems import Problems
from automlc.compiler.shipped import modality
from automlc.runtime.training import TRAINING_PARAMETERS
from automlc.spec.diagnostics import Fix, Note, Span, swap
from automlc.spec.domains import Choice, Domain, Fixed, Float, Space
from automlc.spec.expressions import Expr, Name, Scalar, names, same
from automlc.spec.load import LoadedSpec
from automlc.spec.suggest import nearest
from automlc.spec.yaml_nodes import (
    ScalarNode,
    text_span,
)

TRAINING_WORDS = {
    "optimizer": ("adam", "adamw", "nadam", "rmsprop", "sgd"),
    "schedule": ("constant", "cosine", "linear", "polynomial"),
    "initializer": (
        "default",
        "he_uniform",
        "he_normal",
        "lecun_uniform",
        "lecun_normal",
        "glorot_uniform",
        "glorot_normal",
    ),
    "steps": ("one", "two", "three"),
    "step_freeze": ("all", "no", "bn"),
}
# The least and the largest value of training parameters that are numbers.
TRAINING_NUMBERS = {
    "lr": (0.0, math.inf),
    "batch_size": (1, math.inf),
    "weight_decay": (0.0, math.inf),
    "momentum": (0.0, math.inf),
    "end_lr": (0.0, math.inf),
    "step_ratio": (0.0, 1.0),
    "step_scale": (1e-6, math.inf),
}
_IMAGE = ("input.channels", "input.height", "input.width")
CONSTANTS = {
    "image": ("outputs", "regression", *_IMAGE),
    "tabular": ("outputs", "regression", "input.numeric", "input.categories"),
    "text": ("outputs", "regression", "input.length", "input.vocabulary"),
}


def check_model(space: Space, model: tuple[Layer, ...], task: str, problems: Problems) -> None:
    """The names, branches and arguments of an architecture."""
    known = {*space.names, *CONSTANTS[modality(task)]}
    _check_names(model, known, problems)
    _check_values(model, space, frozenset(), problems)


def _check_values(
    layers: Iterable[Layer],
    space: Space,
    guarded: frozenset[str],
    problems: Problems,
    indices: frozenset[str] = frozenset(),
) -> None:
    """Branches and arguments; a condition on a parameter may rule values out (`guarded`).

    `indices` of the repeats around hide parameters of the same name.
    """
    for layer in layers:
        if isinstance(layer, ChoiceNode):
            _check_branches(layer, space, indices, problems)
        elif isinstance(layer, OpNode):
            _check_arguments(layer, space, guarded, problems)
        elif isinstance(layer, RepeatNode):
            _check_times(layer, space, guarded, problems)
        inner = guarded
        if isinstance(layer, ConditionNode):
            inner = guarded | names(layer.when)
        around = indices
        if isinstance(layer, RepeatNode):
            around, inner = indices | {layer.index}, inner | {layer.index}
        for body in bodies(layer):
            _check_values(body, space, inner, problems, around)


def _check_names(layers: Iterable[Layer], known: set[str], problems: Problems) -> None:
    for layer in layers:
        for expr in expressions(layer):
            for name, span in _named(expr):
                if name not in known:
                    _unknown_name(name, span or layer.span, known, problems)
        inner = known | {layer.index} if isinstance(layer, RepeatNode) else known
        for body in bodies(layer):
            _check_names(body, inner, problems)


def _named(expr: Expr) -> list[tuple[str, Span | None]]:
    if isinstance(expr, Name):
        return [(expr.name, expr.span)]
    return [(name, expr.span) for name in sorted(names(expr))]


def _unknown_name(name: str, span: Span | None, known: set[str], problems: Problems) -> None:
    near = nearest(name, sorted(known))
    problems.add(
        "E307",
        f"{name} is neither a parameter nor a constant of this task",
        span,
        hint=f"did you mean {near}?" if near else f"declare it: space.parameters.{name}",
        fix=swap(span, name, near, safe=False),
    )


def _check_branches(
    node: ChoiceNode, space: Space, indices: frozenset[str], problems: Problems
) -> None:
    constant = any(node.parameter in known for known in CONSTANTS.values())
    if node.parameter in indices or (constant and node.parameter not in space):
        problems.add(
            "E325", f"a choice is made by a parameter, and {node.parameter} is none", node.span,
            hint="give each layer its own condition with `when:`",
        )  # fmt: skip
        return
    if node.parameter not in space:
        return  # reported as an unknown name
    domain = space[node.parameter].domain
    values = listed_values(domain)
    if values is None:
        problems.add(
            "E325", f"a choice needs a parameter with listed values; {node.parameter} is {domain}",
            node.span, hint=f"declare {node.parameter} as choice(...)",
            notes=_declared(space, node.parameter),
        )  # fmt: skip
        return
    written = [value for value, _ in node.branches]
    for value in values:
        if not any(same(value, other) for other in written):
            problems.add(
                "E325", f"the choice of {node.parameter} has no branch for {value!r}", node.span,
                hint=f"add `{value}: [layers]` (or `[]` for nothing)",
                notes=_declared(space, node.parameter),
            )  # fmt: skip


def _check_times(
    node: RepeatNode, space: Space, guarded: frozenset[str], problems: Problems
) -> None:
    """A parameter that says how often layers are repeated takes whole numbers."""
    if not isinstance(node.times, Name) or node.times.name not in space:
        return
    name = node.times.name
    domain = space[name].domain
    values = listed_values(domain) or ()
    whole = all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and v % 1 == 0 for v in values
    )
    if name in guarded or (whole and not isinstance(domain, Float)):
        return
    problems.add(
        "E326", f"layers are repeated {name} times, and {name} is {domain}",
        space[name].span or node.span, hint="write a whole number, or such as int(1, 8)",
        key=f"space.parameters.{name}", notes=(Note("the layers are here", node.span),),
    )  # fmt: skip


def _declared(space: Space, name: str) -> tuple[Note, ...]:
    """Where the spec declares a parameter; nothing for those of presets."""
    span = space[name].span
    return (Note(f"{name} is declared here", span),) if span is not None else ()


def listed_values(domain: Domain) -> tuple[Any, ...] | None:
    """The values of a domain that lists them."""
    if isinstance(domain, Choice):
        return domain.values
    return (domain.value,) if isinstance(domain, Fixed) else None


def _check_arguments(
    node: OpNode, space: Space, guarded: frozenset[str], problems: Problems
) -> None:
    """Values of a parameter that an argument takes directly must all be allowed."""
    for name, expr in node.args:
        if not isinstance(expr, Name) or expr.name not in space or expr.name in guarded:
            continue
        domain = space[expr.name].domain
        problem = OPS.get(node.op).args[name].domain_problem(domain)
        if problem:
            problems.add(
                "E324", f"{node.op}: {name} {problem} ({expr.name} is {domain})",
                space[expr.name].span or expr.span or node.span,
                hint=f"change the domain of {expr.name}, or write another value in the layer",
                notes=(Note("the layer is here", expr.span or node.span),),
            )  # fmt: skip


def warn_of_branches(
    model: tuple[Layer, ...], listed: Mapping[str, tuple[Scalar, ...]], problems: Problems
) -> None:
    """A branch of the spec's own model that no value chooses; a preset's are there to be chosen."""
    for node in walk(model):
        if not isinstance(node, ChoiceNode) or node.parameter not in listed:
            continue
        known = listed[node.parameter]
        for value, body in node.branches:
            if not any(same(value, other) for other in known):
                problems.add(
                    "W533", f"these layers are in no model: {node.parameter} is never {value}",
                    body[0].span if body else node.span, key="space.model",
                    hint=f"remove the branch, or add {value} to {node.parameter}",
                )  # fmt: skip


def check_unused(
    space: Space,
    model: tuple[Layer, ...],
    declared: Iterable[str],
    loaded: LoadedSpec,
    problems: Problems,
) -> None:
    """Parameters of the spec that nothing asks."""
    used = set(TRAINING_PARAMETERS)
    for layer in walk(model):
        for expr in expressions(layer):
            used |= names(expr)
    for parameter in space.parameters:
        if parameter.when is not None:
            used |= names(parameter.when)
    candidates = sorted(used & set(space.names))
    for name in declared:
        if name in used:
            continue
        near, span = nearest(name, candidates), loaded.key_spans(f"space.parameters.{name}")
        problems.add(
            "W521", f"the parameter {name} is used by neither the model nor the training", span,
            fix=swap(span, name, near, safe=False),
            hint=f"did you mean {near}?" if near else "use it in space.model, or remove it",
            key=f"space.parameters.{name}",
        )  # fmt: skip


def _word_fix(loaded: LoadedSpec, key: str, word: str, near: str | None) -> Fix | None:
    """A word inside a domain such as `choice(adam, sdg)`, where it stands there once."""
    node, span = loaded.node_at(key), loaded.spans(key)
    if not isinstance(node, ScalarNode) or near is None or span is None:
        return None
    found = list(re.finditer(rf"\b{re.escape(word)}\b", node.text))
    inside = text_span(node)
    if len(found) != 1 or inside.end_column - inside.column != len(node.text):
        return None
    first = inside.column + found[0].start()
    place = replace(inside, column=first, end_column=first + len(word))
    return swap(place, word, near)


def check_training(space: Space, loaded: LoadedSpec, problems: Problems) -> None:
    """The words and numbers that the training loop takes."""
    for name, words in TRAINING_WORDS.items():
        parameter = space[name]
        for value in listed_values(parameter.domain) or (None,):
            if value not in words:
                near = nearest(str(value), words)
                problems.add(
                    "E332", f"{name} cannot be {value!r}", parameter.span,
                    hint=f"did you mean {near}?" if near else f"known: {', '.join(words)}",
                    key=f"space.parameters.{name}",
                    fix=_word_fix(loaded, f"space.parameters.{name}", str(value), near),
                )  # fmt: skip
    for name, (low, high) in TRAINING_NUMBERS.items():
        domain = space[name].domain
        ends = (getattr(domain, "low", None), getattr(domain, "high", None))
        values = listed_values(domain) or ends
        numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
        if len(numbers) != len(values) or min(numbers) < low or max(numbers) > high:
            bounds = f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
            problems.add(
                "E332", f"{name} must be a number {bounds}, got {domain}",
                space[name].span, key=f"space.parameters.{name}",
            )  # fmt: skip
