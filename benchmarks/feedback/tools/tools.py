"""Tool against tool: each out of the box, on the same rows, one core, one wall, one after another.

    python tools.py run --drivers DRIVERS --envs ENVS --data DATA --out OUT --seeds 0 1 2
    python tools.py table OUT

DRIVERS holds the other tools' drivers, `NAME_driver.py` with one command line and one result file
(that of automlc_driver.py here), and common.py, which they share. ENVS/NAME/bin/python runs them.
DATA holds cifar10_10k.npz, fashion_mnist_20k.npz and trec.csv.gz. What is in OUT already is not run
again.

TARGETS were written down before anything was measured.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
# Data set -> validation accuracy to reach, and rows (0: all; a fifth is validation).
TARGETS = {"cifar10_10k": (0.45, 2000), "fashion_mnist_20k": (0.86, 2000), "trec": (0.80, 0)}
SECONDS, EPOCHS = 90, 10
# Environment, driver, algorithm, further arguments by kind of data.
BEST = ["--protocol", "best"]
TOOLS = {
    "automlc": ("automlc", "automlc", "feedback", []),
    "AutoKeras default": ("autokeras", "autokeras", "default", BEST),
    "AutoKeras greedy": ("autokeras", "autokeras", "greedy", BEST),
    "AutoKeras bayesian": ("autokeras", "autokeras", "bayesian", BEST),
    "AutoKeras hyperband": ("autokeras", "autokeras", "hyperband", BEST),
    "Optuna TPE": ("optuna", "optuna", "tpe", []),
    "FLAML": ("flaml", "flaml", "blendsearch", []),
    "NNI TPE": ("nni", "nni", "tpe", []),
}
_RESAMPLES = 10_000


def prepare(data: Path, work: Path) -> dict[str, Path]:
    """The data sets as npz files; `trec-tfidf` is what tools see that read numbers only."""
    found = {name: data / f"{name}.npz" for name in TARGETS if name != "trec"}
    with gzip.open(data / "trec.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    classes = sorted({row["coarse"] for row in rows})
    arrays = {}
    for part in ("train", "test"):
        chosen = [row for row in rows if row["split"] == part]
        arrays[f"x_{part}"] = np.array([row["text"] for row in chosen])
        arrays[f"y_{part}"] = np.array([classes.index(row["coarse"]) for row in chosen])
    found["trec"] = work / "trec.npz"
    np.savez_compressed(found["trec"], **arrays)
    return found


def tfidf(path: Path, seed: int, target: Path) -> None:
    """Word and bigram weights, learned from the training rows of the split of `seed` alone."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    with np.load(path) as given:
        arrays = dict(given)
    order = np.random.default_rng(seed).permutation(len(arrays["x_train"]))
    learned = arrays["x_train"][order[: len(order) - round(len(order) * 0.2)]]
    words = TfidfVectorizer(ngram_range=(1, 2), max_features=2000).fit(learned)
    for part in ("x_train", "x_test"):
        arrays[part] = words.transform(arrays[part]).toarray().astype("float32")
    np.savez_compressed(target, **arrays)


def run(arguments: argparse.Namespace) -> None:
    out, work = arguments.out, arguments.out / "work"
    work.mkdir(parents=True, exist_ok=True)
    texts = work / "texts"
    shutil.rmtree(texts, ignore_errors=True)
    texts.mkdir()
    for file in arguments.drivers.glob("*.py"):
        shutil.copy(file, texts)
    shutil.copy(HERE / "textcnn.py", texts / "cnn.py")
    data = prepare(arguments.data, work)
    for seed in arguments.seeds:
        for name in data:
            for tool in arguments.only or TOOLS:
                target = out / f"{name}-{tool.replace(' ', '_')}-{seed}.json"
                if not target.exists():
                    one(tool, name, data[name], seed, target, arguments, texts)


def one(
    tool: str,
    name: str,
    data: Path,
    seed: int,
    target: Path,
    arguments: argparse.Namespace,
    texts: Path,
) -> None:
    environment, driver, algorithm, more = TOOLS[tool]
    folder = arguments.drivers if name != "trec" else texts
    if name == "trec" and tool == "FLAML":
        algorithm, data = "automl", data.with_name(f"trec-tfidf-{seed}.npz")
        tfidf(data.with_name("trec.npz"), seed, data)
    python = str(arguments.envs / environment / "bin" / "python")
    script = folder / f"{driver}_driver.py"
    if tool == "automlc":
        python, script = sys.executable, HERE / "automlc_driver.py"
    command = [python, str(script), "--data", str(data), "--algo", algorithm, *more]
    command += ["--seconds", str(SECONDS), "--epochs", str(EPOCHS), "--trials", "1000"]
    command += ["--limit", str(TARGETS[name][1]), "--split-seed", str(seed)]
    command += ["--seed", str(seed), "--out", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if target.exists():
        said = done.stdout.strip().splitlines()
        print(name, seed, tool, said[-1] if said else "", flush=True)
    else:
        target.with_suffix(".failed").write_text(done.stdout + done.stderr)
        print(name, seed, tool, "failed", flush=True)


def table(arguments: argparse.Namespace) -> None:
    results = {path.stem: json.loads(path.read_text()) for path in arguments.out.glob("*.json")}
    for name, (target, _) in TARGETS.items():
        print(f"\n{name}: {target} validation accuracy, wall {SECONDS} s")
        rows = {tool: list(of_tool(results, name, tool)) for tool in TOOLS}
        ours = {r["seed"]: r for r in rows["automlc"]}
        for tool, found in rows.items():
            if found:
                print(line(tool, found, target, ours))


def of_tool(results: dict[str, Any], name: str, tool: str) -> Iterator[dict[str, Any]]:
    for stem, result in sorted(results.items()):
        if stem.rpartition("-")[0] == f"{name}-{tool.replace(' ', '_')}":
            yield result


def line(tool: str, found: Sequence[dict[str, Any]], target: float, ours: dict[int, Any]) -> str:
    seconds = [seconds_to(r, target) for r in found]
    hits = sum(s <= SECONDS for s in seconds)
    best = [r["best_val_acc"] or 0.0 for r in found]
    tests = [r["test_acc"] or 0.0 for r in found]
    trials = statistics.mean(len(r["per_trial"]) for r in found)
    median = statistics.median(seconds)
    shown = f"{median:.0f}" if median <= SECONDS else f"> {SECONDS}"
    pairs = [(r, ours[r["seed"]]) for r in found if r["seed"] in ours]
    ratios = [
        ratio([(seconds_to(a, target, clock), seconds_to(b, target, clock)) for a, b in pairs])
        for clock in ("search", "command")
    ]
    few = ", ".join(best_after(found, count) for count in (1, 3))
    return (
        f"{tool:20} to target {shown:>5} s ({hits} of {len(found)})"
        f"  ratio {ratios[0]}, with imports {ratios[1]}"
        f"  validation {statistics.mean(best):.3f}  test {statistics.mean(tests):.3f}"
        f"  trials {trials:.1f}; validation after 1, 3: {few}"
    )


def best_after(found: Sequence[dict[str, Any]], count: int) -> str:
    """The mean best validation accuracy after so many trials of the searches that made as many."""
    long = [r["per_trial"][:count] for r in found if len(r["per_trial"]) >= count]
    if not long:
        return "-"
    mean = statistics.mean(max(t["val_acc"] or 0.0 for t in trials) for trials in long)
    return f"{mean:.3f} ({len(long)})"


def seconds_to(result: dict[str, Any], target: float, clock: str = "search") -> float:
    """Until a trial ended that reached the target; infinite where none did before the wall.

    The clock of a search starts when the tool has been imported, that of a command before; a
    driver of automlc has no other than the latter.
    """
    ended = [t["t"] for t in result["per_trial"] if (t["val_acc"] or 0.0) >= target]
    first = min(ended, default=float("inf"))
    # A trial that ran over the wall was not there in time.
    before = result.get("startup_s", 0.0) if clock == "command" else 0.0
    return first + before if first <= SECONDS + 5 else float("inf")


def ratio(pairs: Sequence[tuple[float, float]]) -> str:
    """Their median time over ours, with a 90 % bootstrap interval; a censored time is the wall."""
    if not pairs:
        return "-"
    cut = [(min(a, SECONDS), min(b, SECONDS)) for a, b in pairs]
    rng = random.Random(0)

    def value(drawn: Sequence[tuple[float, float]]) -> float:
        return statistics.median(a for a, _ in drawn) / statistics.median(b for _, b in drawn)

    many = sorted(value([rng.choice(cut) for _ in cut]) for _ in range(_RESAMPLES))
    low, high = many[int(0.05 * _RESAMPLES)], many[int(0.95 * _RESAMPLES)]
    sign = "≥ " if any(a > SECONDS for a, _ in pairs) else ""
    return f"{sign}{value(cut):.1f} [{low:.1f}, {high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run")
    for name in ("--drivers", "--envs", "--data", "--out"):
        running.add_argument(name, type=Path, required=True)
    running.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    running.add_argument("--only", action="append", choices=list(TOOLS))
    running.set_defaults(function=run)
    shown = commands.add_parser("table")
    shown.add_argument("out", type=Path)
    shown.set_defaults(function=table)
    arguments = parser.parse_args()
    arguments.function(arguments)


if __name__ == "__main__":
    main()
