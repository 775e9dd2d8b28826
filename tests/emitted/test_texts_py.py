"""The emitted texts.py and data.py of a text task: what a stranger's reading of them does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.backends.data_view import data_view, texts_view
from automlc.backends.rendering import renderer
from automlc.compiler.contracts import tokens as compiled
from automlc.compiler.contracts.contract import DataContract
from automlc.compiler.contracts.reading import read
from automlc.spec.load import load_text
from tests.compiler.spaces import contract
from tests.emitted.loading import emitted

RENDER = renderer("automlc.backends.keras")
SPEC = """automlc: 1
task: {kind: text_KIND}
seed: 7
data:
  source: mail.csv
  target: TARGET
  columns: {body: text, title: text}
  EXTRA
"""


def module_of(found: DataContract, folder: Path) -> Iterator[ModuleType]:
    with emitted(folder, {"texts.py": RENDER("texts.py", texts_view(found))}, "texts") as module:
        yield module


@pytest.fixture(scope="module", params=["word", "character"])
def texts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    from dataclasses import replace

    made = contract("text", False)
    kind = replace(made.input, tokens=request.param, lowercase=request.param == "word")  # type: ignore[type-var]  # a text input
    module = next(module_of(replace(made, input=kind), tmp_path_factory.mktemp(request.param)))
    module.kind = request.param  # type: ignore[attr-defined]  # for the tests below
    return module


@given(text=st.text())
def test_the_emitted_function_cuts_texts_as_the_compiler_does(texts: ModuleType, text: str) -> None:
    kind = texts.kind
    assert texts.tokens(text) == compiled.tokens(text, kind, lowercase=kind == "word")


@given(st.lists(st.text(alphabet="abcAB ,.", max_size=30), max_size=30))
def test_a_vocabulary_is_sorted_by_count_and_then_by_token(
    texts: ModuleType, given: list[str]
) -> None:
    vocabulary = texts.learn(given)
    counts = Counter(token for text in given for token in texts.tokens(text))
    assert len(vocabulary) == min(len(counts), texts.SIZE - texts.FIRST)
    ranks = [(-counts[token], token) for token in vocabulary]
    assert ranks == sorted(ranks)
    assert vocabulary == texts.learn(reversed(given)), "the order of rows does not matter"


@given(st.lists(st.text(alphabet="abcd ,.", max_size=60), max_size=12))
def test_rows_of_ids_say_which_tokens_a_text_has(texts: ModuleType, given: list[str]) -> None:
    vocabulary = ["a", "b", ",", " "]
    x = texts.encode(given, vocabulary)
    assert x.dtype == np.int32
    assert x.shape == (len(given), texts.LENGTH)
    for row, text in zip(x, given, strict=True):
        found = texts.tokens(text)[: texts.LENGTH]
        known = [vocabulary.index(t) + 2 if t in vocabulary else 1 for t in found]
        assert row.tolist() == known + [0] * (texts.LENGTH - len(found))


def test_a_vocabulary_survives_its_file_and_nothing_else_is_read(
    texts: ModuleType, tmp_path: Path
) -> None:
    content = texts.dumps(["é", '"', "\n", "a"])
    (tmp_path / "vocabulary.json").write_bytes(content)
    assert texts.load(tmp_path / "vocabulary.json") == ["é", '"', "\n", "a"]
    (tmp_path / "vocabulary.json").write_text('["a"]')
    with pytest.raises(ValueError, match="no vocabulary"):
        texts.load(tmp_path / "vocabulary.json")


def test_texts_to_predict_are_read_from_lines_and_from_columns(
    texts: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("one, two\nthree\n", encoding="utf-8")
    (tmp_path / "a.csv").write_text('id,body\n1,"one, two"\n2, three \n', encoding="utf-8")
    rows = [{"body": "one, two", "id": 1}, {"body": "three"}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    for name in ("a.txt", "a.csv", "a.jsonl"):
        assert texts.read(tmp_path / name) == ["one, two", "three"], name
    (tmp_path / "b.csv").write_text("text\none\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no column 'body'"):
        texts.read(tmp_path / "b.csv")


def project(folder: Path, kind: str, target: str, extra: str = "") -> dict[str, str]:
    """The files of data: 40 rows, of which the last ten are marked as the test part."""
    lines = ["body,title,topic,stars,part"]
    for i in range(40):
        part = "test" if i >= 30 else "train"
        lines.append(f"w{i} common,T{i % 2},{'ab'[i % 2]},{i / 2},{part}")
    (folder / "mail.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = SPEC.replace("KIND", kind).replace("TARGET", target).replace("EXTRA", extra)
    loaded = load_text(text, str(folder / "task.yaml"))
    found = read(loaded)
    view = data_view(found, loaded.spec.data, 7, "../mail.csv", "numpy")
    return {
        "data.py": RENDER("data.py", view),
        "texts.py": RENDER("texts.py", texts_view(found)),
    }


@pytest.mark.parametrize("extra", ["split: {column: part}", "split: {validation: 0.25}"])
def test_only_the_training_rows_are_learned_from(tmp_path: Path, extra: str) -> None:
    files = project(tmp_path, "classification", "topic", extra)
    with emitted(tmp_path / "project", files, "data") as data:
        parts, test = data.load(), data.load_test()
        again = data.load()
    rows = len(parts.train.y)
    # Each row has a word of its own: those of training rows are known, others are not.
    own = [token for token in parts.vocabulary if token.startswith("w")]
    assert len(own) == rows
    assert parts.vocabulary[:2] == ["common", "t0"]
    assert (parts.train.x > 1).sum() == 3 * rows
    for held in (parts.validation, test):
        assert (held.x[:, 0] == 1).all(), "a word that the training rows do not have"
        assert (held.x[:, 1] == 2).all(), "the most frequent token"
    assert rows + len(parts.validation.y) + len(test.y) == 40
    assert np.array_equal(again.train.x, parts.train.x)
    assert again.vocabulary == parts.vocabulary


def test_numbers_are_predicted_from_texts_as_well(tmp_path: Path) -> None:
    files = project(tmp_path, "regression", "stars")
    with emitted(tmp_path / "project", files, "data") as data:
        parts = data.load()
    assert parts.train.y.dtype == np.float32
    assert parts.train.y.shape == (len(parts.train.x), 1)
