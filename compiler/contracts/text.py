"""Text tasks: tables (csv, tsv, parquet) whose cells are texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automlc.compiler.contracts.base import Request, plural, report_unknown_column, show_names
from automlc.compiler.contracts.columns import number
from automlc.compiler.contracts.contract import TextInput
from automlc.compiler.contracts.delimited import Block
from automlc.compiler.contracts.table import Scan, Source
from automlc.compiler.contracts.tokens import FIRST, tokens
from automlc.spec.diagnostics import quote

SAMPLE = 4096  # rows that the guess is made from
MIN_WORDS = 2.0  # of a cell, on average
MIN_CHARACTERS = 16.0  # or these, for scripts that write no blanks
MIN_DISTINCT = 0.5  # share of cells that are seen once or first


def text_columns(request: Request, names: Sequence[str]) -> tuple[str, ...]:
    """The declared text columns in the order of the spec; empty where none is declared.

    Reports columns that cannot be what the spec says. Other columns are not read.
    """
    data, problems = request.data, request.problems
    fixed = {data.target: "the target", data.split.column: "the split column"}
    found = []
    for name, kind in data.columns.items():
        key = ("data", "columns", name)
        if name not in names:
            report_unknown_column(request, key, name, names)
        elif kind in ("number", "category"):
            problems.report(
                "E379",
                key,
                f"{request.task} reads texts, and {quote(name)} is declared as a {kind}",
                f"write `{name}: text` or `{name}: ignore`",
            )
        elif kind == "text" and name in fixed:
            problems.report(
                "E385",
                key,
                f"column {quote(name)} is {fixed[name]}, so it cannot be the text as well",
                "name another column",
            )
        elif kind == "text":
            found.append(name)
    return tuple(found)


class TextScan(Scan):
    """A table of texts on its way to a contract."""

    def __init__(self, request: Request, source: Source):
        super().__init__(request, source)
        self.facts = {}  # nothing but texts is looked at
        self.columns = text_columns(request, source.names)
        if request.problems.has_errors:
            raise request.problems.stopped()
        self.columns = self.columns or (self._guess(),)
        self._check_types()
        self.places = [source.names.index(name) for name in self.columns]
        self.longest = 0
        self.distinct: set[str] = set()
        self.blank: list[int] = []  # lines

    def seen_places(self) -> list[int]:
        """The columns of the text."""
        return self.places

    def look(self, block: Block, parts: Sequence[str]) -> None:
        """Lengths and tokens of rows that are not in a test part of the source's own."""
        settings = self.request.data.text
        cells = [block.columns[place] for place in self.places]
        for line, part, *texts in zip(block.lines, parts, *cells, strict=True):
            found = tokens("\n".join(texts), settings.tokens, settings.lowercase)
            if not found:
                self.blank.append(line)
            if part != "test":
                self.longest = max(self.longest, len(found))
                if len(self.distinct) < settings.max_tokens:
                    self.distinct.update(found)

    def inputs(self) -> TextInput:
        """What the model sees; texts without a token are said in a warning."""
        problems, settings = self.request.problems, self.request.data.text
        if not self.distinct:
            raise problems.stop(
                "E367", "data.columns", f"no training row of {show_names(self.columns)} holds text"
            )
        if self.blank:
            problems.report(
                "W515",
                "data.source",
                f"line {self.blank[0]:,} has no text ({plural(len(self.blank), 'such row')})",
                "take these rows out, if they say nothing",
            )
        return TextInput(
            columns=self.columns,
            length=min(self.longest, settings.length),
            vocabulary=min(len(self.distinct) + FIRST, settings.max_tokens),
            tokens=settings.tokens,
            lowercase=settings.lowercase,
        )

    def _check_types(self) -> None:
        for name in self.columns:
            if self.source.forced.get(name) == "ignore":
                raise self.request.problems.stop(
                    "E366",
                    ("data", "columns", name),
                    f"column {quote(name)} holds neither text nor numbers",
                    "convert the column in the file",
                )

    def _guess(self) -> str:
        """The one column that looks like text. Raises Stop where there is not exactly one."""
        names, data = self.source.names, self.request.data
        passed = {data.target, data.split.column, *data.columns}
        free = [name for name in names if name not in passed]
        likely = [name for name, cells in self._sample(free).items() if looks_like_text(cells)]
        if len(likely) == 1:
            self.request.problems.note(f"column {quote(likely[0])} is read as the text")
            return likely[0]
        what = f"{show_names(likely)} all look" if likely else "no column looks"
        choices = likely or free or ["NAME"]
        raise self.request.problems.stop(
            "E385",
            "data",
            f"{what} like text" + ("" if likely else f"; there are {show_names(free)}"),
            f"write `columns: {{{choices[0]}: text}}`",
        )

    def _sample(self, names: Sequence[str]) -> Mapping[str, list[str]]:
        places = [self.source.names.index(name) for name in names]
        for block in self.source.blocks():
            cells = [block.columns[place][:SAMPLE] for place in places]
            return dict(zip(names, cells, strict=True))
        return {}


def looks_like_text(cells: Sequence[str]) -> bool:
    """Whether cells are sentences rather than numbers, names of kinds, or identifiers.

    >>> looks_like_text(["how far is it", "who wrote that"]), looks_like_text(["red", "green"])
    (True, False)
    """
    filled = [cell for cell in cells if cell]
    if not filled or all(_is_number(cell) for cell in filled):
        return False
    words = sum(len(cell.split()) for cell in filled) / len(filled)
    blanks = any(" " in cell for cell in filled)
    characters = sum(map(len, filled)) / len(filled)
    is_long = words >= MIN_WORDS or (not blanks and characters >= MIN_CHARACTERS)
    return is_long and len(set(filled)) >= MIN_DISTINCT * len(filled)


def _is_number(cell: str) -> bool:
    try:
        number(cell)
    except ValueError:
        return False
    return True
