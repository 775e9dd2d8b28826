"""One tree of a spec laid over another.

The rules are those of JSON Merge Patch (RFC 7396), with what the language needs besides:

- mappings merge key by key; lists and single values are replaced whole;
- `key: null` above takes the key away, so that its default holds;
- a parameter of the space and a named block are one value each and replaced whole;
- a section that is one word below (`search: tpe`) is taken as its long form by a mapping above;
- a `search` or `stopping` that names another strategy or policy starts anew, because options belong
  to the one that they were written for.
"""

from __future__ import annotations

from typing import TypeAlias

from automlc.spec.yaml_nodes import ALIAS, MappingNode, Node, ScalarNode, SequenceNode

Path: TypeAlias = tuple[str | int, ...]

# Sections that may be one word -> the key which that word is the value of.
WORDS = {"search": "strategy", "stopping": "policy", "backend": "kind", "rules": "use"}
_OPTIONS = frozenset({"search", "stopping"})  # the word decides which other keys there are
_WHOLE = frozenset({("space", "parameters"), ("space", "blocks")})


def overlay(below: MappingNode, above: MappingNode, at: Path = ()) -> MappingNode:
    """`below` with what `above` says; `at` is where the two stand in the spec.

    Keys keep the order of their first mention. Nodes keep their spans: those of a section are the
    ones of `above`.
    """
    merged = {key.text: (key, value) for key, value in below.items}
    for key, value in above.items:
        if is_null(value):
            merged.pop(key.text, None)
            continue
        old = merged.get(key.text)
        merged[key.text] = (key, replaced(old[1] if old else None, value, (*at, key.text)))
    return MappingNode(tuple(merged.values()), above.span)


def replaced(old: Node | None, new: Node, at: Path) -> Node:
    """What stands at a key that had `old` and is given `new`."""
    if not isinstance(new, MappingNode) or is_whole(at):
        return new
    section = long_form(old, at)
    if not isinstance(section, MappingNode) or _is_another(section, new, at):
        section = MappingNode((), new.span)
    return overlay(section, new, at)


def is_null(node: Node) -> bool:
    """Whether a value is `null` as written (a refused alias has no value either)."""
    return isinstance(node, ScalarNode) and node.value is None and node.style != ALIAS


def is_whole(at: Path) -> bool:
    """Whether the value at a path is one thing, although it may be written as a mapping."""
    return at[:-1] in _WHOLE


def long_form(node: Node | None, at: Path) -> Node | None:
    """`tpe` of `search: tpe` as `{strategy: tpe}`; other nodes as they are."""
    word = WORDS.get(str(at[0])) if len(at) == 1 else None
    if word is None or not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return node
    return MappingNode(((ScalarNode(word, word, node.span), node),), node.span)


def _is_another(old: MappingNode, new: MappingNode, at: Path) -> bool:
    if len(at) != 1 or at[0] not in _OPTIONS:
        return False
    before, after = (_text(node.get(WORDS[at[0]])) for node in (old, new))
    return before is not None and after is not None and before != after


def _text(node: Node | None) -> str | None:
    return node.text if isinstance(node, ScalarNode) else None


# One value at a path ------------------------------------------------------------------------------


class NoPlaceError(Exception):
    """A path leads to where nothing can stand; `step` is the first part that does."""

    def __init__(self, step: int, found: Node | None):
        super().__init__(step)
        self.step = step
        self.found = found


def assign(node: Node | None, path: tuple[ScalarNode | int, ...], value: Node) -> Node:
    """The tree with `value` at a path, which may lead into lists and parameters.

    Raises NoPlaceError for an index that a list does not have, and for keys of what has none.
    """
    return _assign(node, path, value, ())


def _assign(node: Node | None, path: tuple[ScalarNode | int, ...], value: Node, at: Path) -> Node:
    if not path:
        return value if at and isinstance(at[-1], int) else replaced(node, value, at)
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not isinstance(node, SequenceNode) or step >= len(node.items):
            raise NoPlaceError(len(at), node)
        item = _assign(node.items[step], rest, value, (*at, step))
        return SequenceNode((*node.items[:step], item, *node.items[step + 1 :]), node.span)
    node = long_form(node, at)
    if node is None or is_null(node):
        node = MappingNode((), step.span)
    if not isinstance(node, MappingNode):
        raise NoPlaceError(len(at), node)
    items = {key.text: (key, old) for key, old in node.items}
    if not rest and is_null(value):
        items.pop(step.text, None)
    else:
        old = items.get(step.text)
        made = _assign(old[1] if old else None, rest, value, (*at, step.text))
        items[step.text] = (step, made)
    return MappingNode(tuple(items.values()), node.span)
