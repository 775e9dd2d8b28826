"""Fairness constraints: what the data can decide of them. They are measured by no version yet.

Nothing is accepted in silence: a constraint that nobody measures ends in E346, beside everything
that is known to be wrong with it already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING

from automlc.compiler.claims import by_chance, decides, rows_needed
from automlc.compiler.contracts.base import plural
from automlc.compiler.contracts.contract import ClassTarget
from automlc.compiler.draft import Draft
from automlc.compiler.fairness import JOIN_CLASSES, Claim, read_claim, too_many_classes
from automlc.runtime.fairness import CLASSES, FairnessMetric
from automlc.spec.diagnostics import Note, quote
from automlc.spec.expressions import Expr
from automlc.spec.record import record

if TYPE_CHECKING:
    from automlc.compiler.contracts.groups import Groups


SHOWN = 6  # groups named in one note
_UP_TO: dict[str, str] = {"difference": "of up to", "ratio": "as low as"}
_OF_CLASS: dict[str, str] = {
    "all": "",
    "each class": " and class",
    "positive class": " in the positive class",
}
MEASURED = ("validation", "test")  # the parts that models are judged on


@record
class Cell:
    """The rows of one group in one part: those that one rate is taken over."""

    part: str
    class_: str | None  # None: rows of all classes
    group: str
    rows: int


def weigh_claim(draft: Draft, expr: Expr, key: str) -> None:
    """Everything that is known of a fairness constraint without a model."""
    claim = read_claim(draft.loaded, expr, key, draft.problems)
    if claim is None:
        return
    target = draft.contract.target
    assert isinstance(target, ClassTarget), "read_claim lets classification through only"
    if not draft.nominal and len(target.classes) != CLASSES:
        draft.problems.add(
            "E381", too_many_classes(len(target.classes)), claim.span, key=key, hint=JOIN_CLASSES
        )
        return
    groups = next((one for one in draft.groups if one.column == claim.column), None)
    counted: tuple[Note, ...] = ()
    if groups is not None:
        names = tuple(map(str, target.classes))
        cells = list(_cells(groups, names, claim.metric))
        _report_empty(draft, claim, cells)
        _report_small(draft, claim, cells, "" if groups.exact else "about ")
        counted = tuple(_counted(groups, names))
    draft.problems.add(
        "E346", f"{claim.text} cannot be enforced yet: this version does not measure fairness while"
        " a model trains", claim.span, key=key, notes=counted,
        hint="take the constraint out to search without it; nothing looks at fairness then",
    )  # fmt: skip


def _cells(groups: Groups, classes: Sequence[str], metric: FairnessMetric) -> Iterator[Cell]:
    """What the metric divides by, in the parts that models are judged on."""
    wanted: dict[str, Sequence[int]] = {
        "each class": range(len(classes)),
        "positive class": [len(classes) - 1],
    }
    for part in MEASURED:
        for name, row in zip(groups.names, groups.counts.get(part, ()), strict=False):
            if metric.rows == "all":
                yield Cell(part, None, name, sum(row))
            for place in wanted.get(metric.rows, ()):
                yield Cell(part, classes[place], name, row[place])


def _report_empty(draft: Draft, claim: Claim, cells: Sequence[Cell]) -> None:
    """Groups without a row to take a rate of."""
    empty = [cell for cell in cells if not cell.rows]
    if not empty:
        return
    notes = tuple(Note(f"{cell.part} has no row {_which(claim, cell)}") for cell in empty[1:SHOWN])
    more = f" (and {len(empty) - SHOWN:,} more like this)" if len(empty) > SHOWN else ""
    draft.problems.add(
        "W561", f"{claim.metric.name} is not defined: {empty[0].part} has no row"
        f" {_which(claim, empty[0])}{more}", claim.span, key=claim.key, notes=notes,
        hint="hold out more rows (data.split), join the group with another, or take it out",
    )  # fmt: skip


def _which(claim: Claim, cell: Cell) -> str:
    class_ = "" if cell.class_ is None else f" of class {quote(cell.class_)}"
    return f"with {quote(claim.column)} {quote(cell.group)}{class_}"


def _report_small(draft: Draft, claim: Claim, cells: Sequence[Cell], about: str) -> None:
    """Pairs of groups that would break the bound by chance: one sentence a part, the worst."""
    form, bound = claim.metric.form, claim.bound
    notes, worst = [], None
    for first, second in _smallest(cells):
        if decides(form, bound, first.rows, second.rows):
            continue
        chance = by_chance(form, first.rows, second.rows)
        of_class = "" if first.class_ is None else f" of class {quote(first.class_)}"
        notes.append(
            Note(
                f"{first.part} has {about}{plural(first.rows, 'row')} of {quote(first.group)} and"
                f" {about}{second.rows:,} of {quote(second.group)}{of_class}:"
                f" chance alone makes {form}s {_UP_TO[form]} {_rounded(form, chance):g}"
            )
        )
        further = worst is None or (chance > worst if form == "difference" else chance < worst)
        worst = chance if further else worst
    if worst is None:
        return
    draft.problems.add(
        "W560", f"the groups of {quote(claim.column)} are too small to decide {claim.text}: a fair"
        " model can break it by chance in more than 5 of 100 samples of this size", claim.span,
        key=claim.key, notes=tuple(notes), hint=_help(claim, worst),
    )  # fmt: skip


def _help(claim: Claim, worst: float) -> str:
    form = claim.metric.form
    rows = rows_needed(form, claim.bound)
    each = f"each group{_OF_CLASS[claim.metric.rows]}"
    needed = "no number of rows is enough for that bound"
    if rows < inf:
        needed = f"it takes about {rows:,.0f} rows of {each}: hold out more rows, or join groups"
    loosest = 1 if form == "difference" else 0
    better = _rounded(form, worst)
    decided = f"; these rows can decide {claim.op} {better:g}"
    return needed if better == loosest else f"{needed}{decided}"


def _rounded(form: str, chance: float) -> float:
    """Two digits, towards what chance does not exceed."""
    percent = min(100, int(chance * 100) + 1) if form == "difference" else int(chance * 100)
    return percent / 100


def _smallest(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Cell]]:
    """For each part the two smallest groups of a class: what scatters most when compared."""
    for part in MEASURED:
        pairs = []
        for class_ in dict.fromkeys(cell.class_ for cell in cells):
            found = [c for c in cells if c.part == part and c.class_ == class_ and c.rows]
            found.sort(key=lambda cell: cell.rows)
            if len(found) > 1:
                pairs.append((found[0], found[1]))
        if pairs:
            yield max(pairs, key=lambda pair: 1 / pair[0].rows + 1 / pair[1].rows)


def _counted(groups: Groups, classes: Sequence[str]) -> Iterator[Note]:
    """The rows of each part, the smallest groups first."""
    positive = quote(classes[-1])
    about = "" if groups.exact else "about "
    for part, table in groups.counts.items():
        ordered = sorted(zip(groups.names, table, strict=True), key=lambda one: sum(one[1]))
        told = [f"{quote(name)} {about}{sum(row):,} ({row[-1]:,})" for name, row in ordered]
        more = f" and {len(told) - SHOWN:,} larger groups" if len(told) > SHOWN else ""
        yield Note(
            f"rows in {part} (those of the positive class {positive}):"
            f" {', '.join(told[:SHOWN])}{more}"
        )
