"""What every reader is given and how it reports: one request, one list of problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from automlc.compiler.contracts.contract import (
    ClassTarget,
    DataContract,
    NumberTarget,
    Rows,
    Storage,
)
from automlc.compiler.contracts.split import Fractions, divide, divide_groups
from automlc.spec.diagnostics import Diagnostic, Fix, Severity, Span, quote
from automlc.spec.load import LoadedSpec
from automlc.spec.model import Data
from automlc.spec.record import record
from automlc.spec.suggest import nearest

if TYPE_CHECKING:
    from automlc.compiler.contracts.groups import Groups
    from automlc.compiler.fairness import Claim

SHOWN_PER_CODE = 5  # a folder of 10,000 broken images is one fact, not 10,000
MAX_CLASSES = 10_000
MAX_ROWS = 100_000_000

T = TypeVar("T")
Label = str | int
Key = str | tuple[str, ...]  # dotted, or in pieces where a piece is a name of the data


class Stop(Exception):
    """A reader cannot go on with this source; what is wrong has been reported."""


@dataclass
class Findings:
    """Collects diagnostics, each located at a key of the spec (or the nearest one above it)."""

    loaded: LoadedSpec
    found: list[Diagnostic] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    groups: list[Groups] = field(default_factory=list)  # counted for fairness constraints
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def report(
        self,
        code: str,
        key: Key,
        message: str,
        hint: str | None = None,
        *,
        span: Span | None = None,
        fix: Fix | None = None,
    ) -> None:
        """Add one problem. Of many with one code at one key the first few are kept.

        `span` is its place where that is not the whole value of the key.
        """
        path = tuple(key.split(".")) if isinstance(key, str) else key
        name = ".".join(path)
        self._counts[code, name] += 1
        if self._counts[code, name] <= SHOWN_PER_CODE:
            where = span or self._span(path)
            self.found.append(Diagnostic(code, message, where, hint=hint, key=name, fix=fix))

    def stop(self, code: str, key: Key, message: str, hint: str | None = None) -> Stop:
        """Add one problem after which nothing more can be said: `raise problems.stop(...)`."""
        self.report(code, key, message, hint)
        return Stop()

    def stopped(self) -> Stop:
        """What to raise when errors that are already reported leave nothing to describe."""
        assert self.has_errors, "reader author: stopped() without a reported error"
        return Stop()

    def note(self, text: str) -> None:
        """Something worth saying that is not a risk."""
        self.notes.append(text)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything found, with the number of those left out said at the last one kept."""
        result = list(self.found)
        for (code, key), count in self._counts.items():
            if count > SHOWN_PER_CODE:
                last = max(i for i, d in enumerate(result) if (d.code, d.key) == (code, key))
                more = f"{result[last].message} (and {count - SHOWN_PER_CODE:,} more like this)"
                result[last] = replace(result[last], message=more)
        return tuple(result)

    @property
    def errors(self) -> int:
        """Number of errors reported so far."""
        return sum(d.severity is Severity.ERROR for d in self.found)

    @property
    def has_errors(self) -> bool:
        return self.errors > 0

    def _span(self, path: tuple[str, ...]) -> Span | None:
        """The place of the key, else of the section it would stand in, else of the source."""
        for end in range(len(path), 1, -1):
            span = self.loaded.spans(path[:end])
            if span is not None:
                return span
        return self.loaded.spans("data.source")


@record
class Request:
    """One data set to describe. `path` is resolved and inside the data roots."""

    source: str
    path: Path
    task: str
    data: Data
    problems: Findings
    seed: int = 0  # of the division
    claims: tuple[Claim, ...] = ()  # of which columns groups are counted

    @property
    def is_image(self) -> bool:
        return self.task.startswith("image_")

    @property
    def is_text(self) -> bool:
        return self.task.startswith("text_")

    @property
    def is_classification(self) -> bool:
        return self.task.endswith("_classification")

    @property
    def stratify(self) -> bool:
        return self.is_classification and self.data.split.stratify is not False


def fractions_for(data: Data, storage: Storage) -> Fractions:
    """The fractions that are still to be divided, given the source's own parts."""
    return Fractions(
        validation=0.0 if storage.validation is not None else data.split.validation,
        test=0.0 if storage.test is not None else data.split.test,
    )


def rows_after_split(
    request: Request, storage: Storage, target: ClassTarget | NumberTarget
) -> Rows:
    """Exact sizes of the parts; reports groups that are too small for the split."""
    fractions = fractions_for(request.data, storage)
    groups: Sequence[int] = [storage.train]
    if isinstance(target, ClassTarget) and request.stratify:
        groups = target.counts
    if fractions.parts > 1:
        _check_groups(request, groups, fractions, target)
    divided = divide_groups(groups, fractions)
    return Rows(
        train=divided.train,
        validation=divided.validation if storage.validation is None else storage.validation,
        test=divided.test if storage.test is None else storage.test,
    )


def _check_groups(
    request: Request,
    groups: Sequence[int],
    fractions: Fractions,
    target: ClassTarget | NumberTarget,
) -> None:
    small = [i for i, rows in enumerate(groups) if rows and divide(rows, fractions).train < 1]
    if not small:
        return
    least = least_rows(fractions)
    split = f"(validation {fractions.validation:g}, test {fractions.test:g})"
    rows = plural(groups[small[0]], "row")
    if isinstance(target, ClassTarget) and request.stratify:
        others = "1 more class is" if len(small) == 2 else f"{len(small) - 1:,} more classes are"
        more = f", and {others} too small" if len(small) > 1 else ""
        request.problems.report(
            "E363",
            "data.split",
            f"class {quote(target.classes[small[0]])} has {rows}; a stratified split needs"
            f" at least {least} {split}{more}",
            "take the class out, join it with another, or write `stratify: false`",
        )
    else:
        request.problems.report(
            "E363",
            "data.split",
            f"the data has {rows} to divide; the split needs at least {least} {split}",
            "use more data or smaller fractions",
        )


def least_rows(fractions: Fractions) -> int:
    """From this size on every group leaves a training row (rounding can take it from smaller ones).

    >>> least_rows(Fractions(validation=0.2, test=0.2))
    3
    """
    left = 1 - fractions.validation - fractions.test
    largest = min(1_000_000, 4 + int(2 / max(left, 1e-6)))  # above: left * n > 1, two half rows
    small = [n for n in range(1, largest) if divide(n, fractions).train < 1]
    return max(small, default=0) + 1


def plural(count: int, noun: str) -> str:
    """
    >>> plural(1, "row"), plural(2000, "such row")
    ('1 row', '2,000 such rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def class_target(
    request: Request,
    counts: Counter[Label],
    held: Mapping[str, Mapping[Label, int]] | None = None,
    *,
    where: str,
) -> ClassTarget:
    """The classes in their order, from the labels of the rows that are not a test part.

    `held` has the rows of each label in parts of the source's own besides training. Raises Stop
    when there is no classification to do.
    """
    held = held or {}
    problems, declared = request.problems, request.data.classes
    if declared is not None:
        classes = _declared_classes(request, counts, declared)
    else:
        if len(counts) > MAX_CLASSES:
            raise problems.stop(
                "E369",
                "data.source",
                f"{where} has more than {MAX_CLASSES:,} distinct labels",
                "is this a regression?",
            )
        classes = tuple(sorted(counts, key=_label_order))
    strangers = sorted(set().union(*held.values()) - set(classes), key=_label_order)
    if strangers:
        problems.report(
            "E364",
            "data.source",
            f"label {_show(strangers)} occurs in a validation or test part but never in training",
        )
    if len([label for label in classes if counts[label]]) < 2:
        only = f" ({next(iter(counts))!r})" if counts else ""
        problems.report(
            "E362",
            "data.target" if request.data.target else "data.source",
            f"{where} has only one class{only}; a classification needs at least two",
        )
    rows = {part: tuple(found.get(label, 0) for label in classes) for part, found in held.items()}
    for part, found in rows.items():
        _warn_of_absent(request, part, classes, found)
    return ClassTarget(
        classes=classes,
        counts=tuple(counts[label] for label in classes),
        validation=rows.get("validation"),
        test=rows.get("test"),
    )


def _warn_of_absent(
    request: Request, part: str, classes: Sequence[Label], rows: Sequence[int]
) -> None:
    """A class missing from a held-out part is legal; said, because it is often a slip."""
    absent = [label for label, count in zip(classes, rows, strict=True) if not count]
    parts_are_known = all(found.code != "E370" for found in request.problems.found)
    if absent and parts_are_known:
        request.problems.report(
            "W512",
            "data.source",
            f"the {part} part has no row of class {_show(absent)}",
            "move rows of it there; how well it is told apart shows nowhere otherwise",
        )


def _declared_classes(
    request: Request, counts: Counter[Label], declared: Sequence[object]
) -> tuple[Label, ...]:
    by_text: dict[str, Label] = {str(label): label for label in counts}
    texts = [str(item) for item in declared]
    repeated = sorted({text for text in texts if texts.count(text) > 1})
    if repeated:
        request.problems.report("E364", "data.classes", f"class {_show(repeated)} is listed twice")
    outside = sorted((label for text, label in by_text.items() if text not in texts), key=str)
    if outside:
        close = nearest(str(outside[0]), texts)
        request.problems.report(
            "E364",
            "data.classes",
            f"the data has the label {_show(outside)}, which data.classes does not list",
            f"did you mean {close!r}?" if close else "add it to data.classes or take it out",
        )
    unused = [text for text in dict.fromkeys(texts) if text not in by_text]
    if unused:
        request.problems.report(
            "W512", "data.classes", f"no training row has the class {_show(unused)}"
        )
    return tuple(by_text.get(text, _as_label(text)) for text in dict.fromkeys(texts))


def as_labels(counts: Counter[str]) -> Callable[[str], Label]:
    """How to read labels that are text in the file: as whole numbers if all are, else as text.

    "01" and "1.0" are text, so that `str` of a label gives what stands in the file.
    """
    return _as_label if all(_is_canonical(text) for text in counts) else str


def _as_label(text: str) -> Label:
    return int(text) if _is_canonical(text) else text


def _is_canonical(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(text) < 19 and str(int(text)) == text


def _label_order(label: Label) -> tuple[bool, int, str]:
    """Numbers before text, numbers by value."""
    return (False, label, "") if isinstance(label, int) else (True, 0, label)


def _show(items: Sequence[object]) -> str:
    shown = ", ".join(repr(item)[:60] for item in items[:3])
    return shown + (f" and {len(items) - 3:,} more" if len(items) > 3 else "")


def show_names(names: Sequence[str]) -> str:
    """A few names for a message.

    >>> show_names(["a", "b", "c", "d"])
    "'a', 'b', 'c' and 1 more"
    """
    return _show(names)


def numeric_columns(request: Request, names: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table of numbers that are used, after `data.columns`."""
    for name, kind in (request.data.columns or {}).items():
        if name not in names:
            report_unknown_column(request, ("data", "columns", name), name, names)
        elif kind == "category":
            request.problems.report(
                "E379",
                ("data", "columns", name),
                f"{quote(name)} cannot be a category: {request.source} holds numbers only",
                "save the data as csv or parquet",
            )
    kinds = request.data.columns or {}
    used = tuple(name for name in names if kinds.get(name) != "ignore")
    if not used:
        raise request.problems.stop("E367", "data.columns", "every column is ignored")
    return used


def report_unknown_column(request: Request, key: Key, name: str, names: Sequence[str]) -> None:
    """A spec names a column that the source does not have."""
    close = nearest(name, names)
    request.problems.report(
        "E365",
        key,
        f"{quote(request.source)} has no column {quote(name)}",
        f"did you mean {quote(close)}?" if close else f"its columns: {show_names(list(names))}",
    )


def report_missing(request: Request, missing: Mapping[str, int], kind: str) -> None:
    """Missing cells where `data.missing` does not allow them. `kind` is number or category."""
    policy = request.data.missing
    if (policy.number if kind == "number" else policy.category) != "error":
        return
    instead = "median" if kind == "number" else "own"
    for name, count in missing.items():
        request.problems.report(
            "E371",
            f"data.missing.{kind}",
            f"column {quote(name)} has {plural(count, 'missing cell')}",
            f"repair the data, or write `{kind}: {instead}`",
        )


def refuse_settings(request: Request, settings: Mapping[str, object], kind: str) -> None:
    """Settings of `data` that mean nothing for this kind of source."""
    for key, value in settings.items():
        if value:
            request.problems.report(
                "E379", f"data.{key}", f"data.{key} has no meaning for {kind}", "take it out"
            )


@dataclass
class Numbers:
    """Running minimum, maximum and mean of a regression target."""

    minimum: float = float("inf")
    maximum: float = float("-inf")
    total: float = 0.0
    count: int = 0

    def add(self, values: Iterable[float]) -> None:
        for value in values:
            self.minimum = min(self.minimum, value)
            self.maximum = max(self.maximum, value)
            self.total += value
            self.count += 1

    def target(self) -> NumberTarget:
        if not self.count:
            return NumberTarget(0.0, 0.0, 0.0)
        return NumberTarget(self.minimum, self.maximum, self.total / self.count)


Reader = Callable[[Request], DataContract]
