import csv
import io
from pathlib import Path

import pytest
from made_run import make_run

from automlc.runtime.report.table import guard_cell, write_csv
from automlc.runtime.view import RunView


@pytest.mark.parametrize(
    "cell", ['=cmd|"/C calc"!A0', "+1", "@SUM(A1)", "\t=1+1", "-2+3", "  =1", "\r=1", "\uff1d1+1"]
)
def test_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert guard_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-1.5", "-1e-3", "1e5", "adam", "", -1.5, 3, True, None])
def test_numbers_and_words_stay_as_they_are(cell: object) -> None:
    assert guard_cell(cell) == cell


def test_names_and_values_of_a_run_are_guarded(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r-1", trials=6, name=lambda text: "=" + text)
    with RunView.open(run) as view:
        file = io.StringIO()
        assert write_csv(view, file) == 6
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert len(rows) == 6
    assert all(row["param.=optimizer"].startswith("'=") for row in rows)
    assert float(rows[0]["value"]) > 0
