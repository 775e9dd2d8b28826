"""A training step of small image networks: channels last in memory against channels first.

    python benchmarks/memory_format.py

One thread; the least CPU time of 25 steps of 64 images, each format twice in turn. Emitted PyTorch
projects hand images to their models channels last.
"""

from __future__ import annotations

import time

import torch
from torch import nn

# (channels, filters of the first stage, stages, batch norm, side)
NETWORKS = {
    "one stage, gray, 28": (1, 16, 1, False, 28),
    "two stages, color, 32": (3, 16, 2, False, 32),
    "three stages with batch norm, color, 32": (3, 16, 3, True, 32),
}


def network(channels: int, filters: int, stages: int, norm: bool, side: int) -> nn.Module:
    layers: list[nn.Module] = []
    for stage in range(stages):
        wide = filters * 2**stage
        layers.append(nn.Conv2d(channels, wide, 3, padding=1, bias=not norm))
        layers += [nn.BatchNorm2d(wide)] if norm else []
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        channels, side = wide, side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side * side, 10))


def step_seconds(sizes: tuple[int, int, int, bool, int], last: bool) -> float:
    torch.manual_seed(0)
    model, x = network(*sizes), torch.randn(64, sizes[0], sizes[4], sizes[4])
    y = torch.randint(0, 10, (64,))
    x = x.to(memory_format=torch.channels_last) if last else x
    optimizer = torch.optim.AdamW(model.parameters())
    least = float("inf")
    for _ in range(25):
        start = time.process_time()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        least = min(least, time.process_time() - start)
    return least


def main() -> None:
    torch.set_num_threads(1)
    for name, sizes in NETWORKS.items():
        first, last = (min(step_seconds(sizes, f) for _ in range(2)) for f in (False, True))
        print(f"{name}: {1000 * last:.1f} ms / {1000 * first:.1f} ms = {last / first:.2f}")


if __name__ == "__main__":
    main()
