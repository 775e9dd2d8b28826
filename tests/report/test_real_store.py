"""The view reads what the runtime's own store writes."""

from pathlib import Path
from typing import Any

import pytest
from made_run import plan

from automlc.runtime.lock import RunLock
from automlc.runtime.report.build import collect
from automlc.runtime.store import Store, canonical, open_store
from automlc.runtime.trial import Report, State
from automlc.runtime.view import RunView
from automlc.runtime.why import tell, why


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = plan(lambda text: text, 4, 3)
    (tmp_path / "plan.json").write_text(canonical(written))
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Store:
    opened = open_store(folder / "study.db", "maximize")
    opened.start_study({"run_id": "digits-1", "seed": 7, "versions": {"python": "3.11"}})
    return opened


def trial(store: Store, number: int, values: list[float], state: State | None) -> None:
    record: dict[str, Any] = {"searcher": "random", "proposal": {"drawn": "uniformly"}}
    attempt = store.start_trial(
        number, {"lr": 0.01 * number}, number, why=record, costs={"model.params": 100}
    )
    for epoch, value in enumerate(values, start=1):
        feedback = {"layers": [{"name": "a", "gradient_norm": 0.5, "weight_norm": 1.0}]}
        report = Report(epoch, value, {"loss": 1.0}, 0.01, 0.1, 8, feedback, None, None)
        store.record_epoch(number, attempt, report)
    if state is not None:
        stop = {"policy": "median", "reason": "below", "evidence": {"median": 0.9}}
        stop_ = stop if state is State.STOPPED else None
        store.end_trial(number, attempt, state, "all epochs done", stop=stop_)


def test_a_live_study_is_read_beside_its_store(folder: Path, store: Store) -> None:
    trial(store, 1, [0.5, 0.8], State.COMPLETE)
    trial(store, 2, [0.4], State.STOPPED)
    trial(store, 3, [0.6], None)
    with RunLock(folder), RunView.open(folder) as view:
        summary = view.summary()
        assert (summary.run, summary.state, summary.reason) == ("digits-1", "running", None)
        assert summary.trials == {
            "total": 3,
            "complete": 1,
            "stopped": 1,
            "failed": 0,
            "running": 1,
        }
        incumbent = store.incumbent()
        best = view.best()
        assert best is not None
        assert incumbent is not None
        assert (best.number, best.value) == (incumbent.number, incumbent.value)
        assert [e.value for e in view.epochs(1)] == [0.5, 0.8]
        assert view.rank(view.trial(2)) == (2, 2)


def test_an_ended_study_makes_a_page_and_a_record(folder: Path, store: Store) -> None:
    trial(store, 1, [0.5, 0.8], State.COMPLETE)
    trial(store, 2, [0.4], State.STOPPED)
    store.finish_test({"trial": 1, "metrics": {"accuracy": 0.75}})
    store.end_study("budget", model=True, trial=1, value=0.8)
    with RunView.open(folder) as view:
        summary = view.summary()
        assert (summary.state, summary.reason) == ("finished", "budget")
        content = collect(view)
        text = "\n".join(line for _, lines in tell(why(view, 2)) for line in lines)
    assert content["charts"]["layers"]["trial"] == 1
    assert content["header"]["tiles"][1]["value"] == "0.75"
    assert "median  0.9" in text
    assert "uniformly" in text


def test_a_study_without_a_feasible_model_names_the_closest(folder: Path, store: Store) -> None:
    closest = {"violation": 0.2, "reason": "model.size 300 kB > 250 kB", "config": {"lr": 0.1}}
    store.end_study("no allowed configuration found", model=False, closest=closest)
    with RunView.open(folder) as view:
        assert view.summary().closest == closest
        assert "model.size 300 kB > 250 kB" in collect(view)["header"]["lead"]
