"""automlc as a user meets it: one spec, `automlc run`, nothing tuned for the data set.

    python automlc_driver.py --data FILE.npz --seconds 90 --epochs 10 --seed 0 --out result.json

Takes the arguments of the drivers of the other tools (tools.py says which) and writes their kind
of file. FILE.npz holds x_train, y_train, x_test, y_test; texts are arrays of str. The clock starts
before the command `automlc run`, so compiling, imports and the probe of the device count against
it; the other drivers' clocks start after their imports. A trial counts when it ended, with its best
epoch.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from automlc.runtime.view import RunView

SPEC = """automlc: 1
name: {name}
task: {{kind: {kind}, metric: accuracy}}
data: {data}
space: {{preset: {preset}, expand: [{groups}]}}
rules: {{use: builtin/automlc, exclude: [{name}]}}
search: {search}
budget: {{trials: {trials}, epochs: {epochs}, wall: {seconds}s}}
backend: {{kind: pytorch, device: cpu, threads: {threads}}}
seed: {seed}
"""
# Data sets that the shipped table was measured on are left out of it by name.
NAMES = {"cifar10": "cifar", "fashion_mnist": "fashion", "mnist": "mnist", "trec": "trec"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--algo", default="feedback")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--split-seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        result = search(Path(place), arguments)
    arguments.out.write_text(json.dumps(result, indent=1))
    print(json.dumps({k: result[k] for k in ("peer", "best_val_acc", "test_acc", "trials")}))


def search(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one search in `folder` and read the run's own records."""
    spec = folder / "task.yaml"
    spec.write_text(written(folder, arguments), encoding="utf-8")
    run = folder / "run"
    command = [sys.executable, "-m", "automlc", "run", "task.yaml", "--run-dir", "run", "-q"]
    environment = os.environ | {"OMP_NUM_THREADS": str(arguments.threads)}
    begun = time.time()
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    wall = time.time() - begun
    if not (run / "plan.json").exists():
        raise SystemExit(done.stderr)
    with RunView.open(run) as view:
        trials = sorted((t for t in view.trials() if t.ended), key=lambda t: t.ended or 0.0)
    shown = subprocess.run(
        [*command[:3], "status", str(run), "--json"], check=True, capture_output=True, text=True
    )
    per_trial = [
        {
            "t": round(trial.ended - begun, 2),
            "val_acc": trial.value,
            "epochs": trial.epochs,
            "status": trial.state,
        }
        for trial in trials
    ]
    values = [trial.value for trial in trials if trial.value is not None]
    test = json.loads(shown.stdout)["test"] or {}
    return {
        "peer": "automlc",
        "algo": arguments.algo,
        "seed": arguments.seed,
        "data": arguments.data.name,
        "best_val_acc": max(values, default=None),
        "test_acc": test.get("metrics", {}).get("accuracy"),
        "trials": len(trials),
        "wall_s": round(wall, 2),
        "search_s": per_trial[-1]["t"] if per_trial else None,
        "per_trial": per_trial,
        "budget": {"seconds": arguments.seconds, "epochs": arguments.epochs},
        "errors": [line for line in done.stderr.splitlines() if line.startswith("error")],
        "load_after": round(os.getloadavg()[0], 2),
    }


def written(folder: Path, arguments: argparse.Namespace) -> str:
    """The spec, and its data beside it: the same rows in the same parts as the other tools see."""
    with np.load(arguments.data, allow_pickle=False) as given:
        x, y = given["x_train"], given["y_train"].reshape(-1)
        x_test, y_test = given["x_test"], given["y_test"].reshape(-1)
    order = np.random.default_rng(arguments.split_seed).permutation(len(x))
    order = order[: arguments.limit or len(order)]
    count = len(order) - round(len(order) * 0.2)
    rows = {"train": order[:count], "validation": order[count:]}
    parts = {part: (x[i], y[i]) for part, i in rows.items()} | {"test": (x_test, y_test)}
    is_text = x.dtype.kind == "U"
    name = next(ours for start, ours in NAMES.items() if arguments.data.name.startswith(start))
    return SPEC.format(
        name=name,
        kind="text_classification" if is_text else "image_classification",
        data=texts(folder, parts) if is_text else images(folder, parts),
        preset="text/blocks" if is_text else "image/blocks",
        groups="optimizers, initializers, activations",
        search=arguments.algo,
        trials=arguments.trials,
        epochs=arguments.epochs,
        seconds=round(arguments.seconds),
        threads=arguments.threads,
        seed=arguments.seed,
    )


def images(folder: Path, parts: dict[str, Any]) -> str:
    arrays = {f"x_{part}": x for part, (x, _) in parts.items()}
    arrays |= {f"y_{part}": y.astype("int64") for part, (_, y) in parts.items()}
    np.savez(folder / "data.npz", **arrays)
    return "{source: data.npz}"


def texts(folder: Path, parts: dict[str, Any]) -> str:
    with (folder / "data.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "part"])
        for part, (x, y) in parts.items():
            writer.writerows((text, int(label), part) for text, label in zip(x, y, strict=True))
    return "{source: data.csv, target: label, columns: {text: text}, split: {column: part}}"


if __name__ == "__main__":
    main()
