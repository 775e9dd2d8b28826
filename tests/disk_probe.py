"""Trains each configuration of a list with an emitted project; prints the bytes that it writes.

    python tests/disk_probe.py PROJECT FOLDER   < [config, ...]

For each: the largest `weights` and `checkpoint`, how many `tensors` the weights hold, and the
`peak` of all files at once, measured at every rename.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

EPOCHS = 4


def measured(train: Any, parts: Any, config: dict[str, Any], folder: Path) -> dict[str, int]:
    from safetensors import safe_open

    folder.mkdir(parents=True)
    found = {"weights": 0, "checkpoint": 0, "peak": 0}
    rename = os.replace

    def renamed(before: Path, after: Path) -> None:
        sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
        found["peak"] = max(found["peak"], sum(sizes.values()))
        kind = Path(after).name.partition("-")[0]
        found[kind] = max(found[kind], sizes[Path(before).name])
        rename(before, after)

    trial = {"number": 1, "config": config, "seed": 1, "epochs": EPOCHS, "folder": str(folder)}
    trial |= {"resume": None, "device": "cpu", "precision": "float32", "threads": 1}
    os.replace = renamed  # type: ignore[assignment]
    try:
        train.run(trial, parts, lambda record: "continue")
    finally:
        os.replace = rename
    with safe_open(next(folder.glob("weights-*")), framework="numpy") as file:
        found["tensors"] = len(list(file.keys()))
    return found


def main() -> None:
    project, folder = map(Path, sys.argv[1:])
    sys.path.insert(0, str(project))
    import train

    parts = train.load(None)
    configs = json.load(sys.stdin)
    answers = [measured(train, parts, c, folder / str(i)) for i, c in enumerate(configs)]
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
