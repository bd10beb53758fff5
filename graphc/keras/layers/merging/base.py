"""What layers of a list of tensors share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.ops.promotion import as_bool, promoted
from graphc_ir.dims import Dim, UndecidableDimError, known_equal, require_equal
from graphc_ir.dtypes import DType
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.elementwise import select
from graphc_ir.ops.logical import logical_or
from graphc_ir.ops.movement import expand_dims
from graphc_ir.ops.shape import ensure_shape

__all__ = ["CountingMerge", "ElementwiseMerge", "MergeLayer", "agreeing"]


class MergeLayer(Layer):
    """Base of layers that are called on a list of tensors, which are cast to their common dtype."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def operands(self, inputs: Any) -> list[Operand]:
        """The inputs as a list. Raises ArgumentError for anything but a list or tuple of tensors."""
        if not isinstance(inputs, (list, tuple)) or not inputs:
            raise ArgumentError(f"{type(self).__name__} {self.name!r} is called on a list of tensors, got "
                                f"{type(inputs).__name__}; write layer([a, b])")  # fmt: skip
        return promoted(*inputs)

    def masks(self, inputs: Any, mask: Any) -> list[Operand | None]:
        """The mask of each input, or None. Raises ArgumentError unless there is one of them for each."""
        if mask is None:
            return [None]
        if not isinstance(mask, (list, tuple)) or not isinstance(inputs, (list, tuple)) or len(mask) != len(inputs):
            raise ArgumentError(f"{type(self).__name__} {self.name!r}: compute_mask takes two lists of the same length,"
                                f" inputs and masks (or None each); got {inputs} and {mask}")  # fmt: skip
        return [None if m is None else as_bool(m) for m in mask]

    def merge(self, operands: list[Operand]) -> Operand:
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        return self.merge(self.operands(inputs))


class ElementwiseMerge(MergeLayer):
    """Base of element-wise merges. Shapes broadcast; inputs with fewer axes get axes of size 1 after the batch axis."""

    def operands(self, inputs: Any) -> list[Operand]:
        found = super().operands(inputs)
        self._check_batches(found)
        rank = max(rank_of(x) for x in found)
        return agreeing([_with_rank(x, rank) for x in found])

    def _check_batches(self, operands: list[Operand]) -> None:
        batches = [shape_of(x)[0] for x in operands if rank_of(x)]
        for batch in batches[1:]:
            # An open size may turn out to fit; a batch of 1 broadcasts nowhere in Keras.
            if known_equal(batch, batches[0]) is False:
                shapes = ", ".join(f"[{', '.join(map(str, shape_of(x)))}]" for x in operands)
                raise ShapeError(f"{type(self).__name__} {self.name!r}: inputs of shapes {shapes} differ in the batch "
                                 "size (axis 0); merge tensors of the same batch")  # fmt: skip

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Counts what any input counts; None unless every input has a mask."""
        masks = self.masks(inputs, mask)
        given = [m for m in masks if m is not None]
        return reduce(logical_or, given) if len(given) == len(masks) else None


class CountingMerge(ElementwiseMerge):
    """Base of merges in which the masked steps of one input leave the result to the other inputs."""

    def neutral(self, dtype: DType) -> Any:
        """The number that changes nothing in the merge."""
        raise NotImplementedError

    def nothing(self, operands: list[Operand]) -> Any:
        """What stands where no input counts."""
        raise NotImplementedError

    def call(self, inputs: Any, mask: Any = None) -> Any:
        operands, counted = self.operands(inputs), self._counted(inputs, mask)
        visible = [x if c is None else select(c, x, lift(self.neutral(dtype_of(x)), dtype_of(x)))
                   for x, c in zip(operands, counted, strict=False)]  # fmt: skip
        given = [c for c in counted if c is not None]
        if not given:
            return self.merge(operands)
        result = self.merge(visible)
        if len(given) < len(operands):
            return result
        return select(reduce(logical_or, given), result, self.nothing(operands))

    def _counted(self, inputs: Any, mask: Any) -> list[Operand | None]:
        """The masks with the axes of the operands."""
        ranks = [rank_of(lift(x)) for x in inputs]
        masks = zip(self.masks(inputs, mask), ranks, strict=False)
        return [None if m is None else _with_rank(_with_last_axes(m, rank), max(ranks)) for m, rank in masks]


def agreeing(operands: list[Operand], free_axis: int | None = None) -> list[Operand]:
    """The operands with equal open sizes on all axes but ``free_axis``.

    Sizes that have come different ways, such as ``h`` and ``2 * (h // 2)`` in a U-Net, may be equal or not; they are
    taken to be and checked when the graph runs.
    """
    sizes = zip(*(shape_of(x) for x in operands), strict=True)
    wanted = [next((d for d in column if d != 1), 1) for column in sizes]
    return [_agreeing(x, wanted, free_axis) for x in operands]


def _agreeing(x: Operand, wanted: Sequence[Dim], free_axis: int | None) -> Operand:
    pairs = enumerate(zip(shape_of(x), wanted, strict=True))
    return ensure_shape(x, [have if axis == free_axis else _agreed(have, want) for axis, (have, want) in pairs])


def _agreed(have: Dim, want: Dim) -> Dim:
    if have == 1:
        return have
    try:
        require_equal(have, want, "sizes of merged tensors")
    except UndecidableDimError:
        return want
    except ValueError:  # the op that merges them says which tensors do not fit
        return have
    return have


def _with_last_axes(mask: Operand, rank: int) -> Operand:
    missing = tuple(range(rank_of(mask), rank))
    return expand_dims(mask, missing) if missing else mask


def _with_rank(x: Operand, rank: int) -> Operand:
    missing: Sequence[int] = range(1, 1 + rank - rank_of(x))
    return expand_dims(x, tuple(missing)) if missing else x
