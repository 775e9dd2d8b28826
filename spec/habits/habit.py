"""A habit of another language: what is said of a place, and the changes that make a statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from automlc.spec.aml import MAIN

Change = tuple[int, int, str]  # from, to, what is put there

# Places of a model's statements, and of the branches of a choice; others as in spec/aml.py.
LAYERS, BRANCHES = "layers", "branches"
STRUCTURES = ("choice", "repeat", "residual")
SPACE = frozenset(("preset", "expand", "backbones", "embeddings", "parameters", "forbid", "model"))
# What begins a comment elsewhere.
COMMENT = re.compile(r"//+|/\*+|--+|%+|;+")


class Habit(NamedTuple):
    """What is said of a place, and the changes that make it a statement."""

    code: str
    message: str
    start: int
    end: int
    hint: str
    changes: tuple[Change, ...]
    fixes: bool = True  # what cannot be put right is only taken out of the way
    safe: bool = True


Found = Habit | None


def line_start(text: str, offset: int) -> int:
    """Where the line of a place begins."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def indent_of(text: str, offset: int) -> str:
    """The blanks before the line of a place."""
    line = text[line_start(text, offset) : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]


def commas_of(text: str) -> Iterator[int]:
    """Where commas stand outside of brackets and quotes."""
    depth = 0
    for match in re.finditer(r"""[()\[\],]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""", text):
        piece = match[0]
        if piece == "," and depth == 0:
            yield match.start()
        depth += (piece in "([") - (piece in ")]") if len(piece) == 1 else 0


def keys_at(place: str) -> frozenset[str]:
    """The keys that statements at a place may begin with."""
    from automlc.spec.load import keys_of

    if place == "":
        return keys_of("") | {"constrain", "profiles", "extends"}
    clauses = {"default", "step", "when"}
    return keys_of(place.lstrip(".")) | (clauses if place == "space" else frozenset())


def keys_within(word: str) -> frozenset[str]:
    """The keys of a section; none for what is no section."""
    from automlc.spec.load import keys_of

    return keys_of(word) if word in MAIN or word == "budget" else frozenset()
