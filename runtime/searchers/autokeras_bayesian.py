"""AutoKeras's Bayesian search: a Gaussian process and its upper confidence bound.

The optimizer of KerasTuner with the settings of AutoKeras 1.0.12 (Srinivas et al., 2010, for the
bound), so that a comparison of strategies shares everything else.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from automlc.runtime.searchers.base import SEARCHERS, Config, NoOptions, Past, Proposal, key_of
from automlc.runtime.searchers.optuna_bridge import default_first
from automlc.spec.domains import Choice, Domain, Fixed, Float, Integer, Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Scalar, same
from automlc.spec.record import record

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float64]]

CLIMBS = 5  # of the best candidates, from which the acquisition is improved by L-BFGS-B
LENGTHS = (1e-2, 1e2)  # what the kernel's length scale may be; the cube of vectors has side 1
STEP = 1e-6  # for the slope of the acquisition


@record
class Rated:
    """A configuration with what the process predicts: of scores, where less is better."""

    config: Config
    mean: float
    deviation: float

    def bound(self, beta: float) -> float:
        """The optimistic end of what its score may be."""
        return self.mean - beta * self.deviation


@SEARCHERS.add("autokeras_bayesian")
class AutoKerasBayesian:
    """Propose the configuration whose value may be best: mean plus `beta` deviations.

    Matern 5/2 kernel with one length scale, noise `alpha` of the variance. A configuration is a
    vector of one number in [0, 1] for each searched parameter, at its default where it is
    inactive. Running trials count with a pessimistic guess, refused configurations as the worst
    value there was, stopped trials with their best. The first proposal is the space's default
    (`start_with_default`), the others up to `startup` are random. `candidates` random
    configurations are rated, and the best of them improved by L-BFGS-B.
    """

    class Options(NoOptions):
        start_with_default: bool = True
        """The first trial is the default configuration of the space."""
        startup: int = Field(default=2, ge=1)
        """Random trials before the model decides."""
        alpha: float = Field(default=1e-4, gt=0.0)
        """Noise that is added to the diagonal of the kernel matrix."""
        beta: float = Field(default=2.6, ge=0.0)
        """Deviations that are added to the mean: more explores more."""
        candidates: int = Field(default=1000, ge=1)
        """Configurations that are drawn for each proposal, of which the best is taken."""

    needs: ClassVar[tuple[str, ...]] = ("sklearn", "scipy")
    needs_history: ClassVar[bool] = True
    exhaustive: ClassVar[bool] = False

    def __init__(self, options: Options, space: Space, goal: str) -> None:
        self._options = options
        self._space = space
        self._sign = -1.0 if goal == "maximize" else 1.0
        self._searched = [p for p in space.parameters if p.domain.cardinality() != 1]

    def ask(self, number: int, history: Sequence[Past], rng_seed: int) -> Proposal | None:
        first = default_first(self._space, number, history)
        if first is not None and self._options.start_with_default:
            return first
        done = [p for p in history if p.state in ("complete", "stopped") and p.value is not None]
        rng = random.Random(rng_seed)  # noqa: S311 - not for secrets
        evidence: dict[str, Any] = {"seed": rng_seed, "observed": len(done)}
        if len(done) < self._options.startup or not self._searched:
            return Proposal(self._space.sample(rng), {"rule": "startup", **evidence})
        seen = {key_of(past.config) for past in history}
        rated = self._rated(done, history, rng)
        fresh = [one for one in rated if key_of(one.config) not in seen]
        if not fresh:
            why = {"rule": "random", "because": "every candidate was tried", **evidence}
            return Proposal(self._space.sample(rng), why)
        best = min(fresh, key=lambda one: one.bound(self._options.beta))
        evidence["predicted"] = {"mean": self._sign * best.mean, "deviation": best.deviation}
        evidence["beta"] = self._options.beta
        return Proposal(best.config, {"rule": "ucb", **evidence})

    # ---- the process ----

    def _rated(
        self, done: Sequence[Past], history: Sequence[Past], rng: random.Random
    ) -> list[Rated]:
        """Candidates and what is predicted for them: random ones, and the best of them improved."""
        import numpy as np
        from scipy.optimize import minimize

        predict = self._process(done, history)
        configs = [self._space.sample(rng) for _ in range(self._options.candidates)]
        rated = self._predicted(predict, configs)

        def bound(point: Vector) -> tuple[float, Vector]:
            # The slope by differences, all of them in one question.
            steps = np.vstack([np.zeros(len(point)), STEP * np.eye(len(point))])
            mean, deviation = predict(point + steps)
            values = mean - self._options.beta * deviation
            return float(values[0]), (values[1:] - values[0]) / STEP

        highest = sorted(rated, key=lambda one: one.bound(self._options.beta))[:CLIMBS]
        limits = [(0.0, 1.0)] * len(self._searched)
        starts = [np.array(self._vector(one.config)) for one in highest]
        ends = [
            minimize(bound, start, jac=True, method="L-BFGS-B", bounds=limits).x for start in starts
        ]
        return rated + self._predicted(predict, [self._config(end) for end in ends])

    def _process(
        self, done: Sequence[Past], history: Sequence[Past]
    ) -> Callable[[Vector], tuple[Vector, Vector]]:
        """Fitted to what was measured, to what was refused, and to guesses of what still runs."""
        points = [self._vector(past.config) for past in done]
        scores = [self._sign * float(past.value or 0.0) for past in done]
        worst = max(scores)
        for past in history:
            if past.state == "refused" and self._complete(past.config):
                points.append(self._vector(past.config))
                scores.append(worst)
        predict = fit(points, scores, self._options.alpha)
        running = [self._vector(past.config) for past in history if past.state == "running"]
        if not running:
            return predict
        import numpy as np

        mean, deviation = predict(np.array(running))
        guesses = [float(score) for score in mean + deviation]
        return fit([*points, *running], [*scores, *guesses], self._options.alpha)

    def _predicted(
        self, predict: Callable[[Vector], tuple[Vector, Vector]], configs: Sequence[Config]
    ) -> list[Rated]:
        import numpy as np

        mean, deviation = predict(np.array([self._vector(config) for config in configs]))
        return [
            Rated(config, float(m), float(d))
            for config, m, d in zip(configs, mean, deviation, strict=True)
        ]

    # ---- configurations and vectors ----

    def _complete(self, config: Config) -> bool:
        """Whether a refused configuration is one of the space, apart from what is forbidden."""
        return self._space.problems(config) == self._space.violated(config)

    def _vector(self, config: Config) -> list[float]:
        return [to_unit(p.domain, config.get(p.name, p.default)) for p in self._searched]

    def _config(self, vector: Vector) -> Config:
        by_name = {p.name: float(x) for p, x in zip(self._searched, vector, strict=True)}
        return self._space.build(
            lambda p: from_unit(p.domain, by_name[p.name]) if p.name in by_name else p.default
        )


def fit(
    points: Sequence[Sequence[float]], scores: Sequence[float], alpha: float
) -> Callable[[Vector], tuple[Vector, Vector]]:
    """A Gaussian process through scores at points; it predicts means and deviations of others.

    The scores are standardized first; the length scale is that of the largest likelihood.
    """
    import numpy as np

    try:
        from scipy.linalg import solve_triangular
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import Matern
    except ImportError:
        raise AutomlcError(
            "the search strategy 'autokeras_bayesian' needs scikit-learn and SciPy",
            "pip install 'automlc[run]'",
        ) from None
    values = np.array(scores)
    middle, spread = float(values.mean()), float(values.std()) or 1.0
    kernel = Matern(nu=2.5, length_scale_bounds=LENGTHS)
    process = GaussianProcessRegressor(kernel, alpha=alpha, optimizer=_likeliest)
    with warnings.catch_warnings():
        # A length scale at its bound says that no parameter matters, or that all do.
        warnings.simplefilter("ignore")
        process.fit(np.array(points), (values - middle) / spread)

    def predict(at: Vector) -> tuple[Vector, Vector]:
        # process.predict does the same, but spends most of its time on checking its input.
        likeness = process.kernel_(at, process.X_train_)
        known = solve_triangular(process.L_, likeness.T, lower=True, check_finite=False)
        variance = np.maximum(1.0 - (known**2).sum(axis=0), 0.0)
        return middle + spread * (likeness @ process.alpha_), spread * np.sqrt(variance)

    return predict


def _likeliest(
    objective: Callable[..., float], start: Vector, bounds: Vector
) -> tuple[Vector, float]:
    """The logarithm of the length scale that the likelihood is largest for.

    The likelihood has several peaks, and one dimension: a grid of a quarter of a power of ten
    finds the highest, and the steps beside it enclose it.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    def cost(theta: float) -> float:
        return float(objective(np.array([theta]), eval_gradient=False))

    low, high = float(bounds[0][0]), float(bounds[0][1])
    grid = np.linspace(low, high, 17)
    place = int(np.argmin([cost(float(theta)) for theta in grid]))
    sides = float(grid[max(place - 1, 0)]), float(grid[min(place + 1, len(grid) - 1)])
    found = minimize_scalar(cost, bounds=sides, method="bounded")
    return np.array([found.x]), float(found.fun)


def to_unit(domain: Domain, value: Scalar) -> float:
    """The share of the domain's distribution up to a value: a number in [0, 1].

    A value of a grid or a choice is the middle of its share.
    """
    if isinstance(domain, Choice):
        index = next(i for i, own in enumerate(domain.values) if same(own, value))
        return (index + 0.5) / len(domain.values)
    assert not isinstance(domain, Fixed)
    assert isinstance(value, int | float)
    if domain.log:
        low, high = _log_ends(domain)
        return (math.log(value) - low) / (high - low)
    if isinstance(domain, Float):
        return (value - domain.low) / (domain.high - domain.low)
    return ((value - domain.low) // domain.step + 0.5) / _count(domain)


def from_unit(domain: Domain, share: float) -> Scalar:
    """The value of a domain at a share of its distribution; the inverse of `to_unit`."""
    if isinstance(domain, Choice):
        return domain.values[min(int(share * len(domain.values)), len(domain.values) - 1)]
    assert not isinstance(domain, Fixed)
    if domain.log:
        low, high = _log_ends(domain)
        number = math.exp(low + share * (high - low))
    else:
        number = domain.low + share * (domain.high - domain.low)
    if isinstance(domain, Float):
        return min(max(number, domain.low), domain.high)
    if domain.log:
        index = round((number - domain.low) / domain.step)
    else:
        index = int(share * _count(domain))
    return domain.low + domain.step * min(max(index, 0), _count(domain) - 1)


def _log_ends(domain: Float | Integer) -> tuple[float, float]:
    margin = 0.5 if isinstance(domain, Integer) else 0.0  # as whole numbers are drawn
    return math.log(domain.low - margin), math.log(domain.high + margin)


def _count(domain: Integer) -> int:
    return (domain.high - domain.low) // domain.step + 1
