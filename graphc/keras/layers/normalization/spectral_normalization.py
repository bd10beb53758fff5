"""SpectralNormalization."""

from __future__ import annotations

from typing import Any, Final

from graphc import control
from graphc.keras import initializers
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.core.wrapper import Wrapper
from graphc.keras.variable import autocast_to
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand
from graphc_ir.ops.constant import stop_gradient
from graphc_ir.ops.elementwise import div, equal
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import reshape, transpose
from graphc_ir.ops.normalization import l2_normalize
from graphc_ir.ops.reduction import reduce_all

__all__ = ["SpectralNormalization"]

_SMALLEST_SQUARE: Final = 1e-12


class SpectralNormalization(Wrapper):
    """Divides the kernel (or embeddings) of a layer by its largest singular value at each training step, which bounds
    by how much the layer can stretch its inputs.

    The value is estimated by ``power_iterations`` rounds of power iteration, which go on from the vector of the step
    before. Raises ArgumentError for a layer without a kernel and for less than one round.
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ArgumentError(f"SpectralNormalization: got power_iterations={power_iterations}, expected 1 or more")
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(shape=(None, *input_shape[1:]))
        self.kernel = self._kernel_of_layer()
        self.vector_u = self.add_weight(
            name="vector_u", shape=(1, self.kernel.shape[-1]), trainable=False, dtype=self.kernel.dtype.name,
            initializer=initializers.TruncatedNormal(stddev=0.02), autocast=False,
        )  # fmt: skip

    def _kernel_of_layer(self) -> Any:
        for name in ("kernel", "embeddings"):
            if getattr(self.layer, name, None) is not None:
                return getattr(self.layer, name)
        raise ArgumentError(f"SpectralNormalization normalises a kernel or embeddings, but {self.layer!r} has neither")

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        if training:
            self._normalize_kernel()
        return self.layer(inputs)

    def _normalize_kernel(self) -> None:
        with autocast_to(None):
            kernel, u = stop_gradient(self.kernel.read_value()), self.vector_u.read_value()
        is_zero = reduce_all(equal(kernel, 0))
        vector, normalized = control.cond(is_zero, lambda: (u, kernel), lambda: self._iterated(kernel, u))
        self.vector_u.assign(vector)
        self.kernel.assign(normalized)

    def _iterated(self, kernel: Operand, u: Operand) -> tuple[Operand, Operand]:
        """The vector after the rounds, and the kernel divided by the singular value that it gives."""
        columns = self.kernel.shape[-1]
        matrix = reshape(kernel, (-1, columns))
        for _ in range(self.power_iterations):
            v = l2_normalize(matmul(u, transpose(matrix)), None, _SMALLEST_SQUARE)
            u = l2_normalize(matmul(v, matrix), None, _SMALLEST_SQUARE)
        sigma = matmul(matmul(v, matrix), transpose(u))
        return u, reshape(div(matrix, sigma), kernel.shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}
