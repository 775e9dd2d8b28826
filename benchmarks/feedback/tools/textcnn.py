"""A space of small text networks for tools that bring none: stands in for `cnn` of their drivers.

The same twelve questions that the image space asks, for convolutions over learned word vectors (Kim
2014, arXiv:1408.5882). The vocabulary is learned from the training rows. A score is the best epoch.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

SPACE = {
    "words": ("choice", [2000, 5000]),
    "length": ("choice", [32, 64]),
    "embedding": ("choice", [32, 64, 128]),
    "convs": ("int", (1, 2)),
    "width": ("choice", [32, 64, 128]),
    "kernel": ("choice", [3, 5]),
    "head": ("choice", [0, 64, 128]),
    "dropout": ("float", (0.0, 0.5)),
    "optimizer": ("choice", ["adamw", "sgd"]),
    "lr": ("log", (1e-4, 1e-1)),
    "weight_decay": ("log", (1e-6, 1e-2)),
    "batch": ("choice", [32, 64, 128]),
}
_PADDING, _UNKNOWN, _FIRST = 0, 1, 2


class TextNet(nn.Module):
    """[rows, length] token ids -> [rows, classes]."""

    def __init__(self, config: Mapping[str, Any], classes: int):
        super().__init__()
        width, size = int(config["width"]), int(config["kernel"])
        self.embedding = nn.Embedding(int(config["words"]), int(config["embedding"]), _PADDING)
        inputs = [int(config["embedding"]), *[width] * (int(config["convs"]) - 1)]
        self.convs = nn.ModuleList(nn.Conv1d(n, width, size, padding=size // 2) for n in inputs)
        hidden = int(config["head"])
        rest = [nn.Linear(width, hidden), nn.ReLU()] if hidden else []
        drop = nn.Dropout(float(config["dropout"]))
        self.head = nn.Sequential(*rest, drop, nn.Linear(hidden or width, classes))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embedding(ids).transpose(1, 2)
        for conv in self.convs:
            x = torch.relu(conv(x))
        return self.head(x.amax(dim=2))


def tensors(data: Any) -> dict[str, Any]:
    """Texts as token ids, 64 a row; the ids are ordered by frequency in the training part."""
    split = [[re.findall(r"\w+|[^\w\s]", text.lower()) for text in part]
             for part in (data.x_tr, data.x_va, data.x_te)]  # fmt: skip
    counts = Counter(word for words in split[0] for word in words)
    known = {word: i for i, (word, _) in enumerate(counts.most_common(), _FIRST)}
    out: dict[str, Any] = {"classes": data.classes}
    for name, part, labels in zip(
        ("tr", "va", "te"), split, (data.y_tr, data.y_va, data.y_te), strict=True
    ):
        ids = torch.zeros(len(part), 64, dtype=torch.long)
        for row, words in enumerate(part):
            found = [known.get(word, _UNKNOWN) for word in words[:64]]
            ids[row, : len(found)] = torch.tensor(found)
        out |= {f"x_{name}": ids, f"y_{name}": torch.from_numpy(labels)}
    return out


def _cut(config: Mapping[str, Any], ids: torch.Tensor) -> torch.Tensor:
    ids = ids[:, : int(config["length"])]
    return ids.masked_fill(ids >= int(config["words"]), _UNKNOWN)


@torch.no_grad()
def _accuracy(model: nn.Module, ids: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    right = sum(
        int((model(x).argmax(1) == y).sum())
        for x, y in zip(ids.split(512), labels.split(512), strict=True)
    )
    return right / len(labels)


def train(
    cfg: Mapping[str, Any],
    t: Mapping[str, Any],
    epochs: int,
    seed: int,
    report: Callable[[int, float], bool] | None = None,
    deadline: float | None = None,
    threads: int = 1,
    start: object = None,
) -> dict[str, Any]:
    """One trial; `report` may end it, and so does the deadline, which each batch looks at."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    model = TextNet(cfg, t["classes"])
    rates = {"lr": cfg["lr"], "weight_decay": cfg["weight_decay"]}
    optimizer: torch.optim.Optimizer = (
        torch.optim.AdamW(model.parameters(), **rates)
        if cfg["optimizer"] == "adamw"
        else torch.optim.SGD(model.parameters(), momentum=0.9, **rates)
    )
    x, held, labels = _cut(cfg, t["x_tr"]), _cut(cfg, t["x_va"]), t["y_tr"]
    history: list[float] = []
    state, stopped = None, "epochs"
    for epoch in range(1, epochs + 1):
        model.train()
        for rows in torch.randperm(len(x)).split(int(cfg["batch"])):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[rows]), labels[rows]).backward()
            optimizer.step()
            if deadline is not None and time.time() > deadline:
                stopped = "deadline"
                break
        value = _accuracy(model, held, t["y_va"])
        if value > max(history, default=-1.0):
            state = {name: v.detach().clone() for name, v in model.state_dict().items()}
        history.append(value)
        if stopped == "epochs" and report is not None and report(epoch, value):
            stopped = "pruned"
        if stopped != "epochs":
            break
    return {
        "val_acc": max(history),
        "state": state,
        "epochs": len(history),
        "history": history,
        "stopped": stopped,
        "params": sum(p.numel() for p in model.parameters()),
    }


def test(cfg: Mapping[str, Any], state: Mapping[str, Any], t: Mapping[str, Any]) -> float:
    model = TextNet(cfg, t["classes"])
    model.load_state_dict(state)
    return _accuracy(model, _cut(cfg, t["x_te"]), t["y_te"])
