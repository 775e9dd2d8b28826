"""DREAM's priorities as a table of rules: what its objects and values are called here.

    python -m automlc.runtime.rules.dream dream_priorities.json > builtin/dream.json

The source has a list of {object, value, score, rank, repo_key, ...} for each condition, written
architecture-convergence-gradient-weights, and its origin under `_provenance`. TABLE is the only
place that knows both vocabularies. An action of DREAM's is often more than it says: its code then
sets further values. Here these stand in `also`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, TypeAlias

from automlc.runtime.rules.actions import Action
from automlc.runtime.rules.table import Ranked, Row, Table, rank
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

Value: TypeAlias = str | bool | int | float
Words: TypeAlias = Mapping[Value, str]

NAME = "builtin/dream"
PROVENANCE = "_provenance"


@record
class Entry:
    """An object of DREAM's: our parameter, the values that are called otherwise, what comes along.

    `also` belongs to a value; `first` is set before, in the same action.
    """

    parameter: str
    values: Words = field(default_factory=dict)
    also: Words = field(default_factory=dict)
    first: str = ""


TUNED = "pretrained = true and trainable = true and lr = 1e-4"
LARGE = "dropout = 0.5 and image_size = imagenet and efficientnet_version = efficientnet_b7"
UNTIL_ZERO = "schedule = polynomial and warmup = 0.1"
EVENLY = "schedule = constant and warmup = 0.0"
FACTORS = "augment = factors"
NORMS: Words = {True: "batch", False: "none"}

TABLE: Mapping[str, Entry] = {
    # The family of the model, and what of it is pretrained.
    "block_type": Entry(
        "block",
        {"efficient": "efficientnet"},
        {"resnet": TUNED, "xception": TUNED, "efficient": f"{TUNED} and {LARGE}"},
    ),
    "pretrained": Entry("pretrained"),
    "trainable": Entry("trainable", also={True: "pretrained = true and lr = 1e-4"}),
    "imagenet_size": Entry("image_size", {True: "imagenet", False: "input"}),
    "version/resnet": Entry("resnet_version"),
    "version/efficient": Entry(
        "efficientnet_version", {f"b{size}": f"efficientnet_b{size}" for size in range(8)}
    ),
    # What is done to images before.
    "normalize": Entry("normalize"),
    "augment": Entry("augment", {True: "factors", False: "none"}),
    "translation_factor": Entry("translation"),
    "rotation_factor": Entry("rotation"),
    "zoom_factor": Entry("zoom"),
    "contrast_factor": Entry("contrast"),
    "horizontal_flip": Entry("horizontal_flip"),
    "vertical_flip": Entry("vertical_flip"),
    "augment/translation_factor": Entry("translation", first=FACTORS),
    "augment/rotation_factor": Entry("rotation", first=FACTORS),
    "augment/zoom_factor": Entry("zoom", first=FACTORS),
    "augment/contrast_factor": Entry("contrast", first=FACTORS),
    "augment/horizontal_flip": Entry("horizontal_flip", first=FACTORS),
    "augment/vertical_flip": Entry("vertical_flip", first=FACTORS),
    # What is done to texts before.
    "max_tokens": Entry("max_tokens"),
    "output_sequence_length": Entry("sequence_length"),
    "ngrams": Entry("ngrams", {False: "1"}),
    "pretraining": Entry("pretraining"),
    "embedding_dim": Entry("embedding"),
    # Layers.
    "kernel_size": Entry("kernel"),
    "separable": Entry("separable"),
    "max_pooling": Entry("pooling", {True: "max", False: "none"}),
    "num_blocks": Entry("depth"),
    "num_layers/conv": Entry("layers"),
    "num_layers/dense": Entry("dense_layers"),
    **{f"filters_{i}_{j}": Entry(f"filters_{i}_{j}") for i in range(3) for j in range(2)},
    **{f"units_{i}": Entry(f"units_{i}") for i in range(3)},
    "num_heads": Entry("num_heads"),
    "dense_dim": Entry("dense_dim"),
    "use_batchnorm/conv": Entry("norm", NORMS),
    "use_batchnorm/dense": Entry("dense_norm", NORMS),
    "reduction_type": Entry("reduction"),
    "dropout": Entry("dropout"),
    "initial": Entry("initializer"),
    "activation": Entry("activation"),
    # Training.
    "optimizer": Entry(
        "optimizer",
        {"adam_weight_decay": "adamw"},
        {"adam_weight_decay": UNTIL_ZERO, "adam": EVENLY, "nadam": EVENLY, "sgd": EVENLY},
    ),
    "learning_rate": Entry("lr"),
    "momentum": Entry("momentum"),
    "end_learning_rate": Entry("end_lr"),
    "weight_decay_rate": Entry("weight_decay"),
    "multi_step": Entry(
        "steps", {True: "two", False: "one"}, {True: "pretrained = true and trainable = true"}
    ),
    "triple_train": Entry(
        "steps",
        {True: "three", False: "two"},
        {True: "pretrained = true and trainable = true"},
    ),
    "step_1_ratio": Entry("step_ratio"),
    "step_2_lr_scale": Entry("step_scale"),
    "step_1_freeze": Entry("step_freeze"),
}

# The words of a condition; those that are not here are the same.
WORDS = {
    "efficient": "efficientnet",
    "vanillaT": "vanilla",
    "slow_converge": "slow",
    "vanish": "vanishing",
    "explode": "exploding",
    "nan_weight": "nan",
}
PARTS = ("architecture", "convergence", "gradient", "weights")
FACTS = ("rank", "delta_acc", "delta_acc_old_file")
FLAGS = ("skipped_by_released_code", "absent_from_published_table")
CONV_LAYERS = (1, 2)  # what a block of convolutions of DREAM's may have; dense ones may have 3


def table_of(source: Mapping[str, Any]) -> Table:
    """The table of all conditions of the source, in its order."""
    origin = source[PROVENANCE]
    provenance = {
        "repository": origin["repo"],
        "commit": origin["commit"],
        "commit_date": origin["commit_date"],
        "files": origin["files"],
        "counts": origin["counts"],
        "fallback": origin["fallback_in_code"],
        "caution": (
            "The authors' policy, not a measurement: scores show hand edits, constants that recur, "
            "and pairs of exactly opposite sign."
        ),
        "scores": (
            "score: normalised to [0, 1] in each condition, as released; source.delta_acc: the "
            "value behind it; source.delta_acc_old_file: the same in an older, unpublished file."
        ),
    }
    rows = tuple(
        _row(condition, entries, origin["modality"][condition])
        for condition, entries in source.items()
        if condition != PROVENANCE
    )
    return Table(NAME, rows, "normal", provenance)


def _row(condition: str, entries: list[Mapping[str, Any]], kind: str) -> Row:
    words = [WORDS.get(word, word) for word in condition.split("-")]
    state = {"input": kind, **dict(zip(PARTS, words, strict=True))}
    return Row(state, tuple(rank([_ranked(one, condition) for one in entries])))


def _ranked(one: Mapping[str, Any], condition: str) -> Ranked:
    entry, value = entry_of(one["object"], one["value"], condition), one["value"]
    text = f"{entry.parameter} = {entry.values.get(value, _text(value))}"
    source = {"key": one["repo_key"], **{name: one[name] for name in FACTS if name in one}}
    source |= {flag: True for flag in FLAGS if one.get(flag)}
    return Ranked(
        Action(f"{entry.first} and {text}" if entry.first else text),
        one["score"],
        source=source,
        also=entry.also.get(value, ""),
    )


def entry_of(name: str, value: Value, condition: str) -> Entry:
    """The entry of an object; AutomlcError for one that the table lacks."""
    key = f"{name}{_variant(name, value, condition)}"
    if key not in TABLE:
        raise AutomlcError(f"{condition}: there is no entry for {name!r} = {value!r}")
    return TABLE[key]


def _variant(name: str, value: Value, condition: str) -> str:
    """Three objects of DREAM's stand for two parameters each: value or family tells which."""
    if name == "version":
        return "/resnet" if str(value).startswith("resnet") else "/efficient"
    if name == "use_batchnorm":
        return "/conv" if condition.startswith("vanilla") else "/dense"
    if name == "num_layers":
        of_conv = condition.startswith("vanilla") and value in CONV_LAYERS
        return "/conv" if of_conv else "/dense"
    return ""


def _text(value: Value) -> str:
    """A value in our language; 1e-05 is written 1e-5, as everywhere."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value).replace("e-0", "e-")


def lines(table: Table) -> Iterator[str]:
    """The table as JSON with one action in a line."""
    data = table.to_json()
    for name in ("schema", "name", "unknown", "provenance"):
        head = "{" if name == "schema" else " "
        yield f"{head}{json.dumps(name)}: {json.dumps(data[name])},"
    yield ' "rows": ['
    for i, row in enumerate(data["rows"]):
        yield f'  {{"state": {json.dumps(row["state"])}, "actions": ['
        actions = [f"   {json.dumps(one)}" for one in row["actions"]]
        yield ",\n".join(actions)
        yield "  ]}" + ("," if i + 1 < len(data["rows"]) else "")
    yield "]}"


def main(arguments: list[str]) -> int:
    """Print the table made of the file that is named; 2 for wrong usage."""
    if len(arguments) != 1:
        print("usage: python -m automlc.runtime.rules.dream SOURCE.json", file=sys.stderr)
        return 2
    source = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    print("\n".join(lines(table_of(source))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
