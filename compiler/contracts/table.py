"""Tables: csv, tsv and parquet with a target column. Types are inferred or declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan

from automlc.compiler.contracts import delimited, parquet
from automlc.compiler.contracts.base import (
    MAX_CLASSES,
    Label,
    Numbers,
    Request,
    as_labels,
    class_target,
    plural,
    report_missing,
    report_unknown_column,
    rows_after_split,
    show_names,
)
from automlc.compiler.contracts.columns import (
    MAX_CATEGORIES,
    MAX_CATEGORY_LENGTH,
    Facts,
    number,
)
from automlc.compiler.contracts.contract import (
    Category,
    DataContract,
    Input,
    Storage,
    TableInput,
    Target,
)
from automlc.compiler.contracts.delimited import Block, Delimited
from automlc.compiler.contracts.duplicates import Duplicates, joined
from automlc.compiler.contracts.files import sha256_of_file
from automlc.compiler.contracts.groups import GroupScan, check_columns
from automlc.compiler.contracts.parquet import Parquet
from automlc.compiler.fairness import columns_of
from automlc.spec.diagnostics import quote

SUFFIXES = (*delimited.SUFFIXES, *parquet.SUFFIXES)

PART_WORDS = {
    "train": "train",
    "training": "train",
    "0": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "1": "validation",
    "test": "test",
    "2": "test",
}


def read(request: Request) -> DataContract:
    """Describe a table. Raises Stop after reporting what makes a contract impossible."""
    problems = request.problems
    if request.is_image:
        raise problems.stop(
            "E376",
            "task.kind",
            f"{quote(request.source)} is a table; {request.task} needs images",
            f"write `kind: {request.task.replace('image', 'tabular')}`",
        )
    is_parquet = request.path.name.endswith(parquet.SUFFIXES)
    source = (Parquet if is_parquet else Delimited)(request.path, problems)
    _check_names(request, source.names)
    scan = _scan(request, source)
    scan.first_pass()
    inputs = scan.inputs()
    target = scan.target_found()
    storage = scan.storage()
    rows = rows_after_split(request, storage, target)
    scan.duplicates.report(request, storage)
    scan.groups.report(request, storage, target)
    if problems.has_errors:
        raise problems.stopped()
    return DataContract(
        source=request.source,
        format="table",
        fingerprint=sha256_of_file(request.path),
        input=inputs,
        target=target,
        rows=rows,
        storage=storage,
    )


def _scan(request: Request, source: Source) -> Scan:
    if not request.is_text:
        return Scan(request, source)
    from automlc.compiler.contracts.text import TextScan  # it builds on this module

    return TextScan(request, source)


def _check_names(request: Request, names: list[str]) -> None:
    data, problems = request.data, request.problems
    if data.target is None:
        problems.report(
            "E365",
            "data",
            "a table needs data.target, the column to predict",
            f"its columns: {show_names(names)}",
        )
    elif data.target not in names:
        report_unknown_column(request, "data.target", data.target, names)
    if data.split.column is not None and data.split.column not in names:
        report_unknown_column(request, "data.split.column", data.split.column, names)
    check_columns(request, names)
    for name, kind in () if request.is_text else data.columns.items():
        if name not in names:
            report_unknown_column(request, ("data", "columns", name), name, names)
        elif kind == "text":
            problems.report(
                "E376",
                ("data", "columns", name),
                f"column {quote(name)} is declared as text, and {request.task} reads no texts",
                f"write `kind: {request.task.replace('tabular', 'text')}`, or `{name}: ignore`",
            )
    if problems.has_errors:
        raise problems.stopped()


Source = Delimited | Parquet


@dataclass
class _Labels:
    """What the target column holds, by part."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=Numbers)
    empty: list[int] = field(default_factory=list)
    not_finite: list[tuple[int, str]] = field(default_factory=list)
    not_numbers: list[tuple[int, str]] = field(default_factory=list)


class Scan:
    """One table on its way to a contract."""

    def __init__(self, request: Request, source: Source):
        self.request = request
        self.source = source
        self.target = str(request.data.target)
        self.split = request.data.split.column
        self.declared = dict(request.data.columns or {})
        skipped = {self.target, self.split}
        self.facts = {
            place: Facts(name)
            for place, name in enumerate(source.names)
            if name not in skipped and self.declared.get(name) != "ignore"
        }
        self.labels = _Labels()
        self.duplicates = Duplicates("line")
        self.groups = GroupScan(columns_of(request.claims), source.names)
        self.rows: Counter[str] = Counter()
        self.words: dict[str, dict[str, int]] = {}  # part -> word in the file -> first line

    def first_pass(self) -> None:
        """Types, missing cells, labels and parts."""
        names = self.source.names
        target = names.index(self.target)
        split = names.index(self.split) if self.split is not None else None
        for block in self.source.blocks():
            parts = self._parts(block, split)
            self.rows.update(parts)
            self._add_labels(block, block.columns[target], parts)
            self._add_rows(block, block.columns[target], parts)
            self.groups.add(block, block.columns[target], parts)
            self.look(block, parts)
        if not self.rows:
            raise self.request.problems.stop("E367", "data.source", "the table has no rows")
        if not self.rows["train"]:
            raise self.request.problems.stop(
                "E370", "data.split.column", f"no row of column {quote(self.split)} is for training"
            )
        self._check_labels()
        self._check_words()

    def seen_places(self) -> list[int]:
        """The columns that the model sees, by their places."""
        return list(self.facts)

    def _add_rows(self, block: Block, labels: Sequence[str], parts: Sequence[str]) -> None:
        columns = [block.columns[place] for place in self.seen_places()]
        rows = zip(*columns, strict=True) if columns else iter(())
        for line, part, label, cells in zip(block.lines, parts, labels, rows, strict=False):
            self.duplicates.add(part, joined(cells), label, f"line {line:,}")

    def look(self, block: Block, parts: Sequence[str]) -> None:
        """One block of what the model is to see, and the part of each row."""
        for place, facts in self.facts.items():
            facts.add(block.columns[place], block.lines)

    def _parts(self, block: Block, split: int | None) -> list[str]:
        if split is None:
            return ["train"] * len(block.lines)
        parts = []
        for line, word in zip(block.lines, block.columns[split], strict=True):
            part = PART_WORDS.get(word.lower())
            self.words.setdefault(part or "", {}).setdefault(word, line)
            part = part or "train"  # an unknown word is an error below; the row still counts
            parts.append(part)
        return parts

    def _check_words(self) -> None:
        for word, line in self.words.pop("", {}).items():
            self.request.problems.report(
                "E370",
                "data.split.column",
                f"line {line:,} has {quote(word)} in column {quote(self.split)}",
                "a split column holds train, validation, test (or 0, 1, 2)",
            )
        for part, words in self.words.items():
            if len(words) > 1 and not self.request.problems.has_errors:
                self.request.problems.report(
                    "E370",
                    "data.split.column",
                    f"column {quote(self.split)} has more than one word for {part}:"
                    f" {show_names(sorted(words))}",
                )

    # --- the target ------------------------------------------------------------------------

    def _add_labels(self, block: Block, cells: Sequence[str], parts: Sequence[str]) -> None:
        for line, cell, part in zip(block.lines, cells, parts, strict=True):
            if cell == "" or (not self.request.is_classification and _is_missing(cell)):
                self.labels.empty.append(line)
            elif self.request.is_classification:
                counter = self.labels.counts.setdefault(part, Counter())
                if cell in counter or len(counter) <= MAX_CLASSES:
                    counter[cell] += 1
            else:
                self._add_number(line, cell, part)

    def _add_number(self, line: int, cell: str, part: str) -> None:
        try:
            value = number(cell)
        except ValueError:
            self.labels.not_numbers.append((line, cell))
            return
        if not isfinite(value):
            self.labels.not_finite.append((line, cell))
        elif part != "test":
            self.labels.numbers.add([value])

    def _check_labels(self) -> None:
        report, found, name = self.request.problems.report, self.labels, quote(self.target)
        if found.empty:
            report(
                "E361",
                "data.target",
                f"line {found.empty[0]:,}: the target {name} is missing"
                f" ({plural(len(found.empty), 'such row')})",
                "take these rows out; a target cannot be filled in",
            )
        if found.not_finite:
            line, cell = found.not_finite[0]
            report(
                "E361",
                "data.target",
                f"line {line:,}: the target {name} is {quote(cell)}"
                f" ({plural(len(found.not_finite), 'such row')})",
                "a target must be finite",
            )
        if found.not_numbers:
            line, cell = found.not_numbers[0]
            task = self.request.task.replace("regression", "classification")
            report(
                "E366",
                "data.target",
                f"line {line:,}: the target {name} is {quote(cell)}, not a number"
                f" ({plural(len(found.not_numbers), 'such row')})",
                f"for classes write `kind: {task}`",
            )

    def target_found(self) -> Target:
        """The target of the contract; its problems are reported."""
        if not self.request.is_classification:
            return self.labels.numbers.target()
        everything: Counter[str] = Counter()
        for counter in self.labels.counts.values():
            everything.update(counter)
        as_label = as_labels(everything)
        train = self.labels.counts.get("train", Counter())
        counts: Counter[Label] = Counter({as_label(text): n for text, n in train.items()})
        held = {
            part: {as_label(text): n for text, n in self.labels.counts.get(part, {}).items()}
            for part in ("validation", "test")
            if self.rows[part]
        }
        return class_target(self.request, counts, held, where=f"column {quote(self.target)}")

    # --- the features ----------------------------------------------------------------------

    def inputs(self) -> Input:
        """The columns that the model sees; what is left out is said in a warning."""
        kinds = {place: self._kind(facts) for place, facts in self.facts.items()}
        texts = [place for place, kind in kinds.items() if kind == "category"]
        if texts:
            self._second_pass(texts)
        used = {p: k for p, k in kinds.items() if k != "ignore" and not self._drop(p, k)}
        for place, kind in used.items():
            self._check_column(self.facts[place], kind)
        numeric = [self.facts[p] for p, kind in used.items() if kind == "number"]
        categorical = [self.facts[p] for p, kind in used.items() if kind == "category"]
        missing = {f.name: f.missing_numbers for f in numeric if f.missing_numbers}
        empty = {f.name: f.empty for f in categorical if f.empty}
        report_missing(self.request, missing, "number")
        report_missing(self.request, empty, "category")
        if not used:
            self.request.problems.report("E367", "data.source", "no column is left to learn from")
        return TableInput(
            numeric=tuple(facts.name for facts in numeric),
            categorical=tuple(Category(f.name, tuple(sorted(f.values))) for f in categorical),
            missing={**missing, **empty},
        )

    def _kind(self, facts: Facts) -> str:
        declared = self.declared.get(facts.name)
        forced = self.source.forced.get(facts.name)
        if declared is not None:
            self._check_type(facts, declared, forced)
            return str(declared)
        if forced is not None:
            if forced == "ignore":
                self.request.problems.report(
                    "W510",
                    "data.source",
                    f"column {quote(facts.name)} is neither numbers nor text; it is ignored",
                    f"write `{facts.name}: ignore` under data.columns to silence this",
                )
            return forced
        return "number" if facts.is_number else "category"

    def _check_type(self, facts: Facts, declared: str, forced: str | None) -> None:
        """A parquet column has a type of its own; only numbers can also be categories."""
        if forced is not None and forced != declared and forced != "number":
            held = "text" if forced == "category" else "neither numbers nor text"
            self.request.problems.report(
                "E366",
                ("data", "columns", facts.name),
                f"column {quote(facts.name)} holds {held}, not what {declared} needs",
                f"write `{facts.name}: {forced}`, or convert the column in the file",
            )

    def _second_pass(self, places: Sequence[int]) -> None:
        for block in self.source.blocks():
            for place in places:
                self.facts[place].add_values(block.columns[place])

    def _drop(self, place: int, kind: str) -> bool:
        """Whether an undeclared column says nothing about other rows; warns if so."""
        facts = self.facts[place]
        if facts.name in self.declared:
            return False
        if facts.is_empty:
            self._warn(facts, "is empty")
        elif kind == "category" and (
            facts.is_identifier
            or len(facts.values) > MAX_CATEGORIES
            or facts.longest > MAX_CATEGORY_LENGTH
        ):
            self._warn(facts, f"has {_number_of(facts.values)} different texts")
        elif kind == "number" and facts.counts_up and facts.rows > 20:
            self._warn(facts, "counts the rows")
        else:
            self._warn_of_risks(facts, kind)
            return False
        return True

    def _warn(self, facts: Facts, why: str) -> None:
        self.request.problems.report(
            "W510",
            "data.source",
            f"column {quote(facts.name)} {why}; it is ignored",
            f"write `{facts.name}: ignore` under data.columns to silence this,"
            " or its kind to use it",
        )

    def _warn_of_risks(self, facts: Facts, kind: str) -> None:
        report = self.request.problems.report
        constant = facts.minimum == facts.maximum if kind == "number" else len(facts.values) == 1
        if constant:
            report(
                "W511", "data.source", f"column {quote(facts.name)} has the same value everywhere"
            )
        if kind == "category" and {v.lower() for v in facts.values} in _PART_SETS:
            report(
                "W514",
                "data.source",
                f"column {quote(facts.name)} looks like a split column, and is used as a feature",
                f"write `split: {{column: {facts.name}}}`",
            )

    def _check_column(self, facts: Facts, kind: str) -> None:
        report, key = self.request.problems.report, ("data", "columns", facts.name)
        if kind == "number" and facts.first_not_number is not None:
            line, cell = facts.first_not_number
            report(
                "E366",
                key,
                f"line {line:,}: column {quote(facts.name)} is {quote(cell)}, not a number"
                f" ({plural(facts.not_numbers, 'such cell')})",
                f"write `{facts.name}: category`",
            )
        if kind == "number" and facts.infinite:
            report(
                "E360",
                key,
                f"line {facts.first_infinite:,}: column {quote(facts.name)} is infinite"
                f" ({plural(facts.infinite, 'such cell')})",
            )
        if kind == "category" and len(facts.values) > MAX_CATEGORIES:
            report(
                "E369",
                key,
                f"column {quote(facts.name)} has {_number_of(facts.values)} categories;"
                f" at most {MAX_CATEGORIES:,}",
            )
        elif kind == "category" and facts.longest > MAX_CATEGORY_LENGTH:
            report(
                "E369",
                key,
                f"column {quote(facts.name)} has a value of {facts.longest:,} characters;"
                f" a category has at most {MAX_CATEGORY_LENGTH}",
            )

    # --- the parts -------------------------------------------------------------------------

    def storage(self) -> Storage:
        """Where everything is, for data.py."""
        details = {**self.source.details, "target": self.target}
        if self.split is not None:
            details["split"] = self.split
            for part, words in self.words.items():
                details[f"split_{part}"] = next(iter(words))
        return Storage(
            kind="parquet" if isinstance(self.source, Parquet) else "csv",
            train=self.rows["train"],
            validation=self.rows["validation"] or None,
            test=self.rows["test"] or None,
            details=details,
        )


_PART_SETS = ({"train", "test"}, {"train", "validation", "test"}, {"train", "val", "test"})


def _is_missing(cell: str) -> bool:
    try:
        return isnan(number(cell))
    except ValueError:
        return False


def _number_of(values: set[str]) -> str:
    return f"{len(values):,}" if len(values) <= MAX_CATEGORIES else f"more than {MAX_CATEGORIES:,}"
