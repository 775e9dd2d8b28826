"""Quantities with units."""

from collections.abc import Callable

import pytest

from automlc.spec.suggest import nearest
from automlc.spec.units import (
    UnitError,
    parse_count,
    parse_duration,
    parse_number,
    parse_percent,
    parse_size,
)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (parse_size, "5MB", 5_000_000),
        (parse_size, "5 MB", 5_000_000),
        (parse_size, "5MiB", 5_242_880),
        (parse_size, "1.1MB", 1_100_000),
        (parse_size, "0.5kB", 500),
        (parse_size, "3GB", 3_000_000_000),
        (parse_size, "12B", 12),
        (parse_duration, "20ms", 0.02),
        (parse_duration, "90s", 90.0),
        (parse_duration, "10min", 600.0),
        (parse_duration, "10m", 600.0),
        (parse_duration, "2h", 7200.0),
        (parse_duration, "1.5d", 129_600.0),
        (parse_percent, "25%", 0.25),
        (parse_percent, "29%", 0.29),
        (parse_count, "250k", 250_000),
        (parse_count, "1M", 1_000_000),
        (parse_count, "1.5k", 1500),
        (parse_count, "7", 7),
        (parse_number, "7", 7),
        (parse_number, "1e-3", 0.001),
        (parse_number, "7.0", 7.0),
        (parse_number, "2G", 2_000_000_000),
    ],
)
def test_quantities(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value
    assert type(read(text)) is type(value)


@pytest.mark.parametrize(
    ("read", "text", "hint"),
    [
        (parse_size, "5", "5MB"),
        (parse_size, "5mb", "5MB"),
        (parse_size, "5 hours", "the units are"),
        (parse_size, "MB", "5MB"),
        (parse_size, "-5MB", "5MB"),
        (parse_duration, "2 hours", "2h"),
        (parse_duration, "5mn", "5min"),
        (parse_duration, "2H", "2h"),
        (parse_duration, "", "2h"),
        (parse_duration, "2h30m", "the units are"),
        (parse_percent, "25", "25%"),
        (parse_percent, "25 percent", "25%"),
        (parse_number, "3x3", "quotes"),
        (parse_number, "5mb", "5MB"),
        (parse_number, "9e300kB", None),
        (parse_number, "9" * 50, None),
        (parse_number, "1e999", "below"),
        (parse_size, "0.5B", None),
        (parse_count, "1.5", None),
        (parse_size, "٣MB", "5MB"),
    ],
)
def test_wrong_quantities_say_what_would_be_right(
    read: Callable[[str], object], text: str, hint: str | None
) -> None:
    with pytest.raises(UnitError) as caught:
        read(text)
    if hint is not None:
        assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("budjet", ["budget", "backend"], "budget"),
        ("metirc", ["metric"], "metric"),
        ("learning-rate", ["learning_rate"], "learning_rate"),
        ("LR", ["lr"], "lr"),
        ("gpu", ["auto", "cpu", "cuda"], "cuda"),
        ("xyz", ["abc"], None),
        ("", ["a"], None),
        ("x" * 5000, ["x" * 5001], None),
        ("text_classification", ["image_classification"], None),
    ],
)
def test_the_nearest_word(word: str, known: list[str], meant: str | None) -> None:
    assert nearest(word, known) == meant
