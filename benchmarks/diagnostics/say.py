"""What a tool says about each mistake, as JSON: {mistake: message}.

Run with an environment that has the tool: `python say.py automlc|hydra|ludwig > TOOL.json`.
Hydra 1.3.8 and Ludwig 0.11.0 were used for docs/errors/compared.md.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from mistakes import AUTOMLC, HYDRA, LUDWIG, MISTAKES, text_of

MISSING: Any = "???"  # how OmegaConf writes what must be given

# The schema for Hydra, as strict as types can be.


class Kind(Enum):
    tabular_classification = 1
    tabular_regression = 2
    image_classification = 3


class Metric(Enum):
    accuracy = 1
    roc_auc = 2
    rmse = 3


@dataclass
class Task:
    kind: Kind = MISSING
    metric: Metric = Metric.accuracy


@dataclass
class Split:
    stratify: bool = True


@dataclass
class Data:
    source: str = MISSING
    split: Split = field(default_factory=Split)


@dataclass
class Range:
    low: float = 0.0
    high: float = 1.0


@dataclass
class Space:
    lr: Range = field(default_factory=Range)


@dataclass
class Budget:
    trials: int = 20
    epochs: int = 10


@dataclass
class Config:
    task: Task = field(default_factory=Task)
    data: Data = field(default_factory=Data)
    space: Space = field(default_factory=Space)
    budget: Budget = field(default_factory=Budget)


def automlc(file: Path) -> str:
    """The rendered diagnostics; empty where there are none."""
    from automlc import validate
    from automlc.spec.diagnostics import render

    text = file.read_text(encoding="utf-8")
    return render(validate(file.name), sources={file.name: text})


def hydra(file: Path) -> str:
    """A configuration composed with a schema of data classes."""
    from hydra import compose, initialize_config_dir
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name="schema", node=Config)
    with initialize_config_dir(config_dir=str(file.parent), version_base=None):
        _read_all(compose(config_name=file.stem))
    return ""


def _read_all(config: Any) -> None:
    """A value that is missing is an error when it is read."""
    for key in config:
        value = config[key]
        if hasattr(value, "keys"):
            _read_all(value)


def ludwig(file: Path) -> str:
    """The check that every command of Ludwig begins with."""
    import yaml
    from ludwig.schema.model_types.base import ModelConfig

    ModelConfig.from_dict(yaml.safe_load(file.read_text(encoding="utf-8")))
    return ""


TOOLS: dict[str, tuple[Callable[[Path], str], str]] = {
    "automlc": (automlc, AUTOMLC),
    "hydra": (hydra, HYDRA),
    "ludwig": (ludwig, LUDWIG),
}


def said(tool: str, text: str) -> str:
    """What the tool says of a configuration in config.yaml; its exception where it raises one."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(text, encoding="utf-8")
        os.chdir(folder)
        try:
            return TOOLS[tool][0](file)
        except Exception as error:  # what a user sees last, whatever it is
            return f"{type(error).__name__}: {error}".replace(f"{folder}/", "")


def main(tool: str) -> None:
    with redirect_stdout(sys.stderr):  # some libraries print while they are imported
        right = said(tool, TOOLS[tool][1])
        if right:
            sys.exit(f"{tool} refuses the right configuration: {right}")
        messages = {mistake: said(tool, text_of(tool, mistake)) for mistake in MISTAKES}
    print(json.dumps(messages, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1])
