"""From a source to a first spec: what was not given is asked, with a guess as the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from automlc.compiler.contracts.base import least_rows
from automlc.compiler.contracts.contract import ClassTarget, DataContract, ImageInput, TableInput
from automlc.compiler.contracts.split import Fractions
from automlc.compiler.contracts.table import SUFFIXES as TABLES
from automlc.compiler.starter import guess
from automlc.compiler.starter.guess import Guess
from automlc.compiler.starter.source import look_at_arrays, look_at_table, sizes_of
from automlc.compiler.starter.table import Table
from automlc.compiler.starter.text import Start, epochs_for
from automlc.runtime.backends import BACKENDS, is_installed
from automlc.runtime.metrics import metrics_of
from automlc.spec.errors import AutomlcError
from automlc.spec.model import folder_name
from automlc.spec.record import record
from automlc.spec.suggest import nearest

LARGE_SIDE = 96  # pixels; larger images are resized to it at first, which trains in minutes
_GIVEN = "given"
_TABLE_KINDS = (
    "tabular_classification",
    "tabular_regression",
    "text_classification",
    "text_regression",
)
_LEAST = least_rows(Fractions(validation=0.2, test=0.2))

# Asks for a word: (what, the guess, what may be answered) -> the answer, which may be the guess.
Ask = Callable[[str, Guess, Sequence[str]], Guess]


@record
class Given:
    """What a person said already; None where it is to be asked."""

    kind: str | None = None
    target: str | None = None
    metric: str | None = None
    trials: int | None = None
    epochs: int | None = None
    backend: str | None = None


def start_for(source: str, spec: Path, roots: Sequence[Path], given: Given, ask: Ask) -> Start:
    """The choices of a first spec at `spec` for a source as that spec names it.

    Raises AutomlcError for data that cannot be read or learned from, and for answers that do not
    fit it.
    """
    is_table = source.lower().endswith(TABLES)
    start = (_of_table if is_table else _of_arrays)(source, spec, roots, given, ask)
    return start


def _of_table(source: str, spec: Path, roots: Sequence[Path], given: Given, ask: Ask) -> Start:
    table = look_at_table(source, spec)
    if given.target is None:
        names = [c.name for c in table.columns.values() if guess.problem_of(c) is None]
        target = ask("target", guess.target_of(table), names)
    else:
        target = Guess(given.target, _GIVEN)
    guess.check_target(table, target.value)
    kind = _kind(given, guess.kind_of(table, target.value), _TABLE_KINDS, ask)
    split = _split_column(table, target.value)
    column = table.columns[target.value]
    is_classes = kind.value.endswith("classification")
    counts = list(column.counts.values()) if is_classes else []
    return Start(
        name=_name(source),
        source=source,
        about=f"{source}: {table.rows:,} rows, {len(table.columns)} columns{_missing(table)}.",
        kind=kind,
        metric=_metric(given, kind.value, counts, ask),
        target=target,
        columns=_columns(table, target.value, kind.value),
        split=split,
        stratify=None if split else _stratify(counts),
        trials=given.trials or 20,
        epochs=_epochs(given, table.rows),
        backend=_backend(given),
        roots=tuple(map(str, roots)),
    )


def _kind(given: Given, guessed: Guess, known: Sequence[str], ask: Ask) -> Guess:
    if given.kind is None:
        return ask("kind of task", guessed, known)
    if given.kind not in known:
        raise AutomlcError(
            f"the data does not fit a task of the kind {given.kind}",
            f"it looks like {guessed.value}: {guessed.why}",
            exit_code=1,
        )
    return Guess(given.kind, _GIVEN)


def _missing(table: Table) -> str:
    count = sum(bool(column.missing) for column in table.columns.values())
    if not count:
        return ""
    return f", {count} of them with missing cells (numbers take the median: data.missing)"


def _split_column(table: Table, target: str) -> Guess | None:
    for column in table.columns.values():
        if column.is_split and column.name != target:
            words = ", ".join(sorted(column.counts))
            return Guess(column.name, f"this column says the part of each row: {words}")
    return None


def _columns(table: Table, target: str, kind: str) -> tuple[tuple[str, str, str], ...]:
    """Texts that are read, or what a table leaves out."""
    features = guess.features_of(table, target)
    texts = [column.name for column in features if column.is_text]
    if kind.startswith("text"):
        if not texts:
            raise AutomlcError(
                "no column looks like text (several words in most cells, mostly different)",
                f"write a spec by hand, or choose --task {kind.replace('text', 'tabular')}",
                exit_code=1,
            )
        return tuple((name, "text", "sentences") for name in texts)
    found = []
    for column in table.columns.values():
        if column.name == target or column.is_split:
            continue
        why = guess.unused(column) or ("sentences" if column.is_text else None)
        if why is not None:
            found.append((column.name, "ignore", why))
    if len(found) == len(
        [c for c in table.columns.values() if c.name != target and not c.is_split]
    ):
        reasons = ", ".join(f"{name}: {why}" for name, _, why in found[:3])
        raise AutomlcError(
            f"no column is left to learn from ({reasons})",
            "name another target with --target, or declare data.columns in a spec by hand",
            exit_code=1,
        )
    return tuple(found)


def _stratify(counts: Sequence[int]) -> Guess | None:
    small = [count for count in counts if count < _LEAST]
    if not small:
        return None
    rows = "row" if min(small) == 1 else "rows"
    why = f"a class has only {min(small)} {rows}, too few to be in each part"
    return Guess("false", why)


def _of_arrays(source: str, spec: Path, roots: Sequence[Path], given: Given, ask: Ask) -> Start:
    if given.target is not None:
        raise AutomlcError(
            "only tables have columns, so there is no target to name",
            "leave --target out: the labels of npz files are y_train, of images their folders",
            exit_code=1,
        )
    guessed, contract = look_at_arrays(source, spec, roots, given.kind)
    is_classes = isinstance(contract.target, ClassTarget)
    if given.kind is None and _are_amounts(contract):
        guessed = guessed.replace("classification", "regression")
        is_classes = False
    kind = Guess(guessed, _GIVEN)
    if given.kind is None:
        field = guessed.partition("_")[0]
        both = (f"{field}_classification", f"{field}_regression")
        known = (guessed,) if (spec.resolve().parent / source).is_dir() else both
        kind = ask("kind of task", Guess(guessed, _why(contract, is_classes)), known)
    counts = contract.target.counts if isinstance(contract.target, ClassTarget) else ()
    if kind.value.endswith("regression"):
        counts = ()
    is_folder = contract.format == "image_folder"
    size, why = _size(sizes_of(source, spec)) if is_folder else (None, "")
    own = contract.storage.validation is not None and contract.storage.test is not None
    rows = contract.rows.train + contract.rows.validation + contract.rows.test
    return Start(
        name=_name(source),
        source=source,
        about=f"{source}: {rows:,} rows, {_input(contract, is_folder)}.",
        kind=kind,
        metric=_metric(given, kind.value, counts, ask),
        size=size,
        size_why=why,
        stratify=None if own else _stratify(counts),
        trials=given.trials or 20,
        epochs=_epochs(given, contract.rows.train),
        backend=_backend(given),
        roots=tuple(map(str, roots)),
    )


def _are_amounts(contract: DataContract) -> bool:
    """Whether whole numbers as labels are so many that they are rather amounts."""
    target = contract.target
    if not isinstance(target, ClassTarget) or contract.format == "image_folder":
        return False
    numbers = all(isinstance(label, int) for label in target.classes)
    return numbers and len(target.classes) > max(100, sum(target.counts) // 20)


def _why(contract: DataContract, is_classes: bool) -> str:
    if not is_classes or not isinstance(contract.target, ClassTarget):
        return "the targets are numbers of many values"
    count = len(contract.target.classes)
    where = "folders" if contract.format == "image_folder" else "labels"
    return f"{count} different {where} are {count} classes"


def _input(contract: DataContract, is_folder: bool) -> str:
    found = contract.input
    if isinstance(found, ImageInput):
        color = "gray" if found.channels == 1 else f"{found.channels} channels"
        return f"images, {color}" if is_folder else f"images of {found.height} x {found.width}"
    assert isinstance(found, TableInput), "texts come in tables"
    return f"{found.width} columns of numbers"


def _size(sizes: Mapping[tuple[int, int], int]) -> tuple[tuple[int, int] | None, str]:
    """What images are resized to: nothing where all have one small size."""
    ordered = sorted(sizes)
    if len(ordered) == 1 and max(ordered[0]) <= LARGE_SIDE:
        return None, ""
    heights = sorted(h for (h, _), n in sizes.items() for _ in range(n))
    widths = sorted(w for (_, w), n in sizes.items() for _ in range(n))
    middle = heights[len(heights) // 2], widths[len(widths) // 2]
    scale = min(1.0, LARGE_SIDE / max(middle))
    size = max(1, round(middle[0] * scale)), max(1, round(middle[1] * scale))
    what = f"{len(ordered):,} sizes" if len(ordered) > 1 else "one size"
    shown = f"{middle[0]} x {middle[1]} in the middle"
    return size, f"the files have {what} ({shown}); [height, width]: larger sees more, takes longer"


def _metric(given: Given, kind: str, counts: Sequence[int], ask: Ask) -> Guess:
    known = [metric.name for metric in metrics_of(kind)]
    if given.metric is None:
        return ask("metric", guess.metric_of(kind, counts), known)
    if given.metric not in known:
        near = nearest(given.metric, known)
        raise AutomlcError(
            f"{given.metric!r} is no metric of {kind}",
            f"did you mean {near}?" if near else f"there are {', '.join(known)}",
            exit_code=1,
        )
    return Guess(given.metric, _GIVEN)


def _epochs(given: Given, rows: int) -> Guess:
    return epochs_for(rows) if given.epochs is None else Guess(str(given.epochs), "")


def _backend(given: Given) -> Guess:
    if given.backend is not None:
        return Guess(given.backend, "")
    for name in BACKENDS.names():
        backend = BACKENDS.get(name)
        default = backend.engines[:1]
        if all(map(is_installed, (*backend.needs, *default))):
            return Guess(name, "it is installed here")
    return Guess("auto", "what is installed where the spec is compiled")


def _name(source: str) -> str:
    name = source.removeprefix("builtin:").rstrip("/").rpartition("/")[2]
    return folder_name(name.partition(".")[0] or "task")
