"""Uses an emitted Keras project under one engine, and prints what it finds as JSON.

echo '{"command": {"argument": ...}}' | KERAS_BACKEND=jax python keras_probe.py PROJECT
"""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

CONFIG = {
    "batch_size": 64,
    "clip_norm": 0.0,
    "end_lr": 0.0,
    "initializer": "default",
    "step_freeze": "all",
    "step_ratio": 0.2,
    "step_scale": 0.1,
    "steps": "one",
    "lr": 3e-3,
    "momentum": 0.9,
    "optimizer": "adamw",
    "rate": 0.3,
    "schedule": "cosine",
    "warmup": 0.1,
    "weight_decay": 1e-3,
    "label_smoothing": 0.1,
}


def shares(accumulate: int) -> list[float]:
    """How much of a gradient each part of a batch gives."""
    return {1: [1.0], 2: [0.25, 0.75], 3: [0.25, 0.5, 0.25]}[accumulate]


def trial(folder: str, **changes: Any) -> dict[str, Any]:
    Path(folder).mkdir(parents=True, exist_ok=True)
    config = CONFIG | changes.pop("config", {})
    made = {"number": 0, "config": config, "seed": 3, "epochs": 3, "folder": folder}
    return made | {"device": "cpu", "precision": "float32", "threads": 1} | changes


def few(train: Any, rows: int, held: int = 40) -> Any:
    import data

    parts = train.load()
    x, y = parts.train.x[:rows], parts.train.y[:rows]
    held_x, held_y = parts.validation.x[:held], parts.validation.y[:held]
    return data.Data(data.Split(x, y), data.Split(held_x, held_y))


def run(train: Any, parts: Any, described: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of a training; they must be plain JSON."""
    records: list[dict[str, Any]] = []
    train.run(described, parts, lambda record: records.append(record) or "continue")
    return json.loads(json.dumps(records))


def weights(folder: str, record: dict[str, Any]) -> dict[str, list]:
    """The model's weights of a checkpoint, as lists."""
    import safetensors.numpy

    tensors = safetensors.numpy.load_file(Path(folder, record["checkpoint"]["file"]))
    return {k: v.tolist() for k, v in tensors.items() if not k.startswith("optimizer")}


def best(folder: str) -> Path:
    """The best weights of a training."""
    return max(Path(folder).glob("weights-*.safetensors"))


# ---- commands ----


def follow(cases: list[dict], steps: int, file: str) -> Any:
    """The weights after each step of given gradients, for each case."""
    import engine
    import optimizers
    from engine import keras
    from train import Rate

    engine.set_up({"threads": 1, "device": "cpu"})
    given = np.load(file)
    names = sorted(name for name in given.files if name.startswith("w"))
    answers = []
    for case in cases:
        accumulate = case.get("accumulate", 1)
        rate = Rate(case["config"], steps, accumulate)
        made = getattr(optimizers, case["class"])(
            rate, case["decay"], accumulate=accumulate, **case["options"]
        )
        variables = [keras.Variable(given[name], name=name) for name in names]
        made.build(variables)
        step_of, path = compiled(made, variables), []
        for step in range(steps):
            gradients = [given["g" + name[1:]][step] for name in names]
            for share in shares(accumulate):
                step_of(*(as_engine(g * share, case.get("rows", False)) for g in gradients))
            path.append([np.asarray(v).ravel().tolist() for v in variables])
        answers.append({"path": path})
    return answers


def as_engine(gradient: np.ndarray, rows: bool) -> Any:
    """A gradient as an engine gives it; `rows`: as TensorFlow gives that of an embedding."""
    from engine import ops

    gradient = gradient.astype(np.float32)
    if not rows:
        return ops.convert_to_tensor(gradient)
    import tensorflow as tf

    # Every row in two pieces, the last first: places repeat and are in no order.
    places = [*range(len(gradient))][::-1] * 2
    halves = np.concatenate([gradient[::-1] / 4, gradient[::-1] * 3 / 4])
    return tf.IndexedSlices(halves, tf.constant(places), tf.constant(gradient.shape))


def compiled(optimizer: Any, variables: list) -> Any:
    """A function of gradients that takes one step, the way the trainer of the engine does."""
    from engine import keras

    if keras.config.backend() == "torch":
        return lambda *grads: optimizer.apply(list(grads), variables)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(lambda *grads: optimizer.apply(list(grads), variables), autograph=False)
    import jax

    stateless = jax.jit(optimizer.stateless_apply)

    def step(*grads: Any) -> None:
        state = [v.value for v in optimizer.variables]
        weights, state = stateless(state, list(grads), [v.value for v in variables])
        pairs = zip([*variables, *optimizer.variables], [*weights, *state], strict=True)
        for variable, value in pairs:
            variable.assign(value)

    return step


def stock(steps: int, file: str, rates: list[float], options: list[dict]) -> Any:
    """The last weights that Keras's own optimizers reach."""
    import engine
    from engine import keras, ops

    engine.set_up({"threads": 1, "device": "cpu"})

    class Rates(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return ops.take(ops.convert_to_tensor(rates, "float32"), step)

    given, answers = np.load(file), []
    for case in options:
        made = getattr(keras.optimizers, case["class"])(Rates(), **case["options"])
        variables = [keras.Variable(given[n], name=n) for n in sorted(given.files) if n[0] == "w"]
        made.build(variables)
        step_of = compiled(made, variables)
        for step in range(steps):
            step_of(*(as_engine(given[n][step], False) for n in sorted(given.files) if n[0] == "g"))
        answers.append([np.asarray(v).ravel().tolist() for v in variables])
    return answers


def rates(configs: list[dict], steps: int, accumulate: int) -> Any:
    """The learning rates of schedules: as recorded, and as the compiled step sees them."""
    import engine
    from engine import ops
    from train import Rate

    engine.set_up({"threads": 1, "device": "cpu"})
    answers = []
    for config in configs:
        rate = Rate(config, steps, accumulate)
        seen = [float(rate(ops.convert_to_tensor(i, "int32"))) for i in range(steps * accumulate)]
        answers.append({"recorded": rate.rates.tolist(), "compiled": seen})
    return answers


def forked(folder: str, threads: int, rows: int) -> Any:
    """Import and load here, then train in a child: no engine may have started before."""
    import train

    parts = few(train, rows)
    assert not started(), "the engine has started in the parent"
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        counted = count_losses(train)
        records = run(train, parts, trial(folder, threads=threads))
        answer = {
            "records": records,
            "losses": len(counted),
            "weights": weights(folder, records[-1]),
        }
        with os.fdopen(writer, "w") as file:
            json.dump(answer, file)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        answer = file.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(answer)


def started() -> bool:
    """Whether the engine of this process has started."""
    from engine import keras

    if keras.config.backend() == "tensorflow":
        from tensorflow.python.eager import context

        return context.context()._initialized
    if keras.config.backend() == "jax":
        from jax._src import xla_bridge

        return bool(xla_bridge._backends)
    import torch

    return torch.cuda.is_initialized()


def count_losses(train: Any) -> list[int]:
    """A list that grows each time Python runs the loss: once a trace, or once a step."""
    counted, loss_of = [], train.loss_of

    def counting(*arguments: Any) -> Any:
        loss = loss_of(*arguments)
        return lambda y, output: counted.append(1) or loss(y, output)

    train.loss_of = counting
    return counted


def again(folder: str, other: str, threads: int, rows: int) -> Any:
    """The same training in another process, and its end from a checkpoint of the first."""
    import train

    parts = few(train, rows)
    resume = {"file": str(Path(folder, "checkpoint-0002.safetensors")), "epoch": 2}
    return {
        "again": run(train, parts, trial(f"{other}/again", threads=threads)),
        "resumed": run(train, parts, trial(f"{other}/resumed", threads=threads, resume=resume)),
        "unprobed": unprobed(train, parts, trial(f"{other}/unprobed", threads=threads)),
        "gradients": gradients(f"{other}/gradients", rows, threads),
    }


def unprobed(train: Any, parts: Any, described: dict[str, Any]) -> Any:
    """The records of a training at which no probe looks."""
    collect = train.feedback.Probe.collect
    train.feedback.Probe.collect = lambda self: {"weights_nonfinite": 0}
    records = run(train, parts, described)
    train.feedback.Probe.collect = collect
    return records


def gradients(folder: str, rows: int, threads: int = 1) -> Any:
    """What the probe finds after a training, and the engine's own answer on the same rows."""
    import train
    from engine import keras

    parts = few(train, rows)
    described = trial(f"{folder}/seen", epochs=1, threads=threads)
    record = run(train, parts, described)[0]
    model = train.build_model(described["config"])
    train.checkpoint.load_weights(best(described["folder"]), model)
    batch = np.sort(np.random.default_rng(0).permutation(rows)[:32])
    x, y = train.prepare(parts.train.x[batch]), parts.train.y[batch]
    loss = train.loss_of(described["config"], train.checkpoint.target_scale(model))
    found, value = differentiate(keras.config.backend(), model, loss, x, y)
    return {
        "feedback": record["feedback"],
        "loss": value,
        "zero_entries": sum(int((g == 0).sum()) for g in found) / sum(g.size for g in found),
        "zero_units": float(np.mean(np.concatenate([still_units(g) for g in found]))),
        "norms": [float(np.linalg.norm(g)) for g in found],
        "means": [float(g.mean()) for g in found],
        "zeros": [float((g == 0).mean()) for g in found],
    }


def still_units(gradient: np.ndarray) -> np.ndarray:
    """Which outputs of a kernel have no gradient at all."""
    return (gradient == 0).all(tuple(range(gradient.ndim - 1)))


def steps(folder: str, rows: int) -> Any:
    """Trainings in steps: what each checkpoint holds, and digests of resumed ones."""
    import train

    parts, answers = few(train, rows), {}
    for what in ("all", "bn", "no"):
        place = f"{folder}/{what}"
        config = {"steps": "two", "step_freeze": what}
        described = trial(place, epochs=2, config=config)
        records = run(train, parts, described)
        train.reseed(3, 0)
        model, _ = train.make_model(described, parts.train)
        first = {n: np.asarray(v).tolist() for n, v in train.checkpoint.weights_of(model).items()}
        seen = [r for r in records[0]["feedback"]["layers"] if "gradient_norm" in r]
        answers[what] = {
            "first": first,
            "after": [weights(place, record) for record in records],
            "kernels": len(seen),
            "rates": [record["learning_rate"] for record in records],
        }
    for kind, epoch in (("two", 1), ("two", 2), ("three", 1), ("three", 2)):
        config = {"steps": kind, "step_ratio": 0.3, "optimizer": "adamw"}
        place = f"{folder}/{kind}{epoch}"
        records = run(train, parts, trial(place, epochs=4, config=config))
        stopped = trial(f"{place}/part", epochs=4, config=config)
        found: list[dict[str, Any]] = []
        train.run(
            stopped,
            parts,
            lambda r, f=found, e=epoch: f.append(r) or ("stop" if r["epoch"] == e else "go"),
        )
        file = str(Path(place, "part", found[-1]["checkpoint"]["file"]))
        resume = {"file": file, "epoch": epoch}
        again = run(train, parts, trial(f"{place}/again", epochs=4, config=config, resume=resume))
        answers[f"{kind} {epoch}"] = [records[-1]["checkpoint"], again[-1]["checkpoint"]]
    return answers


def start(folder: str, rows: int) -> Any:
    """Warm starts: from a parent's weights, and from a file in which nothing fits."""
    import safetensors.numpy
    import train

    parts = few(train, rows)
    run(train, parts, trial(f"{folder}/parent", epochs=1))
    tensors = safetensors.numpy.load_file(best(f"{folder}/parent"))
    lost = sorted(tensors)[-1]
    changed = {**tensors, lost: np.zeros(77, np.float32), "other": np.zeros(3, np.float32)}
    safetensors.numpy.save_file(changed, f"{folder}/parent.safetensors")
    safetensors.numpy.save_file({"other": np.zeros(3, np.float32)}, f"{folder}/none.safetensors")
    given = {"file": f"{folder}/parent.safetensors", "trial": 7}
    described = trial(f"{folder}/child", epochs=2, start=given)
    model, notes = train.make_model(described, parts.train)
    held = {n: np.asarray(v) for n, v in train.checkpoint.weights_of(model).items()}
    nothing = {"file": f"{folder}/none.safetensors", "trial": 7}
    return {
        "notes": notes,
        "of": len(tensors),
        "different": [n for n, v in held.items() if not np.array_equal(v, tensors[n])],
        "lost": lost,
        "records": run(train, parts, described),
        "cold": run(train, parts, trial(f"{folder}/cold", epochs=1)),
        "nothing": run(train, parts, trial(f"{folder}/nothing", epochs=1, start=nothing)),
    }


def pace(folder: str, rows: int) -> Any:
    """How long a trial takes, and what was written meanwhile."""
    import train

    told = train.pace(trial(f"{folder}/pace"), few(train, rows), 0.05)
    return {"told": told, "files": os.listdir(f"{folder}/pace")}


def drawn(names: list[str]) -> Any:
    """Variance, mean, largest value and fourth moment of kernels that initializers draw."""
    import initializers
    from engine import keras, layers, set_up

    set_up({"threads": 1, "device": "cpu", "precision": "float32"})
    np.random.seed(0)

    def told(shape: tuple, layer: Any, name: str) -> list[float]:
        inputs = keras.Input(shape)
        model = keras.Model(inputs, layer(inputs))
        bias = np.asarray(layer.bias) + 0
        initializers.initialize(model, name)
        assert np.array_equal(bias, np.asarray(layer.bias))
        values = np.asarray(layer.weights[0]).astype(np.float64)
        moments = [values.var(), values.mean(), np.abs(values).max(), (values**4).mean()]
        return [float(number) for number in moments]

    return {
        name: {
            "dense": told((300,), layers.Dense(200), name),
            "convolution": told((9, 9, 24), layers.Conv2D(80, 5), name),
            "depthwise": told((9, 9, 900), layers.DepthwiseConv2D(7), name),
        }
        for name in names
    }


def odd() -> Any:
    """What the probe says of models made by hand, by name."""
    import feedback
    from engine import keras, layers, ops, set_up

    set_up({"threads": 1, "device": "cpu", "precision": "float32"})

    def model_of(shape: tuple, *made: Any) -> Any:
        inputs = keras.Input(shape)
        x = inputs
        for layer in made:
            x = layer(x)
        return keras.Model(inputs, x)

    def collect(model: Any, x: np.ndarray) -> Any:
        loss = lambda y, output: ops.mean(ops.square(ops.cast(output, "float32") - y), axis=-1)  # noqa: E731
        return feedback.Probe(model, loss, x, np.zeros((len(x), 1), np.float32)).collect()

    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    answers = {}
    dead = model_of((3,), layers.Dense(4, activation="relu"), layers.Dense(1))
    dead.layers[1].bias.assign([-1e3, -1e3, -1e3, 1e3])
    answers["dead"] = collect(dead, x)
    probe = feedback.Probe(
        dead, lambda y, output: ops.mean(ops.square(output - y), axis=-1), x,
        np.zeros((8, 1), np.float32),
    )  # fmt: skip
    dead.trainable = False
    answers["frozen"] = probe.collect()
    answers["frozen trainable"] = len(dead.trainable_variables)
    table = model_of((1,), layers.Embedding(10, 4), layers.Flatten(), layers.Dense(1))
    kernel = np.ones((4, 1), np.float32)
    kernel[0] = 0.0
    table.layers[3].kernel.assign(kernel)
    answers["table"] = collect(table, np.array([[1], [2], [2]]))
    deep = model_of(
        (5, 5, 3),
        layers.DepthwiseConv2D(3),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1),
    )
    deep.layers[3].kernel.assign([[1.0], [0.0], [1.0]])
    answers["depthwise"] = collect(deep, np.ones((2, 5, 5, 3), np.float32))
    broken = model_of((3,), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1))
    bad = np.ones((3, 4), np.float32)
    bad[0, :2] = np.nan
    broken.layers[1].kernel.assign(bad)
    broken.layers[2].moving_mean.assign([np.inf, 0, 0, 0])
    answers["broken"] = collect(broken, x)
    answers["bare"] = collect(model_of((3,), layers.BatchNormalization()), x)
    return answers


def differentiate(engine: str, model: Any, loss: Any, x: Any, y: Any) -> Any:
    """The gradients of the mean loss by every kernel, as the engine computes them; the loss."""
    y = y.astype(np.float32)
    held = [v for v in model.trainable_variables if len(v.shape) >= 2]
    if engine == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(tf.constant(y), model(x, training=False)))
        found = tape.gradient(value, [v.value for v in held])
        return [tf.convert_to_tensor(g).numpy() for g in found], float(value)
    if engine == "torch":
        import torch

        model.zero_grad()
        value = loss(torch.from_numpy(y), model(x, training=False)).mean()
        value.backward()
        return [v.value.grad.numpy() for v in held], float(value)
    import jax

    fixed = [v.value for v in model.non_trainable_variables]

    def value(weights: list) -> Any:
        output, _ = model.stateless_call(weights, fixed, x, training=False)
        return loss(y, output).mean()

    found = jax.grad(value)([v.value for v in model.trainable_variables])
    kernels = [np.asarray(g) for g in found if g.ndim >= 2]
    return kernels, float(value([v.value for v in model.trainable_variables]))


def variations(folder: str, rows: int) -> Any:
    """Trainings that differ in one thing each, by name."""
    import train

    parts = few(train, rows)
    plain = {"batch_size": 64, "optimizer": "sgd", "lr": 0.01, "rate": 0.0, "schedule": "constant"}

    def weights_after(name: str, **changes: Any) -> Any:
        place, config = f"{folder}/{name}", plain | changes.pop("config", {})
        records = run(train, parts, trial(place, epochs=2, config=config, **changes))
        return {"records": records, "weights": weights(place, records[-1])}

    answers = {
        "whole": weights_after("whole"),
        "parts": weights_after("parts", accumulate=2),
        "three": weights_after("three", accumulate=3),
        "clipped": weights_after("clipped", config={"clip_norm": 1e-3}),
        "bfloat16": weights_after("bfloat16", precision="bfloat16"),
        "float16": weights_after("float16", precision="float16"),
    }
    first = {"file": f"{folder}/whole/checkpoint-0001.safetensors", "epoch": 1}
    answers["changed"] = weights_after("changed", accumulate=2, resume=first)
    answers["burst"] = weights_after_burst = []
    for optimizer in ("sgd", "adamw"):
        wild = plain | {"lr": 1e6, "optimizer": optimizer, "momentum": 0.99}
        described = trial(f"{folder}/burst", epochs=40, config=wild)
        weights_after_burst.append(run(train, parts, described))
    model = train.build_model(CONFIG | plain)
    still = {"lr": 1e-12, "batch_size": 64}
    loss = weights_after("still", config=still)["records"][0]["metrics"]["loss"]
    train.checkpoint.load_weights(best(f"{folder}/still"), model)
    answers["still"] = {
        "loss": loss,
        "expected": train.validation_metrics(train.evaluate(model, parts.train), model)[
            "validation_loss"
        ],
    }
    train.checkpoint.load_weights(best(f"{folder}/whole"), model)
    answers["expected_test"] = train.evaluate(model, train.data.load_test())["rmse"]
    answers["test"] = train.test(
        trial(f"{folder}/whole", config=plain),
        str(best(f"{folder}/whole")),
    )
    return answers


def devices(asked: list[dict]) -> Any:
    """What set_up says to each trial, in one process: its number format, or an error.

    Where there is a GPU, the process goes on with it, so it is not asked for.
    """
    import engine

    answers = []
    for described in asked:
        if described["device"] in accelerators():
            answers.append("ValueError: not asked, or auto")
            continue
        try:
            engine.set_up(described)
            answers.append(engine.keras.config.dtype_policy().name)
        except ValueError as error:
            answers.append(f"ValueError: {error}")
    return answers


def accelerators() -> list[str]:
    """The devices besides the processor that PyTorch finds, as a stand-in for every engine."""
    if find_spec("torch") is None:
        return []
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [name for name, found in there.items() if found]


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    sys.path.insert(0, sys.argv[1])
    LATER = (steps, start, pace, drawn)
    COMMANDS = (follow, stock, rates, forked, again, gradients, variations, odd, devices, *LATER)
    known = {command.__name__: command for command in COMMANDS}
    asked = json.loads(sys.stdin.read())
    print(json.dumps({name: known[name](**words) for name, words in asked.items()}))
