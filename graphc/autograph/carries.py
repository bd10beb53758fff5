"""The variables of a loop: what goes from one round to the next, and as what type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphc.autograph.merge import Mismatch, describe, is_data, is_same
from graphc.autograph.slots import Slot
from graphc.autograph.undefined import Undefined
from graphc.number import Number, adapted, is_number
from graphc.pytree import flatten, unflatten
from graphc.regions import Region
from graphc.tensor import SymbolicTensor, Tensor
from graphc.tensor_array import TensorArray
from graphc_ir.dims import fresh_symbol, known_equal
from graphc_ir.dtypes import DType
from graphc_ir.ops.base import lift
from graphc_ir.types import TensorType


class Leaf:
    """One part of a loop variable.

    ``type`` is that of the loop's argument for it; None while it is no tensor and has to stay what it is.
    """

    def __init__(self, entry: Any) -> None:
        self.entry = entry
        self.is_number = is_number(entry)
        """Whether the user's code has a number here, before the loop and after each round."""
        self._open_axes: set[int] = set()
        self.type = self._entry_type()
        self.after: Tensor | None = None
        """What a round gives; None if it leaves the argument as it is."""

    @property
    def has_open_size(self) -> bool:
        """Whether a round changes a size."""
        return bool(self._open_axes)

    def _entry_type(self) -> TensorType | None:
        if isinstance(self.entry, TensorArray):
            return self.entry.stacked_type
        if not is_data(self.entry):
            return None
        kind: TensorType = lift(self.entry).type
        return kind

    def operand(self) -> Tensor:
        """The value before the loop."""
        assert self.type is not None
        if isinstance(self.entry, TensorArray):
            return self.entry.stacked(self.type)
        found: Tensor = adapted(self.entry, self.type.dtype)
        return found

    def with_tensor(self, tensor: Any) -> Any:
        """The user's view of an argument or result."""
        if isinstance(self.entry, TensorArray):
            return self.entry.with_content(tensor)
        return Number(tensor.value) if self.is_number else tensor

    def result(self, results: Iterator[Any]) -> Any:
        """What the loop leaves: the next of the results, or what was there before if a round changes nothing."""
        if self.after is not None:
            return next(results)
        return self.entry.content() if isinstance(self.entry, TensorArray) else self.entry

    def settle(self, after: Any, argument: Any, region: Region) -> bool:
        """Takes what a round gives. False if the round has to be traced again, since the type is another one now.

        Raises Mismatch when no one type fits.
        """
        if isinstance(self.entry, TensorArray) and isinstance(after, TensorArray):
            return self._settle_array(self.entry, after, argument, region)
        if self.type is None or not is_data(after):
            if is_same(self.entry, after):
                return True
            raise Mismatch(f"is {describe(self.entry)} before a round and {describe(after)} after it")
        if isinstance(after, SymbolicTensor) and after.value is argument.value:
            self.after = None
            return True
        self.is_number = self.is_number and is_number(after)
        dtype = self.type.dtype
        return self._settle_tensor(region.run(lambda: adapted(after, dtype)))

    def _settle_array(self, entry: TensorArray, after: TensorArray, argument: Any, region: Region) -> bool:
        kind = self.type
        if kind is not None:
            tensor = region.run(lambda: after.stacked(kind))
            self.after = None if tensor is argument else tensor
            return tensor is argument or self._settle_tensor(tensor)
        if after.element_type is None:
            return True
        # The first write tells what the elements are.
        self.type = entry.type_for(after.element_type)
        return False

    def _settle_tensor(self, tensor: Tensor) -> bool:
        assert self.type is not None
        self.after = tensor
        want, have = self.type, tensor.type
        if want.rank != have.rank or not (want.dtype is have.dtype or self._adapts(have.dtype)):
            raise Mismatch(f"is {want} before a round and {have} after it")
        sizes = enumerate(zip(want.shape, have.shape, strict=True))
        changed = {i for i, (a, b) in sizes if i not in self._open_axes and known_equal(a, b) is not True}
        self._open_axes |= changed
        shape = tuple(fresh_symbol() if i in changed else size for i, size in enumerate(want.shape))
        self.type = TensorType(have.dtype, shape)
        return self.type == want

    def _adapts(self, dtype: DType) -> bool:
        """Whether a number can start as this dtype."""
        return is_number(self.entry) and adapted(self.entry, dtype).dtype is dtype


class Carry:
    """One slot that goes from round to round, as a structure of leaves."""

    def __init__(self, slot: Slot, entry: Any) -> None:
        self.slot = slot
        self.entry = entry
        leaves, self._structure = flatten(entry)
        self.leaves = [Leaf(leaf) for leaf in leaves]

    @property
    def tensors(self) -> list[Leaf]:
        """The leaves that are arguments of the loop."""
        return [leaf for leaf in self.leaves if leaf.type is not None]

    def assign(self, tensors: Iterator[Any]) -> None:
        """Gives the slot the loop's arguments or results; leaves that are no tensors stay."""
        values = [leaf.entry if leaf.type is None else leaf.with_tensor(next(tensors)) for leaf in self.leaves]
        self.slot.set(unflatten(self._structure, values))

    def after(self, value: Any) -> list[Any]:
        """The leaves of what a round left in the slot. Raises Mismatch for another structure."""
        if isinstance(value, Undefined):
            raise Mismatch(value.why)
        leaves, structure = flatten(value)
        if structure != self._structure:
            raise Mismatch(f"is {describe(self.entry)} before a round and {describe(value)} after it")
        return leaves

    def has_grown(self, value: Any) -> bool:
        """Whether a round changed the number of items of a list or tuple."""
        is_sequence = isinstance(value, (list, tuple)) and isinstance(self.entry, (list, tuple))
        return is_sequence and len(value) != len(self.entry)
