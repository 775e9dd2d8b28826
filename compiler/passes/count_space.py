"""Count the space, and say which of its conditions and forbidden combinations decide nothing."""

from __future__ import annotations

from automlc.compiler.draft import Draft
from automlc.spec.diagnostics import Note
from automlc.spec.expressions import literal_text, to_text

_FORBIDDEN_DEFAULT = "E335"  # where nothing is left, the default is not either: say both


def count_space(draft: Draft) -> Draft:
    """Records `space.size` and, below the choice that others depend on, the share of each value."""
    others = [d for d in draft.problems.errors if d.code != _FORBIDDEN_DEFAULT]
    if draft.nominal or draft.expansion is None or others:
        return draft
    from automlc.compiler.proofs.counting import Count, count, shares

    space = draft.expansion.space
    found: Count = count(space)
    _report(draft, found)
    if found.empty or draft.problems.errors:
        return draft
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


def _report(draft: Draft, found: object) -> None:
    from automlc.compiler.proofs.counting import Count

    assert isinstance(found, Count)
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
            # What a preset declares for others to widen is no mistake of this spec.
            if span is not None and span.file in draft.loaded.sources:
                assert parameter.when is not None
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
