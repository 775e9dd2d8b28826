"""What a spec of several layers comes to, as one text."""

from __future__ import annotations

from automlc.spec.load import LoadedSpec
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode
from automlc.spec.yaml_text import Path, tree_text

_NOTE = """\
# What this project was compiled from: {summary}.
# Each line tells where its value was said. Paths are seen from the folder of {name}.
"""


def merged_text(loaded: LoadedSpec) -> str:
    """All that is said, nothing of where: moving lines about does not change it."""
    return tree_text(loaded.node)


def project_text(loaded: LoadedSpec) -> str:
    """The same for readers of a project, with the place of each value."""
    assert loaded.layers is not None, "a spec of one file is that file"
    note = _NOTE.format(summary=loaded.layers.summary(), name=loaded.source.path.name)
    tree = loaded.node
    if tree.get("name") is None:
        # A project's spec has another file name, which would be the project's.
        name = ScalarNode(loaded.spec.name, loaded.spec.name, tree.span)
        tree = MappingNode(((ScalarNode("name", "name", tree.span), name), *tree.items), tree.span)

    def place(path: Path, node: Node) -> str:
        is_named = path == ("name",) and loaded.node.get("name") is None
        return "the file's name" if is_named else loaded.place(node.span)

    return note + tree_text(tree, place)
