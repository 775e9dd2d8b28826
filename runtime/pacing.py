"""What a study knows of its device's pace, and what it decides by it: read from the store.

The probe before the first trial is in the store, and so are the seconds of all epochs: a study
that is resumed decides as if it had never stopped, but for the wall, which is real time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from automlc.runtime.pace import Measured, Pace, fit, work_of
from automlc.runtime.plan import Plan
from automlc.runtime.probing import points_of
from automlc.runtime.sizing import Start
from automlc.runtime.stopping import least_epochs, make_policy
from automlc.runtime.store import Store
from automlc.runtime.wording import duration

# After so many proposals in a row that would take too long, nothing else is started.
LATE = 50
TOO_LATE = "wall_left"


class Pacing:
    """Estimates of a study with a wall; without one, or without rows in the plan, it knows nothing.

    `elapsed`: the seconds that the study has worked so far, in all sessions.
    """

    def __init__(self, plan: Plan, store: Store, elapsed: Callable[[], float]):
        self._plan = plan
        self._store = store
        self._elapsed = elapsed
        self.active = plan.budget.wall is not None and plan.data.rows is not None
        policy = make_policy(
            plan.stopping.name, plan.stopping.options, plan.task.goal, plan.budget.epochs
        )
        self._least = least_epochs(policy, plan.budget.epochs)
        self.start: Start | None = None
        self._probed: list[Measured] = []
        self._build = 0.0
        # Points of trials that have ended, up to the last before one that has not.
        self._ended: dict[int, Measured] = {}

    @property
    def wants_probe(self) -> bool:
        """Whether the device is still to be probed: once, before the first trial."""
        return self.active and self._record() is None and self._store.next_number() == 1

    def read_probe(self) -> None:
        """Take over what the probe found, if there was one."""
        found = self._record() if self.active else None
        if found is None:
            return
        self._probed = points_of(self._plan, found["probes"])
        self._build = float(found.get("build", 0.0))
        if "start" in found:
            self.start = Start.from_json(found["start"])

    def now(self) -> Pace | None:
        """The pace by everything that was measured so far; None where nothing was."""
        if not self.active:
            return None
        return fit([*self._probed, *self._trials()], self._build)

    def left(self) -> float:
        """Seconds until the wall."""
        assert self._plan.budget.wall is not None
        return self._plan.budget.wall - self._elapsed()

    def estimate(
        self, config: Mapping[str, Any], costs: Mapping[str, Any], pace: Pace | None
    ) -> dict[str, Any] | None:
        """How long a trial takes at least, for its why-record; None where the pace is unknown.

        `caution`: how many times as long it may take, by the errors of the fit.
        """
        if pace is None:
            return None
        assert self._plan.data.rows is not None
        seconds = pace.trial(work_of(config, costs, self._plan.data.rows), self._least)
        return {"seconds": seconds, "epochs": self._least, "caution": pace.caution}

    def objection(self, estimate: Mapping[str, Any] | None) -> str | None:
        """Why a trial of that estimate is not started: it would not end before the wall."""
        if estimate is None:
            return None
        seconds, left = estimate["seconds"] * estimate["caution"], self.left()
        if seconds <= left:
            return None
        return (
            f"it would take about {duration(seconds)} and {duration(max(0.0, left))} of the wall"
            " are left"
        )

    def _record(self) -> Mapping[str, Any] | None:
        found = self._store.meta().get("pace")
        return found if isinstance(found, Mapping) else None

    def _trials(self) -> list[Measured]:
        """The median epoch of every trial; of one alone, the first epochs may be slow."""
        known = max(self._ended, default=0)
        recent: dict[int, Measured] = {}
        unbroken = True
        assert self._plan.data.rows is not None
        for number, ended, config, costs, seconds in self._store.epoch_seconds(known):
            unbroken = unbroken and ended
            spent = [s for s in seconds if s > 0]
            if not spent:
                continue
            work = work_of(config, costs, self._plan.data.rows)
            target = self._ended if unbroken else recent
            target[number] = Measured(work, median(spent))
        return [*self._ended.values(), *recent.values()]
