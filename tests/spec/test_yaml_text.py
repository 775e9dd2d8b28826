"""A tree as text is the same tree when it is read again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.spec.diagnostics import Span
from automlc.spec.yaml_nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    parse_yaml,
    to_plain,
)
from automlc.spec.yaml_text import tree_text

NOWHERE = Span("x", 1, 1, 1, 2)
# What YAML might take for something else, and what specs are full of.
TRAPS = [
    *("", "null", "~", "no", "1e-3", "0x10", "- a", "a: b", "a #b", "#", "[", "*x", "!t", "'", '"'),
    *("log_uniform(1e-4, 1e-1)", 'optimizer == "sgd"', "model.size <= 5MB", "a,b", "builtin:x"),
]
ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
TEXTS = ANY_TEXT | st.sampled_from(TRAPS)
SCALARS = TEXTS | st.integers(-(10**9), 10**9) | st.booleans() | st.none() | st.floats(-1e9, 1e9)
KEYS = TEXTS.filter(lambda text: text != "<<")
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


def tree(value: Any) -> Node:
    if isinstance(value, dict):
        items = ((ScalarNode(k, k, NOWHERE), tree(v)) for k, v in value.items())
        return MappingNode(tuple(items), NOWHERE)
    if isinstance(value, list):
        return SequenceNode(tuple(tree(item) for item in value), NOWHERE)
    if isinstance(value, str):
        return ScalarNode(value, value, NOWHERE, '"')
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return ScalarNode(value, "" if value is None else text, NOWHERE)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_what_is_written_is_read_again(value: dict[str, Any]) -> None:
    root = tree(value)
    assert isinstance(root, MappingNode)
    for comment in ("", "from somewhere: [here]"):
        text = tree_text(root, lambda _path, _node, said=comment: said)
        read, problems = parse_yaml(text, "x")
        assert problems == []
        assert isinstance(read, MappingNode) or not value
        assert read is None or to_plain(read) == value


@pytest.mark.parametrize("text", ["choice(a, b)", 'a == "b"', "a <= 5MB", "builtin:digits", "2h"])
def test_what_can_be_plain_is_plain(text: str) -> None:
    root = tree({"a": text, "b": [text]})
    assert isinstance(root, MappingNode)
    assert f"a: {text}\n" in tree_text(root)


def test_each_expression_of_a_list_has_its_own_line() -> None:
    root = tree({"constraints": ["model.size <= 5MB", "model.params <= 1M"], "size": [32, 32]})
    assert isinstance(root, MappingNode)
    assert tree_text(root, lambda path, _node: str(path[-1])) == (
        "constraints:\n"
        "  - model.size <= 5MB   # 0\n"
        "  - model.params <= 1M  # 1\n"
        "size: [32, 32]          # size\n"
    )
