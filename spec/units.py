"""Quantities as people write them: 5MB, 20ms, 2h, 25%, 250k."""

from __future__ import annotations

import math
import re

# Units of size are powers of 1000 (kB) or of 1024 (KiB); the result is bytes.
SIZES: dict[str, int] = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
# Units of duration in seconds.
DURATIONS: dict[str, float] = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_SPELLED = {
    "hour": "h",
    "hours": "h",
    "hr": "h",
    "hrs": "h",
    "minute": "min",
    "minutes": "min",
    "mins": "min",
    "mn": "min",
    "second": "s",
    "seconds": "s",
    "sec": "s",
    "secs": "s",
    "msec": "ms",
    "msecs": "ms",
    "millis": "ms",
    "milliseconds": "ms",
    "day": "d",
    "days": "d",
    "bytes": "B",
    "megabytes": "MB",
    "gigabytes": "GB",
    "gig": "GB",
    "gigs": "GB",
    "megs": "MB",
    "kilobytes": "kB",
    "thousand": "k",
    "million": "M",
    "mio": "M",
    "billion": "G",
    "bn": "G",
    "percent": "%",
}
COUNTS: dict[str, int] = {"k": 10**3, "M": 10**6, "G": 10**9}

_QUANTITY = re.compile(r"((?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z%]\w*)?", re.ASCII)
# More digits than any quantity needs, and far fewer than int() refuses.
MAX_DIGITS = 40
LARGEST = 2**63


class UnitError(ValueError):
    """A quantity that cannot be read; `hint` says what would be right, `instead` is the text."""

    def __init__(self, message: str, hint: str | None = None, instead: str | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.instead = instead


def parse_size(text: str) -> int:
    """Bytes: `5MB` is 5,000,000 and `5MiB` is 5,242,880."""
    value = _scaled(text, dict(SIZES), "a size", "5MB (decimal) or 5MiB (binary)")
    if value != int(value):
        raise UnitError(f"`{text}` is not a whole number of bytes")
    return int(value)


def parse_duration(text: str) -> float:
    """Seconds: `2h` is 7200.0 and `20ms` is 0.02."""
    return float(_scaled(text, dict(DURATIONS), "a duration", "20ms, 90s, 10min, 2h or 1d"))


def parse_percent(text: str) -> float:
    """A fraction: `25%` is 0.25."""
    return float(_scaled(text, {"%": 0.01}, "a percentage", "25%"))


def parse_count(text: str) -> int:
    """A whole number: `250k` is 250,000 and `1M` is 1,000,000."""
    value = _scaled(text, {"": 1, **COUNTS}, "a count", "250k or 1M")
    if value != int(value):
        raise UnitError(f"`{text}` is not a whole number")
    return int(value)


def parse_number(text: str) -> int | float:
    """A number with or without any unit, as expressions have them: sizes in bytes, durations in
    seconds, percentages as fractions. Whole results of whole literals are int."""
    number, unit = _split(text, "a number", "3, 0.5, 5MB, 20ms or 25%")
    if unit is None:
        return _plain(number)
    if unit == "%":
        return _checked(_hundredth(number), text)
    for table in (SIZES, COUNTS):
        if unit in table:
            return _checked(_times(_plain(number), table[unit]), text)
    if unit in DURATIONS:
        return _checked(_times_unit(_plain(number), DURATIONS[unit]), text)
    raise _unknown_unit(text, unit, {**SIZES, **COUNTS, **DURATIONS}, "a number")


def _scaled(text: str, units: dict[str, int | float], what: str, example: str) -> int | float:
    number, unit = _split(text, what, example)
    if unit is None and "" not in units:
        first = {"s": f"{number}s for seconds, or ", "B": f"{number}B for bytes, or "}
        own = next((said for name, said in first.items() if name in units), "")
        raise UnitError(f"`{text}` has no unit", f"write {own}another unit: {example}")
    if (unit or "") not in units:
        raise _unknown_unit(text, unit or "", units, what)
    if unit == "%":
        return _checked(_hundredth(number), text)
    scale = units[unit or ""]
    value = _plain(number)
    product = _times(value, scale) if isinstance(scale, int) else _times_unit(value, scale)
    return _checked(product, text)


def _split(text: str, what: str, example: str) -> tuple[str, str | None]:
    match = _QUANTITY.fullmatch(text.strip())
    clock = re.fullmatch(r"(\d{1,3}):(\d\d)(?::(\d\d))?", text.strip())
    if clock and what == "a duration":
        seconds = int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)
        instead = f"{seconds}s" if seconds % 60 else f"{seconds // 60}min"
        raise UnitError(f"`{text}` is not a duration", f"write {instead}", instead)
    if match is None:
        raise UnitError(f"`{text[:40]}` is not {what}", f"write {what}, such as {example}")
    if len(match[1]) > MAX_DIGITS:
        raise UnitError(f"the number has {len(match[1])} characters; at most {MAX_DIGITS} are read")
    return match[1], match[2]


def _unknown_unit(
    text: str, unit: str, units: dict[str, int | float] | dict[str, float], what: str
) -> UnitError:
    folded = {name.lower(): name for name in reversed(units) if name}
    near = folded.get(unit.lower()) or _SPELLED.get(unit.lower())
    near = near if near in units else None
    known = ", ".join(u for u in units if u and u not in ("KB", "us"))
    instead = f"{text.strip()[: -len(unit)].strip()}{near}" if near else None
    if what == "a number":
        hint = f"did you mean {instead}?" if near else None
        units_ = "a text stands between quotes; units are k M G, kB MB GB, us ms s min h and %"
        return UnitError(f"`{unit}` is not a unit", hint or units_, instead)
    hint = f"did you mean {instead}? " if near else ""
    message = f"`{unit}` is not a unit of {what[2:]}"
    return UnitError(message, f"{hint}the units are {known}", instead)


def _plain(number: str) -> int | float:
    if number.isdigit():
        return _checked(int(number), number)
    return _checked(float(number), number)


def _hundredth(number: str) -> float:
    return float(number) / 100  # not * 0.01, which makes 29% into 0.29000000000000004


def _times(value: int | float, scale: int) -> int | float:
    product = value * scale
    if isinstance(product, float) and abs(product) < 2**53 and abs(product - round(product)) < 1e-6:
        return round(product)  # 1.1MB is 1,100,000 bytes, not 1100000.0000000002
    return product


def _times_unit(value: int | float, scale: float) -> float:
    if scale < 1:
        return value / round(1 / scale)  # 20ms is 0.02 exactly as written
    return value * scale


def _checked(value: int | float, text: str) -> int | float:
    if not math.isfinite(value) or abs(value) >= LARGEST:
        raise UnitError(f"`{text[:40]}` is too large", f"numbers must be below {LARGEST:,}")
    return value
