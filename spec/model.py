"""The sections of a spec and their defaults, as frozen types.

Keys that are missing take the defaults written here. What needs other machinery than types is
read by spec/load.py before these models see it: parameters, conditions and constraints arrive
parsed, `space.model` and `space.blocks` stay nodes.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from automlc.spec.declarations import ParameterDecl
from automlc.spec.expressions import Expr
from automlc.spec.identifiers import is_device_name
from automlc.spec.rules import Rule
from automlc.spec.units import UnitError, parse_duration, parse_percent, parse_size
from automlc.spec.yaml_nodes import MappingNode, SequenceNode


def problem(
    code: str, message: str, hint: str | None = None, instead: str | None = None
) -> PydanticCustomError:
    """An error of a validator that keeps our code and hint, and the text that would be right;
    spec/load.py gives it a place."""
    context = {"code": code, "message": message, "hint": hint or "", "instead": instead or ""}
    return PydanticCustomError("automlc", "{message}", context)


class _Opaque:
    """A value that was parsed before: not looked into, but described in the JSON Schema."""

    def __init__(self, schema: dict[str, Any]):
        self.schema = schema

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self.schema


class _Quantity:
    """A number written with a unit: read by `read`, described by a pattern in the JSON Schema."""

    def __init__(self, read: Any, schema: dict[str, Any]):
        self.read, self.schema = read, schema

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self.schema


def _with_unit(parse: Any, what: str, example: str) -> Any:
    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise problem(
                "E206", f"{what} is expected", f"write it with its unit, such as {example}"
            )
        try:
            result = parse(str(value))
        except UnitError as error:
            raise problem("E206", error.message, error.hint, error.instead) from None
        if result <= 0:
            raise problem("E205", f"{what} must be above 0", f"such as {example}")
        return result

    return read


def _read_fraction(value: object) -> object:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return parse_percent(value)
        except UnitError as error:
            raise problem("E206", error.message, error.hint, error.instead) from None
    return value


_NUMBER = r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
Size: TypeAlias = Annotated[
    int,
    _Quantity(
        _with_unit(parse_size, "a size", "4GB"),
        {
            "type": "string",
            "pattern": rf"^{_NUMBER}\s*([kKMGT]i?)?B$",
            "examples": ["4GB", "512MiB"],
        },
    ),
]
Duration: TypeAlias = Annotated[
    float,
    _Quantity(
        _with_unit(parse_duration, "a duration", "10min"),
        {"type": "string", "pattern": rf"^{_NUMBER}\s*(us|ms|s|min|m|h|d)$", "examples": ["2h"]},
    ),
]
Fraction: TypeAlias = Annotated[float, BeforeValidator(_read_fraction)]

# pydantic resolves every $ref itself, so spec/schema.py puts them in for these marks.
EXPRESSION_SCHEMA: dict[str, Any] = {"$comment": "Expression"}
PARAMETER_SCHEMA: dict[str, Any] = {"$comment": "Parameter"}
RULE_SCHEMA: dict[str, Any] = {"$comment": "Rule"}
BLOCKS_SCHEMA: dict[str, Any] = {"type": "array", "items": {"type": ["object", "string"]}}
Expression: TypeAlias = Annotated[Expr, _Opaque(EXPRESSION_SCHEMA)]


class Section(BaseModel):
    """What all sections share: they do not change, and unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        defer_build=True,
    )


TaskKind: TypeAlias = Literal[
    "image_classification",
    "image_regression",
    "tabular_classification",
    "tabular_regression",
    "text_classification",
    "text_regression",
]


class Task(Section):
    """What is to be learned, and what counts as good."""

    kind: TaskKind
    """What goes in (images, tables, texts) and what comes out (a class, a number)."""
    metric: str | None = None
    """The metric that the search improves; by default the usual one of the kind."""
    goal: Literal["minimize", "maximize"] | None = None
    """The better direction; by default that of the metric."""
    target: float | None = None
    """The search ends when the metric reaches this value."""


class Split(Section):
    """How rows are divided where the data does not say so itself."""

    validation: Annotated[Fraction, Field(gt=0, lt=1)] = 0.2
    """Fraction of the training rows that trials are compared on."""
    test: Annotated[Fraction, Field(ge=0, lt=1)] = 0.2
    """Fraction of all rows that is looked at once, at the end; 0 keeps none."""
    stratify: bool | None = None
    """Keep class proportions in each part; by default on for classification."""
    column: str | None = None
    """A column with train, validation or test in each row, instead of random parts."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    """Seed of the division; by default that of the spec."""

    @model_validator(mode="after")
    def _leave_rows_for_training(self) -> Split:
        if self.validation + self.test >= 1:
            total = f"{self.validation:g} + {self.test:g}"
            raise problem(
                "E205",
                f"validation and test leave no rows for training ({total})",
                "their sum must be below 1",
            )
        return self


class Image(Section):
    """What is done to images when they are read."""

    size: Annotated[tuple[int, ...], Field(min_length=2, max_length=2)] | None = None
    """[height, width] in pixels that every image is resized to."""
    channels: Literal[1, 3] | None = None
    """1 for gray, 3 for color; by default what the files have."""
    max_pixels: Annotated[int, Field(ge=1)] = 50_000_000
    """Images with more pixels than this are refused."""

    @field_validator("size")
    @classmethod
    def _positive(cls, size: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if size is not None and not all(1 <= side <= 16_384 for side in size):
            raise problem("E205", "image sides must be from 1 to 16384", "write size: [32, 32]")
        return size


class Missing(Section):
    """What is done with missing values of a table."""

    number: Literal["median", "mean", "error"] = "median"
    """Fill numbers with the median or mean of the training rows, or refuse them."""
    category: Literal["own", "error"] = "own"
    """Treat missing as a category of its own, or refuse it."""


class Text(Section):
    """How texts are cut into tokens, and bounds of what is handed to the model."""

    tokens: Literal["word", "character"] = "word"
    """Words and punctuation marks, or single characters (where words are not set apart)."""
    lowercase: bool = True
    """Whether upper and lower case are the same token."""
    max_tokens: Annotated[int, Field(ge=3, le=1_000_000)] = 20_000
    """Size of the vocabulary: the most frequent tokens, padding and the unknown one included."""
    length: Annotated[int, Field(ge=1, le=65_536)] = 512
    """Tokens of a text that are kept; what follows is cut off."""


def _read_classes(value: object) -> object:
    if value is None or (isinstance(value, tuple) and all(_is_label(v) for v in value)):
        return value
    raise problem(
        "E203", "classes are a list of texts or whole numbers", "write classes: [cat, dog]"
    )


def _is_label(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


CLASSES_SCHEMA: dict[str, Any] = {
    "type": ["array", "null"],
    "items": {"type": ["string", "integer"]},
    "default": None,
}


class _Classes:
    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_classes)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(CLASSES_SCHEMA)


class Data(Section):
    """Where the data is and how it is read."""

    source: Annotated[str, Field(min_length=1)]
    """A path relative to the spec (.npz, .csv, .tsv, .parquet, a folder of images), or a built-in
    data set such as builtin:digits."""
    target: str | None = None
    """The column to predict, for tables."""
    columns: dict[str, Literal["number", "category", "text", "ignore"]] = {}
    """How columns are read where the guess from the data is wrong; for texts, which are texts."""
    split: Split = Split.model_construct()
    """How rows are divided into training, validation and test parts."""
    classes: Annotated[tuple[str | int, ...] | None, _Classes()] = None
    """The classes in the order of the outputs; by default sorted."""
    contract: str | None = None
    """A recorded contract.json that stands in where the data itself is not at hand."""
    image: Image = Image.model_construct()
    """What is done to images when they are read."""
    missing: Missing = Missing.model_construct()
    """What is done with missing values of a table."""
    text: Text = Text.model_construct()
    """How texts are cut into tokens, and bounds of what is handed to the model."""


class SpaceSection(Section):
    """What may vary: a preset, own parameters, an own architecture."""

    preset: str | None = None
    """A shipped architecture with its parameters; by default that of the kind of task, unless there
    is a model."""
    expand: tuple[str, ...] = ()
    """Groups of further values and parameters of the preset and of training, such as optimizers."""
    backbones: tuple[str, ...] = ()
    """Pretrained networks: names of the catalog, or folders of `export --format backbone`."""
    embeddings: dict[str, str] = {}
    """Files of word vectors by name, in the text format of GloVe, word2vec and fastText."""
    parameters: Annotated[
        dict[str, ParameterDecl],
        _Opaque({"type": "object", "additionalProperties": PARAMETER_SCHEMA}),
    ] = {}
    """Parameters of this spec; they replace those of the preset with the same name."""
    forbid: tuple[Expression, ...] = ()
    """Combinations that are never tried."""
    model: Annotated[SequenceNode | None, _Opaque(BLOCKS_SCHEMA)] = None
    """The architecture, as a list of operations, blocks, repeats and choices."""
    blocks: Annotated[
        MappingNode | None,
        _Opaque({"type": "object", "additionalProperties": {}}),
    ] = None
    """Named blocks that the model can use."""


class _Chosen(Section):
    """A registered thing with options that it checks itself."""

    @classmethod
    def gather(cls, value: object, word: str) -> object:
        """`tpe` or `{strategy: tpe, startup: 5}` as the word and its options."""
        if isinstance(value, str):
            return {word: value}
        if isinstance(value, dict) and "options" not in value:
            options = {k: v for k, v in value.items() if k != word}
            return {**({word: value[word]} if word in value else {}), "options": options}
        return value


OPTIONS = _Opaque({"type": "object"})


class Search(_Chosen):
    """Who proposes configurations. Other keys are options of the strategy."""

    strategy: str = "tpe"
    """The searcher: random, grid, tpe, gp, feedback, autokeras_greedy, autokeras_bayesian, or that
    of a plug-in."""
    options: Annotated[dict[str, Any], OPTIONS] = {}
    """Options of the searcher, checked by the searcher."""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: object) -> object:
        return cls.gather(value, "strategy")


class Monitor(Section):
    """What counts as slow, vanishing, exploding, dying: how training's feedback is judged."""

    definition: Literal["automlc", "paper", "code"] = "automlc"
    """Whose definitions: automlc, paper (DREAM as published) or code (DREAM as released)."""
    epochs: Literal["last", "majority", "first"] | None = None
    """Which epoch's gradients are judged: the last, the most frequent state of all, or the first
    that is not normal; by default that of the definition."""
    slow: Annotated[Fraction, Field(gt=0, lt=1)] | None = None
    """Convergence is slow when no epoch gains as much; by default that of the definition."""
    oscillating: Annotated[Fraction, Field(gt=0, lt=1)] | None = None
    """Swings of the training metric that count; by default that of the definition."""
    vanishing: Annotated[float, Field(gt=0)] | None = None
    """Gradients vanish below this ratio of the first to the last layer's; by default that of the
    definition."""
    vanishing_norm: Annotated[float, Field(gt=0)] | None = None
    """And only where the first layer's gradient is below this norm; by default that of the
    definition."""
    exploding: Annotated[float, Field(gt=0)] | None = None
    """Gradients explode above this ratio of the first to the last layer's; by default that of the
    definition."""
    dying: Annotated[Fraction, Field(gt=0, le=1)] | None = None
    """Units are dying when this share has no gradient; by default that of the definition."""
    probe: Annotated[int, Field(ge=1, le=4096)] = 32
    """Rows of the batch on which gradients are measured after each epoch."""


class Rules(Section):
    """What is tried where training looks wrong: conditions and their ranked actions."""

    use: str = "builtin/automlc"
    """A table of rules: builtin/automlc, builtin/dream, builtin/none, or a file of your own."""
    exclude: tuple[str, ...] = ()
    """Data sets whose measurements in the table do not count."""
    when: Annotated[
        tuple[Rule, ...], _Opaque({"type": "array", "items": RULE_SCHEMA, "default": []})
    ] = ()
    """Rules of this spec, tried before those of the table: condition => action, action."""
    unknown: Literal["parent", "normal", "random"] | None = None
    """For a condition that the table lacks: the next broader one, the normal one of the
    architecture, or a random action; by default as the table says."""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: object) -> object:
        return {"use": value} if isinstance(value, str) else value


class Stopping(_Chosen):
    """Who ends trials early. Other keys are options of the policy."""

    policy: str = "none"
    """The stopping policy: none, median, asha, hyperband, or that of a plug-in."""
    options: Annotated[dict[str, Any], OPTIONS] = {}
    """Options of the policy, checked by the policy."""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: object) -> object:
        return cls.gather(value, "policy")


class Budget(Section):
    """What may be spent. Work comes first; wall clock is a guard."""

    trials: Annotated[int, Field(ge=1, le=10_000_000)] = 20
    """Number of trials in all; resuming does not add to it."""
    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """Epochs of a trial that nobody stops."""
    wall: Duration | None = None
    """No trial begins after this time."""
    epoch_wall: Duration = 600.0
    """A trial whose epoch takes longer has failed."""
    memory: Size | None = None
    """Memory that a trial may use, with that of the framework and the data."""
    first: Annotated[Fraction, Field(gt=0, le=1)] = 0.05
    """Share of the wall that the first trial may take; a smaller start is chosen for it."""


class Backend(Section):
    """What the project is written for, and what it runs on."""

    kind: str = "pytorch"
    """The framework of the emitted project: pytorch, keras, or auto for what is installed."""
    engine: Literal["tensorflow", "torch", "jax"] | None = None
    """What Keras computes with; by default tensorflow, with auto what is installed."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where trials train; auto takes an accelerator where there is one."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the forward and backward passes; auto decides by the device."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Threads of one trial; by default the cores divided by the workers."""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value


class Spec(Section):
    """A task, what is known about its data, what may vary and what may be spent."""

    automlc: Literal[1]
    """Version of the spec language."""
    name: str = ""
    """Name of the project and its folders; by default that of the file."""
    task: Task
    """What is to be learned, and what counts as good."""
    data: Data
    """Where the data is and how it is read."""
    space: SpaceSection = SpaceSection.model_construct()
    """What may vary."""
    constraints: tuple[Expression, ...] = ()
    """What a model must satisfy, such as model.size <= 5MB."""
    search: Search = Search.model_construct()
    """Who proposes configurations."""
    monitor: Monitor = Monitor.model_construct()
    """How training's feedback is judged."""
    rules: Rules = Rules.model_construct()
    """What is tried where training looks wrong."""
    stopping: Stopping = Stopping.model_construct()
    """Who ends trials early."""
    budget: Budget = Budget.model_construct()
    """What may be spent."""
    backend: Backend = Backend.model_construct()
    """What the project is written for, and what it runs on."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of everything random."""

    @field_validator("name")
    @classmethod
    def _folder_name(cls, name: str) -> str:
        if name and folder_name(name) != name:
            raise problem(
                "E208",
                "a name has lower-case letters, digits, - and _, and begins with a letter or digit",
                f"write name: {folder_name(name)}",
                folder_name(name),
            )
        return name


def unit_of(info: FieldInfo) -> str:
    """The unit that a field's value has once it is read: `s`, `B`, or none."""
    read = next((m for m in info.metadata if isinstance(m, _Quantity)), None)
    if read is None:
        return ""
    return "s" if re.fullmatch(read.schema["pattern"], "1s") else "B"


def folder_name(text: str) -> str:
    """The nearest text that is safe as a folder's name everywhere."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in text.lower())
    name = kept.strip("-_")[:64].rstrip("-_") or "task"
    return f"{name}-task" if is_device_name(name) else name
