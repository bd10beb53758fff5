"""BatchNormalization."""

from __future__ import annotations

from typing import Any

from graphc.keras import initializers
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.normalization.affine import AffineNormalization, known_size
from graphc.keras.layers.normalization.renormalization import checked_clipping, correction
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand, normalize_axis, rank_of, shape_of
from graphc_ir.ops.elementwise import add, cast, div, maximum, mul, relu, sqrt, square, sub
from graphc_ir.ops.movement import broadcast_to, expand_dims, reshape
from graphc_ir.ops.normalization import batch_norm_training, batch_normalization, moments
from graphc_ir.ops.reduction import reduce_sum

__all__ = ["BatchNormalization"]

_EMPTY_GUARD = 1e-7  # a mask may hide the whole batch


class BatchNormalization(AffineNormalization):
    """Brings each feature (along ``axis``) to mean 0 and variance 1, then scales by ``gamma`` and shifts by ``beta``.

    In training, with the statistics of the batch (all axes but ``axis``), which also move ``moving_mean`` and
    ``moving_variance`` by ``1 - momentum`` towards them; else with those two. A layer with ``trainable=False`` always
    uses the moving statistics and leaves them alone. ``mask`` (of one axis less than the inputs, to be broadcast to
    them) says what counts.

    ``renorm`` trains with statistics that change more slowly than from batch to batch (moved by ``1 -
    renorm_momentum``): batch statistics, corrected by a factor within ``rmin`` and ``rmax`` and an offset within
    ``dmax`` of ``renorm_clipping``.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
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
        self.axis = _single_axis(axis)
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self.renorm_clipping = checked_clipping(renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized

    def build(self, input_shape: Any) -> None:
        size = known_size(input_shape, self.axis, self)
        self.add_scale_and_offset((size,))
        self.moving_mean = self._statistic("moving_mean", size, self.moving_mean_initializer)
        self.moving_variance = self._statistic("moving_variance", size, self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = self._statistic("moving_stddev", size, self._initial_deviation)
            self.renorm_mean = self._statistic("renorm_mean", size, self.moving_mean_initializer)
            self.renorm_stddev = self._statistic("renorm_stddev", size, self._initial_deviation)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def _statistic(self, name: str, size: int, initializer: Any) -> Any:
        return self.add_weight(name=name, shape=(size,), initializer=initializer, trainable=False, autocast=False)

    def _initial_deviation(self, shape: Any, dtype: Any = None) -> Any:
        return sqrt(self.moving_variance_initializer(shape, dtype))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        x = cast(inputs, self.statistics_dtype)
        outputs = self._in_training(x, mask) if training and self.trainable else self._normalized(x, *self._moving())
        return cast(outputs, self.compute_dtype)

    def _in_training(self, x: Operand, mask: Any) -> Operand:
        if self.renorm:
            return self._renormalized(x, *self._moments(x, mask))
        if mask is None:
            kind = self.statistics_dtype
            gamma, beta = (None if w is None else cast(w, kind) for w in (self.gamma, self.beta))
            outputs, mean, variance = batch_norm_training(x, gamma, beta, self.axis, self.epsilon)
        else:
            mean, variance = self._moments(x, mask)
            outputs = self._normalized(x, mean, variance)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return outputs

    def _renormalized(self, x: Operand, mean: Operand, variance: Operand) -> Operand:
        kind = self.statistics_dtype
        deviation = sqrt(add(variance, self.epsilon))
        usual = cast(self.renorm_mean, kind), maximum(cast(self.renorm_stddev, kind), self.epsilon**0.5)
        factor, shift = correction(mean, deviation, *usual, self.renorm_clipping or {})
        gamma, beta = self.scale_and_offset(shape_of(mean))
        outputs = batch_normalization(
            x, mean, variance, add(mul(shift, gamma), beta), mul(factor, gamma), self.epsilon, self.axis
        )
        self._move(self.renorm_mean, mean, self.renorm_momentum)
        self._move(self.renorm_stddev, deviation, self.renorm_momentum)
        self._move(self.moving_mean, mean)
        moved = self._move(self.moving_stddev, deviation)
        self.moving_variance.assign(relu(sub(square(moved), self.epsilon)))
        return outputs

    def _moving(self) -> tuple[Operand, Operand]:
        return cast(self.moving_mean, self.statistics_dtype), cast(self.moving_variance, self.statistics_dtype)

    def _normalized(self, x: Operand, mean: Operand, variance: Operand) -> Operand:
        gamma, beta = self.scale_and_offset(shape_of(mean))
        return batch_normalization(x, mean, variance, beta, gamma, self.epsilon, self.axis)

    def _move(self, moving: Any, now: Operand, momentum: float | None = None) -> Operand:
        """Moves a statistic towards its value in this batch."""
        share = self.momentum if momentum is None else momentum
        moved = add(mul(cast(moving, self.statistics_dtype), share), mul(now, 1 - share))
        moving.assign(moved)
        return moved

    def _moments(self, x: Operand, mask: Any) -> tuple[Operand, Operand]:
        """Mean and variance of each feature, of what the mask lets through."""
        place = normalize_axis(self.axis, rank_of(x))
        rest = [i for i in range(rank_of(x)) if i != place]
        if mask is None:
            return moments(x, rest)
        weights = self._weights(x, mask)
        count = add(reduce_sum(weights, rest, keepdims=True), _EMPTY_GUARD)
        mean = div(reduce_sum(mul(weights, x), rest, keepdims=True), count)
        deviation = mul(weights, square(sub(x, mean)))
        variance = div(reduce_sum(deviation, rest, keepdims=True), count)
        vector = (shape_of(x)[place],)
        return reshape(mean, vector), reshape(variance, vector)

    def _weights(self, x: Operand, mask: Any) -> Operand:
        if rank_of(mask) != rank_of(x) - 1:
            raise ShapeError(f"BatchNormalization {self.name!r}: the mask must have one axis less than the inputs, got "
                             f"a mask of shape {list(shape_of(mask))} for inputs {list(shape_of(x))}")  # fmt: skip
        # A mask may stand for several rows, which count one by one.
        return broadcast_to(expand_dims(cast(mask, self.statistics_dtype), -1), shape_of(x))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            **self.initializer_config(),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            **self.penalty_config(),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }


def _single_axis(axis: Any) -> int:
    single = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
    if not isinstance(single, int):
        raise ArgumentError(f"BatchNormalization: got axis={axis!r}, expected the one axis of the features")
    return single
