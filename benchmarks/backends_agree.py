"""One spec on both backends: are the proposed configurations the same, are the results?

    python benchmarks/backends_agree.py [--seeds 5] [--trials 4] [--epochs 8]

For each seed the same spec (random search without early stopping, on the digits) runs on PyTorch
and on Keras with TensorFlow. The sequences of configurations must be identical. Final validation
accuracies are compared configuration by configuration: the mean difference between the backends,
beside the spread that another seed alone brings to the default configuration on each backend.
`--trials 0` does the second half alone.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automlc.runtime.view import RunView

SPEC = """automlc: 1
name: agree
task: {{kind: image_classification}}
data: {{source: builtin:digits, split: {{validation: 0.25, seed: 1}}}}
space:
  preset: image/blocks
  parameters:
    lr: log_uniform(1e-3, 1e-2)
    width: choice(16, 24)
    depth: int(1, 2)
    layers: fixed(1)
search: {{strategy: random}}
stopping: none
budget: {{trials: {trials}, epochs: {epochs}}}
backend: {{kind: {backend}, device: cpu, threads: 1}}
seed: {seed}
"""

# The default configuration, once with each seed: what chance alone does to each backend.
REPEATED = re.sub(r"  parameters:\n(    .*\n)+", "", SPEC).replace("{{strategy: random}}", "tpe")


def run(folder: Path, spec: str, name: str) -> dict[str, Any]:
    """Configurations, final accuracies and the test accuracy of a run."""
    path = folder / f"{name}.yaml"
    path.write_text(spec, encoding="utf-8")
    command = [sys.executable, "-m", "automlc", "run", str(path), "-q", "--run-dir"]
    subprocess.run([*command, str(folder / name)], check=True, capture_output=True)
    with RunView.open(folder / name) as view:
        trials = view.trials()
        last = [view.epochs(trial.number)[-1].value for trial in trials]
        test: Mapping[str, Any] = json.loads((folder / name / "best" / "metrics.json").read_text())
    return {"configs": [dict(t.config) for t in trials], "accuracy": last, "best": test}


def compare(args: argparse.Namespace, folder: Path, spec: str, trials: int, name: str) -> list[Any]:
    """Rows (seed, PyTorch's run, Keras's run)."""
    rows = []
    for seed in range(args.seeds):
        made = {
            backend: run(
                folder,
                spec.format(backend=backend, seed=seed, trials=trials, epochs=args.epochs),
                f"{name}-{backend}-{seed}",
            )
            for backend in ("pytorch", "keras")
        }
        same = made["pytorch"]["configs"] == made["keras"]["configs"]
        print(f"{name} seed {seed}: configurations {'identical' if same else 'DIFFER'}; accuracies")
        for backend, found in made.items():
            print(f"  {backend:8s}", " ".join(f"{value:.4f}" for value in found["accuracy"]))
        if not same:
            sys.exit("the backends were given different configurations")
        rows.append((seed, made["pytorch"], made["keras"]))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if args.trials:
            report_search(compare(args, Path(name), SPEC, args.trials, "search"))
        report_repeated(compare(args, Path(name), REPEATED, 1, "repeat"))


def report_search(rows: list[Any]) -> None:
    differences = [
        k - t for _, a, b in rows for t, k in zip(a["accuracy"], b["accuracy"], strict=True)
    ]
    print(
        f"search: {len(differences)} configurations; Keras minus PyTorch: "
        f"mean {statistics.mean(differences):+.4f}, median {statistics.median(differences):+.4f}, "
        f"deviation {statistics.stdev(differences):.4f}"
    )


def report_repeated(rows: list[Any]) -> None:
    for index, backend in ((1, "pytorch"), (2, "keras")):
        values = [row[index]["accuracy"][0] for row in rows]
        tests = [row[index]["best"]["test"]["accuracy"] for row in rows]
        print(
            f"default configuration, {len(values)} seeds, {backend}: "
            f"validation mean {statistics.mean(values):.4f}, "
            f"deviation {statistics.stdev(values):.4f}, "
            f"from {min(values):.4f} to {max(values):.4f}; test mean {statistics.mean(tests):.4f}"
        )


if __name__ == "__main__":
    main()
