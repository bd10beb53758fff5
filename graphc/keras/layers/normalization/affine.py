"""What normalisations with a learnt scale and offset have in common."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np

from graphc.keras import constraints, initializers, regularizers
from graphc.keras.engine.layer import Layer
from graphc_ir.dims import Shape
from graphc_ir.dtypes import DType, as_dtype, float32
from graphc_ir.errors import ArgumentError, ArgumentTypeError
from graphc_ir.ops.base import Operand, lift, normalize_axis
from graphc_ir.ops.elementwise import add, cast, mul
from graphc_ir.ops.movement import reshape

__all__ = ["AffineNormalization", "AffineOptions", "known_size", "normalized_axes", "statistics_dtype"]


class AffineOptions(TypedDict):
    """How the scale ``gamma`` and the offset ``beta`` start, and what is asked of them."""

    center: bool
    scale: bool
    beta_initializer: Any
    gamma_initializer: Any
    beta_regularizer: Any
    gamma_regularizer: Any
    beta_constraint: Any
    gamma_constraint: Any


class AffineNormalization(Layer):
    """Base: ``gamma`` exists if ``scale``, ``beta`` if ``center``. Both are read in the dtype of the statistics."""

    def __init__(self, epsilon: float, affine: AffineOptions, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.center = affine["center"]
        self.scale = affine["scale"]
        self.beta_initializer = initializers.get(affine["beta_initializer"])
        self.gamma_initializer = initializers.get(affine["gamma_initializer"])
        self.beta_regularizer = regularizers.get(affine["beta_regularizer"])
        self.gamma_regularizer = regularizers.get(affine["gamma_regularizer"])
        self.beta_constraint = constraints.get(affine["beta_constraint"])
        self.gamma_constraint = constraints.get(affine["gamma_constraint"])
        self.gamma: Any = None
        self.beta: Any = None
        self.supports_masking = True

    def add_scale_and_offset(self, shape: tuple[int, ...]) -> None:
        """Makes ``gamma`` and ``beta`` of this shape."""
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma", shape=shape, initializer=self.gamma_initializer, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint, autocast=False,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                name="beta", shape=shape, initializer=self.beta_initializer, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint, autocast=False,
            )  # fmt: skip

    @property
    def statistics_dtype(self) -> DType:
        return statistics_dtype(self.compute_dtype)

    def scale_and_offset(self, shape: Shape) -> tuple[Operand, Operand]:
        """``gamma`` and ``beta``, 1 and 0 where they do not exist."""
        kind = self.statistics_dtype
        factor = lift(np.ones(shape, kind.np)) if self.gamma is None else cast(self.gamma, kind)
        offset = lift(np.zeros(shape, kind.np)) if self.beta is None else cast(self.beta, kind)
        return factor, offset

    def scaled(self, x: Operand, shape: Shape) -> Operand:
        """``x * gamma + beta`` with both reshaped to ``shape``, as far as they exist."""
        if self.gamma is not None:
            x = mul(x, reshape(cast(self.gamma, self.statistics_dtype), shape))
        return x if self.beta is None else add(x, reshape(cast(self.beta, self.statistics_dtype), shape))

    def initializer_config(self) -> dict[str, Any]:
        return {
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
        }

    def penalty_config(self) -> dict[str, Any]:
        return {
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


def statistics_dtype(compute_dtype: str) -> DType:
    """The dtype in which means and variances are computed: at least float32."""
    kind = as_dtype(compute_dtype)
    return float32 if kind.size < float32.size else kind


def normalized_axes(axis: Any, what: str) -> int | list[int]:
    """One axis, or a list of them. Raises ArgumentError for anything else."""
    if isinstance(axis, (list, tuple)) and axis and all(isinstance(a, int) for a in axis):
        return list(axis)
    if isinstance(axis, int):
        return axis
    raise ArgumentTypeError(f"{what}: got axis={axis!r}, expected an integer or a list of integers")


def known_size(shape: tuple[int | None, ...], axis: int, layer: Layer) -> int:
    """The size along an axis, which must be known to make weights. Raises ArgumentError if it is open, and for the
    shapes of several tensors."""
    if any(isinstance(size, (tuple, list)) for size in shape):
        raise ArgumentError(f"{type(layer).__name__} {layer.name!r} takes one tensor, got tensors of the shapes "
                            f"{shape}; join them first, e.g. with keras.layers.Concatenate()")  # fmt: skip
    size = shape[normalize_axis(axis, len(shape))]
    if size is None:
        raise ArgumentError(f"{type(layer).__name__} {layer.name!r} needs a known size along axis {axis}, got an input "
                            f"of shape {shape}; fix that size in Input(shape=...)")  # fmt: skip
    return int(size)
