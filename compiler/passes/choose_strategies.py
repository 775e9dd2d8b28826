"""Check the searcher, the stopping policy and their options against what is registered."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from automlc.compiler.draft import Draft
from automlc.runtime.plan import Choice
from automlc.runtime.registry import Registry
from automlc.runtime.searchers import SEARCHERS
from automlc.runtime.stopping import POLICIES
from automlc.spec.diagnostics import Diagnostic, Note, put, swap
from automlc.spec.explaining import explain_validation
from automlc.spec.suggest import nearest


def choose_strategies(draft: Draft) -> Draft:
    """Options are filled in with their defaults, so that a plan says all that will happen."""
    search, stopping = draft.loaded.spec.search, draft.loaded.spec.stopping
    draft = replace(
        draft,
        search=_resolve(draft, SEARCHERS, "search", "strategy", search.strategy, search.options),
        stopping=_resolve(draft, POLICIES, "stopping", "policy", stopping.policy, stopping.options),
    )
    for section, word, choice in (
        ("search", "strategy", draft.search),
        ("stopping", "policy", draft.stopping),
    ):
        if choice is not None:
            key = f"{section}.{word}"
            draft = draft.noted("choose_strategies", key, choice.name, draft.origin(key))
            for option, value in choice.options.items():
                key = f"{section}.{option}"
                draft = draft.noted("choose_strategies", key, value, draft.origin(key))
    return draft


def _resolve(
    draft: Draft,
    registry: Registry[Any],
    section: str,
    word: str,
    name: str,
    options: dict[str, Any],
) -> Choice | None:
    if name not in registry:
        near = nearest(name, registry.names())
        known = f"known: {', '.join(registry.names())}"
        span = draft.loaded.spans(f"{section}.{word}") or draft.loaded.spans(section)
        hint, fix = f"did you mean {near}? ({known})" if near else known, swap(span, name, near)
        if (options_of := _with_options(name, registry)) is not None:
            chosen, pairs = options_of
            meant = {word: chosen, **dict(pairs)}
            inside = ", ".join(f"{key}: {value}" for key, value in meant.items())
            hint, fix = f"write {section}: {{{inside}}}", None
            if span is not None and span.file.endswith(".aml"):
                block = "; ".join(f"{key} {value}" for key, value in pairs)
                fix = put(span, f"{chosen} {{ {block} }}")
            elif draft.loaded.spans(section) == span:
                fix = put(span, f"{{{inside}}}")
        message = f"no {registry.kind} is called {name!r}"
        draft.problems.add("E340", message, span, hint=hint, key=f"{section}.{word}", fix=fix)
        return None
    model = registry.get(name).Options
    try:
        values = model.model_validate(options)
    except ValidationError as error:
        found = explain_validation(error, draft.loaded.node, model, (section,))
        found = [_elsewhere(one, registry, section, word, name) for one in found]
        draft.problems.include(*[_with_word(draft, one, section, word, name) for one in found])
        return None
    return Choice(name, values.model_dump(mode="json"))


def _with_options(text: str, registry: Registry[Any]) -> tuple[str, list[tuple[str, str]]] | None:
    """`tpe startup 4` and `tpe(startup=4)`: a known name, and pairs behind it."""
    match = re.fullmatch(r"(\w+)(?:\s+|\s*\(\s*)(.+?)\s*\)?", text)
    if match is None or match[1] not in registry.names():
        return None
    pairs = re.findall(r"([a-z_]+)\s*[=:\s]\s*([^\s,;()=:]+)[,;\s]*", match[2])
    left = re.sub(r"[a-z_]+\s*[=:\s]\s*[^\s,;()=:]+[,;\s]*", "", match[2])
    return (match[1], pairs) if pairs and not left else None


def _with_word(draft: Draft, found: Diagnostic, section: str, word: str, name: str) -> Diagnostic:
    """The diagnostic of an option; where files are merged, with the place of the strategy."""
    if draft.loaded.layers is None:
        return found
    note = Note(f"the {word} is {name}", draft.loaded.spans(f"{section}.{word}"))
    return replace(found, notes=(*found.notes, note))


def _elsewhere(
    d: Diagnostic, registry: Registry[Any], section: str, word: str, name: str
) -> Diagnostic:
    """An unknown option that is another one's, or the name of another one."""
    option = d.key.removeprefix(f"{section}.")
    if d.code != "E201" or not (d.hint or "").startswith("the keys"):
        return d
    if option in registry:
        return replace(d, hint=f"write {section}: {{{word}: {option}}}, with its options beside it")
    having = [n for n in registry.names() if option in registry.get(n).Options.model_fields]
    own = (d.hint or "").replace("the keys", f"with {name} the keys")
    if having:
        return replace(d, hint=f"`{option}` is an option of {' and '.join(having)}; {own}")
    return replace(d, hint=own)
