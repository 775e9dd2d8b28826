"""Whatever the text, loading gives a spec or a SpecError, soon."""

import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automlc.spec.codes import CODES
from automlc.spec.diagnostics import render
from automlc.spec.errors import SpecError
from automlc.spec.load import LoadedSpec, load_text
from automlc.spec.yaml_nodes import decode

BAD = Path(__file__).parent.parent / "bad" / "specs"
FULL = """\
automlc: 1
name: digits
task: {kind: image_classification, metric: accuracy, goal: maximize, target: 0.9}
data:
  source: builtin:digits
  split: {validation: 20%, test: 0.2, stratify: true, seed: 3}
  classes: [cat, 3]
  image: {size: [32, 32], channels: 3}
space:
  parameters:
    lr: log_uniform(1e-4, 1e-1)
    optimizer: choice(sgd, adam, "a b")
    momentum: {choice: [0.0, 0.9], default: 0.9, when: optimizer == "sgd"}
    depth: {int: [1, 8], step: 2}
  forbid:
    - depth > 4 and lr ** 2 > 0.5
    - optimizer in ["sgd"] or not depth % 2 == 0
constraints: [model.size <= 5MB]
search: {strategy: tpe, startup: 5}
stopping: asha
budget: {trials: 25, epochs: 12, wall: 2h, memory: 4GB}
backend: {kind: pytorch, device: auto}
seed: 7
"""
CORPUS = [FULL, *(decode(p.read_bytes(), p.name)[0] for p in sorted(BAD.glob("*.yaml")))]
PIECES = [
    *"{}[]()<>:,-*&!|>%@`\"'#?~ \n\t\0é\u2028\u202e\x85\ufeff\ud800",
    "  ",
    "\n  ",
    ": ",
    "- ",
    "---\n",
    "<<",
    "null",
    "true",
    "no",
    "1e999",
    ".nan",
    "9" * 60,
    "**9**9**9",
    '"a"*10**10',
    ".__class__",
    "choice(",
    "int(",
    "when: ",
    " and ",
    "5MB",
    "%",
    "!!python/object:os.system ",
    "&a ",
    "*a",
    "%YAML 1.1\n---\n",
]
FUZZ = settings(
    max_examples=250,
    deadline=2000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def check(text: str, file: str = "fuzz.yaml") -> None:
    """The law: a spec, or diagnostics that can be printed in every form."""
    error = outcome(text, file)
    if error is None:
        return
    assert error.diagnostics
    assert {d.code for d in error.diagnostics} <= CODES.keys()
    assert all(d.span is not None for d in error.diagnostics)
    for form in ("full", "concise", "json"):
        shown = render(error.diagnostics, format=form, sources=error.sources, color=False)
        shown.encode("utf-8")


def outcome(text: str, file: str) -> SpecError | None:
    """What loading finds; any other exception is a failure of the law."""
    try:
        assert isinstance(load_text(text, file), LoadedSpec)
    except SpecError as error:
        return error
    return None


FILES = st.sampled_from(["fuzz.yaml", "fuzz.aml"])
AML = """\
automlc 1
task image_classification { metric accuracy; target 0.9 }
data builtin:digits { split { validation 20%; test 0.2 } }
space {
  lr ~ log_uniform(1e-4, 1e-1)
  momentum ~ choice(0.0, 0.9) default 0.9 when lr > 0.01
  depth ~ int(1, 8)
  forbid depth > 4 and lr ** 2 > 0.5
  block unit(filters) { conv2d(filters=filters); batch_norm }
  model {
    repeat depth as i { residual { unit(filters=2 ** i) } }
    dense(units=outputs)
  }
}
constrain model.size <= 5MB
budget { trials 25; wall 2h }  # soon
"""
AML_PIECES = [*PIECES, *"~;=", "model {", "block b(", "forbid ", "lr ~ ", " as ", " => "]


@FUZZ
@given(st.text(max_size=200), FILES)
def test_any_text(text: str, file: str) -> None:
    check(text, file)


@FUZZ
@given(st.lists(st.sampled_from(AML_PIECES), max_size=25).map("".join))
def test_texts_of_aml_pieces(text: str) -> None:
    check(text, "fuzz.aml")


@FUZZ
@given(st.lists(st.tuples(st.integers(0, len(AML)), st.sampled_from(AML_PIECES)), max_size=6))
def test_mutated_aml_specs(edits: list[tuple[int, str]]) -> None:
    text = AML
    for at, piece in edits:
        text = text[:at] + piece + text[at + len(piece) :]
    check(text, "fuzz.aml")


@FUZZ
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_texts_of_yaml_pieces(text: str) -> None:
    check(text)


@FUZZ
@given(st.sampled_from(CORPUS), st.integers(0, 2**32), st.integers(1, 6))
def test_mutated_specs(text: str, seed: int, edits: int) -> None:
    rng = random.Random(seed)
    for _ in range(edits):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text = text[:at] + rng.choice(PIECES) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randrange(1, 8) :]
            case 2:
                other = rng.choice(CORPUS)
                start = rng.randrange(len(other) + 1)
                text = text[:at] + other[start : start + rng.randrange(40)] + text[at:]
            case _:
                lines = text.split("\n")
                rng.shuffle(lines)
                text = "\n".join(lines)
    check(text[:20_000])


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from(["int(1, 2)", "x > 1", "5MB", "2h", "20%", "pytorch", "tpe", "builtin:digits"]),
    st.text(max_size=8),
)
KEYS = st.sampled_from(
    "automlc name task data space constraints search stopping budget backend seed kind source "
    "split validation test parameters forbid model blocks preset when choice int float default "
    "step strategy policy trials epochs wall memory classes image size columns missing".split()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=15,
)


@FUZZ
@given(st.dictionaries(KEYS, VALUES, max_size=9), st.booleans())
def test_any_structure(values: dict[str, object], complete: bool) -> None:
    import yaml

    base: dict[str, object] = {
        "automlc": 1,
        "task": {"kind": "tabular_regression"},
        "data": {"source": "x.csv"},
    }
    check(yaml.safe_dump(base | values if complete else values, allow_unicode=True))
