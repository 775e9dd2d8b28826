"""A trial: its states, its failures and retries, what it reports, and the files of its folder."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from automlc.spec.record import record

PLANS = "plans"  # folder of a run: the projects of each plan that it was under


class State(StrEnum):
    """Where a trial stands; all but `running` are final."""

    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"


class Failure(StrEnum):
    """Why a trial failed; the class decides whether it is tried again."""

    NAN = "nan"
    OOM = "oom"
    ERROR = "error"
    KILLED = "killed"
    TIMEOUT = "timeout"
    LOST = "lost"


MAX_RETRIES = {Failure.KILLED: 2, Failure.LOST: 2, Failure.OOM: 1}
# killed and lost are one cause for this purpose: the machine, not the configuration.
INFRASTRUCTURE = (Failure.KILLED, Failure.LOST)


def may_retry(failure: Failure, earlier: Mapping[str, int]) -> bool:
    """Whether a trial that failed so is tried again; `earlier` counts its retries by failure."""
    kinds = INFRASTRUCTURE if failure in INFRASTRUCTURE else (failure,)
    return sum(earlier.get(kind, 0) for kind in kinds) < MAX_RETRIES.get(failure, 0)


@record
class Artifact:
    """A file that a trial wrote, with the digest it had then; `epoch` is 1-based."""

    file: str
    sha256: str
    epoch: int

    def to_json(self) -> dict[str, Any]:
        return {"file": self.file, "sha256": self.sha256, "epoch": self.epoch}


@record
class Report:
    """What a trial says after one epoch; `value` is the validation metric, `seconds` wall time.

    `diverged` tells why training cannot go on (NaN in weights, losses, metrics); else it is empty.
    """

    epoch: int
    value: float
    metrics: Mapping[str, Any]
    learning_rate: float | None
    seconds: float
    samples: int | None
    feedback: Mapping[str, Any] | None
    checkpoint: Artifact | None
    weights: Artifact | None
    diverged: str = ""


class BadReport(ValueError):
    """A report that breaks the protocol; the message says how."""


# What a model of texts needs beside its weights; train.py writes it before the first epoch.
VOCABULARY = "vocabulary.json"

# Plain names only: a report must not be able to name a file outside the trial's folder.
_ARTIFACT_NAME = re.compile(r"(checkpoint|weights)-\d{1,9}\.[a-z0-9_]{1,16}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def parse_report(data: Any) -> Report:
    """Check a report as it came over the channel; BadReport if it breaks the protocol.

    Metrics and feedback that are not finite become None: they are observations. A value that is
    not finite stays as it is: it ends the trial. One that diverged needs none.
    """
    if not isinstance(data, dict):
        raise BadReport("a report must be an object")
    epoch = data.get("epoch")
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 1:
        raise BadReport(f"a report needs an epoch of 1 or more, got {epoch!r:.40}")
    value, diverged = _number(data.get("value")), _reason(data.get("diverged"))
    if value is None and diverged:
        value = math.nan
    if value is None:
        raise BadReport(f"epoch {epoch} has no metric: 'value' is {data.get('value')!r:.40}")
    metrics, feedback = data.get("metrics"), data.get("feedback")
    samples = data.get("samples")
    return Report(
        epoch=epoch,
        value=value,
        metrics=finite(metrics) if isinstance(metrics, dict) else {},
        learning_rate=finite(_number(data.get("learning_rate"))),
        seconds=finite(_number(data.get("seconds"))) or 0.0,
        samples=samples if isinstance(samples, int) else None,
        feedback=finite(feedback) if isinstance(feedback, dict) and feedback else None,
        checkpoint=_artifact(data.get("checkpoint"), epoch),
        weights=_artifact(data.get("weights"), epoch),
        diverged=diverged,
    )


def _reason(value: Any) -> str:
    """One line of text for people; empty where there is none."""
    return " ".join(value.split())[:500] if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _artifact(data: Any, epoch: int) -> Artifact | None:
    if data is None:
        return None
    file, digest = (data.get("file"), data.get("sha256")) if isinstance(data, dict) else (0, 0)
    name = Path(file).name if isinstance(file, str) else ""
    if not _ARTIFACT_NAME.fullmatch(name):
        raise BadReport(f"epoch {epoch}: not the name of a checkpoint or of weights: {file!r:.80}")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise BadReport(f"epoch {epoch}: {name} has no sha256 digest")
    return Artifact(name, digest, epoch)


def finite(value: Any) -> Any:
    """The value with every number that is not finite replaced by None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def folder_name(number: int) -> str:
    """The folder of a trial inside the run directory.

    >>> folder_name(7)
    't0007'
    """
    return f"t{number:04d}"


def sha256_of(path: Path) -> str | None:
    """The digest of a file; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def damage(folder: Path, artifact: Artifact) -> str | None:
    """What is wrong with a recorded file: `missing`, `does not match its record`, or None."""
    digest = sha256_of(folder / artifact.file)
    if digest is None:
        return "is missing"
    return None if digest == artifact.sha256 else "does not match its record (sha256)"


def sweep(folder: Path, keep: frozenset[str] = frozenset()) -> None:
    """Delete a trial's checkpoints, weights and half-written files, except those named."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for path in folder.iterdir():
        ours = _ARTIFACT_NAME.fullmatch(path.name) or path.name.endswith(".tmp")
        if ours and path.name not in keep:
            path.unlink(missing_ok=True)
