"""Stopping policies: who ends a trial, one file each."""

from automlc.runtime.stopping import asha, hyperband, median, none
from automlc.runtime.stopping.base import POLICIES, Decision, StoppingPolicy, make_policy

__all__ = [
    "POLICIES",
    "Decision",
    "StoppingPolicy",
    "asha",
    "hyperband",
    "make_policy",
    "median",
    "none",
]
