"""From a spec to its data contract: finds the source, checks that it may be read, reads it.

`read` gives the contract or raises SpecError with everything that is wrong with the data set;
`inspect` gives what was found without raising. A new format is a file with SUFFIXES and
`read(request)`, and a line in `_reader`.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from automlc.compiler.contracts import builtin, image_folder, table
from automlc.compiler.contracts.base import (
    Findings,
    Reader,
    Request,
    Stop,
    rows_after_split,
    show_names,
)
from automlc.compiler.contracts.contract import (
    ClassTarget,
    ContractError,
    DataContract,
    ImageInput,
    NumberTarget,
    TableInput,
    TextInput,
    loads,
)
from automlc.compiler.contracts.files import data_roots, is_inside
from automlc.compiler.contracts.groups import Groups
from automlc.compiler.fairness import claims
from automlc.spec.diagnostics import Diagnostic, quote
from automlc.spec.errors import SpecError
from automlc.spec.load import LoadedSpec
from automlc.spec.record import record
from automlc.spec.suggest import nearest

__all__ = ["Inspection", "data_roots", "inspect", "read", "resolve_source"]

MAX_CONTRACT_BYTES = 64 * 2**20


@record
class Inspection:
    """What was found: no contract if there are errors among the diagnostics."""

    contract: DataContract | None
    diagnostics: tuple[Diagnostic, ...]
    notes: tuple[str, ...] = ()
    groups: tuple[Groups, ...] = ()


def read(loaded: LoadedSpec, roots: Sequence[Path] = ()) -> DataContract:
    """The contract of a spec's data. Raises SpecError located at keys of `data`.

    `roots` are the folders of --data-root; the project root and AUTOMLC_DATA_ROOT always count.
    """
    found = inspect(loaded, roots)
    if found.contract is None:
        raise SpecError(found.diagnostics, loaded.sources)
    return found.contract


def inspect(loaded: LoadedSpec, roots: Sequence[Path] = ()) -> Inspection:
    """Everything that `read` finds, warnings and notes included, as a value."""
    problems = Findings(loaded)
    contract = None
    with suppress(Stop):
        contract = _contract(loaded, problems, roots)
    if problems.has_errors:
        contract = None
    notes, groups = tuple(problems.notes), tuple(problems.groups)
    return Inspection(contract, problems.diagnostics(), notes, groups)


def resolve_source(loaded: LoadedSpec, roots: Sequence[Path] = ()) -> Path | None:
    """The absolute path of the data, links resolved; None for builtin data.

    Raises SpecError if it is not there or not under a data root.
    """
    problems = Findings(loaded)
    try:
        path = _locate(loaded, problems, "source", roots)
    except Stop:
        raise SpecError(problems.diagnostics(), loaded.sources) from None
    return path


def _contract(loaded: LoadedSpec, problems: Findings, roots: Sequence[Path]) -> DataContract:
    data = loaded.spec.data
    recorded = None
    if data.contract is not None:
        recorded = _recorded(loaded, problems, roots)
    if recorded is not None and not _is_there(loaded, roots):
        return _adopt(_request(loaded, problems, Path()), recorded)
    path = _locate(loaded, problems, "source", roots)
    request = _request(loaded, problems, path or Path())
    if data.split.stratify and not request.is_classification:
        problems.report(
            "E379",
            "data.split.stratify",
            f"{request.task} has no classes to stratify by",
            "take `stratify` out",
        )
    contract = _reader(request)(request)
    _check_target(request, contract)
    if recorded is not None and not problems.has_errors:
        _compare(problems, recorded, contract)
    return contract


def _check_target(request: Request, contract: DataContract) -> None:
    """A number that is the same in every row leaves nothing to learn."""
    target = contract.target
    if isinstance(target, NumberTarget) and target.minimum == target.maximum:
        request.problems.report(
            "W519",
            "data.target" if request.data.target else "data.source",
            f"the target is {target.minimum:g} in every row that is trained on",
            "name another column, or check the file: a model could only repeat that number",
        )


def _request(loaded: LoadedSpec, problems: Findings, path: Path) -> Request:
    spec = loaded.spec
    seed = spec.seed if spec.data.split.seed is None else spec.data.split.seed
    found = claims(loaded)
    return Request(spec.data.source, path, spec.task.kind, spec.data, problems, seed, found)


def _reader(request: Request) -> Reader:
    from automlc.compiler.contracts import npz  # numpy is not for `validate` to wait for

    name = request.path.name.lower()
    if request.is_text and not name.endswith(table.SUFFIXES):
        raise request.problems.stop(
            "E376",
            "task.kind",
            f"{request.task} reads tables ({', '.join(table.SUFFIXES)}),"
            f" and {quote(request.source)} is none",
            "write the texts into a csv file with a column of texts and one of targets",
        )
    if request.source.startswith(builtin.PREFIX):
        return builtin.read
    if request.path.is_dir():
        return image_folder.read
    if name.endswith(npz.SUFFIXES):
        return npz.read
    if name.endswith(table.SUFFIXES):
        return table.read
    archive = name.endswith((".zip", ".tar", ".tgz", ".tar.gz", ".7z"))
    known = ", ".join((*npz.SUFFIXES, *table.SUFFIXES))
    raise request.problems.stop(
        "E352",
        "data.source",
        f"{quote(request.source)} is no kind of data that is read here",
        "unpack it first: archives are not opened"
        if archive
        else f"known: {known}, folders of images, builtin:digits",
    )


# --- where things are ---------------------------------------------------------------------------


def _is_there(loaded: LoadedSpec, roots: Sequence[Path]) -> bool:
    source = loaded.spec.data.source
    if source.startswith(builtin.PREFIX):
        return True
    path = _absolute(loaded, source)
    allowed = data_roots(loaded.source.path, roots)
    return path is None or not is_inside(path, allowed) or path.exists()


def _absolute(loaded: LoadedSpec, text: str) -> Path | None:
    """A path of the spec, relative to the spec's folder, links resolved. None: not a path."""
    try:
        return (loaded.source.path.resolve().parent / text).resolve()
    except (OSError, ValueError, RuntimeError):  # too long, NUL, endless links
        return None


def _locate(
    loaded: LoadedSpec, problems: Findings, which: str, roots: Sequence[Path]
) -> Path | None:
    text = str(getattr(loaded.spec.data, which))
    key = f"data.{which}"
    if which == "source" and text.startswith(builtin.PREFIX):
        return None
    if "://" in text:
        raise problems.stop(
            "E352",
            key,
            f"{quote(text)} is an address",
            "download the data first, then name the file",
        )
    path = _absolute(loaded, text)
    if path is None:
        raise problems.stop("E350", key, f"{quote(text)} is not a path")
    if not is_inside(path, data_roots(loaded.source.path, roots)):
        raise problems.stop(
            "E351",
            key,
            f"{quote(text)} is outside the project folder and every data root",
            "allow its folder with --data-root DIR, or with AUTOMLC_DATA_ROOT",
        )
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise problems.stop(
            "E350", key, f"there is no {quote(text)} (relative to the spec)", _similar(path)
        ) from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise problems.stop("E352", key, f"{quote(text)} is neither a file nor a folder")
    return path


def _similar(path: Path) -> str | None:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return f"there is no folder {quote(path.parent.name)} either"
    close = nearest(path.name, names)
    return f"did you mean {quote(close)}?" if close else None


# --- recorded contracts -------------------------------------------------------------------------


def _recorded(loaded: LoadedSpec, problems: Findings, roots: Sequence[Path]) -> DataContract | None:
    path = _locate(loaded, problems, "contract", roots)
    assert path is not None, "a contract is always a path"
    try:
        if path.stat().st_size > MAX_CONTRACT_BYTES:
            raise ContractError("it is too large")
        return loads(path.read_text(encoding="utf-8"))
    except (ContractError, OSError, UnicodeDecodeError) as error:
        problems.report(
            "E377",
            "data.contract",
            f"{quote(path.name)} is not a recorded data contract: {error}",
            "record it again where the data is",
        )
        return None


def _adopt(request: Request, recorded: DataContract) -> DataContract:
    """A recorded contract in place of the data: what the spec says must still fit it."""
    problems, data = request.problems, request.data
    is_image = isinstance(recorded.input, ImageInput)
    is_text = isinstance(recorded.input, TextInput)
    is_class = isinstance(recorded.target, ClassTarget)
    fits = (is_image, is_text) == (request.is_image, request.is_text)
    if not fits or is_class != request.is_classification:
        problems.report("E378", "task.kind", f"the recorded contract is not of {request.task} data")
        raise problems.stopped()
    target = recorded.storage.details.get("target")
    _agree(problems, "data.source", "source", recorded.source, data.source)
    if target is not None:
        _agree(problems, "data.target", "target", target, data.target)
    if data.classes is not None and isinstance(recorded.target, ClassTarget):
        _agree(problems, "data.classes", "classes", recorded.target.classes, tuple(data.classes))
    split = recorded.storage.details.get("split")
    _agree(problems, "data.split.column", "split column", split, data.split.column)
    _check_columns(request, recorded)
    if isinstance(recorded.input, ImageInput):
        image, size = data.image, (recorded.input.height, recorded.input.width)
        _agree(problems, "data.image.size", "size", size, tuple(image.size or size))
        channels = recorded.input.channels
        _agree(problems, "data.image.channels", "channels", channels, image.channels or channels)
    if isinstance(recorded.input, TextInput):
        _check_text(request, recorded.input)
    for claim in request.claims:
        problems.report(
            "W563",
            claim.key,
            f"the groups of {quote(claim.column)} are not counted: the data is not here, and a"
            " recorded contract does not say them",
            "plan or compile once where the data is",
            span=claim.span,
        )
    rows = rows_after_split(request, recorded.storage, recorded.target)
    return replace(recorded, rows=rows)


def _check_columns(request: Request, recorded: DataContract) -> None:
    if not isinstance(recorded.input, TableInput):
        return
    kinds = {
        **dict.fromkeys(recorded.input.numeric, "number"),
        **{category.name: "category" for category in recorded.input.categorical},
    }
    for name, kind in request.data.columns.items():
        key = ("data", "columns", name)
        _agree(request.problems, key, f"column {quote(name)}", kinds.get(name, "ignore"), kind)


def _check_text(request: Request, recorded: TextInput) -> None:
    problems, data = request.problems, request.data
    named = tuple(name for name, kind in data.columns.items() if kind == "text")
    _agree(problems, "data.columns", "text", recorded.columns, named or recorded.columns)
    _agree(problems, "data.text.tokens", "kind of token", recorded.tokens, data.text.tokens)
    lowercase = data.text.lowercase
    _agree(problems, "data.text.lowercase", "lowercase", recorded.lowercase, lowercase)
    length = min(recorded.length, data.text.length)
    _agree(problems, "data.text.length", "length", recorded.length, length)
    size = min(recorded.vocabulary, data.text.max_tokens)
    _agree(problems, "data.text.max_tokens", "vocabulary", recorded.vocabulary, size)


def _agree(
    problems: Findings, key: str | tuple[str, ...], what: str, recorded: object, now: object
) -> None:
    if recorded != now:
        problems.report(
            "E378",
            key,
            f"the {what} is {quote(now)}, in the recorded contract it is {quote(recorded)}",
            "record the contract again where the data is",
        )


def _compare(problems: Findings, recorded: DataContract, found: DataContract) -> None:
    old, new = recorded.to_json(), found.to_json()
    for part in {"validation", "test"} - set(old["target"]):
        new["target"].pop(part, None)  # recorded by a version that did not count them
    differing = [key for key in sorted(new) if old[key] != new[key] and key != "fingerprint"]
    details = [
        f"{key}.{name}" if isinstance(new[key], dict) else key
        for key in differing
        for name in (sorted(new[key]) if isinstance(new[key], dict) else [""])
        if not isinstance(new[key], dict) or old[key].get(name) != new[key].get(name)
    ]
    if details or old["fingerprint"] != new["fingerprint"]:
        what = show_names(details) if details else "its content (the fingerprint)"
        problems.report(
            "E378",
            "data.contract",
            f"the data differs from the recorded contract in {what}",
            "record the contract again, or bring back the data it was made of",
        )
