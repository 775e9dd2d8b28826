"""Domains, spaces and their laws."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.spec.declarations import parse_domain
from automlc.spec.domains import (
    Choice,
    Domain,
    Fixed,
    Float,
    Integer,
    Parameter,
    Space,
    domain_from_json,
)
from automlc.spec.errors import SpecError
from automlc.spec.expressions import Scalar, parse
from automlc.spec.identifiers import check_identifier
from automlc.spec.references import check_references


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("int(1, 8)", Integer(1, 8)),
        ("int(1, 9, 2)", Integer(1, 9, 2)),
        ("int(-3, -1)", Integer(-3, -1)),
        ("int(1k, 2k)", Integer(1000, 2000)),
        ("log_int(16, 512)", Integer(16, 512, log=True)),
        ("float(0, 0.5)", Float(0.0, 0.5)),
        ("uniform(0, 0.5)", Float(0.0, 0.5)),
        ("log_uniform(1e-4, 1e-1)", Float(1e-4, 1e-1, log=True)),
        ("log(1e-4, 1e-1)", Float(1e-4, 1e-1, log=True)),
        ("float(10%, 50%)", Float(0.1, 0.5)),
        (
            'choice(a, b.c, "c d", 3, true, null, -1)',
            Choice(("a", "b.c", "c d", 3, True, None, -1)),
        ),
        ("choice(1, true)", Choice((1, True))),
        ("fixed(3)", Fixed(3)),
        ("fixed(word)", Fixed("word")),
        ("relu", Fixed("relu")),
        (0.1, Fixed(0.1)),
        (True, Fixed(True)),
        (None, Fixed(None)),
    ],
)
def test_domains_are_read_and_written(text: Scalar, domain: Domain) -> None:
    assert parse_domain(text)[0] == domain
    assert parse_domain(str(domain))[0] == domain
    assert domain_from_json(json.loads(json.dumps(domain.to_json()))) == domain


def test_a_wrong_domain_raises_with_its_code() -> None:
    with pytest.raises(SpecError) as caught:
        parse_domain("int(8, 1)", "space.parameters.depth")
    assert [(d.code, d.key) for d in caught.value.diagnostics] == [
        ("E302", "space.parameters.depth")
    ]


def test_membership_is_strict_about_types() -> None:
    assert Choice((1, "a")).contains(1.0)
    assert not Choice((1, "a")).contains(True)
    assert not Choice((1, "a")).contains("1")
    assert not Integer(1, 8).contains(2.0)
    assert not Integer(0, 1).contains(True)
    assert Integer(1, 9, 2).contains(3)
    assert not Integer(1, 9, 2).contains(4)
    assert Float(0, 1).contains(1)
    assert not Float(0, 1).contains(True)
    assert not Float(0, 1).contains(float("nan"))


@st.composite
def domains(draw: st.DrawFn) -> Domain:
    kind = draw(st.sampled_from(["choice", "int", "float", "fixed"]))
    log = draw(st.booleans())
    scalars = st.one_of(st.booleans(), st.integers(-99, 99), st.text("ab \"\\'", max_size=4))
    if kind == "choice":
        values = draw(st.lists(scalars, min_size=1, max_size=5, unique_by=lambda v: (type(v), v)))
        return Choice(tuple(values))
    if kind == "int":
        low = draw(st.integers(1 if log else -100, 100))
        size = draw(st.integers(0, 1000))
        return Integer(low, low + size, draw(st.integers(1, max(1, size))), log)
    if kind == "float":
        low = draw(st.floats(1e-8 if log else -100, 100, allow_subnormal=False))
        return Float(low, low + draw(st.floats(0, 100)), log)
    return Fixed(draw(scalars))


@settings(max_examples=300, deadline=None)
@given(domains(), st.integers(0, 2**32))
def test_samples_and_defaults_are_members(domain: Domain, seed: int) -> None:
    value = domain.sample(random.Random(seed))
    assert domain.contains(value)
    assert domain.contains(domain.default())
    assert value == domain.sample(random.Random(seed))
    assert domain_from_json(domain.to_json()) == domain
    assert parse_domain(str(domain))[0] == domain


def test_a_log_integer_reaches_both_ends() -> None:
    drawn = {Integer(1, 4, log=True).sample(random.Random(seed)) for seed in range(200)}
    assert drawn == {1, 2, 3, 4}


def make_space() -> Space:
    return Space(
        [
            Parameter("momentum", Float(0, 1), 0.5, parse('optimizer == "sgd"')),
            Parameter("nesterov", Choice((True, False)), True, parse("momentum > 0.1")),
            Parameter("optimizer", Choice(("sgd", "adam")), "sgd"),
            Parameter("depth", Integer(1, 8), 4),
        ],
        [parse("depth > 6 and nesterov")],
    )


def test_a_space_puts_what_conditions_name_first() -> None:
    assert make_space().names == ("optimizer", "momentum", "nesterov", "depth")


def test_inactive_parameters_are_no_keys() -> None:
    space = make_space()
    adam: dict[str, Scalar] = {"optimizer": "adam", "depth": 8}
    assert space.active(adam) == ("optimizer", "depth")
    assert space.problems(adam) == []
    assert space.default_config() == {
        "optimizer": "sgd",
        "momentum": 0.5,
        "nesterov": True,
        "depth": 4,
    }


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"optimizer": "adam", "depth": 8, "momentum": 0.1}, "momentum is not active"),
        ({"optimizer": "adam"}, "depth has no value"),
        ({"optimizer": "adam", "depth": 9}, "depth = 9 is not in int(1, 8)"),
        ({"optimizer": "adam", "depth": 8, "dept": 8}, "did you mean depth?"),
        (
            {"optimizer": "sgd", "momentum": 0.5, "nesterov": True, "depth": 7},
            "forbidden: depth > 6 and nesterov",
        ),
    ],
)
def test_problems_of_a_configuration(config: dict[str, Scalar], problem: str) -> None:
    problems = make_space().problems(config)
    assert len(problems) == 1
    assert problem in problems[0]


def test_a_forbidden_combination_of_inactive_parameters_does_not_apply() -> None:
    assert make_space().problems({"optimizer": "adam", "depth": 8}) == []


def test_a_space_survives_json() -> None:
    space = make_space()
    assert Space.from_json(json.loads(json.dumps(space.to_json()))) == space


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_samples_have_no_problems_but_forbidden_ones(seed: int) -> None:
    space = make_space()
    config = space.sample(random.Random(seed))
    assert tuple(config) == space.active(config)
    assert all(p.startswith("forbidden") for p in space.problems(config))
    assert config == space.sample(random.Random(seed))


def test_cardinality_where_nothing_is_conditional() -> None:
    parameters = [
        Parameter("a", Integer(1, 9, 2), 1),
        Parameter("b", Choice(("x", "y")), "x"),
        Parameter("c", Fixed(3), 3),
    ]
    assert Space(parameters).cardinality() == 10
    assert Space([*parameters, Parameter("d", Float(0, 1), 0.5)]).cardinality() is None
    assert Space(parameters, [parse("a > 3")]).cardinality() is None
    assert make_space().cardinality() is None


def test_circles_are_named() -> None:
    parameters = [
        Parameter("a", Integer(1, 2), 1, parse("b > 1")),
        Parameter("b", Integer(1, 2), 1, parse("a > 1")),
    ]
    with pytest.raises(SpecError, match="a needs b needs a"):
        Space(parameters)
    assert [d.code for d in check_references(parameters, [])] == ["E308"]


def test_long_chains_of_conditions_need_no_recursion() -> None:
    count = 3000
    chain = [Parameter(f"p{i}", Integer(1, 2), 2, parse(f"p{i + 1} > 1")) for i in range(count)]
    space = Space([*chain, Parameter(f"p{count}", Integer(1, 2), 2)])
    assert space.names[0] == f"p{count}"
    assert len(space.default_config()) == count + 1


@pytest.mark.parametrize(
    "name",
    ["class", "\uff46oo", "con", "../../etc", "__init__", "os", "évil", "x" * 65, "", "Lr", "min"],
)
def test_names_that_cannot_be_used(name: str) -> None:
    assert check_identifier(name) is not None


@pytest.mark.parametrize("name", ["lr", "weight_decay", "x" * 64, "b1"])
def test_names_that_can_be_used(name: str) -> None:
    assert check_identifier(name) is None
