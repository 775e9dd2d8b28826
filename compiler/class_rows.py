"""Rows of each class in each part, for the plan: what is left of a rare class to be judged on."""

from __future__ import annotations

from collections.abc import Iterator

from automlc.compiler.contracts.base import fractions_for
from automlc.compiler.contracts.contract import ClassTarget, DataContract, Rows
from automlc.compiler.contracts.split import divide
from automlc.spec.diagnostics import quote
from automlc.spec.model import Data

LISTED = 12  # up to so many classes each is told
RAREST = 5  # of more classes


def class_rows(contract: DataContract, data: Data) -> tuple[Rows, ...]:
    """The rows of each class, in the order of the classes; none for a regression.

    Exact for parts of the source's own and for a stratified split. What an unstratified split takes
    of a class depends on the seed; then these are the numbers that it takes on average. None
    as well for a contract of a version that did not count the classes of the source's own parts.
    """
    target, storage = contract.target, contract.storage
    if not isinstance(target, ClassTarget):
        return ()
    own = ((storage.validation, target.validation), (storage.test, target.test))
    if any(rows is not None and counts is None for rows, counts in own):
        return ()
    fractions = fractions_for(data, contract.storage)
    found = []
    for place, count in enumerate(target.counts):
        rows = divide(count, fractions)
        if not _is_stratified(data):
            test, validation = round(count * fractions.test), round(count * fractions.validation)
            rows = Rows(count - test - validation, validation, test)
        validation = rows.validation if target.validation is None else target.validation[place]
        test = rows.test if target.test is None else target.test[place]
        found.append(Rows(rows.train, validation, test))
    return tuple(found)


def told(contract: DataContract, data: Data) -> Iterator[tuple[int, str]]:
    """(place of the class, its rows in words): of few classes all, of many the rarest."""
    target, rows = contract.target, class_rows(contract, data)
    if not isinstance(target, ClassTarget):
        return
    places = sorted(range(len(rows)), key=lambda place: (target.counts[place], place))
    lists_all = len(places) <= LISTED
    shown = sorted(places) if lists_all else places[:RAREST]
    divides = fractions_for(data, contract.storage).parts > 1
    about = "about " if divides and not _is_stratified(data) else ""
    for place in shown:
        one = rows[place]
        parts = f"{one.train:,} train, {one.validation:,} validation, {one.test:,} test"
        yield place, f"{'' if lists_all else 'rare '}{quote(target.classes[place])}: {about}{parts}"


def _is_stratified(data: Data) -> bool:
    return data.split.stratify is not False
