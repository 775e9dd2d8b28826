"""Word vectors of a spec: what a file must be, what the space gains, what a model then costs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from automlc.backends.keras.emit import model_files as keras_files
from automlc.backends.pytorch.emit import model_files
from automlc.compiler import embeddings
from automlc.compiler.checks import run_passes
from automlc.compiler.draft import Draft
from automlc.compiler.embeddings import read_file
from automlc.compiler.graph import SearchGraph
from automlc.compiler.plan_text import plan_text
from automlc.compiler.steering import fit
from automlc.runtime.rules.actions import apply
from automlc.runtime.rules.library import load_builtin
from automlc.spec.errors import AutomlcError
from automlc.spec.load import load_text
from tests.compiler.spaces import contract, preset_graph, sample, with_backend

GLOVE = "the 0.5 -1 2e-3\nof 1 2 3\n, 4 5 6\n"
FASTTEXT = "2 5 \nthe 1 2 3 4 5 \nwhite\u00a0space 1 2 3 4 5 \n"
NAMED = "{glove: vectors/glove.txt, fasttext: vectors/ft.vec}"


def draft_of(folder: Path, files: str = NAMED, more: str = "", kind: str = "text") -> Draft:
    """The draft after all passes, over texts of 21 tokens and 90 words."""
    (folder / "vectors").mkdir(exist_ok=True)
    (folder / "vectors" / "glove.txt").write_text(GLOVE, encoding="utf-8")
    (folder / "vectors" / "ft.vec").write_text(FASTTEXT, encoding="utf-8")
    text = (
        f"automlc: 1\nname: made\ntask: {{kind: {kind}_classification}}\n"
        f"data: {{source: made.npz}}\nspace:\n  embeddings: {files}\n{more}"
    )
    made = contract("text" if kind == "text" else "color", False)
    return run_passes(Draft(load_text(text, str(folder / "task.yaml")), made))


def graph_of(folder: Path, more: str = "") -> SearchGraph:
    draft = draft_of(folder, more=more)
    assert not draft.problems.errors, draft.problems.errors
    return draft.graph()


def said(draft: Draft) -> str:
    """The one error of a draft."""
    (error,) = draft.problems.errors
    assert error.code == "E313"
    assert error.span is not None
    return error.message


# ---- files ----


@pytest.mark.parametrize(
    ("content", "words", "width", "header"),
    [
        (GLOVE, 3, 3, False),
        (FASTTEXT, 2, 5, True),
        ("the 1\r\nof 2\r\n", 2, 1, False),
        ("the 1 2", 1, 2, False),
        ("3 3\nthe 1 2 3\n3 1 2 3\n1e9 1 2 3\n", 3, 3, True),
    ],
)
def test_a_file_of_each_kind_is_read(
    tmp_path: Path, content: str, words: int, width: int, header: bool
) -> None:
    file = tmp_path / "v.txt"
    file.write_bytes(content.encode())
    found = read_file(file, "v.txt")
    assert (found.words, found.width, found.header) == (words, width, header)


BROKEN = {
    "mixed": (b"the 1 2\nof 1 2 3\n", "v.txt:2: 2 numbers are expected after the word, not 3"),
    "short": (b"the 1 2\nof 1\n", "v.txt:2: 2 numbers are expected after the word, not 1"),
    "against the header": (b"1 3\nthe 1 2\n", "v.txt:2: 3 numbers are expected"),
    "count": (b"3 2\nthe 1 2\n", "v.txt:1: 3 words are announced, the file has 1"),
    "word": (b"the 1 two\n", "v.txt:1: something after the word is not a number"),
    "two blanks": (b"the  1 2\nof 1 2\n", "v.txt:1: something after the word is not a number"),
    "nan": (b"the 1 2\nof nan 2\n", "v.txt:2: a number is not finite"),
    "infinite": (b"the 1 -inf\n", "v.txt:1: a number is not finite"),
    "too large for float32": (b"the 1 1e39\n", "v.txt:1: a number is not finite"),
    "no numbers": (b"the\nof\n", "v.txt:1: a word has 1 to 4,096 numbers, not 0"),
    "no word": (b"the 1\n 2\n", "v.txt:2: the line begins with no word"),
    "blank line": (b"the 1\n\nof 1\n", "v.txt:2: the line begins with no word"),
    "not UTF-8": (b"the 1\n\xff\xfe 1\n", "v.txt:2: the word is not UTF-8"),
    "binary": (b"a\0b 1 2\n", "v.txt:1: the line begins with no word"),
    "empty": (b"", "v.txt holds no word"),
    "only a header": (b"0 3\n", "v.txt holds no word"),
    "very wide": (b"the" + b" 1" * 5000 + b"\n", "v.txt:1: a word has 1 to 4,096 numbers"),
    "one line": (b"x" * (2**20 + 1), "v.txt:1: the line has more than 1,048,576 bytes"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_error_with_its_line(tmp_path: Path, name: str) -> None:
    content, message = BROKEN[name]
    file = tmp_path / "v.txt"
    file.write_bytes(content)
    with pytest.raises(AutomlcError) as raised:
        read_file(file, "v.txt")
    assert raised.value.message.startswith(message)


def test_without_data_only_the_first_lines_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "FIRST_LINES", 2)
    file = tmp_path / "v.txt"
    file.write_text("3 1\nthe 1\nbroken\n", encoding="utf-8")
    assert read_file(file, "v.txt", whole=False).width == 1
    with pytest.raises(AutomlcError, match=r"v\.txt:3"):
        read_file(file, "v.txt")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ("{glove: nowhere.txt}", "there is no file 'nowhere.txt' (relative to the spec)"),
        ("{glove: vectors}", "there is no file 'vectors' (relative to the spec)"),
        ("{glove: ../v.txt}", "'../v.txt' is outside the project folder and every data root"),
        ("{none: vectors/glove.txt}", "'none' cannot name word vectors"),
        ('{"a b": vectors/glove.txt}', "'a b' cannot name word vectors"),
        ("{glove: vectors/broken.txt}", "vectors/broken.txt:1: something after"),
    ],
)
def test_what_cannot_be_used_is_one_error(tmp_path: Path, files: str, message: str) -> None:
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "broken.txt").write_text("a b\n", encoding="utf-8")
    assert said(draft_of(tmp_path, files)).startswith(message)


def test_a_link_out_of_the_project_and_a_large_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "project"
    inner.mkdir()
    (tmp_path / "v.txt").write_text(GLOVE, encoding="utf-8")
    os.symlink(tmp_path / "v.txt", inner / "link.txt")
    assert "is outside the project" in said(draft_of(inner, "{glove: link.txt}"))
    monkeypatch.setattr(embeddings, "MAX_BYTES", 8)
    assert "has more than 8 bytes" in said(draft_of(inner, "{glove: vectors/glove.txt}"))


def test_only_the_models_of_texts_take_word_vectors(tmp_path: Path) -> None:
    assert "only the model of the preset text/blocks" in said(draft_of(tmp_path, kind="image"))
    own = "  model: [{embedding: {features: 4}}, global_avg_pool1d, {dense: {units: outputs}}]\n"
    assert "only the model of the preset text/blocks" in said(draft_of(tmp_path, more=own))


def test_a_parameter_of_the_spec_names_files_that_are_there(tmp_path: Path) -> None:
    more = "  parameters: {pretraining: glovee}\n"
    assert "pretraining is fixed(glovee)" in said(draft_of(tmp_path, more=more))


# ---- the space and the model ----


def test_the_space_gains_a_parameter_whose_default_changes_nothing(tmp_path: Path) -> None:
    plain, graph = preset_graph("text", False), graph_of(tmp_path)
    assert graph.space["pretraining"].domain.values == ("none", "glove", "fasttext")  # type: ignore[union-attr]  # a choice
    default = graph.space.default_config()
    assert default == {**plain.space.default_config(), "pretraining": "none"}
    assert graph.costs.evaluate(default) == plain.costs.evaluate(plain.space.default_config())
    assert graph.freeze(default).model == graph.model
    frozen = [
        model_files(one.freeze(one.space.default_config()), straight=True)["model.py"]
        for one in (graph, plain)
    ]
    assert frozen[0] == frozen[1]


@pytest.mark.parametrize(("name", "width"), [("glove", 3), ("fasttext", 5)])
def test_the_size_of_the_embedding_is_that_of_the_file(
    tmp_path: Path, name: str, width: int
) -> None:
    graph = graph_of(tmp_path)
    values = {"pretraining": name, "norm": "none", "hidden": 0, "width": 32, "depth": 1}
    config = graph.space.build(lambda p: values.get(p.name, p.default))
    assert "embedding" not in config
    expected = 90 * width + (3 * width * 32 + 32) + 32 * 7 + 7
    assert graph.costs.evaluate(config)["model.params"] == expected
    assert (
        f"EmbedTokens(90, {width})" in model_files(graph.freeze(config), straight=True)["model.py"]
    )
    other = with_backend(graph.freeze(config), "keras", "jax")
    assert f"embed_tokens(x, 90, {width})" in keras_files(other, straight=True)["model.py"]


def test_samples_are_valid_and_have_costs(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "  expand: [layers]\n")
    for seed in range(40):
        config = sample(graph, seed)
        assert ("embedding" in config) == (config.get("pretraining") == "none")
        assert graph.costs.evaluate(config)["model.params"] > 0


def test_a_choice_may_leave_out_files_and_random_words(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "  parameters: {pretraining: glove, block: vanilla}\n")
    assert [one.name for one in graph.vectors] == ["glove"]
    assert "embedding" not in graph.space.default_config()


def test_the_graph_is_read_back_and_the_plan_names_the_files(tmp_path: Path) -> None:
    graph = graph_of(tmp_path)
    assert SearchGraph.from_json(graph.to_json()) == graph
    assert "vectors" not in preset_graph("text", False).to_json()
    assert "  vectors glove: vectors/glove.txt, 3 words of 3 numbers\n" in plan_text(graph)


def test_dreams_actions_about_pretraining_can_be_taken(tmp_path: Path) -> None:
    named = "{glove: vectors/glove.txt, fasttext: vectors/ft.vec, word2vec: vectors/glove.txt}"
    draft = draft_of(tmp_path, named)
    assert draft.expansion is not None
    space = draft.expansion.space
    kept, left_out = fit(load_builtin("builtin/dream"), space, "text")
    assert {what for what in left_out if "pretraining" in what} == {'pretraining = "random"'}
    actions = {str(one.action): one.action for row in kept.rows for one in row.actions}
    for name in ("glove", "fasttext", "word2vec"):
        made = apply(actions[f'pretraining = "{name}"'], space, space.default_config())
        assert made is not None
        assert space.problems(made) == []
        assert apply(actions['pretraining = "none"'], space, made) is not None
