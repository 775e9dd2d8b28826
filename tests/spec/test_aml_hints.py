"""Hints for `.aml` files speak the DSL; those for YAML files stay as they are."""

from __future__ import annotations

import pytest

from automlc.spec.aml_hints import said_as_dsl
from automlc.spec.diagnostics import Diagnostic, Span, render


def said(hint: str, file: str = "task.aml") -> str:
    return render([Diagnostic("E203", "m", Span(file, 1, 1, 1, 2), hint)], format="concise")


@pytest.mark.parametrize(
    ("yaml", "dsl"),
    [
        ("write name: digits", "write name digits"),
        ("write budget: {trials: 20, epochs: 10}", "write budget { trials 20; epochs 10 }"),
        ("write search: {strategy: random}, with more", "write search random, with more"),
        ("add data: {source: builtin:digits}", "add data builtin:digits"),
        ("write size: [32, 32]", "write size [32, 32]"),
        (
            "write one `- ` for each, such as - model.size <= 5MB",
            "write constrain model.size <= 5MB",
        ),
        # prose before a colon, and the text of a person, are no keys
        ("did you mean a? (known: b, c)", "did you mean a? (known: b, c)"),
        ("its folder: --data-root DIR", "its folder: --data-root DIR"),
        ("write depth == 3", "write depth == 3"),
    ],
)
def test_what_shows_yaml_shows_a_statement(yaml: str, dsl: str) -> None:
    assert said(yaml).endswith(f"; {dsl}")
    assert said(yaml, "task.yaml").endswith(f"; {yaml}")


def test_a_diagnostic_without_a_hint_stays() -> None:
    one = Diagnostic("E203", "m", Span("task.aml", 1, 1, 1, 2))
    assert said_as_dsl(one) is one
