"""Architectures that nobody's preset has: counts, search-time code and frozen source agree."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.backends.code import Code, known, text
from automlc.backends.code import evaluate as emit
from automlc.backends.pytorch.emit import model_files
from automlc.compiler.graph import SearchGraph
from automlc.compiler.symbolic import Builder, apply
from automlc.spec.domains import Choice, Float, Integer
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import ExpressionError, evaluate, parse
from automlc.spec.load import load_text
from tests.compiler.spaces import contract, graph
from tests.emitted.loading import emitted

HEAD = "automlc: 1\nname: odd\ntask: {kind: image_classification}\ndata: {source: made.npz}\n"


def spec(parameters: str, model: str, blocks: str = "{}") -> str:
    """A spec over images with these parameters, blocks and layers (all in flow style)."""
    return (
        f"{HEAD}space:\n  parameters: {{{parameters}}}\n  blocks: {blocks}\n  model:\n"
        f"    - standardize\n{''.join(f'    - {layer}{chr(10)}' for layer in model.split(' ; '))}"
        "    - flatten\n    - dense: {units: outputs}\n"
    )


LONG = "width_of_the_first_part: 'choice(4, 6)', depth_of_the_first_part: 'int(1, 2)'"
MODELS = {
    "keyword": ("k: 'int(1, 3)'", "{repeat: k, as: class, body: [conv2d: {filters: 2 + class}]}"),
    "builtin": (
        "k: 'int(1, 3)'",
        "{repeat: k, as: range, body: [{conv2d: {filters: 2 + range}}, "
        "{repeat: k, body: [conv2d: {filters: 4 + i}]}]}",
    ),
    "nested": (
        "k: 'int(1, 3)'",
        "{repeat: k, body: [{repeat: k, body: [conv2d: {filters: 4 + i}]}, "
        "{conv2d: {filters: 8 * (i + 1)}}]}",
    ),
    "body": (
        "k: 'int(1, 3)'",
        "{repeat: k, as: body, body: [residual: [conv2d: {filters: 4 + body}]]}",
    ),
    "variables": (
        "c: 'int(1, 3)', n: 'int(1, 3)', config: 'int(1, 3)', layers: 'int(1, 3)'",
        "{repeat: c, as: c, body: [conv2d: {filters: 2 + c + n + config + layers}]}",
    ),
    "floats": (
        "f: 'choice(0.5, 1.0)', s: 'float(0.3, 1)', k: 'choice(16, 32)'",
        "conv2d: {filters: k * f} ; conv2d: {filters: k * s // 1, stride: k / 16}",
    ),
    "powers": (
        "k: 'int(1, 3)'",
        "{repeat: k, body: [{conv2d: {filters: 64 * 2 ** -i}}, {dropout: {rate: 0.5 ** (i + 1)}}]}",
    ),
    "branches": ("f: 'choice(1.0, 2.0)'", "{choice: f, of: {1: [conv2d: {filters: 4}], 2: []}}"),
    "booleans": (
        "f: 'choice(true, false)'",
        "{conv2d: {filters: 4}, when: f == true} ; {conv2d: {filters: 5}, when: not (f == true)}",
    ),
    "words": ("f: 'choice(a, b, d)'", '{conv2d: {filters: 4}, when: \'f not in ["a", "b"]\'}'),
    "null": ("f: {choice: [a, null]}", "{choice: f, of: {null: [conv2d: {filters: 4}], a: []}}"),
    "lists": ("k: 'int(1, 4)'", "conv2d: {filters: 'min([k, 3])'} ; conv2d: {filters: min(k)}"),
    "members": (
        "k: 'int(1, 4)', j: 'int(1, 4)'",
        "{conv2d: {filters: 4}, when: 'k in [j, 3]'} ; {conv2d: {filters: 5}, when: '3 in [j, k]'}",
    ),
    "negative": ("k: 'int(1, 4)'", "{repeat: -1, body: [conv2d: {filters: k}]}"),
    "none": ("k: 'int(0, 2)'", "{repeat: k, body: [conv2d: {filters: 2 * k}]}"),
    "rank": ("k: 'int(1, 4)'", "{repeat: 2, body: [flatten, dense: {units: k * 4}]}"),
    "guarded": (
        "u: 'choice(true, false)', k: {int: [1, 4], when: u}",
        "{conv2d: {filters: 4}, when: u and k > 2} ; conv2d: {filters: 'select(u, k, 8)'}",
    ),
    "odd": (
        "k: 'int(1, 3)'",
        "{residual: [conv2d: {filters: 8 * k, stride: k}, max_pool2d], stride: k * 2}",
    ),
    "long": (
        LONG,
        "{conv2d: {filters: width_of_the_first_part * 2 + depth_of_the_first_part * 2 + "
        "width_of_the_first_part}, when: width_of_the_first_part > 4 and "
        "depth_of_the_first_part > 0 and width_of_the_first_part < 9} ; "
        "{repeat: depth_of_the_first_part + width_of_the_first_part + depth_of_the_first_part, "
        "body: [conv2d: {filters: 4}]}",
    ),
}


def formatted(folder: Path) -> None:
    """The folder's files pass ruff's checks and stay as they are when formatted."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    (folder / "ruff.toml").write_text('src = ["."]\n')
    for command in (["check", "."], ["format", "--diff", "."]):
        done = subprocess.run([ruff, *command, "--no-cache"], cwd=folder, capture_output=True)
        assert done.returncode == 0, done.stdout.decode()


@pytest.mark.torch
@pytest.mark.parametrize("name", MODELS)
def test_an_odd_model_is_counted_and_written_alike(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    made = graph(spec(*MODELS[name]), "odd")
    with emitted(tmp_path / "search", model_files(made, straight=False), "model") as module:
        for seed in range(8):
            config = made.space.sample(random.Random(seed))
            with torch.device("meta"):
                model = module.Model(config).eval()
                assert model(torch.zeros(2, 3, 27, 19)).shape == (2, 7)
            count = sum(p.numel() for p in model.parameters())
            assert made.costs.evaluate(config)["model.params"] == count
            frozen = model_files(made.freeze(config), straight=True)
            with emitted(tmp_path / f"{seed}", frozen, "model") as straight, torch.device("meta"):
                state = straight.Model().state_dict()
            expected = {key: value.shape for key, value in model.state_dict().items()}
            assert {key: value.shape for key, value in state.items()} == expected
            if seed < 2:
                formatted(tmp_path / f"{seed}")
    formatted(tmp_path / "search")


def test_the_index_of_a_block_is_not_the_callers() -> None:
    block = "{unit: {args: [f], body: [{repeat: 2, body: [conv2d: {filters: f + i}]}]}}"
    made = graph(spec("k: 'int(1, 2)'", "{repeat: k, body: [unit: {f: 10 * i + 1}]}", block), "odd")
    source = model_files(made.freeze({"k": 2} | rest(made)), straight=True)["model.py"]
    for pair in ("3, 1,", "1, 2,", "2, 11,", "11, 12,"):
        assert f"nn.Conv2d({pair}" in source


def rest(made: SearchGraph) -> dict[str, object]:
    """The default of every parameter but k."""
    return {key: value for key, value in made.space.default_config().items() if key != "k"}


@pytest.mark.parametrize(
    ("parameters", "model", "code"),
    [
        ("k: 'int(1, 4)'", "conv2d: {filters: 8, kernel: k + 1}", "E324"),
        ("k: 'int(1, 4)'", "conv2d: {filters: 30 ** k}", "E324"),
        ("k: 'int(1, 4)'", "conv2d: {filters: 9 / k}", "E324"),
        ("k: 'int(0, 3)'", "conv2d: {filters: 8 // k}", "E309"),
        ("k: 'fixed(0)'", "conv2d: {filters: 8 // k}", "E309"),
        ("k: 'fixed(abc)'", "conv2d: {filters: k + 1}", "E309"),
        ("k: 'int(1, 4)'", "{repeat: 2.5, body: [conv2d: {filters: k}]}", "E326"),
        ("k: 'int(1, 4)'", "{repeat: k / 2, body: [conv2d: {filters: 8}]}", "E326"),
        (
            "k: 'int(1, 3)'",
            "{repeat: k, body: [{choice: i, of: {0: [activation], 1: [batch_norm]}}]}",
            "E325",
        ),
        ("k: 'int(1, 3)'", "{choice: outputs, of: {2: [activation]}}", "E325"),
        (
            "k: 'int(1, 3)'",
            "{repeat: 256, body: [{repeat: 256, body: [{repeat: 256, body: [batch_norm]}]}]}",
            "E326",
        ),
    ],
)
def test_a_model_that_cannot_be_built_is_refused(parameters: str, model: str, code: str) -> None:
    assert code in codes(spec(parameters, model))


def test_blocks_that_multiply_are_refused() -> None:
    assert "E321" in codes(spec("k: 'int(1, 3)'", "b", "{b: [b, b, b, b, b, b]}"))


def codes(source: str) -> set[str]:
    """The codes of what the passes find wrong."""
    from automlc.compiler.checks import run_passes
    from automlc.compiler.draft import Draft

    draft = run_passes(Draft(load_text(source, "task.yaml"), contract("odd", False)))
    return {problem.code for problem in draft.problems.errors}


DOMAINS = {
    "a": Integer(0, 9),
    "b": Choice((2, 3, -5)),
    "x": Float(-1.0, 2.0),
    "c": Choice(("x", "y + 2")),
    "f": Choice((True, False)),
}
CONDITIONS = ["f", "not f", "f == true", "not (f != false)", 'c == "y + 2"', 'c not in ["x"]']


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Larger texts from smaller ones."""
    operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "**"])
    return st.one_of(
        st.builds("({}) {} ({})".format, inner, operators, inner),
        st.builds("{} {} {}".format, inner, operators, inner),
        st.builds("-({})".format, inner),
        st.builds("min({})".format, inner),
        st.builds("max([{}, {}])".format, inner, inner),
        st.builds("abs({})".format, inner),
        st.builds("select({} < {}, {}, {})".format, inner, inner, inner, inner),
        st.builds("select({}, {}, {})".format, st.sampled_from(CONDITIONS), inner, inner),
        st.builds("select({} in [{}, a], {}, 1)".format, inner, inner, inner),
    )


NUMBERS = st.sampled_from(["a", "b", "x", "1", "2", "7", "0", "-3", "0.5", "-a"])


@settings(max_examples=300, deadline=None)
@given(st.recursive(NUMBERS, grown, max_leaves=8), st.integers(0, 10**6), st.integers(0, 31))
def test_written_and_symbolic_expressions_have_the_value(
    source: str, seed: int, fixed: int
) -> None:
    """Any part of the names may be known (bits of `fixed`): folding must not change the value."""
    rng = random.Random(seed)
    config = {name: domain.sample(rng) for name, domain in DOMAINS.items()}
    try:
        expr = parse(source)
        expected = evaluate(expr, config)
    except ExpressionError:
        return
    is_fixed = {name: bool(fixed >> bit & 1) for bit, name in enumerate(config)}
    code = {
        name: value if is_fixed[name] else Code(f'config["{name}"]', whole=name != "x")
        for name, value in config.items()
    }
    builder = Builder()
    symbols = {
        name: config[name] if is_fixed[name] else builder.parameter(name, domain)
        for name, domain in DOMAINS.items()
    }
    try:
        value = emit(expr, code)
        found = value if known(value) else eval(text(value), {"config": config})
        program = builder.program({"value": apply(expr, symbols, builder)})
        counted = program.evaluate(config)["value"]
    except (ArithmeticError, ValueError, TypeError, AutomlcError):
        return  # a part that this configuration does not reach has no value
    assert found == pytest.approx(expected)
    assert counted == pytest.approx(expected)
