"""The DSL: the same tree as YAML, with places of its own, and back without loss."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from automlc.spec.aml import parse_aml
from automlc.spec.diagnostics import lines_of
from automlc.spec.errors import SpecError
from automlc.spec.formatting import aml_comments, formatted, same_tree, yaml_comments
from automlc.spec.habits.mending import as_meant
from automlc.spec.load import load_text
from automlc.spec.yaml_nodes import MappingNode, parse_yaml, to_plain
from automlc.spec.yaml_text import tree_text

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*/task.yaml"))
PRESETS = sorted(ROOT.glob("compiler/presets/**/*.yaml"))

FULL = """
automlc 1
name cifar
task image_classification { metric accuracy; target 0.70 }
data data/cifar10.npz { split { validation 0.2; stratify true } }  # the small one
space image/blocks {
  expand [initializers, activations]
  lr ~ log_uniform(1e-4, 1e-1)
  momentum ~ choice(0.0, 0.9) default 0.9 when optimizer == "sgd"
  width ~ choice [16, 32]
  forbid depth > 4 and width > 256
  forbid select(depth > 4,
    width, 3) > 256
  block unit(filters, size) { conv2d(filters=filters, kernel=size); batch_norm }
  block plain { flatten }
  model {
    standardize when lr > 0.1
    unit(filters=max(width, 8), size=3)
    repeat depth as stage when depth > 1 {
      residual(stride=2, project=false) { conv2d(filters=width * 2 ** stage) }
      choice pooling { max { max_pool2d }; none {} }
    }
    dense(units=outputs)
  }
}
constrain model.size <= 5MB
rules builtin/dream { when gradient == vanishing => activation = selu, lr = lr / 10 }
search feedback { variant adaptive }
stopping asha
budget { trials 25; epochs 12; wall 2h }
"""
MEANT: dict[str, Any] = {
    "automlc": 1,
    "name": "cifar",
    "task": {"kind": "image_classification", "metric": "accuracy", "target": 0.7},
    "data": {"source": "data/cifar10.npz", "split": {"validation": 0.2, "stratify": True}},
    "space": {
        "preset": "image/blocks",
        "expand": ["initializers", "activations"],
        "parameters": {
            "lr": "log_uniform(1e-4, 1e-1)",
            "momentum": {"choice": [0.0, 0.9], "default": 0.9, "when": 'optimizer == "sgd"'},
            "width": {"choice": [16, 32]},
        },
        "forbid": ["depth > 4 and width > 256", "select(depth > 4, width, 3) > 256"],
        "blocks": {
            "unit": {
                "args": ["filters", "size"],
                "body": [{"conv2d": {"filters": "filters", "kernel": "size"}}, "batch_norm"],
            },
            "plain": ["flatten"],
        },
        "model": [
            {"standardize": None, "when": "lr > 0.1"},
            {"unit": {"filters": "max(width, 8)", "size": 3}},
            {
                "repeat": "depth",
                "as": "stage",
                "body": [
                    {
                        "residual": [{"conv2d": {"filters": "width * 2 ** stage"}}],
                        "stride": 2,
                        "project": False,
                    },
                    {"choice": "pooling", "of": {"max": ["max_pool2d"], "none": []}},
                ],
                "when": "depth > 1",
            },
            {"dense": {"units": "outputs"}},
        ],
    },
    "constraints": ["model.size <= 5MB"],
    "rules": {
        "use": "builtin/dream",
        "when": ["gradient == vanishing => activation = selu, lr = lr / 10"],
    },
    "search": {"strategy": "feedback", "variant": "adaptive"},
    "stopping": "asha",
    "budget": {"trials": 25, "epochs": 12, "wall": "2h"},
}


def test_statements_mean_what_yaml_says() -> None:
    root, found = parse_aml(FULL, "task.aml")
    assert found == []
    assert root is not None
    assert to_plain(root) == MEANT


def test_places_are_those_of_the_aml_file() -> None:
    lines = FULL.splitlines()
    root, _ = parse_aml(FULL, "task.aml")
    assert isinstance(root, MappingNode)
    space = root.get("space")
    assert isinstance(space, MappingNode)
    parameters = space.get("parameters")
    assert isinstance(parameters, MappingNode)
    for key, value in parameters.items:
        span = key.span
        assert lines[span.line - 1][span.column - 1 : span.end_column - 1] == key.text
        assert value.span.line == span.line
        assert lines[span.line - 1].index("~") + 3 == value.span.column


def test_a_spec_loads_from_both_surfaces_alike() -> None:
    text = "automlc 1\nname a\ntask tabular_regression\ndata x.csv { target y }\nsearch tpe\n"
    yaml = (
        "automlc: 1\nname: a\ntask: {kind: tabular_regression}\n"
        "data: {source: x.csv, target: y}\nsearch: tpe\n"
    )
    assert load_text(text, "task.aml").spec == load_text(yaml, "task.yaml").spec


@pytest.mark.parametrize("path", [*EXAMPLES, *PRESETS], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_shipped_specs_go_there_and_back(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    root, _ = parse_yaml(text, "a.yaml")
    assert root is not None
    dsl = formatted(text, "a.yaml", "dsl")
    assert formatted(dsl, "a.aml") == dsl
    again = formatted(dsl, "a.aml", "yaml")
    back, _ = parse_yaml(again, "a.yaml")
    assert back is not None
    assert same_tree(root, back)
    comments = [c.text for c in yaml_comments(lines_of(text), root)]
    assert [c.text for c in aml_comments(dsl)] == comments
    assert [c.text for c in yaml_comments(lines_of(again), back)] == comments
    if path in EXAMPLES:
        assert len(dsl.splitlines()) < len(text.splitlines())


def test_the_two_specs_of_the_docs_are_one() -> None:
    page = (ROOT / "docs" / "dsl.md").read_text(encoding="utf-8")
    yaml, dsl = (page.split(f"```{name}\n")[1].split("```")[0] for name in ("yaml", "aml"))
    assert same_tree(load_text(yaml, "task.yaml").node, load_text(dsl, "task.aml").node)
    assert formatted(yaml, "task.yaml", "dsl") == dsl


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_formatting_is_done_at_once(path: Path) -> None:
    once = formatted(path.read_text(encoding="utf-8"), "a.yaml")
    assert formatted(once, "a.yaml") == once


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("automlc 1\ntask = x", "E113", 2, 6),
        ("automlc 1\nsearch: tpe", "E113", 2, 7),
        ("automlc 1 }", "E114", 1, 11),
        ("budget { trials 3", "E114", 1, 8),
        ("expand [a, b", "E114", 1, 8),
        ("expand [a }", "E114", 1, 11),
        ('name "abc', "E115", 1, 6),
        ('name "a\\qb"', "E115", 1, 6),
        ("name", "E113", 1, 1),
        ("budget fast { trials 3 }", "E116", 1, 8),
        ("budget { lr ~ float(0, 1) }", "E117", 1, 10),
        ("seed 1\nseed 2", "E103", 2, 1),
        ("{ a 1 }", "E113", 1, 1),
        ("space { model { conv2d(8) } }", "E116", 1, 24),
        ("space { model { choice x { a 3 } } }", "E116", 1, 28),
        ("seed 1" + "0" * 50, "E111", 1, 6),
        ("a \x01", "E107", 1, 3),
        ("a " + "[" * 200, "E106", 1, 67),
    ],
)
def test_mistakes_have_codes_and_places(text: str, code: str, line: int, column: int) -> None:
    _, found = parse_aml(text, "task.aml")
    assert (code, line, column) in [
        (d.code, d.span.line, d.span.column) for d in found if d.span is not None
    ]


def test_one_mistake_does_not_hide_the_next() -> None:
    text = "automlc = 1\ntask x }\nspace { lr ~ }\nbudget [ }\nname"
    _, found = parse_aml(text, "task.aml")
    assert {d.span.line for d in found if d.span} >= {1, 2, 3, 4, 5}


def test_a_bracket_that_is_never_closed_does_not_take_the_rest() -> None:
    text = "automlc 1\nspace {\n  lr ~ float(0, 1\n  depth ~ int(1, 3)\n}\nsearch tpe\n"
    root, _ = parse_aml(text, "task.aml")
    assert root is not None
    plain = to_plain(root)
    assert plain["search"] == "tpe"
    assert plain["space"]["parameters"]["depth"] == "int(1, 3)"


def test_deep_and_long_texts_end_soon() -> None:
    for text in ("a {" * 20_000, "(" * 20_000, "a (\n" * 20_000, '"' * 20_000, "a~" * 20_000):
        parse_aml(text, "task.aml")


# Generated specs ----------------------------------------------------------------------------------

words = st.one_of(
    st.sampled_from(
        ["a", "no", "on", "null", "true", "1e-3", "5MB", "25%", "-", "~", "=", "when", "default 3",
         "a: b", "#x", "x # y", "a, b", "[", "{}", "(", ")", "x }", "'", '"', "a ; b", "é", "a\nb",
         "a == b", "builtin:digits", "hf://x@y", "../x y.csv", "float(0, 1)", " a", "a ", "\t"]
    ),
    st.text(max_size=12).filter(lambda t: t.isprintable()),
)  # fmt: skip
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    words,
)
keys = st.one_of(
    st.sampled_from(["kind", "metric", "choice", "float", "when", "of", "body", "args"]), words
)
trees = st.recursive(
    values,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=12,
)
domains = st.one_of(
    words,
    st.fixed_dictionaries(
        {"choice": st.lists(values, min_size=1, max_size=3)},
        optional={"default": values, "when": words, "step": values},
    ),
    st.fixed_dictionaries({"fixed": values}, optional={"when": words}),
    trees,
)
layer = st.deferred(lambda: layers_of)
arguments = st.dictionaries(
    st.sampled_from(["filters", "kernel", "size"]),
    st.one_of(values, st.lists(values, max_size=2)),
    min_size=1,
    max_size=2,
)
layers_of: Any = st.one_of(
    st.sampled_from(["flatten", "batch_norm"]),
    st.fixed_dictionaries({"conv2d": arguments}, optional={"when": words}),
    st.fixed_dictionaries({"flatten": st.none(), "when": words}),
    st.fixed_dictionaries(
        {"choice": words, "of": st.dictionaries(words, st.lists(layer, max_size=2), max_size=2)},
        optional={"when": words},
    ),
    st.fixed_dictionaries(
        {"repeat": values, "body": st.lists(layer, max_size=2)},
        optional={"as": words, "when": words},
    ),
    st.fixed_dictionaries(
        {"residual": st.lists(layer, max_size=2)},
        optional={"stride": values, "project": st.booleans(), "when": words},
    ),
    trees.filter(lambda t: isinstance(t, dict)),
)
sections = st.fixed_dictionaries(
    {"automlc": st.just(1)},
    optional={
        "name": words,
        "task": st.dictionaries(st.sampled_from(["kind", "metric", "target"]), values, max_size=3),
        "data": st.fixed_dictionaries({"source": words}, optional={"split": trees, "x": trees}),
        "space": st.fixed_dictionaries(
            {},
            optional={
                "preset": words,
                "parameters": st.dictionaries(words, domains, max_size=3),
                "forbid": st.lists(words, max_size=3),
                "blocks": st.dictionaries(
                    words,
                    st.one_of(
                        st.lists(layer, max_size=2),
                        st.fixed_dictionaries(
                            {
                                "args": st.lists(words, max_size=2),
                                "body": st.lists(layer, max_size=2),
                            }
                        ),
                    ),
                    max_size=2,
                ),
                "model": st.lists(layer, max_size=3),
                "expand": st.lists(words, max_size=2),
            },
        ),
        "constraints": st.lists(words, max_size=3),
        "rules": st.one_of(
            words,
            st.fixed_dictionaries({}, optional={"use": words, "when": st.lists(words, max_size=2)}),
        ),
        "search": st.one_of(
            words, st.dictionaries(st.sampled_from(["strategy", "n"]), values, max_size=2)
        ),
        "budget": st.dictionaries(words, trees, max_size=3),
        "profiles": st.dictionaries(words, st.dictionaries(words, trees, max_size=2), max_size=2),
    },
)  # fmt: skip


def tree_of(plain: Any) -> MappingNode:
    """A plain value as nodes, by way of JSON, which is YAML."""
    import json

    root, found = parse_yaml(json.dumps(plain, ensure_ascii=False), "a.yaml")
    assert found == []
    assert isinstance(root, MappingNode)
    return root


@given(sections)
def test_converting_there_and_back_loses_nothing(plain: dict[str, Any]) -> None:
    root = tree_of(plain)
    text = tree_text(root)
    dsl = formatted(text, "a.yaml", "dsl")
    back, found = parse_aml(dsl, "a.aml")
    assert found == []
    assert back is not None
    assert same_tree(root, back)
    again, found = parse_yaml(formatted(dsl, "a.aml", "yaml"), "a.yaml")
    assert found == []
    assert again is not None
    assert same_tree(root, again)
    assert formatted(dsl, "a.aml") == dsl


@settings(deadline=None)
@given(sections)
def test_what_is_written_as_it_should_be_is_no_habit_of_another_language(
    plain: dict[str, Any],
) -> None:
    text = formatted(tree_text(tree_of(plain)), "a.yaml", "dsl")
    assume(text.count("(") == text.count(")"))  # else one is missing, whoever wrote it
    assert as_meant(text, "a.aml") is None


@pytest.mark.parametrize("path", [*EXAMPLES, *PRESETS], ids=str)
def test_good_specs_have_no_habit_of_another_language(path: Path) -> None:
    assert as_meant(formatted(path.read_text(encoding="utf-8"), "a.yaml", "dsl"), "a.aml") is None


@given(sections, st.integers(0, 2**32))
def test_comments_survive(plain: dict[str, Any], seed: int) -> None:
    rng = random.Random(seed)
    lines, wanted = [], []
    for number, line in enumerate(tree_text(tree_of(plain)).splitlines()):
        if rng.random() < 0.3:
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}# before {number}")
            wanted.append(f"# before {number}")
        lines.append(line)
    text = "\n".join(lines) + "\n"
    for to in ("yaml", "dsl"):
        made = formatted(text, "a.yaml", to)  # type: ignore[arg-type]
        assert all(made.count(f"{comment}\n") == 1 for comment in wanted)


@given(st.text(max_size=200))
def test_any_text_is_read_or_diagnosed(text: str) -> None:
    root, found = parse_aml(text, "task.aml")
    assert root is not None or found or not text.strip(" \t\n;\r\x85\u2028\u2029") or "#" in text
    for diagnostic in found:
        assert diagnostic.span is not None


@given(st.text(alphabet="ab {}[]();,~=:#\"'\n\\1", max_size=120))
def test_any_mixture_of_signs_is_read_or_diagnosed(text: str) -> None:
    root, found = parse_aml(text, "task.aml")
    if not found and isinstance(root, MappingNode) and root.items:
        try:
            made = formatted(text, "a.aml")
        except SpecError:
            return
        assert formatted(made, "a.aml") == made
