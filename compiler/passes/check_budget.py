"""Say what a budget cannot do, before it is spent: nothing to stop, no model of the search."""

from __future__ import annotations

from automlc.compiler.draft import Draft
from automlc.compiler.preview import preview
from automlc.runtime.plan import Choice
from automlc.runtime.stopping import Cohort, cohorts_of, make_policy

FEW = 3  # so many trials are no search but a check whether a spec runs, as in a profile `smoke`
ASKED = 1_000  # trials that are looked at first: of a large budget these settle it mostly
MOST = 100_000  # larger budgets are not looked at whole, as `validate` is for every save
# Searchers with a model of earlier trials, which begins after `startup` of them.
_WITH_MODEL = frozenset({"tpe", "gp", "autokeras_bayesian"})


def check_budget(draft: Draft) -> Draft:
    """Warnings only: what was decided stands in the records of other passes."""
    if not draft.problems.errors:
        _check_stopping(draft)
        _check_search(draft)
    return draft


def _check_stopping(draft: Draft) -> None:
    """A policy that the spec asks for and that can stop no trial."""
    budget, choice = draft.loaded.spec.budget, draft.stopping
    span = draft.loaded.spans("stopping")
    if choice is None or span is None or choice.name == "none":
        return
    if budget.trials <= FEW or budget.epochs == 1:
        return
    # The goal has no say in who is compared with whom.
    policy = make_policy(choice.name, choice.options, "maximize", budget.epochs)
    found: tuple[Cohort, ...] = ()
    for trials in (min(budget.trials, ASKED), budget.trials):
        told = cohorts_of(policy, range(1, trials + 1))
        if told is None or preview(told, budget.epochs).full[0] < trials:
            return
        if budget.trials > MOST:
            return
        found = told
    message, hint = _why_never(found, choice, budget.epochs)
    draft.problems.add("W540", f"{choice.name} {message}", span, hint=hint, key="stopping")


def _why_never(found: tuple[Cohort, ...], choice: Choice, epochs: int) -> tuple[str, str]:
    """What keeps a policy from stopping any trial, and what would change that."""
    trials = sum(one.trials for one in found)
    if not any(one.epochs for one in found):
        message = f"it compares nothing before the last epoch, which is epoch {epochs}"
        option, value, more = "min_epochs", max(1, epochs // 3), "give trials more epochs"
    else:
        survivors = max(one.survivors for one in found)
        message = f"it lets the first {survivors} that it compares go on, and there are {trials}"
        option, value, more = "min_trials", max(1, trials // 3), "make more trials"
    less = f"write stopping: {{policy: {choice.name}, {option}: {value}}}, "
    hint = f"{less if option in choice.options else ''}{more}, or write stopping: none"
    return f"can stop no trial: {message}", hint


def _check_search(draft: Draft) -> None:
    """A search whose model of earlier trials never comes to its turn."""
    trials, search = draft.loaded.spec.budget.trials, draft.search
    span = draft.loaded.spans("search")
    if search is None or span is None or search.name not in _WITH_MODEL:
        return
    startup = search.options["startup"]
    if startup < trials or trials <= FEW:
        return
    draft.problems.add(
        "W541", f"{search.name} never gets to propose: its first {startup} trials are random, and"
        f" the budget is {trials}", span, key="search.startup",
        hint=f"write search: {{strategy: {search.name}, startup: {max(1, trials // 3)}}}, make more"
        " trials, or write search: random",
    )  # fmt: skip
