"""Random initializers with the parameters of their distribution, and orthogonal matrices."""

from __future__ import annotations

import math
from typing import Any

from graphc import draws
from graphc.keras.initializers.base import RandomInitializer, dtype_or_default
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import sign
from graphc_ir.ops.base import Operand
from graphc_ir.ops.diagonal import diag_part
from graphc_ir.ops.elementwise import mul
from graphc_ir.ops.factorization import qr
from graphc_ir.ops.movement import reshape, transpose

__all__ = ["Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal"]


class RandomNormal(RandomInitializer):
    """Normal numbers of ``mean`` and ``stddev``. Raises DTypeError for integer dtypes."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return draws.normal(self._key(), shape, self.mean, self.stddev, dtype_or_default(dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomInitializer):
    """Normal numbers within two standard deviations of the mean; ``stddev`` is that before truncation."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return draws.truncated_normal(self._key(), shape, self.mean, self.stddev, dtype_or_default(dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class RandomUniform(RandomInitializer):
    """Floats, or integers for an integer dtype, in [minval, maxval)."""

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: Any = None) -> None:
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return draws.uniform(self._key(), shape, self.minval, self.maxval, dtype_or_default(dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal rows or columns (whichever are fewer), times ``gain``.

    Of a shape of more axes, all but the last make up the rows. Raises ArgumentError for a shape of rank below 2.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        sizes = tuple(shape)
        if len(sizes) < 2:
            raise ArgumentError(f"Orthogonal: got shape {sizes}, expected one of at least two axes")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        tall = draws.normal(self._key(), (max(rows, columns), min(rows, columns)), 0.0, 1.0, dtype_or_default(dtype))
        basis = _orthonormal_columns(tall)
        return reshape(mul(transpose(basis) if rows < columns else basis, self.gain), sizes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}


def _orthonormal_columns(normal: Operand) -> Operand:
    """Uniformly distributed: the signs that QR leaves open are fixed by a positive diagonal of R."""
    q, r = qr(normal)
    return mul(q, sign(diag_part(r)))
