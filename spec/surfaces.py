"""A whole file on one surface whose name tells of the other: YAML or JSON as .aml, and the reverse.

Asked only of files that cannot be read as what their names say.
"""

from __future__ import annotations

import re

from automlc.spec.diagnostics import Diagnostic, Fix, put
from automlc.spec.yaml_nodes import MappingNode, Node, parse_yaml

_YAML = re.compile(r"""^\{?\s*["']?(automlc|task|data)["']?\s*:""", re.MULTILINE)
_DSL = re.compile(
    r"^(automlc[ \t]+\d|task[ \t]+\w+[ \t]*(\{|$)|data[ \t]+\S+[ \t]*(\{|$))", re.MULTILINE
)


def written_as_yaml(text: str, file: str) -> Diagnostic | None:
    """What is said of YAML in an `.aml` file; None for other texts."""
    if not _YAML.search(text):
        return None
    root, found = parse_yaml(text, file)
    if found or not _is_spec(root):
        return None
    hint = "end its name with .yaml, or write statements, such as automlc 1"
    message = "this file is written as YAML, and its name ends with .aml"
    return _told(message, hint, root, _converted(text, root, "task.yaml", "dsl"))


def written_as_dsl(text: str, file: str) -> Diagnostic | None:
    """What is said of statements in a YAML file; None for other texts."""
    if not _DSL.search(text):
        return None
    from automlc.spec.aml import parse_plain
    from automlc.spec.aml_tokens import Places

    root, found = parse_plain(text, Places(text, file))
    if found or not _is_spec(root):
        return None
    hint = "end its name with .aml, or write keys with colons, such as automlc: 1"
    message = "this file is written in statements, and its name does not end with .aml"
    return _told(message, hint, root, _converted(text, root, "task.aml", "yaml"))


def _is_spec(root: Node | None) -> bool:
    if not isinstance(root, MappingNode):
        return False
    return isinstance(root.get("task"), MappingNode) or isinstance(root.get("data"), MappingNode)


def _told(message: str, hint: str, root: Node | None, fix: Fix | None) -> Diagnostic:
    assert isinstance(root, MappingNode)
    return Diagnostic("E119", message, root.items[0][0].span, hint, fix=fix)


def _converted(text: str, root: Node | None, file: str, to: str) -> Fix | None:
    """The edit that writes the whole file on the other surface; None for what it cannot say."""
    from automlc.spec.aml_tokens import Places
    from automlc.spec.errors import SpecError
    from automlc.spec.formatting import formatted

    assert root is not None
    try:
        made = formatted(text, file, "dsl" if to == "dsl" else "yaml")
    except SpecError:
        return None
    body = text.removeprefix("\ufeff")
    return put(Places(body, root.span.file).span(0, len(body)), made, safe=False)
