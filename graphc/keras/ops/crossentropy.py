"""``keras.ops.nn``: labels as vectors, and cross entropies of single predictions."""

from __future__ import annotations

import math
from typing import Any

from graphc.keras.config import epsilon, standardize_dtype
from graphc.keras.engine.operation import operation
from graphc.keras.ops.promotion import as_index, convert, floats, promoted
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import creation, nn
from graphc_ir.ops.arithmetic import clip_by_value
from graphc_ir.ops.base import Operand, dtype_of, normalize_axis, rank_of, shape_of
from graphc_ir.ops.elementwise import add, cast, div, log, mul, neg, square, sub
from graphc_ir.ops.movement import squeeze
from graphc_ir.ops.rearrange import moveaxis
from graphc_ir.ops.reduction import reduce_max, reduce_mean, reduce_sum

__all__ = [
    "binary_crossentropy", "categorical_crossentropy", "multi_hot", "one_hot", "psnr",
    "sparse_categorical_crossentropy",
]  # fmt: skip


# --- labels as vectors -----------------------------------------------------------------------------------------------


def _refuse_sparse(what: str, sparse: bool) -> None:
    if sparse:
        raise ArgumentError(f"{what}: graphc has no sparse tensors; use sparse=False")


@operation("nn", settings="dtype")
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """Vectors along a new axis that are 1 at the class number and 0 elsewhere; all 0 for a number out of range."""
    _refuse_sparse("one_hot", sparse)
    return creation.one_hot(as_index(x), num_classes, axis=axis, dtype=standardize_dtype(dtype))


@operation("nn", "inputs", settings="dtype")
def multi_hot(inputs: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """Vectors that are 1 at each of the class numbers along the last axis of the inputs, which they replace."""
    _refuse_sparse("multi_hot", sparse)
    numbers = as_index(inputs)
    hits = creation.one_hot(numbers, num_classes, axis=axis, dtype="int32")
    if rank_of(numbers):
        place = normalize_axis(axis, rank_of(hits))
        hits = reduce_max(hits, rank_of(numbers) - 1 if place >= rank_of(numbers) else rank_of(numbers))
    return convert(hits, standardize_dtype(dtype))


# --- cross entropies -------------------------------------------------------------------------------------------------


def _clipped(probabilities: Operand) -> Operand:
    """Probabilities kept away from 0 and 1 by the fuzz factor, so that logarithms are finite."""
    return clip_by_value(probabilities, epsilon(), 1 - epsilon())


def _pair(what: str, target: Any, output: Any) -> tuple[Operand, Operand]:
    prediction = floats(output)
    labels = convert(target, dtype_of(prediction))
    sizes = list(zip(shape_of(labels), shape_of(prediction), strict=False))
    known = [(a, b) for a, b in sizes if isinstance(a, int) and isinstance(b, int)]
    if rank_of(labels) != rank_of(prediction) or any(a != b for a, b in known):
        raise ShapeError(f"{what}: got a target of shape {tuple(shape_of(labels))} and an output of shape "
                         f"{tuple(shape_of(prediction))}, expected the same shape")  # fmt: skip
    return labels, prediction


@operation("nn", "target output")
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """``-target * log(output) - (1 - target) * log(1 - output)`` of each element.

    ``output``: probabilities, or logits if ``from_logits``. Raises ShapeError when the shapes differ.
    """
    labels, prediction = _pair("binary_crossentropy", target, output)
    if from_logits:
        return nn.sigmoid_cross_entropy_with_logits(labels, prediction)
    safe = _clipped(prediction)
    return neg(add(mul(labels, log(safe)), mul(sub(1, labels), log(sub(1, safe)))))


@operation("nn", "target output")
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-sum(target * log(output))`` over the classes, which lie along ``axis``.

    ``output``: numbers that are scaled to a distribution, or logits if ``from_logits``.
    Raises ShapeError when the shapes differ.
    """
    labels, prediction = _pair("categorical_crossentropy", target, output)
    if from_logits:
        return nn.softmax_cross_entropy_with_logits(labels, prediction, axis)
    scaled = div(prediction, reduce_sum(prediction, axis, True))
    return neg(reduce_sum(mul(labels, log(_clipped(scaled))), axis))


@operation("nn", "target output")
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """:func:`categorical_crossentropy` for class numbers.

    The target lacks the axis of the classes, or has size 1 there. Raises ShapeError for a target of another rank.
    """
    prediction, numbers = floats(output), as_index(target)
    place = normalize_axis(axis, rank_of(prediction))
    if rank_of(numbers) == rank_of(prediction) and shape_of(numbers)[place] == 1:
        numbers = squeeze(numbers, place)
    if rank_of(numbers) != rank_of(prediction) - 1:
        raise ShapeError(f"sparse_categorical_crossentropy: got a target of shape {tuple(shape_of(numbers))} for an "
                         f"output of shape {tuple(shape_of(prediction))}, expected it without axis {axis}")  # fmt: skip
    last = moveaxis(prediction, place, -1)
    logits = last if from_logits else log(_clipped(last))
    return nn.sparse_softmax_cross_entropy_with_logits(numbers, logits)


@operation("nn", "x1 x2", class_name="PSNR")
def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """The peak signal-to-noise ratio of two images in decibels; ``max_val`` is the largest possible value."""
    a, b = promoted(x1, x2, at_least=(float,))
    error = reduce_mean(square(sub(a, b)))
    peak = log(cast(float(max_val) ** 2, dtype_of(error)))
    return mul(sub(peak, log(error)), 10 / math.log(10))
