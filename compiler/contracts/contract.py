"""The data contract: what the compiler knows of a data set without holding it.

A contract is small, pure data with a JSON form ("automlc.contract/1"). It is made by
`automlc.compiler.contracts.read`, or recorded once and read back where the data is not (CI).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal, cast

from automlc.spec.record import record

SCHEMA = "automlc.contract/1"

Format = Literal["builtin", "npz", "table", "image_folder"]
StorageKind = Literal["builtin", "npz", "csv", "parquet", "image_folder"]
Dtype = Literal["uint8", "float32"]
Tokens = Literal["word", "character"]


class ContractError(ValueError):
    """A JSON value is not a data contract; the message says which field."""


@record
class Category:
    """One categorical column. Code 0 means missing or unknown, code i + 1 means `values[i]`."""

    name: str
    values: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of codes, the unknown one included: the rows of an embedding table."""
        return len(self.values) + 1


@record
class ImageInput:
    """Images as data.py hands them out: [N, channels, height, width]."""

    height: int
    width: int
    channels: int
    dtype: Dtype = "uint8"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return (self.channels, self.height, self.width)


@record
class TableInput:
    """Rows as data.py hands them out: float32 [N, numeric + categorical], numeric columns first.

    `missing` counts the missing cells of each column that has some.
    """

    numeric: tuple[str, ...]
    categorical: tuple[Category, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Number of columns of the tensor."""
        return len(self.numeric) + len(self.categorical)


@record
class TextInput:
    """Texts as data.py hands them out: int32 [N, length], token ids below `vocabulary`.

    Id 0 is padding (at the end only), 1 a token that the training rows do not have often enough.
    Cells of several columns are joined by line breaks. `length` is that of the longest text and
    `vocabulary` the number of distinct tokens plus 2, both at most what `data.text` allows, over
    the rows that `ClassTarget.counts` would count; so neither depends on a seed, and a training
    part may use fewer ids.
    """

    columns: tuple[str, ...]
    length: int
    vocabulary: int
    tokens: Tokens = "word"
    lowercase: bool = True


@record
class ClassTarget:
    """Class labels in the order of their indices.

    `counts` are the rows of each class that are not in a test part of the source's own,
    before any split by ratio; so they do not depend on a seed. `validation` and `test` are the rows
    of each class in parts of the source's own; None where it has no such part, or where a contract
    was recorded by a version that did not count them.
    """

    classes: tuple[str | int, ...]
    counts: tuple[int, ...]
    validation: tuple[int, ...] | None = None
    test: tuple[int, ...] | None = None


@record
class NumberTarget:
    """A number to predict; the figures are over the rows that `ClassTarget.counts` would count.

    They are for people and for checks. Training takes its own figures from the training part.
    """

    minimum: float
    maximum: float
    mean: float


@record
class Rows:
    """Rows of each part after the split rule (automlc.compiler.contracts.split)."""

    train: int
    validation: int
    test: int


@record
class Storage:
    """How the source lies on disk: what the emitted data.py must know to read it.

    `train`, `validation`, `test` are the rows of the parts the source has of its own; a source
    without parts has all its rows in `train` and None elsewhere. `details` holds, by kind:
      npz           features, labels, validation_features, validation_labels, test_features,
                    test_labels (names of arrays), axes ("NHW", "NHWC" or "NF"),
                    columns (number of columns of a table of numbers)
      csv           delimiter ("," ";" or tab), compression ("gzip", else absent), target, and with
                    a split column: split (its name), split_train, split_validation, split_test
                    (the word in the column for each part that occurs)
      parquet       target, split, split_train, split_validation, split_test
      image_folder  train, validation, test (names of the folders; absent without parts)
      builtin       name
    """

    kind: StorageKind
    train: int
    validation: int | None = None
    test: int | None = None
    details: Mapping[str, str] = field(default_factory=dict)


Input = ImageInput | TableInput | TextInput
Target = ClassTarget | NumberTarget


@record
class DataContract:
    """Everything that the compiler and the emitter may know of the data.

    `source` is as written in the spec; `fingerprint` is "sha256:<hex>" over the content.
    """

    source: str
    format: Format
    fingerprint: str
    input: Input
    target: Target
    rows: Rows
    storage: Storage

    def to_json(self) -> dict[str, Any]:
        """The contract as plain JSON data; `from_json` is its inverse."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "format": self.format,
            "fingerprint": self.fingerprint,
            "input": _input_to_json(self.input),
            "target": _target_to_json(self.target),
            "rows": _fields(self.rows),
            "storage": {**_fields(self.storage), "details": dict(self.storage.details)},
        }

    @staticmethod
    def from_json(value: object) -> DataContract:
        """Read back what `to_json` wrote. Raises ContractError for anything else."""
        data = _mapping(value, "contract")
        if data.get("schema") != SCHEMA:
            raise ContractError(f'"schema" must be "{SCHEMA}", got {data.get("schema")!r}')
        return _check_storage(
            DataContract(
                source=_text(data, "source"),
                format=cast(Format, _one_of(data, "format", _FORMATS)),
                fingerprint=_text(data, "fingerprint"),
                input=_input_from_json(_mapping(data.get("input"), "input")),
                target=_target_from_json(_mapping(data.get("target"), "target")),
                rows=_rows_from_json(_mapping(data.get("rows"), "rows")),
                storage=_storage_from_json(_mapping(data.get("storage"), "storage")),
            )
        )

    def dumps(self) -> str:
        """The text of a recorded contract file: sorted, ASCII, ends with a newline."""
        return json.dumps(self.to_json(), indent=2, sort_keys=True, allow_nan=False) + "\n"


def loads(text: str) -> DataContract:
    """Parse the text of a recorded contract. Raises ContractError."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"not JSON: {error}") from error
    return DataContract.from_json(value)


_FORMATS = ("builtin", "npz", "table", "image_folder")
_KINDS = ("builtin", "npz", "csv", "parquet", "image_folder")
_LIMIT = 1_000_000  # entries of one list in a recorded contract


def _fields(value: object) -> dict[str, Any]:
    return dict(vars(value))


def _input_to_json(value: Input) -> dict[str, Any]:
    if isinstance(value, ImageInput):
        return {"kind": "image", **_fields(value)}
    if isinstance(value, TextInput):
        return {"kind": "text", **_fields(value), "columns": list(value.columns)}
    return {
        "kind": "table",
        "numeric": list(value.numeric),
        "categorical": [{"name": c.name, "values": list(c.values)} for c in value.categorical],
        "missing": dict(value.missing),
    }


def _target_to_json(value: Target) -> dict[str, Any]:
    if isinstance(value, ClassTarget):
        found = {name: rows for name, rows in vars(value).items() if rows is not None}
        return {"kind": "class", **{name: list(rows) for name, rows in found.items()}}
    return {"kind": "number", **_fields(value)}


def _input_from_json(data: Mapping[str, Any]) -> Input:
    kind = _one_of(data, "kind", ("image", "table", "text"))
    if kind == "text":
        return _text_input(data)
    if kind == "image":
        return ImageInput(
            height=_count(data, "height", least=1),
            width=_count(data, "width", least=1),
            channels=_count(data, "channels", least=1),
            dtype=cast(Dtype, _one_of(data, "dtype", ("uint8", "float32"))),
        )
    missing = _mapping(data.get("missing", {}), "missing")
    return TableInput(
        numeric=_list(data, "numeric", _is_text),
        categorical=tuple(_category(item) for item in _list(data, "categorical", _is_mapping)),
        missing={name: _count(missing, name) for name in sorted(missing)},
    )


def _text_input(data: Mapping[str, Any]) -> TextInput:
    columns = _list(data, "columns", _is_text)
    if not columns or not isinstance(data.get("lowercase"), bool):
        raise ContractError('a text input has "columns", and "lowercase" is true or false')
    return TextInput(
        columns=columns,
        length=_count(data, "length", least=1),
        vocabulary=_count(data, "vocabulary", least=3),
        tokens=cast(Tokens, _one_of(data, "tokens", ("word", "character"))),
        lowercase=data["lowercase"],
    )


def _category(data: Mapping[str, Any]) -> Category:
    return Category(name=_text(data, "name"), values=_list(data, "values", _is_text))


def _target_from_json(data: Mapping[str, Any]) -> Target:
    if _one_of(data, "kind", ("class", "number")) == "class":
        classes = _list(data, "classes", _is_label)
        counts = _list(data, "counts", _is_count)
        held = {n: _list(data, n, _is_count) for n in ("validation", "test") if n in data}
        lengths = {len(rows) for rows in (counts, *held.values())}
        if lengths != {len(classes)} or len(set(classes)) != len(classes):
            raise ContractError('"classes" must be distinct and have one entry in "counts" each')
        return ClassTarget(classes, counts, held.get("validation"), held.get("test"))
    return NumberTarget(*(_number(data, key) for key in ("minimum", "maximum", "mean")))


def _rows_from_json(data: Mapping[str, Any]) -> Rows:
    return Rows(*(_count(data, key) for key in ("train", "validation", "test")))


def _check_storage(contract: DataContract) -> DataContract:
    """A recorded contract may come from anyone: no word of it may lead out of the data's folder."""
    kind, details = contract.storage.kind, contract.storage.details
    expected = "table" if kind in ("csv", "parquet") else kind
    if contract.format != expected:
        raise ContractError(f'"format" must be {expected} for storage of the kind {kind}')
    if isinstance(contract.input, TextInput) and kind not in ("csv", "parquet"):
        raise ContractError('"input" does not fit "storage"')
    is_table = isinstance(contract.input, TableInput | TextInput)
    holds_table = kind in ("csv", "parquet") or details.get("axes") == "NF"
    if is_table != holds_table and kind != "builtin":
        raise ContractError('"input" does not fit "storage"')
    for key, value in details.items():
        if key not in _DETAILS[kind]:
            raise ContractError(f'"details" of {kind} have no key {key!r}')
        if kind in ("npz", "image_folder", "builtin") and not _WORD.fullmatch(value):
            raise ContractError(f'"{key}" must be a plain word')
    absent = [key for key in _NEEDED[kind] if key not in details]
    if absent or (kind == "csv" and details["delimiter"] not in _DELIMITERS):
        raise ContractError(f'"details" of {kind} need {", ".join(_NEEDED[kind])}')
    if kind == "npz" and details["axes"] not in ("NHW", "NHWC", "NF"):
        raise ContractError('"axes" must be NHW, NHWC or NF')
    if details.get("axes") == "NF" and not details.get("columns", "").isdigit():
        raise ContractError('"columns" must be a number')
    if kind == "image_folder" and isinstance(contract.target, ClassTarget):
        for label in contract.target.classes:
            if not str(label) or str(label).startswith(".") or set(str(label)) & set("/\\\0"):
                raise ContractError(f"{label!r} is no name of a folder")
    return contract


_PART_ARRAYS = ("validation_features", "validation_labels", "test_features", "test_labels")
_SPLITS = ("target", "split", "split_train", "split_validation", "split_test")
_DETAILS: dict[str, tuple[str, ...]] = {
    "builtin": ("name",),
    "npz": ("features", "labels", *_PART_ARRAYS, "axes", "columns"),
    "csv": ("delimiter", "compression", *_SPLITS),
    "parquet": _SPLITS,
    "image_folder": ("train", "validation", "test"),
}
_NEEDED: dict[str, tuple[str, ...]] = {
    "builtin": ("name",),
    "npz": ("features", "labels", "axes"),
    "csv": ("delimiter", "target"),
    "parquet": ("target",),
    "image_folder": (),
}
_DELIMITERS = (",", ";", "\t")
_WORD = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


def _storage_from_json(data: Mapping[str, Any]) -> Storage:
    details = _mapping(data.get("details", {}), "details")
    return Storage(
        kind=cast(StorageKind, _one_of(data, "kind", _KINDS)),
        train=_count(data, "train"),
        validation=_optional_count(data, "validation"),
        test=_optional_count(data, "test"),
        details={key: _text(details, key) for key in sorted(details)},
    )


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ContractError(f'"{name}" must be a mapping')
    return value


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise ContractError(f'"{key}" must be text')
    return value


def _one_of(data: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    value = data.get(key)
    if value not in allowed:
        raise ContractError(f'"{key}" must be one of {", ".join(allowed)}, got {value!r}')
    return cast(str, value)


def _count(data: Mapping[str, Any], key: str, *, least: int = 0) -> int:
    value = data.get(key)
    if not _is_count(value) or cast(int, value) < least:
        raise ContractError(f'"{key}" must be a whole number of at least {least}')
    return cast(int, value)


def _optional_count(data: Mapping[str, Any], key: str) -> int | None:
    return None if data.get(key) is None else _count(data, key)


def _number(data: Mapping[str, Any], key: str) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ContractError(f'"{key}" must be a number')
    return float(value)


def _list(data: Mapping[str, Any], key: str, fits: Callable[[object], bool]) -> tuple[Any, ...]:
    value = data.get(key)
    if not isinstance(value, list) or len(value) > _LIMIT or not all(fits(v) for v in value):
        raise ContractError(f'"{key}" is not the list that a contract has there')
    return tuple(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_label(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
