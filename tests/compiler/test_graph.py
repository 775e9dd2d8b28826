"""The SearchGraph: JSON round trip, freezing, pictures."""

from __future__ import annotations

import json
from pathlib import Path

import networkx
import pytest

from automlc.compiler.graph import SearchGraph
from automlc.compiler.pictures import dot, mermaid
from automlc.spec.errors import AutomlcError
from tests.compiler.spaces import INPUTS, preset_graph, sample


@pytest.mark.parametrize("name", INPUTS)
def test_a_graph_survives_its_json_form(name: str) -> None:
    graph = preset_graph(name, False)
    again = SearchGraph.from_json(json.loads(graph.dumps()))
    assert again == graph
    assert again.dumps() == graph.dumps()


def test_a_frozen_graph_has_nothing_left_to_search() -> None:
    graph = preset_graph("digits", False)
    config = sample(graph, 3)
    frozen = graph.freeze(config)
    assert frozen.frozen
    assert not graph.frozen
    assert frozen.space.default_config() == config
    assert frozen.costs.evaluate(config) == graph.costs.evaluate(config)


def test_freezing_refuses_a_configuration_of_another_space() -> None:
    graph = preset_graph("digits", False)
    with pytest.raises(AutomlcError, match="not of the space"):
        graph.freeze({**graph.space.default_config(), "depth": 77})


def test_another_schema_is_refused() -> None:
    with pytest.raises(AutomlcError, match="schema"):
        SearchGraph.from_json({"schema": "automlc.graph/99"})
    with pytest.raises(AutomlcError, match="damaged"):
        SearchGraph.from_json({"schema": "automlc.graph/1"})


def test_ids_are_unique_and_edges_join_nodes() -> None:
    graph = preset_graph("color", False)
    ids = [node["id"] for node in graph.nodes()]
    assert len(set(ids)) == len(ids)
    assert {e[k] for e in graph.edges() for k in ("source", "target")} <= set(ids)


def test_conditions_make_no_circle_and_data_reaches_the_metric() -> None:
    found = preset_graph("digits", False).to_networkx()
    assert networkx.is_directed_acyclic_graph(found)
    assert networkx.has_path(found, "data", "metric")


def test_pictures_hold_every_node_and_no_text_that_could_act() -> None:
    graph = preset_graph("mixed", True)
    for picture in (mermaid(graph), dot(graph)):
        for index in range(len(graph.nodes())):
            assert f"n{index}" in picture
    assert mermaid(graph).startswith("flowchart TD\n")
    assert dot(graph).startswith("digraph search {\n")


@pytest.mark.parametrize("text", ["[]", "3", "[" * 100_000, "{}", '{"schema": 1}'])
def test_what_is_no_graph_is_refused(text: str, tmp_path: Path) -> None:
    from automlc.cli.graph import read_graph

    (tmp_path / "graph.json").write_text(text)
    with pytest.raises(AutomlcError):
        read_graph(tmp_path, ())


def test_an_expression_that_names_nothing_of_the_graph_is_damage() -> None:
    data = preset_graph("digits", regression=False).to_json()
    node = next(n for n in data["nodes"] if n.get("when"))
    node["when"] = "gone == 1"
    with pytest.raises(AutomlcError, match="damaged"):
        SearchGraph.from_json(data)
