"""The space of a spec: training defaults, then the preset, then what the person wrote.

The result is one set of parameters and one architecture, wherever each piece came from, with the
origin of every parameter kept for `automlc explain`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from automlc.compiler.architecture import (
    Block,
    ChoiceNode,
    ConditionNode,
    Layer,
    ModelParser,
    OpNode,
    RepeatNode,
    bodies,
    expressions,
    prune,
    walk,
)
from automlc.compiler.backbones import Backbones
from automlc.compiler.embeddings import PARAMETER, WIDTH, Embeddings, WordVectors
from automlc.compiler.ops import OPS
from automlc.compiler.problems import Problems
from automlc.runtime.training import TRAINING_PARAMETERS
from automlc.spec.diagnostics import Fix, Note, Span, swap
from automlc.spec.domains import (
    Choice,
    Domain,
    Fixed,
    Float,
    Integer,
    Parameter,
    ParameterDecl,
    Space,
    check_references,
    read_declaration,
)
from automlc.spec.errors import AutomlcError, SpecError
from automlc.spec.expressions import Expr, Literal, Name, Scalar, names, same
from automlc.spec.load import LoadedSpec
from automlc.spec.record import record
from automlc.spec.suggest import nearest
from automlc.spec.yaml_nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    parse_yaml,
    text_span,
    to_plain,
)

NO_BACKBONES = Backbones()
NO_EMBEDDINGS = Embeddings()
PRESETS = ("image/blocks", "tabular/mlp", "text/blocks")
TRAINING = "training"
SHIPPED = (*PRESETS, TRAINING)

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
_FEW_VALUES = 1000  # of a whole number's range that are looked at one by one
_IMAGE = ("input.channels", "input.height", "input.width")
CONSTANTS = {
    "image": ("outputs", "regression", *_IMAGE),
    "tabular": ("outputs", "regression", "input.numeric", "input.categories"),
    "text": ("outputs", "regression", "input.length", "input.vocabulary"),
}
TEXT = "text/blocks"
DEFAULT_PRESETS = {"image": "image/blocks", "tabular": "tabular/mlp", "text": TEXT}


@record
class Preset:
    """A search space shipped as a text."""

    name: str
    tasks: tuple[str, ...]
    parameters: Mapping[str, ParameterDecl]
    blocks: Mapping[str, Block]
    model: SequenceNode | None
    forbid: tuple[Expr, ...] = ()
    groups: Mapping[str, Node] = field(default_factory=dict)
    """The declarations of each group, which `groups_of` reads."""
    neutral: Mapping[str, Scalar] = field(default_factory=dict)
    """Values of names of the model that only a group makes parameters."""
    starts: tuple[Mapping[str, Scalar], ...] = ()
    """What differs from the defaults in smaller models that learn well, the larger first."""


@record
class Expansion:
    """A merged space and its architecture; `origins` tells where each parameter comes from.

    `added` tells for each group of `space.expand` the parameters that it brought or widened;
    `starts` are the preset's, as configurations of this space.
    """

    space: Space
    model: tuple[Layer, ...]
    origins: Mapping[str, str]
    preset: str | None
    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    starts: tuple[Mapping[str, Scalar], ...] = ()
    vectors: tuple[WordVectors, ...] = ()
    """Those that `pretraining` may name."""
    as_shipped: bool = False
    """The model is a preset's own, with values that its tests cover; it was not read."""


@cache
def load_preset(name: str) -> Preset:
    """A shipped preset by name; presets are checked by tests, so mistakes in them are bugs."""
    # Not importlib.resources: importing it takes as long as reading the preset.
    file = Path(__file__).parent / "presets" / f"{name}.yaml"
    root, found = parse_yaml(file.read_text(encoding="utf-8"), name)
    assert not found, f"the preset {name} is broken: {found}"
    assert isinstance(root, MappingNode)
    problems = Problems()
    parameters, groups = root.get("parameters"), root.get("expand")
    declared = _declarations(parameters, name)
    listed = groups.items if isinstance(groups, MappingNode) else ()
    blocks = root.get("blocks")
    read = read_blocks(blocks, problems) if isinstance(blocks, MappingNode) else {}
    model = root.get("model")
    tasks, neutral, starts = root.get("tasks"), root.get("neutral"), root.get("starts")
    return Preset(
        name,
        tuple(to_plain(tasks)) if tasks is not None else (),
        declared,
        read,
        model if isinstance(model, SequenceNode) else None,
        groups={key.text: node for key, node in listed},
        neutral=to_plain(neutral) if neutral is not None else {},
        starts=tuple(to_plain(starts)) if starts is not None else (),
    )


def _declarations(node: Node | None, name: str) -> dict[str, ParameterDecl]:
    """The parameters that a preset declares in one place."""
    assert isinstance(node, MappingNode), f"the preset {name}: parameters are a mapping"
    declared: dict[str, ParameterDecl] = {}
    for key, value in node.items:
        declaration, mistakes = read_declaration(value, key.text)
        assert declaration is not None, f"the preset {name}: {mistakes}"
        declared[key.text] = declaration
    return declared


def read_blocks(node: MappingNode, problems: Problems) -> dict[str, Block]:
    """`name: {args: [a, b], body: [layers]}`, or `name: [layers]`, of a spec or a preset."""
    blocks: dict[str, Block] = {}
    for key, value in node.items:
        name = key.text
        if name in OPS.names():
            problems.add(
                "E329", f"{name} is an operation; a block needs its own name", key.span,
                hint=f"call it my_{name}, here and where it is used",
            )  # fmt: skip
            continue
        if isinstance(value, SequenceNode):
            blocks[name] = Block((), value)
            continue
        body = value.get("body") if isinstance(value, MappingNode) else None
        args = value.get("args") if isinstance(value, MappingNode) else None
        words = to_plain(args) if args is not None else []
        fits = isinstance(words, list) and all(isinstance(w, str) for w in words)
        if not isinstance(body, SequenceNode) or not fits:
            problems.add(
                "E329",
                f"the block {name} is `{{args: [names], body: [layers]}}`",
                key.span,
                hint=f"write {name}: [layers], or {name}: {{args: [width], body: [layers]}}",
            )
            continue
        blocks[name] = Block(tuple(words), body)
    return blocks


def modality(task: str) -> str:
    """What goes in: image, tabular or text."""
    return task.partition("_")[0]


def default_preset(task: str) -> str:
    """The preset of a task when the spec gives neither a preset nor a model."""
    return DEFAULT_PRESETS[modality(task)]


@dataclass
class _Merge:
    """Parameters by name, later layers replacing earlier ones; order of first mention."""

    parameters: dict[str, Parameter] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def add(self, declared: Mapping[str, ParameterDecl], origin: str) -> None:
        for name, declaration in declared.items():
            self.parameters[name] = declaration.parameter(name)
            span = declaration.span
            self.origins[name] = f"{origin}:{span.line}" if span is not None else origin

    def add_of_spec(self, declared: Mapping[str, ParameterDecl], loaded: LoadedSpec) -> None:
        """The parameters of the spec itself, which may come from several files."""
        self.add(declared, loaded.source.path.name)
        for name, declaration in declared.items():
            if declaration.span is not None:
                self.origins[name] = loaded.place(declaration.span)


def expand(
    loaded: LoadedSpec,
    problems: Problems,
    backbones: Backbones = NO_BACKBONES,
    embeddings: Embeddings = NO_EMBEDDINGS,
    *,
    trusting: bool = False,
) -> Expansion | None:
    """Merge and check the space of a spec; None when mistakes leave nothing to go on with.

    With `trusting`, for a check that runs at every save, a preset's own model is not read where the
    spec gives its parameters no other values than the preset and its groups do.
    """
    section, task = loaded.spec.space, loaded.spec.task.kind
    name = section.preset
    if name is None and section.model is None:
        name = default_preset(task)
    preset = _preset(name, task, loaded, problems) if name is not None else None
    merge = _Merge()
    merge.add(load_preset(TRAINING).parameters, TRAINING)
    if preset is not None:
        merge.add(preset.parameters, preset.name)
    added = _add_groups(section.expand, preset, merge, loaded, problems)
    if backbones.entries and not _takes_backbones(preset, merge, loaded, problems):
        backbones = NO_BACKBONES
    merge.add(backbones.parameters(), "space.backbones")
    if embeddings.entries and not _takes_embeddings(preset, loaded, problems):
        embeddings = NO_EMBEDDINGS
    if embeddings.entries:
        merge.add(embeddings.parameters(merge.parameters["embedding"]), "space.embeddings")
    shipped = (
        trusting
        and preset is not None
        and not (backbones.entries or embeddings.entries or section.model or section.blocks)
        and all(_is_covered(name, d, merge) for name, d in section.parameters.items())
    )
    merge.add_of_spec(section.parameters, loaded)
    forbidden = (*(preset.forbid if preset else ()), *section.forbid)
    parser = _parser(loaded, preset, merge, problems)
    if preset is not None and preset.name == TEXT:
        parser = replace(parser, constants={**parser.constants, WIDTH: embeddings.width()})
    if preset is not None and "block" in merge.parameters:
        blocks = _values(merge.parameters["block"].domain) or ()
        layers = backbones.layers(blocks) if backbones.entries else ()
        constants = {**parser.constants, **backbones.constants()}
        parser = replace(parser, backbones=layers, constants=constants)
    text = section.model
    if text is None and preset is not None:
        text = preset.model
    if text is None:
        return None
    model = () if shipped else parser.layers(text, {})
    for problem in check_references(tuple(merge.parameters.values()), forbidden):
        # A spec may narrow a preset's choice: conditions of the preset then just never hold.
        if problem.code != "E312" or problem.span is None or problem.span.file not in SHIPPED:
            problems.found.append(problem)
    try:
        space = Space(merge.parameters.values(), forbidden)
    except SpecError as error:
        problems.found += error.diagnostics
        return None
    # Conditions with mistakes in them cannot be asked.
    given = preset.starts if preset is not None and section.model is None and not shipped else ()
    # A condition that cannot be evaluated was reported; nothing can be built with it.
    starts = () if problems.errors else tuple(_starts(given, space))
    vectors = _vectors(embeddings, space, problems)
    expansion = Expansion(space, model, merge.origins, name, added, starts, vectors, shipped)
    _check_training(expansion, loaded, problems)
    if shipped:
        return expansion
    _check_model(expansion, task, problems)
    _check_unused(expansion, section.parameters, loaded, problems)
    listed = {p.name: values for p in space.parameters if (values := _values(p.domain))}
    if section.model is not None:
        _warn_of_branches(model, listed, problems)
    return replace(expansion, model=prune(model, listed))


def _warn_of_branches(
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


def _is_covered(name: str, declared: ParameterDecl, merge: _Merge) -> bool:
    """Whether a declaration only narrows what preset and groups say, or is the training's alone."""
    if name in TRAINING_PARAMETERS:
        return True
    before, own = merge.parameters.get(name), declared.parameter(name)
    return before is not None and own.when == before.when and _narrows(own.domain, before.domain)


def _narrows(domain: Domain, wider: Domain) -> bool:
    values = _values(domain)
    if values is None and isinstance(domain, Integer) and domain.high - domain.low <= _FEW_VALUES:
        values = tuple(range(domain.low, domain.high + 1, domain.step))
    if values is None:
        return (
            isinstance(domain, Float) and wider.contains(domain.low) and wider.contains(domain.high)
        )
    return all(wider.contains(value) for value in values)


def _takes_backbones(
    preset: Preset | None, merge: _Merge, loaded: LoadedSpec, problems: Problems
) -> bool:
    """Whether the model has a place for a pretrained body; a problem if not."""
    if preset is not None and preset.name == "image/blocks" and loaded.spec.space.model is None:
        return True
    problems.add(
        "E333", "only the model of the preset image/blocks takes pretrained backbones",
        loaded.spans("space.backbones"), hint="take `model:` out, or `backbones:`",
        key="space.backbones",
    )  # fmt: skip
    return False


def _takes_embeddings(preset: Preset | None, loaded: LoadedSpec, problems: Problems) -> bool:
    """Whether the model has an embedding that word vectors fit; a problem if not."""
    if preset is not None and preset.name == TEXT and loaded.spec.space.model is None:
        return True
    problems.add(
        "E313", f"only the model of the preset {TEXT} takes word vectors",
        loaded.spans("space.embeddings"), hint="take `model:` out, or `embeddings:`",
        key="space.embeddings",
    )  # fmt: skip
    return False


def _vectors(embeddings: Embeddings, space: Space, problems: Problems) -> tuple[WordVectors, ...]:
    """What the parameter of word vectors may name; a problem for a name that there is none of."""
    if not embeddings.entries:
        return ()
    parameter = space[PARAMETER]
    try:
        return embeddings.of(parameter)
    except AutomlcError as error:
        key = f"space.parameters.{PARAMETER}"
        problems.add("E313", error.message, parameter.span, hint=error.hint, key=key)
        return ()


def groups_of(preset: Preset | None) -> dict[str, dict[str, ParameterDecl]]:
    """What `space.expand` may name: the groups of training and of the preset, joined by name."""
    found: dict[str, dict[str, ParameterDecl]] = {}
    for source in filter(None, (load_preset(TRAINING), preset)):
        for name, node in source.groups.items():
            found.setdefault(name, {}).update(_declarations(node, source.name))
    return found


def _starts(given: Iterable[Mapping[str, Scalar]], space: Space) -> Iterator[dict[str, Scalar]]:
    """The preset's starts that the space allows, completed with its defaults."""
    for start in given:
        config = space.build(lambda p, start=start: start.get(p.name, p.default))  # type: ignore[misc]
        taken = all(config.get(name) == value for name, value in start.items())
        if taken and not space.violated(config) and not space.problems(config):
            yield config


def _add_groups(
    wanted: tuple[str, ...],
    preset: Preset | None,
    merge: _Merge,
    loaded: LoadedSpec,
    problems: Problems,
) -> dict[str, tuple[str, ...]]:
    """Merge the groups that the spec names, in its order. A group widens: defaults stay."""
    known, added = groups_of(preset) if wanted else {}, {}
    for index, name in enumerate(wanted):
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else f"the groups are {', '.join(known)}"
            problems.add(
                "E336", f"no group of parameters is called {name!r}",
                loaded.spans(f"space.expand[{index}]"), hint=hint, key=f"space.expand[{index}]",
                fix=swap(loaded.spans(f"space.expand[{index}]"), name, near),
            )  # fmt: skip
            continue
        widened = {key: _widened(d, merge.parameters.get(key)) for key, d in known[name].items()}
        merge.add(widened, f"group {name}")
        added[name] = tuple(known[name])
    return added


def _widened(declared: ParameterDecl, before: Parameter | None) -> ParameterDecl:
    """A declaration of a group with the default of the parameter that it replaces."""
    if before is None or not declared.domain.contains(before.default):
        return declared
    return replace(declared, default=before.default)


def _preset(name: str, task: str, loaded: LoadedSpec, problems: Problems) -> Preset | None:
    span = loaded.spans("space.preset")
    if name not in PRESETS:
        near = nearest(name, PRESETS)
        hint = f"did you mean {near}?" if near else f"the presets are {', '.join(PRESETS)}"
        problems.add(
            "E330", f"no preset is called {name!r}", span, hint=hint, key="space.preset",
            fix=swap(span, name, near),
        )  # fmt: skip
        return None
    preset = load_preset(name)
    if task not in preset.tasks:
        fitting = [p for p in PRESETS if task in load_preset(p).tasks]
        problems.add(
            "E331",
            f"the preset {name} is for {' and '.join(preset.tasks)}, not for {task}",
            span,
            hint=f"write preset: {fitting[0]}" if fitting else None,
            key="space.preset",
            notes=(Note("the task is given here", loaded.spans("task.kind")),),
            fix=swap(span, name, fitting[0] if fitting else None, safe=False),
        )
        return None
    return preset


def _parser(
    loaded: LoadedSpec, preset: Preset | None, merge: _Merge, problems: Problems
) -> ModelParser:
    own = loaded.spec.space.blocks
    blocks = dict(preset.blocks) if preset is not None else {}
    if own is not None:
        blocks |= read_blocks(own, problems)
    neutral = preset.neutral if preset is not None else {}
    free = {name: Literal(value) for name, value in neutral.items() if name not in merge.parameters}
    return ModelParser(problems, blocks, free)


def _check_model(expansion: Expansion, task: str, problems: Problems) -> None:
    known = {*expansion.space.names, *CONSTANTS[modality(task)]}
    _check_names(expansion.model, known, problems)
    _check_values(expansion.model, expansion.space, frozenset(), problems)


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
    values = _values(domain)
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


def _declared(space: Space, name: str) -> tuple[Note, ...]:
    """Where the spec declares a parameter; nothing for those of presets."""
    span = space[name].span
    return (Note(f"{name} is declared here", span),) if span is not None else ()


def _values(domain: Domain) -> tuple[Any, ...] | None:
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


def _check_training(expansion: Expansion, loaded: LoadedSpec, problems: Problems) -> None:
    for name, words in TRAINING_WORDS.items():
        parameter = expansion.space[name]
        for value in _values(parameter.domain) or (None,):
            if value not in words:
                near = nearest(str(value), words)
                problems.add(
                    "E332", f"{name} cannot be {value!r}", parameter.span,
                    hint=f"did you mean {near}?" if near else f"known: {', '.join(words)}",
                    key=f"space.parameters.{name}",
                    fix=_word_fix(loaded, f"space.parameters.{name}", str(value), near),
                )  # fmt: skip
    for name, (low, high) in TRAINING_NUMBERS.items():
        domain = expansion.space[name].domain
        ends = (getattr(domain, "low", None), getattr(domain, "high", None))
        values = _values(domain) or ends
        numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
        if len(numbers) != len(values) or min(numbers) < low or max(numbers) > high:
            bounds = f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
            problems.add(
                "E332", f"{name} must be a number {bounds}, got {domain}",
                expansion.space[name].span, key=f"space.parameters.{name}",
            )  # fmt: skip


def _check_unused(
    expansion: Expansion, declared: Mapping[str, Any], loaded: LoadedSpec, problems: Problems
) -> None:
    used = set(TRAINING_PARAMETERS)
    for layer in walk(expansion.model):
        for expr in expressions(layer):
            used |= names(expr)
    for parameter in expansion.space.parameters:
        if parameter.when is not None:
            used |= names(parameter.when)
    for name in declared:
        if name in used:
            continue
        near = nearest(name, sorted(used & set(expansion.space.names)))
        problems.add(
            "W521", f"the parameter {name} is used by neither the model nor the training",
            loaded.key_spans(f"space.parameters.{name}"),
            fix=swap(loaded.key_spans(f"space.parameters.{name}"), name, near, safe=False),
            hint=f"did you mean {near}?" if near else "use it in space.model, or remove it",
            key=f"space.parameters.{name}",
        )  # fmt: skip
