"""How much of the wall the first trial takes, with a start sized by a probe and without.

    python benchmarks/first_trial.py [--wall 120] [--width 128] [--depth 3]

The default of the space is large for the wall. Without sizing (a plan that does not say how many
rows there are) the search begins with it, and the wall may end the study in its first trial. Both
runs are real ones, one after the other, of the same compiled project on scikit-learn's digits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SPEC = """automlc: 1
name: first
task: {{kind: image_classification}}
data: {{source: builtin:digits}}
space:
  preset: image/blocks
  parameters:
    width: {{choice: [8, 16, 32, 64, {width}], default: {width}}}
    depth: {{int: [1, {depth}], default: {depth}}}
search: tpe
stopping: asha
budget: {{trials: 500, epochs: 15, wall: {wall}s}}
backend: {{kind: {backend}, device: {device}, threads: {threads}}}
seed: 7
"""


def without_rows(project: Path, target: Path) -> None:
    """A copy of a project whose plan has no rows, so that nothing is probed or estimated."""
    shutil.copytree(project, target)
    plan = json.loads((target / "plan.json").read_text(encoding="utf-8"))
    del plan["data"]["rows"]
    text = json.dumps(plan)
    (target / "plan.json").write_text(text, encoding="utf-8")
    lock = json.loads((target / "automlc.lock").read_text(encoding="utf-8"))
    lock["files"]["plan.json"] = hashlib.sha256(text.encode()).hexdigest()
    (target / "automlc.lock").write_text(json.dumps(lock), encoding="utf-8")


def run(project: Path, folder: Path) -> dict[str, Any]:
    """A real run; the seconds of its first trial, its trials, its best value, and its start."""
    command = [sys.executable, "-m", "automlc", "run", str(project), "--run-dir", str(folder), "-q"]
    subprocess.run(command, check=False, capture_output=True, cwd=project.parent)
    store = sqlite3.connect(folder / "study.db")
    ask = "SELECT ended - started FROM trials WHERE number = 1"
    (seconds,) = store.execute(ask).fetchone()
    count, best = store.execute("SELECT count(*), max(value) FROM trials").fetchone()
    pace = store.execute("SELECT value FROM meta WHERE key = 'pace'").fetchone()
    store.close()
    found = json.loads(pace[0]) if pace else {}
    because = found.get("start", {}).get("because", found.get("skipped", "the default"))
    return {"seconds": seconds, "trials": count, "best": best, "because": because}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wall", type=int, default=120)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--backend", default="pytorch", choices=["pytorch", "keras"])
    args = parser.parse_args()
    shares = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "first.yaml").write_text(SPEC.format(**vars(args)), encoding="utf-8")
        sized, plain = folder / "sized", folder / "plain"
        build = ["-m", "automlc", "compile", str(folder / "first.yaml"), "-o", str(sized)]
        subprocess.run([sys.executable, *build], check=True, capture_output=True)
        without_rows(sized, plain)
        for project in (sized, plain):
            found = run(project, folder / f"run-{project.name}")
            shares[project.name] = share = found["seconds"] / args.wall
            best = "no value" if found["best"] is None else f"best {found['best']:.3f}"
            print(
                f"{project.name}: the first trial took {found['seconds']:.1f} s of {args.wall} s"
                f" ({share:.3f}); {found['trials']} trials, {best}"
            )
            print(f"  {found['because']}")
    print(
        f"first trial / wall: {shares['sized']:.3f} with sizing, {shares['plain']:.3f} without"
        " (budget.first: 0.05)"
    )


if __name__ == "__main__":
    main()
