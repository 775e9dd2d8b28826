"""Presets, groups, parameters of training, domains and operations."""

from __future__ import annotations

import math
from collections.abc import Mapping

from automlc.compiler.catalog.entry import Entry, Option, package_of
from automlc.compiler.ops import OPS, Arg
from automlc.compiler.shipped import DEFAULT_PRESETS, PRESETS, TRAINING, groups_of, load_preset
from automlc.compiler.space_checks import CONSTANTS, TRAINING_NUMBERS, TRAINING_WORDS
from automlc.runtime.training import TRAINING_PARAMETERS
from automlc.spec.declarations import DOMAINS, ParameterDecl
from automlc.spec.domains import word_text
from automlc.spec.expressions import FUNCTIONS, to_text

_PRESETS = {
    "image/blocks": "convolutional networks: plain, residual, Xception and EfficientNet blocks",
    "tabular/mlp": "multilayer perceptrons, plain or residual, with learned vectors for categories",
    "text/blocks": "convolutions over word vectors, transformer encoders, or tf-idf counts",
}
TRAINING_TEXTS = {
    "optimizer": "the optimizer; `sgd` is Nesterov's where `momentum` is above 0",
    "lr": "the learning rate",
    "weight_decay": "decoupled for `adamw`, else added to the gradient",
    "momentum": "of `sgd`",
    "batch_size": "examples of one step",
    "schedule": "how the rate falls over all steps: `cosine` and `linear` to 0, `polynomial` on a "
    "line to `end_lr`, `constant` not at all",
    "warmup": "fraction of the steps over which the rate rises",
    "label_smoothing": "of the cross-entropy",
    "clip_norm": "largest norm of the gradient; 0 for none",
    "initializer": "of every kernel; `default` is the model's own",
    "end_lr": "last rate of `polynomial`; a tenth of `lr` where it is larger than that",
    "steps": "training in one, two or three steps",
    "step_ratio": "share of the epochs in the first of two steps",
    "step_scale": "the first of two steps has the rate `lr / step_scale`",
    "step_freeze": "what the first of two steps freezes: `all` but the head, `bn` (normalization "
    "layers), or `no` layer",
}
_GROUPS = {
    "activations": "more activation functions",
    "augmentation": "random moves, turns, zooms, contrast and flips of images",
    "fine_tuning": "training in steps, with and without frozen layers",
    "initializers": "how the kernels begin",
    "layers": "more sizes, and the filters or units of each layer by itself",
    "optimizers": "more optimizers and schedules, and wider rates",
}
_DOMAINS = {
    "choice": "one of the values; a bare word is text",
    "int": "whole numbers, both ends included; a third number is the step",
    "log_int": "whole numbers, evenly in the logarithm",
    "float": "real numbers, both ends included",
    "uniform": "the same as `float`",
    "log_uniform": "real numbers above 0, evenly in the logarithm",
    "log": "the same as `log_uniform`",
    "fixed": "a constant, as is a bare value",
}
_CONSTANTS = {
    "outputs": "numbers that the model answers with: its classes, or 1",
    "regression": "whether the task is a regression",
    "input.height": "pixels",
    "input.width": "pixels",
    "input.channels": "1 or 3 for files, up to 16 for arrays",
    "input.numeric": "columns of numbers",
    "input.categories": "columns of categories",
    "input.length": "tokens of the longest text, at most `data.text.length`",
    "input.vocabulary": "distinct tokens, at most `data.text.max_tokens`",
}
_FUNCTIONS = {
    "min": "the smallest of its arguments",
    "max": "the largest of its arguments",
    "abs": "the absolute value",
    "select": "`a` where the condition holds, else `b`",
}


def presets() -> tuple[Entry, ...]:
    return tuple(_preset(name) for name in PRESETS)


def _preset(name: str) -> Entry:
    preset = load_preset(name)
    options = [*_parameters(preset.parameters)]
    for group, declared in _groups(name).items():
        options += _parameters(declared, f"expand: [{group}]")
    default = [kind for kind, chosen in DEFAULT_PRESETS.items() if chosen == name]
    facts = {"tasks": ", ".join(preset.tasks), "groups": ", ".join(_groups_of(name))}
    if default:
        facts["default for"] = f"{default[0]} tasks"
    return Entry(name, _PRESETS.get(name, ""), tuple(options), facts)


def _groups(name: str) -> Mapping[str, Mapping[str, ParameterDecl]]:
    """The groups that one preset (or training) declares, by name."""
    preset = load_preset(name)
    joined = groups_of(None if name == TRAINING else preset)
    return {group: joined[group] for group in preset.groups}


def _groups_of(name: str) -> list[str]:
    return [*load_preset(name).groups, *load_preset(TRAINING).groups]


def _parameters(declared: Mapping[str, ParameterDecl], group: str = "") -> list[Option]:
    found = []
    for name, declaration in declared.items():
        when = to_text(declaration.when) if declaration.when is not None else ""
        only = ", ".join(part for part in (group, when and f"when {when}") if part)
        meaning = TRAINING_TEXTS.get(name, "")
        default = word_text(declaration.default)
        found.append(Option(name, str(declaration.domain), default, meaning, only))
    return found


def groups() -> tuple[Entry, ...]:
    """Groups of `space.expand`; one of several presets is an entry for each."""
    found = []
    for name in (*PRESETS, TRAINING):
        of = "every preset" if name == TRAINING else name
        for group, declared in _groups(name).items():
            text = f"{_GROUPS.get(group, 'more values')} ({of})"
            found.append(Entry(group, text, tuple(_parameters(declared)), {"of": of}))
    return tuple(sorted(found, key=lambda entry: (entry.name, entry.facts["of"])))


def parameters() -> tuple[Entry, ...]:
    """What every training reads, with the default that stands where nothing else does."""
    declared = load_preset(TRAINING).parameters
    return tuple(
        Entry(
            name,
            TRAINING_TEXTS[name],
            facts={"values": _training_values(name), "default": word_text(declared[name].default)},
        )
        for name in TRAINING_PARAMETERS
    )


def _training_values(name: str) -> str:
    if name in TRAINING_WORDS:
        return ", ".join(f"`{word}`" for word in TRAINING_WORDS[name])
    low, high = TRAINING_NUMBERS.get(name, (0.0, math.inf))
    kind = "whole number" if name == "batch_size" else "number"
    return f"{kind}, at least {low:g}" if high == math.inf else f"{kind}, {low:g} to {high:g}"


def domains() -> tuple[Entry, ...]:
    return tuple(
        Entry(name, _DOMAINS[name], facts={"usage": kind.usage}) for name, kind in DOMAINS.items()
    )


def functions() -> tuple[Entry, ...]:
    return tuple(
        Entry(name, _FUNCTIONS[name], facts={"usage": usage})
        for name, (_, _, _, usage) in FUNCTIONS.items()
    )


def constants() -> tuple[Entry, ...]:
    """Names that an expression of the model may use, and for which inputs they are known."""
    kinds: dict[str, list[str]] = {}
    for kind, names in CONSTANTS.items():
        for name in names:
            kinds.setdefault(name, []).append(kind)
    return tuple(
        Entry(name, _CONSTANTS[name], facts={"inputs": ", ".join(found)})
        for name, found in sorted(kinds.items())
    )


_OWN = frozenset(OPS.names())  # at import, before any plug-in


def operations() -> tuple[Entry, ...]:
    return tuple(
        Entry(
            name,
            op.doc,
            tuple(_argument(key, arg) for key, arg in op.args.items()),
            {"takes": ", ".join(op.ranks), "gives": op.output_rank or "what it took"},
            "automlc" if name in _OWN else package_of(op),
        )
        for name in sorted(OPS.names())
        for op in (OPS.get(name),)
    )


def _argument(name: str, arg: Arg) -> Option:
    default = None if arg.default is None else word_text(arg.default)
    return Option(name, _argument_values(arg), default)


def _argument_values(arg: Arg) -> str:
    if arg.kind == "word":
        return ", ".join(f"`{word}`" for word in arg.words)
    if arg.kind == "bool":
        return "true or false"
    kind = "whole number" if arg.kind == "int" else "number"
    if arg.odd:
        kind = f"odd {kind}"
    low, high = math.isfinite(arg.low), math.isfinite(arg.high)
    if low and high:
        return f"{kind}, {_number(arg.low)} to {_number(arg.high)}"
    if low or high:
        bound = f"at least {_number(arg.low)}" if low else f"at most {_number(arg.high)}"
        return f"{kind}, {bound}"
    return kind


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"
