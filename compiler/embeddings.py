"""Word vectors of a spec: text files of GloVe, word2vec or fastText.

Each line holds a word and its numbers between single blanks; a first line may hold both counts.

A file is read whole before anything trains, so that a search cannot fail on line 300,000 later.
Where a spec is looked at without its data, as an editor does at every save, the first lines do.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from automlc.compiler.backbones import recorded
from automlc.compiler.contracts.files import data_roots, is_inside
from automlc.compiler.problems import Problems
from automlc.spec.declarations import ParameterDecl
from automlc.spec.domains import Choice, Fixed, Parameter
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Expr, Logical, Name, parse
from automlc.spec.load import LoadedSpec
from automlc.spec.record import record

PARAMETER = "pretraining"
NONE = "none"
WIDTH = "word_vector_width"  # a name of preset texts: how many numbers a word becomes
MAX_BYTES = 2 * 2**30
MAX_LINE = 2**20  # bytes
MAX_WIDTH = 4096  # numbers of a word
MAX_FILES = 16
FIRST_LINES = 1000  # what is looked at where the data is not
_LARGEST = 3.4e38  # of float32
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COUNT = re.compile(rb"[0-9]{1,12}")


@record
class WordVectors:
    """A file of vectors by the name that the spec gives it; `file` is how code names it."""

    name: str
    file: str
    sha256: str
    words: int
    width: int
    header: bool
    """Whether the first line says how many words and numbers there are."""


@record
class Embeddings:
    """The word vectors of a spec, in its order."""

    entries: tuple[WordVectors, ...] = ()

    def parameters(self, embedding: Parameter) -> dict[str, ParameterDecl]:
        """What the space gains, and `embedding` itself: it is a size only where words start at
        random."""
        if not self.entries:
            return {}
        values = Choice((NONE, *(entry.name for entry in self.entries)))
        span = embedding.span
        at_random: Expr = parse(f'{PARAMETER} == "{NONE}"', span)
        before = embedding.when
        when = at_random if before is None else Logical("and", before, at_random, span=span)
        sizes = ParameterDecl(embedding.domain, embedding.default, when, span)
        return {PARAMETER: ParameterDecl(values, NONE, before, span), embedding.name: sizes}

    def width(self) -> Expr:
        """What WIDTH stands for in preset texts."""
        if not self.entries:
            return Name("embedding")
        text = "embedding"
        for entry in reversed(self.entries):
            text = f'select({PARAMETER} == "{entry.name}", {entry.width}, {text})'
        return parse(text)

    def of(self, parameter: Parameter) -> tuple[WordVectors, ...]:
        """Those that a parameter may name. Raises AutomlcError for other values."""
        domain = parameter.domain
        values = domain.values if isinstance(domain, Choice) else ()
        values = (domain.value,) if isinstance(domain, Fixed) else values
        known = [NONE, *(entry.name for entry in self.entries)]
        strange = [value for value in values if value not in known]
        if strange or not values:
            raise AutomlcError(
                f"{PARAMETER} is {domain}, and space.embeddings names {', '.join(known[1:])}",
                f"its values are among {', '.join(known)}",
            )
        return tuple(entry for entry in self.entries if entry.name in values)


def read_embeddings(
    loaded: LoadedSpec, problems: Problems, roots: Sequence[Path], whole: bool = True
) -> Embeddings:
    """The files of `space.embeddings`; each that cannot be used is a problem (E313)."""
    found: list[WordVectors] = []
    for index, (name, file) in enumerate(loaded.spec.space.embeddings.items()):
        key = f"space.embeddings.{name}"
        try:
            if not _NAME.fullmatch(name) or name == NONE:
                raise AutomlcError(
                    f"{name!r:.60} cannot name word vectors",
                    f"a name is a lower-case word, such as glove, and not {NONE}",
                )
            if index >= MAX_FILES:
                raise AutomlcError(f"there are more than {MAX_FILES} files of word vectors")
            path = _file(file, loaded, roots)
            found.append(
                replace(read_file(path, file, whole), name=name, file=recorded(path, loaded))
            )
        except AutomlcError as error:
            spans = loaded.spans(key) or loaded.spans("space.embeddings")
            problems.add("E313", error.message, spans, hint=error.hint, key=key)
    return Embeddings(tuple(found))


def _file(text: str, loaded: LoadedSpec, roots: Sequence[Path]) -> Path:
    """A file of the project or of a data root; AutomlcError for any other, and for a large one."""
    try:
        path = (loaded.source.path.resolve().parent / text).resolve()
    except (OSError, ValueError, RuntimeError):
        raise AutomlcError(f"{text!r:.200} is not a path") from None
    if not is_inside(path, data_roots(loaded.source.path, roots)):
        raise AutomlcError(
            f"{text!r} is outside the project folder and every data root",
            "copy it into the project, or allow its folder: --data-root DIR",
        )
    if not path.is_file():
        raise AutomlcError(f"there is no file {text!r} (relative to the spec)")
    if path.stat().st_size > MAX_BYTES:
        raise AutomlcError(f"{text!r} has more than {MAX_BYTES:,} bytes")
    return path


def read_file(path: Path, label: str, whole: bool = True) -> WordVectors:
    """What a file holds, or its first lines; AutomlcError, with the line, for one that is damaged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "v.txt"
    ...     _ = file.write_text("the 0.5 -1\\nof 1e-3 2\\n")
    ...     found = read_file(file, "v.txt")
    >>> found.words, found.width, found.header
    (2, 2, False)
    """
    try:
        return _read(path, label, math.inf if whole else FIRST_LINES)
    except OSError as error:
        raise AutomlcError(f"{label!r} cannot be read: {error.strerror or error}") from None


def _read(path: Path, label: str, last: float) -> WordVectors:
    digest = hashlib.sha256()
    counts: tuple[int, int] | None = None
    words = width = 0
    for number, line in _lines(path, label):
        if number > last:
            break
        digest.update(line)
        fields = line.rstrip(b" \r\n").split(b" ")
        if number == 1 and len(fields) == 2 and all(map(_COUNT.fullmatch, fields)):
            counts = (int(fields[0]), int(fields[1]))
            width = counts[1]
            continue
        width = width or len(fields) - 1
        problem = _problem(fields, width)
        if problem:
            raise AutomlcError(
                f"{label}:{number}: {problem}",
                "a line is a word and its numbers between blanks, as GloVe and fastText write it",
            )
        words += 1
    if counts is not None and counts[0] != words and words < last - 1:
        raise AutomlcError(f"{label}:1: {counts[0]:,} words are announced, the file has {words:,}")
    if not words:
        raise AutomlcError(f"{label} holds no word")
    return WordVectors("", "", digest.hexdigest(), words, width, counts is not None)


def _lines(path: Path, label: str) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers; none is longer than MAX_LINE."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise AutomlcError(
                    f"{label}:{number}: the line has more than {MAX_LINE:,} bytes",
                    "is it a binary file? Vectors are read from text files",
                )
            yield number, line


def _problem(fields: Sequence[bytes], width: int) -> str:
    """What is wrong with a line; empty where nothing is."""
    word, *texts = fields
    try:
        blank = not word.decode("utf-8").strip() or b"\0" in word
    except UnicodeDecodeError:
        return "the word is not UTF-8"
    if not 1 <= width <= MAX_WIDTH:
        return f"a word has 1 to {MAX_WIDTH:,} numbers, not {width:,}"
    if blank:
        return "the line begins with no word"
    if len(texts) != width:
        return f"{width} numbers are expected after the word, not {len(texts)}"
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return "something after the word is not a number"
    if not all(abs(value) <= _LARGEST for value in numbers) or not all(map(math.isfinite, numbers)):
        return "a number is not finite"
    return ""


__all__ = ["PARAMETER", "WIDTH", "Embeddings", "WordVectors", "read_embeddings", "read_file"]
