"""Sums and means over batches, and metrics that are the mean of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import autograph
from graphc.keras.losses.arguments import align_ranks, convert, spread
from graphc.keras.losses.base import Loss
from graphc.keras.losses.reduction import align_weights, mask_of
from graphc.keras.metrics.base import Metric
from graphc.keras.registry import builtin_path
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc_ir.ops.arithmetic import divide_no_nan
from graphc_ir.ops.base import Operand, dtype_of, rank_of
from graphc_ir.ops.elementwise import mul
from graphc_ir.ops.reduction import element_count, reduce_mean, reduce_sum

__all__ = ["FunctionMetric", "Mean", "MeanMetricWrapper", "Sum"]

Reduce = Callable[..., Operand]


def samplewise(values: Any, sample_weight: Any, reduce: Reduce, dtype: Any) -> tuple[Operand, Operand | None]:
    """One value per sample, times its weight if there are weights, and one weight per sample.

    Weights of fewer axes than the values belong to the values reduced to their axes.
    """
    mask = mask_of(values)
    tensor = convert(values, dtype)
    if sample_weight is None:
        return _from_axis(tensor, 1, reduce), None
    weights = convert(sample_weight, dtype)
    if mask is not None:
        weights = mul(*align_weights(convert(mask, dtype), weights))
    tensor, weights = align_ranks(tensor, weights)
    weight_rank = rank_of(weights)
    tensor = _from_axis(tensor, weight_rank, reduce)
    weights = spread(weights, tensor)
    return _from_axis(mul(tensor, weights), 1, reduce), _from_axis(weights, 1, reduce)


def _from_axis(x: Operand, axis: int, reduce: Reduce) -> Operand:
    axes = tuple(range(axis, rank_of(x)))
    return reduce(x, axes) if axes else x


class Sum(Metric):
    """The sum of all values, each times its weight if weights are given."""

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_weight((), "zeros", self.dtype, "total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        sums, _ = samplewise(values, sample_weight, reduce_sum, self.dtype)
        self.total.assign_add(reduce_sum(sums))

    def result(self) -> Any:
        return self.total.read_value()


class Mean(Metric):
    """The mean of all values, weighted if weights are given; 0 before the first one."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_weight((), "zeros", self.dtype, "total")
        self.count = self.add_weight((), "zeros", self.dtype, "count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        means, weights = samplewise(values, sample_weight, reduce_mean, self.dtype)
        self.total.assign_add(reduce_sum(means))
        self.count.assign_add(_sample_count(means) if weights is None else reduce_sum(weights))

    def result(self) -> Any:
        return divide_no_nan(self.total.read_value(), self.count.read_value())


def _sample_count(means: Operand) -> Any:
    return element_count(means, (0,), dtype_of(means)) if rank_of(means) else 1


class MeanMetricWrapper(Mean):
    """The mean of ``fn(y_true, y_pred, **kwargs)``, a function that gives a value per sample or element."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name, dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        if self._direction is None and _is_loss(fn):
            self._direction = "down"

    def update_state(  # type: ignore[override]  # a Mean all the same, as in Keras
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        values = autograph.convert(self._fn)(y_true, y_pred, **self._fn_kwargs)
        mask = mask_of(y_pred)
        if mask is not None:
            factor = convert(mask, self.dtype)
            weights = factor if sample_weight is None else convert(sample_weight, self.dtype)
            sample_weight = factor if sample_weight is None else mul(*align_weights(factor, weights))
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        function = {"fn": serialize_keras_object(self._fn)}
        return {**super().get_config(), **function, **serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**deserialize_keras_object(config))


def _is_loss(fn: Any) -> bool:
    path = builtin_path(fn)
    return isinstance(fn, Loss) or (path is not None and path[0] == "keras.losses")


class FunctionMetric(MeanMetricWrapper):
    """Base of the built-in means of a function: the function is that of the class, its arguments are attributes."""

    def __init__(self, fn: Callable[..., Any], name: str | None, dtype: Any, **kwargs: Any) -> None:
        super().__init__(fn, name, dtype, **kwargs)
        self.__dict__.update(kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**Metric.get_config(self), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)
