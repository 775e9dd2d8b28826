"""What is written fits the published JSON Schemas, and they are valid schemas themselves."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from automlc.runtime.plan import Plan
from tests.compiler.spaces import INPUTS, preset_graph, sample


def schema(package: str, name: str) -> dict[str, Any]:
    text = files(package).joinpath(f"schemas/{name}").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    Draft202012Validator.check_schema(found)
    return found


@pytest.mark.parametrize("name", INPUTS)
def test_graphs_and_plans_fit_their_schemas(name: str) -> None:
    graph = preset_graph(name, True)
    frozen = graph.freeze(sample(graph, 1))
    for found in (graph, frozen):
        text = json.loads(found.dumps())
        Draft202012Validator(schema("automlc.compiler", "graph.schema.json")).validate(text)
        plan = json.loads(json.dumps(found.plan().to_json()))
        Draft202012Validator(schema("automlc.runtime", "plan.schema.json")).validate(plan)
        assert Plan.from_json(plan) == found.plan()


def test_the_schema_of_plans_refuses_what_the_reader_refuses() -> None:
    plan = json.loads(json.dumps(preset_graph("digits", False).plan().to_json()))
    validator = Draft202012Validator(schema("automlc.runtime", "plan.schema.json"))
    assert not validator.is_valid({**plan, "extra": 1})
    assert not validator.is_valid({k: v for k, v in plan.items() if k != "seed"})
