"""The plan says what each part has of each class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from automlc.compiler.class_rows import class_rows, told
from automlc.compiler.contracts.contract import ClassTarget, DataContract, Rows, loads
from automlc.compiler.contracts.reading import Inspection, inspect
from automlc.compiler.driver import compile_spec
from automlc.compiler.plan_text import plan_text
from automlc.spec.load import LoadedSpec, load


def spec(folder: Path, data: str, kind: str = "tabular_classification") -> LoadedSpec:
    path = folder / "task.yaml"
    path.write_text(f"automlc: 1\ntask: {{kind: {kind}}}\ndata: {data}\n", encoding="utf-8")
    return load(path)


def read(loaded: LoadedSpec) -> tuple[DataContract, Inspection]:
    found = inspect(loaded)
    assert found.contract is not None, found.diagnostics
    return found.contract, found


def table(folder: Path, rows: list[str], head: str = "a,y") -> None:
    (folder / "t.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def test_a_stratified_split_is_told_exactly(tmp_path: Path) -> None:
    table(tmp_path, [f"{i % 13},{'n' if i % 10 else 'y'}" for i in range(100)])
    loaded = spec(tmp_path, "{source: t.csv, target: y}")
    contract, _ = read(loaded)
    found = class_rows(contract, loaded.spec.data)
    assert found == (Rows(54, 18, 18), Rows(6, 2, 2))
    assert sum(rows.test for rows in found) == contract.rows.test
    text = plan_text(compile_spec(loaded)[0])
    assert "    `y`: 6 train, 2 validation, 2 test\n" in text


def test_without_stratification_the_usual_share_is_told(tmp_path: Path) -> None:
    table(tmp_path, [f"{i % 13},{'n' if i % 10 else 'y'}" for i in range(100)])
    loaded = spec(tmp_path, "{source: t.csv, target: y, split: {stratify: false}}")
    texts = dict(told(read(loaded)[0], loaded.spec.data))
    assert texts[1] == "`y`: about 6 train, 2 validation, 2 test"


def test_parts_of_the_source_are_counted(tmp_path: Path) -> None:
    labels = np.array([0] * 30 + [1] * 20)
    held = np.array([0] * 7 + [1] * 3)
    np.savez(
        tmp_path / "d.npz",
        x_train=np.arange(100.0).reshape(50, 2), y_train=labels,
        x_test=np.arange(20.0).reshape(10, 2) + 0.5, y_test=held,
    )  # fmt: skip
    loaded = spec(tmp_path, "{source: d.npz}")
    contract, _ = read(loaded)
    assert contract.target == ClassTarget((0, 1), (30, 20), None, (7, 3))
    assert class_rows(contract, loaded.spec.data) == (Rows(24, 6, 7), Rows(16, 4, 3))
    assert loads(contract.dumps()) == contract


def test_a_class_that_a_part_has_none_of_is_said(tmp_path: Path) -> None:
    rows = [f"{i},{'ny'[i % 2]},train" for i in range(30)] + ["90,n,test", "91,n,test"]
    table(tmp_path, rows, "a,y,part")
    _, found = read(spec(tmp_path, "{source: t.csv, target: y, split: {column: part}}"))
    assert [d.message for d in found.diagnostics if d.code == "W512"] == [
        "the test part has no row of class 'y'"
    ]


def test_a_contract_of_an_earlier_version_still_stands_for_its_data(tmp_path: Path) -> None:
    rows = [f"{i},{'ny'[i % 2]},train" for i in range(30)] + ["90,n,test", "91,y,test"]
    table(tmp_path, rows, "a,y,part")
    data = "source: t.csv, target: y, split: {column: part}"
    contract, _ = read(spec(tmp_path, f"{{{data}}}"))
    assert isinstance(contract.target, ClassTarget)
    old = replace(contract, target=replace(contract.target, test=None))
    assert '"test": [' not in old.dumps()
    (tmp_path / "contract.json").write_text(old.dumps(), encoding="utf-8")
    loaded = spec(tmp_path, f"{{{data}, contract: contract.json}}")
    read(loaded)
    assert class_rows(old, loaded.spec.data) == ()


def test_of_many_classes_the_rarest_are_told(tmp_path: Path) -> None:
    rows = [f"{i},k{k:02}" for k in range(20) for i in range(10 + k)]
    table(tmp_path, rows)
    loaded = spec(tmp_path, "{source: t.csv, target: y}")
    texts = [text for _, text in told(read(loaded)[0], loaded.spec.data)]
    assert texts[0] == "rare `k00`: 6 train, 2 validation, 2 test"
    assert len(texts) == 5


def test_a_regression_has_no_classes(tmp_path: Path) -> None:
    table(tmp_path, [f"{i % 7},{i * 2}" for i in range(30)])
    loaded = spec(tmp_path, "{source: t.csv, target: y}", "tabular_regression")
    assert list(told(read(loaded)[0], loaded.spec.data)) == []
