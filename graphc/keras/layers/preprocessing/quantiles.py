"""Quantiles of data that comes in batches, from a summary of bounded size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graphc_ir.ops.base import Array

__all__ = ["Summary"]


class Summary(NamedTuple):
    """Values in order, and how many elements each stands for."""

    values: Array
    weights: Array

    @classmethod
    def of(cls, data: Array, epsilon: float) -> Summary:
        """About ``1 / epsilon`` evenly spaced ones of the data."""
        ordered = np.sort(data.reshape(-1)).astype(np.float64)
        step = max(ordered.size * epsilon, 1.0)
        values = ordered[int(step - 1) :: int(step)]
        return cls(values, np.full(values.shape, step))

    def with_more(self, other: Summary, epsilon: float) -> Summary:
        """The summary of both sets of data."""
        values = np.concatenate([self.values, other.values])
        order = np.argsort(values)
        return Summary(values[order], np.concatenate([self.weights, other.weights])[order]).compressed(epsilon)

    def compressed(self, epsilon: float) -> Summary:
        """At most ``1 / epsilon`` values, read off at even shares of the weight."""
        if self.values.size * epsilon < 1:
            return self
        shares = epsilon + np.arange(0.0, 1.0, epsilon)
        totals = self.weights.cumsum()
        reached = totals / totals[-1]
        values = np.interp(shares, reached, self.values)
        up_to = np.interp(shares, reached, totals)
        return Summary(values, np.diff(up_to, prepend=0.0))

    def boundaries(self, bins: int) -> Array:
        """The ``bins - 1`` values that cut the data into bins of about equal size."""
        return self.compressed(1.0 / bins).values[:-1]
