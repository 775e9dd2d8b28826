"""Searchers: who proposes the next configuration, one file each."""

from automlc.runtime.searchers.base import (
    SEARCHERS,
    Past,
    Proposal,
    Searcher,
    make_searcher,
    searcher_of,
)

SEARCHERS.ship(
    __name__,
    {
        "autokeras_bayesian": "autokeras_bayesian",
        "autokeras_greedy": "autokeras_greedy",
        "calibrate": "calibrate",
        "feedback": "feedback",
        "gp": "gp",
        "grid": "grid",
        "random": "random_search",
        "tpe": "tpe",
    },
)

__all__ = ["SEARCHERS", "Past", "Proposal", "Searcher", "make_searcher", "searcher_of"]
