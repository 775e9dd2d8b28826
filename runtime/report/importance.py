"""How much each parameter matters, estimated from the finished trials.

A random forest learns value from configuration; a parameter's importance is the share of the
forest's accuracy that is lost when that parameter's column is shuffled (Breiman 2001). This is
not fANOVA (Hutter et al. 2014): it says nothing about interactions, and it describes the trials
that were run, which a good searcher crowds around good regions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automlc.runtime.wording import count, thin
from automlc.spec.record import record

if TYPE_CHECKING:
    import numpy

    from automlc.runtime.view import RunView, Trial

MINIMUM = 10
MOST = 1000
METHOD = (
    "Shuffling one parameter at a time in a random forest of 100 trees, fitted to the value of "
    "{trials}; bars show the loss of fit as a share of the whole, whiskers its spread over 5 "
    "shuffles. Stopped trials count with the value they had reached. The estimate describes "
    "where the search went, not the whole space, and it cannot show interactions."
)


@record
class Importance:
    """Parameters by falling importance (shares of 1), or why there is no estimate.

    `fit` is the forest's R² on trials that a tree has not seen; near 0 or below it, the
    ranking is noise.
    """

    names: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    spreads: tuple[float, ...] = ()
    fit: float | None = None
    note: str = ""


def estimate(view: RunView) -> Importance:
    """Parameter importance of a run; the note says how it was made, or why it was not."""
    trials = [
        t for t in view.trials() if t.state in ("complete", "stopped") and t.value is not None
    ]
    if len(trials) < MINIMUM:
        return Importance(
            note=f"Importance needs {MINIMUM} finished trials; there are {len(trials)} so far."
        )
    names = [name for name in view.parameter_names(trials) if _varies(name, trials)]
    if not names:
        return Importance(note="No parameter varied, so none can matter more than another.")
    try:
        return _forest(names, thin(trials, MOST), _log_names(view.parameters()))
    except ImportError:
        return Importance(note="Importance needs scikit-learn: pip install 'automlc[run]'.")


def _varies(name: str, trials: Sequence[Trial]) -> bool:
    return len({repr(trial.config.get(name)) for trial in trials}) > 1


def _log_names(parameters: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    domains = {str(p.get("name")): p.get("domain") for p in parameters}
    return frozenset(n for n, d in domains.items() if isinstance(d, dict) and d.get("log") is True)


def _forest(names: Sequence[str], trials: Sequence[Trial], logs: frozenset[str]) -> Importance:
    import numpy
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    codes = [_column(name, trials, log=name in logs) for name in names]
    inputs = numpy.array(codes, dtype=float).T
    values = _ranks(numpy.array([trial.value for trial in trials]))
    forest = RandomForestRegressor(100, oob_score=True, random_state=0, min_samples_leaf=2)
    forest.fit(inputs, values)
    found = permutation_importance(forest, inputs, values, n_repeats=5, random_state=0)
    return _shares(names, found.importances_mean, found.importances_std, forest, len(trials))


def _ranks(values: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """Values as ranks in [0, 1]: one collapsed trial must not hide all other differences."""
    import numpy

    order = numpy.unique(values, return_inverse=True)[1].astype(float)
    return order / max(1.0, float(order.max()))


def _shares(names: Sequence[str], means: Any, spreads: Any, forest: Any, trials: int) -> Importance:
    gains = [max(0.0, float(mean)) for mean in means]
    total = sum(gains) or 1.0
    rows = sorted(
        zip(names, gains, (float(s) for s in spreads), strict=True), key=lambda row: -row[1]
    )
    return Importance(
        names=tuple(name for name, _, _ in rows),
        shares=tuple(gain / total for _, gain, _ in rows),
        spreads=tuple(spread / total for _, _, spread in rows),
        fit=float(forest.oob_score_),
        note=METHOD.format(trials=count(trials, "finished trial")),
    )


def _column(name: str, trials: Sequence[Trial], *, log: bool) -> list[float]:
    """One parameter as numbers; categories by first appearance; inactive below all others."""
    import math

    raw = [trial.config.get(name) for trial in trials]
    numeric = all(v is None or (isinstance(v, int | float) and _usable(v, log)) for v in raw)
    if not numeric:
        order = {key: i for i, key in enumerate(dict.fromkeys(repr(v) for v in raw))}
        return [-1.0 if v is None else float(order[repr(v)]) for v in raw]
    coded = [None if v is None else math.log(v) if log else float(v) for v in raw]
    active = [v for v in coded if v is not None]
    inactive = min(active, default=0.0) - 1.0
    return [inactive if v is None else v for v in coded]


def _usable(value: float | int, log: bool) -> bool:
    return abs(value) < 1e300 and (not log or value > 0)
