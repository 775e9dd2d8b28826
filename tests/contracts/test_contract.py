"""The contract type, the split rule, roots, recorded contracts and the readers on good data."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.compiler.contracts import reading as contracts
from automlc.compiler.contracts.base import least_rows
from automlc.compiler.contracts.builtin import BUILTINS
from automlc.compiler.contracts.contract import (
    Category,
    ClassTarget,
    ContractError,
    DataContract,
    ImageInput,
    NumberTarget,
    Rows,
    Storage,
    TableInput,
    loads,
)
from automlc.compiler.contracts.reading import data_roots, inspect, read, resolve_source
from automlc.compiler.contracts.split import Fractions, divide, divide_groups, held_out
from automlc.spec.errors import SpecError
from automlc.spec.load import LoadedSpec, load_text


def spec(folder: Path, kind: str, *lines: str) -> LoadedSpec:
    body = "".join(f"  {line}\n" for line in lines)
    text = f"automlc: 1\ntask:\n  kind: {kind}\ndata:\n{body}"
    return load_text(text, str(folder / "task.yaml"))


def cars(folder: Path, name: str = "cars.csv", rows: int = 40) -> Path:
    rng = random.Random(3)
    lines = ["weight,color,kind"]
    for i in range(rows):
        weight = "" if i == 5 else f"{rng.uniform(1, 2):.3f}"
        lines.append(f"{weight}, {rng.choice(['red', 'blue', '', 'NA'])} ,{i % 2}")
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


IMAGES = DataContract(
    source="data/x.npz",
    format="npz",
    fingerprint="sha256:00",
    input=ImageInput(8, 9, 3, "float32"),
    target=ClassTarget(("a", "b"), (4, 5)),
    rows=Rows(5, 2, 2),
    storage=Storage("npz", 9, None, 2, {"features": "x", "labels": "y", "axes": "NHWC"}),
)
TABLE = replace(
    IMAGES,
    format="table",
    input=TableInput(("w",), (Category("c", ("blue", "red")),), {"w": 1}),
    target=NumberTarget(0.0, 1.5, 0.5),
    storage=Storage("csv", 9, None, 2, {"delimiter": ",", "target": "y"}),
)


@pytest.mark.parametrize("contract", [IMAGES, TABLE], ids=["images", "table"])
def test_a_contract_survives_its_json_form(contract: DataContract) -> None:
    assert loads(contract.dumps()) == contract
    assert loads(contract.dumps()).dumps() == contract.dumps()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "automlc.contract/2"),
        ("format", "pickle"),
        ("input.height", 0),
        ("input.height", True),
        ("input.dtype", "object"),
        ("target.classes", ["a", "a"]),
        ("target.counts", [1]),
        ("rows.train", -1),
        ("rows", []),
        ("storage.kind", "csv"),
        ("storage.details", {"features": "x'); import os", "labels": "y", "axes": "NHW"}),
        ("storage.details", {"features": "../x", "labels": "y", "axes": "NHW"}),
        ("storage.details", {"surprise": "x"}),
        ("storage.details", {"features": "x", "labels": "y", "axes": "WHN"}),
    ],
)
def test_a_recorded_contract_that_is_wrong_is_refused(path: str, value: object) -> None:
    data = IMAGES.to_json()
    place = data
    *way, last = path.split(".")
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(ContractError):
        DataContract.from_json(data)


@given(st.text())
def test_any_text_is_a_contract_or_a_contract_error(text: str) -> None:
    with pytest.raises(ContractError):
        loads(text)


def test_class_names_of_a_recorded_folder_cannot_climb_out() -> None:
    contract = replace(
        IMAGES,
        format="image_folder",
        target=ClassTarget(("../../etc", "b"), (4, 5)),
        storage=Storage("image_folder", 9),
    )
    with pytest.raises(ContractError, match="no name of a folder"):
        loads(contract.dumps())


@given(
    st.lists(st.integers(3, 500), min_size=1, max_size=20),
    st.floats(0.01, 0.45),
    st.floats(0, 0.45),
)
def test_the_split_rule_loses_no_row(groups: list[int], validation: float, test: float) -> None:
    fractions = Fractions(validation, test)
    rows = divide_groups(groups, fractions)
    assert rows.train + rows.validation + rows.test == sum(groups)
    least = least_rows(fractions)
    assert all(divide(n, fractions).train >= 1 for n in groups if n >= least)
    assert least == 1 or divide(least - 1, fractions).train < 1
    assert (rows.test > 0) == (test > 0)
    assert held_out(groups[0], validation) >= 1


def test_recorded_builtins_are_equal_to_the_data() -> None:
    import hashlib

    from sklearn import datasets

    digits = datasets.load_digits()
    cancer = datasets.load_breast_cancer()
    diabetes = datasets.load_diabetes(scaled=False)
    found = {"digits": digits, "breast_cancer": cancer, "diabetes": diabetes}
    for name, bunch in found.items():
        x = bunch.images if name == "digits" else bunch.data
        content = np.ascontiguousarray(x, "<f8").tobytes()
        content += np.ascontiguousarray(bunch.target, "<f8").tobytes()
        recorded = BUILTINS[name]
        assert recorded.fingerprint == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert recorded.rows == len(x)
        if isinstance(recorded.input, TableInput):
            assert recorded.input.numeric == tuple(map(str, bunch.feature_names))
        if recorded.numbers:
            y = bunch.target
            expected = (y.min(), y.max(), pytest.approx(y.mean(), rel=1e-12))
            numbers = recorded.numbers
            assert (numbers.minimum, numbers.maximum, numbers.mean) == expected
    assert dict(BUILTINS["digits"].labels) == dict(enumerate(np.bincount(digits.target)))
    names = cancer.target_names[cancer.target].tolist()
    assert dict(BUILTINS["breast_cancer"].labels) == {n: names.count(n) for n in set(names)}


def test_a_builtin_contract_needs_no_scikit_learn(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "for name in ('sklearn', 'pandas', 'pyarrow', 'PIL', 'torch'): sys.modules[name] = None\n"
        "from automlc.spec.load import load_text\n"
        "from automlc.compiler.contracts.reading import read\n"
        "text = 'automlc: 1\\ntask: {kind: image_classification}\\n'\n"
        "text += 'data: {source: builtin:digits}'\n"
        "print(read(load_text(text, 'task.yaml')).rows)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Rows(train=1079, validation=359, test=359)"


def test_a_table_is_typed_by_its_cells(tmp_path: Path) -> None:
    cars(tmp_path)
    contract = read(spec(tmp_path, "tabular_classification", "source: cars.csv", "target: kind"))
    assert contract.input == TableInput(
        numeric=("weight",),
        categorical=(Category("color", ("NA", "blue", "red")),),
        missing=contract.input.missing,  # type: ignore[union-attr]  # the next lines look at it
    )
    assert contract.input.missing["weight"] == 1
    assert contract.target == ClassTarget((0, 1), (20, 20))
    assert contract.rows == Rows(24, 8, 8)


def test_declared_columns_win_over_the_guess(tmp_path: Path) -> None:
    cars(tmp_path)
    lines = ("source: cars.csv", "target: kind", "columns: {weight: category, color: ignore}")
    contract = read(spec(tmp_path, "tabular_classification", *lines))
    assert isinstance(contract.input, TableInput)
    assert [c.name for c in contract.input.categorical] == ["weight"]
    assert contract.input.numeric == ()


def test_csv_gz_and_parquet_say_the_same(tmp_path: Path) -> None:
    import gzip

    import pyarrow as pa
    from pyarrow import parquet

    path = cars(tmp_path)
    (tmp_path / "cars.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    columns = {
        "weight": pa.array([float(r[0]) if r[0] else None for r in rows]),
        "color": pa.array([r[1].strip() or None for r in rows]),
        "kind": pa.array([int(r[2]) for r in rows]),
    }
    parquet.write_table(pa.table(columns), tmp_path / "cars.parquet")
    found = [
        read(spec(tmp_path, "tabular_classification", f"source: {name}", "target: kind"))
        for name in ("cars.csv", "cars.csv.gz", "cars.parquet")
    ]
    assert found[0].input == found[1].input == found[2].input
    assert found[0].target == found[1].target == found[2].target
    assert found[0].rows == found[1].rows == found[2].rows


def test_class_order_is_that_of_the_spec(tmp_path: Path) -> None:
    cars(tmp_path)
    lines = ("source: cars.csv", "target: kind", "classes: [1, 0]")
    contract = read(spec(tmp_path, "tabular_classification", *lines))
    assert contract.target == ClassTarget((1, 0), (20, 20))


def test_unused_arrays_are_said_in_a_note(tmp_path: Path) -> None:
    x, y = (
        np.arange(480, dtype=np.uint16).reshape(30, 4, 4).view(np.uint8)[:, :, :4],
        np.arange(30) % 3,
    )
    np.savez(tmp_path / "d.npz", x=x, y=y, names=np.array(["a"], dtype=object))
    found = inspect(spec(tmp_path, "image_classification", "source: d.npz"))
    assert found.diagnostics == ()
    assert found.notes == ("arrays of d.npz that are not used: names",)


def test_a_recorded_contract_stands_in_for_absent_data(tmp_path: Path) -> None:
    path = cars(tmp_path)
    lines = ("source: cars.csv", "target: kind")
    contract = read(spec(tmp_path, "tabular_classification", *lines))
    (tmp_path / "contract.json").write_text(contract.dumps())
    path.unlink()
    again = (*lines, "contract: contract.json", "split: {validation: 0.1}")
    found = read(spec(tmp_path, "tabular_classification", *again))
    assert found == replace(contract, rows=Rows(28, 4, 8))
    assert json.loads(contract.dumps())["schema"] == "automlc.contract/1"


def test_fingerprints_follow_content_and_not_time(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("cat", "dog"):
        for i in range(5):
            path = tmp_path / "photos" / name / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (4, 4)).save(path)
    loaded = spec(tmp_path, "image_classification", "source: photos")
    before = read(loaded).fingerprint
    (tmp_path / "photos" / "cat" / "0.png").touch()
    assert read(loaded).fingerprint == before
    Image.new("L", (4, 4), 9).save(tmp_path / "photos" / "cat" / "0.png")
    assert read(loaded).fingerprint != before


def test_data_roots_open_other_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, store = tmp_path / "project", tmp_path / "store"
    project.mkdir()
    store.mkdir()
    path = cars(store)
    loaded = spec(project, "tabular_classification", f"source: {path}", "target: kind")
    monkeypatch.chdir(project)
    monkeypatch.delenv("AUTOMLC_DATA_ROOT", raising=False)
    with pytest.raises(SpecError):
        resolve_source(loaded)
    assert resolve_source(loaded, [store]) == path.resolve()
    monkeypatch.setenv("AUTOMLC_DATA_ROOT", str(store))
    assert resolve_source(loaded) == path.resolve()
    assert data_roots(project / "task.yaml") == (project.resolve(), store.resolve())


def test_the_project_root_is_the_current_folder_when_the_spec_is_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOMLC_DATA_ROOT", raising=False)
    (tmp_path / "specs").mkdir()
    cars(tmp_path)
    lines = ("source: ../cars.csv", "target: kind")
    assert resolve_source(spec(tmp_path / "specs", "tabular_classification", *lines))


def test_missing_packages_are_named_with_their_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    (tmp_path / "d.parquet").write_bytes(b"PAR1")
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    for module in ("pyarrow", "pyarrow.parquet", "PIL"):
        monkeypatch.setitem(sys.modules, module, None)
    for kind, *lines in (
        ("tabular_classification", "source: d.parquet", "target: y"),
        ("image_classification", "source: photos"),
    ):
        (problem,) = contracts.inspect(spec(tmp_path, kind, *lines)).diagnostics
        assert problem.code == "E354"
        assert problem.hint == "pip install 'automlc[run]'"


def test_a_target_that_never_changes_is_said(tmp_path: Path) -> None:
    rows = "".join(f"{i % 7},{i * i % 11},3.5\n" for i in range(60))
    (tmp_path / "c.csv").write_text("a,b,y\n" + rows)
    found = inspect(spec(tmp_path, "tabular_regression", "source: c.csv", "target: y"))
    assert [d.message for d in found.diagnostics if d.code == "W519"] == [
        "the target is 3.5 in every row that is trained on"
    ]
