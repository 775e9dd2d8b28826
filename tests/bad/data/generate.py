"""Makes the broken data sets of this folder: a function a case, called with an empty folder.

A case <name> has its spec in <name>.yaml and what must be said about it in <name>.txt. Cases
without a function here need no data.
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

CASES: dict[str, Callable[[Path], None]] = {}


def case(make: Callable[[Path], None]) -> Callable[[Path], None]:
    CASES[make.__name__] = make
    return make


def images(rows: int = 30, *shape: int) -> np.ndarray:
    return np.zeros((rows, *(shape or (4, 4))), dtype=np.uint8)


def labels(rows: int = 30) -> np.ndarray:
    return np.arange(rows) % 3


def save(folder: Path, **arrays: object) -> None:
    np.savez(folder / "data.npz", **arrays)


def table(folder: Path, lines: list[str], name: str = "data.csv") -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def picture(
    path: Path, size: tuple[int, int] = (4, 4), mode: str = "L", format: str = "PNG"
) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path, format=format)


def pictures(folder: Path, *classes: str, count: int = 5) -> None:
    for name in classes:
        for number in range(count):
            picture(folder / "photos" / name / f"{number}.png")


# --- groups of a fairness constraint ------------------------------------------------------------


def people(folder: Path, count: int = 240) -> None:
    rows = (
        f"{i / 7:.3f},{'mmmf '[i % 5].strip()},{i / 3:.4f},{'nny'[i % 3]}" for i in range(count)
    )
    table(folder, ["height,sex,income,y", *rows])


@case
def fairness_column_mistyped(folder: Path) -> None:
    people(folder)


@case
def fairness_column_is_a_number(folder: Path) -> None:
    people(folder)


@case
def fairness_column_has_one_value(folder: Path) -> None:
    table(folder, ["height,sex,y", *(f"{i / 7:.3f},f,{'ny'[i % 2]}" for i in range(40))])


@case
def fairness_rows_without_a_group(folder: Path) -> None:
    people(folder)


@case
def table_part_without_a_class(folder: Path) -> None:
    rows = [f"{i / 7:.3f},{'ny'[i % 2]},train" for i in range(40)]
    table(folder, ["height,y,part", *rows, "1.5,n,test", "2.5,n,test"])


# --- where the data is ------------------------------------------------------------------------


@case
def source_mistyped(folder: Path) -> None:
    save(folder, x=images(), y=labels())


@case
def source_is_a_link_out(folder: Path) -> None:
    (folder / "data.npz").symlink_to("/etc/hostname")


@case
def source_is_a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "data.npz")


@case
def source_is_an_archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "data.zip", "w") as archive:
        archive.writestr("../evil.txt", "x")


@case
def source_is_a_spreadsheet(folder: Path) -> None:
    (folder / "data.xlsx").write_bytes(b"PK")


# --- npz --------------------------------------------------------------------------------------


@case
def npz_objects(folder: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.system, ("touch unpickled",))

    save(folder, x=images(), y=np.array([Trap()] * 30, dtype=object))


@case
def npz_lengths(folder: Path) -> None:
    save(folder, x_train=images(30), y_train=labels(29), x_test=images(9), y_test=labels(12))


@case
def npz_names(folder: Path) -> None:
    save(folder, X_train=images(), Y_train=labels())


@case
def npz_without_labels(folder: Path) -> None:
    save(folder, x_train=images(), y_train=labels(), x_test=images(6))


@case
def npz_complex(folder: Path) -> None:
    save(folder, x=images().astype(complex), y=labels())


@case
def npz_text_features(folder: Path) -> None:
    save(folder, x=np.full((30, 3), "a"), y=labels())


@case
def npz_wide_pixels(folder: Path) -> None:
    save(folder, x=images().astype(np.int64), y=labels())


@case
def npz_nan(folder: Path) -> None:
    x = images(30).astype(np.float32)
    x[17, 2, 2] = np.nan
    x[18, 0, 0] = np.inf
    save(folder, x=x, y=labels())


@case
def npz_infinite_table(folder: Path) -> None:
    x = np.ones((30, 3))
    x[4, 1] = -np.inf
    save(folder, x=x, y=labels())


@case
def npz_nan_target(folder: Path) -> None:
    y = np.ones(30)
    y[[3, 9]] = np.nan, np.inf
    save(folder, x=np.ones((30, 3)), y=y)


@case
def npz_one_class(folder: Path) -> None:
    save(folder, x=images(), y=np.ones(30, dtype=int))


@case
def npz_rare_class(folder: Path) -> None:
    y = np.zeros(30, dtype=int)
    y[:15], y[0] = 1, 2
    save(folder, x=images(), y=y)


@case
def npz_label_outside(folder: Path) -> None:
    save(folder, x=images(), y=labels())


@case
def npz_label_only_in_test(folder: Path) -> None:
    save(folder, x_train=images(), y_train=labels() % 2, x_test=images(6), y_test=labels(6))


@case
def npz_one_hot(folder: Path) -> None:
    save(folder, x=images(), y=np.eye(3)[labels()].astype(int))


@case
def npz_float_classes(folder: Path) -> None:
    save(folder, x=images(), y=labels() + 0.5)


@case
def npz_channels_first(folder: Path) -> None:
    save(folder, x=images(30, 3, 8, 8), y=labels())


@case
def npz_flat_images(folder: Path) -> None:
    save(folder, x=images(30, 16), y=labels())


@case
def npz_test_differs(folder: Path) -> None:
    save(
        folder,
        x_train=images(),
        y_train=labels(),
        x_test=images(9, 5, 5).astype(np.float32),
        y_test=labels(9),
    )


@case
def npz_empty(folder: Path) -> None:
    save(folder, x=images(0), y=labels(0))


@case
def npz_is_text(folder: Path) -> None:
    (folder / "data.npz").write_text("not a zip file\n")


@case
def npz_cut_off(folder: Path) -> None:
    save(folder, x=images(), y=labels())
    content = (folder / "data.npz").read_bytes()
    (folder / "data.npz").write_bytes(content[: len(content) // 2])


@case
def npz_lies_about_its_size(folder: Path) -> None:
    save(folder, x=images())
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<i8", "fortran_order": False, "shape": (30,)}
    )
    with zipfile.ZipFile(folder / "data.npz", "a") as archive:
        archive.writestr("y.npy", header.getvalue() + b"\0" * 8)


@case
def npz_huge_labels(folder: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<i8", "fortran_order": False, "shape": (10**15,)}
    )
    with zipfile.ZipFile(folder / "data.npz", "w") as archive:
        archive.writestr(
            "x.npy", header.getvalue().replace(b"(1000000000000000,)", b"(1000000000000000,1,1)")
        )
        archive.writestr("y.npy", header.getvalue())


@case
def npz_sizes_declared(folder: Path) -> None:
    save(folder, x=images(), y=labels())


# --- tables -----------------------------------------------------------------------------------

ROWS = [f"{i % 7},{'red' if i % 2 else 'blue'},{i % 3}" for i in range(30)]


@case
def table_columns_mistyped(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS])


@case
def table_without_target(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS])


@case
def table_as_images(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS])


@case
def table_text_as_number(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS])


@case
def table_text_target(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS])


@case
def table_missing_targets(folder: Path) -> None:
    table(folder, ["size,price", *(f"{i},{i % 5}" for i in range(20)), "1,", "2,nan", "3,inf"])


@case
def table_missing_not_allowed(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS, ",red,1", "?,,2"])


@case
def table_ragged(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS[:5], "1,red", "2,blue,1,7", *ROWS])


@case
def table_same_names(folder: Path) -> None:
    table(folder, ["size,size,kind", *ROWS])


@case
def table_empty(folder: Path) -> None:
    (folder / "data.csv").write_bytes(b"")


@case
def table_without_rows(folder: Path) -> None:
    table(folder, ["size,color,kind"])


@case
def table_nul(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS[:3], "1,re\0d,2", *ROWS])


@case
def table_mixed_encodings(folder: Path) -> None:
    text = "\n".join(["size,color,kind", *ROWS, "1,grün,2", ""]).encode()
    (folder / "data.csv").write_bytes(text + "2,grün,1\n".encode("latin-1"))


@case
def table_utf16(folder: Path) -> None:
    (folder / "data.csv").write_text("\n".join(["size,color,kind", *ROWS]), encoding="utf-16")


@case
def table_million_columns(folder: Path) -> None:
    header = ",".join(f"c{i}" for i in range(1_000_000))
    with gzip.open(folder / "data.csv.gz", "wt", compresslevel=1) as file:
        file.write(header + "\n")


@case
def table_long_line(folder: Path) -> None:
    with gzip.open(folder / "data.csv.gz", "wt", compresslevel=1) as file:
        file.write("size,color,kind\n1,")
        for _ in range(20):
            file.write("x" * 2**20)


@case
def table_long_cell(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS, f"1,{'x' * 200_000},2"])


@case
def table_open_quote(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS, '1,"red,2'])


@case
def table_cut_off(folder: Path) -> None:
    content = gzip.compress("\n".join(["size,color,kind", *ROWS * 100]).encode())
    (folder / "data.csv.gz").write_bytes(content[:-60])


@case
def table_only_ids(folder: Path) -> None:
    table(folder, ["id,name,kind", *(f"{i},person {i},{i % 2}" for i in range(40))])


@case
def table_split_words(folder: Path) -> None:
    words = ["train", "test", "trian", "train", "holdout", "training"]
    table(folder, ["size,part,kind", *(f"{i % 5},{words[i % 6]},{i % 2}" for i in range(36))])


@case
def table_too_many_categories(folder: Path) -> None:
    table(folder, ["code,kind", *(f"c{i},{i % 2}" for i in range(10_500))])


@case
def table_risks(folder: Path) -> None:
    rows = [f"{i},DK,{'train' if i % 4 else 'test'},{i * 7 % 5},{i % 2}" for i in range(40)]
    table(folder, ["id,country,part,size,kind", *rows])


@case
def parquet_is_text(folder: Path) -> None:
    (folder / "data.parquet").write_text("PAR1 but not really")


@case
def parquet_unusable_types(folder: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"when": pa.array([0] * 30, pa.timestamp("s")), "kind": list(range(30))}
    parquet.write_table(pa.table(columns), folder / "data.parquet")


# --- folders of images ------------------------------------------------------------------------


@case
def folder_broken_images(folder: Path) -> None:
    pictures(folder, "cat", "dog")
    cat = folder / "photos" / "cat"
    (cat / "empty.png").write_bytes(b"")
    (cat / "text.jpg").write_text("no image")
    picture(cat / "cut.png", size=(64, 64))
    (cat / "cut.png").write_bytes((cat / "cut.png").read_bytes()[:60])
    picture(cat / "moving.png", format="GIF")
    picture(cat / "deep.png", mode="I;16")


@case
def folder_cut_jpeg(folder: Path) -> None:
    pictures(folder, "cat", "dog")
    path = folder / "photos" / "dog" / "cut.jpg"
    picture(path, size=(64, 64), format="JPEG")
    path.write_bytes(path.read_bytes()[:-40])


@case
def folder_bomb(folder: Path) -> None:
    """12000 x 12000 gray pixels in 140 KB of zlib, without ever holding them."""
    pictures(folder, "cat", "dog")
    side = 12_000
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(side + 1)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b"")):
        check = struct.pack(">I", zlib.crc32(kind + data))
        content += struct.pack(">I", len(data)) + kind + data + check
    (folder / "photos" / "cat" / "bomb.png").write_bytes(content)


@case
def folder_many_sizes(folder: Path) -> None:
    pictures(folder, "cat", "dog")
    picture(folder / "photos" / "dog" / "large.png", size=(9, 6))


@case
def folder_flat(folder: Path) -> None:
    picture(folder / "photos" / "1.png")


@case
def folder_stranger_beside_train(folder: Path) -> None:
    pictures(folder, "train/cat", "train/dog", "bird")


@case
def folder_one_class(folder: Path) -> None:
    pictures(folder, "cat")
    (folder / "photos" / "dog").mkdir()
    (folder / "photos" / "dog" / "notes.txt").write_text("no dogs yet")


@case
def folder_links_out(folder: Path) -> None:
    pictures(folder, "cat", "dog")
    (folder / "photos" / "cat" / "passwd.png").symlink_to("/etc/hostname")


@case
def folder_test_only_class(folder: Path) -> None:
    pictures(folder, "train/cat", "train/dog", "test/cat", "test/lynx")


# --- recorded contracts -----------------------------------------------------------------------


@case
def contract_is_no_contract(folder: Path) -> None:
    save(folder, x=images(), y=labels())
    (folder / "contract.json").write_text('{"schema": "automlc.contract/9"}')


@case
def contract_differs(folder: Path) -> None:
    save(folder, x=images(), y=labels())
    record(folder)
    save(folder, x=images(33), y=labels(33))


@case
def contract_of_other_bytes(folder: Path) -> None:
    save(folder, x=images(), y=labels())
    record(folder)
    save(folder, x=images() + 1, y=labels())


@case
def contract_of_another_spec(folder: Path) -> None:
    table(folder, ["size,color,kind", *ROWS])
    text = (
        "automlc: 1\ntask: {kind: tabular_classification}\ndata: {source: data.csv, target: kind}\n"
    )
    record(folder, text)
    (folder / "data.csv").unlink()


# --- texts ------------------------------------------------------------------------------------

TEXTS = [f"how far is place {i},question" for i in range(10)]
TEXTS += [f"please bring thing {i},request" for i in range(10)]


@case
def text_not_declared(folder: Path) -> None:
    rows = [f"why is it {i},{row}" for i, row in enumerate(TEXTS)]
    table(folder, ["title,body,kind", *rows])


@case
def text_not_found(folder: Path) -> None:
    rows = [f"{i % 3},{'red' if i % 2 else 'blue'},{'a' if i % 2 else 'b'}" for i in range(30)]
    table(folder, ["size,color,kind", *rows])


@case
def text_column_missing(folder: Path) -> None:
    table(folder, ["body,kind", *TEXTS])


@case
def text_is_the_target(folder: Path) -> None:
    table(folder, ["body,kind", *TEXTS])


@case
def text_beside_a_number(folder: Path) -> None:
    table(folder, ["size,body,kind", *(f"{i},{row}" for i, row in enumerate(TEXTS))])


@case
def text_for_a_table(folder: Path) -> None:
    table(folder, ["body,kind", *TEXTS])


@case
def text_empty(folder: Path) -> None:
    table(folder, ["body,kind", *(f" ,{i % 2}" for i in range(20))])


@case
def text_some_empty(folder: Path) -> None:
    table(folder, ["body,kind", *TEXTS, ",question", "  ,request"])


@case
def text_not_utf8(folder: Path) -> None:
    lines = "\n".join(["body,kind", *TEXTS, "ein schöner Tag,question"])
    (folder / "data.csv").write_bytes(lines.encode("latin-1"))


@case
def text_in_an_npz(folder: Path) -> None:
    save(folder, x=images(), y=labels())


@case
def text_of_another_contract(folder: Path) -> None:
    table(folder, ["body,kind", *TEXTS])
    text = "automlc: 1\ntask: {kind: text_classification}\ndata: {source: data.csv, target: kind}\n"
    record(folder, text)
    (folder / "data.csv").unlink()


IMAGES = "automlc: 1\ntask: {kind: image_classification}\ndata: {source: data.npz}\n"


def record(folder: Path, text: str = IMAGES) -> None:
    from automlc.compiler.contracts import reading as contracts
    from automlc.spec.load import load_text

    contract = contracts.read(load_text(text, str(folder / "task.yaml")))
    (folder / "contract.json").write_text(contract.dumps())
