"""The throughput probe: a few steps of three configurations before the first trial.

The smallest and the largest configuration of a sample, by multiply-accumulates, and the default
between them span what an estimate must cover. The small one comes first, and a job may use all
the time that is left, so that something is known even where the others take too long. Where not
even the small one comes to an end, the device is slow for this wall, and the search starts with
the cheapest configuration.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from automlc.runtime.executors.base import Ended, Executor, Job
from automlc.runtime.pace import Measured, fit, work_of
from automlc.runtime.plan import Plan
from automlc.runtime.seeds import derive_seed
from automlc.runtime.sizing import allowed_costs, cheapest_start, sized_start
from automlc.spec.record import record

SHARE = 0.02
_SAMPLES = 64
_INSTRUCTIONS = 1_000_000
_POLL_S = 0.25
# Of a job's share half is for measuring; building and the first steps need the rest.
_MEASURING = 0.5
# With less than this part of the probe's time no job is begun.
_LITTLE = 0.05
# How Python says that a project of before there was a probe cannot be asked.
_NO_PACE = "has no attribute 'pace'"
_KEYS = (
    "build_seconds",
    "step_seconds",
    "steps",
    "batch_size",
    "evaluation_seconds_per_row",
    "epoch_seconds",
)


@record
class Probe:
    """What a probe needs of the study.

    `describe(config, seed)` is a trial as train.py takes it; `alive` is False once the study is
    interrupted; `tick` is called while a job runs.
    """

    plan: Plan
    executor: Executor
    log: str
    describe: Callable[[Mapping[str, Any], int], dict[str, Any]]
    alive: Callable[[], bool]
    tick: Callable[[], None]
    say: Callable[[str], None]

    def run(self) -> dict[str, Any] | None:
        """Measure, fit and choose the start: the payload of the event `pace`.

        None where the study is interrupted meanwhile.
        """
        measured: list[dict[str, Any]] = []
        configs = probed(self.plan)
        whole = SHARE * float(self.plan.budget.wall or 0)
        left = whole
        for index, config in enumerate(configs, start=1):
            if left < _LITTLE * whole:
                break
            share = left / (len(configs) - index + 1)
            found, spent = self._job(f"pace-{index}", config, share * _MEASURING, left)
            if found is None:
                return None
            measured.append(found)
            left -= spent
            if _NO_PACE in found.get("error", ""):
                found["error"] = "the project has no `pace`; compile it again"
                break
        return conclude(self.plan, measured, self.say)

    def _job(
        self, name: str, config: Mapping[str, Any], seconds: float, limit: float
    ) -> tuple[dict[str, Any] | None, float]:
        """What one job measured, or why it did not, and its seconds; None: interrupted."""
        trial = self.describe(config, derive_seed(self.plan.seed, "pace", 0))
        memory = self.plan.budget.memory
        job = Job(name, "pace", trial, self.log, memory, seconds=seconds)
        # The first start waits until the project is loaded; the time of that is not the probe's.
        self.executor.start(job)
        started = time.monotonic()
        spent, message = 0.0, None
        while message is None and spent < limit and self.alive():
            for heard in self.executor.poll(min(_POLL_S, limit - spent)):
                if isinstance(heard, Ended) and heard.name == name:
                    message = heard
            self.tick()
            spent = time.monotonic() - started
        if message is None:
            self.executor.kill(name)
            if not self.alive():
                return None, spent
        return {"config": dict(config), **_result(message, limit)}, spent


def probed(plan: Plan) -> list[Mapping[str, Any]]:
    """The configurations to probe: a small one, the default and a large one, without repetition."""
    default = plan.space.default_config()
    most = max(8, min(_SAMPLES, _INSTRUCTIONS // max(1, len(plan.costs.code))))
    sizes: list[tuple[float, Mapping[str, Any]]] = []
    for index in range(most):
        rng = random.Random(derive_seed(plan.seed, "pace", index))  # noqa: S311 - not for secrets
        config = plan.space.sample(rng)
        costs = allowed_costs(config, plan)
        if costs is not None:
            sizes.append((float(costs.get("model.macs") or 0), config))
    chosen: list[Mapping[str, Any]] = [default]
    if allowed_costs(default, plan) is None:
        chosen = []
    if sizes:
        by_size = [min(sizes, key=lambda s: s[0])[1], max(sizes, key=lambda s: s[0])[1]]
        chosen = [by_size[0], *chosen, by_size[1]]
    return [c for i, c in enumerate(chosen) if c not in chosen[:i]]


def conclude(
    plan: Plan, measured: list[dict[str, Any]], say: Callable[[str], None]
) -> dict[str, Any]:
    """The payload of the event `pace`: what was measured, the fit, and where the search starts."""
    rows, wall = plan.data.rows, plan.budget.wall
    assert rows is not None
    assert wall is not None
    payload: dict[str, Any] = {"probes": measured}
    points, limit = points_of(plan, measured), plan.budget.first * wall
    if points:
        built = max(m["build_seconds"] for m in measured if "epoch_seconds" in m)
        pace = fit(points, built)
        assert pace is not None
        payload |= pace.to_json()
        start = sized_start(plan.space, plan, pace, limit)
    elif any("cut" in m for m in measured):
        start = cheapest_start(plan.space, plan, limit)
    else:
        reason = next((m["error"] for m in measured), "no configuration may be tried")
        say(f"the device was not probed, the search starts with its default: {reason}")
        return payload | {"skipped": reason}
    if start is not None:
        payload["start"] = start.to_json()
        say(f"start: {start.because}")
    return payload


def points_of(plan: Plan, measured: list[dict[str, Any]]) -> list[Measured]:
    """The points of a probe for `fit`."""
    assert plan.data.rows is not None
    return [
        Measured(
            work_of(m["config"], plan.costs.evaluate(m["config"]), plan.data.rows),
            m["epoch_seconds"],
        )
        for m in measured
        if "epoch_seconds" in m
    ]


def _result(message: Ended | None, limit: float) -> dict[str, Any]:
    """What a job said, checked: the measurements, {"cut": seconds}, or {"error": text}."""
    if message is None:
        return {"cut": limit}
    if message.failure is not None:
        return {"error": str(message.failure.get("message", ""))[:200]}
    if not isinstance(message.result, Mapping):
        return {"error": f"its process ended with {message.code} and measured nothing"}
    found = {key: message.result.get(key) for key in _KEYS}
    if not all(_is_time(value) for value in found.values()) or not found["epoch_seconds"]:
        return {"error": f"it measured {found!r:.150}"}
    return found


def _is_time(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0
