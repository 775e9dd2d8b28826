"""Text and numbers of a spec reach emitted code as literals or identifiers, or not at all."""

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.backends.literals import Identifier, assignment, literal

PAYLOADS = [
    'x"; __import__("os").system("true") #',
    "x'; __import__('os').system('true') #",
    '"""',
    "'''",
    "\\",
    "\\'",
    "a\nb",
    "a\rb",
    "a\x00b",
    "\u2028\u2029",
    "\u202e",
    "\ud800",
    "{{ 7 * 7 }}",
    "{x}",
    "%s",
    "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "# noqa",
    "x" * 5000,
]
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def value_of(code: str) -> object:
    """The value of emitted code that may only be a literal or float("...")."""
    tree = ast.parse(code, mode="eval").body
    if isinstance(tree, ast.Call):
        assert isinstance(tree.func, ast.Name)
        assert (tree.func.id, len(tree.args), tree.keywords) == ("float", 1, [])
        return float(ast.literal_eval(tree.args[0]))
    return ast.literal_eval(tree)


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda p: ascii(p)[:20])
def test_a_payload_stays_one_constant(payload: str) -> None:
    code = literal(payload)
    assert code.isascii()
    assert "\n" not in code
    assert value_of(code) == payload
    tree = ast.parse(assignment("NAME", payload))
    assert [type(n) for n in ast.walk(tree)] == [
        type(n) for n in ast.walk(ast.parse(assignment("NAME", "benign")))
    ]


@given(st.text(alphabet=st.characters()))
def test_any_text_is_one_ascii_constant_with_its_value(text: str) -> None:
    code = literal(text)
    assert code.isascii()
    assert isinstance(ast.parse(code, mode="eval").body, ast.Constant)
    assert value_of(code) == text


@given(plain)
def test_any_plain_value_comes_back(value: object) -> None:
    if "float(" in literal(value):
        return  # an infinity inside a list is a call, see below
    assert value_of(literal(value)) == value
    (statement,) = ast.parse(assignment("NAME", value)).body
    assert isinstance(statement, ast.Assign)
    assert ast.literal_eval(statement.value) == value


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinities_are_calls_of_float(value: float) -> None:
    assert value_of(literal(value)) == value


def test_nan_is_a_call_of_float() -> None:
    assert math.isnan(float(str(value_of(literal(math.nan)))))


class Hostile(int):
    def __repr__(self) -> str:
        return "__import__('os').system('true')"


class HostileText(str):
    def __repr__(self) -> str:
        return "__import__('os').system('true')"


@pytest.mark.parametrize("value", [object(), Hostile(1), b"x", {1, 2}, lambda: 1, 1j])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        literal(value)


def test_a_text_cannot_bring_its_own_repr() -> None:
    assert value_of(literal(HostileText("x"))) == "x"


@pytest.mark.parametrize(
    "name", ["class", "\uff46oo", "\xe9vil", "a b", "a;b", "1a", "", "a.b", "a-b", "None", "a\n"]
)
def test_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        Identifier(name)
