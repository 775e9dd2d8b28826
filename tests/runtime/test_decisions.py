"""What is read of a why-record: whatever does not have the right type is None or left out."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automlc.runtime.decisions import decision_of, effect_of, parent_of, signed
from automlc.runtime.view import Trial

RECORD: dict[str, Any] = {
    "rule": "action",
    "parent": 4,
    "action": "lr = lr / 10",
    "condition": {
        "architecture": "resnet",
        "convergence": "slow",
        "gradient": "dying",
        "weights": "normal",
    },
    "evidence": {"largest_gain": 0.002, "zero_share": None},
    "found": "written",
    "line": "task.yaml:31",
    "score": 0.5,
    "alternatives": [
        {"action": "lr = lr * 3", "score": 0.25, "found": "exact"},
        {"action": "width = 9", "found": "none", "parent": 2},
    ],
    "skipped": [{"action": "width = 8", "why": "it was tried"}],
    "variant": "adaptive",
    "posterior": {"mean": 0.5, "deviation": 0.25, "n": 3, "draw": 0.125},
    "warm_start": {"trial": 4},
    "because": None,
}
WEIGHED = {
    "gain": 0.5, "action_gain": 0.25, "draw": 0.125, "action_draw": 1.5, "n": 3, "better": 1,
    "mean": -0.5, "deviation": 1.0,
}  # fmt: skip


def trial(number: int, value: float | None, state: str = "complete", **changes: Any) -> Trial:
    made = Trial(
        number=number,
        state=state,
        config={},
        seed=1,
        attempt=1,
        epochs=1,
        value=value,
        best_epoch=1,
        reason="",
        failure="",
        feasible=True,
        costs={},
        why={},
        started=None,
        ended=None,
        checkpoint=None,
        weights=None,
    )
    return replace(made, **changes)


def test_a_whole_record_comes_back_as_it_was() -> None:
    found = decision_of({"proposal": RECORD})
    assert found is not None
    assert found.to_json() == RECORD
    assert found.source == "the rule at task.yaml:31"


@pytest.mark.parametrize(
    ("change", "source"),
    [
        ({"found": "exact"}, "the table's row of this condition"),
        ({"found": "parent"}, "the table's row of a broader condition"),
        ({"found": "normal"}, "the table's row of the normal condition"),
        ({"found": "none"}, "no table: a single change that the space allows"),
        ({"line": None}, "a rule of the spec"),
        ({"found": None}, "an unknown source"),
        ({"found": None, "rule": "start"}, "the first configuration"),
        (
            {"rule": "restart", "found": None, "from": "default"},
            "a fresh start: the default of the space",
        ),
        ({"rule": "restart", "found": None}, "a fresh start"),
        ({"rule": "fallback", "found": None}, "a change at random: no action is left"),
        (
            {"rule": "fallback", "found": None, "because": "mutation"},
            "a change at random: mutation",
        ),
    ],
)
def test_where_an_action_comes_from_is_said_in_words(change: dict[str, Any], source: str) -> None:
    found = decision_of({"proposal": {**RECORD, **change}})
    assert found is not None
    assert found.source == source


def test_what_was_weighed_comes_back_with_the_action_and_with_the_fresh_start() -> None:
    action = {**RECORD, "restart": WEIGHED}
    fresh = {**RECORD, "rule": "restart", "from": "starts", "over": 4, "restart": WEIGHED}
    for proposal in (action, fresh):
        found = decision_of({"proposal": proposal})
        assert found is not None
        assert found.to_json() == proposal


@pytest.mark.parametrize("rule", ["tpe", "random", "default", "uniform, after 100", None, 3])
def test_other_searchers_decide_nothing_here(rule: Any) -> None:
    assert decision_of({"proposal": {"rule": rule}}) is None
    assert decision_of({}) is None


KEYS = ("action", "trial", "n", "gradient", "gain")
JSON = st.recursive(
    st.none() | st.booleans() | st.sampled_from([10**400, -1, 0.5, float("nan"), "x", ""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["action", "trial", "n", "gradient", "gain"]), inner, max_size=2
        )
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*RECORD, "restart", "from", "over"]), JSON))
def test_any_record_is_read_and_written_as_json(changes: dict[str, Any]) -> None:
    proposal = {**RECORD, **changes, "rule": "action"}
    found = decision_of({"proposal": proposal})
    assert found is not None
    json.dumps(found.to_json(), allow_nan=False)
    assert isinstance(found.source, str)
    again = decision_of({"proposal": found.to_json()})
    assert again == found


@pytest.mark.parametrize(
    ("value", "before", "goal", "gain", "text"),
    [
        (0.75, 0.5, "maximize", 0.25, "+0.25 against trial 4"),
        (0.75, 0.5, "minimize", -0.25, "-0.25 against trial 4"),
        (0.5, 0.75, "minimize", 0.25, "+0.25 against trial 4"),
        (0.5, 0.5, "maximize", 0.0, "±0 against trial 4"),
        (0.531, 0.5, "maximize", pytest.approx(0.031), "+0.031 against trial 4"),
        (None, 0.5, "maximize", None, "it has no value"),
        (0.5, None, "maximize", None, "trial 4 has no value to compare with"),
        (1e308, -1e308, "maximize", None, "too large to tell"),
    ],
)
def test_an_effect_is_signed_so_that_more_is_better(
    value: float | None, before: float | None, goal: str, gain: Any, text: str
) -> None:
    found = effect_of(trial(7, value), trial(4, before), goal)
    assert found is not None
    assert found.to_json() == {
        "parent": 4,
        "value": value,
        "parent_value": before,
        "gain": gain,
        "text": text,
    }


def test_a_trial_that_failed_or_runs_has_no_effect_yet() -> None:
    failed = effect_of(trial(7, 0.9, "failed", failure="oom"), trial(4, 0.5), "maximize")
    running = effect_of(trial(7, 0.9, "running"), trial(4, 0.5), "maximize")
    assert failed is not None
    assert running is not None
    assert (failed.gain, failed.text) == (None, "it failed (oom)")
    assert (running.gain, running.text) == (None, "not known yet: it is running")
    assert effect_of(trial(7, 0.9), None, "maximize") is None


@pytest.mark.parametrize(
    ("parent", "found"), [(4, 4), (7, None), ("4", None), (True, None), ([4], None), (None, None)]
)
def test_a_parent_is_another_trials_number(parent: Any, found: int | None) -> None:
    assert parent_of(trial(7, 0.5, why={"proposal": {"parent": parent}})) == found


def test_signs_are_always_there() -> None:
    assert [signed(gain) for gain in (0.5, -0.5, 0.0, -0.0)] == ["+0.5", "-0.5", "±0", "±0"]
