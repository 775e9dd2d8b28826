"""What the passes say, beyond the broken specs of tests/bad/specs."""

from __future__ import annotations

import pytest

from automlc.compiler.checks import check
from automlc.compiler.driver import compile_spec
from automlc.spec.errors import SpecError
from automlc.spec.load import load_text

HEAD = "automlc: 1\ntask: {kind: image_classification}\ndata: {source: builtin:digits}\n"
MODEL = HEAD + "space:\n  model:\n"
END = "    - global_avg_pool2d\n    - dense: {units: outputs}\n"


def errors(text: str) -> dict[str, str]:
    """Code -> message of what compiling a spec reports."""
    with pytest.raises(SpecError) as caught:
        compile_spec(load_text(text, "task.yaml"))
    return {d.code: d.message for d in caught.value.diagnostics}


def test_the_last_layer_has_one_output_for_each_class() -> None:
    found = errors(MODEL + "    - flatten\n    - dense: {units: 3}\n")
    assert "each of 10 outputs" in found["E328"]


def test_a_constraint_that_nothing_can_meet_is_refused_before_training() -> None:
    found = errors(HEAD + "constraints: [model.params <= 5]\n")
    assert "model.params is at least" in found["E401"]


def test_constraints_that_hardly_anything_meets_are_a_warning() -> None:
    text = HEAD + "constraints: [model.params <= 900]\n"
    _, warnings = compile_spec(load_text(text, "task.yaml"))
    assert [d.code for d in warnings] == ["W522"]


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
