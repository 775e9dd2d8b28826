"""What a table is for: its target, the kind of task, and what each column is.

Every guess comes with its reason in a few words, which the written spec shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from automlc.compiler.starter.table import Column, Table
from automlc.spec.diagnostics import quote
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record
from automlc.spec.suggest import nearest

_TARGET_NAMES = ("target", "label", "class", "y", "outcome", "response", "output", "labels")
# Endings of names that are seldom anything else.
_TARGET_ENDINGS = ("price", "survived", "diagnosis", "species", "churn", "_target", "_label")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}( .*)?")
_MOST_CLASSES = 20  # whole numbers with more values are amounts
_ROWS_OF_A_CLASS = 3  # on average, or the numbers are amounts
_FEATURES_OF_A_TABLE = 3  # columns besides texts from which a table is more than its texts
_SKEW = 3  # times as many rows of the largest as of the smallest class


@record
class Guess:
    """A value, and why it was taken."""

    value: str
    why: str


def target_of(table: Table) -> Guess:
    """The column to predict. Raises AutomlcError where no column can be one."""
    free = [c for c in table.columns.values() if problem_of(c) is None and not c.is_split]
    if len(table.columns) < 2:
        raise AutomlcError(
            "the table has one column only; learning needs a target and at least one other",
            "is the delimiter a comma, a semicolon or (in .tsv) a tab?",
            exit_code=1,
        )
    if not free:
        first = next(iter(table.columns.values()))
        raise AutomlcError(
            f"no column can be the target: {problem_of(first)}",
            "a target has values that repeat, or numbers to predict",
            exit_code=1,
        )
    by_name = {c.name.lower(): c.name for c in free}
    for name in _TARGET_NAMES:
        if name in by_name:
            return Guess(by_name[name], "its name says so")
    for column in reversed(free):
        if column.name.lower().endswith(_TARGET_ENDINGS):
            return Guess(column.name, "its name suggests so")
    plain = [c for c in free if not c.is_text and not all(map(_DATE.fullmatch, c.counts))]
    return Guess((plain or free)[-1].name, "the last column that can be one")


def problem_of(column: Column) -> str | None:
    """Why a column cannot be predicted, or None."""
    name = quote(column.name)
    if not column.is_readable:
        return f"column {name} is neither numbers nor text"
    if column.missing:
        return f"column {name} has {column.missing:,} missing cells, and a target needs every one"
    if column.is_constant:
        return f"column {name} has the same value in every row"
    if column.all_differ and not column.is_number:
        return f"column {name} has a different text in every row"
    if column.rows > _MOST_CLASSES and column.is_number and column.counts_up:
        return f"column {name} counts the rows"
    if column.is_cut and not column.is_number:
        return f"column {name} has more than {column.distinct - 1:,} different texts"
    return None


def check_target(table: Table, name: str) -> None:
    """Raises AutomlcError for a name that is no column, or a column that cannot be predicted."""
    column = table.columns.get(name)
    if column is None:
        near = nearest(name, table.columns)
        known = ", ".join(map(quote, list(table.columns)[:20]))
        hint = f"did you mean {quote(near)}?" if near else f"the columns are {known}"
        raise AutomlcError(f"there is no column {quote(name)}", hint, exit_code=1)
    problem = problem_of(column)
    if problem is not None:
        hint = "name another column with --target"
        if column.missing:
            hint = f"take these rows out of the file, or {hint}"
        raise AutomlcError(f"the target cannot be learned: {problem}", hint, exit_code=1)


def features_of(table: Table, target: str) -> list[Column]:
    """What a model could learn from: no target, no split, no identifier, nothing empty."""
    return [
        column
        for column in table.columns.values()
        if column.name != target and not column.is_split and unused(column) is None
    ]


def unused(column: Column) -> str | None:
    """Why a column is no use for learning, or None."""
    if not column.is_readable:
        return "neither numbers nor text"
    if column.distinct == 0:
        return "empty"
    if column.is_constant and not column.missing:
        return "the same value everywhere"
    if column.is_identifier:
        return "counts the rows" if column.counts_up and column.is_number else "names the rows"
    return None


def kind_of(table: Table, target: str) -> Guess:
    """The kind of task: texts or a table, classes or a number."""
    features = features_of(table, target)
    texts = [column for column in features if column.is_text]
    is_text = bool(texts) and len(features) - len(texts) < _FEATURES_OF_A_TABLE
    goal = goal_of(table.columns[target])
    if is_text:
        named = ", ".join(quote(column.name) for column in texts[:3])
        why = f"{named} {'hold' if len(texts) > 1 else 'holds'} sentences; {goal.why}"
        return Guess(f"text_{goal.value}", why)
    return Guess(f"tabular_{goal.value}", goal.why)


def goal_of(column: Column) -> Guess:
    """Classification or regression, from the values of the target."""
    name = quote(column.name)
    if not column.is_number:
        return Guess("classification", f"{name} has {column.distinct} different texts")
    few = column.is_whole and column.distinct <= _MOST_CLASSES
    if (few and column.filled >= _ROWS_OF_A_CLASS * column.distinct) or column.distinct == 2:
        other = "" if column.distinct == 2 else "; if they are amounts, a regression"
        why = f"{name} has only {column.distinct} values, taken as classes{other}"
        return Guess("classification", why)
    count = f"more than {column.distinct - 1:,}" if column.is_cut else f"{column.distinct:,}"
    return Guess("regression", f"{name} has {count} different numbers")


def metric_of(kind: str, counts: Sequence[int]) -> Guess:
    """The metric to improve; `counts` are the rows of each class, empty for numbers."""
    if kind.endswith("regression"):
        return Guess("rmse", "the usual one of regressions; in the units of the target")
    filled = [count for count in counts if count]
    if filled and max(filled) >= _SKEW * min(filled):
        why = f"classes have {min(filled):,} to {max(filled):,} rows, and each counts the same here"
        return Guess("balanced_accuracy", why)
    return Guess("accuracy", "the share of rows that are classified right")
