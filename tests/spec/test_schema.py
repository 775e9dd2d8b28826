"""The JSON Schema says what the models say."""

from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from automlc.cli.schema import command
from automlc.spec.declarations import DOMAINS
from automlc.spec.keys import LAYERED
from automlc.spec.model import Spec
from automlc.spec.schema import DIALECT, json_schema


def walk(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [node for item in schema for node in walk(item)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(node for value in schema.values() for node in walk(value))]


def test_every_key_is_described() -> None:
    schema = json_schema()
    assert schema["$schema"] == DIALECT
    sections = [schema, *schema["$defs"].values()]
    for section in sections:
        for name, key in section.get("properties", {}).items():
            assert key.get("description"), f"{section.get('title')}.{name} has no description"


def test_sections_and_required_keys_are_those_of_the_models() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == {*Spec.model_fields, *LAYERED}
    assert set(schema["else"]["required"]) == {"automlc", "task", "data"}
    assert schema["additionalProperties"] is False
    assert "options" not in schema["$defs"]["Search"]["properties"]


def test_every_reference_leads_somewhere() -> None:
    schema = json_schema()
    for node in walk(schema):
        if isinstance(node.get("$ref"), str):
            assert node["$ref"].removeprefix("#/$defs/") in schema["$defs"]
        assert "$comment" not in node


def test_all_domains_are_described() -> None:
    parameter = json_schema()["$defs"]["Parameter"]
    assert set(DOMAINS) <= set(parameter["anyOf"][1]["properties"])


def test_the_command_prints_sorted_json() -> None:
    import json

    text = CliRunner().invoke(command, []).output
    assert json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n" == text


TASK = {"kind": "tabular_regression"}
DATA = {"source": "builtin:diabetes"}


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"automlc": 1, "task": TASK, "data": DATA}, True),
        ({"automlc": 1, "task": TASK}, False),
        ({"automlc": 1, "task": {"metric": "mae"}, "data": DATA}, False),
        ({"extends": "base.yaml", "task": {"metric": "mae"}}, True),
        ({"extends": ["a.yaml", "b.yaml"]}, True),
        ({"extends": 3}, False),
        ({"extends": "base.yaml", "profiles": {"smoke": {"budget": {"trials": 2}}}}, True),
        ({"extends": "base.yaml", "profiles": {"smoke": {"budget": {"trials": None}}}}, True),
        ({"extends": "base.yaml", "profiles": {"smoke": {"task": {"metric": "mae"}}}}, True),
        ({"extends": "base.yaml", "profiles": {"smoke": {"budget": {"trails": 2}}}}, False),
        ({"extends": "base.yaml", "profiles": {"smoke": {"extends": "b.yaml"}}}, False),
        ({"extends": "base.yaml", "profiles": {"a b": {}}}, False),
    ],
)
def test_bases_and_profiles_are_known_to_editors(spec: dict[str, Any], fits: bool) -> None:
    assert Draft202012Validator(json_schema()).is_valid(spec) is fits


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"data": {**DATA, "split": {"validation": 0.2, "test": "20%"}}}, True),
        ({"data": {**DATA, "split": {"validation": "20 %"}}}, True),
        ({"data": {**DATA, "split": {"validation": 20}}}, False),
        ({"data": {**DATA, "split": {"validation": 0}}}, False),
        ({"data": {**DATA, "split": {"test": 0}}}, True),
        ({"data": {**DATA, "split": {"validation": "20"}}}, False),
        ({"data": DATA, "monitor": {"slow": "1%", "dying": 1}}, True),
        ({"data": DATA, "monitor": {"slow": None}}, True),
        ({"data": DATA, "monitor": {"dying": 1.5}}, False),
    ],
)
def test_fractions_have_bounds_and_may_be_percentages(spec: dict[str, Any], fits: bool) -> None:
    whole = {"automlc": 1, "task": TASK, **spec}
    assert Draft202012Validator(json_schema()).is_valid(whole) is fits
