"""Searchers: who proposes the next configuration, one file each."""

from automlc.runtime.searchers import (
    autokeras_bayesian,
    autokeras_greedy,
    calibrate,
    feedback,
    gp,
    grid,
    random_search,
    tpe,
)
from automlc.runtime.searchers.base import (
    SEARCHERS,
    Past,
    Proposal,
    Searcher,
    make_searcher,
    searcher_of,
)

__all__ = [
    "SEARCHERS",
    "Past",
    "Proposal",
    "Searcher",
    "autokeras_bayesian",
    "autokeras_greedy",
    "calibrate",
    "feedback",
    "gp",
    "grid",
    "make_searcher",
    "random_search",
    "searcher_of",
    "tpe",
]
