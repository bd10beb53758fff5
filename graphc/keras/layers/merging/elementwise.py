"""Element-wise merges: sum, difference, product, mean, extremes."""

from __future__ import annotations

from functools import reduce
from typing import Any

from graphc.keras.layers.merging.base import CountingMerge, ElementwiseMerge
from graphc.keras.ops.promotion import floats
from graphc_ir.dtypes import DType
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import elementwise as ops
from graphc_ir.ops.base import Operand

__all__ = [
    "Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract", "add", "average", "maximum", "minimum", "multiply",
    "subtract",
]  # fmt: skip


class Add(ElementwiseMerge):
    """The sum of the inputs."""

    def merge(self, operands: list[Operand]) -> Operand:
        return reduce(ops.add, operands)


class Subtract(ElementwiseMerge):
    """The first input minus the second. Raises ArgumentError unless there are two."""

    def merge(self, operands: list[Operand]) -> Operand:
        if len(operands) != 2:
            raise ArgumentError(f"Subtract {self.name!r} is called on exactly 2 tensors, got {len(operands)}")
        return ops.sub(*operands)


class Multiply(CountingMerge):
    """The product of the inputs, without what is masked; 0 where all are."""

    def neutral(self, dtype: DType) -> Any:
        return 1

    def nothing(self, operands: list[Operand]) -> Any:
        return 0

    def merge(self, operands: list[Operand]) -> Operand:
        return reduce(ops.mul, operands)


class Average(ElementwiseMerge):
    """The mean of the inputs."""

    def merge(self, operands: list[Operand]) -> Operand:
        return ops.div(floats(reduce(ops.add, operands)), len(operands))


class Maximum(CountingMerge):
    """The largest of the inputs, element by element, without what is masked; the first input where all are."""

    def neutral(self, dtype: DType) -> Any:
        return dtype.min

    def nothing(self, operands: list[Operand]) -> Any:
        return operands[0]

    def merge(self, operands: list[Operand]) -> Operand:
        return reduce(ops.maximum, operands)


class Minimum(CountingMerge):
    """The smallest of the inputs, element by element, without what is masked; the first input where all are."""

    def neutral(self, dtype: DType) -> Any:
        return dtype.max

    def nothing(self, operands: list[Operand]) -> Any:
        return operands[0]

    def merge(self, operands: list[Operand]) -> Operand:
        return reduce(ops.minimum, operands)


def add(inputs: Any, **kwargs: Any) -> Any:
    """:class:`Add` as a function of a list of tensors."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """:class:`Subtract` as a function of a list of two tensors."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """:class:`Multiply` as a function of a list of tensors."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """:class:`Average` as a function of a list of tensors."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """:class:`Maximum` as a function of a list of tensors."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """:class:`Minimum` as a function of a list of tensors."""
    return Minimum(**kwargs)(inputs)
