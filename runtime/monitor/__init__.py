"""The monitor: what a trial's feedback says of its training, in the words of the rules."""

from automlc.runtime.monitor.conditions import CONDITIONS, Condition, Seen, classify
from automlc.runtime.monitor.definitions import DEFINITIONS, Monitor, make_monitor

__all__ = [
    "CONDITIONS",
    "DEFINITIONS",
    "Condition",
    "Monitor",
    "Seen",
    "classify",
    "make_monitor",
]
