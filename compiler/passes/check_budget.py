"""Say what a budget cannot do, before it is spent: nothing to stop, no model of the search."""

from __future__ import annotations

from automlc.compiler.draft import Draft
from automlc.compiler.preview import preview
from automlc.runtime.plan import Choice
from automlc.runtime.stopping import Cohort, cohorts_of, make_policy

FEW = 3  # trials that are a check whether a spec runs, not a search
ASKED = 1_000  # trials that are looked at first: of a large budget these settle it
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
    # Of one trial or one epoch nobody expects anything to be stopped: does it run at all?
    if choice is None or span is None or choice.name == "none":
        return
    if budget.trials == 1 or budget.epochs == 1:
        return
    # The goal has no say in who is compared with whom.
    policy = make_policy(choice.name, choice.options, "maximize", budget.epochs)
    found: tuple[Cohort, ...] = ()
    for trials in (min(budget.trials, ASKED), budget.trials):
        told = cohorts_of(policy, range(1, trials + 1))
        if told is None or preview(told, budget.epochs).full[0] < trials:
            return
        found = told
    message, hint = _why_never(found, choice, budget.epochs)
    draft.problems.add("W540", f"{choice.name} {message}", span, hint=hint, key="stopping")


def _why_never(found: tuple[Cohort, ...], choice: Choice, epochs: int) -> tuple[str, str]:
    """What keeps a policy from stopping any trial, and what would change that."""
    if not any(one.epochs for one in found):
        first = choice.options.get("min_epochs")
        begins = "" if first is None else f" (min_epochs: {first})"
        return (
            f"can stop no trial: it compares nothing before the last epoch, {epochs}{begins}",
            f"write min_epochs: {max(1, epochs // 3)} or fewer, more epochs, or stopping: none",
        )
    survivors = max(one.survivors for one in found)
    return (
        f"can stop no trial: it lets the first {survivors} of those that it compares go on, and"
        f" the budget is {sum(one.trials for one in found)} trials",
        "write a smaller min_trials, more trials, or stopping: none",
    )


def _check_search(draft: Draft) -> None:
    """A search whose model of earlier trials never comes to its turn."""
    trials, search = draft.loaded.spec.budget.trials, draft.search
    span = draft.loaded.spans("search")
    if search is None or span is None or search.name not in _WITH_MODEL:
        return
    written = draft.loaded.spans("search.startup") not in (None, span)
    startup = search.options["startup"]
    if startup < trials or (trials <= FEW and not written):
        return
    draft.problems.add(
        "W541", f"{search.name} never gets to propose: its first {startup} trials are random, and"
        f" the budget is {trials}", span, key="search.startup",
        hint=f"write startup: {max(1, trials // 3)} or fewer, more trials, or search: random",
    )  # fmt: skip
