"""Words of other tools: what a newcomer writes who knows them, and what is said here instead.

Looked up for unknown keys and unknown domains only; a word that is near to one of ours, or has a
plain synonym (spec/suggest.py), needs no entry.
"""

from __future__ import annotations

# A key that no section has -> what to write.
KEYS: dict[str, str] = {
    # Optuna, Ray Tune, KerasTuner
    "n_trials": "the number of trials is budget: {trials: 20}",
    "max_trials": "the number of trials is budget: {trials: 20}",
    "num_trials": "the number of trials is budget: {trials: 20}",
    "num_samples": "the number of trials is budget: {trials: 20}",
    "trial_num": "the number of trials is budget: {trials: 20}",
    "n_calls": "the number of trials is budget: {trials: 20}",
    "executions_per_trial": "each trial trains once; vary the spec's seed for repeats",
    "max_time": "the time of a search is budget: {wall: 2h}",
    "max_runtime": "the time of a search is budget: {wall: 2h}",
    "time_budget": "the time of a search is budget: {wall: 2h}",
    "time_limit": "the time of a search is budget: {wall: 2h}",
    "timeout": "the time of a search is budget: {wall: 2h}",
    "max_time_mins": "the time of a search is budget: {wall: 30min}",
    "time_left_for_this_task": "the time of a search is budget: {wall: 1h}",
    "direction": "the direction is task: {goal: maximize}; the metric's own is the default",
    "directions": "a search has one metric: task: {metric: accuracy}",
    "objective": "what is improved is task: {metric: accuracy}, on the validation part",
    "optimization_metric": "what is improved is task: {metric: accuracy}",
    "eval_metric": "what is improved is task: {metric: accuracy}",
    "scoring": "what is improved is task: {metric: accuracy}",
    "monitor_metric": "what is improved is task: {metric: accuracy}",
    "metrics": "a search improves one metric: task: {metric: accuracy}; others are reported",
    "search_space": "what may vary is space: {parameters: …}",
    "hyperparameters": "what may vary is space: {parameters: …}",
    "hyperparameter_space": "what may vary is space: {parameters: …}",
    "hyperopt": "what may vary is space: {parameters: …}, who searches is search: tpe",
    "hpo": "what may vary is space: {parameters: …}, who searches is search: tpe",
    "param_grid": "list the values in space.parameters and write search: grid",
    "param_distributions": "what may vary is space: {parameters: …}",
    "sweep": "what may vary is space: {parameters: …}, the trials are budget: {trials: 20}",
    "tuner": "who proposes trials is search: tpe",
    "optimizer_name": "the optimizer is a parameter: space: {parameters: {optimizer: adam}}",
    "early_stopping": "who ends trials early is stopping: asha",
    "early_stop": "who ends trials early is stopping: asha",
    "patience": "trials are ended by stopping: asha or median, not by a patience",
    "callbacks": "there are none: stopping: ends trials, monitor: judges them",
    # Ludwig
    "input_features": "the columns are found; correct them with data: {columns: {age: number}}",
    "output_features": "the column to predict is data: {target: price}",
    "combiner": "the architecture is space: {preset: image/blocks} or space: {model: [...]}",
    "trainer": "training's parameters are in space.parameters, its length in budget: {epochs: 10}",
    "training": "training's parameters are in space.parameters, its length in budget: {epochs: 10}",
    "preprocessing": "how data is read is data: {split: …, missing: …, image: …, text: …}",
    "model_type": "the architecture is space: {preset: image/blocks}",
    "backend_type": "the backend is backend: pytorch or backend: keras",
    # Hydra
    "defaults": "a spec builds on another with extends: base.yaml; a preset is "
    "space: {preset: image/blocks}",
    "hydra": "runs have their own folders: automlc run SPEC --run-dir DIR",
    "_target_": "a spec names no Python objects; the model is space: {preset: image/blocks} "
    "or space: {model: [...]}",
    "_partial_": "a spec names no Python objects",
    **dict.fromkeys(
        ("include", "includes", "import", "imports", "inherit", "inherits", "parent", "base"),
        "a spec builds on another with extends: base.yaml",
    ),
    "override": "write the value itself; a spec has one place for each",
    # Keras, Lightning and scikit-learn
    "model": "the model is space: {preset: image/blocks} or space: {model: [...]}",
    "layers": "the layers are space: {model: [...]}",
    "batch_size": "a parameter of training: space: {parameters: {batch_size: 64}}",
    "learning_rate": "a parameter of training: space: {parameters: {lr: 0.001}}",
    "lr": "a parameter of training: space: {parameters: {lr: 0.001}}",
    "optimizer": "a parameter of training: space: {parameters: {optimizer: adam}}",
    "dropout": "a parameter of the model: space: {parameters: {dropout: 0.2}}",
    "loss": "the loss follows from task.kind; what is improved is task: {metric: …}",
    "max_steps": "the length of a trial is budget: {epochs: 10}",
    "steps": "the length of a trial is budget: {epochs: 10}",
    "random_state": "the seed of everything is seed: 0, at the top",
    "random_seed": "the seed of everything is seed: 0, at the top",
    "gpus": "the device is backend: {kind: pytorch, device: cuda}",
    "accelerator": "the device is backend: {kind: pytorch, device: auto}",
    "num_workers": "how many trials run at once is automlc run --workers 2",
    "n_jobs": "how many trials run at once is automlc run --workers 2",
    "workers": "how many trials run at once is automlc run --workers 2",
    "test_size": "the parts are data: {split: {validation: 20%, test: 20%}}",
    "val_split": "the parts are data: {split: {validation: 20%, test: 20%}}",
    "validation_split": "the parts are data: {split: {validation: 20%, test: 20%}}",
    "dataset": "the data is data: {source: train.csv}",
    "train": "the data is data: {source: train.csv}; its parts are data.split",
    "label_column": "the column to predict is data: {target: price}",
    "project": "the project's name is name: my-task",
    "experiment_name": "the project's name is name: my-task",
    "devices": "the device is backend: {kind: pytorch, device: cuda}",
    "memory_limit": "the memory of a trial is budget: {memory: 4GB}",
    "ensemble_size": "a search ends with one model; there are no ensembles",
    "cv": "trials are compared on one part: data: {split: {validation: 20%}}",
    "folds": "trials are compared on one part: data: {split: {validation: 20%}}",
    "backend.keras": "the backend is backend: {kind: keras}; its other keys stand beside kind",
    "backend.pytorch": "the backend is backend: {kind: pytorch}; its other keys stand beside kind",
    "data.split.train": "training keeps what validation and test leave: remove it",
    "data.split.training": "training keeps what validation and test leave: remove it",
    "version": "the version of the language is automlc: 1",
    "type": "what is learned is task: {kind: image_classification}",
}
# A key in the mapping of a parameter -> what to write.
PARAMETER_KEYS: dict[str, str] = {
    **dict.fromkeys(
        ("min", "max", "low", "high", "lower", "upper", "minimum", "maximum", "min_value",
         "max_value", "bounds", "start", "stop", "end"),
        "the bounds stand in a list: {float: [0, 1]} or {int: [1, 8]}",
    ),
    **dict.fromkeys(
        ("type", "kind", "distribution", "dist", "domain", "name", "_type", "_value", "space"),
        "the kind of domain is the key: {float: [0, 1]} or {choice: [a, b]}",
    ),
    **dict.fromkeys(
        ("log", "scale", "sampling", "log_scale", "base"),
        "write {log_uniform: [1e-4, 1e-1]} or {log_int: [16, 512]}",
    ),
    **dict.fromkeys(("q", "quantization", "num_bins"), "write {int: [0, 8], step: 2}"),
    **dict.fromkeys(
        ("parent", "conditions", "depends_on", "parent_name", "parent_values"),
        'write the condition as when: optimizer == "sgd"',
    ),
}  # fmt: skip
# A function where a domain is expected -> the domain with its arguments.
DOMAINS: dict[str, str] = {
    "suggest_float": "write float(0, 0.5), or log_uniform(1e-4, 1e-1) for log=True",
    "trial.suggest_float": "write float(0, 0.5), or log_uniform(1e-4, 1e-1) for log=True",
    "suggest_loguniform": "write log_uniform(1e-4, 1e-1)",
    "trial.suggest_loguniform": "write log_uniform(1e-4, 1e-1)",
    "suggest_uniform": "write float(0, 0.5)",
    "trial.suggest_uniform": "write float(0, 0.5)",
    "suggest_int": "write int(1, 8)",
    "trial.suggest_int": "write int(1, 8)",
    "suggest_categorical": "write choice(a, b)",
    "trial.suggest_categorical": "write choice(a, b)",
    "hp.Choice": "write choice(a, b)",
    "hp.Int": "write int(1, 8), or {int: [1, 9], step: 2}",
    "hp.Float": "write float(0, 0.5), or log_uniform(1e-4, 1e-1)",
    "hp.Boolean": "write choice(true, false)",
    "hp.choice": "write choice(a, b)",
    "hp.uniform": "write float(0, 0.5)",
    "hp.loguniform": "write log_uniform(1e-4, 1e-1): the bounds themselves, not their logarithms",
    "hp.quniform": "write int(1, 8), or {int: [1, 9], step: 2}",
    "tune.choice": "write choice(a, b)",
    "tune.uniform": "write float(0, 0.5)",
    "tune.loguniform": "write log_uniform(1e-4, 1e-1)",
    "tune.randint": "write int(1, 8): both ends belong to it",
    "tune.grid_search": "write choice(a, b) and search: grid",
    "quniform": "write int(1, 8), or {int: [1, 9], step: 2}",
    "qloguniform": "write log_int(16, 512)",
    "lognormal": "write log_uniform(1e-4, 1e-1)",
    "normal": "write float(0, 0.5): domains have bounds",
    "interval": "write float(0, 0.5)",
    "tag": "write the domain alone, such as log_uniform(1e-4, 1e-1)",
    "grid": "write choice(a, b) and search: grid",
    "linspace": "write choice(0.1, 0.2), or float(0, 0.5)",
    "logspace": "write log_uniform(1e-4, 1e-1)",
    "list": "write choice(a, b)",
    "values": "write choice(a, b)",
    "bool": "write choice(true, false)",
    "boolean": "write choice(true, false)",
}


def of_key(word: str, where: str = "") -> str | None:
    """What to write for another tool's key in the section `where`."""
    return KEYS.get(f"{where}.{word}") or KEYS.get(word) or KEYS.get(word.lower())


def of_parameter_key(word: str) -> str | None:
    """What to write for a key that other tools give a parameter."""
    return PARAMETER_KEYS.get(word.lower())


def of_domain(word: str) -> str | None:
    """What to write for another tool's distribution."""
    return DOMAINS.get(word) or DOMAINS.get(word.rpartition(".")[2])
