"""Random initializers whose variance follows from the shape of the weight: Glorot, He, LeCun."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, Final

from graphc import draws
from graphc.keras.initializers.base import RandomInitializer, dtype_or_default
from graphc_ir.errors import ArgumentError

__all__ = [
    "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "VarianceScaling",
    "compute_fans",
]  # fmt: skip

Axes = Sequence[int] | None

# The standard deviation of a standard normal variable that is truncated at two standard deviations.
_TRUNCATED_STDDEV: Final = 0.87962566103423978
_MODES: Final = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS: Final = ("truncated_normal", "untruncated_normal", "uniform")


class VarianceScaling(RandomInitializer):
    """Random numbers of mean 0 and variance ``scale / n``.

    ``n`` is the number of inputs of a unit (``mode="fan_in"``), of outputs (``"fan_out"``), or their mean
    (``"fan_avg"``). ``distribution`` is ``"truncated_normal"`` (or ``"normal"``), ``"untruncated_normal"`` or
    ``"uniform"``. ``input_axes`` and ``output_axes`` together say which axes of the shape to count.
    Raises ArgumentError for other values and for a scale that is not positive.
    """

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal",
                 seed: Any = None, input_axes: Axes = None, output_axes: Axes = None) -> None:  # fmt: skip
        if scale <= 0:
            raise ArgumentError(f"VarianceScaling: got scale={scale}, expected a positive number")
        self.scale = scale
        self.mode = _one_of("mode", mode, _MODES)
        normal = distribution.lower() == "normal"
        self.distribution = "truncated_normal" if normal else _one_of("distribution", distribution, _DISTRIBUTIONS)
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        return self._draw(shape, math.sqrt(self.scale / max(1.0, fan)), dtype_or_default(dtype))

    def counting(self, input_axes: Sequence[int], output_axes: Sequence[int]) -> VarianceScaling:
        """One with the same seed that counts these axes; itself if it was told already which ones to count."""
        if self.input_axes is not None and self.output_axes is not None:
            return self
        other = copy.copy(self)
        other.input_axes, other.output_axes = tuple(input_axes), tuple(output_axes)
        return other

    def _draw(self, shape: Any, stddev: float, dtype: Any) -> Any:
        if self.distribution == "uniform":
            limit = math.sqrt(3) * stddev
            return draws.uniform(self._key(), shape, -limit, limit, dtype)
        if self.distribution == "untruncated_normal":
            return draws.normal(self._key(), shape, 0.0, stddev, dtype)
        return draws.truncated_normal(self._key(), shape, 0.0, stddev / _TRUNCATED_STDDEV, dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**super().get_config(), **own, "input_axes": self.input_axes, "output_axes": self.output_axes}


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value.lower() not in allowed:
        raise ArgumentError(f"VarianceScaling: got {name}={value!r}, expected one of {', '.join(allowed)}")
    return value.lower()


def compute_fans(shape: Any, input_axes: Axes = None, output_axes: Axes = None) -> tuple[int, int]:
    """How many inputs and outputs a unit of a weight of this shape has.

    The last two axes count inputs and outputs, those before them are the window of a convolution.
    """
    sizes = tuple(int(size) for size in shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(sizes[axis] for axis in input_axes), math.prod(sizes[axis] for axis in output_axes)
    if len(sizes) < 2:
        return math.prod(sizes), math.prod(sizes)
    window = math.prod(sizes[:-2])
    return sizes[-2] * window, sizes[-1] * window


class _Scaled(VarianceScaling):
    """Base of the named schemes, which fix all but the seed and the axes."""

    _scheme: tuple[float, str, str]

    def __init__(self, seed: Any = None, input_axes: Axes = None, output_axes: Axes = None) -> None:
        super().__init__(*self._scheme, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        fixed = ("scale", "mode", "distribution")
        return {key: value for key, value in super().get_config().items() if key not in fixed}


class GlorotUniform(_Scaled):
    """Uniform within ``sqrt(6 / (fan_in + fan_out))`` of 0."""

    _scheme = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal of variance ``2 / (fan_in + fan_out)``."""

    _scheme = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform within ``sqrt(6 / fan_in)`` of 0, for layers with relu."""

    _scheme = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal of variance ``2 / fan_in``, for layers with relu."""

    _scheme = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform within ``sqrt(3 / fan_in)`` of 0."""

    _scheme = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal of variance ``1 / fan_in``, for layers with selu."""

    _scheme = (1.0, "fan_in", "truncated_normal")
