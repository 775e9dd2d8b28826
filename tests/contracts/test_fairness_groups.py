"""Rows of each group, class and part are those that the emitted data.py will make."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.compiler.contracts import groups as counting
from automlc.compiler.contracts.groups import Groups
from automlc.compiler.contracts.reading import Inspection, inspect
from automlc.compiler.contracts.split import PARTS, Fractions, assign, divide_groups
from automlc.spec.load import load

DPD = "fairness.demographic_parity_difference"


def table(folder: Path, rows: Sequence[str], head: str = "a,sex,y") -> None:
    (folder / "t.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def looked_at(
    folder: Path,
    data: str = "{source: t.csv, target: y}",
    column: str = "sex",
    kind: str = "tabular_classification",
) -> Inspection:
    spec = folder / "task.yaml"
    spec.write_text(
        f"automlc: 1\ntask: {{kind: {kind}}}\nseed: 5\ndata: {data}\n"
        f"constraints: [{DPD}({column}) <= 0.9]\n",
        encoding="utf-8",
    )
    return inspect(load(spec), [folder])


def groups(folder: Path, data: str = "{source: t.csv, target: y}", **more: str) -> Groups:
    found = looked_at(folder, data, **more)
    assert found.contract is not None, found.diagnostics
    (one,) = found.groups
    return one


def said(found: Inspection) -> dict[str, str]:
    return {d.code: d.message for d in found.diagnostics}


def people(count: int, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    return [f"{i % 17},{rng.choice('ffm')},{rng.choice('nny')}" for i in range(count)]


def by_hand(rows: Sequence[str], fractions: Fractions, seed: int, stratify: bool) -> Counter[str]:
    """The rule of split.py again, with lists: `part group class` -> rows."""
    cells = [row.split(",") for row in rows]
    draws = np.random.default_rng(seed).random(len(rows)).tolist()
    kinds = sorted({label for *_, label in cells}) if stratify else [None]
    found: Counter[str] = Counter()
    for kind in kinds:
        inside = [i for i, (*_, label) in enumerate(cells) if kind in (None, label)]
        inside.sort(key=lambda i: draws[i])
        test = max(1, int(len(inside) * fractions.test + 0.5))
        validation = max(1, int(len(inside) * fractions.validation + 0.5))
        for place, i in enumerate(inside):
            part = "test" if place < test else "validation"
            part = "train" if place >= test + validation else part
            found[f"{part} {cells[i][1]} {cells[i][2]}"] += 1
    return found


@pytest.mark.parametrize("stratify", [True, False])
def test_the_rows_of_a_random_split_are_counted_exactly(tmp_path: Path, stratify: bool) -> None:
    rows = people(211)
    table(tmp_path, rows)
    split = f"{{validation: 0.25, test: 0.15, stratify: {str(stratify).lower()}, seed: 42}}"
    one = groups(tmp_path, f"{{source: t.csv, target: y, split: {split}}}")
    assert one.names == ("f", "m")
    assert one.exact
    expected = by_hand(rows, Fractions(0.25, 0.15), 42, stratify)
    assert {
        f"{part} {name} {label}": count
        for part, counts in one.counts.items()
        for name, row in zip(one.names, counts, strict=True)
        for label, count in zip("ny", row, strict=True)
    } == expected


def test_the_seed_of_the_spec_divides_where_the_split_has_none(tmp_path: Path) -> None:
    rows = people(90)
    table(tmp_path, rows)
    expected = by_hand(rows, Fractions(0.2, 0.2), 5, stratify=True)
    assert groups(tmp_path).counts["test"][0][0] == expected["test f n"]


def test_parts_of_the_source_are_counted_as_they_are(tmp_path: Path) -> None:
    rows = ["1,f,n,train", "2,m,y,train", "3,f,y,train", "4,m,n,test", "5,m,y,test", "6,f,n,train"]
    table(tmp_path, [*rows, "7,f,y,validation"], "a,sex,y,part")
    one = groups(tmp_path, "{source: t.csv, target: y, split: {column: part}}")
    assert one.counts == {
        "train": ((2, 1), (0, 1)),
        "validation": ((0, 1), (0, 0)),
        "test": ((0, 0), (1, 1)),
    }


def test_numbers_that_are_written_differently_are_one_group(tmp_path: Path) -> None:
    cells = ["1", "1.0", "0", "NA", "2"]
    rows = [f"{i},{cells[i % 5]},{'ny'[i % 2]}" for i in range(100)]
    table(tmp_path, rows)
    found = looked_at(tmp_path)
    (one,) = found.groups
    assert one.names == ("0", "1", "2")
    assert one.missing == 20
    assert said(found)["W562"] == "20 rows have no value in column `sex`, so no group"
    assert sum(sum(map(sum, counts)) for counts in one.counts.values()) == 80


def test_a_column_declared_as_categories_keeps_its_words(tmp_path: Path) -> None:
    rows = [f"{i},{('1', 'NA')[i % 2]},{'nny'[i % 3]}" for i in range(60)]
    table(tmp_path, rows)
    data = "{source: t.csv, target: y, columns: {sex: category}}"
    assert groups(tmp_path, data).names == ("1", "NA")


def test_an_ignored_column_makes_groups_all_the_same(tmp_path: Path) -> None:
    table(tmp_path, people(60))
    found = looked_at(tmp_path, "{source: t.csv, target: y, columns: {sex: ignore}}")
    assert found.groups[0].names == ("f", "m")
    assert found.contract is not None
    assert "sex" not in str(found.contract.input)


def test_groups_of_texts_stand_beside_the_text(tmp_path: Path) -> None:
    rows = [f"the word number {i} of many,{'fm'[i % 2]},{'nny'[i % 3]}" for i in range(60)]
    table(tmp_path, rows, "text,sex,y")
    one = groups(
        tmp_path, "{source: t.csv, target: y, columns: {text: text}}", kind="text_classification"
    )
    assert one.names == ("f", "m")
    assert sum(map(sum, one.counts["train"])) == 36


def test_parquet_counts_like_csv(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    table(tmp_path, people(80))
    pandas.read_csv(tmp_path / "t.csv").to_parquet(tmp_path / "t.parquet")
    parquet = groups(tmp_path, "{source: t.parquet, target: y}")
    assert parquet == groups(tmp_path)


def test_of_very_many_rows_the_usual_share_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "EXACT_ROWS", 50)
    table(tmp_path, [f"{i},{'ffm'[i % 3]},{'ny'[i % 2]}" for i in range(300)])
    one = groups(tmp_path)
    assert not one.exact
    assert one.counts["test"] == ((20, 20), (10, 10))
    assert one.counts["train"] == ((60, 60), (30, 30))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("x", "column `sex` makes 1 group; two are compared"),
        (
            "",
            "column `sex` has no values that could be groups: it is empty, or neither numbers"
            " nor text",
        ),
        ("number", "column `sex` has 150 different values, too many for groups"),
    ],
)
def test_a_column_that_makes_no_groups_is_refused(tmp_path: Path, cell: str, message: str) -> None:
    cells = [cell if cell != "number" else f"{i / 7:.3f}" for i in range(150)]
    table(tmp_path, [f"{i % 9},{cells[i]},{'ny'[i % 2]}" for i in range(150)])
    found = looked_at(tmp_path)
    assert found.contract is None
    assert said(found)["E380"] == message


def test_a_column_of_endless_values_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MAX_VALUES", 120)
    table(tmp_path, [f"{i % 9},{i / 7:.3f},{'ny'[i % 2]}" for i in range(9000)])
    assert "more than 120 different values" in said(looked_at(tmp_path))["E380"]


def test_an_unknown_column_gets_its_nearest_name(tmp_path: Path) -> None:
    table(tmp_path, people(60))
    (finding,) = [d for d in looked_at(tmp_path, column="sx").diagnostics if d.code == "E365"]
    assert finding.hint == "did you mean `sex`?"
    assert finding.fix is not None
    assert finding.fix.edits[0].text == "sex"
    assert not finding.fix.safe


def test_a_recorded_contract_counts_no_groups_and_says_so(tmp_path: Path) -> None:
    table(tmp_path, people(60))
    found = looked_at(tmp_path)
    assert found.contract is not None
    (tmp_path / "contract.json").write_text(found.contract.dumps(), encoding="utf-8")
    (tmp_path / "t.csv").unlink()
    again = looked_at(tmp_path, "{source: t.csv, target: y, contract: contract.json}")
    assert again.groups == ()
    assert "W563" in said(again)


@given(
    st.lists(st.integers(0, 3), min_size=4, max_size=200),
    st.sampled_from([Fractions(0.2, 0.2), Fractions(0.5, 0.1), Fractions(0.1, 0), Fractions(0, 0)]),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_assigned_parts_have_the_sizes_that_the_contract_tells(
    labels: list[int], fractions: Fractions, seed: int, stratify: bool
) -> None:
    parts = assign(np.array(labels), fractions, seed, stratify=stratify).tolist()
    sizes = list(Counter(labels).values()) if stratify else [len(labels)]
    rows = divide_groups(sizes, fractions)
    if stratify and any(size < 4 for size in sizes):
        return  # refused with E363 before it comes to this
    assert [parts.count(place) for place in range(len(PARTS))] == [
        rows.train,
        rows.validation,
        rows.test,
    ]
