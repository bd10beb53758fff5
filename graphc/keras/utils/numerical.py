"""Arrays of labels and of vectors, brought into the form that losses and models take."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc import arrays, linalg, math
from graphc.framework import is_tensor
from graphc.keras import config
from graphc_ir.errors import ArgumentError

__all__ = ["normalize", "to_categorical"]

Array: TypeAlias = NDArray[Any]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as one-hot vectors, for ``categorical_crossentropy``.

    Args:
        x: integers 0 to ``num_classes - 1``, shape ``[...]`` or ``[..., 1]``: a last axis of size 1 is dropped.
        num_classes: length of the vectors; None takes one more than the largest number.

    Returns:
        An array of float64, or for a tensor a tensor of float32, of shape ``[..., num_classes]``.

    Raises:
        ArgumentError: a number below 0 or too large, no numbers to find ``num_classes`` from, or a tensor
            without ``num_classes``.
    """
    if is_tensor(x):
        return _one_hot_tensor(x, num_classes)
    labels = np.asarray(x, np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    size = num_classes or _class_count(labels)
    if labels.size and not 0 <= labels.min() <= labels.max() < size:
        raise ArgumentError(
            f"to_categorical: the labels range from {labels.min()} to {labels.max()}, expected 0 to {size - 1} for "
            f"num_classes={size}; number the classes from 0, or raise num_classes"
        )
    return (labels[..., np.newaxis] == np.arange(size)).astype(np.float64)


def _class_count(labels: Array) -> int:
    if not labels.size:
        raise ArgumentError("to_categorical: x is empty, so the number of classes is unknown; give num_classes")
    return int(labels.max()) + 1


def _one_hot_tensor(labels: Any, num_classes: int | None) -> Any:
    if num_classes is None:
        raise ArgumentError("to_categorical: a tensor of labels needs num_classes, the length of the one-hot vectors")
    if len(labels.shape) > 1 and labels.shape[-1] == 1:
        labels = arrays.squeeze(labels, -1)
    return arrays.one_hot(labels, num_classes)


def normalize(x: Any, axis: int = -1, order: float = 2) -> Any:
    """``x`` divided by its norms along ``axis``; vectors of zeros stay as they are.

    Args:
        x: an array, or a tensor (or list), which gives a tensor.
        axis: along which the vectors lie.
        order: of the norm: 1, 2, ``inf`` or any p > 0.
    """
    if isinstance(x, np.ndarray):
        norms = np.linalg.norm(x, order, axis, keepdims=True)
        return x / np.where(norms == 0, 1, norms)
    tensor = arrays.constant(x, dtype=None) if not is_tensor(x) else x
    return tensor / math.maximum(linalg.norm(tensor, order, axis, keepdims=True), config.epsilon())
