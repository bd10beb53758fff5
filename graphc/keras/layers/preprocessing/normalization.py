"""Normalization."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.keras.config import epsilon
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.preprocessing.adapting import batches_of
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Array, Operand, lift, normalize_axes
from graphc_ir.ops.elementwise import add, cast, div, maximum, mul, sqrt, sub
from graphc_ir.ops.movement import reshape

__all__ = ["Normalization"]


class Normalization(Layer):
    """Shifts and scales so that the data of :meth:`adapt` has mean 0 and variance 1 along each index of ``axis``.

    ``axis``: one axis, several, or None for one mean and variance of everything. ``mean`` and ``variance`` may be given
    instead of learnt. ``invert`` undoes the normalisation. Raises ArgumentError when only one of the two is given, or
    for an axis that is out of range or of an open size.
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ArgumentError("Normalization: both `mean` and `variance` must be set, or neither of them; got "
                                f"mean={mean}, variance={variance}")  # fmt: skip
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ArgumentError(f"Normalization: All `axis` values must be in the range [{-rank}, {rank - 1}] for "
                                f"inputs of shape {tuple(input_shape)}, got {self.axis}")  # fmt: skip
        self._kept = normalize_axes(self.axis, rank)
        sizes = tuple(input_shape[axis] for axis in self._kept)
        if None in sizes:
            raise ArgumentError("Normalization: All `axis` values to be kept must have a known size, got axis="
                                f"{self.axis} for inputs of shape {tuple(input_shape)}")  # fmt: skip
        self._statistics_shape = tuple(input_shape[i] if i in self._kept else 1 for i in range(rank))
        if self.input_mean is None:
            self._make_statistics(sizes)

    def _make_statistics(self, sizes: tuple[int, ...]) -> None:
        self.adapt_mean = self.add_weight(
            name="mean", shape=sizes, initializer="zeros", trainable=False, autocast=False
        )
        self.adapt_variance = self.add_weight(
            name="variance", shape=sizes, initializer="ones", trainable=False, autocast=False
        )
        self.count = self.add_weight(
            name="count", shape=(), dtype="int64", initializer="zeros", trainable=False, autocast=False
        )

    @property
    def mean(self) -> Any:
        """The mean, of a shape that broadcasts against the inputs; None before the layer is built."""
        return self._statistic(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> Any:
        """The variance, of a shape that broadcasts against the inputs; None before the layer is built."""
        return self._statistic(self.input_variance, "adapt_variance")

    def _statistic(self, given: Any, learnt: str) -> Operand | None:
        if not self.built:
            return None
        if given is None:
            return reshape(cast(getattr(self, learnt), self.compute_dtype), self._statistics_shape)
        array = np.asarray(given, as_dtype(self.compute_dtype).np)
        fits = array.size == math.prod(self._statistics_shape)
        return lift(array.reshape(self._statistics_shape) if fits else array)

    def adapt(self, data: Any) -> None:
        """Learns mean and variance from an array, or from a data set of batches; what was learnt before is forgotten.

        Raises ArgumentError when they were given, ShapeError for data of another shape than the layer was built for.
        """
        if self.input_mean is not None:
            raise ArgumentError(f"Normalization {self.name!r} was given its mean and variance, so there is nothing to "
                                "adapt; leave them out to learn them")  # fmt: skip
        total: _Moments | None = None
        for batch in batches_of(data):
            self._check_fits(batch)
            reduced = tuple(i for i in range(batch.ndim) if i not in self._kept)
            found = _Moments.of(batch.astype(np.float64), reduced)
            total = found if total is None else total.with_more(found)
        if total is None:
            raise ArgumentError(f"Normalization {self.name!r}: adapt got no data")
        self.adapt_mean.assign(total.mean)
        self.adapt_variance.assign(total.variance)

    def _check_fits(self, batch: Array) -> None:
        if not self.built:
            self.build((None, *batch.shape[1:]))
        sizes = tuple(batch.shape[axis] for axis in self._kept) if batch.ndim == len(self._statistics_shape) else None
        if sizes != tuple(self.adapt_mean.shape):
            raise ShapeError(f"Normalization {self.name!r} was built for {tuple(self.adapt_mean.shape)} along axes "
                             f"{self.axis}, but adapt got data of an incompatible shape {batch.shape}")  # fmt: skip

    def call(self, inputs: Any) -> Any:
        x = cast(inputs, self.compute_dtype)
        spread = maximum(sqrt(self.variance), epsilon())
        return add(self.mean, mul(x, spread)) if self.invert else div(sub(x, self.mean), spread)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": _listed(self.input_mean),
            "variance": _listed(self.input_variance),
        }


class _Moments:
    """Number of elements, mean and (biased) variance."""

    def __init__(self, count: int, mean: Array, variance: Array) -> None:
        self.count = count
        self.mean = mean
        self.variance = variance

    @classmethod
    def of(cls, data: Array, axes: tuple[int, ...]) -> _Moments:
        return cls(math.prod(data.shape[i] for i in axes), data.mean(axes), data.var(axes))

    def with_more(self, other: _Moments) -> _Moments:
        """The moments of both sets of elements together."""
        count = self.count + other.count
        share = other.count / count
        mean = self.mean * (1 - share) + other.mean * share
        within = self.variance * (1 - share) + other.variance * share
        return _Moments(count, mean, within + (self.mean - other.mean) ** 2 * share * (1 - share))


def _listed(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float)) else np.asarray(value).tolist()
