"""Stopping policies: who ends a trial, one file each."""

from automlc.runtime.stopping import asha, hyperband, median, none
from automlc.runtime.stopping.base import (
    POLICIES,
    Decision,
    StoppingPolicy,
    least_epochs,
    make_policy,
)

__all__ = [
    "POLICIES",
    "Decision",
    "StoppingPolicy",
    "asha",
    "hyperband",
    "least_epochs",
    "make_policy",
    "median",
    "none",
]
