"""Compile time of a spec with 10,000 parameters against one with 1,000.

    python benchmarks/compile_scaling.py [--repeats 3] [--unused]

Each parameter is the width of a dense layer of its own, so every one is merged, checked, counted
and emitted. With --unused the preset's model asks none of them, so each gets a warning.
Fresh processes; the time is that of `automlc.compile`, imports left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CHILD = """
import json, sys, time
import automlc.backends  # imports are not what is measured
from pathlib import Path
start = time.perf_counter()
automlc.backends.build(Path(sys.argv[1]), Path(sys.argv[2]))
print(json.dumps(time.perf_counter() - start))
"""


def spec(parameters: int, *, unused: bool) -> str:
    declared = "\n".join(f"    w{i}: int(8, 64)" for i in range(parameters))
    if unused:
        return f"""automlc: 1
name: scaling
task: {{kind: tabular_classification}}
data: {{source: builtin:breast_cancer}}
space:
  parameters:
{declared}
"""
    layers = "\n".join(f"    - dense: {{units: w{i}}}" for i in range(parameters))
    return f"""automlc: 1
name: scaling
task: {{kind: tabular_classification}}
data: {{source: builtin:breast_cancer}}
space:
  parameters:
{declared}
  model:
    - embed_categories
{layers}
    - dense: {{units: outputs}}
"""


def seconds(parameters: int, folder: Path, *, unused: bool) -> float:
    path = folder / f"scaling{parameters}.yaml"
    path.write_text(spec(parameters, unused=unused), encoding="utf-8")
    out = folder / f"build{parameters}"
    command = [sys.executable, "-c", CHILD, str(path), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--unused", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [
            tuple(seconds(count, folder, unused=args.unused) for count in (1_000, 10_000))
            for _ in range(args.repeats)
        ]
    small, large = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"1,000 parameters {small:.2f} s, 10,000 parameters {large:.2f} s")
    print(f"ratio {statistics.median(b / a for a, b in rows):.1f} (the bar is 12)")


if __name__ == "__main__":
    main()
