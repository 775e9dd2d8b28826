"""What the passes make of constraints: verdicts, refusals, and the narrowed space."""

from __future__ import annotations

import pytest

from automlc.compiler.checks import run_passes
from automlc.compiler.draft import Draft
from automlc.compiler.plan_text import plan_text
from automlc.runtime.rules.actions import usable
from automlc.spec.domains import Choice, Integer
from automlc.spec.load import load_text
from tests.compiler.spaces import contract

SPEC = """automlc: 1
name: made
task: {{kind: tabular_classification}}
data: {{source: made.npz}}
constraints: [{constraints}]
search: {search}
space:
  parameters:
    width: {width}
    batch_size: {{choice: [16, 64, 4096], default: 4096}}
  forbid: [{forbid}]
  model:
    - embed_categories
    - dense: {{units: width}}
    - dense: {{units: outputs}}
"""
# 10 columns, 7 classes: a model has 11 width + 7 (width + 1) = 18 width + 7 parameters.


def drafted(
    constraints: str,
    forbid: str = "",
    width: str = "{int: [1, 300], default: 200}",
    search: str = "random",
) -> Draft:
    text = SPEC.format(constraints=constraints, forbid=forbid, width=width, search=search)
    return run_passes(Draft(load_text(text, "task.yaml"), contract("numbers", False)))


def decisions(draft: Draft, prefix: str) -> dict[str, tuple[str, str]]:
    return {r.key: (r.decision, r.because) for r in draft.records if r.key.startswith(prefix)}


def test_a_bound_that_all_meet_leaves_nothing_to_check() -> None:
    draft = drafted("model.params <= 5407")  # 18 x 300 + 7
    assert not draft.problems.found
    proof = "always met: nothing to check"
    assert decisions(draft, "constraints[0].proof")["constraints[0].proof"][0] == proof
    assert f"model.params <= 5407  ({proof})" in plan_text(draft.graph())
    assert not decisions(draft, "space.pruned")


def test_integers_above_the_bound_are_removed_and_the_default_moves() -> None:
    draft = drafted("model.params <= 1000")  # width <= 55
    assert draft.expansion is not None
    width = draft.expansion.space["width"]
    assert width.domain == Integer(1, 55)
    assert width.default == 55
    found = decisions(draft, "space.pruned")
    assert found["space.pruned.width from 56 to 300"] == (
        "width from 56 to 300 is removed", "needs model.params >= 1,015, more than 1,000",
    )  # fmt: skip
    assert found["space.pruned.width.default"][0] == "default of width moved from 200 to 55"
    text = plan_text(draft.graph())
    assert "int(1, 55)" in text
    assert "needs model.params >= 1,015, more than 1,000" in text


def test_a_lower_bound_removes_the_small_ones() -> None:
    draft = drafted("model.params >= 1000")
    assert draft.expansion is not None
    assert draft.expansion.space["width"].domain == Integer(56, 300)


def test_memory_of_training_rules_out_batches() -> None:
    # The smallest model with a batch of 4,096 needs 4 (4 x 25 + 4096 (10 + 2 (10 + 1 + 7))).
    draft = drafted("training.memory <= 753KB")
    assert draft.expansion is not None
    batch = draft.expansion.space["batch_size"]
    assert batch.domain == Choice((16, 64))
    assert batch.default == 64
    because = decisions(draft, "space.pruned")["space.pruned.batch_size = 4096"][1]
    assert because == "needs training.memory >= 754,064, more than 753,000"
    assert 4 * (4 * 25 + 4096 * (10 + 2 * 18)) == 754_064


def test_none_can_be_met_says_the_smallest_value_and_who_has_it() -> None:
    (found,) = drafted("model.params <= 24").problems.errors
    assert found.code == "E401"
    assert "model.params is at least 25" in found.message
    assert found.hint is not None
    assert "width = 1" in found.hint


@pytest.mark.parametrize(
    ("constraints", "forbid", "named"),
    [
        ("model.params <= 1000, model.size <= 90MB", "width < 56", ["forbidden: width < 56"]),
        ("model.params <= 1000, model.macs >= 1000", "", ["model.macs >= 1000"]),
    ],
)
def test_what_contradicts_only_together_is_named_and_nothing_else(
    constraints: str, forbid: str, named: list[str]
) -> None:
    (found,) = drafted(constraints, forbid).problems.errors
    assert found.code == "E401"
    assert "model.params <= 1000" in found.message
    assert [note.message for note in found.notes] == [f"together with {n}" for n in named]
    assert all(note.span is not None for note in found.notes)


def test_rules_follow_the_narrowed_space() -> None:
    wide = "{choice: [8, 16, 32, 64, 128]}"
    whole = drafted("model.params <= 5000", width=wide, search="feedback")
    narrow = drafted("model.params <= 500", width=wide, search="feedback")
    assert whole.rules is not None
    assert narrow.rules is not None
    assert narrow.expansion is not None
    space = narrow.expansion.space
    assert space["width"].domain == Choice((8, 16))

    def actions(draft: Draft) -> list[tuple[object, str]]:
        assert draft.rules is not None
        rows = draft.rules.table.rows
        return [(row.state, ranked.action.text) for row in rows for ranked in row.actions]

    left = [
        (s, t) for s, t in actions(whole) if all(f"width = {n}" not in t for n in (32, 64, 128))
    ]
    assert len(left) < len(actions(whole))
    assert sorted(actions(narrow), key=str) == sorted(left, key=str)
    assert all(usable(r.action, space) is None for w in narrow.rules.table.rows for r in w.actions)
