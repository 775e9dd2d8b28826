"""What belongs to the training of a model and not to the model itself."""

# The parameters that the emitted training loop reads; everything else must be used by the model.
TRAINING_PARAMETERS = (
    "optimizer",
    "lr",
    "weight_decay",
    "momentum",
    "batch_size",
    "schedule",
    "warmup",
    "label_smoothing",
    "clip_norm",
    "initializer",
    "end_lr",
    "steps",
    "step_ratio",
    "step_scale",
    "step_freeze",
)

# Where a training parameter has no value (it may be conditional), this is used.
FALLBACK: dict[str, float | str] = {
    "weight_decay": 0.0,
    "momentum": 0.0,
    "warmup": 0.0,
    "label_smoothing": 0.0,
    "clip_norm": 0.0,
    "initializer": "default",
    "end_lr": 0.0,
    "steps": "one",
    "step_ratio": 0.2,
    "step_scale": 0.1,
    "step_freeze": "all",
}
