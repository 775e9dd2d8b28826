"""Every list by name. A new one is a function that makes entries, and a line here."""

from __future__ import annotations

from automlc.compiler.catalog import running, searching, sections, spaces
from automlc.compiler.catalog.entry import Topic

TOPICS = {
    topic.name: topic
    for topic in (
        Topic("sections", "sections of a spec and their keys", sections.sections, "keys"),
        Topic("presets", "search spaces that are shipped", spaces.presets, "parameters"),
        Topic("groups", "groups of parameters for space.expand", spaces.groups, "parameters"),
        Topic("parameters", "how a model is trained; all may be searched", spaces.parameters),
        Topic("domains", "what a parameter may be", spaces.domains),
        Topic("ops", "operations of space.model", spaces.operations, "arguments"),
        Topic("constants", "what a model's expressions know of the data", spaces.constants),
        Topic("functions", "functions of expressions", spaces.functions),
        Topic("units", "units of numbers", running.units),
        Topic("sources", "kinds of data that data.source may name", running.sources),
        Topic("metrics", "what task.metric may be", searching.metrics),
        Topic("constraints", "what constraints may bound", searching.constraints),
        Topic("searchers", "who proposes configurations", searching.searchers),
        Topic("stopping", "who ends trials early", searching.policies),
        Topic("monitors", "definitions of monitor.definition", searching.definitions, "thresholds"),
        Topic("conditions", "what rules may ask of a training", searching.conditions),
        Topic("rules", "tables that rules.use may name", searching.tables),
        Topic("backends", "frameworks of emitted projects", running.backends),
        Topic("codes", "diagnostic codes", running.codes),
    )
}
