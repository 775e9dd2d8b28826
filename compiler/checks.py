"""The passes in order, and what `automlc validate` makes of them where no data is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from automlc.compiler.draft import Draft, nominal_contract
from automlc.compiler.passes.attach_rules import attach_rules
from automlc.compiler.passes.bind_constraints import bind_constraints
from automlc.compiler.passes.check_budget import check_budget
from automlc.compiler.passes.choose_backend import choose_backend
from automlc.compiler.passes.choose_strategies import choose_strategies
from automlc.compiler.passes.count_costs import count_costs
from automlc.compiler.passes.count_space import count_space
from automlc.compiler.passes.expand_space import expand_space
from automlc.compiler.passes.prove_constraints import prove_constraints
from automlc.compiler.passes.resolve_start import resolve_start
from automlc.compiler.passes.resolve_task import resolve_task
from automlc.compiler.passes.verify_model import verify_model
from automlc.spec.diagnostics import Diagnostic, put, sort_key
from automlc.spec.errors import SpecError
from automlc.spec.load import PLAIN, LoadedSpec, Variant, load, load_text

# Each may rely on what those before it have settled.
PASSES = (
    resolve_task,
    expand_space,
    choose_strategies,
    check_budget,
    attach_rules,
    choose_backend,
    count_costs,
    verify_model,
    bind_constraints,
    count_space,
    prove_constraints,
    resolve_start,
)


def run_passes(draft: Draft) -> Draft:
    """The draft after every pass; problems are collected, not raised."""
    for step in PASSES:
        draft = step(draft)
    return draft


# What a mistake elsewhere in the spec may bring about by itself.
_OF_BUDGET = frozenset({"W540", "W541", "W542"})  # with the budget that stands in for a wrong one
_CONSEQUENCES = frozenset({"E307", "E312", "E325", "E334", "E335", "W521"})


def load_checked(path: Path, variant: Variant = PLAIN) -> LoadedSpec:
    """Load a spec; where it is wrong, say what the passes find in the rest of it as well.

    Raises SpecError with everything, AutomlcError if there is no such file.
    """
    try:
        return load(path, variant)
    except SpecError as error:
        raise with_rest(error) from None


def with_rest(error: SpecError) -> SpecError:
    """The error with what the passes find in the part of the spec that could be read."""
    if error.partial is None:
        return error
    seen = {d.span for d in error.diagnostics}
    seen.add(None)
    echoes = _CONSEQUENCES
    if any(d.key.startswith("budget") for d in error.diagnostics):
        echoes |= _OF_BUDGET
    rest = [d for d in check(error.partial) if d.code not in echoes and d.span not in seen]
    told, rest = _named(error.diagnostics, rest)
    return SpecError(sorted({*told, *rest}, key=sort_key), error.sources)


def _named(
    told: Sequence[Diagnostic], rest: list[Diagnostic]
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """`dense(outputs)`: an argument without a name (E116) is also missing (E323); said once."""
    lines = {
        d.span.line
        for d in told
        if d.code == "E116" and d.span is not None and d.message.endswith("has no name")
    }
    missing = {
        d.span.line: d
        for d in rest
        if d.code == "E323" and d.span is not None and d.span.line in lines
    }
    found = []
    for d in told:
        other = missing.get(d.span.line) if d.code == "E116" and d.span is not None else None
        other = other if d.message.endswith("has no name") else None
        name = re.search(r"needs the argument (\w+)", other.message) if other else None
        if name and d.span is not None and d.fix is None:
            at = replace(d.span, end_line=d.span.line, end_column=d.span.column)
            hint = f"is it {name[1]}? write {name[1]}=value"
            d = replace(d, hint=hint, fix=put(at, f"{name[1]}=", safe=False))
        found.append(d)
    return found, [d for d in rest if d not in missing.values()]


def check(loaded: LoadedSpec, roots: Sequence[Path] = ()) -> list[Diagnostic]:
    """Everything that can be said of a spec without its data."""
    contract = nominal_contract(loaded.spec.task.kind)
    return run_passes(Draft(loaded, contract, True, tuple(roots))).problems.found


def check_all(path: Path, variant: Variant = PLAIN) -> tuple[list[Diagnostic], dict[str, str]]:
    """Everything that can be said of a spec and of all its profiles; texts that it points into.

    Raises AutomlcError if there is no such file.
    """
    found, sources, _ = _check_loaded(lambda: load(path, variant))
    return found, sources


def check_text(
    text: str, file: str, variant: Variant = PLAIN
) -> tuple[list[Diagnostic], dict[str, str], bool]:
    """The same of a text that stands in `file`, and whether nothing may be hidden by a mistake."""
    return _check_loaded(lambda: load_text(text, file, variant))


def _check_loaded(
    read: Callable[[], LoadedSpec],
) -> tuple[list[Diagnostic], dict[str, str], bool]:
    try:
        loaded = read()
    except SpecError as error:
        whole, partial = with_rest(error), error.partial
        found = list(whole.diagnostics)
        return [*found, *_of_profiles(partial, found)], whole.sources, partial is not None
    found = sorted([*loaded.warnings, *check(loaded)], key=sort_key)
    return [*found, *_of_profiles(loaded, found)], loaded.sources, True


def _of_profiles(loaded: LoadedSpec | None, told: list[Diagnostic]) -> list[Diagnostic]:
    """What is wrong with the spec only when one of its other profiles is chosen."""
    if loaded is None or loaded.layers is None:
        return []
    from automlc.spec.layers import marked, others

    seen = {(d.code, d.span) for d in told}
    more: list[Diagnostic] = []
    for name, one, problems in others(loaded):
        if one is not None:
            broken = any(d.code.startswith("E") for d in problems)
            rest = check(one)
            problems += [d for d in rest if not (broken and d.code in _CONSEQUENCES)]
        for diagnostic in sorted(set(problems), key=sort_key):
            if (diagnostic.code, diagnostic.span) not in seen:
                seen.add((diagnostic.code, diagnostic.span))
                more.append(marked(diagnostic, loaded.layers, name))
    return more
