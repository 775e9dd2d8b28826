"""Rules: which actions are worth trying in which condition of training, best first."""

from automlc.runtime.rules.actions import Action, apply, single_actions
from automlc.runtime.rules.table import Ranked, Row, Rules, Table, WrittenRule

__all__ = [
    "Action",
    "Ranked",
    "Row",
    "Rules",
    "Table",
    "WrittenRule",
    "apply",
    "single_actions",
]
