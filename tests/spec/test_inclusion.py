"""Inclusion of domains and spaces against looking at every value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Parameter, Space
from automlc.spec.expressions import parse
from automlc.spec.inclusion import configurations, is_within, relate_domains, relate_spaces

VALUES = st.sampled_from([0, 1, 2, 3, 1.0, 2.5, "a", "b", True, False])
GRID = [*range(-1, 12), 0.5, 2.5, 7.25, "a", "b", True, False]


@st.composite
def domains(draw: st.DrawFn) -> Domain:
    kind = draw(st.sampled_from(["choice", "int", "float", "fixed"]))
    if kind == "fixed":
        return Fixed(draw(VALUES))
    if kind == "choice":
        key = st.lists(VALUES, min_size=1, max_size=4, unique_by=lambda v: (type(v) is bool, v))
        return Choice(tuple(draw(key)))
    low = draw(st.integers(0, 6))
    high = draw(st.integers(low, 9))
    if kind == "int":
        return Integer(low, high, draw(st.integers(1, max(1, high - low))))
    return Float(float(low), float(high))


@given(domains(), domains())
def test_inclusion_is_that_of_the_sets(inner: Domain, outer: Domain) -> None:
    # Every bound of the domains above is on the grid, and 0.5 steps tell reals from whole numbers.
    found = [value / 2 for value in range(-2, 24)] if isinstance(inner, Float) else GRID
    points = [value for value in found if inner.contains(value)]
    expected = all(outer.contains(value) for value in points)
    if isinstance(inner, Float) and not isinstance(outer, Float) and inner.low < inner.high:
        expected = False  # a continuum is in no list of values
    assert is_within(inner, outer) == expected


@given(domains(), domains())
def test_the_relation_of_two_domains_has_its_dual(old: Domain, new: Domain) -> None:
    dual = {"same": "same", "wider": "narrower", "narrower": "wider", "other": "other"}
    assert relate_domains(new, old) == dual[relate_domains(old, new)]
    assert relate_domains(old, old) == "same"


def test_a_logarithm_is_another_way_of_drawing_and_not_another_set() -> None:
    assert relate_domains(Float(0.1, 1.0), Float(0.1, 1.0, log=True)) == "same"


def space(*forbidden: str, when: str | None = None, depth: int = 3) -> Space:
    return Space(
        [
            Parameter("kind", Choice(("a", "b")), "a"),
            Parameter("depth", Integer(1, depth), 1, parse(when) if when else None),
        ],
        map(parse, forbidden),
    )


def test_configurations_obey_conditions_and_what_is_forbidden() -> None:
    found = configurations(space('kind == "b" and depth == 3', when='kind == "b"'))
    assert found == [{"kind": "a"}, {"kind": "b", "depth": 1}, {"kind": "b", "depth": 2}]


def test_spaces_that_are_too_large_are_not_decided() -> None:
    assert configurations(space(depth=5000)) is None
    assert relate_spaces(space(depth=5000), space()) is None


def test_a_forbidden_combination_narrows_and_taking_it_away_widens() -> None:
    assert relate_spaces(space(), space("depth == 3")) == "narrower"
    assert relate_spaces(space("depth == 3"), space()) == "wider"
    assert relate_spaces(space("depth == 3"), space("depth > 2")) == "same"
    assert relate_spaces(space("depth == 3"), space("depth == 1")) == "other"
