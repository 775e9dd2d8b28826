"""Configurations that were found elsewhere: trials of our runs, of Keras Tuner and of AutoKeras.

All of it is written by others: paths must lie in the project or a data root, sizes are bounded, and
what is read is a name and one value, or is left out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from automlc.compiler.contracts.files import is_inside
from automlc.spec.diagnostics import clean, quote
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import same
from automlc.spec.record import record

MAX_BYTES = 16 * 2**20  # of a trial.json
MAX_FOLDER = 256 * 2**20  # of all of them in a folder
MAX_STUDY = 4 * 2**30  # of a study.db
MAX_TRIALS = 10_000
MAX_VALUES = 1_000
MAX_TEXT = 200
_TRIAL = re.compile(r"t?(\d{1,9})")


@record
class Start:
    """A configuration as it was found: `label` says where, `score` how good it was (or is empty),
    `foreign` that its names are not ours."""

    label: str
    score: str
    values: Mapping[str, Any]
    foreign: bool


def read_start(text: str, folder: Path, roots: Sequence[Path]) -> Start:
    """What a path names, relative to `folder`.

    `RUN/7`, `RUN/t0007`, `RUN/best` and `RUN` are trials of ours; a folder with a trial.json is a
    trial of Keras Tuner, one of such folders (or an oracle.json) a tuner, of which the best is
    taken.

    Raises:
        AutomlcError: there is no such thing, it lies outside the roots, or it cannot be read.
    """
    try:
        path = (folder / text).resolve()
    except (OSError, ValueError, RuntimeError):
        raise AutomlcError(f"{quote(text)} is not a path") from None
    place = _Place(text.rstrip("/"), tuple(roots))
    place.check(path)
    try:
        return _read(path, place)
    except OSError as error:
        raise AutomlcError(f"{quote(text)} cannot be read: {error.strerror or error}") from None


@record
class _Place:
    """What the spec calls the path, and where files may be opened."""

    text: str
    roots: tuple[Path, ...]

    def check(self, path: Path) -> None:
        """AutomlcError for a path that leads out of every root, also through links."""
        if not is_inside(path.resolve(), self.roots):
            raise AutomlcError(
                f"{quote(self.text)} is outside the project folder and every data root",
                "allow its folder with --data-root DIR, or with AUTOMLC_DATA_ROOT",
            )


def _read(path: Path, place: _Place) -> Start:
    if path.name == "trial.json" and path.is_file():
        return _keras_trial(path, place)
    if (path / "trial.json").is_file():
        return _keras_trial(path / "trial.json", place)
    if (path / "oracle.json").is_file() or (path.is_dir() and any(path.glob("trial_*"))):
        return _best_keras_trial(path, place)
    latest = path.name == "latest" and path.is_file()
    if latest or (path / "study.db").is_file() or (path / "latest").is_file():
        return _of_run(path, "best", place)
    named = _TRIAL.fullmatch(path.name) or path.name == "best"
    parent = path.parent
    if named and ((parent / "study.db").is_file() or parent.name == "latest"):
        place.check(parent)
        return _of_run(parent, path.name, place)
    if not path.exists():
        raise AutomlcError(
            f"there is no {quote(place.text)} (relative to the spec)",
            "write default, random, RUN/7, RUN/best, or a folder of Keras Tuner",
        )
    raise AutomlcError(
        f"{quote(place.text)} is neither a trial nor a run nor a folder of Keras Tuner",
        "name one such as runs/digits-1/7, runs/digits-1/best, or a folder with trial.json",
    )


# ---- our own runs ----


def _of_run(path: Path, which: str, place: _Place) -> Start:
    from automlc.runtime.view import RunView, find_run

    run = find_run(path)
    for file in (run, run / "study.db", run / "plan.json"):
        place.check(file)
    if (run / "study.db").stat().st_size > MAX_STUDY:
        raise AutomlcError(f"the study.db of {quote(place.text)} has more than {MAX_STUDY:,} bytes")
    with RunView.open(run) as view:
        if which == "best":
            best = view.best()
            if best is None:
                raise AutomlcError(
                    f"no trial of {quote(place.text)} has ended with a value",
                    f"name a trial, such as {place.text}/1",
                )
            trial = best
        else:
            match = _TRIAL.fullmatch(which)
            assert match is not None
            try:
                trial = view.trial(int(match[1]))
            except AutomlcError as error:
                raise AutomlcError(f"there is no {quote(place.text)}", error.hint) from None
        score = "" if trial.value is None else f"{view.metric} {trial.value:.4g}"
        label = f"{run.name}, trial {trial.number}"
    return Start(_short(label), _short(score), _bounded(trial.config, place), foreign=False)


# ---- Keras Tuner and AutoKeras ----


def _keras_trial(path: Path, place: _Place) -> Start:
    data = _json(path, place)
    values = _values(data)
    if values is None:
        raise AutomlcError(
            f"{quote(place.text)}: trial.json has no hyperparameters with values",
            "is it a trial of Keras Tuner or AutoKeras?",
        )
    score = _number(data.get("score"))
    told = "" if score is None else f"score {score:.4g}"
    label = f"Keras Tuner's trial {_identity(data, path)}"
    return Start(_short(label), told, _bounded(_active(data, values), place), foreign=True)


def _best_keras_trial(folder: Path, place: _Place) -> Start:
    paths = []
    for index, path in enumerate(folder.glob("trial_*")):
        if index >= MAX_TRIALS:
            raise AutomlcError(f"{quote(place.text)} holds more than {MAX_TRIALS:,} trials")
        if (path / "trial.json").is_file():
            paths.append(path / "trial.json")
    if sum(path.stat().st_size for path in paths) > MAX_FOLDER:
        raise AutomlcError(f"the trials of {quote(place.text)} have more than {MAX_FOLDER:,} bytes")
    trials = [(path, data) for path in sorted(paths) if _done(data := _json(path, place))]
    if not trials:
        raise AutomlcError(
            f"no trial of {quote(place.text)} has a score",
            f"name one of its trials, such as {place.text}/trial_00",
        )
    sign = -1.0 if _direction([data for _, data in trials], place) == "max" else 1.0
    best = min(trials, key=lambda item: sign * (_number(item[1].get("score")) or 0.0))
    return _keras_trial(best[0], place)


def _done(data: Mapping[str, Any]) -> bool:
    ended = data.get("status") in ("COMPLETED", None)
    return ended and _number(data.get("score")) is not None and _values(data) is not None


def _direction(trials: Sequence[Mapping[str, Any]], place: _Place) -> str:
    """Whether the objective is to be max or min.

    No file says what the objective was, but each trial says the direction of its metrics: the
    objective is one that has the score among its observations, in every trial.
    """
    fitting = [set(_directions_of_score(data)) for data in trials]
    names = set.intersection(*fitting)
    directions = {direction for _, direction in names}
    if len(directions) == 1:
        return directions.pop()
    raise AutomlcError(
        f"whether the scores in {quote(place.text)} should be high or low is not in its files",
        f"name its best trial, such as {place.text}/trial_00",
    )


def _directions_of_score(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    score = _number(data.get("score"))
    metrics = _object(_object(data.get("metrics")).get("metrics"))
    for name, metric in metrics.items():
        direction = _object(metric).get("direction")
        observations = _object(metric).get("observations")
        if direction not in ("min", "max") or not isinstance(observations, list):
            continue
        for observation in observations:
            listed = _object(observation).get("value")
            values = [_number(v) for v in listed] if isinstance(listed, list) else []
            known = [v for v in values if v is not None]
            if known and score is not None and math.isclose(sum(known) / len(known), score):
                yield name, direction


def _values(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = _object(data.get("hyperparameters")).get("values")
    return found if isinstance(found, dict) and found else None


def _active(data: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the values that do not count: every entry of theirs waits for another's value."""
    space = _object(data.get("hyperparameters")).get("space")
    entries: dict[str, list[bool]] = {}
    for item in space if isinstance(space, list) else ():
        config = _object(_object(item).get("config"))
        conditions = config.get("conditions")
        listed = conditions if isinstance(conditions, list) else []
        held = all(_holds(_object(condition), values) for condition in listed)
        entries.setdefault(str(config.get("name")), []).append(held)
    return {name: value for name, value in values.items() if any(entries.get(name, [True]))}


def _holds(condition: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    config = _object(condition.get("config"))
    allowed, name = config.get("values"), str(config.get("name"))
    if not isinstance(allowed, list) or name not in values:
        return False
    return any(is_scalar(value) and same(value, values[name]) for value in allowed)


def _identity(data: Mapping[str, Any], path: Path) -> str:
    known = data.get("trial_id")
    return known if isinstance(known, str) else path.parent.name.removeprefix("trial_")


# ---- content of others ----


def _json(path: Path, place: _Place) -> Mapping[str, Any]:
    """A JSON object of bounded size; AutomlcError for anything else."""
    place.check(path)
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    name = f"{quote(place.text)}: {clean(path.name)}"
    if len(raw) > MAX_BYTES:
        raise AutomlcError(f"{name} has more than {MAX_BYTES:,} bytes")
    try:
        data = json.loads(raw, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise AutomlcError(f"{name} is not JSON") from None
    if not isinstance(data, dict):
        raise AutomlcError(f"{name} is no object of JSON")
    return data


def _bounded(values: Mapping[str, Any], place: _Place) -> Mapping[str, Any]:
    if len(values) > MAX_VALUES:
        raise AutomlcError(f"{quote(place.text)} has more than {MAX_VALUES:,} values")
    return values


def _short(text: str) -> str:
    return clean(text).replace("\n", " ")[:MAX_TEXT]


def is_scalar(value: object) -> bool:
    """Whether a value can be that of a parameter: a short text, true, false, a finite number."""
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    return isinstance(value, bool) or _number(value) is not None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
