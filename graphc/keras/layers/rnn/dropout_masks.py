"""Dropout inside recurrent cells: the same elements are dropped at every step of a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graphc.keras.random.seed_generator import SeedGenerator
from graphc_ir.dims import Shape
from graphc_ir.dtypes import as_dtype
from graphc_ir.ops.base import Operand
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.elementwise import mul
from graphc_ir.ops.random import scaled_mask

__all__ = ["DropoutMasks", "masked"]


class DropoutMasks:
    """The masks of one cell: ``dropout`` of its inputs, ``recurrent_dropout`` of its state. Rates lie in [0, 1].

    A cell that is called by itself drops other elements at each call; :meth:`shared` fixes them for a block.
    """

    def __init__(self, dropout: float, recurrent_dropout: float, seed: int | None) -> None:
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.generator = SeedGenerator(seed)
        self._fixed: tuple[Operand | None, Operand | None] | None = None

    @contextmanager
    def shared(self, inputs: Shape, state: Shape, dtype: str) -> Iterator[None]:
        """Draws masks of these shapes that hold for all calls inside the block."""
        self._fixed = self._draw(inputs, self.dropout, dtype), self._draw(state, self.recurrent_dropout, dtype)
        try:
            yield
        finally:
            self._fixed = None

    def of_inputs(self, shape: Shape, dtype: str) -> Operand | None:
        """What to multiply the inputs of a step by; None if nothing is dropped."""
        return self._fixed[0] if self._fixed else self._draw(shape, self.dropout, dtype)

    def of_state(self, shape: Shape, dtype: str) -> Operand | None:
        """What to multiply the state by that the recurrent weights see; None if nothing is dropped."""
        return self._fixed[1] if self._fixed else self._draw(shape, self.recurrent_dropout, dtype)

    def _draw(self, shape: Shape, rate: float, dtype: str) -> Operand | None:
        if rate == 0:
            return None
        kind = as_dtype(dtype)
        return zeros(shape, kind) if rate == 1 else scaled_mask(self.generator.next(), shape, rate, kind)


def masked(x: Operand, mask: Operand | None) -> Operand:
    """``x`` times a mask, if there is one."""
    return x if mask is None else mul(x, mask)
