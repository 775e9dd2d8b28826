"""What the passes say about wrong spaces, models, strategies and constraints."""

from __future__ import annotations

import pytest

from automlc.compiler.checks import check
from automlc.compiler.driver import compile_spec
from automlc.spec.codes import CODES
from automlc.spec.errors import SpecError
from automlc.spec.load import load_text

HEAD = "automlc: 1\ntask: {kind: image_classification}\ndata: {source: builtin:digits}\n"
MODEL = HEAD + "space:\n  model:\n"
END = "    - global_avg_pool2d\n    - dense: {units: outputs}\n"

# (code, words of the message, words of the hint, spec)
WRONG = [
    ("E320", "one operation, got 2", "its own", MODEL + "    - conv2d: {filters: 8}\n      relu: {}\n" + END),
    ("E320", "name of an operation", "", MODEL + "    - 3\n" + END),
    ("E321", "nested more than", "call itself", HEAD + "space:\n  blocks: {unit: [unit]}\n  model:\n    - unit\n" + END),
    ("E322", "'covn2d'", "conv2d", MODEL + "    - covn2d: {filters: 8}\n" + END),
    ("E323", "no argument 'filter'", "filters", MODEL + "    - conv2d: {filter: 8}\n" + END),
    ("E323", "needs the argument filters", "", MODEL + "    - conv2d\n" + END),
    ("E324", "must be odd", "", MODEL + "    - conv2d: {filters: 8, kernel: 4}\n" + END),
    ("E324", "between 1 and", "", MODEL + "    - conv2d: {filters: 0}\n" + END),
    ("E324", "must be one of relu", "", MODEL + "    - activation: {kind: 3}\n" + END),
    ("E324", "is in its domain", "", HEAD + "space:\n  parameters: {k: 'choice(3, 4)'}\n  model:\n    - conv2d: {filters: 8, kernel: k}\n" + END),
    ("E325", "no branch for 'b'", "add", HEAD + "space:\n  parameters: {k: 'choice(a, b)'}\n  model:\n    - choice: k\n      of: {a: []}\n" + END),
    ("E325", "listed values", "choice(", HEAD + "space:\n  parameters: {k: 'int(1, 3)'}\n  model:\n    - choice: k\n      of: {1: []}\n" + END),
    ("E325", "no key 'off'", "of", HEAD + "space:\n  parameters: {k: 'choice(a, b)'}\n  model:\n    - choice: k\n      of: {a: [], b: []}\n      off: 1\n" + END),
    ("E325", "needs `body:`", "", MODEL + "    - repeat: 3\n" + END),
    ("E326", "at most 256", "", HEAD + "space:\n  parameters: {k: 'int(1, 900)'}\n  model:\n    - repeat: k\n      body: [batch_norm]\n" + END),
    ("E327", "works on a vector, but gets a image", "global_avg_pool2d", MODEL + "    - dense: {units: 8}\n    - dense: {units: outputs}\n"),
    ("E327", "must end alike", "", HEAD + "space:\n  parameters: {k: 'choice(a, b)'}\n  model:\n    - choice: k\n      of: {a: [flatten], b: []}\n    - dense: {units: outputs}\n"),
    ("E328", "each of 10 outputs", "outputs", MODEL + "    - flatten\n    - dense: {units: 3}\n"),
    ("E328", "stride of this residual", "", MODEL + "    - residual:\n        - conv2d: {filters: 8, stride: 2}\n" + END),
    ("E329", "is an operation", "", HEAD + "space:\n  blocks: {dense: [flatten]}\n  model:\n    - flatten\n" + END),
    ("E330", "image/block", "image/blocks", HEAD + "space: {preset: image/block}\n"),
    ("E331", "is for tabular", "preset: image/blocks", HEAD + "space: {preset: tabular/mlp}\n"),
    ("E332", "'sdg'", "sgd", HEAD + "space: {parameters: {optimizer: 'choice(adam, sdg)'}}\n"),
    ("E332", "at least 1", "", HEAD + "space: {parameters: {batch_size: 'choice(0, 32)'}}\n"),
    ("E334", "where it is not active", "condition", HEAD + "space:\n  parameters:\n    k: choice(a, b)\n    r: {float: [0.0, 0.5], when: k == \"a\"}\n  model:\n    - dropout: {rate: r}\n" + END),
    ("E335", "default configuration is forbidden", "another default", HEAD + "space: {forbid: [depth == 2]}\n"),
    ("E340", "'tpa'", "tpe", HEAD + "search: tpa\n"),
    ("E340", "'ahsa'", "asha", HEAD + "stopping: {policy: ahsa}\n"),
    ("E341", "'acuracy'", "accuracy", HEAD.replace("classification}", "classification, metric: acuracy}")),
    ("E342", "rmse does not fit", "accuracy", HEAD.replace("classification}", "classification, metric: rmse}")),
    ("E343", "goal is minimize", "maximize", HEAD.replace("classification}", "classification, metric: accuracy, goal: minimize}")),
    ("E344", "cannot be reached", "", HEAD.replace("classification}", "classification, target: 97}")),
    ("E345", "compares one cost", "model.size", HEAD + "constraints: [model.size <= model.params]\n"),
    ("E346", "'model.bytes'", "known", HEAD + "constraints: [model.bytes <= 5MB]\n"),
    ("E401", "at least", "widen", HEAD + "constraints: [model.params <= 5]\n"),
    ("E307", "neither a parameter nor a constant", "width", MODEL + "    - conv2d: {filters: widht}\n".replace("widht", "input.widht") + END),
    ("E201", "`search`", "startup", HEAD + "search: {strategy: tpe, start_up: 3}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message", "hint", "text"), WRONG, ids=lambda v: str(v)[:24])
def test_wrong_specs_say_what_is_wrong(code: str, message: str, hint: str, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        compile_spec(load_text(text, "task.yaml"))
    found = [d for d in caught.value.diagnostics if d.code == code]
    assert found, caught.value.rendered()
    assert message in found[0].message
    assert hint in (found[0].hint or "")
    assert found[0].span is not None
    assert code in CODES


def test_all_mistakes_of_a_model_are_found_in_one_pass() -> None:
    text = MODEL + "    - covn2d: {filters: 8}\n    - conv2d: {filter: 8}\n    - 3\n" + END
    text += "search: tpa\n"
    with pytest.raises(SpecError) as caught:
        compile_spec(load_text(text, "task.yaml"))
    codes = {d.code for d in caught.value.diagnostics}
    assert {"E320", "E322", "E323", "E340"} <= codes


def test_a_parameter_that_nothing_reads_is_a_warning() -> None:
    text = HEAD + "space: {parameters: {widht: 'int(8, 64)'}}\n"
    found = check(load_text(text, "task.yaml"))
    assert [d.code for d in found] == ["W521"]
    assert "width" in (found[0].hint or "")


def test_a_spec_may_narrow_a_presets_choice() -> None:
    text = HEAD + "space: {parameters: {block: fixed(resnet)}}\n"
    graph, warnings = compile_spec(load_text(text, "task.yaml"))
    assert not warnings
    assert "kernel" not in graph.space.default_config()


def test_shipped_specs_are_valid_in_every_task() -> None:
    for kind in (
        "image_classification",
        "image_regression",
        "tabular_classification",
        "tabular_regression",
    ):
        text = f"automlc: 1\ntask: {{kind: {kind}}}\ndata: {{source: x.npz}}\n"
        assert check(load_text(text, "task.yaml")) == []
