"""Fairness constraints: what the data can decide is said, and nothing runs unmeasured."""

from __future__ import annotations

from pathlib import Path

import pytest

from automlc.compiler.driver import compile_spec
from automlc.runtime.fairness import FAIRNESS
from automlc.spec.diagnostics import Diagnostic, render
from automlc.spec.errors import SpecError
from automlc.spec.load import load


def found(folder: Path, rows: list[str], *constraints: str, data: str = "") -> list[Diagnostic]:
    """What compiling says; it always ends in an error."""
    (folder / "t.csv").write_text("\n".join(["a,sex,y", *rows]) + "\n", encoding="utf-8")
    lines = "".join(f"  - {one}\n" for one in constraints)
    spec = folder / "task.yaml"
    spec.write_text(
        "automlc: 1\ntask: {kind: tabular_classification}\n"
        f"data: {{source: t.csv, target: y{data}}}\nconstraints:\n{lines}",
        encoding="utf-8",
    )
    with pytest.raises(SpecError) as error:
        compile_spec(load(spec))
    return list(error.value.diagnostics)


def people(**counts: int) -> list[str]:
    """`fy=30`: so many rows of that sex and class."""
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    return [f"{i / 7:.4f},{kind[0]},{kind[1]}" for i, kind in enumerate(kinds)]


def codes(findings: list[Diagnostic]) -> list[str]:
    return sorted(one.code for one in findings)


def one(findings: list[Diagnostic], code: str) -> Diagnostic:
    (only,) = [finding for finding in findings if finding.code == code]
    return only


@pytest.mark.parametrize("name", FAIRNESS)
def test_no_metric_is_accepted_before_it_is_measured(tmp_path: Path, name: str) -> None:
    metric = FAIRNESS[name]
    rows = people(fy=300, fn=300, my=300, mn=300)
    findings = found(tmp_path, rows, f"{name}(sex) {metric.better} 0.5")
    assert codes(findings) == ["E346"]
    assert findings[0].notes[1].message.startswith("rows in validation")


def test_each_metric_asks_for_the_rows_that_it_divides_by(tmp_path: Path) -> None:
    """About 20 rows of women in validation, 3 of class y: enough for one metric, not for two."""
    rows = people(fy=15, fn=85, my=400, mn=400)
    bounds = [
        "fairness.demographic_parity_difference(sex) <= 0.3",
        "fairness.equal_opportunity_difference(sex) <= 0.3",
        "fairness.equalized_odds_difference(sex) <= 0.3",
    ]
    findings = found(tmp_path, rows, *bounds)
    small = [finding.key for finding in findings if finding.code == "W560"]
    assert small == ["constraints[1]", "constraints[2]"]
    assert "of class `y`" in one(
        [f for f in findings if f.key == "constraints[2]"], "W560"
    ).notes[0].message  # fmt: skip


def test_the_negative_class_counts_for_equalized_odds_alone(tmp_path: Path) -> None:
    rows = people(fy=200, fn=15, my=400, mn=400)
    opportunity = found(tmp_path, rows, "fairness.equal_opportunity_difference(sex) <= 0.3")
    assert codes(opportunity) == ["E346"]
    odds = found(tmp_path, rows, "fairness.equalized_odds_difference(sex) <= 0.3")
    assert "of class `n`" in one(odds, "W560").notes[0].message


def test_what_these_rows_can_decide_is_decided(tmp_path: Path) -> None:
    rows = people(fy=40, fn=60, my=400, mn=400)
    metric = "fairness.demographic_parity_difference(sex)"
    first = one(found(tmp_path, rows, f"{metric} <= 0.05"), "W560")
    assert first.hint is not None
    bound = first.hint.rpartition("<= ")[2]
    again = found(tmp_path, rows, f"{metric} <= {bound}")
    assert codes(again) == ["E346"]


def test_ratios_are_weighed_by_their_logarithm(tmp_path: Path) -> None:
    rows = people(fy=40, fn=60, my=400, mn=400)
    first = one(found(tmp_path, rows, "fairness.demographic_parity_ratio(sex) >= 0.9"), "W560")
    assert first.hint is not None
    assert "as low as" in first.notes[0].message
    bound = first.hint.rpartition(">= ")[2]
    again = found(tmp_path, rows, f"fairness.demographic_parity_ratio(sex) >= {bound}")
    assert codes(again) == ["E346"]


def test_an_exact_zero_needs_more_rows_than_there_are(tmp_path: Path) -> None:
    rows = people(fy=300, fn=300, my=300, mn=300)
    small = one(found(tmp_path, rows, "fairness.demographic_parity_difference(sex) <= 0"), "W560")
    assert small.hint is not None
    assert small.hint.startswith("no number of rows is enough")


def test_a_group_without_positive_rows_makes_the_metric_undefined(tmp_path: Path) -> None:
    rows = people(fn=100, my=300, mn=300)
    findings = found(tmp_path, rows, "fairness.equal_opportunity_difference(sex) <= 0.3")
    undefined = one(findings, "W561")
    assert undefined.message.endswith("validation has no row with `sex` `f` of class `y`")
    assert [note.message for note in undefined.notes] == [
        "test has no row with `sex` `f` of class `y`"
    ]
    assert codes(findings) == ["E346", "W561"]


def test_a_part_that_is_not_kept_is_not_asked_for(tmp_path: Path) -> None:
    rows = people(fy=40, fn=60, my=400, mn=400)
    constraint = "fairness.demographic_parity_difference(sex) <= 0.1"
    small = one(found(tmp_path, rows, constraint, data=", split: {test: 0}"), "W560")
    assert [note.message.split()[0] for note in small.notes] == ["validation"]


def test_three_classes_have_no_positive_one(tmp_path: Path) -> None:
    rows = people(fa=30, fb=30, mc=30)
    findings = found(tmp_path, rows, "fairness.equalized_odds_difference(sex) <= 0.3")
    assert codes(findings) == ["E381"]
    assert "there are 3 classes" in findings[0].message


def test_the_order_of_the_classes_names_the_positive_one(tmp_path: Path) -> None:
    rows = people(fy=15, fn=300, my=300, mn=300)
    constraint = "fairness.equal_opportunity_difference(sex) <= 0.2"
    assert "W560" in codes(found(tmp_path, rows, constraint))
    assert codes(found(tmp_path, rows, constraint, data=", classes: [y, n]")) == ["E346"]


def test_costs_are_bound_beside_a_fairness_constraint(tmp_path: Path) -> None:
    rows = people(fy=300, fn=300, my=300, mn=300)
    findings = found(
        tmp_path, rows, "fairness.equal_opportunity_difference(sex) <= 0.3", "model.sise <= 5MB"
    )
    assert codes(findings) == ["E346", "E346"]


def test_one_row_is_one_row(tmp_path: Path) -> None:
    rows = people(fy=3, fn=3, my=30, mn=30)
    findings = found(tmp_path, rows, "fairness.equal_opportunity_difference(sex) <= 0.25")
    said = [note.message for note in one(findings, "W560").notes]
    assert any(" has 1 row of `f` and " in text for text in said), said


TEXT = """\
error[E346]: fairness.equalized_odds_difference(sex) <= 0.25 cannot be enforced yet: this version \
does not measure fairness while a model trains
 --> task.yaml:5:5
  |
5 |   - fairness.equalized_odds_difference(sex) <= 0.25
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = note: rows in train (those of the positive class `y`): `f` 63 (19), `m` 357 (179)
  = note: rows in validation (those of the positive class `y`): `f` 18 (4), `m` 122 (62)
  = note: rows in test (those of the positive class `y`): `f` 19 (7), `m` 121 (59)
  = help: take the constraint out to search without it; nothing looks at fairness then

warning[W560]: the groups of `sex` are too small to decide fairness.equalized_odds_difference(sex) \
<= 0.25: a fair model can break it by chance in more than 5 of 100 samples of this size
 --> task.yaml:5:5
  |
5 |   - fairness.equalized_odds_difference(sex) <= 0.25
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = note: validation has 4 rows of `f` and 62 of `m` of class `y`: chance alone makes differences \
of up to 0.51
  = note: test has 7 rows of `f` and 59 of `m` of class `y`: chance alone makes differences of up \
to 0.4
  = help: it takes about 31 rows of each group and class: hold out more rows, or join groups; \
these rows can decide <= 0.51

1 error, 1 warning"""


def test_the_whole_answer_as_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = people(fy=30, fn=70, my=300, mn=300)
    findings = found(Path(), rows, "fairness.equalized_odds_difference(sex) <= 0.25")
    sources = {"task.yaml": Path("task.yaml").read_text(encoding="utf-8")}
    assert render(findings, sources=sources) == TEXT
