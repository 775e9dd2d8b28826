"""The study: a loop that proposes trials, hears their epochs, and ends them.

Every decision is in the store before it is acted on, and everything that decides is read from the
store; so a study that is killed at any instant and resumed makes the same decisions again.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automlc.runtime.executors.base import Ended, Executor, Job, Message, Reported
from automlc.runtime.faults import hit
from automlc.runtime.interrupts import Interrupts
from automlc.runtime.pacing import TOO_LATE, Pacing
from automlc.runtime.plan import Plan
from automlc.runtime.probing import Probe
from automlc.runtime.progress import Progress
from automlc.runtime.proposing import Accepted, Proposer
from automlc.runtime.seeds import derive_seed
from automlc.runtime.stopping import make_policy
from automlc.runtime.store import LeaseLost, Store, TrialRow
from automlc.runtime.trial import (
    VOCABULARY,
    Artifact,
    BadReport,
    Failure,
    Report,
    State,
    damage,
    folder_name,
    may_retry,
    parse_report,
    sweep,
)
from automlc.runtime.warm_start import START, WarmStarts, second_name
from automlc.runtime.worker import speaks_of_memory
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

_POLL_S = 0.25
# A process that was refused memory did not reach its limit, but came near.
_NEAR_LIMIT = 0.75
# How long a trial that was told to stop, or has done its last epoch, may take to exit.
_EXIT_S = 10.0
# How long a trial may finish its epoch after the wall of the study.
_WALL_GRACE_S = 10.0


@record
class Outcome:
    """How a session of a study ended; `best` is the number of the incumbent."""

    exit_code: int
    state: str
    reason: str
    best: int | None = None


@record
class Verdict:
    """How a trial ends, and what its why-record says about it."""

    state: State
    reason: str
    stop: Mapping[str, Any] | None = None


@dataclass
class _Slot:
    """One attempt that is being run; times are monotonic seconds."""

    number: int
    attempt: int
    epochs: int
    heard: float
    # The files of the last two epochs: a checkpoint, and the best weights at that time.
    files: list[tuple[str | None, str | None]] = field(default_factory=list)
    ended: bool = False
    interrupted: bool = False
    doom: str = ""
    deadline: float = math.inf


@record
class _Restart:
    """Why a trial is run again: cause is resume or retry."""

    number: int
    cause: str
    details: Mapping[str, Any] = field(default_factory=dict)


class Study:
    """One session of a study, in the folder of its run."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        executor: Executor,
        folder: Path,
        *,
        progress: Progress,
        interrupts: Interrupts,
        workers: int = 1,
    ):
        self._plan = plan
        self._store = store
        self._executor = executor
        self._folder = folder
        self._progress = progress
        self._interrupts = interrupts
        self._workers = workers
        self._policy = make_policy(
            plan.stopping.name, plan.stopping.options, plan.task.goal, plan.budget.epochs
        )
        self._warm_starts = WarmStarts(store, folder)
        self._slots: dict[str, _Slot] = {}
        self._pending: deque[_Restart] = deque()
        # Why no new trial is started; empty while the budget allows more.
        self._ending = ""
        self._kill_at = math.inf
        self._said_draining = False
        self._oom_kills = _oom_kills()
        started, before = time.monotonic(), float(store.meta().get("elapsed", 0.0))
        self.elapsed: Callable[[], float] = lambda: before + time.monotonic() - started
        store.elapsed = self.elapsed
        self._pacing = Pacing(plan, store, lambda: self.elapsed())
        self._proposer = Proposer(plan, store, self._pacing)

    def run(self) -> Outcome:
        """Search, then keep and test the best model.

        Raises AutomlcError where the machine, not a trial, is at fault (a full disk, a project
        that cannot be loaded); the study is then interrupted and can be resumed.
        """
        try:
            self._tidy()
            self._search()
            if not self._interrupts.draining:
                self._finish()
            if self._interrupts.draining:
                return self._interrupted()
            return self._outcome()
        except (AutomlcError, OSError) as error:
            message = error.message if isinstance(error, AutomlcError) else str(error)
            self._note_interruption(message)
            if isinstance(error, AutomlcError):
                raise
            hint = f"then continue: automlc run {self._folder} --resume"
            raise AutomlcError(f"{self._folder} cannot be written: {error}", hint) from error

    # ---- the loop ----

    def _search(self) -> None:
        self._pending.extend(
            _Restart(row.number, "resume") for row in self._store.trials(State.RUNNING)
        )
        best = self._store.incumbent()
        if best is not None and best.value is not None and self._plan.task.reached(best.value):
            self._ending = "target"
        self._measure_pace()
        while True:
            self._check_wall()
            self._fill()
            if not self._slots:
                return
            for message in self._executor.poll(_POLL_S):
                self._handle(message)
            self._watch()
            self._tick()

    def _measure_pace(self) -> None:
        """Probe the device before the first trial, where the plan has a wall to keep to."""
        if self._pacing.wants_probe:
            probe = Probe(
                self._plan,
                self._executor,
                str(self._folder / "pace.txt"),
                self._describe_probe,
                alive=lambda: not self._interrupts.draining,
                tick=self._tick,
                say=self._progress.say,
            )
            found = probe.run()
            if found is None:
                return
            self._store.note("pace", **found)
            hit("driver.pace.after")
        self._pacing.read_probe()
        self._proposer.use_start()

    def _tick(self) -> None:
        running = {slot.number: slot.epochs for slot in self._slots.values() if not slot.ended}
        self._progress.tick(running)

    def _fill(self) -> None:
        """Start trials until all workers are busy or nothing is left to start."""
        while len(self._slots) < self._workers and not self._interrupts.draining:
            if self._pending:
                self._restart(self._pending.popleft())
            elif self._ending or not self._start_new():
                return

    def _start_new(self) -> bool:
        number = self._store.next_number()
        if number > self._plan.budget.trials:
            self._ending = "budget"
            return False
        found = self._proposer.propose(number, lambda: not self._interrupts.draining)
        if found is None:
            return False
        if isinstance(found, str):
            self._ending = found
            if found == TOO_LATE:
                self._say_too_late()
            return False
        self._begin(number, found)
        return True

    def _say_too_late(self) -> None:
        left = round(max(0.0, self._pacing.left()), 3)
        self._store.note(TOO_LATE, seconds=left)
        text = f"{left:g} s of the wall are left: nothing that was proposed would end in time"
        self._progress.say(text)

    def _begin(self, number: int, accepted: Accepted) -> None:
        seed = derive_seed(self._plan.seed, "trial", number)
        attempt = self._store.start_trial(
            number, accepted.config, seed, why=accepted.why, costs=accepted.costs
        )
        hit("driver.claim.after")
        folder = self._trial_folder(number)
        # A folder of that number may be left from a database that lost its last records.
        sweep(folder)
        for name in ("log.txt", START):
            (folder / name).unlink(missing_ok=True)
        self._warm_starts.lend(number, accepted)
        self._launch(number, attempt)
        self._progress.event("trial_started", number, {"config": dict(accepted.config)})

    def _launch(
        self,
        number: int,
        attempt: int,
        epoch: int = 0,
        checkpoint: Artifact | None = None,
        weights: Artifact | None = None,
    ) -> None:
        row, folder = self._store.trial(number), self._trial_folder(number)
        folder.mkdir(exist_ok=True)
        trial = self._describe(row, folder)
        if checkpoint is not None:
            trial["resume"] = {"file": str(folder / checkpoint.file), "epoch": epoch}
        write_json(folder / "config.json", _portable(trial))
        slot = _Slot(number, attempt, epoch, time.monotonic())
        if checkpoint is not None:
            slot.files = [(checkpoint.file, weights.file if weights else None)]
        name = f"{number}.{attempt}"
        self._slots[name] = slot
        log, memory = str(folder / "log.txt"), self._plan.budget.memory
        self._executor.start(Job(name, "run", trial, log, memory))
        slot.heard = time.monotonic()
        hit("driver.launch.after")

    def _describe(self, row: TrialRow, folder: Path) -> dict[str, Any]:
        """A trial as the project's train.py takes it."""
        accumulate = self._store.accumulate(row.number)
        trial = self._trial(row.number, row.config, row.seed, folder)
        start = self._warm_starts.start_of(row.number)
        return trial | {"accumulate": accumulate} | ({"start": start} if start else {})

    def _describe_probe(self, config: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """A trial that is never run: its folder does not exist."""
        return self._trial(0, config, seed, self._folder / "pace")

    def _trial(
        self, number: int, config: Mapping[str, Any], seed: int, folder: Path
    ) -> dict[str, Any]:
        backend = self._plan.backend
        return {
            "number": number,
            "config": dict(config),
            "seed": seed,
            "epochs": self._plan.budget.epochs,
            "folder": str(folder),
            "resume": None,
            "device": backend.device,
            "precision": backend.precision,
            "threads": backend.threads or max(1, cores() // self._workers),
            "accumulate": 1,
        }

    # ---- what executors say ----

    def _handle(self, message: Message) -> None:
        if message.name not in self._slots:
            return
        if isinstance(message, Reported):
            self._on_report(message)
        else:
            self._on_end(message)

    def _on_report(self, message: Reported) -> None:
        slot = self._slots[message.name]
        slot.heard = time.monotonic()
        hit("driver.report.received")
        if slot.ended or slot.interrupted or slot.doom:
            self._refuse_late(slot, message)
            return
        try:
            report = parse_report(message.data)
            if report.epoch != slot.epochs + 1:
                raise BadReport(f"reported epoch {report.epoch} after epoch {slot.epochs}")
        except BadReport as error:
            self._fail(slot, Failure.ERROR, str(error))
            self._executor.kill(message.name)
            return
        if report.diverged or not math.isfinite(report.value):
            self._on_divergence(message.name, slot, report)
            return
        self._on_epoch(message.name, slot, report)

    def _on_divergence(self, name: str, slot: _Slot, report: Report) -> None:
        """Fail a trial whose numbers are not finite; what it saw is kept, its epoch is not."""
        reason = f"the validation metric of epoch {report.epoch} is not finite"
        try:
            self._store.keep_feedback(slot.number, slot.attempt, report)
        except LeaseLost:
            slot.ended = True
        else:
            self._fail(slot, Failure.NAN, report.diverged or reason)
        self._executor.kill(name)

    def _refuse_late(self, slot: _Slot, message: Reported) -> None:
        """A trial that was told to stop went on: nothing that it says counts any more."""
        if slot.ended:
            self._store.note("refused", slot.number, what="a report after the end")
        self._executor.answer(message.name, "stop")

    def _on_epoch(self, name: str, slot: _Slot, report: Report) -> None:
        try:
            self._store.record_epoch(slot.number, slot.attempt, report)
        except LeaseLost:
            slot.ended = True
            self._executor.kill(name)
            return
        hit("driver.epoch.recorded")
        slot.epochs = report.epoch
        self._keep_files(slot, report)
        row = self._store.trial(slot.number)
        self._progress.event(
            "epoch", slot.number, {"epoch": report.epoch, "value": report.value, "best": row.value}
        )
        verdict = self._verdict(row)
        if verdict is not None:
            self._end(slot, verdict)
            self._executor.answer(name, "stop")
        elif self._interrupts.draining:
            slot.interrupted = True
            slot.deadline = time.monotonic() + _EXIT_S
            self._executor.answer(name, "stop")
        else:
            hit("driver.answer.before")
            self._executor.answer(name, "continue")

    def _keep_files(self, slot: _Slot, report: Report) -> None:
        """Keep what the last two epochs need to go on; the child is waiting meanwhile."""
        weights = self._store.trial(slot.number).weights
        checkpoint = report.checkpoint.file if report.checkpoint else None
        slot.files = [*slot.files[-1:], (checkpoint, weights.file if weights else None)]
        kept = frozenset(name for pair in slot.files for name in pair if name is not None)
        sweep(self._trial_folder(slot.number), kept)

    def _verdict(self, row: TrialRow) -> Verdict | None:
        """Whether a trial ends after its last recorded epoch, and how; None: it goes on."""
        if row.value is None:
            return None
        last = row.epochs >= self._plan.budget.epochs
        state = State.COMPLETE if last else State.STOPPED
        if self._plan.task.reached(row.value):
            return Verdict(state, f"target reached: {row.value:.6g}", self._rule("target"))
        if last:
            return Verdict(state, "all epochs done")
        if self._ending in ("target", "wall"):
            return Verdict(state, f"the study ended: {self._ending}", self._rule(self._ending))
        decision = self._policy.decide(row.number, row.epochs, row.value, self._store)
        if not decision.stop:
            return None
        stop = {
            "policy": self._plan.stopping.name,
            "epoch": row.epochs,
            "reason": decision.reason,
            "evidence": dict(decision.evidence),
        }
        return Verdict(state, decision.reason, stop)

    def _rule(self, name: str) -> dict[str, Any]:
        evidence = (
            {"target": self._plan.task.target}
            if name == "target"
            else {"wall": self._plan.budget.wall}
        )
        return {"policy": name, "reason": name, "evidence": evidence}

    def _end(self, slot: _Slot, verdict: Verdict) -> None:
        slot.ended = True
        slot.deadline = time.monotonic() + _EXIT_S
        self._close_trial(slot.number, slot.attempt, verdict)

    def _close_trial(
        self,
        number: int,
        attempt: int,
        verdict: Verdict,
        failure: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """End a trial for good, and the study if the target is reached."""
        before = self._store.incumbent()
        is_best = self._store.end_trial(
            number,
            attempt,
            verdict.state,
            verdict.reason,
            failure=failure,
            stop=verdict.stop,
            details=details,
        )
        hit("driver.end.after")
        row = self._store.trial(number)
        if is_best and before is not None:
            sweep(self._trial_folder(before.number))
        self._progress.trial_ended(row, is_best)
        reached = row.value is not None and self._plan.task.reached(row.value)
        if reached and row.state is not State.FAILED and not self._ending:
            self._ending = "target"
            self._store.note("target_reached", number, value=row.value)

    def _clean(self, number: int) -> None:
        """Of a trial that has ended keep the weights if it is the best, and nothing else."""
        best = self._store.incumbent()
        kept = best is not None and best.number == number and best.weights
        sweep(self._trial_folder(number), frozenset({kept.file} if kept else ()))

    # ---- how trials end without a verdict ----

    def _fail(
        self, slot: _Slot, failure: Failure, reason: str, details: Mapping[str, Any] | None = None
    ) -> None:
        slot.ended = True
        verdict = Verdict(State.FAILED, reason)
        self._close_trial(slot.number, slot.attempt, verdict, str(failure), details)

    def _on_end(self, message: Ended) -> None:
        slot = self._slots.pop(message.name)
        hit("driver.exit.received")
        if message.failure is not None and message.failure.get("class") == "disk":
            self._refuse_disk(slot, str(message.failure.get("message")))
        row = self._store.trial(slot.number)
        if row.state is not State.RUNNING:
            self._clean(slot.number)
        elif not slot.interrupted and row.attempt == slot.attempt:
            self._judge_end(slot, row, message)

    def _judge_end(self, slot: _Slot, row: TrialRow, message: Ended) -> None:
        if slot.doom == "wall":
            self._end(slot, Verdict(State.STOPPED, "the study ended: wall", self._rule("wall")))
            self._clean(slot.number)
            return
        failure, reason = self._classify(slot, message)
        if failure is None and row.epochs > 0:
            self._end(slot, Verdict(State.COMPLETE, f"ended by itself after epoch {row.epochs}"))
            self._clean(slot.number)
            return
        failure = failure or Failure.ERROR
        if may_retry(failure, self._store.retries(slot.number)):
            details: dict[str, Any] = {"failure": str(failure), "reason": reason}
            details["accumulate"] = 2 if failure is Failure.OOM else self._accumulate(slot)
            self._progress.say(f"trial {slot.number}: {reason}; trying again")
            self._pending.appendleft(_Restart(slot.number, "retry", details))
            return
        details = {"code": message.code, "memory": message.memory}
        self._fail(slot, failure, reason, details)
        self._clean(slot.number)

    def _accumulate(self, slot: _Slot) -> int:
        return self._store.accumulate(slot.number)

    def _classify(self, slot: _Slot, message: Ended) -> tuple[Failure | None, str]:
        """The class of a failure and one line for people; (None, line) for a clean exit."""
        if slot.doom == "timeout":
            wall = self._plan.budget.epoch_wall
            return Failure.TIMEOUT, f"no epoch in {wall:g} s (budget.epoch_wall)"
        if message.failure is not None:
            kind = str(message.failure.get("class"))
            known = kind in (Failure.NAN, Failure.OOM, Failure.ERROR)
            text = str(message.failure.get("message", ""))[:500]
            return Failure(kind) if known else Failure.ERROR, text
        if message.code is None:
            return Failure.LOST, "the worker process was lost"
        if message.code and self._starved(slot, message):
            return Failure.OOM, f"{_how(message.code)} at its limit of memory (budget.memory)"
        if message.code < 0:
            return self._classify_signal(-message.code)
        if message.code > 0:
            return Failure.ERROR, _how(message.code)
        return None, "ended without reporting a metric"

    def _classify_signal(self, number: int) -> tuple[Failure, str]:
        kills = _oom_kills()
        if number == signal.SIGKILL and kills > self._oom_kills:
            self._oom_kills = kills
            return Failure.OOM, "killed by the system: out of memory"
        return Failure.KILLED, _how(-number)

    def _starved(self, slot: _Slot, message: Ended) -> bool:
        """Whether a trial that died without a word did so for want of memory.

        C++ code that gets no memory aborts the process (TensorFlow, JAX), and not all of it says
        why.
        """
        limit = self._plan.budget.memory
        if limit is None or message.code in (-signal.SIGKILL, -signal.SIGTERM):
            return False
        if message.memory is not None and message.memory >= _NEAR_LIMIT * limit:
            return True
        words = _last_words(self._trial_folder(slot.number) / "log.txt")
        return speaks_of_memory(words) or "pthread_create() failed" in words

    def _refuse_disk(self, slot: _Slot, message: str) -> None:
        raise AutomlcError(
            f"trial {slot.number} cannot write its files: {message}",
            f"make room, then continue: automlc run {self._folder} --resume",
        )

    # ---- trials that are taken up again ----

    def _restart(self, restart: _Restart) -> None:
        row = self._store.trial(restart.number)
        if restart.cause == "resume":
            # The decision after the last epoch may have been lost with the driver: make it again.
            verdict = self._outside(row) or self._verdict(row)
            if verdict is None and self._ending in ("target", "wall"):
                verdict = Verdict(State.STOPPED, f"the study ended: {self._ending}")
            if verdict is not None:
                self._close_trial(row.number, row.attempt, verdict)
                self._clean(row.number)
                return
        epoch, checkpoint, weights = self._recover(row)
        details: dict[str, Any] = {"accumulate": self._store.accumulate(row.number)}
        details |= restart.details
        for name, artifact in (("checkpoint", checkpoint), ("weights", weights)):
            if artifact is not None:
                details[name] = artifact.to_json()
        attempt = self._store.start_attempt(row.number, restart.cause, epoch=epoch, **details)
        hit("driver.attempt.after")
        kept = frozenset(a.file for a in (checkpoint, weights) if a is not None)
        sweep(self._trial_folder(row.number), kept)
        self._launch(row.number, attempt, epoch, checkpoint, weights)
        words = {"cause": restart.cause, "epoch": epoch}
        self._progress.event("attempt_started", row.number, words)

    def _outside(self, row: TrialRow) -> Verdict | None:
        """The end of a trial that was running when the plan changed to one that lacks it."""
        reason = self._store.outside(row.number)
        if reason is None:
            return None
        rule = {"policy": "plan", "reason": reason, "evidence": {}}
        return Verdict(State.STOPPED, f"outside of the changed plan: {reason}", rule)

    def _recover(self, row: TrialRow) -> tuple[int, Artifact | None, Artifact | None]:
        """(epoch, checkpoint, weights) to go on from: the latest that is what the store says."""
        folder = self._trial_folder(row.number)
        for epoch, checkpoint, weights in self._store.artifacts(row.number):
            if checkpoint is None:
                continue
            flaw = next(
                (f"{a.file} {d}" for a in (checkpoint, weights) if a and (d := damage(folder, a))),
                None,
            )
            if flaw is None:
                return epoch, checkpoint, weights
            if epoch >= row.epochs - 1:
                back = f"epoch {epoch - 1}" if epoch > 1 else "the start"
                self._progress.say(f"trial {row.number}: {flaw}; going back to {back}")
        return 0, None, None

    # ---- guards ----

    def _check_wall(self) -> None:
        wall = self._plan.budget.wall
        # What still runs when nothing new is started must keep to the wall as well.
        if wall is None or self._ending in ("target", "wall") or self.elapsed() < wall:
            return
        self._ending = "wall"
        self._kill_at = time.monotonic() + _WALL_GRACE_S
        self._store.note("wall_reached", seconds=wall)
        self._progress.say(f"the wall of {wall:g} s is reached: ending after this epoch")

    def _watch(self) -> None:
        """Kill what takes too long: an epoch, an exit, or anything at a second interrupt."""
        now = time.monotonic()
        if self._interrupts.draining and not self._said_draining:
            self._said_draining = True
            self._progress.say(
                f"{self._interrupts.name}: saving the running epoch; interrupt again to stop now"
            )
        for name, slot in self._slots.items():
            if self._interrupts.forced and not slot.interrupted:
                slot.interrupted, slot.doom = True, "interrupt"
                self._executor.kill(name)
            elif now > slot.deadline:
                slot.deadline = now + _EXIT_S
                self._executor.kill(name)
            elif not (slot.ended or slot.interrupted or slot.doom):
                self._watch_epoch(name, slot, now)

    def _watch_epoch(self, name: str, slot: _Slot, now: float) -> None:
        if now - slot.heard > self._plan.budget.epoch_wall:
            slot.doom = "timeout"
        elif self._ending == "wall" and now > self._kill_at:
            slot.doom = "wall"
        if slot.doom:
            self._executor.kill(name)

    # ---- the end ----

    def _tidy(self) -> None:
        """Remove what a killed session left: files of ended trials, half-written files."""
        for row in self._store.trials():
            if row.state is not State.RUNNING:
                self._clean(row.number)
            else:
                kept = {
                    artifact.file
                    for _, *artifacts in self._store.artifacts(row.number)
                    for artifact in artifacts
                    if artifact is not None
                }
                sweep(self._trial_folder(row.number), frozenset(kept))

    def _finish(self) -> None:
        best = self._store.incumbent()
        reason = "wall" if self._ending == TOO_LATE else self._ending or "budget"
        if best is None:
            details = {"closest": self._proposer.closest} if self._proposer.closest else {}
            self._store.end_study(reason, model=False, **details)
            return
        self._keep_best(best)
        test = self._store.meta().get("test")
        if test is not None and test.get("trial") != best.number:
            test = None  # of a best trial that was one before the plan changed
        if test is None and best.weights is not None and not self._proposer.only_measures:
            test = self._test(best)
            if test is None:
                return
        self._write_metrics(best, test)
        hit("driver.best.after")
        self._store.end_study(reason, model=True, trial=best.number, value=best.value)

    def _keep_best(self, best: TrialRow) -> None:
        """Copy the incumbent's configuration and weights to best/."""
        source, target = self._trial_folder(best.number), self._folder / "best"
        target.mkdir(exist_ok=True)
        if best.weights is not None:
            flaw = damage(source, best.weights)
            if flaw is not None:
                raise AutomlcError(
                    f"the weights of the best trial, {source / best.weights.file}, are lost:"
                    f" the file {flaw}",
                    f"train it again: python {self._folder / 'project' / 'train.py'}"
                    f" --config {source / 'config.json'}",
                )
            suffix = Path(best.weights.file).suffix
            temporary = target / "weights.tmp"
            shutil.copyfile(source / best.weights.file, temporary)
            sync(temporary)
            temporary.replace(target / f"weights{suffix}")
        if (source / START).exists():
            second_name(source / START, target / START)
        if (source / VOCABULARY).is_file():
            shutil.copyfile(source / VOCABULARY, target / VOCABULARY)
        # A trial that was stopped has its learning-rate schedule from all epochs, but did fewer.
        trial = {**_portable(self._describe(best, source)), "stop_after": best.epochs}
        write_json(target / "config.json", trial)
        hit("driver.best.copied")

    def _test(self, best: TrialRow) -> Mapping[str, Any] | None:
        """Evaluate the best model on the test split, in a child; None if interrupted."""
        assert best.weights is not None
        folder = self._trial_folder(best.number)
        self._store.note("test_started", best.number)
        self._progress.say(f"testing the best model (trial {best.number})")
        trial, weights = self._describe(best, folder), str(folder / best.weights.file)
        log = str(self._folder / "test.txt")
        job = Job("test", "test", trial, log, self._plan.budget.memory, weights)
        self._executor.start(job)
        deadline = time.monotonic() + self._plan.budget.epoch_wall
        while not self._interrupts.draining:
            for message in self._executor.poll(_POLL_S):
                if isinstance(message, Ended):
                    return self._on_test(best, message)
            self._progress.tick({})
            if time.monotonic() > deadline:
                self._executor.kill("test")
        self._executor.kill("test")
        return None

    def _on_test(self, best: TrialRow, message: Ended) -> Mapping[str, Any]:
        result = message.result
        payload: dict[str, Any] = {"trial": best.number}
        if isinstance(result, dict) and isinstance(result.get("metrics"), dict):
            from automlc.runtime.trial import finite

            payload["metrics"] = finite(result["metrics"])
        else:
            slot = _Slot(best.number, 0, 0, 0.0)
            payload["error"] = self._classify(slot, message)[1]
        self._store.finish_test(payload)
        hit("driver.test.after")
        self._progress.event("test_done", best.number, payload)
        return payload

    def _write_metrics(self, best: TrialRow, test: Mapping[str, Any] | None) -> None:
        metrics = {
            "trial": best.number,
            "metric": self._plan.task.metric,
            "goal": self._plan.task.goal,
            "validation": best.value,
            "epoch": best.best_epoch,
            "costs": dict(best.costs),
            "test": dict(test or {}).get("metrics"),
        }
        write_json(self._folder / "best" / "metrics.json", metrics)

    def _outcome(self) -> Outcome:
        meta, best = self._store.meta(), self._store.incumbent()
        failed_test = "error" in (meta.get("test") or {})
        code = 1 if best is None or failed_test else 0
        return Outcome(code, meta["state"], meta["reason"], best.number if best else None)

    def _interrupted(self) -> Outcome:
        self._store.interrupt_study(self._interrupts.name)
        return Outcome(self._interrupts.exit_code, "interrupted", self._interrupts.name)

    def _note_interruption(self, reason: str) -> None:
        """Record why the session ends, where the store can still be written."""
        try:
            self._store.interrupt_study(reason)
        except (AutomlcError, OSError):
            return

    def _trial_folder(self, number: int) -> Path:
        return self._folder / folder_name(number)


def _portable(trial: Mapping[str, Any]) -> dict[str, Any]:
    """What `python train.py --config` needs to repeat a trial bit for bit; no machine's paths.

    Weights that a trial begins with lie beside its config.json.
    """
    kept = {key: value for key, value in trial.items() if key not in ("folder", "resume")}
    if "start" in kept:
        kept["start"] = {**kept["start"], "file": START}
    return kept


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def sync(path: Path) -> None:
    """Wait until a file is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a JSON file that is either the old one or the new one, whenever the power fails."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    sync(temporary)
    temporary.replace(path)


def _how(code: int) -> str:
    """How a process ended, in words: its exit status, or the signal if that is negative."""
    if code >= 0:
        return f"exited with status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _last_words(log: Path) -> str:
    """The end of a log; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 2000))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _oom_kills() -> int:
    """How many processes of our control group the kernel killed for want of memory (Linux)."""
    try:
        for line in Path("/sys/fs/cgroup/memory.events").read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    except (OSError, ValueError):
        pass
    return 0
