"""Carries the weights of an emitted PyTorch model over to the emitted Keras model.

Both list their layers in the order in which they are made. What differs is how arrays lie: kernels
have inputs and outputs exchanged, and a flattened feature map has its channels last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def creation_order(keras: Any) -> Iterator[list[Any]]:
    """The layers that are made inside, in order; a model's own list is ordered by depth."""
    made: list[Any] = []
    original = keras.layers.Layer.__init__

    def recorded(self: Any, *args: Any, **kwargs: Any) -> None:
        if not any(layer is self for layer in made):
            made.append(self)
        original(self, *args, **kwargs)

    keras.layers.Layer.__init__ = recorded
    try:
        yield made
    finally:
        keras.layers.Layer.__init__ = original


def variables(keras: Any, made: list[Any]) -> list[Any]:
    """The saved variables of layers in the order of their making; a model owns none itself."""
    return [
        variable
        for layer in made
        if not isinstance(layer, keras.Model)
        for variable in layer.weights
    ]


def converted(array: np.ndarray, name: str, depthwise: bool) -> np.ndarray:
    """One PyTorch array as the Keras variable of that name holds it."""
    if array.ndim == 4:
        return array.transpose(2, 3, 0, 1) if depthwise else array.transpose(2, 3, 1, 0)
    if array.ndim == 3:
        return array.transpose(2, 0, 1) if depthwise else array.transpose(2, 1, 0)
    return array.T if array.ndim == 2 and name.endswith("kernel") else array


def carry_over(
    state: list[np.ndarray], targets: list[Any], flattened: tuple[int, int, int] | None
) -> None:
    """Assign PyTorch's arrays to Keras's variables.

    `flattened` is the channels, height and width that the model lays out as a vector, if it does.
    """
    assert len(state) == len(targets), ([a.shape for a in state], [v.path for v in targets])
    for array, target in zip(state, targets, strict=True):
        depthwise = "depthwise" in target.path
        value = converted(array, target.name, depthwise)
        if flattened and target.name == "kernel" and value.ndim == 2:
            c, h, w = flattened
            if value.shape[0] == c * h * w:
                value = value.reshape(c, h, w, -1).transpose(1, 2, 0, 3).reshape(value.shape)
                flattened = None
        assert tuple(target.shape) == value.shape, (target.path, target.shape, value.shape)
        target.assign(value)
