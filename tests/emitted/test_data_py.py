"""The emitted data.py: its text (goldens) and what it does (run as a stranger would).

`AUTOMLC_GOLDEN=write pytest -k golden tests/emitted` rewrites tests/emitted/data_py/*.txt.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import jinja2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automlc.backends import data_view, literals
from automlc.compiler.contracts.contract import Category, ClassTarget, DataContract, TableInput
from automlc.compiler.contracts.reading import read
from automlc.compiler.contracts.split import Fractions, assign
from automlc.spec.load import LoadedSpec, load_text

pytestmark = pytest.mark.torch

GOLDEN = Path(__file__).parent / "data_py"
ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("automlc.backends", "templates"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.filters["py"] = literals.literal


def emit(contract: DataContract, loaded: LoadedSpec) -> str:
    spec = loaded.spec
    source = None if contract.format == "builtin" else f"../{spec.data.source}"
    view = data_view.data_view(contract, spec.data, spec.seed, source, "torch")
    return ENVIRONMENT.get_template(data_view.TEMPLATE).render(view)


@dataclass
class Project:
    """A spec with its data in `folder`, and the data.py emitted into folder/project."""

    folder: Path
    loaded: LoadedSpec
    contract: DataContract
    text: str

    def module(self) -> ModuleType:
        place = self.folder / "project" / "data.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(self.text)
        found = importlib.util.spec_from_file_location("emitted_data", place)
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        sys.modules["emitted_data"] = module  # dataclasses look their module up
        found.loader.exec_module(module)
        return module


def project(folder: Path, kind: str, *lines: str) -> Project:
    body = "".join(f"  {line}\n" for line in lines)
    text = f"automlc: 1\ntask:\n  kind: {kind}\nseed: 7\ndata:\n{body}"
    loaded = load_text(text, str(folder / "task.yaml"))
    contract = read(loaded)
    return Project(folder, loaded, contract, emit(contract, loaded))


# --- one project for each kind of source ---------------------------------------------------------


def digits(folder: Path) -> Project:
    return project(folder, "image_classification", "source: builtin:digits")


def cancer(folder: Path) -> Project:
    lines = ("source: builtin:breast_cancer", "columns: {mean radius: ignore}")
    return project(folder, "tabular_classification", *lines)


def diabetes(folder: Path) -> Project:
    lines = ("source: builtin:diabetes", "split: {test: 0, seed: 3}")
    return project(folder, "tabular_regression", *lines)


def npz_images(folder: Path) -> Project:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (110, 6, 5, 3), dtype=np.uint8)
    y = np.arange(110) % 4
    np.savez(folder / "pictures.npz", x_train=x[:90], y_train=y[:90], x_test=x[90:], y_test=y[90:])
    return project(folder, "image_classification", "source: pictures.npz")


def npz_floats(folder: Path) -> Project:
    rng = np.random.default_rng(0)
    np.savez(folder / "waves.npz", x=rng.random((50, 6, 5)), y=rng.random((50, 1)))
    return project(folder, "image_regression", "source: waves.npz")


def npz_table(folder: Path) -> Project:
    rng = np.random.default_rng(0)
    x = rng.random((90, 5))
    x[rng.random(x.shape) < 0.1] = np.nan
    y = np.array(["no", "yes"])[np.arange(90) % 2]
    parts = {"x_train": x[:60], "y_train": y[:60], "x_val": x[60:75], "y_val": y[60:75]}
    np.savez(folder / "rows.npz", **parts, x_test=x[75:], y_test=y[75:])
    lines = ("source: rows.npz", "columns: {x3: ignore}", "missing: {number: mean}")
    return project(folder, "tabular_classification", *lines)


def car_rows() -> list[list[str]]:
    rng = random.Random(5)
    rows = []
    for i in range(200):
        weight = "" if i % 11 == 0 else f"{rng.gauss(1500, 300):.1f}"
        color = rng.choice(["red", "blue", "", "NA", 'say "hi", twice'])
        part = "test" if i % 4 == 3 else "train"
        rows.append(
            [weight, color, str(rng.randrange(2, 9)), rng.choice(["van", "bus", "car"]), part]
        )
    return rows


def write_cars(folder: Path, rows: list[list[str]], name: str = "cars.csv") -> None:
    import csv

    with (folder / name).open("w", newline="") as file:
        csv.writer(file).writerows([["weight", "color", "seats", "kind", "part"], *rows])


def csv_table(folder: Path) -> Project:
    write_cars(folder, car_rows())
    lines = ("source: cars.csv", "target: kind", "columns: {part: ignore}")
    return project(folder, "tabular_classification", *lines)


def csv_parts(folder: Path) -> Project:
    write_cars(folder, car_rows())
    lines = ("source: cars.csv", "target: seats", "split: {column: part}")
    return project(folder, "tabular_regression", *lines)


def parquet_table(folder: Path) -> Project:
    import pyarrow as pa
    from pyarrow import parquet

    rows = car_rows()
    columns = {
        "weight": pa.array([float(r[0]) if r[0] else None for r in rows]),
        "color": pa.array([r[1] or None for r in rows]).dictionary_encode(),
        "seats": pa.array([int(r[2]) for r in rows]),
        "kind": pa.array([r[3] for r in rows]),
    }
    parquet.write_table(pa.table(columns), folder / "cars.parquet")
    lines = ("source: cars.parquet", "target: kind", "columns: {seats: category}")
    return project(folder, "tabular_classification", *lines)


def image_folder(folder: Path) -> Project:
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        for number in range(12):
            path = folder / "photos" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)).save(path)
    lines = ("source: photos", "image: {size: [6, 8]}")
    return project(folder, "image_classification", *lines)


def image_parts(folder: Path) -> Project:
    from PIL import Image

    for part, rows in (("train", 9), ("val", 4), ("test", 3)):
        for level, name in ((10, "dark"), (200, "bright")):
            for number in range(rows):
                path = folder / "photos" / part / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("L", (5, 4), level).save(path)
    return project(folder, "image_classification", "source: photos", "classes: [dark, bright]")


PROJECTS: dict[str, Callable[[Path], Project]] = {
    make.__name__: make
    for make in (
        digits,
        cancer,
        diabetes,
        npz_images,
        npz_floats,
        npz_table,
        csv_table,
        csv_parts,
        parquet_table,
        image_folder,
        image_parts,
    )
}
each_project = pytest.mark.parametrize("make", PROJECTS.values(), ids=PROJECTS)


# --- the text ------------------------------------------------------------------------------------


@each_project
def test_golden_data_py(make: Callable[[Path], Project], tmp_path: Path) -> None:
    text = make(tmp_path).text
    golden = GOLDEN / f"{make.__name__}.txt"
    if os.environ.get("AUTOMLC_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()


def ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_data_py_passes_ruff_as_emitted(tmp_path: Path) -> None:
    for name, make in PROJECTS.items():
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.py").write_text(make(tmp_path / name).text)
    files = [str(tmp_path / f"{name}.py") for name in PROJECTS]
    for rules in ([], ["--select", "E,F,I,UP,B"]):
        done = ruff("check", "--isolated", *rules, *files)
        assert done.returncode == 0, done.stdout
    done = ruff("format", "--isolated", "--diff", *files)
    assert done.returncode == 0, done.stdout


hostile = st.text(min_size=1, max_size=40) | st.sampled_from(
    ['"""', "\\", "'); import os  #", "{{ x }}", "{% raw %}", "\n", "\u2028", "\u202e", "\ud800"]
)


def named(table: Project, names: list[str]) -> tuple[DataContract, LoadedSpec]:
    """The contract of a table, with other names for its columns, values and classes."""
    weight, color, blue, red, bus, car, target = names
    contract = replace(
        table.contract,
        input=TableInput((weight,), (Category(color, (blue, red)),), {weight: 1}),
        target=ClassTarget((bus, car), (2, 2)),
        storage=replace(
            table.contract.storage, details={**table.contract.storage.details, "target": target}
        ),
    )
    return contract, table.loaded


def shape_of(text: str) -> str:
    """The syntax tree without the values of strings and their lines."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return csv_table(tmp_path_factory.mktemp("cars"))


@settings(max_examples=60, deadline=None)
@given(names=st.lists(hostile, min_size=7, max_size=7, unique=True))
def test_hostile_names_stay_inside_literals(table: Project, names: list[str]) -> None:
    text = emit(*named(table, names))
    benign = emit(*named(table, ["w", "c", "blue", "red", "bus", "car", "kind"]))
    assert text.isascii()
    assert shape_of(text) == shape_of(benign)
    constants = {n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant)}
    assert set(names) <= constants


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.recursive(
            hostile | st.integers() | st.floats() | st.none() | st.booleans(),
            lambda inner: (
                st.lists(inner, max_size=4).map(tuple) | st.dictionaries(hostile, inner, max_size=3)
            ),
            max_leaves=12,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_literals_round_trip_and_are_formatted(values: list[object]) -> None:
    lines = [literals.assignment(f"V{i}", value) for i, value in enumerate(values)]
    text = "\n".join(lines) + "\n"
    names: dict[str, object] = {}
    exec(text, names)
    assert repr([names[f"V{i}"] for i in range(len(values))]) == repr(
        [ordered(value) for value in values]
    )
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == text


def ordered(value: object) -> object:
    """Literals print mappings by key."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value)}
    return tuple(map(ordered, value)) if isinstance(value, tuple) else value


# --- what it does --------------------------------------------------------------------------------


@each_project
def test_sizes_shapes_and_types_are_those_of_the_contract(
    make: Callable[[Path], Project], tmp_path: Path
) -> None:
    made = make(tmp_path)
    module, contract = made.module(), made.contract
    threads = len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0
    data = module.load()
    if threads:
        assert len(os.listdir("/proc/self/task")) == threads, "load started a thread"
    parts = [data.train, data.validation]
    if contract.rows.test:
        parts.append(module.load_test())
    else:
        with pytest.raises(ValueError, match="no test part"):
            module.load_test()
    sizes = [len(part.x) for part in parts]
    rows = contract.rows
    assert sizes == [n for n in (rows.train, rows.validation, rows.test) if n]
    for part in parts:
        assert tuple(part.x.shape[1:]) == module.INPUT
        assert part.x.is_contiguous()
        assert len(part.y) == len(part.x)
        assert str(part.x.dtype).removeprefix("torch.") == getattr(
            contract.input, "dtype", "float32"
        )
        if isinstance(contract.target, ClassTarget):
            assert str(part.y.dtype) == "torch.int64"
            assert contract.target.classes == module.CLASSES
            assert 0 <= int(part.y.min()) <= int(part.y.max()) < len(module.CLASSES)
        else:
            assert str(part.y.dtype) == "torch.float32"
            assert tuple(part.y.shape) == (len(part.x), 1)
        assert not part.x.isnan().any()


@each_project
def test_loading_twice_gives_the_same_bits(make: Callable[[Path], Project], tmp_path: Path) -> None:
    module = make(tmp_path).module()
    first, second = module.load(), module.load()
    assert first.train.x.equal(second.train.x)
    assert first.validation.y.equal(second.validation.y)


def test_the_split_is_disjoint_complete_and_stratified(tmp_path: Path) -> None:
    made = digits(tmp_path)
    module = made.module()
    labels = module.read()[1]
    part = module.divide(labels)
    assert sorted(set(part.tolist())) == [module.TRAIN, module.VALIDATE, module.TEST]
    for label, count in Counter(labels.tolist()).items():
        expected = int(count * 0.2 + 0.5)
        assert ((part == module.TEST) & (labels == label)).sum() == expected
        assert ((part == module.VALIDATE) & (labels == label)).sum() == expected


@pytest.mark.parametrize("stratify", [True, False])
def test_the_compiler_knows_the_part_of_each_row(tmp_path: Path, stratify: bool) -> None:
    split = f"split: {{validation: 0.3, test: 0.15, stratify: {str(stratify).lower()}, seed: 99}}"
    made = project(tmp_path, "image_classification", "source: builtin:digits", split)
    module = made.module()
    labels = module.read()[1]
    known = assign(labels, Fractions(0.3, 0.15), 99, stratify=stratify)
    codes = np.array([module.TRAIN, module.VALIDATE, module.TEST])  # in the order of PARTS
    assert (codes[known] == module.divide(labels)).all()


def test_another_seed_is_another_split_of_the_same_sizes(tmp_path: Path) -> None:
    made = digits(tmp_path)
    module = made.module()
    labels = module.read()[1]
    first = module.divide(labels)
    module.SPLIT_SEED = 8
    second = module.divide(labels)
    assert (first != second).any()
    assert Counter(first.tolist()) == Counter(second.tolist())


def test_load_never_reads_the_test_arrays(tmp_path: Path) -> None:
    made = npz_images(tmp_path)
    module = made.module()
    before = module.load()
    with np.load(tmp_path / "pictures.npz") as file:
        x, y = file["x_train"], file["y_train"]
    np.savez(tmp_path / "pictures.npz", x_train=x, y_train=y)
    after = module.load()
    assert before.train.x.equal(after.train.x)
    with pytest.raises(ValueError, match="no array 'x_test'"):
        module.load_test()


def test_load_never_reads_the_test_folder(tmp_path: Path) -> None:
    import shutil

    made = image_parts(tmp_path)
    module = made.module()
    shutil.rmtree(tmp_path / "photos" / "test")
    data = module.load()
    assert data.train.y.tolist() == [0] * 9 + [1] * 9
    assert data.train.x.float().mean((1, 2, 3)).tolist() == [10.0] * 9 + [200.0] * 9


def test_nothing_of_the_test_rows_reaches_training(tmp_path: Path) -> None:
    module = csv_parts(tmp_path).module()
    before, rows = module.load(), car_rows()
    for row in rows:
        if row[4] == "test":
            row[0], row[1], row[2] = "999999", "red", "77"
    write_cars(tmp_path, rows)
    after = module.load()
    assert before.train.x.equal(after.train.x)
    assert before.validation.x.equal(after.validation.x)
    assert before.validation.y.equal(after.validation.y)


def test_medians_and_categories_come_from_the_training_rows(tmp_path: Path) -> None:
    made = csv_table(tmp_path)
    module = made.module()
    table = module.read(None)
    train = module.parts(table) == module.TRAIN
    weights = table.numbers[train, 0]
    expected = np.float32(np.median(weights[~np.isnan(weights)]))
    x = module.encode(table, train)
    assert (x[np.isnan(table.numbers[:, 0]), 0] == expected).all()
    colors = np.array(table.categories["color"])
    assert (x[colors == "", 2] == 0).all()
    few = train & (colors != "red")
    assert (module.encode(table, few)[colors == "red", 2] == 0).all(), "unknown means 0"
    assert (x[colors == "red", 2] == 1 + module.CATEGORIES["color"].index("red")).all()


def test_csv_and_parquet_give_the_same_tensors(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    write_cars(tmp_path / "a", car_rows())
    lines = ("source: cars.csv", "target: kind", "columns: {part: ignore, seats: category}")
    first = project(tmp_path / "a", "tabular_classification", *lines).module().load()
    second = parquet_table(tmp_path / "b").module().load()
    assert first.train.x.equal(second.train.x)
    assert first.train.y.equal(second.train.y)


def test_an_absent_file_is_said_in_one_sentence(tmp_path: Path) -> None:
    module = csv_table(tmp_path).module()
    with pytest.raises(FileNotFoundError, match="say where it is with --data PATH"):
        module.load(str(tmp_path / "elsewhere.csv"))
    (tmp_path / "cars.csv").rename(tmp_path / "moved.csv")
    assert len(module.load(str(tmp_path / "moved.csv")).train.x) > 0


def test_labels_that_are_no_class_are_refused(tmp_path: Path) -> None:
    module = csv_table(tmp_path).module()
    rows = car_rows()
    rows[0][3] = rows[1][3] = rows[2][3] = "tank"
    write_cars(tmp_path, rows)
    with pytest.raises(ValueError, match="'tank' is none of the 3 classes"):
        module.load()


@pytest.mark.parametrize("damage", ["cut", "bomb", "gif"])
def test_damaged_images_are_refused_when_they_are_decoded(tmp_path: Path, damage: str) -> None:
    from PIL import Image

    module = image_folder(tmp_path).module()
    path = tmp_path / "photos" / "cat" / "0.png"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:80])
    elif damage == "gif":
        Image.new("L", (7, 9)).save(path, format="GIF")
    else:
        module.MAX_PIXELS = 10
    with pytest.raises(ValueError, match=r"0\.png"):
        module.load()


def test_pickled_arrays_are_refused_when_they_are_loaded(tmp_path: Path) -> None:
    module = npz_images(tmp_path).module()
    y = np.array([{}] * 90, dtype=object)
    np.savez(tmp_path / "pictures.npz", x_train=np.zeros((90, 6, 5, 3), np.uint8), y_train=y)
    with pytest.raises(ValueError, match="allow_pickle"):
        module.load()
