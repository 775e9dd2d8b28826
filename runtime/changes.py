"""What is different between two plans, and what of a study of the old one the new one can keep.

Every change has a class. The classes say what becomes of trials that were trained before:

    cosmetic, budget, search, widened, looser   all of them stay valid
    narrowed, tighter, space                    those stay valid that the new plan allows
    objective, data, training                   none: their values cannot be compared with new ones

A parameter that is new is harmless where it has a value at which the model and the training are
what they were without it; earlier trials then count as having that value.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from automlc.runtime.model_text import layers_of, same_model
from automlc.runtime.plan import Constraint, Plan
from automlc.runtime.training import FALLBACK, TRAINING_PARAMETERS
from automlc.spec.domains import Choice, Config, Fixed, Float, Parameter, Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Scalar, names, same, to_text
from automlc.spec.inclusion import (
    part_of,
    relate_domains,
    relate_spaces,
    relation,
    values_of,
)
from automlc.spec.record import record

KEEPS = ("cosmetic", "budget", "search", "widened", "looser")
FILTERS = ("narrowed", "tighter", "space")
REFUSES = ("objective", "data", "training")
CLASSES = (*KEEPS, *FILTERS, *REFUSES)
WORDS = {
    "cosmetic": "cosmetic",
    "budget": "budget only",
    "search": "search changed",
    "widened": "space widened",
    "looser": "constraints looser",
    "narrowed": "space narrowed",
    "tighter": "constraints tighter",
    "space": "space changed",
    "objective": "objective changed",
    "data": "data changed",
    "training": "training changed",
}
_NONE = "none"
_CANDIDATES = 64  # values of new parameters that are tried to find what was before


@record
class Change:
    """One difference: its key in a spec, what it was and is, its class, and a remark."""

    key: str
    old: str
    new: str
    kind: str
    note: str = ""


@record
class Side:
    """A plan, and what a project has besides: graph.json as data, and the text of data.py."""

    plan: Plan
    graph: Mapping[str, Any] | None = None
    reader: str | None = None


@record
class Comparison:
    """All changes, and how configurations are carried over.

    `added` are parameters of the new plan with the value that earlier trials had without knowing;
    `removed` those of the old plan with the value that the new plan has built in.
    """

    changes: tuple[Change, ...]
    added: Mapping[str, Scalar] = field(default_factory=dict)
    removed: Mapping[str, Scalar] = field(default_factory=dict)

    def of(self, kinds: Sequence[str]) -> tuple[Change, ...]:
        """The changes of these classes."""
        return tuple(change for change in self.changes if change.kind in kinds)

    @property
    def effect(self) -> str:
        """nothing, keep, filter or refuse: what resuming a study of the old plan does."""
        if self.of(REFUSES):
            return "refuse"
        if self.of(FILTERS):
            return "filter"
        return "keep" if self.changes else "nothing"


def carry(config: Mapping[str, Scalar], space: Space, comparison: Comparison) -> Config:
    """An old configuration as one of the new space; what is missing and unknown stays missing."""
    known = {name: value for name, value in config.items() if name in space}
    for name, value in config.items():
        if name not in space and not _is_built_in(name, value, comparison):
            known[name] = value
    done: Config = {}
    for parameter in space.parameters:
        name = parameter.name
        if not space.is_active(parameter, done):
            # What the training takes where it has no value is no other training.
            if name in known and name in FALLBACK and same(FALLBACK[name], known[name]):
                del known[name]
        elif name in known:
            done[name] = known.pop(name)
        else:
            value = _filled(parameter, comparison)
            if value is not _Missing:
                done[name] = value
    return {**done, **known}


def _is_built_in(name: str, value: Scalar, comparison: Comparison) -> bool:
    return name in comparison.removed and same(comparison.removed[name], value)


class _Missing:
    """No value."""


def _filled(parameter: Parameter, comparison: Comparison) -> Any:
    if parameter.name in comparison.added:
        return comparison.added[parameter.name]
    value = FALLBACK.get(parameter.name)
    return _Missing if value is None or not parameter.domain.contains(value) else value


def objection(config: Mapping[str, Scalar], plan: Plan) -> str | None:
    """Why a plan does not allow a configuration; None where it does."""
    problems = plan.space.problems(config)
    if problems:
        return problems[0]
    if not plan.constraints:
        return None
    try:
        costs = plan.costs.evaluate(config)
    except AutomlcError as error:
        return error.message
    for constraint in plan.constraints:
        if not constraint.holds(costs):
            value = costs.get(constraint.metric)
            return f"{constraint.metric} is {value}, the constraint: {constraint.text}"
    return None


def compare(old: Side, new: Side) -> Comparison:
    """Every difference between two plans, the gravest classes last."""
    found: list[Change] = []
    found += _sections(old.plan, new.plan)
    added, removed, changes = _space(old, new)
    partial = Comparison((), added, removed)
    found += changes
    found += _conditions(old.plan.space, new.plan.space, partial)
    found += _forbidden(old.plan.space, new.plan.space, partial)
    found += _constraints(old.plan.constraints, new.plan.constraints)
    found += _vectors(old, new)
    found += _weights(old, new)
    found += _data(old, new)
    found += _seed(old, new)
    found.sort(key=lambda change: CLASSES.index(change.kind))
    return Comparison(tuple(found), added, removed)


# ---- sections --------------------------------------------------------------------------------

# Keys of a plan, the spec's word for them, and the class of a difference.
_SECTIONS = (
    ("name", "name", "cosmetic"),
    ("task.kind", "task.kind", "objective"),
    ("task.metric", "task.metric", "objective"),
    ("task.goal", "task.goal", "objective"),
    ("task.target", "task.target", "budget"),
    ("budget.trials", "budget.trials", "budget"),
    ("budget.wall", "budget.wall", "budget"),
    ("budget.epoch_wall", "budget.epoch_wall", "budget"),
    ("budget.memory", "budget.memory", "budget"),
    ("budget.first", "budget.first", "budget"),
    ("budget.epochs", "budget.epochs", "training"),
    ("search.strategy", "search.strategy", "search"),
    ("search.options", "search", "search"),
    ("stopping.policy", "stopping.policy", "search"),
    ("stopping.options", "stopping", "search"),
    ("monitor", "monitor", "search"),
    ("rules", "rules", "search"),
    ("starts", "budget.wall", "search"),
    ("backend.kind", "backend.kind", "training"),
    ("backend.engine", "backend.engine", "training"),
    ("backend.precision", "backend.precision", "training"),
    ("backend.device", "backend.device", "training"),
    ("backend.threads", "backend.threads", "budget"),
    ("hubs", "space.backbones", "training"),
)
_NOTES = {
    "budget.epochs": "learning rates follow schedules over all epochs",
    "task.target": "when to stop",
    "backend.device": "numbers differ in their last digits, and precision may follow the device",
}


def _sections(old: Plan, new: Plan) -> Iterator[Change]:
    before, after = old.to_json(), new.to_json()
    for path, key, kind in _SECTIONS:
        a, b = _at(before, path), _at(after, path)
        found = list(_differing(key, a, b))
        if not found and a != b:  # something is null here and is not there at all
            found.append((key, a, b))
        for name, one, other in found:
            yield Change(name, _short(one), _short(other), kind, _NOTES.get(name, ""))


def _differing(key: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """The narrowest keys at which two values differ, with both; null is as good as nothing."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        if old != new:
            yield key, old, new
        return
    for name in sorted({*old, *new}):
        yield from _differing(f"{key}.{name}", old.get(name), new.get(name))


def _at(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def _short(value: Any) -> str:
    if value is None:
        return _NONE
    if isinstance(value, list | dict):
        return f"{len(value)} entries"
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---- the space and the model -----------------------------------------------------------------


def _space(old: Side, new: Side) -> tuple[Config, Config, list[Change]]:
    """Values of added and removed parameters, and the changes of domains and model."""
    before, after = old.plan.space, new.plan.space
    gone = [p for p in before.parameters if p.name not in after]
    come = [p for p in after.parameters if p.name not in before]
    pinned = _pinned(before, after)
    found = _neutral(old, new, gone, come, pinned)
    changes = [] if found else _model_change(old, new)
    removed, added = found or ({}, {})
    for parameter in come:
        changes.append(_added(parameter, added))
    for parameter in gone:
        changes.append(_removed(parameter, removed))
    for parameter in before.parameters:
        if parameter.name in after:
            changes += _domain(parameter, after[parameter.name])
    return added, removed, changes


def _pinned(before: Space, after: Space) -> Config:
    """Parameters that one side leaves no choice: only trials with that value are of both."""
    pinned: Config = {}
    for name in (p.name for p in before.parameters if p.name in after):
        for space in (before, after):
            values = values_of(space[name].domain, 1)
            if values is not None:
                pinned[name] = values[0]
    return pinned


def _neutral(
    old: Side,
    new: Side,
    gone: Sequence[Parameter],
    come: Sequence[Parameter],
    pinned: Config,
) -> tuple[Config, Config] | None:
    """Values of the parameters of one side at which both sides train the same model."""
    parameters = (*gone, *come)
    candidates = [_candidates(p) for p in parameters]
    if not all(candidates):
        return None
    if old.graph is None or new.graph is None:
        # Nothing is known of the model: only what the training reads by itself can be judged.
        if any(p.name not in TRAINING_PARAMETERS for p in parameters):
            return None
        return _split([c[0] for c in candidates], gone, come)
    a, b = layers_of(old.graph), layers_of(new.graph)
    for values in itertools.islice(itertools.product(*candidates), _CANDIDATES):
        removed, added = _split(list(values), gone, come)
        if same_model(a, b, pinned | removed, pinned | added):
            return removed, added
    return None


def _split(
    values: Sequence[Scalar], gone: Sequence[Parameter], come: Sequence[Parameter]
) -> tuple[Config, Config]:
    names_ = [p.name for p in (*gone, *come)]
    both = dict(zip(names_, values, strict=True))
    return {p.name: both[p.name] for p in gone}, {p.name: both[p.name] for p in come}


def _candidates(parameter: Parameter) -> list[Scalar]:
    """Values that might be what a project without the parameter does; the likeliest first."""
    if parameter.name in TRAINING_PARAMETERS:
        value = FALLBACK.get(parameter.name)
        return [value] if value is not None and parameter.domain.contains(value) else []
    values = values_of(parameter.domain, _CANDIDATES) or ()
    return [parameter.default, *(v for v in values if v != parameter.default)]


def _model_change(old: Side, new: Side) -> list[Change]:
    """The change of a model, or of a training that has no parameter for what it did."""
    if old.graph is not None and new.graph is not None:
        a, b = layers_of(old.graph), layers_of(new.graph)
        if a != b:
            note = "the same configuration is another model now"
            return [Change("space.model", f"{_count(a)} layers", f"{_count(b)} layers",
                           "training", note)]  # fmt: skip
    note = "no value of the parameter is what trials did without it"
    return [Change("space.parameters", "the training", "another training", "training", note)]


def _count(layers: Sequence[Mapping[str, Any]]) -> int:
    bodies = [body for x in layers for body in (x.get("body", ()), *x.get("branches", ()))]
    return len(layers) + sum(map(_count, bodies))


def _added(parameter: Parameter, added: Config) -> Change:
    key, text = f"space.parameters.{parameter.name}", str(parameter.domain)
    if parameter.name not in added:
        return Change(key, _NONE, text, "space", "new")
    value = added[parameter.name]
    return Change(key, _NONE, text, "widened", f"earlier trials count as {_word(value)}")


def _removed(parameter: Parameter, removed: Config) -> Change:
    key, text = f"space.parameters.{parameter.name}", str(parameter.domain)
    note = "trials that have it are no longer of the space"
    if parameter.name in removed:
        note = f"only trials with {_word(removed[parameter.name])} are still of the space"
    return Change(key, text, _NONE, "narrowed", note)


def _word(value: Scalar) -> str:
    return "null" if value is None else str(value)


_DOMAINS = {"wider": "widened", "narrower": "narrowed", "other": "space"}


def _domain(old: Parameter, new: Parameter) -> Iterator[Change]:
    key = f"space.parameters.{old.name}"
    found = relate_domains(old.domain, new.domain)
    if found != "same":
        yield Change(key, str(old.domain), str(new.domain), _DOMAINS[found])
    elif old.domain.to_json() != new.domain.to_json():
        note = "the same values, drawn in another way"
        yield Change(key, str(old.domain), str(new.domain), "search", note)
    if old.default != new.default and found == "same":
        yield Change(f"{key}.default", _word(old.default), _word(new.default), "search")


# ---- conditions and what is forbidden --------------------------------------------------------


_UNDECIDED = "too many combinations to look at each: some trials may be outside"


def _conditions(old: Space, new: Space, partial: Comparison) -> Iterator[Change]:
    for parameter in old.parameters:
        if parameter.name not in new:
            continue
        before, after = _when(parameter), _when(new[parameter.name])
        if before == after:
            continue
        key = f"space.parameters.{parameter.name}.when"
        found = _alone(old, new, parameter.name, partial)
        kind = _DOMAINS.get(found or "other")
        if kind is None:  # the same combinations in other words
            yield Change(key, before, after, "cosmetic", "the same configurations")
        else:
            yield Change(key, before, after, kind, "" if found else _UNDECIDED)


def _when(parameter: Parameter) -> str:
    return "always" if parameter.when is None else to_text(parameter.when)


def _alone(old: Space, new: Space, name: str, partial: Comparison) -> str | None:
    """How the condition of one parameter alone changes the old space; None where undecided."""
    other = new[name].when
    # Parameters that are new stand at what they were before anybody knew of them.
    known = (*old.parameters, *(Parameter(n, Fixed(v), v) for n, v in partial.added.items()))
    if other is not None and not names(other) <= {p.name for p in known}:
        return None
    old = Space(known)
    parameters = [
        Parameter(p.name, p.domain, p.default, other if p.name == name else p.when) for p in known
    ]
    # Those that take part; what the others are does not matter here.
    part = frozenset({name, *(names(other) if other is not None else ())})
    a = part_of(Space(old.parameters), part)
    b = part_of(Space(parameters), part)
    shared = frozenset(a.names) | frozenset(b.names)
    a, b = part_of(Space(old.parameters), shared), part_of(Space(parameters), shared)
    a, b = _thinned(a, name), _thinned(b, name)
    same_values = Comparison((), partial.added, partial.removed)
    return relate_spaces(
        a, b, lambda c: carry(c, b, same_values), lambda c: carry(c, a, same_values)
    )


def _thinned(space: Space, name: str) -> Space:
    """The space with a few values of that parameter, where no condition asks for its value."""
    asked = {n for p in space.parameters if p.when is not None for n in names(p.when)}
    return Space(
        Parameter(p.name, _few(p), p.default, p.when) if p.name == name and name not in asked else p
        for p in space.parameters
    )


def _few(parameter: Parameter) -> Choice:
    """Bounds or values, the default and the fallback: all that carrying over tells apart."""
    value = FALLBACK.get(parameter.name, parameter.default)
    domain = parameter.domain
    values = [parameter.default, *(values_of(domain, 2) or ())]
    values += [domain.low, domain.high] if isinstance(domain, Float) else []
    values += [value] if domain.contains(value) else []
    return Choice(tuple(dict.fromkeys(values)))


def _forbidden(old: Space, new: Space, partial: Comparison) -> Iterator[Change]:
    before = {to_text(expr): expr for expr in old.forbidden}
    after = {to_text(expr): expr for expr in new.forbidden}
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    if not gone and not come:
        return
    texts = (", ".join(sorted(gone)) or _NONE, ", ".join(sorted(come)) or _NONE)
    if not gone or not come:
        yield Change("space.forbid", *texts, "widened" if gone else "narrowed")
        return
    involved = frozenset(
        n for text in (*gone, *come) for n in names(before.get(text) or after[text])
    )
    if involved <= set(old.names) and involved <= set(new.names):
        base = part_of(Space(old.parameters), involved)
        found = relate_spaces(
            Space(base.parameters, [before[t] for t in sorted(gone)]),
            Space(base.parameters, [after[t] for t in sorted(come)]),
        )
        if found == "same":
            yield Change("space.forbid", *texts, "cosmetic", "the same configurations")
            return
        if found is not None:
            yield Change("space.forbid", *texts, _DOMAINS[found])
            return
    yield Change("space.forbid", *texts, "space", _UNDECIDED)


# ---- constraints -----------------------------------------------------------------------------


def _constraints(old: Sequence[Constraint], new: Sequence[Constraint]) -> Iterator[Change]:
    before, after = _by_side(old), _by_side(new)
    for key in sorted({*before, *after}):
        a, b = before.get(key, []), after.get(key, [])
        if _bounds(a) == _bounds(b):
            continue
        texts = (" and ".join(c.text for c in a) or _NONE, " and ".join(c.text for c in b) or _NONE)
        found = relation(_implies(a, b), _implies(b, a))
        kind = {"wider": "looser", "narrower": "tighter", "same": "cosmetic", "other": "space"}
        yield Change(f"constraints.{key[0]}", *texts, kind[found])


def _by_side(constraints: Sequence[Constraint]) -> dict[tuple[str, str], list[Constraint]]:
    """Constraints by metric and direction."""
    found: dict[tuple[str, str], list[Constraint]] = {}
    for constraint in constraints:
        found.setdefault((constraint.metric, constraint.op[0]), []).append(constraint)
    return found


def _bounds(constraints: Sequence[Constraint]) -> set[tuple[str, float]]:
    return {(c.op, c.bound) for c in constraints}


def _implies(strong: Sequence[Constraint], weak: Sequence[Constraint]) -> bool:
    """Whether what `strong` allows, `weak` allows as well (one metric, one direction)."""
    return all(any(_at_least(s, w) for s in strong) for w in weak)


def _at_least(strong: Constraint, weak: Constraint) -> bool:
    if strong.bound == weak.bound:
        return strong.op == weak.op or len(strong.op) == 1
    if strong.op[0] == "=":
        return False
    return (strong.bound < weak.bound) == (strong.op[0] == "<")


# ---- data ------------------------------------------------------------------------------------


def _data(old: Side, new: Side) -> Iterator[Change]:
    a, b = old.plan.data, new.plan.data
    if a.fingerprint != b.fingerprint:
        yield Change("data.source", _rows(old), _rows(new), "data", "other bytes")
    elif a.source != b.source:
        yield Change("data.source", a.source, b.source, "cosmetic", "the same bytes elsewhere")
    if old.graph is not None and new.graph is not None:
        known = ("source", "fingerprint")
        before, after = _both_counted(old.graph["contract"], new.graph["contract"])
        for key in sorted({*before, *after} - set(known)):
            if before.get(key) != after.get(key):
                yield from _nested(f"data.{key}", before.get(key), after.get(key))
    backends = [(s.plan.backend.kind, s.plan.backend.engine) for s in (old, new)]
    # Another backend or another file is read by other code in any case.
    if a.fingerprint == b.fingerprint and backends[0] == backends[1]:
        yield from _reading(old.reader, new.reader)


def _both_counted(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two contracts without the counts of classes in held-out parts that one of them lacks.

    Earlier contracts did not count these; where bytes and rows are the same, so are they.
    """
    targets = [contract.get("target") for contract in (old, new)]
    lacking = {
        part
        for target in targets
        for part in ("validation", "test")
        if isinstance(target, Mapping) and part not in target
    }
    return [
        {**contract, "target": {k: v for k, v in target.items() if k not in lacking}}
        if isinstance(target, Mapping)
        else {**contract}
        for contract, target in zip((old, new), targets, strict=True)
    ]


def _nested(key: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                full = f"{key}.{name}"
                yield Change(full, _short(old.get(name)), _short(new.get(name)), "data")
        return
    yield Change(key, _short(old), _short(new), "data")


def _vectors(old: Side, new: Side) -> Iterator[Change]:
    """Files of word vectors that both sides name, with other contents."""
    if old.graph is None or new.graph is None:
        return
    before, after = (
        {vectors["name"]: vectors for vectors in graph.get("vectors", ())}
        for graph in (old.graph, new.graph)
    )
    for name in sorted(before.keys() & after.keys()):
        a, b = (f"{v['words']} words ({v['sha256'][:8]})" for v in (before[name], after[name]))
        if before[name]["sha256"] != after[name]["sha256"]:
            yield Change(f"space.embeddings.{name}", a, b, "training", "other vectors")


def _weights(old: Side, new: Side) -> Iterator[Change]:
    """Backbones that both sides name, with the bytes of other weights."""
    if old.graph is None or new.graph is None:
        return
    before, after = (
        {n["name"]: n["sha256"] for n in graph["nodes"] if n.get("kind") == "backbone"}
        for graph in (old.graph, new.graph)
    )
    for name in sorted(before.keys() & after.keys()):
        a, b = (f"{name} ({one[name][:8] or 'of the hub'})" for one in (before, after))
        if before[name] != after[name]:
            yield Change("space.backbones", a, b, "training", "other weights")


def _rows(side: Side) -> str:
    text = f"{side.plan.data.source} ({side.plan.data.fingerprint.removeprefix('sha256:')[:8]}"
    rows = (side.graph or {}).get("contract", {}).get("rows")
    if isinstance(rows, Mapping):
        text += f", {sum(v for v in rows.values() if isinstance(v, int)):,} rows"
    return text + ")"


_SPLIT_SEED = "SPLIT_SEED"  # in data.py where rows are drawn into parts; else it has none


def _seed(old: Side, new: Side) -> Iterator[Change]:
    """The seed draws configurations and weights; the parts of the data too, where it must.

    It does not where a source has parts of its own, nor where data.split.seed is set.
    """
    a, b = str(old.plan.seed), str(new.plan.seed)
    if old.reader is None or new.reader is None:
        if a != b:
            note = "other draws; whether it also divides the data is not known here"
            yield Change("seed", a, b, "search", note)
        return
    before, after = (_parts(reader)[0].get(_SPLIT_SEED) for reader in (old.reader, new.reader))
    if before is None or after is None or before == after:
        if a != b:
            yield Change("seed", a, b, "search", "other draws of the search and of its trials")
        return
    if (before, after) == (a, b):
        note = f"the seed draws the split; data.split.seed: {a} would keep it"
        yield Change("seed", a, b, "data", note)
        return
    if a != b:
        yield Change("seed", a, b, "search", "other draws of the search and of its trials")
    yield Change("data.split.seed", before, after, "data", "other rows are in each part")


# Constants of data.py that a spec has a key for.
_CONSTANTS = {
    "VALIDATION_FRACTION": "data.split.validation",
    "TEST_FRACTION": "data.split.test",
    "CLASSES": "data.classes",
    "INPUT": "data.input",
}
_TOLD = ("SOURCE", "CLASSES", "INPUT", _SPLIT_SEED)  # by the contract, and by `_seed`


def _reading(old: str | None, new: str | None) -> Iterator[Change]:
    """How data.py reads and divides the data, where the contract does not tell."""
    if old is None or new is None:
        return
    (before, rest), (after, other) = _parts(old), _parts(new)
    differing = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    for name in differing:
        if name not in _TOLD:
            texts = (before.get(name, _NONE), after.get(name, _NONE))
            note = "other rows are in each part" if "FRACTION" in name else ""
            yield Change(_CONSTANTS.get(name, f"data ({name} in data.py)"), *texts, "data", note)
    if rest != other and not differing:
        yield Change(
            "data", "data.py", "another data.py", "data", "the data is read in another way"
        )


def _parts(text: str) -> tuple[dict[str, str], list[str]]:
    """The one-line constants of data.py, and its other lines."""
    constants: dict[str, str] = {}
    rest: list[str] = []
    for line in text.splitlines():
        name, equals, value = line.partition(" = ")
        if equals and name.isupper():
            constants[name] = value.partition("  #")[0]
        else:
            rest.append(line)
    return constants, rest
