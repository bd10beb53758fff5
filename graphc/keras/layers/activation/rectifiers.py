"""Rectifiers with a slope, a threshold or a learned parameter."""

from __future__ import annotations

from typing import Any

from graphc.keras import activations, constraints, initializers, regularizers
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import axis_sizes, make_weight
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import dtype_of
from graphc_ir.ops.elementwise import add, cast, greater, minimum, mul, relu

__all__ = ["ELU", "LeakyReLU", "PReLU", "ReLU", "ThresholdedReLU"]


def _at_least_zero(layer: Layer, value: Any, what: str) -> float:
    if value is None or isinstance(value, bool) or not value >= 0:
        raise ArgumentError(f"{type(layer).__name__}: {what} must be a number that is not negative, got {value!r}")
    return value  # type: ignore[no-any-return]


class ReLU(Layer):
    """``x`` from ``threshold`` on, at most ``max_value``; ``negative_slope * (x - threshold)`` below it."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _at_least_zero(self, max_value, "max_value")
        self.negative_slope = _at_least_zero(self, negative_slope, "negative_slope")
        self.threshold = _at_least_zero(self, threshold, "threshold")
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(Layer):
    """``x`` where positive, else ``negative_slope * x``. TensorFlow 2.0 calls the slope ``alpha``."""

    def __init__(self, negative_slope: float = 0.3, alpha: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = _at_least_zero(self, negative_slope if alpha is None else alpha, "negative_slope")
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(Layer):
    """``x`` where positive, else ``alpha * (exp(x) - 1)``."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class PReLU(Layer):
    """``x`` where positive, else ``alpha * x`` with a learned ``alpha`` for every feature.

    The shape of ``alpha`` is that of one example; along ``shared_axes`` (from 1 on) there is one value for all.
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        listed = shared_axes if isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.shared_axes = None if shared_axes is None else list(axis_sizes(listed, len(listed), "PReLU: shared_axes"))
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shared = self.shared_axes or []
        shape = [1 if axis in shared else size for axis, size in enumerate(input_shape)][1:]
        if None in shape:
            open_axes = [axis for axis, size in enumerate(shape, start=1) if size is None]
            raise ArgumentError(f"PReLU {self.name!r} has a weight for each feature, but inputs of shape {input_shape} "
                                f"leave sizes open; share these axes: shared_axes={open_axes}")  # fmt: skip
        self.alpha = make_weight(self, "alpha", shape)
        own = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=own)

    def call(self, inputs: Any) -> Any:
        return add(relu(inputs), mul(self.alpha, minimum(inputs, 0)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


class ThresholdedReLU(Layer):
    """``x`` where it is above ``theta``, else 0. A layer of TensorFlow 2 that Keras 3 has no more."""

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = _at_least_zero(self, theta, "theta")
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return mul(inputs, cast(greater(inputs, self.theta), dtype_of(inputs)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "theta": self.theta}
