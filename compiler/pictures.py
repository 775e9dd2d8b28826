"""The search graph as Mermaid and DOT text. Ids are made here; labels are quoted and encoded."""

from __future__ import annotations

from typing import Any

from automlc.compiler.graph import SearchGraph

_SHAPES = {
    "parameter": ("([", "])", "ellipse"),
    "choice": ("{", "}", "diamond"),
    "when": ("{", "}", "diamond"),
    "repeat": ("[[", "]]", "box3d"),
    "residual": ("[[", "]]", "box3d"),
    "constraint": ("{{", "}}", "hexagon"),
    "forbidden": ("{{", "}}", "hexagon"),
}
_LINES = {"condition": "-.->", "uses": "-.->", "bounds": "==>", "contains": "-->"}
_STYLES = {"condition": "dashed", "uses": "dotted", "bounds": "bold"}


def mermaid(graph: SearchGraph) -> str:
    """A Mermaid flowchart."""
    ids = _ids(graph)
    lines = ["flowchart TD"]
    for node in graph.nodes():
        left, right, _ = _SHAPES.get(node["kind"], ("[", "]", "box"))
        lines.append(f'    {ids[node["id"]]}{left}"{_entities(_label(node))}"{right}')
    for edge in graph.edges():
        arrow = _LINES.get(edge["kind"], "-->")
        lines.append(f"    {ids[edge['source']]} {arrow} {ids[edge['target']]}")
    return "\n".join(lines) + "\n"


def dot(graph: SearchGraph) -> str:
    """A Graphviz digraph."""
    ids = _ids(graph)
    lines = ["digraph search {", '    graph [rankdir="TB"];', '    node [fontname="sans-serif"];']
    for node in graph.nodes():
        shape = _SHAPES.get(node["kind"], ("", "", "box"))[2]
        lines.append(f'    {ids[node["id"]]} [shape="{shape}", label="{_escape(_label(node))}"];')
    for edge in graph.edges():
        style = _STYLES.get(edge["kind"], "solid")
        lines.append(f'    {ids[edge["source"]]} -> {ids[edge["target"]]} [style="{style}"];')
    return "\n".join([*lines, "}"]) + "\n"


def _ids(graph: SearchGraph) -> dict[str, str]:
    return {node["id"]: f"n{index}" for index, node in enumerate(graph.nodes())}


def _label(node: dict[str, Any]) -> str:
    match node["kind"]:
        case "parameter":
            return str(node["name"])
        case "operation":
            args = ", ".join(f"{k}={v}" for k, v in node["args"].items())
            return f"{node['op']}({args})" if args else str(node["op"])
        case "when":
            return f"if {node['when']}"
        case "repeat":
            return f"repeat {node['times']}"
        case "choice":
            return f"choice of {node['parameter']}"
        case "constraint" | "forbidden":
            return str(node["text"])
        case "search":
            return f"search: {node['strategy']}"
        case "stopping":
            return f"stopping: {node['policy']}"
        case "metric":
            return f"{node['goal']} {node['metric']}"
        case "data":
            return f"data: {node['label']}"
        case kind:
            return str(kind)


def _entities(text: str) -> str:
    """Only letters, digits and a few signs stand as they are; the rest as Mermaid entities."""
    return "".join(
        c if c.isascii() and (c.isalnum() or c in " _.,:=()/*+-") else f"#{ord(c)};" for c in text
    )


def _escape(text: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean.replace("\\", "\\\\").replace('"', '\\"')
