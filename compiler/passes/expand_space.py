"""Merge training defaults, preset and spec into one space and one architecture."""

from dataclasses import replace

from automlc.compiler.draft import Draft
from automlc.compiler.expand import expand
from automlc.spec.domains import Fixed


def expand_space(draft: Draft) -> Draft:
    """Every parameter leaves a record of where it was declared."""
    expansion = expand(draft.loaded, draft.problems)
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
