"""The forms in which every list of names is told: a topic, its entries, and their options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from automlc.spec.record import record


@record
class Option:
    """One thing that an entry takes: an argument, an option, a parameter, a key.

    `default` is None where the value must be given; `only` says when there is such an option.
    """

    name: str
    values: str
    default: str | None = None
    meaning: str = ""
    only: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@record
class Entry:
    """One name that a spec may hold, in one line, with what it takes and further facts."""

    name: str
    summary: str
    options: tuple[Option, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    package: str = "automlc"
    """The installed package that brings it."""

    def to_json(self) -> dict[str, Any]:
        return {
            **vars(self),
            "options": [option.to_json() for option in self.options],
            "facts": dict(self.facts),
        }


@record
class Topic:
    """One list: `list()` makes it, sorted by name unless its order means something."""

    name: str
    title: str
    list: Callable[[], tuple[Entry, ...]]
    takes: str = "options"
    """What the options of its entries are called."""


def package_of(thing: object) -> str:
    """The installed package whose plug-in brought a thing that is not our own.

    A class or function says it by its module; for other things it may be any package with plug-ins.
    """
    from importlib.metadata import entry_points

    from automlc.runtime.plugins import GROUP

    top = str(getattr(thing, "__module__", "")).partition(".")[0]
    brought = [
        (p.value.partition(".")[0], p.dist.name) for p in entry_points(group=GROUP) if p.dist
    ]
    found = {name for module, name in brought if module == top} or {name for _, name in brought}
    return " or ".join(sorted(found)) or top


def first_sentence(text: str | None) -> str:
    """The first paragraph of a docstring, in one line.

    >>> first_sentence('''Stop the worst.
    ...
    ... After a paper.''')
    'Stop the worst.'
    """
    return " ".join((text or "").strip().partition("\n\n")[0].split())
