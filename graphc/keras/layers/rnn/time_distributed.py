"""TimeDistributed: a layer on every step of a sequence."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.call_spec import signature_of_call
from graphc.keras.layers.core.wrapper import Wrapper
from graphc.pytree import map_leaves
from graphc_ir.dims import Dim, known_equal
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Operand, lift, rank_of, shape_of
from graphc_ir.ops.movement import reshape

__all__ = ["TimeDistributed"]


class TimeDistributed(Wrapper):
    """Applies a layer to every step of inputs [batch, time, ...], with the same weights at each.

    The steps become part of the batch, so the layer runs once. A ``mask`` [batch, time] goes on to what follows, and
    into the layer if that takes one of a value for each example.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        if len(input_shape) < 3:
            raise ShapeError(f"TimeDistributed {self.name!r} takes inputs of rank 3 or more, [batch, time, ...]; got "
                             f"shape {tuple(input_shape)}")  # fmt: skip
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        x = lift(inputs)
        batch, time, *_ = shape_of(x)
        options = {} if mask is None else self._mask_option(lift(mask), x)
        outputs = self.layer(_merged(x), training=training, **options)
        return map_leaves(lambda y: reshape(y, (batch, time, *shape_of(y)[1:])), outputs)

    def _mask_option(self, mask: Operand, x: Operand) -> dict[str, Any]:
        if rank_of(mask) < 2 or not all(map(_may_be_equal, shape_of(mask)[:2], shape_of(x)[:2])):
            raise ShapeError(
                f"The `mask` passed to the `TimeDistributed` layer has a shape {list(shape_of(mask))}, "
                f"but the inputs have shape {list(shape_of(x))}; its first two sizes must be theirs"
            )
        takes_mask = signature_of_call(type(self.layer).call).takes_mask
        return {"mask": _merged(mask)} if takes_mask and rank_of(mask) == rank_of(x) - 1 else {}


def _may_be_equal(a: Dim, b: Dim) -> bool:
    return known_equal(a, b) is not False


def _merged(x: Operand) -> Operand:
    """[batch, time, ...] as [batch * time, ...]."""
    batch, time, *rest = shape_of(x)
    return reshape(x, (batch * time, *rest))
