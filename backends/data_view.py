"""What the shared template of data.py prints: the data contract, flat and ready.

All words of the data (names of columns, classes, values) are in `constants`, made of literals.
"""

from __future__ import annotations

from automlc.backends.literals import assignment, literal
from automlc.compiler.contracts.base import fractions_for
from automlc.compiler.contracts.builtin import BUILTINS
from automlc.compiler.contracts.columns import MISSING
from automlc.compiler.contracts.contract import (
    ClassTarget,
    DataContract,
    ImageInput,
    Input,
    TableInput,
    TextInput,
)
from automlc.compiler.contracts.image_folder import EXTENSIONS, FORMATS
from automlc.spec.model import Data

TEMPLATE = "data.py.jinja"
PILLOW_LIMIT = 89_478_485  # Image.MAX_IMAGE_PIXELS: above it Image.open warns, then refuses
_LOADERS = {
    "breast_cancer": "load_breast_cancer",
    "diabetes": "load_diabetes",
    "digits": "load_digits",
}
_PARTS = ("train", "validation", "test")
_CODES = {"train": 0, "validation": 1, "test": 2}


def data_view(
    contract: DataContract, data: Data, seed: int, source: str | None, arrays: str
) -> dict[str, object]:
    """The variables of data.py.jinja.

    `arrays` is what rows become: "torch" tensors with channels first, or "numpy" arrays with
    channels last.

    `source` is the path of the data relative to the project's folder, posix; None for builtin
    data. `seed` is that of the spec, used where data.split.seed is not given.
    """
    storage, inputs = contract.storage, contract.input
    is_class = isinstance(contract.target, ClassTarget)
    fractions = fractions_for(data, storage)
    divides = fractions.parts > 1
    own_test = storage.test is not None
    view: dict[str, object] = {
        "kind": storage.kind,
        "has_file": storage.kind != "builtin",
        "is_class": is_class,
        "is_image": isinstance(inputs, ImageInput),
        "is_text": isinstance(inputs, TextInput),
        "is_columns": storage.kind in ("csv", "parquet"),
        "divides": divides,
        "stratify": is_class and data.split.stratify is not False,
        "own_validation": storage.validation is not None,
        "own_test": own_test,
        "has_test": own_test or fractions.test > 0,
        "fills": _fills(inputs),
        "large_images": storage.kind == "image_folder" and data.image.max_pixels > PILLOW_LIMIT,
        "filling": data.missing.number if data.missing.number == "mean" else "median",
        "label_text": storage.kind in ("csv", "parquet", "image_folder"),
        "torch": arrays == "torch",
        "array": "torch.Tensor" if arrays == "torch" else "np.ndarray",
        **_shape(inputs, arrays == "torch"),
        **_reading(contract),
        "y_words": "the class, int64 [N]" if is_class else "the target, float32 [N, 1]",
    }
    split_seed = seed if divides else None
    lines = _constants(contract, data, split_seed, source, arrays == "torch")
    view["constants"] = "\n".join(lines)
    return view


def texts_view(contract: DataContract) -> dict[str, object]:
    """The variables of texts.py.jinja; only for texts."""
    inputs = contract.input
    assert isinstance(inputs, TextInput), "emitter author: texts.py is for texts"
    lines = [
        assignment("COLUMNS", inputs.columns, "that hold the text, in this order"),
        assignment("LENGTH", inputs.length, "tokens of a text that are kept"),
        assignment("SIZE", inputs.vocabulary, "ids, with those of padding and unknown"),
    ]
    return {
        "constants": "\n".join(lines),
        "words": inputs.tokens == "word",
        "lowercase": inputs.lowercase,
        "length": inputs.length,
        "delimiter": contract.storage.details.get("delimiter", ","),
    }


def requirements(contract: DataContract) -> tuple[str, ...]:
    """Packages that data.py imports besides numpy and a framework."""
    needed = {
        "builtin": "scikit-learn>=1.6",
        "image_folder": "pillow>=11",
        "parquet": "pyarrow>=18",
    }
    package = needed.get(contract.storage.kind)
    return (package,) if package else ()


def _fills(inputs: Input) -> bool:
    """Whether numbers are missing anywhere in the data."""
    return isinstance(inputs, TableInput) and any(name in inputs.missing for name in inputs.numeric)


def _axes(inputs: ImageInput, channels_first: bool) -> tuple[int, int, int]:
    c, h, w = inputs.channels, inputs.height, inputs.width
    return (c, h, w) if channels_first else (h, w, c)


def _shape(inputs: Input, channels_first: bool) -> dict[str, object]:
    if isinstance(inputs, ImageInput):
        axes = ", ".join(str(size) for size in _axes(inputs, channels_first))
        return {
            "x_words": f"{inputs.dtype} [N, {axes}]",
            "with_channel": "x[:, np.newaxis]" if channels_first else "x[..., np.newaxis]",
            "size_words": "INPUT[2], INPUT[1]" if channels_first else "INPUT[1], INPUT[0]",
            "channels": inputs.channels,
            "height": inputs.height,
            "width": inputs.width,
            "mode": "L" if inputs.channels == 1 else "RGB",
            "is_float": inputs.dtype == "float32",
        }
    if isinstance(inputs, TextInput):
        return {"x_words": f"token ids, int32 [N, {inputs.length}]"}
    return {
        "x_words": f"float32 [N, {inputs.width}]",
        "columns": inputs.width,
        "numeric": len(inputs.numeric),
        "has_categories": bool(inputs.categorical),
    }


def _reading(contract: DataContract) -> dict[str, object]:
    """How the parts are asked for, by kind of storage."""
    storage, details = contract.storage, contract.storage.details
    if storage.kind == "builtin":
        return {
            "loader": _LOADERS[details["name"]],
            "read_train": "",
            "selects": _selected(contract) is not None,
        }
    if storage.kind == "npz":
        names = {part: literal(part) for part in _PARTS}
        selects = _selected(contract) is not None
        return {"axes": details["axes"], "selects": selects, **_asked(names)}
    if storage.kind == "image_folder":
        return _asked({part: literal(details.get(part, ".")) for part in _PARTS})
    return {
        "gzip": details.get("compression") == "gzip",
        "delimiter": details.get("delimiter", ","),
        "has_split": "split" in details,
        "fixed": 2 if "split" in details else 1,
        "number": "number" if _fills(contract.input) else "float",
    }


def _asked(names: dict[str, str]) -> dict[str, object]:
    """How the template names the parts when it reads them; `names` are literals."""
    return {
        "train_part": names["train"],
        "validation_part": names["validation"],
        "test_part": names["test"],
        "read_train": f"source, {names['train']}",
    }


def _constants(
    contract: DataContract, data: Data, seed: int | None, source: str | None, channels_first: bool
) -> list[str]:
    """The assignments at the top of the file."""
    lines = []
    if contract.storage.kind != "builtin":
        assert source is not None, "emitter author: a file has a path"
        lines.append(assignment("SOURCE", source, "seen from this folder"))
    else:
        lines.append(assignment("SOURCE", None, "inside scikit-learn"))
    lines += _input_constants(contract, channels_first)
    if isinstance(contract.target, ClassTarget):
        lines.append(assignment("CLASSES", contract.target.classes))
    lines += _storage_constants(contract, data)
    if seed is not None:
        fractions = fractions_for(data, contract.storage)
        own_seed = data.split.seed if data.split.seed is not None else seed
        lines.append(assignment("VALIDATION_FRACTION", fractions.validation))
        lines.append(assignment("TEST_FRACTION", fractions.test))
        lines.append(assignment("SPLIT_SEED", own_seed))
    return lines


def _input_constants(contract: DataContract, channels_first: bool) -> list[str]:
    inputs = contract.input
    if isinstance(inputs, ImageInput):
        words = "channels, height, width" if channels_first else "height, width, channels"
        return [assignment("INPUT", _axes(inputs, channels_first), words)]
    if isinstance(inputs, TextInput):
        return []  # texts.py holds them
    return [assignment("INPUT", (inputs.width,), "columns")]


def _storage_constants(contract: DataContract, data: Data) -> list[str]:
    kind, details = contract.storage.kind, contract.storage.details
    lines = []
    if kind in ("csv", "parquet"):
        lines += _column_constants(contract)
    if kind == "csv" and _fills(contract.input):
        lines.append(assignment("MISSING", tuple(sorted(MISSING)), "in a column of numbers"))
    if kind == "npz":
        lines.append(assignment("ARRAYS", _arrays(details), "features and labels of each part"))
    if kind == "image_folder":
        lines.append(assignment("EXTENSIONS", EXTENSIONS))
        lines.append(assignment("FORMATS", FORMATS, "no other decoder is used"))
        lines.append(assignment("MAX_PIXELS", data.image.max_pixels))
    selected = _selected(contract)
    if selected is not None:
        lines.append(assignment("COLUMNS", selected, "places of the columns that are used"))
    return lines


def _column_constants(contract: DataContract) -> list[str]:
    inputs, details = contract.input, contract.storage.details
    fixed = (details["target"], *([details["split"]] if "split" in details else []))
    first = "the target, the part" if "split" in details else "the target"
    if isinstance(inputs, TextInput):
        lines = [assignment("COLUMNS", (*fixed, *inputs.columns), f"{first}, texts")]
    else:
        assert isinstance(inputs, TableInput), "a file of columns is a table"
        names = tuple(category.name for category in inputs.categorical)
        lines = [assignment("NUMERIC", inputs.numeric)]
        lines.append(assignment("TEXTS", (*fixed, *names), f"{first}, categories"))
        if inputs.categorical:
            values = {category.name: category.values for category in inputs.categorical}
            lines.append(assignment("CATEGORIES", values))
    if "split" in details:
        words = {
            details[f"split_{part}"]: code
            for part, code in _CODES.items()
            if f"split_{part}" in details
        }
        lines.append(assignment("PARTS", words, "TRAIN, VALIDATE or TEST"))
    return lines


def _arrays(details: object) -> dict[str, tuple[str, str]]:
    assert isinstance(details, dict), "details are a dict"
    arrays = {}
    for part in _PARTS:
        prefix = "" if part == "train" else f"{part}_"
        if f"{prefix}features" in details:
            arrays[part] = (details[f"{prefix}features"], details[f"{prefix}labels"])
    return arrays


def _selected(contract: DataContract) -> tuple[int, ...] | None:
    """Places of the columns of a table of numbers; None if all are used."""
    inputs, details = contract.input, contract.storage.details
    if not isinstance(inputs, TableInput) or contract.storage.kind not in ("npz", "builtin"):
        return None
    if contract.storage.kind == "npz":
        names = tuple(f"x{i}" for i in range(int(details["columns"])))
    else:
        recorded = BUILTINS[details["name"]].input
        assert isinstance(recorded, TableInput), "digits is not a table"
        names = recorded.numeric
    return None if inputs.numeric == names else tuple(names.index(n) for n in inputs.numeric)
