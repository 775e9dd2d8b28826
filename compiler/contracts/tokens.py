"""How a text is cut into tokens. The emitted texts.py holds the same function; a test compares."""

from __future__ import annotations

import re
import unicodedata

PATTERN = r"\w+|[^\w\s]"
PADDING, UNKNOWN = 0, 1
FIRST = 2  # the id of the most frequent token

_WORD = re.compile(PATTERN)


def tokens(text: str, kind: str = "word", lowercase: bool = True) -> list[str]:
    """Words and punctuation marks, or characters with one blank between words.

    >>> tokens("What's up, Zoë?")
    ['what', "'", 's', 'up', ',', 'zoë', '?']
    >>> tokens(" No  way ", "character", lowercase=False)
    ['N', 'o', ' ', 'w', 'a', 'y']
    """
    text = unicodedata.normalize("NFC", text)
    if lowercase:
        text = text.lower()
    return _WORD.findall(text) if kind == "word" else list(" ".join(text.split()))
