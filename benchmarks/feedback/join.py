"""Join files of measurements: `python join.py A.json B.json … -o C.json`.

Measurements of a data set that was measured several times, with different seeds or on several
machines, are pooled.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from automlc.runtime.rules.measured import DataSet, Gains, Measurements


def joined(one: DataSet, other: DataSet) -> DataSet:
    """Both together; refused where they do not measure the same."""
    if (one.metric, one.scale) != (other.metric, other.scale):
        raise SystemExit(f"{one.name} was measured in two ways")
    gains = dict(one.gains)
    for key, found in other.gains.items():
        gains[key] = gains.get(key, Gains()).join(found)
    pairs = int(one.details.get("pairs", 0)) + int(other.details.get("pairs", 0))
    failed = int(one.details.get("failed", 0)) + int(other.details.get("failed", 0))
    same = {k: v for k, v in one.details.items() if other.details.get(k) == v}
    return DataSet(
        one.name, one.metric, one.scale, gains, same | {"pairs": pairs, "failed": failed}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    found = [Measurements.from_json(json.loads(path.read_text())) for path in arguments.files]
    provenance = {k: v for k, v in found[0].provenance.items() if k != "effort"}
    provenance |= {"made_by": "benchmarks/feedback/README.md"}
    made = Measurements("builtin/automlc", {}, provenance)
    for measurements in found:
        for name, data in measurements.datasets.items():
            made.datasets[name] = (
                joined(made.datasets[name], data) if name in made.datasets else data
            )
    arguments.output.write_text(json.dumps(made.to_json(), indent=2, sort_keys=True) + "\n")
    counts = ", ".join(f"{n} {d.details['pairs']}" for n, d in sorted(made.datasets.items()))
    print(f"{arguments.output}: {counts}")


if __name__ == "__main__":
    main()
