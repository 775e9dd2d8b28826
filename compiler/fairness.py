"""Fairness constraints: which metric, of the groups of which column, within which bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from automlc.compiler.problems import Problems
from automlc.runtime.fairness import CLASSES, FAIRNESS, HIGH, LOW, PREFIX, FairnessMetric
from automlc.spec.diagnostics import Note, Span, put, quote, swap
from automlc.spec.expressions import (
    Binary,
    Call,
    Compare,
    Expr,
    ExpressionError,
    Literal,
    Name,
    evaluate,
    names,
    to_text,
)
from automlc.spec.record import record
from automlc.spec.suggest import nearest

if TYPE_CHECKING:
    from automlc.spec.load import LoadedSpec

# What other libraries (AIF360, older fairlearn) and people call them -> ours.
_ALIASES = {
    "demographic_parity": "demographic_parity_difference",
    "statistical_parity": "demographic_parity_difference",
    "statistical_parity_difference": "demographic_parity_difference",
    "disparate_impact": "demographic_parity_ratio",
    "disparate_impact_ratio": "demographic_parity_ratio",
    "equalized_odds": "equalized_odds_difference",
    "equalised_odds": "equalized_odds_difference",
    "equal_opportunity": "equal_opportunity_difference",
    "true_positive_rate_difference": "equal_opportunity_difference",
    "true_positive_rate_ratio": "equal_opportunity_ratio",
    "eod": "equalized_odds_difference",
    "dpd": "demographic_parity_difference",
}
# Said with every mistake that could be put right, so that nobody does it in vain.
NOT_YET = (
    Note("this version weighs fairness constraints against the data, and enforces none yet"),
)
_NO_COLUMNS = (".npz",)
_BUILTIN = "builtin:"
_TURNED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<"}


@record
class Claim:
    """One constraint: `metric` of the groups that `column` makes, `op` `bound`."""

    text: str
    key: str
    metric: FairnessMetric
    column: str
    op: str
    bound: float
    span: Span | None  # of the metric with its argument
    column_span: Span | None


def meant(name: str) -> str | None:
    """The fairness metric that a name is or was meant to be, with or without `fairness.`."""
    short = name.removeprefix(PREFIX)
    known = [metric.removeprefix(PREFIX) for metric in FAIRNESS]
    near = short if short in known else _ALIASES.get(short.lower()) or nearest(short, known)
    return None if near is None else PREFIX + near


def is_fairness(expr: Expr) -> bool:
    """Whether a constraint is about groups: it names a metric of them, or nearly one."""
    left = expr.left if isinstance(expr, Compare) else expr
    if not isinstance(left, Name | Call):
        return False
    return f"{left.name}.".startswith(PREFIX) or meant(left.name) is not None


def claims(loaded: LoadedSpec) -> tuple[Claim, ...]:
    """The fairness constraints of a spec that can be read; `read_claim` says what is wrong."""
    found = (
        read_claim(loaded, expr, f"constraints[{index}]", Problems())
        for index, expr in enumerate(loaded.spec.constraints)
        if is_fairness(expr)
    )
    return tuple(claim for claim in found if claim is not None)


def read_claim(loaded: LoadedSpec, expr: Expr, key: str, problems: Problems) -> Claim | None:
    """The constraint as a claim, or None where its text, the task or the column forbids it."""
    assert isinstance(expr, Compare), "constraints are comparisons when they are loaded"
    metric = _metric(expr, key, problems)
    if metric is None:
        return None
    column = _column(expr.left, metric, key, problems)
    bound = _bound(expr, metric, key, problems)
    fits = _fits_task(loaded, expr, key, problems)
    if column is None or bound is None or not fits:
        return None
    assert isinstance(expr.left, Call), "_column has refused everything else"
    where = expr.left.args[0].span
    claim = Claim(
        to_text(expr), key, metric, column, expr.op, bound, expr.left.span or expr.span, where
    )
    return claim if _is_a_group_column(loaded, claim, problems) else None


def _metric(expr: Compare, key: str, problems: Problems) -> FairnessMetric | None:
    left = expr.left
    assert isinstance(left, Name | Call), "is_fairness has asked"
    if left.name in FAIRNESS:
        return FAIRNESS[left.name]
    near = meant(left.name)
    known = ", ".join(name.removeprefix(PREFIX) for name in FAIRNESS)
    problems.add(
        "E346", f"nothing called {left.name!r} can be constrained", left.span or expr.span, key=key,
        hint=f"did you mean {near}?" if near else f"known after {PREFIX!r}: {known}", notes=NOT_YET,
        fix=swap(_name_span(expr), left.name, near, safe=_is_typo(left.name, near)),
    )  # fmt: skip
    return None


def _is_typo(name: str, near: str | None) -> bool:
    """Whether a name is a slip of ours, rather than another library's word for it."""
    return name.removeprefix(PREFIX).lower() not in _ALIASES and near is not None


def _name_span(expr: Compare) -> Span | None:
    """Where the name before the parenthesis stands; None where columns cannot be told."""
    left = expr.left
    assert isinstance(left, Name | Call), "is_fairness has asked"
    span = left.span
    if span is None or span == expr.span or span.line != span.end_line:
        return None
    return Span(span.file, span.line, span.column, span.line, span.column + len(left.name))


def _column(left: Expr, metric: FairnessMetric, key: str, problems: Problems) -> str | None:
    args = left.args if isinstance(left, Call) else ()
    arg = args[0] if len(args) == 1 else None
    if isinstance(arg, Name):
        return arg.name
    if isinstance(arg, Literal) and isinstance(arg.value, str) and arg.value:
        return arg.value
    if len(args) > 1:
        message = f"{metric.name} compares the groups of one column, got {len(args)} arguments"
        first = to_text(args[0])
        hint = f"write one constraint for each column, such as {metric.name}({first})"
    elif arg is None:
        message = f"{metric.name} needs the column whose groups it compares"
        hint = f"write {metric.name}(COLUMN), such as {metric.name}(sex)"
    else:
        message = f"{quote(to_text(arg))} is not the name of a column"
        is_text = isinstance(arg, Binary | Literal) and to_text(arg) != '""'
        name = to_text(arg).replace(" - ", "-") if is_text else "age-group"
        hint = f'put a name with other signs between quotes, such as {metric.name}("{name}")'
        if isinstance(arg, Compare):
            hint = f"name the column alone, such as {metric.name}({to_text(arg.right)})"
    problems.add("E345", message, (arg or left).span, key=key, hint=hint, notes=NOT_YET)
    return None


def _bound(expr: Compare, metric: FairnessMetric, key: str, problems: Problems) -> float | None:
    """The bound as a number; a direction or a value that makes no sense is said."""
    call, bound = to_text(expr.left), to_text(expr.right)
    usual = f"such as {call} {metric.better} {_usual(metric)}"
    if names(expr.right) or isinstance(expr.right, Call):
        problems.add(
            "E345", f"the bound of a constraint is a number, not {quote(bound)}", expr.right.span,
            key=key, hint=usual, notes=NOT_YET,
        )  # fmt: skip
        return None
    try:
        value = evaluate(expr.right, {})
    except ExpressionError as error:
        problems.include(error.diagnostic(key))
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.add(
            "E345", f"the bound of a constraint is a number, not {bound}", expr.right.span, key=key,
            hint=usual, notes=NOT_YET,
        )  # fmt: skip
        return None
    in_range = LOW <= value <= HIGH
    if not in_range:
        _report_outside(expr, metric, value, key, problems)
    if expr.op[0] == metric.better[0]:
        return float(value) if in_range and _can_fail(expr, metric, value, key, problems) else None
    right = f"{call} {metric.better} {bound}"
    is_strict = value == metric.equal
    message = f"{metric.name} is {metric.equal} where all groups are treated alike"
    if expr.op in _TURNED:
        message += f", so {quote(expr.op)} asks for unequal groups"
    else:
        message += f", and a measured value is hardly ever exactly {bound}"
    problems.add(
        "E345", message, expr.span, key=key, hint=usual if is_strict else f"write {right}",
        fix=None if is_strict or not _name_span(expr) else put(expr.span, right, safe=False),
        notes=NOT_YET,
    )  # fmt: skip
    return None


def _can_fail(
    expr: Compare, metric: FairnessMetric, value: float, key: str, problems: Problems
) -> bool:
    """Whether some models meet the bound and some do not, as far as the values' range says."""
    holds = [evaluate(Compare(expr.op, Literal(end), Literal(value)), {}) for end in (LOW, HIGH)]
    if len(set(holds)) > 1:
        return True
    every = "every" if all(holds) else "no"
    problems.add(
        "E345", f"{every} model meets {to_text(expr)}: {metric.name} goes from 0 to 1",
        expr.right.span, key=key, hint=f"write a bound such as {_usual(metric)}", notes=NOT_YET,
    )  # fmt: skip
    return False


def _usual(metric: FairnessMetric) -> str:
    return "0.1" if metric.form == "difference" else "0.8"


def _report_outside(
    expr: Compare, metric: FairnessMetric, value: float, key: str, problems: Problems
) -> None:
    percent = HIGH < value <= 100
    share = f"{value / 100:g}"
    usual = f"write a bound such as {_usual(metric)}"
    problems.add(
        "E345", f"the bound {to_text(expr.right)} decides nothing: {metric.name} goes from 0 to 1",
        expr.right.span, key=key, notes=NOT_YET,
        hint=f"write {share} or {value:g}%" if percent else usual,
        fix=put(expr.right.span, share, safe=False) if percent and _name_span(expr) else None,
    )  # fmt: skip


def _fits_task(loaded: LoadedSpec, expr: Compare, key: str, problems: Problems) -> bool:
    """Two classes, as far as the spec says how many there are."""
    spec, left = loaded.spec, expr.left
    if not spec.task.kind.endswith("_classification"):
        problems.add(
            "E381", f"a fairness metric compares how often classes are predicted; {spec.task.kind}"
            " has none", left.span or expr.span, key=key,
            notes=_note("the task is given here", loaded.spans("task.kind")),
            hint="take the constraint out",
        )  # fmt: skip
        return False
    if spec.data.classes is not None and len(spec.data.classes) > CLASSES:
        note = _note("the classes are listed here", loaded.spans("data.classes"))
        problems.add(
            "E381", too_many_classes(len(spec.data.classes)), left.span or expr.span, key=key,
            notes=note, hint=JOIN_CLASSES,
        )  # fmt: skip
        return False
    return True


JOIN_CLASSES = "join classes into two (the wanted one and the rest), or take the constraint out"


def too_many_classes(count: int) -> str:
    """Why a task of several classes has no fairness metric."""
    return f"a fairness metric is about one positive class of two; there are {count} classes"


def _is_a_group_column(loaded: LoadedSpec, claim: Claim, problems: Problems) -> bool:
    """Whether the column may stand for groups, as far as the spec says what it is."""
    data, column = loaded.spec.data, quote(claim.column)
    message = notes = None
    hint = "name a column of csv, tsv or parquet data whose values are the groups"
    if loaded.spec.task.kind.startswith("image_"):
        message = f"images have no column {column}: there are no groups to compare"
        notes = _note("the task is given here", loaded.spans("task.kind"))
    elif data.source.lower().endswith(_NO_COLUMNS):
        message = f"{quote(data.source)} holds arrays, and no column {column} with groups"
        hint = "save the data as csv or parquet with such a column"
    elif data.source.startswith(_BUILTIN):
        message = f"{quote(data.source)} holds measurements, and no column {column} with groups"
    elif claim.column == data.target:
        message = f"column {column} is the target; its values are classes, not groups"
        notes = _note("the target is given here", loaded.spans("data.target"))
    elif claim.column == data.split.column:
        message = f"column {column} is the split column: a part has one value of it, so one group"
        notes = _note("the split is given here", loaded.spans("data.split.column"))
    if message is None:
        return True
    problems.add(
        "E380", message, claim.column_span or claim.span, key=claim.key, hint=hint,
        notes=notes or (),
    )  # fmt: skip
    return False


def _note(text: str, span: Span | None) -> tuple[Note, ...]:
    return (Note(text, span),) if span else ()


def columns_of(found: Sequence[Claim]) -> tuple[str, ...]:
    """The columns that claims are about, each once."""
    return tuple(dict.fromkeys(claim.column for claim in found))
