"""Searchers, stopping policies, metrics, constraints, and how training is judged."""

from __future__ import annotations

from typing import Any

from automlc.compiler.catalog.entry import Entry, Option, first_sentence, package_of
from automlc.compiler.catalog.values import in_words, options_of, shown
from automlc.compiler.costing import COSTS
from automlc.runtime.metrics import METRICS
from automlc.runtime.monitor.conditions import CONDITIONS
from automlc.runtime.monitor.definitions import DEFINITIONS
from automlc.runtime.registry import Registry
from automlc.runtime.rules.library import builtin_names
from automlc.runtime.searchers import SEARCHERS
from automlc.runtime.stopping import POLICIES

# At import, before any plug-in.
_OWN = frozenset((*SEARCHERS.names(), *POLICIES.names(), *METRICS.names()))
_CONDITIONS = {
    "architecture": "the family of the model: a value of its parameter `block`",
    "convergence": "how the metric moves over the epochs",
    "gradient": "how the gradients of the first and last layers compare",
    "weights": "whether losses and weights are numbers",
}
_TABLES = {
    "builtin/automlc": "gains that were measured on six data sets; the default",
    "builtin/dream": "the published policy of DREAM (doi 10.1145/3702992)",
    "builtin/none": "no table: rules of the spec, then single changes",
}
_DEFINITIONS = {
    "automlc": "the default: gains relative to what is left to gain",
    "paper": "DREAM as published",
    "code": "DREAM as released",
}


def searchers() -> tuple[Entry, ...]:
    return _classes(SEARCHERS)


def policies() -> tuple[Entry, ...]:
    return _classes(POLICIES)


def _classes(registry: Registry[Any]) -> tuple[Entry, ...]:
    found = []
    for name in sorted(registry.names()):
        thing = registry.get(name)
        needs = ", ".join(getattr(thing, "needs", ()))
        facts = {"needs": needs} if needs else {}
        found.append(
            Entry(
                name,
                first_sentence(thing.__doc__),
                options_of(thing.Options),
                facts,
                "automlc" if name in _OWN else package_of(thing),
            )
        )
    return tuple(found)


def metrics() -> tuple[Entry, ...]:
    found = []
    for name in METRICS.names():
        metric = METRICS.get(name)
        ends = {"lowest": metric.low, "highest": metric.high}
        facts = {
            "goal": metric.goal,
            "tasks": ", ".join(metric.tasks),
            **{key: f"{value:g}" for key, value in ends.items() if value is not None},
        }
        package = "automlc" if name in _OWN else package_of(metric)
        found.append(Entry(name, metric.title, facts=facts, package=package))
    return tuple(sorted(found, key=lambda entry: entry.name))


def constraints() -> tuple[Entry, ...]:
    return tuple(
        Entry(name, text, facts={"usage": f"{name} <= {_BOUNDS.get(name, '1M')}"})
        for name, text in COSTS.items()
    )


_BOUNDS = {
    "model.params": "250k",
    "model.size": "5MB",
    "model.activation_memory": "64MiB",
    "training.memory": "2GiB",
}


def conditions() -> tuple[Entry, ...]:
    """What a rule may ask of a training."""
    values = {"architecture": ("a value of `block`, or other",), **CONDITIONS}
    return tuple(
        Entry(name, text, facts={"values": ", ".join(values[name])})
        for name, text in _CONDITIONS.items()
    )


def tables() -> tuple[Entry, ...]:
    return tuple(Entry(name, _TABLES.get(name, "")) for name in builtin_names())


def definitions() -> tuple[Entry, ...]:
    """Whose thresholds `monitor.definition` takes, and what they are."""
    from automlc.spec.schema import json_schema

    keys = json_schema()["$defs"]["Monitor"]["properties"]
    return tuple(
        Entry(
            name,
            _DEFINITIONS.get(name, ""),
            tuple(
                Option(key, in_words(schema, {}), _threshold(vars(monitor)[key]))
                for key, schema in keys.items()
                if key != "definition"
            ),
        )
        for name, monitor in DEFINITIONS.items()
    )


def _threshold(value: object) -> str:
    return "not asked" if value is None else shown(value)
