"""Count the space, and say which of its conditions and forbidden combinations decide nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from automlc.compiler.draft import Draft
from automlc.runtime.searchers import SEARCHERS
from automlc.spec.diagnostics import Note, Span
from automlc.spec.domains import Space
from automlc.spec.expressions import literal_text, to_text

if TYPE_CHECKING:
    from automlc.compiler.proofs.counting import Count

FEW_STATES = 2_000  # without data: a check of a spec takes no time that one would notice
_FORBIDDEN_DEFAULT = "E335"  # where nothing is left, the default is not either: say both


def count_space(draft: Draft) -> Draft:
    """Records `space.size` and, below the choice that others depend on, the share of each value.

    Without data only what the spec's own conditions say about themselves is looked at.
    """
    if draft.expansion is None:
        return draft
    if any(d.code != _FORBIDDEN_DEFAULT for d in draft.problems.errors):
        return draft
    if draft.nominal:
        _check_own(draft)
        return draft
    from automlc.compiler.proofs.counting import count, shares

    space = draft.expansion.space
    found = count(space)
    _report(draft, found)
    _check_layers(draft)
    if found.empty or draft.problems.errors:
        return draft
    _warn_if_few(draft, found)
    draft = draft.noted("count_space", "space.size", found.text(), "counted, conditions included")
    parts = None if found.reason else shares(space)
    if parts is None:
        return draft
    name, counts = parts
    for value, part in counts.items():
        share = part.total / found.total
        text = f"{part.text()} ({share:.1%})"
        key = f"space.size.{name}={literal_text(value)}"
        draft = draft.noted("count_space", key, text, f"counted with {name} fixed")
    return draft


def _warn_if_few(draft: Draft, found: Count) -> None:
    """More trials than there are configurations: a configuration is never trained twice.

    A grid is made to end, and to measure actions means more than to find a model.
    """
    trials, span = draft.loaded.spec.budget.trials, draft.loaded.spans("budget.trials")
    if span is None or draft.search is None or found.reason or set(found.size) != {0}:
        return
    searcher = SEARCHERS.get(draft.search.name)
    if searcher.exhaustive or getattr(searcher, "only_measures", False) or found.total >= trials:
        return
    draft.problems.add(
        "W542", f"{trials:,} trials of a space of {found.text()}: the search ends when all were"
        " tried", span, key="budget.trials",
        hint=f"write trials: {found.total}, or widen the space",
    )  # fmt: skip


def _check_own(draft: Draft) -> None:
    """What the conditions and forbidden combinations that the spec itself has decide nothing."""
    assert draft.expansion is not None
    space, sources = draft.expansion.space, draft.loaded.sources
    own = {p.name for p in space.parameters if p.when and _is_own(p.when.span, sources)}
    if own or space.forbidden:
        from automlc.compiler.proofs.counting import components, count

        parts = [
            (parameters, forbidden)
            for parameters, forbidden in components(space)
            if forbidden or any(p.name in own for p in parameters)
        ]
        asked = Space((p for ps, _ in parts for p in ps), (e for _, es in parts for e in es))
        _report(draft, count(asked, most=FEW_STATES))
    _check_layers(draft)


def _is_own(span: Span | None, sources: Mapping[str, str]) -> bool:
    """Whether a text stands in the spec, not in a preset, where others may widen what it reads."""
    return span is not None and span.file in sources


def _check_layers(draft: Draft) -> None:
    """Layers of the spec's own model that stand in no configuration."""
    assert draft.expansion is not None
    sources = draft.loaded.sources
    if not any(_is_own(layer.span, sources) for layer in draft.expansion.model):
        return
    from automlc.compiler.proofs.layers import dead_layers

    for layer, what in dead_layers(draft.expansion.model, draft.expansion.space):
        if _is_own(layer.span, sources):
            draft.problems.add(
                "W533", f"these layers are in no model: {what}", layer.span,
                key="space.model", hint="remove them, or widen what their condition reads",
            )  # fmt: skip


def _report(draft: Draft, found: Count) -> None:
    assert draft.expansion is not None
    space, add = draft.expansion.space, draft.problems.add
    if found.empty:
        first, *others = found.empty
        add(
            "E402", "the forbidden combinations leave no configuration", first.span,
            key="space.forbid", hint="remove one of them, or give the parameters more values",
            notes=tuple(Note(f"and this one: {to_text(e)}", e.span) for e in others),
        )  # fmt: skip
        return
    for code, names, message, hint in (
        ("W530", found.always, "the condition of {} is always true: {}", "leave the condition out"),
        (
            "W531", found.never, "{} is never active: in no configuration is {}",
            "remove the parameter, or correct its condition",
        ),
    ):  # fmt: skip
        for name in names:
            parameter = space[name]
            span = parameter.span
            assert parameter.when is not None
            # What a preset declares for others to widen is no mistake of this spec.
            if _is_own(parameter.when.span or span, draft.loaded.sources):
                text = message.format(name, to_text(parameter.when))
                add(
                    code, text, parameter.when.span or span, hint=hint,
                    key=f"space.parameters.{name}",
                )  # fmt: skip
    for expr in found.idle:
        add(
            "W532", f"{to_text(expr)} forbids nothing: no configuration has it", expr.span,
            key="space.forbid",
            hint="a combination that names a parameter which is not active does not apply",
        )  # fmt: skip
