"""LayerNormalization."""

from __future__ import annotations

from typing import Any

from graphc.keras.layers.normalization.affine import AffineNormalization, known_size, normalized_axes
from graphc_ir.ops.arithmetic import rsqrt
from graphc_ir.ops.base import Operand, normalize_axes, rank_of
from graphc_ir.ops.elementwise import add, cast, mul
from graphc_ir.ops.normalization import layer_norm, standardize
from graphc_ir.ops.reduction import reduce_variance

__all__ = ["LayerNormalization"]


class LayerNormalization(AffineNormalization):
    """Brings each example to mean 0 and variance 1 over ``axis`` (one or several), then scales by ``gamma`` and shifts
    by ``beta``, which have the sizes of those axes.

    ``rms_scaling`` divides by the standard deviation without subtracting the mean, as Keras's deprecated option does;
    :class:`RMSNormalization` is what it was meant for.
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon,
            {
                "center": center and not rms_scaling, "scale": scale or rms_scaling,
                "beta_initializer": beta_initializer, "gamma_initializer": gamma_initializer,
                "beta_regularizer": beta_regularizer, "gamma_regularizer": gamma_regularizer,
                "beta_constraint": beta_constraint, "gamma_constraint": gamma_constraint,
            },
            **kwargs,
        )  # fmt: skip
        self.axis = normalized_axes(axis, "LayerNormalization")
        self.rms_scaling = rms_scaling
        self._given = {"center": center, "scale": scale}
        self.autocast = False

    def build(self, input_shape: Any) -> None:
        # Once the layer is built, Keras's configs have a list.
        self.axis = [self.axis] if isinstance(self.axis, int) else self.axis
        axes = normalize_axes(self.axis, len(input_shape))
        self.add_scale_and_offset(tuple(known_size(input_shape, axis, self) for axis in axes))
        self._sizes = {axis: input_shape[axis] for axis in axes}

    def call(self, inputs: Any) -> Any:
        return cast(self._normalized(cast(inputs, self.statistics_dtype)), self.compute_dtype)

    def _normalized(self, x: Operand) -> Operand:
        rank = rank_of(x)
        axes = normalize_axes(self.axis, rank)
        if self.rms_scaling:
            deviation = rsqrt(add(reduce_variance(x, axes, keepdims=True), self.epsilon))
            return self.scaled(mul(x, deviation), self._parameter_shape(rank))
        if axes == tuple(range(axes[0], rank)):
            return layer_norm(x, *self.scale_and_offset(tuple(self._sizes.values())), axes[0], self.epsilon)
        return self.scaled(standardize(x, axes, self.epsilon)[0], self._parameter_shape(rank))

    def _parameter_shape(self, rank: int) -> tuple[int, ...]:
        return tuple(self._sizes.get(i, 1) for i in range(rank))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            **self._given,
            "rms_scaling": self.rms_scaling,
            **{key: value for key, value in self.initializer_config().items() if key not in self._given},
            **self.penalty_config(),
        }
