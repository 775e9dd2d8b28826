"""Stopping policies: who ends a trial, one file each."""

from automlc.runtime.stopping.base import (
    POLICIES,
    Cohort,
    Decision,
    StoppingPolicy,
    cohorts_of,
    least_epochs,
    make_policy,
)

POLICIES.ship(
    __name__, {"asha": "asha", "hyperband": "hyperband", "median": "median", "none": "none"}
)

__all__ = [
    "POLICIES",
    "Cohort",
    "Decision",
    "StoppingPolicy",
    "cohorts_of",
    "least_epochs",
    "make_policy",
]
