"""Cold start of `automlc validate` against importing the libraries it parses with.

    python benchmarks/cold_start.py [SPEC] [--pairs 21]

Fresh processes in alternation; prints the median of the ratios of neighboring pairs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SPEC = Path(__file__).parents[1] / "examples" / "digits" / "task.yaml"
# What automlc.spec imports of them; pydantic loads each part on the first use of its name.
LIBRARIES = """
import click, lark, yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic import GetJsonSchemaHandler, ValidationError, field_validator, model_validator
"""


def seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spec", nargs="?", default=str(SPEC))
    parser.add_argument("--pairs", type=int, default=21)
    args = parser.parse_args()
    validate, imports = ["-m", "automlc", "validate", args.spec], ["-c", LIBRARIES]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as an installed package has it
    seconds(validate), seconds(imports)  # byte code and disk caches
    pairs = [(seconds(validate), seconds(imports)) for _ in range(args.pairs)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"validate {ours * 1000:.0f} ms; its parser libraries {theirs * 1000:.0f} ms")
    print(f"ratio {ratio:.2f} (median of {args.pairs} pairs; the bar is 1.5)")


if __name__ == "__main__":
    main()
