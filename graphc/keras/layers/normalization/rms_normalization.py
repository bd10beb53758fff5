"""RMSNormalization."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.layers.normalization.affine import known_size, normalized_axes, statistics_dtype
from graphc_ir.ops.arithmetic import rsqrt
from graphc_ir.ops.base import Operand, normalize_axes, rank_of
from graphc_ir.ops.elementwise import add, cast, mul, square
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.normalization import rms_norm
from graphc_ir.ops.reduction import reduce_mean

__all__ = ["RMSNormalization"]


class RMSNormalization(Layer):
    """Divides by the root of the mean square over ``axis`` (one or several), then multiplies by ``scale``, which has
    the sizes of those axes."""

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = normalized_axes(axis, "RMSNormalization")
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        # Once the layer is built, Keras's configs have a list.
        self.axis = [self.axis] if isinstance(self.axis, int) else self.axis
        axes = normalize_axes(self.axis, len(input_shape))
        shape = tuple(known_size(input_shape, axis, self) for axis in axes)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones", autocast=False)

    def call(self, x: Any) -> Any:
        kind = statistics_dtype(self.compute_dtype)
        return cast(self._normalized(cast(x, kind), cast(self.scale, kind)), self.compute_dtype)

    def _normalized(self, x: Operand, scale: Operand) -> Operand:
        rank = rank_of(x)
        axes = normalize_axes(self.axis, rank)
        if axes == tuple(range(axes[0], rank)):
            return rms_norm(x, scale, axes[0], self.epsilon)
        sizes = dict(zip(axes, self.scale.shape, strict=True))
        factor = rsqrt(add(reduce_mean(square(x), axes, keepdims=True), self.epsilon))
        return mul(mul(x, factor), reshape(scale, tuple(sizes.get(i, 1) for i in range(rank))))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}
