"""`automlc init`: for every kind of data the spec that it writes validates and plans."""

import csv
import os
import pty
import random
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from automlc.cli.main import cli
from automlc.compiler.checks import load_checked
from automlc.compiler.driver import compile_spec
from automlc.compiler.graph import SearchGraph
from automlc.compiler.starter.text import scalar
from automlc.spec.errors import AutomlcError
from automlc.spec.model import Spec
from automlc.spec.yaml_nodes import parse_yaml, to_plain

WORDS = "how far is it to the sea who wrote this book why do cats sleep when will it rain".split()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*args: str) -> str:
    """What init prints; raises what it raises."""
    done = CliRunner().invoke(cli, ["init", *args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def refused(*args: str) -> AutomlcError:
    done = CliRunner().invoke(cli, ["init", *args])
    assert isinstance(done.exception, AutomlcError), (done.exception, done.output)
    return done.exception


def planned(path: Path, roots: Sequence[Path] = ()) -> tuple[Spec, SearchGraph]:
    """The spec as it is read, and its graph: what `validate` and `plan` do."""
    loaded = load_checked(path)
    graph, _ = compile_spec(loaded, roots)
    return loaded.spec, graph


# --- the data ---------------------------------------------------------------------------------


def write_csv(path: Path, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t" if ".tsv" in path.name else ",")
        writer.writerows([heads, *rows])


def flowers(folder: Path, name: str = "flowers.csv") -> None:
    rng = random.Random(1)
    rows = [
        [i, rng.random(), rng.random(), rng.choice("rgb"), "x", ["rose", "tulip"][i % 2]]
        for i in range(60)
    ]
    write_csv(folder / name, ["id", "length", "width", "color", "unit", "species"], rows)


def prices(folder: Path) -> None:
    rng = random.Random(2)
    rows = [[rng.random() * 90, rng.randint(1, 5), round(rng.random(), 4)] for _ in range(60)]
    write_csv(folder / "prices.tsv", ["area", "rooms", "price"], rows)


def questions(folder: Path) -> None:
    rng = random.Random(3)
    rows = [[" ".join(rng.sample(WORDS, 6)), ["a", "b"][i % 2]] for i in range(60)]
    write_csv(folder / "questions.csv", ["question", "topic"], rows)


def scores(folder: Path) -> None:
    rng = random.Random(4)
    rows = [[" ".join(rng.sample(WORDS, 6)), round(rng.random(), 4)] for _ in range(60)]
    write_csv(folder / "scores.csv", ["review", "score"], rows)


def parts(folder: Path) -> None:
    rng = random.Random(5)
    part = ["train", "train", "train", "val", "test"]
    rows = [[rng.random(), part[i % 5], i % 3] for i in range(60)]
    write_csv(folder / "parts.csv", ["height", "part", "label"], rows)


def skewed(folder: Path) -> None:
    rng = random.Random(6)
    rows = [[rng.random(), rng.random(), "rare" if i < 6 else "usual"] for i in range(60)]
    write_csv(folder / "skewed.csv", ["a", "b", "kind"], rows)


def holes(folder: Path) -> None:
    rng = random.Random(7)
    rows = [["" if i % 7 == 0 else rng.random(), rng.choice(["x", ""]), i % 2] for i in range(60)]
    write_csv(folder / "holes.csv", ["a: b", 'quote "#" here', "no"], rows)


def one_of_a_kind(folder: Path) -> None:
    rows = [[i * 0.5, "single" if i == 0 else "ab"[i % 2]] for i in range(60)]
    write_csv(folder / "single.csv", ["x", "y"], rows)


def table_parquet(folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "age": [i % 31 + 0.5 for i in range(60)],
        "when": pa.array([1_000_000 * i for i in range(60)], pa.timestamp("us")),
        "sick": [i % 2 == 0 for i in range(60)],
    }
    pq.write_table(pa.table(columns), folder / "people.parquet")


def images_npz(folder: Path) -> None:
    x = np.zeros((40, 8, 8), np.uint8)
    np.savez(folder / "digits.npz", x_train=x, y_train=np.arange(40) % 4)


def numbers_npz(folder: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.random((40, 5), np.float32)
    np.savez(folder / "numbers.npz", x_train=x, y_train=rng.random(40))


def amounts_npz(folder: Path) -> None:
    x = np.random.default_rng(2).random((400, 5), np.float32)
    np.savez(folder / "amounts.npz", x_train=x, y_train=np.arange(400) * 3)


def images_of_two_sizes(folder: Path) -> None:
    for label in ("cat", "dog"):
        inner = folder / "pets" / label
        inner.mkdir(parents=True)
        for i in range(8):
            size = (400, 300) if i else (200, 220)
            Image.new("RGB", size, (i, 0, 0)).save(inner / f"{i}.png")


def small_images_in_parts(folder: Path) -> None:
    for part in ("train", "val", "test"):
        for label in ("a", "b"):
            inner = folder / "tiles" / part / label
            inner.mkdir(parents=True)
            for i in range(4):
                Image.new("L", (16, 16), i).save(inner / f"{i}.png")


SOURCES: list[tuple[Callable[[Path], None], str, str, str]] = [
    (flowers, "flowers.csv", "tabular_classification", "accuracy"),
    (prices, "prices.tsv", "tabular_regression", "rmse"),
    (questions, "questions.csv", "text_classification", "accuracy"),
    (scores, "scores.csv", "text_regression", "rmse"),
    (parts, "parts.csv", "tabular_classification", "accuracy"),
    (skewed, "skewed.csv", "tabular_classification", "balanced_accuracy"),
    (holes, "holes.csv", "tabular_classification", "accuracy"),
    (one_of_a_kind, "single.csv", "tabular_classification", "balanced_accuracy"),
    (table_parquet, "people.parquet", "tabular_classification", "accuracy"),
    (images_npz, "digits.npz", "image_classification", "accuracy"),
    (numbers_npz, "numbers.npz", "tabular_regression", "rmse"),
    (amounts_npz, "amounts.npz", "tabular_regression", "rmse"),
    (images_of_two_sizes, "pets", "image_classification", "accuracy"),
    (small_images_in_parts, "tiles", "image_classification", "accuracy"),
]


@pytest.mark.parametrize(
    ("make", "name", "kind", "metric"), SOURCES, ids=lambda x: getattr(x, "__name__", x)
)
def test_the_spec_of_every_kind_of_data_plans_with_the_right_task(
    make: Callable[[Path], None], name: str, kind: str, metric: str, here: Path
) -> None:
    make(here)
    out = init("--data", name)
    spec, graph = planned(here / "task.yaml")
    assert (spec.task.kind, spec.task.metric) == (kind, metric)
    assert graph.contract.source == name
    assert "automlc plan task.yaml" in out
    assert "automlc run task.yaml" in out


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits"])
def test_the_spec_of_every_built_in_data_set_plans(name: str, here: Path) -> None:
    init("--data", f"builtin:{name}")
    planned(here / "task.yaml")


def test_a_data_file_in_place_of_the_spec_gives_the_spec_its_name(here: Path) -> None:
    flowers(here)
    init("flowers.csv", "--trials", "7", "--epochs", "3", "--backend", "keras")
    spec, _ = planned(here / "flowers.yaml")
    assert (spec.name, spec.data.source) == ("flowers", "flowers.csv")
    assert (spec.budget.trials, spec.budget.epochs, spec.backend.kind) == (7, 3, "keras")


def test_the_spec_of_another_folder_names_its_data_from_there(here: Path) -> None:
    (here / "data").mkdir()
    flowers(here / "data")
    init("specs/first.yaml", "--data", "data/flowers.csv")
    spec, _ = planned(here / "specs" / "first.yaml")
    assert spec.data.source == "../data/flowers.csv"


def test_columns_that_say_nothing_are_left_out_with_a_reason(here: Path) -> None:
    flowers(here)
    out = init("flowers.csv")
    spec, _ = planned(here / "flowers.yaml")
    assert spec.data.columns == {"id": "ignore", "unit": "ignore"}
    text = (here / "flowers.yaml").read_text()
    assert "id: ignore  # counts the rows" in text
    assert "unit: ignore  # the same value everywhere" in text
    assert "id: ignore  (counts the rows)" in out


def test_a_split_column_is_found(here: Path) -> None:
    parts(here)
    init("parts.csv")
    spec, graph = planned(here / "parts.yaml")
    assert spec.data.split.column == "part"
    assert (graph.contract.rows.train, graph.contract.rows.validation) == (36, 12)


def test_a_class_too_small_for_each_part_turns_stratifying_off(here: Path) -> None:
    one_of_a_kind(here)
    init("single.csv")
    assert planned(here / "single.yaml")[0].data.split.stratify is False


def test_large_images_are_resized_with_their_proportions(here: Path) -> None:
    images_of_two_sizes(here)
    init("--data", "pets")
    assert planned(here / "task.yaml")[0].data.image.size == (72, 96)


def test_every_choice_has_a_comment_and_the_text_is_the_same_each_time(here: Path) -> None:
    flowers(here)
    init("a.yaml", "--data", "flowers.csv")
    init("b.yaml", "--data", "flowers.csv")
    text = (here / "a.yaml").read_text()
    assert text == (here / "b.yaml").read_text()
    for key in ("kind:", "metric:", "target:", "split:", "preset:", "search:"):
        lines = text.splitlines()
        place = next(i for i, line in enumerate(lines) if line.strip().startswith(key))
        assert lines[place - 1].strip().startswith("#"), key


@pytest.mark.parametrize("flags", [["--target", "color"], ["--task", "tabular_regression"]])
def test_what_is_given_is_not_guessed(flags: list[str], here: Path) -> None:
    flowers(here)
    extra = ["--target", "length"] if "--task" in flags else []
    init("flowers.csv", *flags, *extra)
    spec, _ = planned(here / "flowers.yaml")
    assert flags[1] in (spec.data.target, spec.task.kind)


def test_a_folder_of_images_in_place_of_the_spec_is_the_data(here: Path) -> None:
    images_of_two_sizes(here)
    init("pets")
    assert planned(here / "pets.yaml")[0].data.source == "pets"


def test_a_column_of_dates_is_not_guessed_to_be_the_target(here: Path) -> None:
    rows = [[i * 7 % 50, i % 3, f"2020-01-{i % 28 + 1:02d}"] for i in range(60)]
    write_csv(here / "days.csv", ["visits", "weekday", "date"], rows)
    init("days.csv")
    assert planned(here / "days.yaml")[0].data.target == "weekday"


def test_a_name_that_suggests_a_target_wins_over_the_last_column(here: Path) -> None:
    rows = [[i * 1000 + i % 7, i % 3, i % 5] for i in range(60)]
    write_csv(here / "houses.csv", ["SalePrice", "floors", "rooms"], rows)
    init("houses.csv")
    spec, _ = planned(here / "houses.yaml")
    assert (spec.data.target, spec.task.kind) == ("SalePrice", "tabular_regression")


def test_the_only_data_of_a_folder_is_taken_and_said(here: Path) -> None:
    flowers(here)
    assert "the only data here" in init()


# --- what is refused --------------------------------------------------------------------------


def test_a_spec_is_never_overwritten_without_force(here: Path) -> None:
    flowers(here)
    (here / "task.yaml").write_text("mine\n")
    error = refused("--data", "flowers.csv")
    assert "is there already" in error.message
    assert "--force" in (error.hint or "")
    assert (here / "task.yaml").read_text() == "mine\n"
    init("--data", "flowers.csv", "--force")
    planned(here / "task.yaml")


def test_data_outside_the_project_is_refused_until_its_folder_is_allowed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flowers(here)
    project = here / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    error = refused("--data", "../flowers.csv")
    assert "outside the project" in error.message
    assert "--data-root" in (error.hint or "")
    out = init("--data", "../flowers.csv", "--data-root", "..")
    assert "automlc plan task.yaml --data-root .." in out
    planned(project / "task.yaml", [here])


BAD: list[tuple[str, bytes, str]] = [
    ("empty.csv", b"", "is empty"),
    ("heads.csv", b"a,b,c\n", "a header and no rows"),
    ("one.csv", b"a\n" + b"1\n" * 30, "one column only"),
    ("garbage.csv", bytes(range(256)) * 40, ""),
    ("utf16.csv", "a,b\n1,2\n".encode("utf-16"), ""),
    ("garbage.npz", b"\x00\x01" * 400, "not a readable npz file"),
    ("garbage.parquet", b"\x00\x01" * 400, "not a readable parquet file"),
    ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "line 3 has 3 cells"),
    ("same.csv", b"a,b\n" + b"1,x\n" * 30, "no column can be the target"),
    ("twice.csv", b"a,a\n" + b"1,x\n" * 30, "two columns are called"),
    ("notes.txt", b"hello\n", "is no kind of data that is read here"),
    ("tiny.csv", b"a,b\n1.5,x\n2.5,y\n", ""),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_bad_data_is_one_error_for_people_and_writes_nothing(
    name: str, content: bytes, message: str, here: Path
) -> None:
    (here / name).write_bytes(content)
    error = refused("--data", name)
    assert message in error.message
    assert len(error.message.splitlines()) == 1
    assert error.exit_code == 1
    assert not (here / "task.yaml").exists()
    assert not list(here.glob(".automlc-*"))


def test_a_target_that_no_model_can_learn_is_refused(here: Path) -> None:
    rows = [[f"name {i}x", i % 2, i] for i in range(40)]
    write_csv(here / "t.csv", ["who", "label", "row"], rows)
    assert "different text in every row" in refused("t.csv", "--target", "who").message
    assert "counts the rows" in refused("t.csv", "--target", "row").message
    error = refused("t.csv", "--target", "labell")
    assert "did you mean `label`?" in (error.hint or "")


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["--data", "flower.csv"], "there is no `flower.csv`", "flowers.csv"),
        (["--data", "builtin:digit"], "no built-in data set", "builtin:digits"),
        (["--data", "https://x.org/a.csv"], "is an address", "download"),
        (["--data", "\0"], "is not a path", ""),
        (["--data", "data"], "is a folder without images", "--data data/inside.csv"),
        (["--data", "flowers.csv", "--metric", "acuracy"], "is no metric", "accuracy"),
        (["--data", "flowers.csv", "--task", "image_classification"], "does not fit", "tabular"),
        (["--data", "builtin:digits", "--target", "x"], "only tables have columns", "--target"),
        (["flowers.csv.d/x.yaml", "--data", "absent.csv"], "there is no", ""),
        (["data/inside.csv/task.yaml", "--data", "flowers.csv"], "is a file, and no folder", ""),
        (["flowers.txt"], "there is no flowers.txt", "--data"),
        ([], "which data?", "--data"),
    ],
)
def test_wrong_answers_say_what_would_be_right(
    args: list[str], message: str, hint: str, here: Path
) -> None:
    flowers(here)
    (here / "data").mkdir()
    flowers(here / "data", "inside.csv")
    flowers(here, "second.csv")
    error = refused(*args)
    assert message in error.message
    assert hint in (error.hint or "")
    assert not (here / "task.yaml").exists()


# --- laws -------------------------------------------------------------------------------------

names = (
    st.text(min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda s: s and s.isprintable() and not s.startswith("\ufeff"))
)
cells = st.sampled_from(["1", "2.5", "x", "y", "", "no", "a long text with words", "2020-01-01"])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    heads=st.lists(names, min_size=1, max_size=5, unique=True),
    rows=st.lists(st.lists(cells, min_size=5, max_size=5), min_size=0, max_size=40),
)
def test_any_table_gives_a_spec_that_plans_or_one_error(
    heads: list[str], rows: list[list[str]], here: Path
) -> None:
    write_csv(here / "any.csv", heads, [row[: len(heads)] for row in rows])
    (here / "task.yaml").unlink(missing_ok=True)
    done = CliRunner().invoke(cli, ["init", "--data", "any.csv"])
    if done.exception is None:
        planned(here / "task.yaml")
    else:
        assert isinstance(done.exception, AutomlcError), done.exception
        assert not (here / "task.yaml").exists()


@given(st.text(max_size=40).filter(lambda s: not any(0xD800 <= ord(c) <= 0xDFFF for c in s)))
def test_any_text_is_read_back_as_it_was_written(text: str) -> None:
    root, found = parse_yaml(f"key: {scalar(text)}\n", "x.yaml")
    assert not found
    assert root is not None
    assert to_plain(root) == {"key": text}


# --- a terminal -------------------------------------------------------------------------------


def on_a_terminal(args: Sequence[str], answers: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run init on a pseudo-terminal; each answer is typed when a question waits."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "automlc", "init", *args],
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        close_fds=True,
    )
    os.close(slave)
    shown, left, end = "", list(answers), time.monotonic() + 60
    seen = 0
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([master], [], [], 0.2)
            if ready:
                try:
                    shown += os.read(master, 65536).decode("utf-8", "replace")
                except OSError:  # the other side is gone
                    break
            elif process.poll() is not None:
                break
            if left and shown[seen:].endswith("]: "):
                seen = len(shown)
                os.write(master, f"{left.pop(0)}\n".encode())
        return process.wait(timeout=30), shown
    finally:
        process.kill()
        os.close(master)


def test_on_a_terminal_what_is_not_given_is_asked_and_a_slip_is_asked_again(here: Path) -> None:
    flowers(here)
    answers = ["flowers.csv", "colour", "color", "", "f1", "9"]
    code, shown = on_a_terminal([], answers, here)
    assert code == 0, shown
    assert "'colour' is none of these. Is it color?" in shown
    spec, _ = planned(here / "task.yaml")
    assert (spec.data.target, spec.task.metric, spec.budget.trials) == ("color", "f1", 9)


def test_on_a_terminal_yes_asks_nothing(here: Path) -> None:
    flowers(here)
    code, shown = on_a_terminal(["flowers.csv", "--yes"], [], here)
    assert code == 0, shown
    assert "]: " not in shown
    planned(here / "flowers.yaml")


def test_a_dsl_spec_is_written_and_plans(here: Path) -> None:
    (here / "flowers.csv").write_text("size,kind\n" + "1.5,rose\n2.5,lily\n" * 30)
    init("task.aml", "--data", "flowers.csv")
    text = (here / "task.aml").read_text()
    assert "#" in text
    planned(here / "task.aml")
