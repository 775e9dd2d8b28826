"""The rules of a search that is steered by them, fitted to its space.

A table of rules speaks of many spaces; what stays of it here are the actions whose parameters this
space has. A rule of the spec must fit it: a mistake in one is an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from automlc.compiler.contracts.contract import ImageInput, TableInput
from automlc.compiler.contracts.files import data_roots, is_inside
from automlc.compiler.draft import Draft
from automlc.compiler.passes.attach_rules import architecture_of
from automlc.runtime.monitor import CONDITIONS
from automlc.runtime.rules.actions import Action, usable
from automlc.runtime.rules.library import PREFIX, check_builtin, digest, load_builtin, load_file
from automlc.runtime.rules.table import Ranked, Row, Rules, Table, WrittenRule, rank
from automlc.spec.diagnostics import Fix, Note, swap
from automlc.spec.domains import Choice, Fixed, Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import (
    Compare,
    Expr,
    In,
    Literal,
    Name,
    first_part,
    to_text,
    transform,
    walk,
)
from automlc.spec.rules import Action as WrittenAction
from automlc.spec.rules import Assignment, Rule, parse_action
from automlc.spec.suggest import nearest

STATE = ("architecture", *CONDITIONS)
_FEW = 5  # actions of a table that a search cannot live on


def steer(draft: Draft) -> Draft:
    """The draft with its rules: those that are written in the spec, then the table's.

    Where only a spec is checked a shipped table is not read: its tests hold that it is sound.
    """
    assert draft.expansion is not None
    space, rules = draft.expansion.space, draft.loaded.spec.rules
    written = tuple(_written(draft, space, i, rule) for i, rule in enumerate(rules.when))
    table = _table(draft)
    if table is None:
        return draft
    kept, left_out = fit(table, space, input_of(draft))
    draft = _record(draft, kept, left_out)
    attached = Rules(kept, written, rules.unknown, digest(table))
    return replace(draft, rules=attached)


def refit(draft: Draft, space: Space) -> Draft:
    """The draft with its rules fitted to a space that has lost values."""
    if draft.rules is None:
        return draft
    for index, rule in enumerate(draft.rules.written):
        for action in rule.actions:
            never = usable(action, space)
            if never is not None:
                key = f"rules.when[{index}]"
                draft.problems.add(
                    "W534", f"{never} is in no configuration that meets the constraints",
                    draft.loaded.spans(key) or draft.loaded.key_spans("rules"), key=key,
                    hint="`automlc plan` says why the value was removed; set another one",
                )  # fmt: skip
    kept, _ = fit(draft.rules.table, space, input_of(draft))
    return replace(draft, rules=replace(draft.rules, table=kept))


def input_of(draft: Draft) -> str:
    """What goes into the model, as tables call it: image, tabular or text."""
    inputs = draft.contract.input
    if isinstance(inputs, ImageInput):
        return "image"
    return "tabular" if isinstance(inputs, TableInput) else "text"


# ---- the table ----


def _table(draft: Draft) -> Table | None:
    """The table; None where it is wrong, or nobody needs it."""
    rules = draft.loaded.spec.rules
    try:
        if rules.use.startswith(PREFIX):
            if draft.nominal:
                check_builtin(rules.use, rules.exclude)
                return None
            return load_builtin(rules.use, rules.exclude)
        return load_file(_path(draft, rules.use), rules.exclude)
    except AutomlcError as error:
        span = draft.loaded.spans("rules.use") or draft.loaded.spans("rules")
        meant = re.match(r"did you mean (\S+)\?", error.hint or "")
        fix = swap(span, rules.use, meant[1]) if meant else None
        draft.problems.add("E338", error.message, span, hint=error.hint, key="rules.use", fix=fix)
        return None


def _path(draft: Draft, text: str) -> Path:
    """A file of the project or of a data root; AutomlcError for any other."""
    try:
        path = (draft.loaded.source.path.resolve().parent / text).resolve()
    except (OSError, ValueError, RuntimeError):
        raise AutomlcError(f"{text!r} is not a path") from None
    if not is_inside(path, data_roots(draft.loaded.source.path, draft.roots)):
        raise AutomlcError(
            f"{text!r} is outside the project folder and every data root",
            "copy the file into the project",
        )
    if not path.is_file():
        raise AutomlcError(
            f"there is no file {text!r} (relative to the spec)",
            f"the built-in tables begin with {PREFIX}",
        )
    return path


def fit(table: Table, space: Space, kind: str) -> tuple[Table, Mapping[str, int]]:
    """The part of a table that fits a space, and how many actions each missing name cost."""
    left_out: Counter[str] = Counter()
    rows: list[Row] = []
    for row in _of_input(table, kind):
        actions = [a for ranked in row.actions if (a := _fitted(ranked, space, left_out))]
        if actions:
            rows.append(Row(row.state, tuple(rank(actions))))
    return replace(table, rows=tuple(rows)), left_out


def _of_input(table: Table, kind: str) -> Iterator[Row]:
    """The rows of a kind of input, which is no part of their states any more; a row for any kind
    counts where there is none of this kind."""
    own = [row for row in table.rows if row.state.get("input") == kind]
    special = [{p: word for p, word in row.state.items() if p != "input"} for row in own]
    for row in table.rows:
        state = {part: word for part, word in row.state.items() if part != "input"}
        if row in own or ("input" not in row.state and state not in special):
            yield replace(row, state=state)


def _fitted(ranked: Ranked, space: Space, left_out: Counter[str]) -> Ranked | None:
    """An action with what belongs to it, words resolved; None where it does not fit the space."""
    main = resolve(parse_action(ranked.action.text), space)
    problem = usable(main, space)
    if problem is not None:
        left_out[problem] += 1
        return None
    parts = [main.text]
    for one in parse_action(ranked.also).assignments if ranked.also else ():
        part = resolve(WrittenAction((one,)), space)
        if usable(part, space) is not None:
            break  # what comes after it is only meant together with it
        if one.name not in main.names():
            parts.append(part.text)
    return replace(ranked, action=Action(" and ".join(parts)), also="")


def _record(draft: Draft, table: Table, left_out: Mapping[str, int]) -> Draft:
    rules = draft.loaded.spec.rules
    count = sum(len(row.actions) for row in table.rows)
    lost = sum(left_out.values())
    text = f"{table.name}: {count} actions in {len(table.rows)} conditions"
    if lost:
        most = ", ".join(sorted(left_out, key=lambda name: (-left_out[name], name))[:8])
        text += f"; {lost} left out, this space has no {most}"
    if count < _FEW and not rules.when and rules.use != f"{PREFIX}none" and not draft.nominal:
        draft.problems.add(
            "W524", f"of the table {table.name} only {count} actions fit this space",
            draft.loaded.spans("rules.use"), key="rules.use",
            hint="write rules for it: rules: {use: builtin/none, when: [...]}",
        )  # fmt: skip
    return draft.noted("attach_rules", "rules.use", text, draft.origin("rules.use"))


# ---- rules of the spec ----


def _written(draft: Draft, space: Space, index: int, rule: Rule) -> WrittenRule:
    key = f"rules.when[{index}]"
    condition = transform(rule.condition, _words_of_states)
    for problem in _wrong_condition(condition, space):
        draft.problems.add(
            "E337", problem[0], problem[1] or rule.span, hint=problem[2], key=key, fix=problem[3]
        )
    actions = []
    for action in rule.actions:
        resolved = resolve(action, space)
        strangers = [node for a in action.assignments for node in _strangers(a, space)]
        for one in strangers:
            near = nearest(one.name, space.names)
            draft.problems.add(
                "E337", f"{one.name} is not a parameter of this space", one.span or rule.span,
                hint=f"did you mean {near}?" if near else "declare it in space.parameters", key=key,
                fix=swap(first_part(one.span, len(one.name)), one.name, near, safe=False),
            )  # fmt: skip
        never = usable(resolved, space) if not strangers else None
        if never is not None:
            parts = [one for one in action.assignments if never.startswith(f"{one.name} = ")]
            domains = [f"{one.name} is {space[one.name].domain}" for one in parts]
            draft.problems.add(
                "E339", f"{never} can never be: {', '.join(domains)}", parts[0].span, key=key,
                hint="widen the parameter: a group of space.expand may have the value",
                notes=tuple(
                    Note(f"{one.name} is declared here", space[one.name].span)
                    for one in parts
                    if space[one.name].span is not None
                ),
            )  # fmt: skip
        actions.append(resolved)
    line = draft.loaded.place(rule.span) if rule.span else key
    return WrittenRule(to_text(condition), tuple(actions), line)


def _strangers(one: Assignment, space: Space) -> Iterator[Assignment | Name]:
    """What is set and is no parameter; names on the right that are neither parameters nor words
    of the parameter that is set."""
    if one.name not in space:
        yield one
        return
    domain = space[one.name].domain
    if isinstance(one.value, Name) and isinstance(domain, Choice | Fixed):
        return  # a word that the parameter cannot be is E339
    for node in walk(one.value):
        if isinstance(node, Name) and node.name not in space and not domain.contains(node.name):
            yield node


def _words_of_states(node: Expr) -> Expr:
    """`gradient == dying`: the other side of a state's name is a word."""
    if isinstance(node, Compare):
        if _is_state(node.left) and isinstance(node.right, Name):
            return replace(node, right=Literal(node.right.name, span=node.right.span))
        if _is_state(node.right) and isinstance(node.left, Name):
            return replace(node, left=Literal(node.left.name, span=node.left.span))
    if isinstance(node, In) and _is_state(node.item):
        items = tuple(
            Literal(item.name, span=item.span) if isinstance(item, Name) else item
            for item in node.items
        )
        return replace(node, items=items)
    return node


def _is_state(node: Expr) -> bool:
    return isinstance(node, Name) and node.name in STATE


def _wrong_condition(
    condition: Expr, space: Space
) -> Iterator[tuple[str, Any, str | None, Fix | None]]:
    """(message, span, hint, fix) of every name and word that there is none of."""
    known = {*STATE, *space.names}
    doubtful = {word for node in walk(condition) for word in _compared_with_unknown(node, known)}
    for node in walk(condition):
        if isinstance(node, Name) and node.name not in {*known, *doubtful}:
            near = nearest(node.name, sorted(known))
            text = f'put text between quotes: "{node.name}"'
            hint = f"did you mean {near}?" if near else text
            fix = swap(node.span, node.name, near, safe=near in STATE)
            yield f"nothing is called {node.name!r} here", node.span, hint, fix
        for name, value in _compared(node):
            words = CONDITIONS.get(name.name)
            if name.name == "architecture":
                words = _families(space)
            if words and value.value not in words:
                near = nearest(str(value.value), words)
                listed = f"its words are {', '.join(map(str, words))}"
                hint = f"did you mean {near}?" if near else listed
                fix = swap(value.span, str(value.value), near)
                yield f"{name.name} is never {value.value!r}", value.span, hint, fix


def _compared_with_unknown(node: Expr, known: set[str]) -> Iterator[str]:
    """Words on the right of a name that there is none of: they would be right with another."""
    items: tuple[Expr, ...] = ()
    if isinstance(node, Compare) and isinstance(node.left, Name) and node.left.name not in known:
        items = (node.right,)
    elif isinstance(node, In) and isinstance(node.item, Name) and node.item.name not in known:
        items = node.items
    yield from (item.name for item in items if isinstance(item, Name))


def _families(space: Space) -> tuple[str, ...]:
    parameter = architecture_of(space)
    domain = space[parameter].domain if parameter else None
    if isinstance(domain, Choice):
        return tuple(str(value) for value in domain.values)
    return (str(domain.value),) if isinstance(domain, Fixed) else ("other",)


def _compared(node: Expr) -> Iterator[tuple[Name, Literal]]:
    pairs: list[tuple[Expr, Expr]] = []
    if isinstance(node, Compare):
        pairs = [(node.left, node.right), (node.right, node.left)]
    elif isinstance(node, In):
        pairs = [(node.item, item) for item in node.items]
    for name, value in pairs:
        if isinstance(name, Name) and name.name in STATE and isinstance(value, Literal):
            yield name, value


def resolve(action: WrittenAction, space: Space) -> Action:
    """An action of a text with its words as values: `optimizer = sgd` sets the text "sgd".

    A word that the parameter can have is that value, and so is any that stands alone for one of a
    choice; else it is another parameter.
    """
    parts = []
    for one in action.assignments:
        domain = space[one.name].domain if one.name in space else None
        stands = isinstance(one.value, Name) and isinstance(domain, Choice | Fixed)

        def word(node: Expr, domain: Any = domain, stands: bool = stands) -> Expr:
            if not isinstance(node, Name):
                return node
            own = domain.contains(node.name) if domain is not None else False
            return Literal(node.name) if own or (stands and node.name not in space) else node

        parts.append(str(Assignment(one.name, transform(one.value, word))))
    return Action(" and ".join(parts))
