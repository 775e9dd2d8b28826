"""Rows that occur more than once are said, with numbers and places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from automlc.compiler.contracts import duplicates
from automlc.compiler.contracts.duplicates import Duplicates, joined
from automlc.compiler.contracts.reading import inspect
from automlc.spec.load import load


def found(folder: Path, data: str, kind: str = "tabular_classification") -> dict[str, str]:
    """Code -> message of the warnings about repeated rows."""
    spec = folder / "task.yaml"
    spec.write_text(f"automlc: 1\ntask: {{kind: {kind}}}\ndata: {data}\n", encoding="utf-8")
    seen = inspect(load(spec), [folder])
    assert seen.contract is not None, seen.diagnostics
    return {d.code: d.message for d in seen.diagnostics if d.code in ("W516", "W517", "W518")}


def table(folder: Path, rows: Sequence[str], head: str = "a,b,y") -> None:
    (folder / "t.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def different(count: int) -> list[str]:
    return [f"{i},{i * 7 % 5},{'pq'[i % 2]}" for i in range(count)]


def test_different_rows_are_not_mentioned(tmp_path: Path) -> None:
    table(tmp_path, different(50))
    assert found(tmp_path, "{source: t.csv, target: y}") == {}


def test_one_repeated_row_of_many_is_no_risk_worth_a_warning(tmp_path: Path) -> None:
    table(tmp_path, [*different(200), "0,0,p"])
    assert found(tmp_path, "{source: t.csv, target: y}") == {}


def test_repeated_rows_that_a_split_divides_are_counted(tmp_path: Path) -> None:
    table(tmp_path, [*different(50), *different(10)])
    said = found(tmp_path, "{source: t.csv, target: y}")
    assert said["W517"].startswith("10 of 60 lines")
    assert "W518" not in said


def test_other_labels_of_the_same_row_are_said(tmp_path: Path) -> None:
    table(tmp_path, [*different(200), "0,0,q"])
    said = found(tmp_path, "{source: t.csv, target: y}")
    assert said == {"W518": "1 line occurs with different labels: line 2 is 'p', line 202 is 'q'"}


def test_a_regression_may_have_equal_rows_with_other_targets(tmp_path: Path) -> None:
    table(tmp_path, [*(f"{i},1,{i}" for i in range(200)), "0,1,5"])
    assert found(tmp_path, "{source: t.csv, target: y}", "tabular_regression") == {}


def test_rows_on_both_sides_of_a_split_column_are_a_leak(tmp_path: Path) -> None:
    rows = [f"{i},1,{'pq'[i % 2]},train" for i in range(40)]
    rows += [f"{i},1,{'pq'[i % 2]},test" for i in range(38, 60)]
    rows += [f"{i},2,{'pq'[i % 2]},validation" for i in range(20)]
    table(tmp_path, rows, "a,b,y,part")
    said = found(tmp_path, "{source: t.csv, target: y, split: {column: part}}")
    assert said["W516"].startswith("2 lines of one part occur in another as well: line 40 (train)")
    assert "line 42 (test)" in said["W516"]


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_arrays_are_compared_row_by_row(tmp_path: Path, kind: str) -> None:
    x = np.arange(60 * 4).reshape(60, 2, 2).astype(kind)
    test = x[:20] + (1000 if kind == "float32" else 0)
    np.savez(
        tmp_path / "d.npz", x_train=x[20:], y_train=np.arange(40) % 2, x_test=test,
        y_test=np.arange(20) % 2,
    )  # fmt: skip
    assert found(tmp_path, "{source: d.npz}", "image_classification") == {}
    test[3] = x[25]
    np.savez(
        tmp_path / "d.npz", x_train=x[20:], y_train=np.arange(40) % 2, x_test=test,
        y_test=np.arange(20) % 2,
    )  # fmt: skip
    said = found(tmp_path, "{source: d.npz}", "image_classification")
    assert "x_train[5] (train) is x_test[3] (test)" in said["W516"]


def test_images_are_compared_by_their_files(tmp_path: Path) -> None:
    for part, count in (("train", 6), ("test", 3)):
        for name in ("cat", "dog"):
            folder = tmp_path / "pets" / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                shade = i * 20 + (name == "dog") * 7 + (part == "test") * 3
                Image.new("L", (4, 4), shade).save(folder / f"{i}.png")
    assert found(tmp_path, "{source: pets}", "image_classification") == {}
    copy = (tmp_path / "pets" / "train" / "cat" / "2.png").read_bytes()
    (tmp_path / "pets" / "test" / "dog" / "1.png").write_bytes(copy)
    said = found(tmp_path, "{source: pets}", "image_classification")
    assert "train/cat/2.png (train) is test/dog/1.png (test)" in said["W516"]
    assert "W518" in said


def test_texts_are_compared_by_their_columns(tmp_path: Path) -> None:
    rows = [f"how far is it to town number {i},{'pq'[i % 2]},{i}" for i in range(50)]
    table(tmp_path, [*rows, "how far is it to town number 3,p,99"], "text,y,id")
    said = found(tmp_path, "{source: t.csv, target: y}", "text_classification")
    assert "line 5" in said["W518"]


def test_of_very_many_rows_the_first_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MAX_ROWS", 10)
    collected = Duplicates()
    for number in range(30):
        collected.add("train", str(number).encode(), "a", f"row {number}")
    assert len(collected.known) == 10
    assert collected.skipped


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_cells_are_told_apart(one: list[str], other: list[str]) -> None:
    clean = [[cell.replace("\x1f", "") for cell in cells] for cells in (one, other)]
    if len(clean[0]) == len(clean[1]):
        assert (joined(clean[0]) == joined(clean[1])) == (clean[0] == clean[1])


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 5), st.sampled_from("pq"))))
def test_counts_are_those_of_pairs_of_rows(rows: list[tuple[str, int, str]]) -> None:
    collected = Duplicates()
    for number, (part, content, label) in enumerate(rows):
        collected.add(part, bytes([content]), label, str(number))
    parts: dict[int, set[str]] = {}
    labels: dict[int, set[str]] = {}
    for part, content, label in rows:
        parts.setdefault(content, set()).add(part)
        labels.setdefault(content, set()).add(label)
    across = sum(one.other_part is not None for one in collected.known.values())
    other = sum(one.other_label is not None for one in collected.known.values())
    assert across == sum(len(seen) > 1 for seen in parts.values())
    assert other == sum(len(seen) > 1 for seen in labels.values())
