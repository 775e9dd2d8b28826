"""Ten common mistakes, written as each of three tools wants its configuration.

A configuration of Hydra is checked against a schema of data classes (say.py), as its documentation
advises; Ludwig checks its own.
"""

from __future__ import annotations

AUTOMLC = """\
automlc: 1
task: {kind: tabular_classification}
data:
  source: builtin:breast_cancer
  split: {stratify: true}
space:
  parameters:
    lr: log_uniform(1e-4, 1e-1)
budget:
  trials: 20
  epochs: 10
"""
HYDRA = """\
defaults: [schema, _self_]
task: {kind: tabular_classification}
data:
  source: breast_cancer.csv
  split: {stratify: true}
space:
  lr: {low: 1e-4, high: 1e-1}
budget:
  trials: 20
  epochs: 10
"""
LUDWIG = """\
input_features:
  - {name: age, type: number}
output_features:
  - {name: diagnosis, type: category}
preprocessing:
  split: {type: stratify, column: diagnosis}
trainer:
  epochs: 10
  learning_rate: 0.001
hyperopt:
  parameters:
    trainer.learning_rate: {space: loguniform, lower: 1.0e-4, upper: 1.0e-1}
  executor: {type: ray, num_samples: 20}
"""
# what -> for each tool (old text, new text)
MISTAKES: dict[str, tuple[tuple[str, str], tuple[str, str], tuple[str, str]]] = {
    "a key is misspelt": (
        ("  epochs: 10", "  epohcs: 10"),
        ("  epochs: 10", "  epohcs: 10"),
        ("  epochs: 10", "  epohcs: 10"),
    ),
    "a word is misspelt": (
        ("kind: tabular_classification", "kind: tabular_clasification"),
        ("kind: tabular_classification", "kind: tabular_clasification"),
        ("type: category", "type: categroy"),
    ),
    "a number is a text": (
        ("  epochs: 10", "  epochs: ten"),
        ("  epochs: 10", "  epochs: ten"),
        ("  epochs: 10", "  epochs: ten"),
    ),
    "a number is out of range": (
        ("  epochs: 10", "  epochs: -1"),
        ("  epochs: 10", "  epochs: -1"),
        ("  epochs: 10", "  epochs: -1"),
    ),
    "a key is in the wrong section": (
        ("budget:\n  trials: 20\n  epochs: 10", "budget:\n  trials: 20\nepochs: 10"),
        ("budget:\n  trials: 20\n  epochs: 10", "budget:\n  trials: 20\nepochs: 10"),
        ("trainer:\n  epochs: 10\n", "epochs: 10\ntrainer:\n"),
    ),
    "a line is indented by a tab": (
        ("  epochs: 10", "\tepochs: 10"),
        ("  epochs: 10", "\tepochs: 10"),
        ("  epochs: 10", "\tepochs: 10"),
    ),
    "a key is given twice": (
        ("  epochs: 10", "  epochs: 10\n  epochs: 5"),
        ("  epochs: 10", "  epochs: 10\n  epochs: 5"),
        ("  epochs: 10", "  epochs: 10\n  epochs: 5"),
    ),
    "the bounds of a range are swapped": (
        ("log_uniform(1e-4, 1e-1)", "log_uniform(1e-1, 1e-4)"),
        ("{low: 1e-4, high: 1e-1}", "{low: 1e-1, high: 1e-4}"),
        ("lower: 1.0e-4, upper: 1.0e-1", "lower: 1.0e-1, upper: 1.0e-4"),
    ),
    "the metric is one of another task": (
        ("{kind: tabular_classification}", "{kind: tabular_classification, metric: rmse}"),
        ("{kind: tabular_classification}", "{kind: tabular_classification, metric: rmse}"),
        ("trainer:\n", "trainer:\n  validation_field: diagnosis\n  validation_metric: rmse\n"),
    ),
    "a required section is missing": (
        ("data:\n  source: builtin:breast_cancer\n  split: {stratify: true}\n", ""),
        ("data:\n  source: breast_cancer.csv\n  split: {stratify: true}\n", ""),
        ("output_features:\n  - {name: diagnosis, type: category}\n", ""),
    ),
}


def text_of(tool: str, mistake: str) -> str:
    """The whole configuration of a tool with one mistake in it."""
    index = ("automlc", "hydra", "ludwig").index(tool)
    old, new = MISTAKES[mistake][index]
    right = (AUTOMLC, HYDRA, LUDWIG)[index]
    assert old in right, (tool, mistake)
    return right.replace(old, new)
