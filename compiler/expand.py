"""The space of a spec: training defaults, then the preset, then what the person wrote.

The result is one set of parameters and one architecture, wherever each piece came from, with the
origin of every parameter kept for `automlc explain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from automlc.compiler.architecture import (
    Layer,
    ModelParser,
    prune,
)
from automlc.compiler.backbones import Backbones
from automlc.compiler.embeddings import PARAMETER, WIDTH, Embeddings, WordVectors
from automlc.compiler.problems import Problems
from automlc.compiler.shipped import (
    PRESETS,
    SHIPPED,
    TEXT,
    TRAINING,
    Preset,
    default_preset,
    groups_of,
    load_preset,
    read_blocks,
)
from automlc.compiler.space_checks import (
    check_model,
    check_training,
    check_unused,
    listed_values,
    warn_of_branches,
)
from automlc.runtime.training import TRAINING_PARAMETERS
from automlc.spec.declarations import ParameterDecl
from automlc.spec.diagnostics import Note, swap
from automlc.spec.domains import Domain, Float, Integer, Parameter, Space
from automlc.spec.errors import AutomlcError, SpecError
from automlc.spec.expressions import Expr, Literal, Scalar
from automlc.spec.load import LoadedSpec
from automlc.spec.record import record
from automlc.spec.references import check_references
from automlc.spec.suggest import nearest

NO_BACKBONES = Backbones()
NO_EMBEDDINGS = Embeddings()
_FEW_VALUES = 1000  # of a whole number's range that are looked at one by one


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
    if backbones.entries and not _takes_backbones(preset, loaded, problems):
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
    parser = _parser(loaded, preset, merge, backbones, embeddings, problems)
    text = section.model or (preset.model if preset is not None else None)
    if text is None:
        return None
    model = () if shipped else parser.layers(text, {})
    space = _space(merge, (*(preset.forbid if preset else ()), *section.forbid), problems)
    if space is None:
        return None
    given = preset.starts if preset is not None and section.model is None and not shipped else ()
    # A condition that cannot be evaluated was reported; nothing can be built with it.
    starts = () if problems.errors else tuple(_starts(given, space))
    vectors = _vectors(embeddings, space, problems)
    check_training(space, loaded, problems)
    if not shipped:
        model = _checked(model, space, loaded, problems)
    return Expansion(space, model, merge.origins, name, added, starts, vectors, shipped)


def _space(merge: _Merge, forbidden: tuple[Expr, ...], problems: Problems) -> Space | None:
    """The parameters as a space; None where they cannot be one."""
    for problem in check_references(tuple(merge.parameters.values()), forbidden):
        # A spec may narrow a preset's choice: conditions of the preset then just never hold.
        if problem.code != "E312" or problem.span is None or problem.span.file not in SHIPPED:
            problems.include(problem)
    try:
        return Space(merge.parameters.values(), forbidden)
    except SpecError as error:
        problems.include(*error.diagnostics)
        return None


def _checked(
    model: tuple[Layer, ...], space: Space, loaded: LoadedSpec, problems: Problems
) -> tuple[Layer, ...]:
    """The model without branches that no value chooses, after all its checks."""
    section = loaded.spec.space
    check_model(space, model, loaded.spec.task.kind, problems)
    check_unused(space, model, section.parameters, loaded, problems)
    listed = {p.name: values for p in space.parameters if (values := listed_values(p.domain))}
    if section.model is not None:
        warn_of_branches(model, listed, problems)
    return prune(model, listed)


def _is_covered(name: str, declared: ParameterDecl, merge: _Merge) -> bool:
    """Whether a declaration only narrows what preset and groups say, or is the training's alone."""
    if name in TRAINING_PARAMETERS:
        return True
    before, own = merge.parameters.get(name), declared.parameter(name)
    return before is not None and own.when == before.when and _narrows(own.domain, before.domain)


def _narrows(domain: Domain, wider: Domain) -> bool:
    values = listed_values(domain)
    if values is None and isinstance(domain, Integer) and domain.high - domain.low <= _FEW_VALUES:
        values = tuple(range(domain.low, domain.high + 1, domain.step))
    if values is None:
        return (
            isinstance(domain, Float) and wider.contains(domain.low) and wider.contains(domain.high)
        )
    return all(wider.contains(value) for value in values)


def _takes_backbones(preset: Preset | None, loaded: LoadedSpec, problems: Problems) -> bool:
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
    loaded: LoadedSpec,
    preset: Preset | None,
    merge: _Merge,
    backbones: Backbones,
    embeddings: Embeddings,
    problems: Problems,
) -> ModelParser:
    own = loaded.spec.space.blocks
    blocks = dict(preset.blocks) if preset is not None else {}
    if own is not None:
        blocks |= read_blocks(own, problems)
    neutral = preset.neutral if preset is not None else {}
    free = {name: Literal(value) for name, value in neutral.items() if name not in merge.parameters}
    parser = ModelParser(problems, blocks, free)
    if preset is not None and preset.name == TEXT:
        parser = replace(parser, constants={**parser.constants, WIDTH: embeddings.width()})
    if preset is not None and "block" in merge.parameters:
        listed = listed_values(merge.parameters["block"].domain) or ()
        layers = backbones.layers(listed) if backbones.entries else ()
        constants = {**parser.constants, **backbones.constants()}
        parser = replace(parser, backbones=layers, constants=constants)
    return parser
