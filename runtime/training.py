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
