"""Texts: how they are cut into tokens, which column holds them, what a contract says of them."""

from __future__ import annotations

import gzip
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.compiler.contracts.contract import (
    ClassTarget,
    ContractError,
    DataContract,
    NumberTarget,
    Rows,
    Storage,
    TextInput,
    loads,
)
from automlc.compiler.contracts.reading import inspect, read
from automlc.compiler.contracts.tokens import tokens
from automlc.spec.load import LoadedSpec, load_text

CONTRACT = DataContract(
    source="mail.csv",
    format="table",
    fingerprint="sha256:00",
    input=TextInput(("title", "body"), 40, 900, "character", False),
    target=ClassTarget(("a", "b"), (4, 5)),
    rows=Rows(5, 2, 2),
    storage=Storage("csv", 9, None, 2, {"delimiter": ",", "target": "y"}),
)


def spec(folder: Path, kind: str, *lines: str) -> LoadedSpec:
    body = "".join(f"  {line}\n" for line in lines)
    text = f"automlc: 1\ntask:\n  kind: {kind}\ndata:\n{body}"
    return load_text(text, str(folder / "task.yaml"))


def mail(folder: Path, name: str = "mail.csv") -> None:
    """20 rows: a title, a body, a topic, a number of stars, and a part."""
    lines = ["title,body,topic,stars,part"]
    for i in range(20):
        part = "test" if i >= 16 else "train"
        last = "unseen words of the very last rows here" if part == "test" else f"w{i}"
        lines.append(f"Note {i},the house is {last},{'ab'[i % 2]},{i},{part}")
    text = "\n".join(lines) + "\n"
    data = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    (folder / name).write_bytes(data)


@given(st.text())
def test_words_are_the_text_without_its_blanks(text: str) -> None:
    written = unicodedata.normalize("NFC", text).lower()
    found = tokens(text)
    assert "".join(found) == "".join(written.split())
    assert all(token and not any(c.isspace() for c in token) for token in found)


@given(st.text())
def test_characters_are_the_text_with_its_blanks_made_one(text: str) -> None:
    found = tokens(text, "character", lowercase=False)
    assert "".join(found) == " ".join(unicodedata.normalize("NFC", text).split())
    assert all(len(token) == 1 for token in found)


@given(st.text(), st.sampled_from(["NFC", "NFD"]), st.booleans())
def test_how_a_letter_is_encoded_and_how_wide_blanks_are_changes_nothing(
    text: str, form: str, lowercase: bool
) -> None:
    other = unicodedata.normalize(form, text).replace(" ", "\t\n ")
    for kind in ("word", "character"):
        assert tokens(other, kind, lowercase) == tokens(text, kind, lowercase)


def test_a_contract_of_texts_survives_its_json_form() -> None:
    assert loads(CONTRACT.dumps()) == CONTRACT
    assert loads(CONTRACT.dumps()).dumps() == CONTRACT.dumps()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"tokens": "character"', '"tokens": "syllable"'),
        ('"lowercase": false', '"lowercase": 0'),
        ('"length": 40', '"length": 0'),
        ('"vocabulary": 900', '"vocabulary": 2'),
        ('"kind": "csv"', '"kind": "builtin"'),
    ],
)
def test_what_is_no_contract_of_texts_is_refused(old: str, new: str) -> None:
    text = CONTRACT.dumps()
    assert old in text
    with pytest.raises(ContractError):
        loads(text.replace(old, new))


@pytest.mark.parametrize("name", ["mail.csv", "mail.csv.gz"])
def test_sizes_are_of_the_rows_that_are_not_for_the_test(tmp_path: Path, name: str) -> None:
    mail(tmp_path, name)
    lines = ("target: topic", "columns: {body: text}", "split: {column: part}")
    contract = read(spec(tmp_path, "text_classification", f"source: {name}", *lines))
    # the, house, is, w0 to w15; padding and unknown. "unseen words …" is longer, but a test row.
    assert contract.input == TextInput(("body",), 4, 3 + 16 + 2)
    assert contract.rows == Rows(12, 4, 4)


def test_texts_are_joined_in_the_order_of_the_spec_within_its_bounds(tmp_path: Path) -> None:
    mail(tmp_path)
    lines = (
        "source: mail.csv",
        "target: stars",
        "columns: {body: text, title: text}",
        "text: {length: 5, max_tokens: 7, tokens: character, lowercase: false}",
    )
    contract = read(spec(tmp_path, "text_regression", *lines))
    assert contract.input == TextInput(("body", "title"), 5, 7, "character", False)
    assert contract.target == NumberTarget(0.0, 19.0, 9.5)


def test_the_one_column_that_looks_like_text_is_taken_and_named(tmp_path: Path) -> None:
    mail(tmp_path)
    lines = ("source: mail.csv", "target: topic", "columns: {title: ignore}")
    found = inspect(spec(tmp_path, "text_classification", *lines))
    assert found.contract is not None
    assert isinstance(found.contract.input, TextInput)
    assert found.contract.input.columns == ("body",)
    assert found.notes == ("column `body` is read as the text",)


def test_parquet_holds_texts_as_csv_does(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import csv, parquet

    mail(tmp_path)
    parquet.write_table(csv.read_csv(tmp_path / "mail.csv"), tmp_path / "mail.parquet")
    assert pyarrow is not None
    lines = ("target: topic", "columns: {body: text}", "split: {column: part}")
    inputs = [
        read(spec(tmp_path, "text_classification", f"source: mail.{end}", *lines)).input
        for end in ("csv", "parquet")
    ]
    assert inputs[0] == inputs[1]
