"""Did you mean: the nearest known word to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable

# Words of other tools and of everyday speech -> ours. A near spelling is only sought without one.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "gpu": ("cuda",),
    "min": ("minimize",),
    "max": ("maximize",),
    "numeric": ("number",),
    "numerical": ("number",),
    "categorical": ("choice", "category"),
    "drop": ("ignore",),
    "skip": ("ignore",),
    "fp32": ("float32",),
    "fp16": ("float16",),
    "half": ("float16",),
    "bf16": ("bfloat16",),
    "int64": ("number",),
    "int32": ("number",),
    "float64": ("number",),
    "object": ("category",),
    "string": ("text",),
    "str": ("text",),
    "bool": ("category",),
    "boolean": ("category",),
    "higher": ("maximize",),
    "larger": ("maximize",),
    "maximise": ("maximize",),
    "lower": ("minimize",),
    "smaller": ("minimize",),
    "minimise": ("minimize",),
    "type": ("kind",),
    "task_type": ("kind",),
    "problem_type": ("kind",),
    "objective": ("metric",),
    "eval_metric": ("metric",),
    "scoring": ("metric",),
    "algo": ("strategy",),
    "learning_rate": ("lr",),
    "learningrate": ("lr",),
    "wd": ("weight_decay",),
    "l2": ("weight_decay",),
    "decay": ("weight_decay",),
    "bs": ("batch_size",),
    "linear": ("dense",),
    "fc": ("dense",),
    "fully_connected": ("dense",),
    "pretrained_model": ("pretrained",),
    "kernel_size": ("kernel",),
    "out_channels": ("filters",),
    "channels_out": ("filters",),
    "strides": ("stride",),
    "neurons": ("units",),
    "p": ("rate",),
    "loss": ("log_loss",),
    "cross_entropy": ("log_loss",),
    "crossentropy": ("log_loss",),
    "acc": ("accuracy",),
    "val_acc": ("accuracy",),
    "val_loss": ("log_loss",),
    "mse": ("rmse",),
    "mean_squared_error": ("rmse",),
    "neg_mean_squared_error": ("rmse",),
    "neg_root_mean_squared_error": ("rmse",),
    "mean_absolute_error": ("mae",),
    "neg_mean_absolute_error": ("mae",),
    "r2_score": ("r2",),
    "f1_macro": ("f1",),
    "f1_score": ("f1",),
    "ashascheduler": ("asha",),
    "medianpruner": ("median",),
    "medianstoppingrule": ("median",),
    "successivehalving": ("asha",),
    "hyperbandpruner": ("hyperband",),
    "tpesampler": ("tpe",),
    "bayesian": ("tpe", "gp"),
    "bayes": ("tpe", "gp"),
    "random_search": ("random",),
    "grid_search": ("grid",),
    "torch": ("pytorch",),
    "tf": ("tensorflow",),
    "params": ("parameters", "model.params"),
    "size": ("model.size",),
    "flops": ("model.macs",),
    "model.flops": ("model.macs",),
    "model.memory": ("model.activation_memory", "training.memory"),
    "memory": ("training.memory",),
    "train.memory": ("training.memory",),
    "values": ("choice",),
    "options": ("choice",),
    "categories": ("choice",),
    "enum": ("choice",),
    "value": ("fixed",),
    "const": ("fixed",),
    "randint": ("int",),
    "integer": ("int",),
    "range": ("int",),
    "real": ("float",),
    "double": ("float",),
    "if": ("when",),
    "condition": ("when",),
    "scheduler": ("stopping",),
    "pruner": ("stopping",),
    "searcher": ("search",),
    "sampler": ("search",),
    "algorithm": ("strategy",),
    "path": ("source",),
    "label": ("target",),
    "n_trials": ("trials",),
    "max_epochs": ("epochs",),
    "timeout": ("wall",),
    "val": ("validation",),
    "direction": ("goal",),
    "mode": ("goal",),
}
# Words whose meaning here differs a little: what they are put right with is only likely.
DOUBTFUL = frozenset(
    "range timeout half double direction mode flops model.flops mse mean_squared_error"
    " neg_mean_squared_error object loss val_loss objective decay torch".split()
)
# Longer words are never typos of keys, and the distance below is quadratic in length.
_LONGEST = 64


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely was meant to be, or None when nothing is near.

    A third of the letters may differ: at least one, at most three.
    """
    if not word or len(word) > _LONGEST:
        return None
    plain = _plain(word)
    known = list(known)
    meant = next((ours for ours in SYNONYMS.get(word.lower(), ()) if ours in known), None)
    if meant:
        return meant
    limit = min(max(1, len(plain) // 3), 3)
    best: tuple[int, str] | None = None
    for candidate in known:
        other = _plain(candidate)
        if abs(len(other) - len(plain)) > limit:
            continue
        distance = _distance(plain, other, limit)
        if (
            distance <= limit
            and distance < len(other) - (len(other) > 2)
            and (best is None or distance < best[0])
        ):
            best = (distance, candidate)
    return None if best is None else best[1]


def _plain(word: str) -> str:
    """Case and separators are what people confuse most, so they cost nothing."""
    return word.lower().replace("-", "").replace("_", "").replace(" ", "")


def _distance(left: str, right: str, limit: int) -> int:
    """Optimal string alignment distance (swapped neighbors count once); > limit means far."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        after = [i] + [0] * len(right)
        for j, b in enumerate(right, 1):
            after[j] = min(row[j] + 1, after[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                after[j] = min(after[j], before[j - 2] + 1)
        if min(after) > limit:
            return limit + 1
        before, row = row, after
    return row[-1]
