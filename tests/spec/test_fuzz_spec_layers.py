"""Whatever stands in a spec of several layers: a spec or diagnostics, never anything else."""

from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.spec.diagnostics import render
from automlc.spec.errors import SpecError
from automlc.spec.load import LoadedSpec, Variant, load_text

HEAD = "automlc: 1\ntask: {kind: tabular_regression}\ndata: {source: builtin:diabetes}\n"
WORDS = st.sampled_from(
    "seed budget trials search tpe strategy space parameters lr rules extends profiles p "
    "constraints data columns null 3 1e-3 a.yaml".split()
)
MARKS = st.sampled_from([*".=[]{},\"'0\n *é", ": "])
NOISE = st.lists(WORDS | MARKS | st.text(max_size=3), max_size=12).map("".join)
OVERRIDES = st.lists(NOISE | st.tuples(WORDS, NOISE).map("=".join), max_size=3)
PLAIN = st.recursive(
    WORDS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda i: f"[{', '.join(i)}]")
        | st.dictionaries(WORDS, inner, max_size=3).map(
            lambda d: "{" + ", ".join(f"{k}: {v}" for k, v in d.items()) + "}"
        )
    ),
    max_leaves=8,
)


def outcome(text: str, variant: Variant) -> LoadedSpec | None:
    """The spec, or None and diagnostics that can be shown."""
    try:
        return load_text(text, "task.yaml", variant)
    except SpecError as error:
        refused = error
    for form in ("full", "concise", "json"):
        render(refused.diagnostics, format=form, sources=refused.sources, color=False)
    assert all(d.span is None or d.span.file in refused.sources for d in refused.diagnostics)
    return None


@settings(max_examples=25)
@given(OVERRIDES, st.none() | st.just("p") | NOISE)
def test_any_command_line(overrides: list[str], profile: str | None) -> None:
    loaded = outcome(f"{HEAD}profiles: {{p: {{seed: 3}}}}\n", Variant(profile, tuple(overrides)))
    if loaded is not None:
        assert load_text(loaded.resolved_text(), "task.yaml").spec == loaded.spec


@settings(max_examples=25)
@given(PLAIN, PLAIN, PLAIN)
def test_any_layers(base: str, own: str, profile: str) -> None:
    with TemporaryDirectory() as folder, chdir(folder):
        Path("a.yaml").write_text(base, encoding="utf-8")
        text = f"{HEAD}extends: a.yaml\nspace: {own}\nprofiles: {{p: {profile}}}\n"
        for variant in (Variant(), Variant("p")):
            loaded = outcome(text, variant)
            if loaded is not None:
                assert load_text(loaded.resolved_text(), "task.yaml").spec == loaded.spec
