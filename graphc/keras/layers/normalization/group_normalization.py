"""GroupNormalization."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.normalization.affine import AffineNormalization, known_size
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.normalization import group_norm

__all__ = ["GroupNormalization"]


class GroupNormalization(AffineNormalization):
    """Splits the channels (``axis``) into ``groups`` and brings each group of each example to mean 0 and variance 1
    over all axes but the batch; then scales by ``gamma`` and shifts by ``beta``, one of each per channel.

    ``groups=-1``: one group per channel. ``groups=1``: all channels together. Raises ArgumentError for other groups
    than positive integers, and if the channels do not divide into them.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon,
            {
                "center": center, "scale": scale,
                "beta_initializer": beta_initializer, "gamma_initializer": gamma_initializer,
                "beta_regularizer": beta_regularizer, "gamma_regularizer": gamma_regularizer,
                "beta_constraint": beta_constraint, "gamma_constraint": gamma_constraint,
            },
            **kwargs,
        )  # fmt: skip
        if isinstance(groups, bool) or not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ArgumentError(f"GroupNormalization: got groups={groups!r}, expected a positive integer, or -1 for "
                                "one group per channel")  # fmt: skip
        self.groups = groups
        self.axis = axis
        self.autocast = False

    def build(self, input_shape: Any) -> None:
        channels = known_size(input_shape, self.axis, self)
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ArgumentError(f"GroupNormalization {self.name!r}: {channels} channels do not divide into "
                                f"groups={self.groups}; choose a divisor of {channels}")  # fmt: skip
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self.add_scale_and_offset((channels,))
        self._channels = channels

    def call(self, inputs: Any) -> Any:
        x = cast(inputs, self.statistics_dtype)
        outputs = group_norm(x, self.groups, *self.scale_and_offset((self._channels,)), self.axis, self.epsilon)
        return cast(outputs, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "groups": self.groups,
            "axis": self.axis,
            "epsilon": self.epsilon,
            **self.initializer_config(),
            **self.penalty_config(),
        }
