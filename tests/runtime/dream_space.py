"""Spaces with the names and domains that DREAM's table speaks of, and its preconditions."""

from __future__ import annotations

from automlc.spec.domains import Choice, Domain, Float, Integer, Parameter, Space
from automlc.spec.expressions import Scalar, parse


def of(name: str, domain: Domain, default: Scalar = None, when: str = "") -> Parameter:
    first = domain.default() if default is None else default
    return Parameter(name, domain, first, parse(when) if when else None)


def flag(name: str, default: bool, when: str = "") -> Parameter:
    return of(name, Choice((True, False)), default, when)


FILTERS = Choice((16, 32, 64, 128, 256, 512))
SHARE = Choice((0.0, 0.1))
TRAINING = [
    of("optimizer", Choice(("adam", "sgd", "adamw", "nadam"))),
    of("lr", Float(1e-6, 1.0, log=True), 1e-3),
    of("momentum", Choice((0.0, 0.1, 0.5, 0.9, 0.99)), None, 'optimizer == "sgd"'),
    of("schedule", Choice(("constant", "cosine", "polynomial"))),
    of("warmup", Float(0.0, 0.5), 0.0),
    of("end_lr", Choice((0.0, 1e-4, 1e-5, 2e-6, 1e-6)), None, 'schedule == "polynomial"'),
    of("weight_decay", Float(1e-4, 1.0, log=True), 1e-2, 'optimizer == "adamw"'),
    of("dropout", Float(0.0, 0.5), 0.0),
]


def steps(when: str = "") -> list[Parameter]:
    return [
        of("steps", Choice(("one", "two", "three")), None, when),
        of("step_ratio", Float(0.1, 0.5), 0.2, 'steps == "two"'),
        of("step_scale", Choice((1.0, 0.1, 0.01)), 0.1, 'steps != "one"'),
        of("step_freeze", Choice(("all", "no", "bn")), None, 'steps != "one"'),
    ]


def convolutions(stages: int, deepest: int) -> list[Parameter]:
    vanilla = 'block == "vanilla"'
    return [
        of("kernel", Choice((3, 5, 7)), None, vanilla),
        flag("separable", False, vanilla),
        of("pooling", Choice(("max", "none")), None, vanilla),
        of("depth", Integer(1, stages), 2, vanilla),
        of("layers", Integer(1, deepest), 2, vanilla),
        *(
            of(f"filters_{i}_{j}", FILTERS, 32, f"{vanilla} and depth > {i} and layers > {j}")
            for i in range(stages)
            for j in range(deepest)
        ),
        of("reduction", Choice(("flatten", "global_max", "global_avg")), None, REDUCED),
    ]


REDUCED = 'block != "ngram"'
PRETRAINED = 'block != "vanilla"'
FACTORS = 'augment == "factors"'
IMAGE = Space(
    [
        of("block", Choice(("resnet", "xception", "vanilla", "efficientnet"))),
        flag("normalize", False),
        of("augment", Choice(("none", "shift", "shift_flip", "factors"))),
        *(of(name, SHARE, 0.0, FACTORS) for name in ("translation", "rotation")),
        *(of(name, SHARE, 0.0, FACTORS) for name in ("zoom", "contrast")),
        flag("horizontal_flip", True, FACTORS),
        flag("vertical_flip", True, FACTORS),
        flag("pretrained", False, PRETRAINED),
        flag("trainable", False, "pretrained"),
        of("image_size", Choice(("input", "imagenet")), None, PRETRAINED),
        of(
            "resnet_version",
            Choice(tuple(f"resnet{n}{v}" for v in ("", "_v2") for n in (50, 101, 152))),
            None,
            'block == "resnet"',
        ),
        of(
            "efficientnet_version",
            Choice(tuple(f"efficientnet_b{n}" for n in range(8))),
            None,
            'block == "efficientnet"',
        ),
        *convolutions(3, 2),
        of("initializer", Choice(("glorot_uniform", "he_uniform", "lecun_uniform"))),
        of("activation", Choice(("relu", "selu", "tanh")), None, 'block == "vanilla"'),
        *TRAINING,
        *steps("pretrained and trainable"),
    ]
)
UNITS = Choice((16, 32, 64, 128, 256, 512, 1024))
WORD_VECTORS = 'block != "ngram"'
TEXT = Space(
    [
        of("block", Choice(("vanilla", "transformer", "ngram"))),
        of("max_tokens", Choice((500, 5000, 20000)), 5000),
        of("sequence_length", Choice((64, 128, 256, 512)), None, WORD_VECTORS),
        of(
            "pretraining",
            Choice(("none", "random", "glove", "fasttext", "word2vec")),
            None,
            WORD_VECTORS,
        ),
        of("embedding", Choice((32, 64, 128, 256, 512)), 128, WORD_VECTORS),
        of("num_heads", Choice((8, 16, 32)), None, 'block == "transformer"'),
        of("dense_dim", Choice((128, 256, 512, 1024, 2048)), 2048, 'block == "transformer"'),
        of("ngrams", Choice((1, 2)), 2, 'block == "ngram"'),
        of("norm", Choice(("batch", "none")), "none", 'block == "vanilla"'),
        of("dense_norm", Choice(("none", "batch"))),
        of("dense_layers", Integer(1, 3), 2),
        *(of(f"units_{i}", UNITS, 32, f"dense_layers > {i}") for i in range(3)),
        *convolutions(3, 2),
        *TRAINING,
        *steps(),
    ]
)
SPACES = {"image": IMAGE, "text": TEXT}
