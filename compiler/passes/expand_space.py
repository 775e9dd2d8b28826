"""Merge training defaults, preset and spec into one space and one architecture."""

from dataclasses import replace

from automlc.compiler.backbones import Backbones, read_backbones
from automlc.compiler.contracts.contract import ImageInput
from automlc.compiler.draft import Draft
from automlc.compiler.embeddings import read_embeddings
from automlc.compiler.expand import NO_BACKBONES, expand
from automlc.compiler.passes.choose_backend import choose_backend
from automlc.compiler.problems import Problems
from automlc.spec.domains import Fixed


def expand_space(draft: Draft) -> Draft:
    """Every parameter leaves a record of where it was declared."""
    embeddings = read_embeddings(draft.loaded, draft.problems, draft.roots, not draft.nominal)
    expansion = expand(
        draft.loaded, draft.problems, _backbones(draft), embeddings, trusting=draft.nominal
    )
    if expansion is None:
        return draft
    draft = replace(draft, expansion=expansion)
    if expansion.preset is not None:
        because = draft.origin("space.preset")
        if because == "default":
            because = f"default for {draft.loaded.spec.task.kind}"
        draft = draft.noted("expand_space", "space.preset", expansion.preset, because)
    for group, names in expansion.added.items():
        key = f"space.expand.{group}"
        draft = draft.noted("expand_space", key, ", ".join(names), draft.origin("space.expand"))
    records = list(draft.records)
    for parameter in expansion.space.parameters:
        text = str(parameter.domain)
        if not isinstance(parameter.domain, Fixed):
            text += f", default {parameter.default!r}"
        made = draft.noted(
            "expand_space", f"space.parameters.{parameter.name}", text,
            expansion.origins[parameter.name],
        )  # fmt: skip
        records.append(made.records[-1])
    return replace(draft, records=tuple(records))


def _backbones(draft: Draft) -> Backbones:
    if not draft.loaded.spec.space.backbones:
        return NO_BACKBONES
    # The backend is settled later, and its mistakes are reported there.
    backend = choose_backend(replace(draft, problems=Problems())).backend
    data = draft.contract.input
    channels = data.channels if isinstance(data, ImageInput) and not draft.nominal else None
    if backend is None:
        return NO_BACKBONES
    return read_backbones(
        draft.loaded, backend.kind, channels, draft.problems, draft.roots, not draft.nominal
    )
