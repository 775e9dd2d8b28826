"""Measured tables: what each action gained, by data set and condition, and the ranking from it.

A measurement is one pair of trainings: a configuration, and the same with one action applied. Its
gain is the difference of the validation metric, signed so that more is better, in units of the
spread of the data set's random configurations (its `scale`): gains of different data sets can then
be pooled. Measurements are kept as counts, means and sums of squared deviations, so that data sets
can be left out and runs be joined (Chan, Golub and LeVeque, 1983).

The score of an action in a state is its mean gain, shrunk towards its score in the next broader
state where there are few measurements (an empirical Bayes estimate, Efron and Morris, 1975): with
n gains of mean m, and the broader state's score p, it is (n m + k p) / (n + k). The broader score
is of what was measured outside of the state, so that no measurement counts twice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from automlc.runtime.rules.actions import Action
from automlc.runtime.rules.table import PARTS, Ranked, Row, Table, check_state, is_short, rank
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import ExpressionError
from automlc.spec.record import record
from automlc.spec.rules import parse_action

SCHEMA = "automlc.measurements/1"
# How many measurements the broader state's score is worth.
PRIOR_WEIGHT = 4.0
# A parameter's parts are given up in this order on the way to the broadest state, {}.
_BROADER = PARTS


@record
class Gains:
    """Count, mean and sum of squared deviations of gains; `failed` trainings are among them."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, gain: float) -> Gains:
        """With one more gain (Welford, 1962)."""
        return self.join(Gains(1, gain, 0.0))

    def join(self, other: Gains) -> Gains:
        """Of both together."""
        n = self.n + other.n
        if n == 0:
            return self
        apart = other.mean - self.mean
        mean = self.mean + apart * other.n / n
        squares = self.squares + other.squares + apart**2 * self.n * other.n / n
        return Gains(n, mean, squares)

    @property
    def spread(self) -> float | None:
        """The sample deviation; None for fewer than two."""
        return math.sqrt(self.squares / (self.n - 1)) if self.n > 1 else None


Key = tuple[tuple[tuple[str, str], ...], str]  # (state, action)


def key_of(state: Mapping[str, str], action: str) -> Key:
    """A state and an action as a key."""
    return tuple(sorted(state.items())), action


@dataclass
class DataSet:
    """What was measured on one data set; `scale` is in units of `metric`."""

    name: str
    metric: str
    scale: float
    gains: dict[Key, Gains] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def add(self, state: Mapping[str, str], action: str, gain: float) -> None:
        """One measurement; `gain` in units of the metric, positive where the action helped."""
        key = key_of(state, action)
        self.gains[key] = self.gains.get(key, Gains()).add(gain / self.scale)


@dataclass
class Measurements:
    """Data sets by name, and how they were measured."""

    name: str
    datasets: dict[str, DataSet] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def table(self, exclude: Sequence[str] = ()) -> Table:
        """The ranking from all data sets but those excluded; AutomlcError for an unknown one."""
        check_excluded(self.name, exclude, self.datasets)
        pooled = _pooled(d for name, d in self.datasets.items() if name not in exclude)
        used = [name for name in self.datasets if name not in exclude]
        provenance = {**self.provenance, "measured_on": used, "left_out": list(exclude)}
        return Table(self.name, tuple(_rows(pooled)), "parent", provenance)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "name": self.name,
            "provenance": self.provenance,
            "datasets": [_dataset_to_json(self.datasets[name]) for name in sorted(self.datasets)],
        }

    @classmethod
    def from_json(cls, data: Any, where: str = "the measurements") -> Measurements:
        """Read measurements; AutomlcError for anything else."""
        try:
            read = [_dataset_from_json(item, where) for item in data["datasets"]]
            name, provenance = _short(data["name"]), dict(data.get("provenance") or {})
            if len({one.name for one in read}) < len(read):
                raise ValueError("a data set is there twice")
        except (ArithmeticError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise AutomlcError(
                f"{where}: these measurements are damaged: {error!r:.80}", exit_code=1
            ) from None
        return cls(name, {one.name: one for one in read}, provenance)


def check_excluded(table: str, exclude: Iterable[str], datasets: Collection[str]) -> None:
    """AutomlcError for a data set that the table was not measured on."""
    unknown = [name for name in exclude if name not in datasets]
    if unknown:
        raise AutomlcError(
            f"{table} was not measured on {unknown[0]!r}",
            f"its data sets: {', '.join(datasets)}",
            exit_code=1,
        )


def is_measured(data: Any) -> bool:
    """Whether JSON values are measurements rather than a table."""
    return isinstance(data, Mapping) and data.get("schema") == SCHEMA


def _dataset_to_json(one: DataSet) -> dict[str, Any]:
    return {
        "name": one.name,
        "metric": one.metric,
        "scale": one.scale,
        "details": one.details,
        "gains": [
            {"state": dict(state), "action": action, "n": g.n, "mean": g.mean, "squares": g.squares}
            for (state, action), g in sorted(one.gains.items())
        ],
    }


def _short(value: Any) -> str:
    if not is_short(value):
        raise ValueError("a name must be a short text")
    return value


def _dataset_from_json(data: Mapping[str, Any], where: str) -> DataSet:
    scale = float(data["scale"])
    if not scale > 0 or not math.isfinite(scale):
        raise ValueError(f"scale {scale}")
    details = dict(data.get("details") or {})
    made = DataSet(_short(data["name"]), _short(data["metric"]), scale, {}, details)
    for item in data["gains"]:
        gains = Gains(int(item["n"]), float(item["mean"]), float(item["squares"]))
        if gains.n < 1 or not math.isfinite(gains.mean) or not 0 <= gains.squares < math.inf:
            raise ValueError(f"gains {item!r:.60}")
        key = key_of(check_state(item["state"], where), _action_text(item["action"], where))
        if key in made.gains:
            raise ValueError(f"gains of {key[1]!r:.40} are there twice")
        made.gains[key] = gains
    return made


def _action_text(text: Any, where: str) -> str:
    if not isinstance(text, str):
        raise TypeError("an action is a text")
    try:
        parse_action(text)
    except ExpressionError as error:
        raise AutomlcError(f"{where}: {text!r:.60}: {error.message}", exit_code=1) from None
    return text


def _pooled(datasets: Iterable[DataSet]) -> dict[Key, Gains]:
    """Gains of all data sets, in the states that were seen and in all broader ones."""
    pooled: dict[Key, Gains] = {}
    for one in datasets:
        for (state, action), gains in sorted(one.gains.items()):
            for broader in chain(dict(state)):
                key = key_of(broader, action)
                pooled[key] = pooled.get(key, Gains()).join(gains)
    return pooled


def chain(state: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A state and its broader ones, down to {} (`input` stays: actions of images are not of text).

    >>> list(chain({"gradient": "dying", "weights": "normal"}))
    [{'gradient': 'dying', 'weights': 'normal'}, {'gradient': 'dying'}, {}]
    """
    kept = dict(state)
    yield dict(kept)
    for part in _BROADER:
        if part in kept:
            del kept[part]
            yield dict(kept)


def _rows(pooled: Mapping[Key, Gains]) -> Iterator[Row]:
    """Every state with its ranked actions, broad states first."""
    by_state: dict[tuple[tuple[str, str], ...], list[Ranked]] = {}
    for state, action in sorted(pooled, key=lambda key: (len(key[0]), key)):
        gains = pooled[state, action]
        levels = [pooled[key_of(wider, action)] for wider in chain(dict(state))]
        by_state.setdefault(state, []).append(
            Ranked(Action(action), shrunk(levels), gains.n, gains.spread, {"mean": gains.mean})
        )
    for state, actions in by_state.items():
        yield Row(dict(state), tuple(rank(actions)))


def shrunk(levels: Sequence[Gains]) -> float:
    """The score of an action from its gains in a state and in the broader ones, broadest last.

    What was measured in the state is among the gains of the broader ones; there it is left out, so
    that each measurement counts once. Nothing is expected of an action by itself.
    """
    score, narrower = 0.0, [*levels[:-1][::-1], Gains()]
    for gains, inside in zip(reversed(levels), narrower, strict=True):
        n = gains.n - inside.n
        total = gains.n * gains.mean - inside.n * inside.mean
        if n:
            score = (total + PRIOR_WEIGHT * score) / (n + PRIOR_WEIGHT)
    return score
