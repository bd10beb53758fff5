"""Intersection over union: how well predicted areas cover those of the targets, class by class."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from graphc.keras.config import epsilon
from graphc.keras.losses.arguments import convert
from graphc.keras.metrics.base import Metric
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, dtype_of, lift, rank_of
from graphc_ir.ops.creation import ones_like
from graphc_ir.ops.diagonal import diag_part
from graphc_ir.ops.elementwise import (
    add,
    cast,
    div,
    greater,
    greater_equal,
    less,
    mul,
    not_equal,
    select,
    sub,
)
from graphc_ir.ops.gather import gather
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.reduction import argmax, reduce_sum
from graphc_ir.ops.segment import confusion_matrix

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class IoU(Metric):
    """The mean over the classes ``target_class_ids`` of ``TP / (TP + FP + FN)``; classes that never occur are left out.

    ``sparse_y_true`` and ``sparse_y_pred``: class numbers of any shape; otherwise one score per class along ``axis``.
    Elements of class ``ignore_class``, and class numbers outside [0, num_classes), do not count. Weights are integers
    unless ``dtype`` says otherwise. Raises ArgumentError for a target class out of range.
    """

    _direction = "up"

    def __init__(self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True,
                 axis: int = -1) -> None:  # fmt: skip
        super().__init__(dtype or "int64", name)
        wrong = [c for c in target_class_ids if not 0 <= c < num_classes]
        if wrong:
            raise ArgumentError(f"{type(self).__name__}: got target_class_ids {wrong}, expected classes in "
                                f"[0, {num_classes})")  # fmt: skip
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        shape = (num_classes, num_classes)
        self.total_cm = self.add_weight(shape, "zeros", self.dtype, "total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        target = _flat_classes(y_true, self.sparse_y_true, self.axis)
        prediction = _flat_classes(y_pred, self.sparse_y_pred, self.axis)
        counted = logical_and(self._in_range(target), self._in_range(prediction))
        if self.ignore_class is not None:
            counted = logical_and(counted, not_equal(target, self.ignore_class))
        weights = select(counted, self._weights(sample_weight, target), 0)
        target, prediction = select(counted, target, 0), select(counted, prediction, 0)
        self.total_cm.assign_add(confusion_matrix(target, prediction, self.num_classes, weights, self.dtype))

    def _in_range(self, classes: Operand) -> Operand:
        return logical_and(greater_equal(classes, 0), less(classes, self.num_classes))

    def _weights(self, sample_weight: Any, target: Operand) -> Operand:
        ones = ones_like(target, self.dtype)
        if sample_weight is None:
            return ones
        if self.total_cm.dtype.is_integer and dtype_of(lift(sample_weight)).is_floating:
            warnings.warn(f"{self.name} got float weights, but counts in {self.dtype}, so they are cut to integers; "
                          f"make it with dtype='float32'", stacklevel=3)  # fmt: skip
        weights = convert(sample_weight, self.dtype)
        flat = reshape(weights, (-1,)) if rank_of(weights) > 1 else weights
        return mul(flat, ones)

    def result(self) -> Any:
        counts = self.total_cm.read_value()
        common = diag_part(counts)
        union = sub(add(reduce_sum(counts, 0), reduce_sum(counts, 1)), common)
        common, union = (cast(gather(x, self.target_class_ids), "float32") for x in (common, union))
        occurs = greater(union, 1e-9)
        shares = select(occurs, div(common, add(union, epsilon())), 0)
        return div(reduce_sum(shares), add(reduce_sum(cast(occurs, "float32")), epsilon()))

    def get_config(self) -> dict[str, Any]:
        own = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")
        return {**super().get_config(), **{key: getattr(self, key) for key in own}}


def _flat_classes(y: Any, sparse: bool, axis: int) -> Operand:
    classes = convert(y, "int32") if sparse else argmax(y, axis, "int32")
    return reshape(classes, (-1,))


def _without(config: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in keys}


class BinaryIoU(IoU):
    """:class:`IoU` of the classes 0 and 1, where predictions from ``threshold`` on are class 1."""

    def __init__(self, target_class_ids: Sequence[int] = (0, 1), threshold: float = 0.5, name: str | None = None,
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(y_true, greater_equal(convert(y_pred, "float32"), self.threshold), sample_weight)

    def get_config(self) -> dict[str, Any]:
        own = {"target_class_ids": self.target_class_ids, "threshold": self.threshold}
        return {**Metric.get_config(self), **own}


class MeanIoU(IoU):
    """:class:`IoU` of all classes."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
                 sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1) -> None:  # fmt: skip
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred,
                         axis)  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "target_class_ids")


class OneHotIoU(IoU):
    """:class:`IoU` of one-hot targets and of scores (or, with ``sparse_y_pred``, of predicted class numbers)."""

    def __init__(self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1) -> None:  # fmt: skip
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """:class:`OneHotIoU` of all classes."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
                 sparse_y_pred: bool = False, axis: int = -1) -> None:  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")
