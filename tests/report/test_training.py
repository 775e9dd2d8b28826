"""The report's section on training: strips, conditions, actions, the tree of the search."""

import json
import sqlite3
import statistics
from pathlib import Path
from typing import Any

import html5lib
import pytest
from made_run import make_run

from automlc.runtime.report import build, build_report
from automlc.runtime.report.training import (
    LEGEND,
    MOST_CELLS,
    MOST_NODES,
    MOST_STRIPS,
    training,
)
from automlc.runtime.view import RunView
from automlc.runtime.why import tell, why

Facts = dict[str, Any]


@pytest.fixture
def steered(tmp_path: Path) -> Path:
    return make_run(tmp_path / "digits-1", steered=True)


def facts(run: Path) -> Facts:
    with RunView.open(run) as view:
        return training(view, view.trials(), view.best())


def change(run: Path, *statements: tuple[str, tuple[Any, ...]]) -> None:
    database = sqlite3.connect(run / "study.db")
    for sql, values in statements:
        database.execute(sql, values)
    database.commit()
    database.close()


def text_of(run: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(build, "_plotly", lambda: "/* plotly */")
    with RunView.open(run) as view:
        page = build_report(view)
    tree = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)
    (section,) = [e for e in tree.iter("section") if e.attrib["id"] == "training"]
    return " ".join("".join(section.itertext()).split())


def lanes(row: Facts) -> list[str]:
    return ["".join(letters for _, letters in lane) for lane in row["lanes"]]


def test_a_strip_has_a_letter_for_each_epoch_in_two_lanes(steered: Path) -> None:
    strips = {row["number"]: row for row in facts(steered)["strips"]}
    assert lanes(strips[1]) == ["·" * 12, "·" + "D" * 11]
    assert lanes(strips[2]) == ["·" * 12, "·" + "V" * 11]
    assert lanes(strips[3]) == ["·" * 12, "·" + "E" * 11]
    assert lanes(strips[4]) == ["·S", "··"]  # its second loss is not finite
    assert strips[1]["told"] == "from epoch 1 normal; from epoch 2 dying gradients"
    assert strips[1]["lanes"][1] == [("fine", "·"), ("d", "D" * 11)]
    assert [row["number"] for row in strips.values() if row["best"]] == [2]


def test_every_letter_is_in_the_legend_with_its_word(
    steered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = facts(steered)
    used = {letter for row in found["strips"] for lane in lanes(row) for letter in lane}
    assert used == {"·", "D", "V", "E", "S"}
    assert used < {letter for letter, _ in LEGEND}
    text = text_of(steered, monkeypatch)
    for letter, word in LEGEND:
        assert f"{letter} {word}" in text


def test_weights_that_are_not_finite_come_before_gradients(steered: Path) -> None:
    payload = json.dumps(
        {"probe": {"zero_units": 1.0, "gradient_first": 1}, "weights_nonfinite": 2}
    )
    change(steered, ("UPDATE feedback SET payload = ? WHERE trial = 1 AND epoch = 3", (payload,)))
    strips = {row["number"]: row for row in facts(steered)["strips"]}
    assert lanes(strips[1])[1] == "·D" + "N" * 10
    assert "weights not finite, dying gradients" in strips[1]["told"]


def test_the_table_of_conditions_counts_every_trial_once(steered: Path) -> None:
    found = facts(steered)
    rows = found["conditions"]["rows"]
    assert sum(row["trials"] for row in rows) == 26
    assert [row["trials"] for row in rows] == sorted((r["trials"] for r in rows), reverse=True)
    with RunView.open(steered) as view:
        best = view.best()
        assert best is not None
    (of_best,) = [row for row in rows if row["trial"] == best.number]
    assert (of_best["words"], of_best["best"]) == ("vanishing gradients", f"{best.value:.4g}")
    assert {row["best"] for row in rows if "slow" in row["words"]} == {"-"}  # they failed


def test_what_an_action_brought_is_the_mean_difference_to_its_parents(steered: Path) -> None:
    rows = {row["action"]: row for row in facts(steered)["actions"]["rows"]}
    assert set(rows) == {"lr = lr / 10", 'optimizer = "adam"', "width = width * 2"}
    with RunView.open(steered) as view:
        trials = {t.number: t for t in view.trials()}
    for at, action in enumerate(["lr = lr / 10", 'optimizer = "adam"', "width = width * 2"]):
        taken = [t for n, t in trials.items() if n % 3 == at and n > 0]
        gains = [
            t.value - (trials[t.why["proposal"]["parent"]].value or 0.0)
            for t in taken
            if t.state != "failed" and t.value is not None
        ]
        row = rows[action]
        assert (row["count"], row["compared"]) == (len(taken), len(gains))
        assert row["gain"] == pytest.approx(statistics.fmean(gains))
        assert float(row["spread"]) == pytest.approx(statistics.stdev(gains), rel=1e-2)
        assert float(row["best"]) == pytest.approx(max(gains), rel=1e-2)
        assert float(row["worst"]) == pytest.approx(min(gains), rel=1e-2)
        assert row["better"] == sum(gain > 0 for gain in gains)
        assert "the rule at task.yaml:31" in row["sources"]
        assert "the table's row of this condition" in row["sources"]


def test_for_a_minimized_metric_less_is_better(steered: Path) -> None:
    before = {row["action"]: row["gain"] for row in facts(steered)["actions"]["rows"]}
    plan = json.loads((steered / "plan.json").read_text())
    plan["task"]["goal"] = "minimize"
    (steered / "plan.json").write_text(json.dumps(plan))
    after = {row["action"]: row["gain"] for row in facts(steered)["actions"]["rows"]}
    assert after == {action: -gain for action, gain in before.items()}


def test_the_tree_has_each_trial_once_and_below_its_parent(steered: Path) -> None:
    found = facts(steered)["lineage"]
    nodes = found["nodes"]
    assert sorted(node["number"] for node in nodes) == list(range(26))
    place = {node["number"]: at for at, node in enumerate(nodes)}
    level = {node["number"]: node["level"] for node in nodes}
    for node in nodes:
        if node["parent"] != "":
            assert place[node["parent"]] < place[node["number"]]
            assert level[node["number"]] == level[node["parent"]] + 1
    assert [node["number"] for node in nodes if node["path"]] == [0, 2]
    (best,) = [node for node in nodes if node["best"]]
    assert (best["number"], best["better"], best["action"]) == (2, True, "width = width * 2")
    assert best["effect"] == "+0.0761"


def test_the_page_prints_actions_values_and_the_best_path(
    steered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = text_of(steered, monkeypatch)
    assert "trial 0 best path the start 0.9013" in text
    assert "trial 2 ★ best path from trial 0 by width = width * 2 0.9774 +0.0761" in text
    assert "it failed (oom)" in text


def test_a_search_without_actions_has_conditions_only(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = facts(run)
    assert len(found["strips"]) == 26
    assert (found["actions"]["rows"], found["lineage"]["nodes"]) == ([], [])
    text = text_of(run, monkeypatch)
    assert "Conditions in which trials ended" in text
    assert "What each action brought" not in text
    assert "Which trial came from which" not in text


def test_a_run_without_feedback_or_epochs_says_what_is_missing(tmp_path: Path) -> None:
    bare = make_run(tmp_path / "bare-1", with_feedback=False)
    assert {row["words"] for row in facts(bare)["conditions"]["rows"]} == {"normal", "slow"}
    empty = make_run(tmp_path / "empty-1", trials=0)
    assert facts(empty)["absent"] == "No epoch was reported yet."


def test_a_damaged_monitor_leaves_conditions_unknown(steered: Path) -> None:
    plan = json.loads((steered / "plan.json").read_text())
    plan["monitor"] = {"slow": "fast"}
    (steered / "plan.json").write_text(json.dumps(plan))
    found = facts(steered)
    assert "monitor cannot be read" in found["absent"]
    assert (found["strips"], found["conditions"]["rows"]) == ([], [])
    assert len(found["lineage"]["nodes"]) == 26


def test_a_large_study_is_thinned_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "big-1", trials=450, epochs=3, steered=True)
    found = facts(run)
    assert (found["shown"], found["total"]) == (MOST_STRIPS, 450)
    assert len(found["strips"]) == MOST_STRIPS
    assert sum(row["trials"] for row in found["conditions"]["rows"]) == 450
    nodes = found["lineage"]["nodes"]
    assert len(nodes) == MOST_NODES
    numbers = {node["number"] for node in nodes}
    assert all(node["parent"] == "" or node["parent"] in numbers for node in nodes)
    assert sum(node["best"] for node in nodes) == 1
    assert "200 of 450 trials are shown" in text_of(run, monkeypatch)


def test_a_long_training_is_thinned_to_its_ends(tmp_path: Path) -> None:
    run = make_run(tmp_path / "long-1", trials=2, epochs=150, steered=True)
    row = facts(run)["strips"][1]
    assert (len(lanes(row)[1]), row["thinned"], row["epochs"]) == (MOST_CELLS, True, 150)
    assert lanes(row)[1] == "·" + "D" * (MOST_CELLS - 1)


def test_a_chain_of_a_thousand_trials_is_drawn_without_recursion(tmp_path: Path) -> None:
    run = make_run(tmp_path / "deep-1", trials=1000, epochs=1, with_feedback=False, steered=True)
    chain = [
        ("UPDATE trials SET why = ?, value = ?, state = 'complete' WHERE number = ?", (why, n, n))
        for n in range(1, 1000)
        for why in [json.dumps({"proposal": {"rule": "action", "action": "x", "parent": n - 1}})]
    ]
    change(run, *chain)
    nodes = facts(run)["lineage"]["nodes"]
    assert [node["number"] for node in nodes] == list(range(MOST_NODES))
    assert max(node["level"] for node in nodes) == 12


FRESH = {
    "rule": "restart",
    "from": "random",
    "seed": 7,
    "over": 2,
    "restart": {
        "gain": 0.31, "action_gain": 0.118, "draw": 0.5, "action_draw": 0.25, "n": 1, "better": 1,
        "mean": 0.0, "deviation": 1.2,
    },
    "alternatives": [{"action": "depth = 1", "score": 0.1, "found": "exact", "parent": 2}],
    "variant": "adaptive",
}  # fmt: skip


def test_a_fresh_start_is_a_root_and_says_in_a_sentence_why_it_was_taken(steered: Path) -> None:
    text = json.dumps({"proposal": FRESH})
    change(steered, ("UPDATE trials SET why = ? WHERE number = 5", (text,)))
    (node,) = [n for n in facts(steered)["lineage"]["nodes"] if n["number"] == 5]
    assert (node["level"], node["parent"], node["action"]) == (0, "", "")
    assert node["role"] == (
        "a fresh start, expected to lower ln(error) below that of trial 2 by 0.31, the best action"
        " by 0.118; of 1 start so far 1 was as good as the best trial"
    )


def test_why_tells_what_a_fresh_start_was_weighed_against(steered: Path) -> None:
    text = json.dumps({"proposal": FRESH})
    change(steered, ("UPDATE trials SET why = ? WHERE number = 5", (text,)))
    with RunView.open(steered) as view:
        record = why(view, 5)
    assert record.decision is not None
    assert record.decision.to_json() == {
        "parent": None, "action": None, "condition": {}, "evidence": {}, "found": None,
        "line": None, "score": None, "skipped": [], "posterior": {}, "warm_start": None,
        "because": None, **{k: v for k, v in FRESH.items() if k != "seed"},
    }  # fmt: skip
    told = [line.strip() for _, lines in tell(record) for line in lines]
    for line in (
        "from           a fresh start: a configuration drawn from the space",
        "drawn gains    0.5 by a fresh start, 0.25 by the best action, so the fresh start was"
        " taken",
        "next best      depth = 1 on trial 2 (0.1)",
    ):
        assert line in told
    assert any(line.startswith("a fresh start  expected to lower ln(error)") for line in told)


@pytest.mark.parametrize(
    "proposal",
    [
        {"rule": "action", "parent": 5, "action": "x"},  # itself
        {"rule": "restart", "from": 3, "over": "x", "restart": {"gain": "a", "n": None}},
        {"rule": "action", "parent": 99, "action": "x"},  # nobody
        {"rule": "action", "parent": 9, "action": "x"},  # later
        {"rule": "action", "parent": "4", "action": ["x"]},
        {"rule": "action", "parent": True, "action": None, "alternatives": {"a": 1}},
        {"rule": "action", "parent": 10**30, "action": {}, "skipped": [None, 3, {"action": 1}]},
        {"rule": ["action"]},
        ["action"],
    ],
)
def test_parents_that_cannot_be_make_no_edge(steered: Path, proposal: Any) -> None:
    text = json.dumps({"proposal": proposal})
    change(steered, ("UPDATE trials SET why = ? WHERE number = 5", (text,)))
    nodes = {node["number"]: node for node in facts(steered)["lineage"]["nodes"]}
    assert nodes[5]["parent"] == ""
    assert len(nodes) == 26


def test_values_too_large_for_their_difference_have_no_gain(steered: Path) -> None:
    change(
        steered,
        ("UPDATE trials SET value = 1.7e308 WHERE number % 2", ()),
        ("UPDATE trials SET value = -1.7e308 WHERE number % 2 = 0", ()),
    )
    for row in facts(steered)["actions"]["rows"]:
        assert "inf" not in str(row)
        assert "nan" not in str(row)
