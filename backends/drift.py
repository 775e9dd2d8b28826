"""Whether a project on disk is what its spec compiles to now, and if not, what drifted in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from automlc.backends.project import Made, edited_files, own_files
from automlc.compiler.lock import INGREDIENTS, LOCK, MADE_OF
from automlc.runtime.changes import WORDS, Comparison, Side, compare
from automlc.runtime.json_files import DamagedFile, read_json, read_regular
from automlc.runtime.settling import settle
from automlc.runtime.switching import describe, read_side
from automlc.spec.diagnostics import clean
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

_DIGITS = 12  # of a digest that people compare


@record
class Stale:
    """How the files of a project differ from what the spec compiles to: names by what is wrong.

    `edited` were changed by hand after the project was written, `changed` were not, `extra` are
    files that the spec no longer has.
    """

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    edited: tuple[str, ...]
    extra: tuple[str, ...]
    causes: tuple[str, ...] = ()
    """What the project is made of that changed since the lock, in words."""

    def __bool__(self) -> bool:
        return any((self.changed, self.missing, self.edited, self.extra))

    def lines(self) -> Iterator[str]:
        """One line for each file, then the causes."""
        for word in ("changed", "missing", "edited", "extra"):
            for name in getattr(self, word):
                yield f"{word:8} {name}"
        yield from self.causes


def check(made: Made) -> Stale:
    """Compare every byte of a project on disk with what was made in memory; writes nothing."""
    folder = made.folder
    old = _lock_of(folder)
    edited = set(edited_files(folder, old))
    found: dict[str, list[str]] = {"changed": [], "missing": [], "edited": [], "extra": []}
    for name, text in sorted(made.files.items()):
        content = _bytes(folder / name)
        if content is None:
            found["missing"].append(name)
        elif content != text.encode("utf-8"):
            found["edited" if name in edited else "changed"].append(name)
    found["extra"] += [n for n in sorted(set(old) - set(made.files)) if (folder / n).exists()]
    found["extra"] += sorted(
        p.name for p in folder.glob("*.py") if p.name not in {*made.files, *old}
    )
    causes = _made_of(_json(folder / LOCK), json.loads(made.files[LOCK]))
    return Stale(**{word: tuple(names) for word, names in found.items()}, causes=tuple(causes))


def drift(made: Made) -> list[str]:
    """What differs between a project's lock and what its spec compiles to now; empty: nothing."""
    folder = made.folder
    old_files = _lock_of(folder)
    old = _json(folder / LOCK)
    new = json.loads(made.files[LOCK])
    found = [f"edited: {name} was changed by hand" for name in edited_files(folder, old_files)]
    found += [f"missing: {name}" for name in sorted(old_files) if not (folder / name).exists()]
    found += _versions(old, new)
    found += _made_of(old, new)
    comparison = _comparison(made)
    if comparison is not None:
        found += [f"{WORDS[c.kind]}: {describe(c)}" for c in comparison.changes]
    found += _digests(old, new, told=comparison is not None and bool(comparison.changes))
    if not found and old != new:
        names = sorted(n for n, d in new["files"].items() if old_files.get(n) != d)
        found.append(f"files: {', '.join(names) or LOCK} would be written differently")
    return found


def _lock_of(folder: Path) -> dict[str, str]:
    if folder.is_dir():
        settle(folder)
    try:
        files = own_files(folder)
    except DamagedFile as error:
        raise AutomlcError(error.message, error.hint, exit_code=1) from None
    if files is None:
        raise AutomlcError(
            f"{folder} has no {LOCK}: nothing was compiled there",
            f"compile it once, and commit it: automlc compile SPEC -o {folder}",
            exit_code=1,
        )
    return files


def _comparison(made: Made) -> Comparison | None:
    """The differences by class; None where the old project cannot be read."""
    try:
        before = read_side(made.folder)
    except AutomlcError:
        return None
    graph = json.loads(made.files["graph.json"])
    after = Side(made.graph.plan(), graph, made.files.get("data.py"))
    return compare(before, after)


def _versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    kinds = (("schema", "format of the lock"), ("automlc", "version of automlc"))
    for key, what in (*kinds, ("schemas", "schemas")):
        if old.get(key) != new.get(key):
            yield f"{what}: {_flat(old.get(key))} -> {_flat(new.get(key))}"


_NOT_RECORDED = (
    "presets, rules, word vectors and backbones: this lock does not tell them (it was written by an"
    " earlier automlc), so whether they changed is not known"
)


def _made_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What the project is made of besides spec and data, and is not what it was."""
    before, after = old.get(MADE_OF), new[MADE_OF]
    if not isinstance(before, Mapping):
        yield _NOT_RECORDED
        return
    for kind, word in INGREDIENTS.items():
        one, other = before.get(kind), after.get(kind, {})
        one = one if isinstance(one, Mapping) else {}
        for name in sorted({*one, *other}):
            what = f"{word} {clean(name)}"
            if name not in other:
                yield f"{what}: in the lock, and no longer used"
            elif name not in one:
                yield f"{what}: not in the lock"
            elif one[name] != other[name]:
                yield f"{what}: changed since the lock ({_facts(one[name], other[name])})"


def _facts(old: Any, new: Mapping[str, Any]) -> str:
    """The facts that differ, old and new; digests by their first digits."""
    was = old if isinstance(old, Mapping) else {}
    names = [name for name in sorted({*was, *new}) if was.get(name) != new.get(name)]
    return ", ".join(f"{clean(n)} {_fact(was.get(n))} -> {_fact(new.get(n))}" for n in names)


def _fact(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "none" if value is None else clean(str(value)[:_DIGITS])


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in sorted(value.items()))
    return "not recorded" if value is None else str(value)


def _digests(old: Mapping[str, Any], new: Mapping[str, Any], *, told: bool) -> Iterator[str]:
    """Spec files with other bytes, where no difference in meaning was told."""
    before, after = old.get("specs"), new["specs"]
    if isinstance(before, Mapping):
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name) and not told:
                word = "new" if name not in before else "gone" if name not in after else "changed"
                yield f"spec: {name} is {word}, and means the same (cosmetic)"
    if old.get("spec") != new["spec"] and before == after and not told:
        yield "spec: another profile or --set, which means the same (cosmetic)"


def _json(path: Path) -> Mapping[str, Any]:
    """A lock that `_lock_of` could read."""
    data: Mapping[str, Any] = read_json(path)
    return data


def _bytes(path: Path) -> bytes | None:
    try:
        return read_regular(path)
    except OSError:
        return None
