"""What is wrong with a spec is the same on both surfaces, each with places of its own."""

from collections import Counter
from pathlib import Path

import pytest

from automlc.cli.fixing import check_text
from automlc.spec.errors import SpecError
from automlc.spec.fixing import fix_text
from automlc.spec.formatting import formatted
from automlc.spec.load import load_text
from automlc.spec.yaml_nodes import MappingNode, decode, parse_yaml

BAD = Path(__file__).parents[1] / "bad" / "specs"

# Characters in keys: conversion writes such keys between quotes, where they are the writer's own.
KEYS = {"lookalike_blank", "lookalike_colon", "lookalike_invisible"}


def readable() -> list[Path]:
    """Bad specs whose syntax is right."""
    paths = []
    for path in sorted(set(BAD.glob("*.yaml")) - {BAD / f"{name}.yaml" for name in KEYS}):
        text, refused = decode(path.read_bytes(), path.name)
        root, found = parse_yaml(text, path.name)
        if refused is None and isinstance(root, MappingNode) and not found:
            paths.append(path)
    return paths


READABLE = readable()
UNSAID = {  # sections of a wrong kind, such as a text as `task`: refused by fmt
    *("domain_square_brackets", "empty_sections", "forbid_not_a_list", "layer_without_dash"),
    *("lists_and_texts_swapped", "model_not_a_list", "task_as_word", "yaml_no_space_after_colon"),
    # `{lr: float(0, 1)}`: between braces YAML ends a value at a comma, which gives the value
    # `float(0` and the key `1)`. Statements end at `;`, so nobody can write that by accident, and
    # what conversion made of it was a parameter called `1)`. In `e:` the domain is missing, which
    # a statement cannot say: `e ~ null` has one.
    *("condition_comma_in_braces", "domain_in_braces", "domain_two_or_none", "many_mistakes"),
}


def told(text: str, file: str) -> list[tuple[str, str]]:
    try:
        found = load_text(text, file).warnings
    except SpecError as error:
        found = tuple(error.diagnostics)
    lines = text.split("\n")
    for one in found:
        assert one.span is not None
        assert one.span.file == file
        assert 1 <= one.span.line <= len(lines)
        assert 1 <= one.span.column <= len(lines[one.span.line - 1]) + 1
    return sorted((one.code, one.message) for one in found)


def test_there_are_bad_specs_to_convert() -> None:
    assert len(READABLE) > 20


@pytest.mark.parametrize("path", READABLE, ids=lambda p: p.stem)
def test_a_converted_spec_has_the_same_mistakes(path: Path) -> None:
    text = decode(path.read_bytes(), path.name)[0]
    if path.stem in UNSAID:
        with pytest.raises(SpecError) as caught:
            formatted(text, "task.yaml", "dsl")
        assert [one.code for one in caught.value.diagnostics] == ["E118"]
        return
    dsl = formatted(text, "task.yaml", "dsl")
    assert told(dsl, "task.aml") == told(text, "task.yaml")


@pytest.mark.parametrize("name", ["condition_comma_in_braces", "domain_in_braces"])
def test_what_braces_cut_off_can_be_converted_once_it_is_fixed(name: str) -> None:
    text = (BAD / f"{name}.yaml").read_text(encoding="utf-8")
    fixed = fix_text(text, "task.yaml", lambda one: check_text(one, "task.yaml"))
    dsl = formatted(fixed.text, "task.yaml", "dsl")
    assert "null" not in dsl
    assert told(dsl, "task.aml") == told(fixed.text, "task.yaml")


def fixes(text: str, file: str) -> Counter[tuple[str, str]]:
    return Counter((one.code, one.key) for one in check_text(text, file).found if one.fix)


def both(path: Path) -> tuple[str, str]:
    """A text, and the same as statements."""
    text = decode(path.read_bytes(), path.name)[0]
    return text, formatted(text, "task.yaml", "dsl")


SAID = [path for path in READABLE if path.stem not in UNSAID]


@pytest.mark.parametrize("path", SAID, ids=lambda p: p.stem)
def test_what_has_a_fix_as_yaml_has_one_as_statements(path: Path) -> None:
    text, dsl = both(path)
    assert not fixes(text, "task.yaml") - fixes(dsl, "task.aml")


def count() -> None:
    """Print how many findings have fixes on each surface."""
    for index, surface in enumerate(("task.yaml", "task.aml")):
        found = [one for p in SAID for one in check_text(both(p)[index], surface).found]
        print(surface, len(found), "findings,", sum(one.fix is not None for one in found), "fixes")


if __name__ == "__main__":
    count()
