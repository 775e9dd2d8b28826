"""Conditions and the numbers behind them, as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automlc.runtime.monitor.conditions import Condition
from automlc.runtime.wording import number

# Also the order of severity: what a strip of one letter for each epoch shows first.
PROBLEMS: Mapping[tuple[str, str], str] = {
    ("weights", "nan"): "weights not finite",
    ("gradient", "dying"): "dying gradients",
    ("gradient", "vanishing"): "vanishing gradients",
    ("gradient", "exploding"): "exploding gradients",
    ("convergence", "slow"): "slow",
    ("convergence", "oscillating"): "oscillating",
}
# The numbers that decide, in the order in which they are told.
_NUMBERS = {
    "largest_gain": "largest gain",
    "last_change": "last change",
    "swings": "swings",
    "gradient_ratio": "gradient ratio",
    "zero_share": "zero share",
}


def words(state: Mapping[str, str]) -> str:
    """What is wrong in a state; `normal` where nothing is.

    >>> words({"convergence": "slow", "gradient": "dying", "weights": "normal"})
    'dying gradients, slow'
    """
    found = [text for (part, word), text in PROBLEMS.items() if state.get(part) == word]
    return ", ".join(found) or "normal"


def numbers(evidence: Mapping[str, Any]) -> str:
    """The numbers that decided on a condition.

    >>> numbers({"largest_gain": 0.002, "gradient_ratio": 0.81, "zero_share": None})
    'largest gain 0.002, gradient ratio 0.81'
    """
    told = [
        f"{name} {number(value)}"
        for key, name in _NUMBERS.items()
        if isinstance(value := evidence.get(key), int | float) and not isinstance(value, bool)
    ]
    lost = "loss" in evidence and evidence["loss"] is None
    return ", ".join(["a loss not finite or too large", *told] if lost else told)


def told(condition: Condition) -> str:
    """A condition with its numbers in one line."""
    evidence = numbers(condition.evidence)
    return words(condition.state()) + (f" ({evidence})" if evidence else "")
