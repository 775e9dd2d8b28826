"""The laws of laying one tree of a spec over another."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from automlc.spec.diagnostics import Span
from automlc.spec.merge import overlay
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, to_plain

NOWHERE = Span("x", 1, 1, 1, 2)
EMPTY = MappingNode((), NOWHERE)


def tree(value: Any) -> Node:
    """Plain data as nodes."""
    if isinstance(value, dict):
        items = ((ScalarNode(k, k, NOWHERE), tree(v)) for k, v in value.items())
        return MappingNode(tuple(items), NOWHERE)
    if isinstance(value, list):
        return SequenceNode(tuple(tree(item) for item in value), NOWHERE)
    return ScalarNode(value, "" if value is None else str(value), NOWHERE)


def over(*values: Any) -> Any:
    """Plain data laid over one another, the first at the bottom."""
    result = tree(values[0])
    for value in values[1:]:
        above = tree(value)
        assert isinstance(result, MappingNode)
        assert isinstance(above, MappingNode)
        result = overlay(result, above)
    return to_plain(result)


SCALARS = st.integers(0, 9) | st.sampled_from(["a", "b", True])
LEAVES = SCALARS | st.lists(SCALARS, max_size=3)
KEYS = st.sampled_from(["task", "data", "budget", "x", "y"])
ANY = st.recursive(
    st.none() | LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
TREES = st.dictionaries(KEYS, ANY, max_size=4)
# Trees in which a key is a section everywhere or a value everywhere, and nothing is taken away.
LIKE = st.fixed_dictionaries(
    {},
    optional={
        "budget": st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3),
        "data": st.fixed_dictionaries(
            {},
            optional={
                "split": st.dictionaries(st.sampled_from("ab"), LEAVES, max_size=2),
                "source": LEAVES,
            },
        ),
        "seed": LEAVES,
    },
)


def patched(below: Any, above: Any) -> Any:
    """RFC 7396, written down from its text."""
    if not isinstance(above, dict):
        return above
    result = dict(below) if isinstance(below, dict) else {}
    for key, value in above.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value)
    return result


@given(TREES, TREES)
def test_it_is_a_merge_patch(below: Any, above: Any) -> None:
    assert over(below, above) == patched(below, above)


@given(TREES)
def test_an_empty_tree_changes_nothing(value: Any) -> None:
    assert over(value, {}) == value


@given(TREES, TREES)
def test_what_is_laid_over_last_is_what_holds(below: Any, above: Any) -> None:
    once = over(below, above)
    assert over(below, above, above) == once
    for key, value in above.items():
        if not isinstance(value, dict):
            assert once.get(key) == value


@given(LIKE, LIKE, LIKE)
def test_layers_of_one_shape_may_be_joined_in_any_order(a: Any, b: Any, c: Any) -> None:
    assert over(over(a, b), c) == over(a, over(b, c))


@given(TREES, TREES)
def test_keys_keep_the_order_of_their_first_mention(below: Any, above: Any) -> None:
    merged = list(over(below, above))
    kept = [key for key in below if key in merged]
    assert [key for key in merged if key in below] == kept
    assert merged == kept + [key for key in above if key in merged and key not in below]


@given(TREES, TREES)
def test_the_trees_themselves_stay_as_they_are(below: Any, above: Any) -> None:
    first, second = tree(below), tree(above)
    assert isinstance(first, MappingNode)
    assert isinstance(second, MappingNode)
    overlay(first, second)
    assert to_plain(first) == below
    assert to_plain(second) == above


def test_a_parameter_and_a_block_are_replaced_whole() -> None:
    below = {"space": {"parameters": {"lr": {"float": [0, 1], "default": 0.5}, "width": 8}}}
    above = {"space": {"parameters": {"lr": {"log_uniform": [0.1, 1]}}}}
    assert over(below, above) == {
        "space": {"parameters": {"lr": {"log_uniform": [0.1, 1]}, "width": 8}}
    }
    below = {"space": {"blocks": {"head": {"args": ["n"], "body": ["flatten"]}}}}
    above = {"space": {"blocks": {"head": {"body": ["flatten", "dense"]}}}}
    assert over(below, above) == above


def test_null_inside_a_parameter_is_a_value() -> None:
    value = {"space": {"parameters": {"a": {"choice": [None, 1], "default": None}}}}
    assert over({}, value) == value


def test_a_word_is_the_long_form_of_its_section() -> None:
    assert over({"search": "gp"}, {"search": {"startup": 5}}) == {
        "search": {"strategy": "gp", "startup": 5}
    }
    assert over({"backend": "keras"}, {"backend": {"device": "cpu"}}) == {
        "backend": {"kind": "keras", "device": "cpu"}
    }
    assert over({"search": {"strategy": "gp", "startup": 5}}, {"search": "gp"}) == {"search": "gp"}


def test_options_do_not_outlive_the_strategy_they_were_written_for() -> None:
    below = {"search": {"strategy": "tpe", "startup": 5}, "stopping": {"policy": "asha", "eta": 4}}
    above = {"search": {"strategy": "random"}, "stopping": {"policy": "asha", "min_epochs": 2}}
    assert over(below, above) == {
        "search": {"strategy": "random"},
        "stopping": {"policy": "asha", "eta": 4, "min_epochs": 2},
    }
    assert over({"search": "tpe"}, {"search": {"strategy": "gp"}}) == {"search": {"strategy": "gp"}}
