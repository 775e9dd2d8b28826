"""A run that goes on under another plan, where its trials stay comparable.

    runs/<id>/plans/1/   plan.json and project/ that the run began with
    runs/<id>/plans/2/   those that it was switched to

The new plan is put there first, whole; then one event of the store says that it holds, and which
trials it does not allow; then the run's own plan.json and project are replaced. A run that dies in
between is as before the event, or `settle_switch` finishes what the event says.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from automlc.runtime.changes import (
    REFUSES,
    WORDS,
    Change,
    Comparison,
    Side,
    carry,
    compare,
    objection,
)
from automlc.runtime.faults import hit
from automlc.runtime.json_files import DamagedFile, read_json, read_regular
from automlc.runtime.plan import Plan, load_plan
from automlc.runtime.store import Store, TrialRow
from automlc.runtime.trial import PLANS, State, damage, folder_name
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

_CODE = ("train.py", "data.py")

Copy = Callable[[Path, Path], None]


@record
class Switch:
    """What a switch did, in lines for people."""

    plan: Plan
    lines: tuple[str, ...]


def read_side(folder: Path) -> Side:
    """A compiled project as a side; one without graph.json is known by its plan alone."""
    hint = "compile the project again"
    plan = load_plan(folder / "plan.json")
    graph, reader = folder / "graph.json", folder / "data.py"
    layers = read_json(graph, hint) if graph.exists() else None
    if layers is not None and not isinstance(layers, dict):
        raise DamagedFile(f"{graph} is damaged: it holds no object", hint)
    try:
        code = read_regular(reader).decode("utf-8") if reader.exists() else None
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{reader} cannot be read: {error}", hint) from None
    return Side(plan, layers, code)


def differs(folder: Path, project: Path) -> bool:
    """Whether a project means another study than that of a run.

    The plan alone does not tell: the layers of the model are in graph.json, and how the data is
    divided is in data.py.
    """
    old, new = read_side(folder / "project"), read_side(project)
    return old.plan.sha256() != new.plan.sha256() or bool(compare(old, new).changes)


def switch(folder: Path, project: Path, store: Store, source: str, copy: Copy) -> Switch:
    """Put a run under the plan of another project; the caller holds the run's lock.

    `copy(project, target)` copies a verified project whole. Raises AutomlcError where trials of the
    run cannot be compared with those of the new plan; nothing is changed then.
    """
    old, new = read_side(folder / "project"), read_side(project)
    comparison = compare(old, new)
    _refuse(folder, project, store, comparison)
    number = int(store.meta().get("plan_number", 1)) + 1
    _keep(folder / PLANS / "1", folder / "project", copy)
    _keep(folder / PLANS / str(number), project, copy, afresh=True)
    payload = _judge(folder, store, new.plan, comparison)
    payload |= {"plan": new.plan.sha256(), "number": number, "data": source}
    hit("driver.switch.before")
    store.change_plan(payload)
    hit("driver.switch.recorded")
    settle_switch(folder, store, copy)
    return Switch(new.plan, tuple(_lines(comparison, payload, store, new.plan)))


def settle_switch(folder: Path, store: Store, copy: Copy) -> None:
    """Make plan.json and project those of the last switch that the store tells of."""
    number = store.meta().get("plan_number")
    if number is None:
        return
    kept = folder / PLANS / str(number) / "project"
    plan = load_plan(kept / "plan.json")
    if plan.sha256() != store.meta().get("plan"):
        raise AutomlcError(
            f"{kept / 'plan.json'} was changed since the run was switched to it",
            "restore the file; a study cannot change its plan half-way",
        )
    if _lock(kept) != _lock(folder / "project"):
        copy(kept, folder / "project")
        hit("driver.switch.copied")
    path = folder / "plan.json"
    if not path.exists() or path.read_bytes() != (kept / "plan.json").read_bytes():
        temporary = path.with_name("plan.json.tmp")
        shutil.copyfile(kept / "plan.json", temporary)
        temporary.replace(path)
        hit("driver.switch.settled")


def _keep(place: Path, project: Path, copy: Copy, *, afresh: bool = False) -> None:
    """Keep a project in a folder of its own; it appears there whole or not at all."""
    if place.exists() and not afresh:
        return
    place.mkdir(parents=True, exist_ok=True)
    copy(project, place / "project")


def _lock(project: Path) -> bytes | None:
    try:
        return (project / "automlc.lock").read_bytes()
    except OSError:
        return None


# ---- refusing ----


def _refuse(folder: Path, project: Path, store: Store, comparison: Comparison) -> None:
    if store.meta().get("allow_code"):
        raise AutomlcError(
            f"{folder} runs code that was edited by hand; another project would replace it",
            f"continue it as it is: automlc run {folder} --resume; or start a new run",
        )
    grave = comparison.of(REFUSES)
    if grave:
        words = "; ".join(f"{WORDS[c.kind]}, {describe(c)}" for c in grave[:3])
        more = f"; and {len(grave) - 3} more" if len(grave) > 3 else ""
        raise AutomlcError(
            f"{folder} cannot go on with {project}: {words}{more}",
            f"its trials would not be comparable; undo the change (automlc diff {folder} {project}"
            f" says where it stands), start a new run with another --run-dir, or continue as it"
            f" was: automlc run {folder} --resume",
        )
    _refuse_other_version(folder / "project", project)


def _refuse_other_version(old: Path, new: Path) -> None:
    """Code of another version of automlc may train in another way."""
    versions = [_version(folder) for folder in (old, new)]
    if versions[0] == versions[1]:
        return
    for name in _CODE:
        if (old / name).read_bytes() != (new / name).read_bytes():
            raise AutomlcError(
                f"{new / name} was written by automlc {versions[1]}, and that of the run by"
                f" {versions[0]}: they may train differently",
                "compile with the version of the run, or start a new run",
            )


def _version(project: Path) -> str | None:
    lock = read_json(project / "automlc.lock")
    return lock.get("automlc") if isinstance(lock, dict) else None


def describe(change: Change) -> str:
    """One difference in a line."""
    note = f" ({change.note})" if change.note else ""
    return f"{change.key}: {change.old} -> {change.new}{note}"


# ---- judging trials ----


def _judge(folder: Path, store: Store, plan: Plan, comparison: Comparison) -> dict[str, Any]:
    """The event: configurations as the new plan has them, and trials that it does not allow."""
    outside: dict[str, str] = {}
    configs: dict[str, Mapping[str, Any]] = {}
    for row in store.trials():
        config = carry(row.config, plan.space, comparison)
        reason = objection(config, plan)
        if reason is not None:
            outside[str(row.number)] = reason
        elif config != row.config:
            configs[str(row.number)] = config
    lost, again = _lost(folder, store, plan, outside)
    if again is not None:
        again = {**again, "config": configs.get(str(again["trial"]), again["config"])}
    return {
        "changes": [vars(change).copy() for change in comparison.changes],
        "outside": outside,
        "configs": configs,
        "lost": lost,
        "again": again,
    }


def _lost(
    folder: Path, store: Store, plan: Plan, outside: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Any] | None]:
    """Trials that cannot be the best, and the one of them that is trained again first.

    Of trials that were beaten no weights are kept. Where the best that the plan allows is one of
    these, it is trained again, and from then on the others without weights do not count as best.
    """
    lost: dict[str, str] = dict(store.meta().get("lost") or {})
    rows = [
        row
        for row in store.trials(State.COMPLETE, State.STOPPED)
        if row.value is not None and not {str(row.number)} & {*outside, *lost}
    ]
    gone = [
        row
        for row in rows
        if row.weights is not None
        and damage(folder / folder_name(row.number), row.weights) is not None
    ]
    best, best_of_gone = _best(rows, gone, plan), _best(gone, (), plan)
    if best_of_gone is None or (best is not None and best.number != best_of_gone.number):
        return lost, _pending(store, outside)
    lost |= {str(row.number): "its weights were not kept" for row in gone}
    config = dict(best_of_gone.config)
    number = store.next_number()
    return lost, {"number": number, "trial": best_of_gone.number, "config": config}


def _best(rows: Iterable[TrialRow], behind: Sequence[TrialRow], plan: Plan) -> TrialRow | None:
    """The best trial; of equals the earlier, and those that are in `behind` last."""
    later = {row.number for row in behind}
    best: TrialRow | None = None
    for row in sorted(rows, key=lambda r: (r.number in later, r.number)):
        if row.value is not None and (best is None or plan.task.better(row.value, best.value)):
            best = row
    return best


def _pending(store: Store, outside: Mapping[str, str]) -> dict[str, Any] | None:
    """What an earlier switch asked to train again, if that was not done yet."""
    again = store.again(store.next_number())
    return None if again is None or str(again["trial"]) in outside else again


def _lines(
    comparison: Comparison, payload: Mapping[str, Any], store: Store, plan: Plan
) -> list[str]:
    count = len(comparison.changes)
    lines = [f"plan {payload['number']}: {count} difference{'s' if count != 1 else ''}"]
    lines += [f"  {WORDS[c.kind]}: {describe(c)}" for c in comparison.changes[:8]]
    total = sum(store.counts().values())
    outside = payload["outside"]
    lines.append(f"{total - len(outside)} of {total} trials stay valid")
    lines += [f"  trial {n} is outside: {reason}" for n, reason in list(outside.items())[:5]]
    again = payload["again"]
    if again is not None:
        text = f"trial {again['trial']} is trained again: it is the best that is left, and only"
        lines.append(f"{text} the weights of the best are kept")
        if again["number"] > plan.budget.trials:
            lines.append("  but budget.trials is spent: give it at least one more")
    return lines
