"""The one table of diagnostic codes. A code never changes its meaning.

E1xx syntax, E2xx schema, E3xx meaning (E35x the data), E4xx infeasible, W5xx risk.
`automlc explain E201` prints an entry; docs list them all; a test holds every code that is used
to an entry here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means: one line, why it happens, a wrong text, and the text put right."""

    code: str
    title: str
    cause: str
    example: str
    fix: str


_TABLE = (
    # Syntax
    Code(
        "E101",
        "the file is not YAML",
        "The YAML reader met something it cannot read; everything after it is unknown.",
        "name: a: b",
        'name: "a: b"',
    ),
    Code(
        "E102",
        "a tab indents a line",
        "YAML indents with spaces only.",
        "task:\n\tkind: tabular_regression",
        "task:\n  kind: tabular_regression",
    ),
    Code(
        "E103",
        "a key is given twice",
        "Most readers keep the last one silently; here a key says one thing.",
        "seed: 1\nseed: 2",
        "seed: 2",
    ),
    Code(
        "E104",
        "a tag",
        "Tags such as !!python/object make other readers build objects. A spec has values only.",
        "seed: !!int 3",
        "seed: 3",
    ),
    Code(
        "E105",
        "an alias or a merge key",
        "Aliases can make a small file unfold into a huge one, and hide where a value comes from.",
        "a: &a {x: 1}\nb: *a",
        "a: {x: 1}\nb: {x: 1}",
    ),
    Code(
        "E106",
        "the file is too large or too deep",
        "A spec has at most 4 MiB, 400,000 YAML events and 64 levels.",
        "a: [[[[ … ]]]]",
        "put data into a file and name it in data.source",
    ),
    Code(
        "E107",
        "the file is not clean UTF-8 text",
        "The file has another encoding, or control characters such as NUL.",
        "a file saved as UTF-16",
        "save it as UTF-8",
    ),
    Code(
        "E108",
        "more than one document",
        "One file holds one spec.",
        "automlc: 1\n---\nautoml: 1",
        "automlc: 1",
    ),
    Code(
        "E109",
        "the file holds no mapping",
        "A spec is a mapping of sections; this file is empty, a list, or a single value.",
        "- automlc: 1",
        "automlc: 1",
    ),
    Code(
        "E110",
        "an expression cannot be read",
        "Conditions, forbidden combinations and constraints share one small language.",
        "when: optimizer = sgd",
        'when: optimizer == "sgd"',
    ),
    Code(
        "E111",
        "a number is too long or too large",
        "No quantity of a spec needs more than 40 characters.",
        "seed: 1e999",
        "seed: 1",
    ),
    Code(
        "E112",
        "a key is not a word",
        "YAML allows lists and mappings as keys; a spec does not.",
        "? [a, b]\n: 1",
        "a: 1",
    ),
    # Schema
    Code(
        "E201",
        "an unknown key",
        "Unknown keys are errors, so that a typo cannot silently fall back to a default.",
        "budgett: {trials: 5}",
        "budget: {trials: 5}",
    ),
    Code(
        "E202",
        "a required key is missing",
        "A spec needs automlc, task.kind and data.source; all else has defaults.",
        "automlc: 1\ntask: {kind: tabular_regression}",
        "automlc: 1\ntask: {kind: tabular_regression}\ndata: {source: builtin:diabetes}",
    ),
    Code(
        "E203",
        "a value of the wrong type",
        "The key takes another type; texts are not turned into numbers.",
        'seed: "7"',
        "seed: 7",
    ),
    Code(
        "E204",
        "a word that is not among the allowed ones",
        "The key takes one of a few words.",
        "task: {kind: image_classificaton}",
        "task: {kind: image_classification}",
    ),
    Code(
        "E205",
        "a number out of range",
        "The value has the right type but makes no sense here.",
        "budget: {trials: 0}",
        "budget: {trials: 1}",
    ),
    Code(
        "E206",
        "a quantity without its unit, or with a wrong one",
        "Sizes and durations are written with a unit: kB MB GB, KiB MiB GiB, ms s min h d.",
        "budget: {wall: 2}",
        "budget: {wall: 2h}",
    ),
    Code(
        "E207",
        "a truth value that is not true or false",
        "In YAML 1.2 the words yes, no, on and off are texts.",
        "split: {stratify: no}",
        "split: {stratify: false}",
    ),
    Code(
        "E208",
        "a name that cannot be used",
        "Names become folders and identifiers, so they are short, ASCII and lower-case.",
        "name: ../My Task",
        "name: my-task",
    ),
    Code(
        "E209",
        "another version of the language",
        "The number after automlc: says which version of the language the file is written in.",
        "automlc: 2",
        "automlc: 1",
    ),
    # Meaning
    Code(
        "E301",
        "not a domain",
        "A parameter is a domain such as choice(…), int(…), float(…), or a single fixed value.",
        "lr: loguniform(1e-4, 1e-1)",
        "lr: log_uniform(1e-4, 1e-1)",
    ),
    Code(
        "E302",
        "a domain with wrong arguments",
        "int and float take a lower and an upper bound, in this order.",
        "depth: int(8, 1)",
        "depth: int(1, 8)",
    ),
    Code(
        "E303",
        "a logarithmic domain that reaches 0",
        "A logarithm has no 0 and no negative numbers.",
        "lr: log_uniform(0, 0.1)",
        "lr: log_uniform(1e-6, 0.1)",
    ),
    Code(
        "E304",
        "a default outside its domain",
        "The default is the first value tried, so it must be one of the domain.",
        "depth: {int: [1, 8], default: 9}",
        "depth: {int: [1, 8], default: 8}",
    ),
    Code(
        "E305",
        "an empty choice",
        "There is nothing to choose from.",
        "optimizer: {choice: []}",
        "optimizer: {choice: [sgd, adam]}",
    ),
    Code(
        "E306",
        "a value is twice in a choice",
        "1 and 1.0 are the same value; duplicates would be tried more often.",
        "optimizer: choice(sgd, adam, sgd)",
        "optimizer: choice(sgd, adam)",
    ),
    Code(
        "E307",
        "an unknown parameter in an expression",
        "Conditions and forbidden combinations name parameters of the same space.",
        'when: optimizr == "sgd"',
        'when: optimizer == "sgd"',
    ),
    Code(
        "E308",
        "conditions go in a circle",
        "A parameter cannot depend on itself, not even through others.",
        "a: {int: [1, 2], when: b > 1}\nb: {int: [1, 2], when: a > 1}",
        "a: int(1, 2)\nb: {int: [1, 2], when: a > 1}",
    ),
    Code(
        "E309",
        "an expression has no value",
        "Types do not fit, a function does not exist, or a number gets too large.",
        "when: optimizer > 3",
        'when: optimizer == "sgd"',
    ),
    Code(
        "E310",
        "a step that does not fit",
        "A step is a whole number of at least 1, and belongs to int and log_int.",
        "depth: {int: [1, 8], step: 0}",
        "depth: {int: [1, 8], step: 2}",
    ),
    Code(
        "E311",
        "not a constraint",
        "A constraint compares a metric with a bound.",
        "constraints: [model.size]",
        "constraints: [model.size <= 5MB]",
    ),
    Code(
        "E312",
        "a comparison with a value that never occurs",
        "The choice does not have this value, so the comparison always has the same result.",
        'optimizer: choice(sgd, adam)\nmomentum: {float: [0, 1], when: optimizer == "sdg"}',
        'optimizer: choice(sgd, adam)\nmomentum: {float: [0, 1], when: optimizer == "sgd"}',
    ),
)

CODES: dict[str, Code] = {entry.code: entry for entry in _TABLE}
assert len(CODES) == len(_TABLE), "a code is given twice"
