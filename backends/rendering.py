"""Templates: a backend's own, and those that all backends share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jinja2

from automlc.backends.literals import literal

Render = Callable[[str, Mapping[str, Any]], str]


@cache
def environment(package: str) -> jinja2.Environment:
    """Templates print literals through `py`; a name that is not given is an error."""
    loaders = [
        jinja2.PackageLoader(package, "templates"),
        jinja2.PackageLoader("automlc.backends", "templates"),
    ]
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # the output is Python, and values go through `py`
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["py"] = literal
    return made


def renderer(package: str) -> Render:
    """A function that writes one file of a backend from its template."""

    def render(name: str, variables: Mapping[str, Any]) -> str:
        return environment(package).get_template(f"{name}.jinja").render(variables)

    return render
