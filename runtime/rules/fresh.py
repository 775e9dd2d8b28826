"""What a configuration drawn anew is believed to bring, by the starts that the study has seen.

Levels, -ln(error), of configurations drawn from one space on one data set are taken as a normal
sample of unknown mean and variance, as gaps: the level less that of the best trial so far, held to
`effect.MOST` below it. A default or known start, which people chose, counts as a draw that is
`CHOSEN` worse. The mean has a flat prior, since a metric's scale is its own; the variance
a scaled inverse chi-squared one, `SPREAD`, worth `WORTH` draws. With n gaps of mean m, the
posterior is (Gelman et al., Bayesian Data Analysis, third edition, sections 3.2 and 3.3)

    v = WORTH + n - 1 degrees of freedom, s^2 = (WORTH SPREAD^2 + sum of (gap - m)^2) / v,
    variance ~ Inv-chi^2(v, s^2), mean | variance ~ N(m, variance / n),
    the next gap ~ Student-t with v degrees, centered at m, scaled by s sqrt(1 + 1/n).

What counts is the expected improvement, E[max(0, gap)]: a draw that is worse costs a trial and
loses nothing (Jones, Schonlau and Welch, 1998, doi 10.1023/A:1008306431147, equation 15).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from automlc.spec.record import record

# Of ln(error) among 14 random configurations of a preset, held as gaps are: deviations of 1.12 on
# digits, 0.99 on breast cancer, 0.58 on diabetes and 0.61 on MNIST (11 of them), in quadratic mean
# 0.85. Data sets differ in it: hence worth no more than a few draws.
SPREAD = 0.85
WORTH = 4
# How much lower ln(error) of the space's default was than the mean of those: 2.9, 0.8, 0.3 and 0.3.
# People chose the default, and the starts that a preset knows, because they learn well.
CHOSEN = 1.0


@record
class Fresh:
    """The posterior of the gap of a configuration drawn anew; `n` starts are in it, one at least.

    `mean` and `scale` are of the gaps: m and s above.
    """

    mean: float
    scale: float
    degrees: int
    n: int

    @classmethod
    def of(cls, gaps: Sequence[float]) -> Fresh:
        """After gaps (level of a start less that of the best trial)."""
        mean = math.fsum(gaps) / len(gaps)
        degrees = WORTH + len(gaps) - 1
        squares = WORTH * SPREAD**2 + math.fsum((gap - mean) ** 2 for gap in gaps)
        return cls(mean, math.sqrt(squares / degrees), degrees, len(gaps))

    @property
    def deviation(self) -> float:
        """The scale of the next gap's Student-t distribution."""
        return self.scale * math.sqrt(1 + 1 / self.n)

    def gain(self) -> float:
        """The expected improvement of the next draw over the best trial.

        With z = mean / deviation: deviation (z F(z) + (v + z^2) / (v - 1) f(z)), F and f being the
        distribution and the density of Student's t with v degrees.
        """
        z, v = self.mean / self.deviation, self.degrees
        tail = (v + z * z) / (v - 1) * student_density(z, v)
        # Far below the best trial the two terms cancel; what is left is not negative.
        return max(0.0, self.deviation * (z * student_below(z, v) + tail))

    def draw(self, rng: random.Random) -> float:
        """The expected improvement where mean and variance are a sample of their posterior."""
        # Twice a gamma variable of shape v / 2 is a chi-squared one with v degrees.
        chi = 2 * rng.gammavariate(self.degrees / 2, 1.0)
        deviation = self.scale * math.sqrt(self.degrees / chi)
        return normal_gain(rng.gauss(self.mean, deviation / math.sqrt(self.n)), deviation)

    def upper(self, kappa: float) -> float:
        """The expected improvement where the mean is `kappa` of its deviations higher."""
        return normal_gain(self.mean + kappa * self.scale / math.sqrt(self.n), self.scale)


def normal_gain(mean: float, deviation: float) -> float:
    """E[max(0, x)] of a normal variable.

    >>> round(normal_gain(0.0, 1.0), 4)
    0.3989
    """
    z = mean / deviation
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return max(0.0, deviation * (density + z * math.erfc(-z / math.sqrt(2)) / 2))


def student_density(t: float, degrees: int) -> float:
    """The density of Student's t distribution."""
    log = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
    log -= math.log(degrees * math.pi) / 2 + (degrees + 1) / 2 * math.log1p(t * t / degrees)
    return math.exp(log)


def student_below(t: float, degrees: int) -> float:
    """P(T <= t): the finite series for whole degrees of freedom.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = math.atan2(t, math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    # Terms of the series: each the one before, times cos^2, times k / (k + 1).
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for k in range(2 if odd else 1, degrees, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return min(1.0, max(0.0, (1 + inside) / 2))
