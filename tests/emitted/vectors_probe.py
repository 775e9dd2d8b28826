"""Run in a project by test_word_vectors.py: how the embedding of a trial begins, and one epoch.

    python vectors_probe.py PROJECT TRIAL.json

Prints JSON: the vocabulary, the embedding as it begins, its twin without vectors, the records of a
training, and the embedding of a warm start from what was trained.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np


def table_of(model: Any) -> np.ndarray:
    """The embedding of the tokens in a model of either framework: the larger one."""
    if type(model).__module__ == "model":  # Keras models are of Keras
        from torch import nn

        found = [m.weight.detach().numpy() for m in model.modules() if isinstance(m, nn.Embedding)]
    else:
        from keras import layers, ops

        own = [one for one in model.layers if isinstance(one, layers.Embedding)]
        found = [np.array(ops.convert_to_numpy(one.embeddings)) for one in own]
    return max(found, key=len)


def main() -> None:
    project, file = sys.argv[1:]
    sys.path.insert(0, project)
    import train

    trial = json.loads(Path(file).read_text(encoding="utf-8"))
    parts = train.load()
    if hasattr(train, "set_up"):
        device, _ = train.set_up(trial)
        rest: tuple[Any, ...] = (device,)
    else:
        train.engine.set_up(trial)
        rest = ()

    def begin(changes: dict[str, Any]) -> np.ndarray:
        train.reseed(trial["seed"], 0)
        config = trial["config"] | changes
        return table_of(train.make_model(trial | {"config": config}, parts, *rest)[0])

    width = begin({}).shape[1]
    answers: dict[str, Any] = {
        "vocabulary": parts.vocabulary,
        "table": begin({}).tolist(),
        "plain": begin({"pretraining": "none", "embedding": width}).tolist(),
    }
    records: list[dict[str, Any]] = []
    train.run(trial, parts, lambda record: records.append(record) or "go")
    answers["records"] = records
    weights = Path(trial["folder"]) / records[-1]["weights"]["file"]
    warm = trial | {"start": {"file": str(weights), "trial": 0}}
    answers["warm"] = table_of(train.make_model(warm, parts, *rest)[0]).tolist()
    print("ANSWERS" + json.dumps(answers))


if __name__ == "__main__":
    main()
