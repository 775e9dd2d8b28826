"""A missing package is one clear line before a run begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automlc.runtime import run
from automlc.runtime.plan import Choice
from automlc.runtime.run import check_packages
from automlc.spec.errors import AutomlcError
from tests.compiler.spaces import preset_graph


@pytest.mark.parametrize(
    ("missing", "strategy", "extra"),
    [("torch", "random", "pytorch"), ("optuna", "tpe", "run"), ("optuna", "gp", "run")],
)
def test_a_missing_package_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str, strategy: str, extra: str
) -> None:
    plan = replace(preset_graph("digits", False).plan(), search=Choice(strategy, {}))
    monkeypatch.setattr(run, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(AutomlcError, match=missing) as caught:
        check_packages(plan)
    assert f"automlc[{extra}]" in str(caught.value.hint)


def test_random_search_needs_no_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replace(preset_graph("digits", False).plan(), search=Choice("random", {}))
    monkeypatch.setattr(run, "find_spec", lambda name: None if name == "optuna" else object())
    check_packages(plan)
