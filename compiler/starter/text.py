"""The text of a first spec: what was chosen, each line with its reason as a comment."""

from __future__ import annotations

import re
from collections.abc import Sequence

from automlc.compiler.starter.guess import Guess
from automlc.runtime.metrics import metrics_of
from automlc.spec.diagnostics import clean
from automlc.spec.record import record

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_][A-Za-z0-9_./-]*)*")
_RESERVED = frozenset("true false null yes no on off y n nan inf".split())
_SHOWN = 76  # characters of a comment


@record
class Start:
    """All choices of a first spec. `columns` are (name, kind, why)."""

    name: str
    source: str
    about: str
    kind: Guess
    metric: Guess
    target: Guess | None = None
    columns: tuple[tuple[str, str, str], ...] = ()
    split: Guess | None = None
    stratify: Guess | None = None
    size: tuple[int, int] | None = None
    size_why: str = ""
    trials: int = 20
    epochs: Guess = Guess("10", "")
    backend: Guess = Guess("auto", "")
    roots: tuple[str, ...] = ()


def spec_text(start: Start) -> str:
    """The spec in YAML. The same choices give the same bytes."""
    lines = [
        *_about(start),
        "automlc: 1",
        f"name: {scalar(start.name)}",
        *_task(start),
        *_data(start),
        *_space(start),
        *_search(start),
    ]
    return "\n".join(lines) + "\n"


def _about(start: Start) -> list[str]:
    texts = [start.about]
    if start.roots:
        texts.append("The data lies outside the project: every command needs --data-root.")
    texts.append("`automlc ls sections` lists every key; `automlc plan` says what would be done.")
    return [_comment(text) for text in texts]


def _comment(text: str, indent: str = "") -> str:
    return f"{indent}# {_one_line(text)}"


def _one_line(text: str) -> str:
    flat = " ".join(clean(text).replace("`", "'").split())
    return flat if len(flat) <= _SHOWN * 2 else flat[: _SHOWN * 2 - 1] + "…"


def _task(start: Start) -> list[str]:
    others = [m.name for m in metrics_of(start.kind.value) if m.name != start.metric.value]
    return [
        "",
        "task:",
        _comment(start.kind.why, "  "),
        f"  kind: {start.kind.value}",
        _comment(f"{start.metric.why}; or {', '.join(others)}", "  "),
        f"  metric: {start.metric.value}",
    ]


def _data(start: Start) -> list[str]:
    lines = ["", "data:", f"  source: {scalar(start.source)}"]
    if start.target is not None:
        lines += [
            _comment(f"the column to predict: {start.target.why}", "  "),
            f"  target: {scalar(start.target.value)}",
        ]
    if start.columns:
        lines += ["  columns:"]
        for name, kind, why in start.columns:
            lines.append(f"    {scalar(name)}: {kind}  # {_one_line(why)}")
    if start.size is not None:
        lines += [
            _comment(start.size_why, "  "),
            "  image:",
            f"    size: [{start.size[0]}, {start.size[1]}]",
        ]
    return [*lines, *_split(start)]


def _split(start: Start) -> list[str]:
    if start.split is not None:
        return [
            _comment(start.split.why, "  "),
            "  split:",
            f"    column: {scalar(start.split.value)}",
        ]
    lines = [
        _comment("trials are compared on the validation part; the test part is used once", "  "),
        "  split:",
        "    validation: 0.2",
        "    test: 0.2",
    ]
    if start.stratify is not None:
        lines += [_comment(start.stratify.why, "    "), f"    stratify: {start.stratify.value}"]
    return lines


def _space(start: Start) -> list[str]:
    preset = {"image": "image/blocks", "tabular": "tabular/mlp", "text": "text/blocks"}
    name = preset[start.kind.value.partition("_")[0]]
    return [
        "",
        "space:",
        _comment(f"`automlc ls presets {name}` lists what is searched", "  "),
        f"  preset: {name}",
        "",
        "# constraints:              # what every model must satisfy",
        "#   - model.size <= 5MB",
    ]


def _search(start: Start) -> list[str]:
    policy = "asha"
    return [
        "",
        _comment("tpe learns from earlier trials; asha ends the worse two thirds early"),
        "search: tpe",
        f"stopping: {policy}",
        "budget:",
        f"  trials: {start.trials}",
        f"  epochs: {start.epochs.value}"
        + (f"  # {_one_line(start.epochs.why)}" if start.epochs.why else ""),
        "  # wall: 1h                # no trial begins after this time",
        f"backend: {start.backend.value}"
        + (f"  # {_one_line(start.backend.why)}" if start.backend.why else ""),
        "seed: 0  # the same seed gives the same split and the same search",
    ]


def scalar(text: str) -> str:
    r"""A text as YAML, in quotes unless nobody could read it as something else.

    >>> print(scalar("wine.csv"), scalar("no"), scalar("a: b"), scalar('5"\n'))
    wine.csv "no" "a: b" "5\"\n"
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED and "//" not in text:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    if letter in named:
        return named[letter]
    if letter.isprintable() and letter == clean(letter):
        return letter
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def epochs_for(rows: int) -> Guess:
    """More passes over small data, which takes no longer."""
    steps: Sequence[tuple[int, int]] = ((1_000, 30), (10_000, 20), (100_000, 10))
    for limit, epochs in steps:
        if rows < limit:
            return Guess(str(epochs), f"passes over {rows:,} rows of a trial that nobody stops")
    return Guess("5", f"passes over {rows:,} rows of a trial that nobody stops")
