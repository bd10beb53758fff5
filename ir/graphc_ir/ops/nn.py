"""Softmax, losses on logits, and small helpers of neural networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.activation import sigmoid, softplus
from graphc_ir.ops.base import (
    Array,
    NotDifferentiable,
    Op,
    Operand,
    bind,
    dtype_of,
    lift,
    normalize_axis,
    rank_of,
    shape_of,
    type_of,
)
from graphc_ir.ops.creation import one_hot
from graphc_ir.ops.elementwise import (
    add,
    cast,
    check_kind,
    equal,
    exp,
    greater,
    greater_equal,
    less,
    mul,
    neg,
    relu,
    select,
    square,
    sub,
)
from graphc_ir.ops.gather import gather
from graphc_ir.ops.logical import is_finite, logical_and
from graphc_ir.ops.movement import concat, expand_dims, reshape, squeeze, transpose
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.types import TensorType


class AlongAxis(Op, abstract=True):
    """Floats in, the same shape out, computed along ``axis`` (non-negative)."""

    axis: int

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, "f", x)
        if not 0 <= self.axis < x.rank:
            raise ShapeError(f"{self.name} along axis {self.axis} got {x}; expected rank {self.axis + 1} or more")
        return x

    def accepts_out(self) -> bool:
        return True


def shifted(x: Array, axis: int, out: Array | None = None) -> Any:
    """x minus its maximum along the axis, so that its exponentials cannot overflow."""
    top = np.maximum.reduce(x, axis=axis, keepdims=True, initial=None if x.shape[axis] else 0)
    return np.subtract(x, top, out=out)


class Softmax(AlongAxis):
    """exp(x) / sum(exp(x)) along an axis."""

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        y = shifted(x, self.axis, out)
        np.exp(y, out=y)
        return np.divide(y, np.add.reduce(y, axis=self.axis, keepdims=True), out=y)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        weighted = mul(g, y)
        return sub(weighted, mul(y, reduce_sum(weighted, self.axis, keepdims=True)))


class LogSoftmax(AlongAxis):
    """log(softmax(x)) along an axis, without its loss of precision."""

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        y = shifted(x, self.axis, out)
        total = np.add.reduce(np.exp(y), axis=self.axis, keepdims=True)
        return np.subtract(y, np.log(total, out=total), out=y)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return sub(g, mul(exp(y), reduce_sum(g, self.axis, keepdims=True)))


class SoftmaxCrossEntropy(Op):
    """-sum(labels * log_softmax(logits)) over the last axis: (labels, logits) -> losses."""

    def infer(self, labels: TensorType, logits: TensorType) -> TensorType:
        check_kind(self, "f", labels, logits)
        if not logits.rank:
            raise ShapeError(f"{self.name} needs logits of rank 1 or more, got {logits}")
        _require_same_shape(self.name, labels, logits)
        return logits.with_shape(logits.shape[:-1])

    def kernel(self, labels: Array, logits: Array) -> Any:
        z = shifted(logits, -1)
        total = np.log(np.add.reduce(np.exp(z), axis=-1, keepdims=True))
        np.subtract(total, z, out=z)
        # A label of 0 gives no loss, even where the logit is -inf.
        return np.add.reduce(np.multiply(z, labels, out=np.zeros_like(z), where=labels != 0), axis=-1)

    def vjp(self, g: Operand, y: Operand, labels: Operand, logits: Operand) -> Any:
        spread = expand_dims(g, -1)
        mass = reduce_sum(labels, -1, keepdims=True)
        return (
            lambda: neg(mul(spread, log_softmax(logits))),
            lambda: mul(spread, sub(mul(softmax(logits), mass), labels)),
        )

    def decompose(self, labels: Operand, logits: Operand) -> Operand:
        products = mul(labels, log_softmax(logits))
        return neg(reduce_sum(select(equal(labels, 0), lift(0, dtype_of(logits)), products), -1))


class SparseSoftmaxCrossEntropy(Op):
    """-log_softmax(logits)[label] over the last axis: (integer labels, logits) -> losses."""

    def infer(self, labels: TensorType, logits: TensorType) -> TensorType:
        check_kind(self, "f", logits)
        if not labels.dtype.is_integer:
            raise DTypeError(f"{self.name} needs integer labels, got {labels}; for one probability per class "
                             f"use "
                             "softmax_cross_entropy_with_logits")  # fmt: skip
        if labels.rank != logits.rank - 1:
            raise ShapeError(f"{self.name}: labels {labels} must have one axis less than logits {logits}; "
                             f"for one-hot "
                             "labels use softmax_cross_entropy_with_logits")  # fmt: skip
        _require_same_shape(self.name, labels, logits.with_shape(logits.shape[:-1]))
        return logits.with_shape(logits.shape[:-1])

    def kernel(self, labels: Array, logits: Array) -> Any:
        classes = logits.shape[-1]
        if labels.size and not (labels.min() >= 0 and labels.max() < classes):
            raise ArgumentError(f"{self.name}: labels reach from {labels.min()} to {labels.max()}, but "
                                f"logits have "
                                f"{classes} classes; expected labels from 0 to {classes - 1}")  # fmt: skip
        z = shifted(logits, -1)
        chosen = np.take_along_axis(z, np.expand_dims(labels, -1).astype(np.intp), -1)
        total = np.add.reduce(np.exp(z, out=z), axis=-1, keepdims=True)
        return np.subtract(np.log(total, out=total), chosen, out=total)[..., 0]

    def vjp(self, g: Operand, y: Operand, labels: Operand, logits: Operand) -> Any:
        hot = self._one_hot(labels, logits)
        return NotDifferentiable("integer labels"), mul(expand_dims(g, -1), sub(softmax(logits), hot))

    def _one_hot(self, labels: Operand, logits: Operand) -> Operand:
        return one_hot(labels, shape_of(logits)[-1], dtype=dtype_of(logits))

    def decompose(self, labels: Operand, logits: Operand) -> Operand:
        hit = cast(self._one_hot(labels, logits), "bool")
        return neg(reduce_sum(select(hit, log_softmax(logits), lift(0, dtype_of(logits))), -1))


class SigmoidCrossEntropy(Op):
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)), element by element, without
    overflow."""

    is_elementwise = True

    def infer(self, labels: TensorType, logits: TensorType) -> TensorType:
        check_kind(self, "f", labels, logits)
        _require_same_shape(self.name, labels, logits)
        return logits

    def kernel(self, labels: Array, logits: Array, out: Array | None = None) -> Any:
        loss = np.abs(logits)
        np.negative(loss, out=loss)
        np.log1p(np.exp(loss, out=loss), out=loss)
        loss += np.maximum(logits, 0)
        return np.subtract(loss, logits * labels, out=out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, labels: Operand, logits: Operand) -> Any:
        return (lambda: neg(mul(g, logits))), (lambda: mul(g, sub(sigmoid(logits), labels)))

    def decompose(self, labels: Operand, logits: Operand) -> Operand:
        return add(mul(logits, sub(1, labels)), softplus(neg(logits)))


def _require_same_shape(name: str, labels: TensorType, logits: TensorType) -> None:
    try:
        if labels.rank != logits.rank:
            raise ValueError(f"ranks {labels.rank} and {logits.rank} differ")
        for axis, (a, b) in enumerate(zip(labels.shape, logits.shape, strict=True)):
            dims.require_equal(a, b, f"axis {axis}")
    except ValueError as error:
        raise ShapeError(f"{name}: labels {labels} and logits {logits} do not fit: {error}") from error


def softmax(logits: Any, axis: int = -1) -> Operand:
    """exp(x) / sum(exp(x)) along ``axis``. Rows that are all -inf give NaN."""
    x = lift(logits)
    return bind(Softmax(normalize_axis(axis, rank_of(x))), x)


def log_softmax(logits: Any, axis: int = -1) -> Operand:
    """log(softmax(x)) along ``axis``."""
    x = lift(logits)
    return bind(LogSoftmax(normalize_axis(axis, rank_of(x))), x)


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1) -> Operand:
    """The cross entropy between label probabilities and softmax(logits): shape of logits without ``axis``.

    Labels that do not sum to 1 scale the loss and its gradient. Raises ShapeError when shapes differ.
    """
    logit = lift(logits)
    label = lift(labels, dtype_of(logit))
    rank = rank_of(logit)
    place = normalize_axis(axis, rank)
    if place != rank - 1 and rank_of(label) == rank:
        order = (*(i for i in range(rank) if i != place), place)
        label, logit = transpose(label, order), transpose(logit, order)
    return bind(SoftmaxCrossEntropy(), label, logit)


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any) -> Operand:
    """-log_softmax(logits)[label] for integer labels: shape of labels.

    Raises DTypeError for labels that are no integers, ShapeError for shapes that do not fit, ArgumentError
    for a label outside [0, classes).
    """
    return bind(SparseSoftmaxCrossEntropy(), lift(labels), lift(logits))


def sigmoid_cross_entropy_with_logits(labels: Any, logits: Any) -> Operand:
    """The binary cross entropy between labels and sigmoid(logits), element by element."""
    logit = lift(logits)
    return bind(SigmoidCrossEntropy(), lift(labels, dtype_of(logit)), logit)


def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any) -> Operand:
    """Like :func:`sigmoid_cross_entropy_with_logits`, the loss of positive labels times ``pos_weight``."""
    logit = lift(logits)
    label = lift(labels, dtype_of(logit))
    _require_same_shape("weighted_cross_entropy_with_logits", type_of(label), type_of(logit))
    weight = add(1, mul(sub(pos_weight, 1), label))
    return add(mul(sub(1, label), logit), mul(weight, softplus(neg(logit))))


def l2_loss(x: Any) -> Operand:
    """sum(x ** 2) / 2, a scalar."""
    return mul(reduce_sum(square(lift(x))), 0.5)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Operand:
    """``x`` plus a vector along its channels: the last axis, or axis 1 for ``"NC..."`` formats."""
    value = lift(x)
    vector = lift(bias, dtype_of(value))
    if rank_of(vector) != 1 or rank_of(value) < 2:
        raise ShapeError(
            f"bias_add needs data of rank 2 or more and a vector, got {type_of(value)} and {type_of(vector)}"
        )
    if data_format is None or not data_format.upper().startswith("NC"):
        return add(value, vector)
    return add(value, reshape(vector, (*shape_of(vector), *(1,) * (rank_of(value) - 2))))


def in_top_k(targets: Any, predictions: Any, k: int) -> Operand:
    """Whether each row's target class is among its ``k`` largest predictions; ties with the last place count
    as in.

    ``targets``: integers (batch); ``predictions``: floats (batch, classes). Rows whose target prediction is
    not finite, or whose target is no class, give False.
    """
    scores, target = lift(predictions), lift(targets)
    if rank_of(scores) != 2 or rank_of(target) != 1:
        raise ShapeError(f"in_top_k needs targets (batch) and predictions (batch, classes), got "
                         f"{type_of(target)} and "
                         f"{type_of(scores)}")  # fmt: skip
    if not dtype_of(target).is_integer:
        raise DTypeError(f"in_top_k: targets must be class numbers, got {dtype_of(target).name}")
    zero = lift(0, dtype_of(scores))
    hot = one_hot(target, shape_of(scores)[1], dtype="bool")
    chosen = reduce_sum(select(hot, scores, zero), 1, keepdims=True)
    better = reduce_sum(cast(greater(scores, chosen), "int32"), 1)
    exists = greater(reduce_sum(cast(hot, "int32"), 1), 0)
    return logical_and(logical_and(less(better, k), exists), squeeze(is_finite(chosen), 1))


def dropout_with(x: Any, uniform: Any, rate: float) -> Operand:
    """``x / (1 - rate)`` where ``uniform`` (random numbers from [0, 1), broadcast to x) is at least ``rate``,
    else 0."""
    if not 0 <= rate < 1:
        raise ArgumentError(f"dropout: rate={rate!r} is the share to drop; expected a number in [0, 1)")
    value = lift(x)
    kept = cast(greater_equal(lift(uniform, dtype_of(value)), rate), dtype_of(value))
    return mul(value, mul(kept, 1 / (1 - rate)))


def crelu(x: Any, axis: int = -1) -> Operand:
    """relu(x) and relu(-x) side by side along ``axis``."""
    value = lift(x)
    return concat([relu(value), relu(neg(value))], axis)


def embedding_lookup(table: Any, ids: Any) -> Operand:
    """Rows of ``table`` (rows, ...) at integer ids: shape ids.shape + table.shape[1:]."""
    return gather(table, ids, 0)
