"""Small subsets of real data sets for the measurements here: `python prepare.py SOURCE TARGET`.

SOURCE is a folder with cifar10_10k.npz, fashion_mnist_20k.npz, mnist_6k.npz, trec.csv.gz,
sst2.csv.gz and california_housing.csv.gz. Rows are drawn by a fixed seed, from the training parts
alone; test parts are left out.
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path

import numpy as np

IMAGES = {"cifar": "cifar10_10k", "fashion": "fashion_mnist_20k", "mnist": "mnist_6k"}
TEXTS = {"trec": ("trec", "coarse"), "sst": ("sst2", "label")}
ROWS = 1000


def images(source: Path, target: Path, rows: int) -> None:
    with np.load(source, allow_pickle=False) as data:
        order = np.random.default_rng(0).permutation(len(data["y_train"]))[:rows]
        x, y = data["x_train"][order], data["y_train"].reshape(-1)[order]
    np.savez_compressed(target, x=x, y=y)


def texts(source: Path, target: Path, label: str, rows: int) -> None:
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        found = [(r["text"], r[label]) for r in csv.DictReader(file) if r["split"] == "train"]
    order = np.random.default_rng(0).permutation(len(found))[:rows]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(found[i] for i in order)


def table(source: Path, target: Path, rows: int) -> None:
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        found = [row for row in csv.DictReader(file) if row.pop("split") == "train"]
    order = np.random.default_rng(0).permutation(len(found))[:rows]
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, found[0])
        writer.writeheader()
        writer.writerows(found[i] for i in order)


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    for name, file in IMAGES.items():
        images(source / f"{file}.npz", target / f"{name}.npz", ROWS)
    for name, (file, label) in TEXTS.items():
        texts(source / f"{file}.csv.gz", target / f"{name}.csv", label, ROWS)
    table(source / "california_housing.csv.gz", target / "housing.csv", 2 * ROWS)


if __name__ == "__main__":
    main()
