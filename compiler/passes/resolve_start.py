"""Settle where a search starts: a trial of another study becomes a configuration of this space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automlc.compiler.contracts.files import data_roots
from automlc.compiler.draft import Draft
from automlc.runtime.plan import Choice
from automlc.spec.diagnostics import Span, swap
from automlc.spec.domains import Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Scalar, literal_text
from automlc.spec.suggest import nearest

if TYPE_CHECKING:
    from automlc.compiler.adopting import Adopted, Adoption

KEY = "search.start"
WORDS = ("default", "random")
_FEW = 4  # fewer than one parameter in as many taken is hardly anything
_MOST = 60  # records of values that are left out


def resolve_start(draft: Draft) -> Draft:
    """The plan of a search that starts from elsewhere holds the configuration itself.

    Files of others are not read where only the spec is checked.
    """
    search, expansion = draft.search, draft.expansion
    start = None if search is None else search.options.get("start")
    if search is None or expansion is None or start is None or start in WORDS:
        return draft
    if isinstance(start, Mapping):
        config = _written(draft, start, expansion.space)
        return draft if config is None else _settled(draft, search, config)
    if draft.nominal:
        return draft
    return _found(draft, search, str(start), expansion.space)


def _settled(draft: Draft, search: Choice, config: Mapping[str, Scalar]) -> Draft:
    """The draft with the start in it; an error where it may not be tried."""
    assert draft.expansion is not None
    objection = next(iter(draft.expansion.space.violated(config)), None)
    if objection is None and draft.costs is not None and not draft.problems.errors:
        costs = draft.costs.evaluate(config)
        broken = (c for c in draft.constraints if not c.holds(costs))
        objection = next(
            (f"{c.metric} is {costs.get(c.metric)}, not {c.text}" for c in broken), None
        )
    if objection is not None:
        _refuse(draft, f"the search may not start there: {objection}", "start from another trial")
        return draft
    options = {**search.options, "start": dict(config)}
    return replace(draft, search=Choice(search.name, options))


def _refuse(draft: Draft, message: str, hint: str | None) -> None:
    draft.problems.add("E349", message, _span(draft), hint=hint, key=KEY)


def _span(draft: Draft, key: str = KEY) -> Span | None:
    loaded = draft.loaded
    return loaded.spans(key) or loaded.spans(KEY) or loaded.spans("search.options.start")


# ---- a configuration in the spec ----


def _written(draft: Draft, start: Mapping[str, Any], space: Space) -> dict[str, Scalar] | None:
    """What a person wrote, completed with defaults; None where it is wrong."""
    from automlc.compiler.adopting import mistakes, shown

    wrong = mistakes(start, space)
    for name, why in wrong:
        key = f"{KEY}.{name}"
        span = _span(draft, key) if name in space else draft.loaded.key_spans(key)
        near = None if name in space else nearest(name, space.names)
        draft.problems.add(
            "E349", f"{shown(name)}: {why}", span or _span(draft), key=key,
            hint=_hint(name, why, space), fix=swap(span, name, near, safe=False),
        )  # fmt: skip
    if wrong:
        return None
    return space.build(lambda p: start.get(p.name, p.default))


def _hint(name: str, why: str, space: Space) -> str | None:
    if why.startswith("it needs "):
        return f"leave {name} out, or start where {why.removeprefix('it needs ')}"
    if name in space:
        return f"write a value of {space[name].domain}, or leave {name} out"
    near = nearest(name, space.names)
    return f"did you mean {near}?" if near else f"its parameters are {', '.join(space.names[:12])}"


# ---- a trial of another study ----


def _found(draft: Draft, search: Choice, text: str, space: Space) -> Draft:
    from automlc.compiler.adopting import adopt
    from automlc.compiler.starts import read_start

    file = draft.loaded.source.path
    try:
        start = read_start(text, file.resolve().parent, data_roots(file, draft.roots))
    except AutomlcError as error:
        near = nearest(text, WORDS)
        _refuse(draft, error.message, f"did you mean {near}?" if near else error.hint)
        return draft
    made = adopt(start, space)
    taken = made.count("taken", "changed")
    searched = taken + made.count("default")
    if not taken:
        reasons = [f"{o.name} ({o.because})" for o in made.values if o.outcome == "left out"]
        why = f": {', '.join(reasons[:3])}" if reasons else ""
        _refuse(draft, f"nothing of {start.label} fits this space{why}", "start: default")
        return draft
    if taken * _FEW < searched:
        draft.problems.add(
            "W525", f"of {start.label} only {taken} of {searched} parameters could be taken",
            _span(draft), key=KEY, hint="`automlc plan` says what became of each value",
        )  # fmt: skip
    label = f"{start.label} ({start.score})" if start.score else start.label
    draft = draft.noted("resolve_start", KEY, _summary(label, made), _origin(draft))
    lost = [one for one in made.values if one.outcome == "left out"]
    kept = [one for one in made.values if one.outcome != "left out"]
    for one in [*kept, *lost[:_MOST]]:
        draft = draft.noted("resolve_start", f"{KEY}.{one.name}", _decision(one), one.because)
    return _settled(draft, search, made.config)


def _summary(label: str, made: Adoption) -> str:
    counts = (
        (made.count("taken"), "taken"),
        (made.count("changed"), "changed"),
        (made.count("default"), "by default"),
        (made.count("left out"), "left out"),
    )
    return f"{label}: {', '.join(f'{count} {what}' for count, what in counts if count)}"


def _decision(one: Adopted) -> str:
    from automlc.compiler.adopting import shown

    if one.outcome != "left out":
        return literal_text(one.value)
    return "left out" if one.value is None else f"left out ({shown(literal_text(one.value))})"


def _origin(draft: Draft) -> str:
    span = _span(draft)
    return draft.loaded.place(span) if span is not None else "default"
