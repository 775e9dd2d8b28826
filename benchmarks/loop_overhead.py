"""The emitted loop, with monitoring, checkpoints and the store, against a hand-written bare loop.

    python benchmarks/loop_overhead.py [--pairs 5] [--epochs 4] [--data FILE.npz] [--rows 6000]
    python benchmarks/loop_overhead.py --backend keras [--engine tensorflow]

The bare loop is PyTorch's usual one, or `model.compile` and `model.fit` of Keras. Both sides train
the same model with the same optimizer on the same batches and measure validation accuracy after
each epoch, in alternation. The emitted side is a real run of one trial: worker process, feedback,
checkpoint and weights on disk, every epoch durable in SQLite before the next begins. Compared are
the seconds from one epoch's end to the next; what a process costs to start, and the first epoch
with its compilation, are left out on both sides. Without --data, images are made (speed does not
read them).
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

SPEC = """automlc: 1
name: overhead
task: {{kind: image_classification}}
data: {{source: data.npz}}
space:
  parameters:
    block: fixed(resnet)
    depth: fixed(2)
    layers: fixed(1)
    width: fixed(16)
    activation: fixed(relu)
    optimizer: fixed(sgd)
    momentum: fixed(0.9)
    lr: fixed(0.05)
    weight_decay: fixed(1e-4)
    batch_size: fixed(64)
    normalize: fixed(true)
    augment: fixed(none)
    dropout: fixed(0.0)
    reduction: fixed(global_avg)
    hidden: fixed(0)
    schedule: fixed(constant)
budget: {{trials: 1, epochs: {epochs}}}
backend: {{{backend}, device: {device}, precision: float32, threads: {threads}}}
"""

# What a person would write for this one training, and nothing else.
BARE = """
import json, sys, time
import torch
from torch.nn import functional as F
sys.path.insert(0, sys.argv[1])
import checkpoint, data, model
config = json.load(open(sys.argv[2]))["config"]
epochs, threads, device = int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
torch.set_num_threads(threads)
torch.use_deterministic_algorithms(True, warn_only=True)
parts = data.load()
net = model.Model(config)
checkpoint.adapt(net, parts.train)
net.to(device)
if device == "cuda":
    net.to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(net.parameters(), lr=config["lr"], momentum=0.9,
                            weight_decay=config["weight_decay"], nesterov=True, fused=True)
x, y = parts.train.x.to(device), parts.train.y.to(device)
vx, vy = parts.validation.x, parts.validation.y
times = []
for epoch in range(epochs):
    start = time.perf_counter()
    net.train()
    for batch in torch.randperm(len(y)).to(device).split(config["batch_size"]):
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(net(x[batch].float().div_(255)), y[batch]).backward()
        optimizer.step()
    net.eval()
    with torch.inference_mode():
        hits = 0
        for i in range(0, len(vy), 512):
            answer = net(vx[i : i + 512].to(device).float().div_(255)).argmax(1).cpu()
            hits += int((answer == vy[i : i + 512]).sum())
    times.append(time.perf_counter() - start)
print(json.dumps(times))
"""

BARE_KERAS = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import engine
from engine import keras
import checkpoint, data, model
config = json.load(open(sys.argv[2]))["config"]
epochs, threads, device = int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
engine.set_up({"threads": threads, "device": device, "precision": "float32"})
keras.utils.set_random_seed(0)
parts = data.load()
net = model.build_model(config)
checkpoint.adapt(net, parts.train)
net.compile(
    keras.optimizers.SGD(
        config["lr"], momentum=0.9, nesterov=True, weight_decay=config["weight_decay"]
    ),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=engine.JIT,
)
class Clock(keras.callbacks.Callback):
    ends = []
    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.perf_counter())
scaled = [part.x.astype("float32") / 255 for part in (parts.train, parts.validation)]
net.fit(
    scaled[0], parts.train.y, batch_size=config["batch_size"], epochs=epochs, verbose=0,
    validation_data=(scaled[1], parts.validation.y), validation_batch_size=512, callbacks=[Clock()],
)
ends = Clock.ends
print(json.dumps([0.0] + [b - a for a, b in zip(ends, ends[1:])]))
"""


def make_data(path: Path, source: str | None, rows: int) -> None:
    if source is not None:
        given = np.load(source, allow_pickle=False)
        x, y = given["x_train"][:rows], given["y_train"][:rows]
    else:
        random = np.random.default_rng(0)
        x = random.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        y = random.integers(0, 10, rows)
    np.savez(path, x_train=x, y_train=y, x_test=x[:200], y_test=y[:200])


def bare(project: Path, args: argparse.Namespace) -> list[float]:
    """Seconds of each epoch of the bare loop."""
    script = BARE if args.backend == "pytorch" else BARE_KERAS
    command = [sys.executable, "-c", script, str(project), str(project / "default.json")]
    command += [str(args.epochs), str(args.threads), args.device]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return [float(t) for t in json.loads(done.stdout.splitlines()[-1])]


def emitted(project: Path, run: Path) -> list[float]:
    """Seconds of each epoch of a real run: from one durable epoch to the next."""
    command = [sys.executable, "-m", "automlc", "run", str(project), "--run-dir", str(run), "-q"]
    subprocess.run(command, check=True, capture_output=True, cwd=project.parent)
    store = sqlite3.connect(run / "study.db")
    stamps = store.execute("SELECT time FROM events WHERE kind = 'epoch' ORDER BY seq").fetchall()
    store.close()
    times = [t for (t,) in stamps]
    return [b - a for a, b in pairwise(times)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data")
    parser.add_argument("--backend", default="pytorch", choices=["pytorch", "keras"])
    parser.add_argument("--engine", default="tensorflow", choices=["tensorflow", "torch", "jax"])
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder / "data.npz", args.data, args.rows)
        backend = f"kind: {args.backend}"
        if args.backend == "keras":
            backend += f", engine: {args.engine}"
            os.environ["KERAS_BACKEND"] = args.engine
        text = SPEC.format(
            epochs=args.epochs, threads=args.threads, device=args.device, backend=backend
        )
        (folder / "overhead.yaml").write_text(text, encoding="utf-8")
        project = folder / "project"
        build = ["-m", "automlc", "compile", str(folder / "overhead.yaml"), "-o", str(project)]
        subprocess.run([sys.executable, *build], check=True, capture_output=True)
        ratios = []
        for index in range(args.pairs):
            # The first epoch warms up caches on both sides and is not counted.
            ours = statistics.median(emitted(project, folder / f"run{index}"))
            theirs = statistics.median(bare(project, args)[1:])
            ratios.append(ours / theirs)
            print(f"pair {index + 1}: emitted {ours:.3f} s, bare {theirs:.3f} s an epoch")
    bar = 1.05 if args.backend == "pytorch" else 1.10
    print(f"ratio {statistics.median(ratios):.3f} (median of {args.pairs} pairs; the bar is {bar})")


if __name__ == "__main__":
    main()
