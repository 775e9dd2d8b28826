"""Numbers and foreign text as people read them: shared by status, why and the report."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from automlc.spec.diagnostics import clean

T = TypeVar("T")

_BARS = "▁▂▃▄▅▆▇█"
_SECONDS = ((86400.0, "d", "h"), (3600.0, "h", "min"), (60.0, "min", "s"))
_SMALLER = {"h": 3600.0, "min": 60.0, "s": 1.0}


def plain(value: object, *, limit: int = 400) -> str:
    """`value` as one line that is safe to print: no control or bidi characters.

    >>> plain("a\\x1b[2Jb")
    'a[2Jb'
    """
    text = clean(str(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def number(value: float | int | None, *, digits: int = 4) -> str:
    """A number with `digits` significant digits; integers in full; None as a dash.

    >>> number(0.98124), number(12345), number(3.2e-07), number(None)
    ('0.9812', '12,345', '3.2e-07', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else f"{float(value):.{digits}g}"
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 10**digits and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def scalar(value: object) -> str:
    """A parameter's value as a spec would write it.

    >>> scalar(0.1), scalar(True), scalar("adam"), scalar(None), scalar(64)
    ('0.1', 'true', 'adam', 'none', '64')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    return plain(value)


def duration(seconds: float | None) -> str:
    """A time span in its two largest units.

    >>> duration(0.25), duration(8.2), duration(75), duration(7260), duration(None)
    ('0.25 s', '8.2 s', '1 min 15 s', '2 h 1 min', '-')
    """
    if seconds is None or not math.isfinite(seconds):
        return "-"
    if seconds < 59.95:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s".replace(".0 s", " s")
    seconds = round(seconds)
    for size, unit, smaller in _SECONDS:
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            part = int(rest // _SMALLER[smaller])
            return f"{int(whole)} {unit} {part} {smaller}" if part else f"{int(whole)} {unit}"
    return f"{seconds} s"  # 59.95 to 60 s, rounded


def moment(value: Any) -> str:
    """Unix seconds as a date and a time of day; anything else as it is.

    >>> moment(1790000000.0)
    '2026-09-21 14:13:20 UTC'
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e11:
        return plain(value)
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(value))


def size(count: float | int | None) -> str:
    """Bytes in decimal units, as the spec language writes them.

    >>> size(512), size(5_000_000), size(1_234_567), size(None)
    ('512 B', '5 MB', '1.23 MB', '-')
    """
    if count is None:
        return "-"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000 or unit == "GB":
            return f"{value:.3g} {unit}"
        value /= 1000
    raise AssertionError("the loop returns at GB")


def cost(name: str, value: float | int | None) -> str:
    """A cost with its unit: byte costs as sizes, the rest as numbers."""
    if name.endswith((".size", "_memory", ".memory")):
        return size(value)
    return number(value)


def count(amount: int, noun: str) -> str:
    """An amount and its noun: `1 trial`, `12 trials`."""
    return f"{amount:,} {noun if amount == 1 else noun + 's'}"


def sparkline(values: Sequence[float | None], *, width: int = 32) -> str:
    """Values as a line of bars, lowest to highest; gaps as `·`; at most `width` characters.

    >>> sparkline([0.0, 0.5, None, 1.0])
    '▁▅·█'
    """
    kept = thin(values, width)
    finite = [v for v in kept if v is not None and math.isfinite(v)]
    if not finite:
        return "·" * len(kept)
    low, span = min(finite), max(finite) - min(finite)
    return "".join(_bar(v, low, span) for v in kept)


def _bar(value: float | None, low: float, span: float) -> str:
    if value is None or not math.isfinite(value):
        return "·"
    share = (value - low) / span if span > 0 else 0.5
    return _BARS[min(7, int(share * 7 + 0.5))]


def thin(values: Sequence[T], most: int) -> list[T]:
    """At most `most` of the values, evenly spread, first and last kept."""
    if len(values) <= most:
        return list(values)
    step = (len(values) - 1) / (most - 1)
    return [values[round(i * step)] for i in range(most)]


def pairs(mapping: Mapping[str, Any]) -> str:
    """A mapping as `name=value` words on one line."""
    return ", ".join(f"{plain(key)}={shown(value)}" for key, value in mapping.items())


def shown(value: object) -> str:
    """Any JSON value as one readable line."""
    if isinstance(value, Mapping):
        return pairs(value)
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    return scalar(value)


def start(pace: Mapping[str, Any] | None) -> str:
    """Where a search started and why, from the record of its probe; empty where it has none.

    >>> start({"skipped": "the project has no `pace`"})
    'the default; the device was not probed: the project has no `pace`'
    """
    if pace is None:
        return ""
    if "skipped" in pace:
        return f"the default; the device was not probed: {plain(pace['skipped'])}"
    chosen = pace.get("start")
    return plain(chosen.get("because") or "") if isinstance(chosen, Mapping) else ""


def weighed(found: Mapping[str, Any], over: int | None) -> str:
    """A fresh start against the best action, from the numbers of a why-record; empty without any.

    >>> told = weighed({"gain": 0.31, "action_gain": 0.118, "n": 4, "better": 3}, 2)
    >>> told.split("; ")[0]
    'expected to lower ln(error) below that of trial 2 by 0.31, the best action by 0.118'
    >>> told.split("; ")[1]
    'of 4 starts so far 3 were as good as the best trial'
    """
    if not {"gain", "action_gain", "n", "better"} <= found.keys():
        return ""
    best = "the best trial's" if over is None else f"that of trial {over}"
    gain, other = (number(found[name], digits=3) for name in ("gain", "action_gain"))
    starts = count(found["n"], "start")
    were = "was" if found["better"] == 1 else "were"
    return (
        f"expected to lower ln(error) below {best} by {gain}, the best action by {other};"
        f" of {starts} so far {found['better']} {were} as good as the best trial"
    )


def columns(rows: Iterable[tuple[str, str]], *, indent: str = "  ") -> list[str]:
    """Name and value rows as aligned lines."""
    listed = [(plain(name), value) for name, value in rows]
    width = max((len(name) for name, _ in listed), default=0)
    return [f"{indent}{name:<{width}}  {value}" for name, value in listed]
