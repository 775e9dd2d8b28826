"""npz files: x_train, y_train, x_test, y_test (or x, y). Headers are read, pickles refused.

Labels are loaded; features are not, except that floating point features are streamed once to look
for values that are not finite.
"""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from math import prod
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from automlc.compiler.contracts.base import (
    MAX_ROWS,
    Findings,
    Label,
    Numbers,
    Request,
    class_target,
    numeric_columns,
    plural,
    refuse_settings,
    report_missing,
    rows_after_split,
    show_names,
)
from automlc.compiler.contracts.contract import (
    DataContract,
    ImageInput,
    Input,
    Storage,
    TableInput,
    Target,
)
from automlc.compiler.contracts.duplicates import MAX_ROWS as MAX_COMPARED
from automlc.compiler.contracts.duplicates import Duplicates
from automlc.compiler.contracts.files import sha256_of_file
from automlc.spec.diagnostics import quote
from automlc.spec.record import record
from automlc.spec.suggest import nearest

SUFFIXES = (".npz",)
MAX_LABEL_BYTES = 2**30
MAX_ARRAYS = 10_000
MAX_CHANNELS = 16
_CHUNK = 4 * 2**20
_ROLES = ("train", "validation", "test")
_NAMES = {"train": ("train", ""), "validation": ("validation", "val"), "test": ("test",)}
_KNOWN = {f"{x}_{name}".rstrip("_") for x in "xy" for names in _NAMES.values() for name in names}
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)


@record
class Header:
    """What the header of one array says."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool


@record
class Part:
    """The two arrays of one part."""

    role: str
    features: Header
    labels: Header


def read(request: Request) -> DataContract:
    """Describe an npz file. Raises Stop after reporting what makes a contract impossible."""
    problems = request.problems
    try:
        with zipfile.ZipFile(request.path) as archive:
            return _read(request, archive)
    except _BROKEN as error:
        raise problems.stop(
            "E353",
            "data.source",
            f"{quote(request.source)} is not a readable npz file ({_reason(error)})",
            "write it again with np.savez or np.savez_compressed",
        ) from error


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0][:100] if str(error) else type(error).__name__


def _read(request: Request, archive: zipfile.ZipFile) -> DataContract:
    data = request.data
    settings = {"target": data.target, "split.column": data.split.column}
    refuse_settings(request, settings, "npz files, whose labels are y_train and y_test")
    refuse_settings(request, {"columns": request.is_image and data.columns}, "images")
    headers = _headers(request.problems, archive)
    parts = _parts(request.problems, headers)
    _check_parts(request, parts)
    first = parts[0]
    target, storage = _labels(request, archive, parts, _details(parts))
    inputs = _input(request, archive, parts)
    _note_unused(request, headers, parts)
    if request.problems.has_errors or target is None or inputs is None:
        raise request.problems.stopped()
    axes = {3: "NHW", 4: "NHWC", 2: "NF"}[len(first.features.shape)]
    extra = {"axes": axes}
    if axes == "NF":
        extra["columns"] = str(first.features.shape[1])
    storage = Storage(
        storage.kind, storage.train, storage.validation, storage.test, {**storage.details, **extra}
    )
    duplicates = _duplicates(request, archive, parts)
    if duplicates is not None:
        duplicates.report(request, storage)
    return DataContract(
        source=request.source,
        format="npz",
        fingerprint=sha256_of_file(request.path),
        input=inputs,
        target=target,
        rows=rows_after_split(request, storage, target),
        storage=storage,
    )


def _duplicates(request: Request, archive: zipfile.ZipFile, parts: list[Part]) -> Duplicates | None:
    """The rows of all parts; None where they do not stand one after another."""
    if any(part.features.fortran for part in parts):
        request.problems.note("arrays in Fortran order are not looked through for equal rows")
        return None
    found = Duplicates()
    for part in parts:
        labels = _load(request.problems, archive, part.labels).reshape(-1).tolist()
        found.skipped |= len(labels) > MAX_COMPARED
        size = part.features.dtype.itemsize * prod(part.features.shape[1:])
        with archive.open(f"{part.features.name}.npy") as file:
            _header(file)
            for number, label in enumerate(labels[:MAX_COMPARED]):
                where = f"{part.features.name}[{number}]"
                found.add(part.role, file.read(size), str(label), where)
    return found


def _headers(problems: Findings, archive: zipfile.ZipFile) -> dict[str, Header]:
    members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    if len(members) > MAX_ARRAYS:
        raise problems.stop(
            "E369", "data.source", f"the file holds more than {MAX_ARRAYS:,} arrays"
        )
    headers = {}
    for info in members:
        name = info.filename.removesuffix(".npy")
        with archive.open(info) as file:
            shape, fortran, dtype = _header(file)
        headers[name] = Header(name, shape, dtype, fortran)
    return headers


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"array format {version} is not known")


def _parts(problems: Findings, headers: dict[str, Header]) -> list[Part]:
    parts = []
    for role in _ROLES:
        for name in _NAMES[role]:
            x, y = (f"{letter}_{name}".rstrip("_") for letter in "xy")
            if x in headers or y in headers:
                _require(problems, headers, x)
                _require(problems, headers, y)
                if x in headers and y in headers:
                    parts.append(Part(role, headers[x], headers[y]))
                break
        else:
            if role == "train":
                _require(problems, headers, "x_train")
    if not parts or parts[0].role != "train":
        raise problems.stopped()
    return parts


def _require(problems: Findings, headers: dict[str, Header], name: str) -> None:
    if name in headers:
        return
    close = nearest(name, set(headers) - _KNOWN)
    problems.report(
        "E355",
        "data.source",
        f"the file has no array called {name}; it holds {show_names(sorted(headers)) or 'none'}",
        f"did you mean {quote(close)}? rename it to {name}"
        if close
        else "name the arrays x_train, y_train, x_test, y_test (or x, y)",
    )


def _check_parts(request: Request, parts: list[Part]) -> None:
    problems, first = request.problems, parts[0]
    before = problems.errors
    for part in parts:
        for header in (part.features, part.labels):
            if header.dtype.hasobject:
                problems.report(
                    "E356",
                    "data.source",
                    f"{header.name} holds Python objects, which only unpickling can read",
                    "save plain numbers or text: np.asarray(values, dtype=...)",
                )
        _check_features(request, part.features)
        _check_labels(request, part.labels)
        rows = [h.shape[0] if h.shape else 0 for h in (part.features, part.labels)]
        if rows[0] != rows[1]:
            problems.report(
                "E359",
                "data.source",
                f"{part.features.name} has {rows[0]:,} rows, {part.labels.name} has {rows[1]:,}",
            )
        elif rows[0] == 0:
            problems.report("E367", "data.source", f"{part.features.name} has no rows")
        elif rows[0] > MAX_ROWS:
            problems.report(
                "E369", "data.source", f"{part.features.name} has more than {MAX_ROWS:,} rows"
            )
        if part.features.shape[1:] != first.features.shape[1:]:
            problems.report(
                "E358",
                "data.source",
                f"{part.features.name} has shape {part.features.shape},"
                f" {first.features.name} has shape {first.features.shape}",
                "all parts must agree in everything but the number of rows",
            )
        if part.features.dtype != first.features.dtype:
            problems.report(
                "E357",
                "data.source",
                f"{part.features.name} is {part.features.dtype},"
                f" {first.features.name} is {first.features.dtype}",
            )
    if problems.errors > before:
        raise problems.stopped()


def _check_features(request: Request, header: Header) -> None:
    problems, name, dtype, shape = request.problems, header.name, header.dtype, header.shape
    if dtype.hasobject:
        return
    is_float = dtype.kind == "f" and dtype.itemsize <= 8
    fits = is_float or (dtype == np.uint8 if request.is_image else dtype.kind in "iub")
    if len(shape) in (3, 4) and not request.is_image:
        problems.report(
            "E376",
            "task.kind",
            f"{name} has shape {shape}, which is images; {request.task} needs"
            " a table [rows, columns]",
            f"write `kind: {request.task.replace('tabular', 'image')}`",
        )
    elif len(shape) == 2 and request.is_image:
        problems.report(
            "E376",
            "task.kind",
            f"{name} has shape {shape}, which is a table; {request.task} needs images"
            " [rows, height, width] or [rows, height, width, channels]",
            f"write `kind: {request.task.replace('image', 'tabular')}` or reshape the array",
        )
    elif len(shape) not in (2, 3, 4):
        problems.report(
            "E358",
            "data.source",
            f"{name} has shape {shape}; expected [rows, height, width],"
            " [rows, height, width, channels] or [rows, columns]",
        )
    elif not fits:
        wanted = "uint8 or floating point" if request.is_image else "whole or floating point"
        problems.report("E357", "data.source", f"{name} holds {dtype}; expected {wanted} numbers")
    elif prod(shape[1:]) == 0:
        problems.report("E367", "data.source", f"{name} has shape {shape}: no values in a row")
    elif len(shape) == 4 and shape[3] > 4 >= shape[1]:
        problems.report(
            "E358",
            "data.source",
            f"{name} has shape {shape}: the channels come before height and width",
            f"store them last: {name}.transpose(0, 2, 3, 1)",
        )
    elif len(shape) == 4 and shape[3] > MAX_CHANNELS:
        problems.report(
            "E358", "data.source", f"{name} has {shape[3]:,} channels; at most {MAX_CHANNELS}"
        )


def _check_labels(request: Request, header: Header) -> None:
    name, dtype, shape = header.name, header.dtype, header.shape
    if dtype.hasobject:
        return
    if len(shape) != 1 and not (len(shape) == 2 and shape[1] == 1):
        request.problems.report(
            "E358",
            "data.source",
            f"{name} has shape {shape}; expected one label a row, [rows]",
            f"if the labels are one-hot: {name}.argmax(axis=1)" if len(shape) == 2 else None,
        )
    kinds = "iubU" if request.is_classification else "iuf"
    if dtype.kind not in kinds or (dtype.kind == "f" and dtype.itemsize > 8):
        hint = None
        if request.is_classification and dtype.kind == "f":
            hint = f"store classes as {name}.astype(int), or write a regression task"
        elif request.is_classification and dtype.kind == "S":
            hint = f"store text as {name}.astype(str)"
        request.problems.report(
            "E357" if dtype.kind not in "f" else "E376",
            "data.source" if dtype.kind not in "f" else "task.kind",
            f"{name} holds {dtype}; {request.task} needs "
            + ("whole numbers or text" if request.is_classification else "numbers"),
            hint,
        )


def _details(parts: list[Part]) -> dict[str, str]:
    details = {}
    for part in parts:
        prefix = "" if part.role == "train" else f"{part.role}_"
        details[f"{prefix}features"] = part.features.name
        details[f"{prefix}labels"] = part.labels.name
    return details


def _labels(
    request: Request, archive: zipfile.ZipFile, parts: list[Part], details: dict[str, str]
) -> tuple[Target | None, Storage]:
    rows: dict[str, int | None] = dict.fromkeys(_ROLES)
    numbers, counts = Numbers(), Counter[Label]()
    held: dict[str, Counter[Label]] = {}
    for part in parts:
        rows[part.role] = part.labels.shape[0]
        values = _load(request.problems, archive, part.labels)
        if not request.is_classification:
            _check_finite_labels(request.problems, part.labels.name, values)
            if part.role != "test":
                numbers.add(values[np.isfinite(values)].astype(float).tolist())
        else:
            unique, times = np.unique(values, return_counts=True)
            rows_of = counts if part.role == "train" else held.setdefault(part.role, Counter())
            rows_of.update(dict(zip(map(_label, unique.tolist()), times.tolist(), strict=True)))
    storage = Storage("npz", parts[0].labels.shape[0], rows["validation"], rows["test"], details)
    if not request.is_classification:
        return numbers.target(), storage
    return class_target(request, counts, held, where=parts[0].labels.name), storage


def _label(value: str | int) -> Label:
    return value if isinstance(value, str) else int(value)  # int: a bool becomes 0 or 1


def _load(problems: Findings, archive: zipfile.ZipFile, header: Header) -> npt.NDArray[Any]:
    size = prod(header.shape) * header.dtype.itemsize
    info = archive.getinfo(f"{header.name}.npy")
    if size > MAX_LABEL_BYTES:
        raise problems.stop(
            "E369", "data.source", f"{header.name} takes {size:,} bytes; labels may take 1 GiB"
        )
    if info.file_size < size:
        raise ValueError(f"{header.name} is shorter than its header says")
    with archive.open(info) as file:
        values: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return values.reshape(-1)


def _check_finite_labels(problems: Findings, name: str, values: npt.NDArray[Any]) -> None:
    if values.dtype.kind != "f":
        return
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        row = int(bad[0])
        problems.report(
            "E361",
            "data.source",
            f"{name}[{row}] is {values[row]}: {_count(len(bad), 'target')} not finite",
            "take these rows out; a target cannot be filled in",
        )


def _count(count: int, noun: str) -> str:
    return f"1 {noun} is" if count == 1 else f"{count:,} {noun}s are"


def _input(request: Request, archive: zipfile.ZipFile, parts: list[Part]) -> Input | None:
    first = parts[0].features
    missing: Counter[int] = Counter()
    for part in parts:
        missing.update(_scan(request, archive, part.features))
    if request.is_image:
        return _image_input(request, first)
    names = tuple(f"x{i}" for i in range(first.shape[1]))
    used = numeric_columns(request, names)
    absent = {names[i]: count for i, count in sorted(missing.items()) if names[i] in used}
    report_missing(request, absent, "number")
    return TableInput(numeric=used, missing=absent)


def _image_input(request: Request, header: Header) -> ImageInput:
    height, width, channels = (*header.shape[1:3], (*header.shape, 1)[3])
    image, problems = request.data.image, request.problems
    if image.size is not None and tuple(image.size) != (height, width):
        problems.report(
            "E374",
            "data.image.size",
            f"the images are {height} x {width}, data.image.size says"
            f" {image.size[0]} x {image.size[1]}; arrays are not resized",
            f"write `size: [{height}, {width}]` or leave it out",
        )
    if image.channels is not None and image.channels != channels:
        problems.report(
            "E374",
            "data.image.channels",
            f"the images have {channels} channels, data.image.channels says {image.channels}",
            "leave it out: arrays are taken as they are",
        )
    if height * width > image.max_pixels:
        problems.report(
            "E373",
            "data.source",
            f"images of {height} x {width} pixels are more than"
            f" data.image.max_pixels = {image.max_pixels:,}",
        )
    dtype = "uint8" if header.dtype == np.uint8 else "float32"
    return ImageInput(height, width, channels, "uint8" if dtype == "uint8" else "float32")


def _scan(request: Request, archive: zipfile.ZipFile, header: Header) -> Counter[int]:
    """Missing values by column; reports values that are not finite (NaN in a table is missing)."""
    missing: Counter[int] = Counter()
    if header.dtype.kind != "f":
        return missing
    rows, row_size = header.shape[0], prod(header.shape[1:])
    bad, first = 0, -1
    for start, values in _values(archive, header):
        places = start + np.flatnonzero(~np.isfinite(values))
        if not request.is_image and len(places):
            is_nan = np.isnan(values[places - start])
            columns = places[is_nan] // rows if header.fortran else places[is_nan] % row_size
            missing.update(columns.tolist())
            places = places[~is_nan]
        if len(places):
            bad += len(places)
            place = int(places[0])
            first = (place % rows if header.fortran else place // row_size) if first < 0 else first
    if bad:
        kind = "NaN or infinite" if request.is_image else "infinite"
        request.problems.report(
            "E360",
            "data.source",
            f"{header.name}[{first}] holds a value that is {kind} ({plural(bad, 'such value')})",
        )
    return missing


def _values(
    archive: zipfile.ZipFile, header: Header
) -> Iterator[tuple[int, npt.NDArray[np.floating[Any]]]]:
    """All values of an array in file order, a few MiB at a time, with the place of the first."""
    left, start = prod(header.shape), 0
    with archive.open(f"{header.name}.npy") as file:
        _header(file)
        while left:
            count = min(left, _CHUNK // header.dtype.itemsize)
            data = file.read(count * header.dtype.itemsize)
            if len(data) < count * header.dtype.itemsize:
                raise ValueError(f"{header.name} is shorter than its header says")
            yield start, np.frombuffer(data, dtype=header.dtype)
            start, left = start + count, left - count


def _note_unused(request: Request, headers: dict[str, Header], parts: list[Part]) -> None:
    used = {header.name for part in parts for header in (part.features, part.labels)}
    unused = sorted(set(headers) - used)
    if unused:
        request.problems.note(f"arrays of {request.source} that are not used: {', '.join(unused)}")
