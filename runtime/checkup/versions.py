"""Versions and ranges of packages, as far as our own requirements use them (PEP 440 has more)."""

from __future__ import annotations

import re
from itertools import zip_longest

from automlc.spec.record import record

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)(?:;\s*(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_BOUND = re.compile(r"(>=|<=|==|!=|<|>)\s*([0-9][0-9.]*)")


@record
class Requirement:
    """One line of a distribution's requirements; `extra` is "" for what is always needed."""

    package: str
    bounds: str
    extra: str = ""


def requirement(line: str) -> Requirement:
    """
    >>> requirement("torch<2.14,>=2.10; extra == 'pytorch'")
    Requirement(package='torch', bounds='<2.14,>=2.10', extra='pytorch')
    """
    match = _REQUIREMENT.match(line)
    assert match is not None, f"{line!r} is no requirement"
    extra = _EXTRA.search(match[3] or "")
    return Requirement(match[1], match[2].strip(), extra[1] if extra else "")


def is_within(version: str, bounds: str) -> bool:
    """Whether a version meets all bounds. Only the release counts: 2.10.0+cpu is 2.10.

    >>> is_within("2.12.1+cpu", ">=2.10,<2.14"), is_within("2.9", ">=2.10"), is_within("3", "")
    (True, False, True)
    """
    return all(_holds(version, sign, bound) for sign, bound in _BOUND.findall(bounds))


def _holds(version: str, sign: str, bound: str) -> bool:
    order = _compare(_release(version), _release(bound))
    return {
        ">=": order >= 0,
        "<=": order <= 0,
        "==": order == 0,
        "!=": order != 0,
        "<": order < 0,
        ">": order > 0,
    }[sign]


def _release(version: str) -> list[int]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return [int(part) for part in match[0].split(".")] if match else []


def _compare(left: list[int], right: list[int]) -> int:
    for a, b in zip_longest(left, right, fillvalue=0):
        if a != b:
            return 1 if a > b else -1
    return 0
