"""Search quality at equal wall clock: automlc, random search, and Optuna's TPE driven by hand.

    python benchmarks/search_quality.py --data cifar10_10k.npz [--rows 2000] [--seconds 100]
                                        [--seeds 0 1 2] [--epochs 6] [--out results.json]

All three search the same space (image/blocks with widths of 8 to 16) with the same emitted training
code, one trial at a time, one thread, the same split. automlc runs as a user would run it (tpe with
asha, a worker process, the store); `random` is automlc's random search without stopping; `optuna`
is a hand-written objective around the emitted train.py with optuna's default TPESampler, in one
process. When the time is up the best configuration by validation accuracy is measured on the test
part, once. A trial that is cut off by the wall keeps its best epoch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SPEC = """automlc: 1
name: quality
task: {{kind: image_classification, metric: accuracy}}
data: {{source: data.npz, split: {{validation: 0.2, seed: 0}}}}
space:
  preset: image/blocks
  parameters: {{width: {{choice: [8, 12, 16], default: 12}}}}
search: {search}
stopping: {stopping}
budget: {{trials: 1000, epochs: {epochs}, wall: {seconds}s}}
backend: {{kind: pytorch, device: cpu, threads: 1}}
seed: {seed}
"""


def make_data(path: Path, source: str, rows: int) -> None:
    """The first rows of a fixed shuffle of the training images; the whole test part."""
    given = np.load(source, allow_pickle=False)
    order = np.random.default_rng(0).permutation(len(given["x_train"]))[:rows]
    np.savez(
        path,
        x_train=given["x_train"][order],
        y_train=given["y_train"][order].astype("int64"),
        x_test=given["x_test"],
        y_test=given["y_test"].astype("int64"),
    )


def compile_project(folder: Path, args: argparse.Namespace, seed: int, **words: str) -> Path:
    text = SPEC.format(epochs=args.epochs, seconds=args.seconds, seed=seed, **words)
    name = f"{words['search']}{seed}"
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    project = folder / name
    build = ["-m", "automlc", "compile", str(folder / f"{name}.yaml"), "-o", str(project)]
    subprocess.run([sys.executable, *build], check=True, capture_output=True)
    return project


def run_automlc(folder: Path, args: argparse.Namespace, seed: int, **words: str) -> dict[str, Any]:
    project = compile_project(folder, args, seed, **words)
    run = folder / f"run-{words['search']}{seed}"
    start = time.perf_counter()
    command = [sys.executable, "-m", "automlc", "run", str(project), "--run-dir", str(run), "-q"]
    subprocess.run(command, check=False, capture_output=True, cwd=folder)
    wall = time.perf_counter() - start
    status = [sys.executable, "-m", "automlc", "status", str(run), "--json"]
    shown = json.loads(subprocess.run(status, check=True, capture_output=True, text=True).stdout)
    return {
        "validation": shown["best"]["value"],
        "test": shown["test"]["metrics"]["accuracy"],
        "trials": shown["trials"]["total"],
        "wall": round(wall, 1),
    }


def run_optuna(folder: Path, args: argparse.Namespace, seed: int) -> dict[str, Any]:
    project = compile_project(folder, args, seed, search="tpe", stopping="none")
    command = [sys.executable, __file__, "--by-hand", str(project), "--data", "-"]
    command += ["--seconds", str(args.seconds), "--seeds", str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def by_hand(project: Path, seconds: float, seed: int) -> None:
    """What a person writes who has the emitted train.py and Optuna."""
    start = time.perf_counter()
    import optuna

    sys.path.insert(0, str(project))
    import train  # type: ignore[import-not-found]  # the emitted file

    from automlc.runtime.plan import load_plan

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    plan = load_plan(project / "plan.json")
    parts = train.load()
    best: dict[str, Any] = {"value": -1.0}
    deadline = start + seconds

    def objective(trial: optuna.Trial) -> float:
        config = plan.space.build(lambda parameter: suggest(trial, parameter))
        folder = project / f"hand{trial.number}"
        folder.mkdir()
        top = {"value": -1.0}

        def report(record: dict[str, Any]) -> str:
            if record["weights"]:
                top.update(value=record["value"], file=str(folder / record["weights"]["file"]))
            return "stop" if time.perf_counter() > deadline else "continue"

        described = {"config": config, "seed": trial.number, "epochs": plan.budget.epochs}
        described |= {"folder": str(folder), "device": "cpu", "threads": 1}
        train.run(described, parts, report)
        if top["value"] > best["value"]:
            best.update(top, trial=described)
        return float(top["value"])

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, timeout=seconds, catch=(FloatingPointError, RuntimeError))
    test = train.test(best["trial"], best["file"])["metrics"]["accuracy"]
    trained = sum(t.state == optuna.trial.TrialState.COMPLETE for t in study.trials)
    wall = round(time.perf_counter() - start, 1)
    print(json.dumps({"validation": best["value"], "test": test, "trials": trained, "wall": wall}))


def suggest(trial: Any, parameter: Any) -> Any:
    domain = parameter.domain
    kind = type(domain).__name__
    if kind == "Fixed":
        return domain.value
    if kind == "Choice":
        return trial.suggest_categorical(parameter.name, list(domain.values))
    if kind == "Integer":
        return trial.suggest_int(parameter.name, domain.low, domain.high, log=domain.log)
    return trial.suggest_float(parameter.name, domain.low, domain.high, log=domain.log)


STRATEGIES = {
    "automlc tpe+asha": lambda f, a, s: run_automlc(f, a, s, search="tpe", stopping="asha"),
    "automlc random": lambda f, a, s: run_automlc(f, a, s, search="random", stopping="none"),
    "optuna tpe by hand": run_optuna,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="*", default=list(STRATEGIES))
    parser.add_argument("--out")
    parser.add_argument("--by-hand", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.by_hand:
        by_hand(Path(args.by_hand), args.seconds, args.seeds[0])
        return
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in args.only}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder / "data.npz", args.data, args.rows)
        for seed in args.seeds:
            for strategy in args.only:
                # Each strategy gets a folder of its own, so that names do not meet.
                place = folder / f"{strategy.replace(' ', '_')}{seed}"
                place.mkdir()
                (place / "data.npz").hardlink_to(folder / "data.npz")
                result = STRATEGIES[strategy](place, args, seed)
                rows[strategy].append({"seed": seed, **result})
                print(f"{strategy:20} seed {seed}: {result}", flush=True)
    print(f"\n{'strategy':20} {'validation':>10} {'test':>8} {'trials':>7}   (means over seeds)")
    for strategy, results in rows.items():
        means = [statistics.mean(r[k] for r in results) for k in ("validation", "test", "trials")]
        print(f"{strategy:20} {means[0]:10.4f} {means[1]:8.4f} {means[2]:7.1f}")
    if args.out:
        Path(args.out).write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
