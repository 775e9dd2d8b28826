"""What the probe after each epoch costs: epochs of an emitted loop with it and without, in one run.

    python benchmarks/monitor_overhead.py [--pairs 3] [--epochs 6] [--rows 2000]
    python benchmarks/monitor_overhead.py --backend keras [--engine tensorflow]

Both sides train the same model from the same seed in one process, in alternation; without means
that `collect` answers at once. Compared are the seconds of an epoch with validation and checkpoint;
the first epoch, with its compilation, is left out. The share is what the probe took of the epochs
with it, by the clock: it is less noisy than the ratio of two whole runs. Images are made (speed
does not read them).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from loop_overhead import SPEC, make_data

SCRIPT = """
import json, os, sys, tempfile, time
sys.path.insert(0, sys.argv[1])
os.chdir(sys.argv[1])
import train
trial = json.load(open("default.json"))
trial["epochs"] = int(sys.argv[2])
parts = train.load()
owner = getattr(train.feedback, "Probe", train.feedback)
collect, took = owner.collect, []
def timed(*arguments):
    start = time.perf_counter()
    answer = collect(*arguments)
    took.append(time.perf_counter() - start)
    return answer
def nothing(*arguments):
    return {"weights_nonfinite": 0}
for pair in range(int(sys.argv[3])):
    found = {}
    for name, looking in (("with", timed), ("without", nothing)):
        owner.collect, records = looking, []
        with tempfile.TemporaryDirectory() as folder:
            train.run({**trial, "folder": folder}, parts, lambda r: records.append(r) or "go")
        found[name] = [record["seconds"] for record in records[1:]]
    print(json.dumps({**found, "probe": took[-len(found["with"]):]}), flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rows", type=int, default=2000, help="of the training part, about")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--backend", default="pytorch", choices=["pytorch", "keras"])
    parser.add_argument("--engine", default="tensorflow", choices=["tensorflow", "torch", "jax"])
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    backend = f"kind: {args.backend}"
    if args.backend == "keras":
        backend += f", engine: {args.engine}"
        os.environ["KERAS_BACKEND"] = args.engine
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder / "data.npz", None, args.rows * 5 // 4)  # a fifth validates
        text = SPEC.format(
            epochs=args.epochs, threads=args.threads, device=args.device, backend=backend
        )
        (folder / "task.yaml").write_text(text, encoding="utf-8")
        project = folder / "project"
        build = ["-m", "automlc", "compile", str(folder / "task.yaml"), "-o", str(project)]
        subprocess.run([sys.executable, *build], check=True, capture_output=True)
        command = [sys.executable, "-c", SCRIPT, str(project), str(args.epochs), str(args.pairs)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr[-2000:])
    ratios, shares = [], []
    for line in done.stdout.splitlines():
        found = json.loads(line)
        ours, bare = (statistics.median(found[name]) for name in ("with", "without"))
        ratios.append(ours / bare)
        shares.append(statistics.median(found["probe"]) / ours)
        print(f"with {ours:.3f} s an epoch, without {bare:.3f} s, the probe {shares[-1]:.1%} of it")
    ratio, share = statistics.median(ratios), statistics.median(shares)
    print(f"ratio {ratio:.3f}, share {share:.1%} (medians of {args.pairs} pairs; the bar is 5 %)")


if __name__ == "__main__":
    main()
