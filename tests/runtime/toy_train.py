"""A project's train.py in plain Python: 'training' is a chain of hashes, so that an epoch that is
skipped, repeated from the wrong state or done with another seed changes every later value.

The data source is `builtin:` and a JSON object that says how trials behave:
sleep (seconds per epoch), slow (more seconds, only said, for x = 1), and per trial number what
goes wrong: {"wrong": {"2": "nan@3"}}.
"""

import hashlib
import json
import math
import mmap
import os
import signal
import sys
import time
from pathlib import Path

from automlc.runtime.faults import hit

GIB = 1024**3


def load(source=None):
    data = json.loads(source.removeprefix("builtin:"))
    if data.get("load") == "fail":
        raise RuntimeError("no such data")
    time.sleep(data.get("load_sleep", 0))
    return data


def save(folder, kind, epoch, state):
    content = json.dumps(state, sort_keys=True).encode()
    path = folder / f"{kind}-{epoch:04d}.json"
    temporary = folder / f"{path.name}.tmp"
    with temporary.open("wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
        hit("child.checkpoint.mid")
        file.write(content[len(content) // 2 :])
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    hit("child.checkpoint.after")
    return {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}


def misbehave(what, epoch, folder, accumulate):
    action, _, when = what.partition("@")
    if int(when or 1) != epoch:
        return
    if action == "nan":
        raise FloatingPointError("the loss is not finite")
    if action == "oom" and accumulate == 1:
        raise MemoryError
    if action == "always_oom":
        raise MemoryError
    if action == "allocate" and accumulate == 1:
        bytearray(64 * 1024**3)
    if action == "reserve":  # address space alone, as TensorFlow and CUDA map it
        mmap.mmap(-1, 64 * 1024**3, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0)
    if action == "bad_alloc" and accumulate == 1:
        print("terminate called after throwing an instance of 'std::bad_alloc'", file=sys.stderr)
        os.abort()
    if action == "abort":
        os.abort()
    if action == "fill_and_abort" and accumulate == 1:
        kept = b"x" * int(0.4 * GIB)
        os.kill(os.getpid(), signal.SIGABRT if kept else 0)
    if action == "error":
        raise ValueError("a bug\x1b[31m in the model")
    if action == "hang":
        os.kill(os.getpid(), signal.SIGSTOP)
    if action == "kill_once" and not (folder / "killed").exists():
        (folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "exit":
        os._exit(7)
    if action == "fill":
        (folder / "big").write_bytes(b"x" * (8 * 1024**2))
    if action == "enospc":
        raise OSError(28, "No space left on device", "checkpoint-0001.json")


def quality(config):
    x = config["x"]
    bonus = {"a": 0.0, "b": 0.05, "c": -0.05}[config.get("kind", "a")]
    depth = config.get("depth", 3)
    return 0.8 - (x - 0.3) ** 2 + bonus - 0.01 * abs(depth - 4)


def run(trial, data, report):
    folder, config = Path(trial["folder"]), trial["config"]
    wrong = data.get("wrong", {}).get(str(trial["number"]), "")
    state = {"epoch": 0, "chain": f"{trial['seed']}", "best": None}
    if trial["resume"]:
        state = json.loads(Path(trial["resume"]["file"]).read_text())
        assert state["epoch"] == trial["resume"]["epoch"]
    if wrong == "no_metric":
        return
    for epoch in range(state["epoch"] + 1, trial["epochs"] + 1):
        time.sleep(data.get("sleep", 0.01))
        print("epoch", epoch, "attempt accumulate", trial["accumulate"], flush=True)
        misbehave(wrong, epoch, folder, trial["accumulate"])
        chain = hashlib.sha256(f"{state['chain']}/{epoch}/{config['x']!r}".encode()).hexdigest()
        noise = int(chain[:6], 16) / 0xFFFFFF * 0.02
        value = quality(config) * (1 - 0.5**epoch) + noise
        if wrong == f"nan_value@{epoch}":
            value = math.nan
        best = state["best"] is None or value > state["best"]
        state = {"epoch": epoch, "chain": chain, "best": max(value, state["best"] or value)}
        weights = save(folder, "weights", epoch, {"chain": chain}) if best else None
        checkpoint = save(folder, "checkpoint", epoch, state)
        message = {
            "epoch": epoch,
            "value": value,
            "metrics": {"loss": 1 - value, "accuracy": value, "odd": math.inf},
            "learning_rate": 0.1,
            "seconds": epoch_seconds(data, config),
            "samples": 100,
            "feedback": {"gradient_norm": 1.0 / epoch},
            "checkpoint": checkpoint,
            "weights": weights,
        }
        if wrong == "no_value":
            del message["value"]
        if wrong == f"diverged@{epoch}":
            report({**message, "value": None, "diverged": f"the loss became nan in epoch {epoch}"})
            return
        answer = report(message)
        if answer == "stop" and not wrong.startswith("goes_on"):
            return
        if answer == "stop":
            report({**message, "epoch": epoch + 1})
            return


def test(trial, weights, source):
    data = json.loads(source.removeprefix("builtin:"))
    if data.get("test") == "fail":
        raise RuntimeError("the test failed")
    chain = json.loads(Path(weights).read_text())["chain"]
    return {"metrics": {"accuracy": quality(trial["config"]), "check": float(int(chain[:4], 16))}}


def epoch_seconds(data, config):
    """What an epoch is said to take: `sleep`, and `slow` seconds for a whole unit of x."""
    return data.get("sleep", 0.01) + data.get("slow", 0) * config["x"]


def pace(trial, data, seconds):
    time.sleep(data.get("pace_sleep", 0))
    if data.get("pace") == "fail":
        raise RuntimeError("no pace today")
    epoch = epoch_seconds(data, trial["config"])
    return {
        "build_seconds": 0.001,
        "step_seconds": epoch / 2,
        "steps": 2,
        "batch_size": 50,
        "evaluation_seconds_per_row": 0.0,
        "epoch_seconds": epoch,
    }
