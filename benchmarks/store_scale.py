"""The store at scale: 10,000 trials of 20 epochs are written and listed in flat memory.

    .venv/bin/python benchmarks/store_scale.py [--trials 10000] [--epochs 20]

Prints one line per tenth of the work, then the figures as JSON. The last line fails (exit 1) if
the resident memory of the process grew by more than 8 MiB over the last nine tenths.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from automlc.runtime.store import Store, open_store
from automlc.runtime.trial import Artifact, Report, State

ALLOWED_GROWTH_MIB = 8.0


def resident_mib() -> float:
    """Resident memory of this process now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def report(epoch: int, value: float) -> Report:
    layers = [{"name": f"layers.{i}.weight", "gradient_norm": value / (i + 1)} for i in range(8)]
    return Report(
        epoch=epoch,
        value=value,
        metrics={"loss": 1 - value, "validation_loss": 1.1 - value, "accuracy": value},
        learning_rate=0.1,
        seconds=0.5,
        samples=1000,
        feedback={"layers": layers, "gradient_norm": value},
        checkpoint=Artifact(f"checkpoint-{epoch:04d}.pt", "0" * 64, epoch),
        weights=Artifact(f"weights-{epoch:04d}.safetensors", "1" * 64, epoch),
    )


def write_trial(store: Store, number: int, epochs: int) -> None:
    config = {"rate": number / 1e6, "width": number % 512, "optimizer": "adam"}
    why = {"searcher": "random", "proposal": {"rule": "random", "seed": number}, "refused": []}
    attempt = store.start_trial(number, config, number, why=why, costs={"model.params": number})
    for epoch in range(1, epochs + 1):
        value = (number * 7919 % 1000) / 1000 * (1 - 0.5**epoch)
        store.record_epoch(number, attempt, report(epoch, value))
    store.end_trial(number, attempt, State.COMPLETE, "all epochs done")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.db"
        store = open_store(path, "maximize")
        store.start_study({"run_id": "scale-1", "seed": 0, "plan": ""})
        tenth = max(1, arguments.trials // 10)
        memory: list[float] = []
        start = time.perf_counter()
        for number in range(1, arguments.trials + 1):
            write_trial(store, number, arguments.epochs)
            if number % tenth == 0:
                memory.append(resident_mib())
                spent = time.perf_counter() - start
                print(f"{number:6} trials  {spent:7.1f} s  {memory[-1]:7.1f} MiB", flush=True)
        written = time.perf_counter() - start
        start = time.perf_counter()
        listed = sum(1 for _ in store.trials())
        trials_s = time.perf_counter() - start
        start = time.perf_counter()
        rung = sum(1 for _ in store.best_by(arguments.epochs))
        rung_s = time.perf_counter() - start
        memory.append(resident_mib())
        store.close()
        assert listed == rung == arguments.trials
        figures = {
            "trials": arguments.trials,
            "epochs": arguments.epochs,
            "write_s": round(written, 1),
            "commits_per_s": round(arguments.trials * (arguments.epochs + 2) / written),
            "list_trials_s": round(trials_s, 3),
            "one_rung_s": round(rung_s, 4),
            "file_mib": round(path.stat().st_size / 2**20, 1),
            "resident_mib_first_tenth": round(memory[0], 1),
            "resident_mib_last": round(memory[-1], 1),
            "growth_mib": round(memory[-1] - memory[0], 1),
        }
    print(json.dumps(figures))
    return 0 if figures["growth_mib"] <= ALLOWED_GROWTH_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
