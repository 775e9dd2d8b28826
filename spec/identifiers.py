"""Names that people give to parameters, blocks and folders."""

from __future__ import annotations

import keyword
import re

from automlc.spec.domains import RESERVED

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"com{i}" for i in range(10)), *(f"lpt{i}" for i in range(10)))
)
# Names that emitted code uses itself.
_TAKEN = frozenset(("os", "sys", "math", "json", "np", "nn", "torch", "numpy", "self", "cls"))


def check_identifier(name: str) -> str | None:
    """Why a name cannot be that of a parameter or a block; None when it can."""
    if not _IDENTIFIER.fullmatch(name):
        return "a name begins with a letter and has lower-case letters, digits and _, at most 64"
    import builtins

    if keyword.iskeyword(name) or name in RESERVED or hasattr(builtins, name):
        return "the word has a meaning in Python or in expressions"
    if name in _DEVICES or name in _TAKEN:
        return "the word is reserved"
    return None


def is_device_name(name: str) -> bool:
    """Whether Windows would take the name for a device."""
    return name.lower() in _DEVICES
