"""builtin:digits, builtin:breast_cancer, builtin:diabetes: real data inside scikit-learn.

Their contracts are recorded here, so that a spec compiles where scikit-learn is not installed;
tests/contracts/test_builtin.py holds them equal to the data. Fingerprints are over the bytes of
features and targets as little-endian float64.
"""

from __future__ import annotations

from collections import Counter

from automlc.compiler.contracts.base import (
    Label,
    Request,
    class_target,
    numeric_columns,
    refuse_settings,
    rows_after_split,
)
from automlc.compiler.contracts.contract import (
    DataContract,
    ImageInput,
    Input,
    NumberTarget,
    Storage,
    TableInput,
    Target,
)
from automlc.spec.diagnostics import quote
from automlc.spec.record import record
from automlc.spec.suggest import nearest

PREFIX = "builtin:"


@record
class Recorded:
    """What a builtin data set is. It has labels, numbers as targets, or both."""

    input: Input
    fingerprint: str
    labels: tuple[tuple[Label, int], ...] = ()
    numbers: NumberTarget | None = None

    @property
    def rows(self) -> int:
        return sum(count for _, count in self.labels) or 442


_MEASURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
_CELL_COLUMNS = (
    *(f"mean {measure}" for measure in _MEASURES),
    *(f"{measure} error" for measure in _MEASURES),
    *(f"worst {measure}" for measure in _MEASURES),
)

BUILTINS = {
    "breast_cancer": Recorded(
        input=TableInput(numeric=_CELL_COLUMNS),
        fingerprint="sha256:cdd5f37c36cbdfc2e5ee074cec7540fac54340874afb25917a673e446270d0d0",
        labels=(("benign", 357), ("malignant", 212)),
    ),
    "diabetes": Recorded(
        input=TableInput(numeric=("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")),
        fingerprint="sha256:e9c1f7559552854a24dc45b41c446ce5f79f96e5da081bcce24b57492720b3f7",
        numbers=NumberTarget(minimum=25.0, maximum=346.0, mean=67243 / 442),
    ),
    "digits": Recorded(
        input=ImageInput(height=8, width=8, channels=1),
        fingerprint="sha256:f19a7d92591ca0a1ffc65ec172e8149afdff995e0d2c4cb0afd151f38471ff90",
        labels=tuple(enumerate((178, 182, 177, 183, 181, 182, 181, 179, 174, 180))),
        numbers=NumberTarget(minimum=0.0, maximum=9.0, mean=8070 / 1797),
    ),
}


def read(request: Request) -> DataContract:
    """The contract of a builtin data set. Raises Stop where the task does not fit it."""
    data = request.data
    name = request.source.removeprefix(PREFIX)
    recorded = BUILTINS.get(name)
    if recorded is None:
        close = nearest(name, BUILTINS)
        raise request.problems.stop(
            "E352",
            "data.source",
            f"no builtin data set is called {quote(name)}",
            f"did you mean `builtin:{close}`?"
            if close
            else "known: " + ", ".join(f"builtin:{known}" for known in sorted(BUILTINS)),
        )
    settings = {
        "target": data.target,
        "split.column": data.split.column,
        "image.size": data.image.size,
    }
    refuse_settings(request, settings, "builtin data sets")
    refuse_settings(request, {"columns": request.is_image and data.columns}, "images")
    _check_task(request, recorded)
    target = _target(request, recorded)
    storage = Storage("builtin", recorded.rows, details={"name": name})
    return DataContract(
        source=request.source,
        format="builtin",
        fingerprint=recorded.fingerprint,
        input=_input(request, recorded.input),
        target=target,
        rows=rows_after_split(request, storage, target),
        storage=storage,
    )


def _check_task(request: Request, recorded: Recorded) -> None:
    fields = "image" if isinstance(recorded.input, ImageInput) else "tabular"
    goals = ["classification"] if recorded.labels else []
    goals += ["regression"] if recorded.numbers else []
    fitting = [f"{fields}_{goal}" for goal in goals]
    if request.task not in fitting:
        raise request.problems.stop(
            "E376",
            "task.kind",
            f"{request.source} does not fit the task {request.task}",
            f"write `kind: {fitting[0]}`",
        )


def _target(request: Request, recorded: Recorded) -> Target:
    if request.is_classification:
        counts: Counter[Label] = Counter(dict(recorded.labels))
        return class_target(request, counts, where=request.source)
    assert recorded.numbers is not None, "_check_task has let a task through that does not fit"
    return recorded.numbers


def _input(request: Request, recorded: Input) -> Input:
    if isinstance(recorded, TableInput):
        return TableInput(numeric=numeric_columns(request, recorded.numeric))
    assert isinstance(recorded, ImageInput), "no builtin data set holds texts"
    if request.data.image.channels not in (None, recorded.channels):
        request.problems.report(
            "E374", "data.image.channels", f"{request.source} has one channel", "leave it out"
        )
    return recorded
