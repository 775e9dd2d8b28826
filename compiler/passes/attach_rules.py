"""Settle how training is judged, and which actions are tried where it looks wrong."""

from __future__ import annotations

from dataclasses import replace

from automlc.compiler.draft import Draft
from automlc.runtime.monitor import make_monitor
from automlc.runtime.searchers import SEARCHERS
from automlc.spec.diagnostics import Note
from automlc.spec.domains import Choice, Fixed, Space

ARCHITECTURE = "block"  # the parameter that names the family of a model, in every preset


def attach_rules(draft: Draft) -> Draft:
    """The monitor of every plan; the rules where the search is steered by them."""
    if draft.expansion is None:
        return draft
    space = draft.expansion.space
    draft = _set_monitor(draft, space)
    search = draft.search
    steered = search is not None and getattr(SEARCHERS.get(search.name), "uses_rules", False)
    if not steered:
        if search is not None and draft.loaded.spans("rules") is not None:
            draft.problems.add(
                "W523", f"the {search.name} search does not look at rules",
                draft.loaded.key_spans("rules"), key="rules", hint="write search: feedback",
                notes=_search_note(draft),
            )  # fmt: skip
        return draft
    from automlc.compiler.steering import steer  # only a search with rules pays for it

    return steer(draft)


def _search_note(draft: Draft) -> tuple[Note, ...]:
    span = draft.loaded.spans("search.strategy") or draft.loaded.spans("search")
    return (Note("the search is chosen here", span),) if span is not None else ()


# ---- the monitor ----


def _set_monitor(draft: Draft, space: Space) -> Draft:
    section = draft.loaded.spec.monitor
    changes = {
        name: getattr(section, name) for name in type(section).model_fields if name != "definition"
    }
    monitor = make_monitor(section.definition, **changes, architecture=architecture_of(space))
    for name, value in monitor.to_json().items():
        given = changes.get(name) is not None and draft.loaded.spans(f"monitor.{name}") is not None
        because = draft.origin(f"monitor.{name}") if given else f"definition {section.definition}"
        if name not in ("definition", "probe", "architecture"):
            draft = draft.noted("attach_rules", f"monitor.{name}", value, because)
    definition = draft.origin("monitor.definition")
    draft = draft.noted("attach_rules", "monitor.definition", section.definition, definition)
    return replace(draft, monitor=monitor)


def architecture_of(space: Space) -> str | None:
    """The parameter that names the family of the model; None where there is none."""
    if ARCHITECTURE in space and isinstance(space[ARCHITECTURE].domain, (Choice, Fixed)):
        return ARCHITECTURE
    return None
