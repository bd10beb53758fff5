"""Shapes as TensorFlow shows them: ints, and None for sizes that are not known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, SupportsIndex

from graphc_ir.errors import ArgumentError


class TensorShape(tuple[Any, ...]):
    """A tuple of ints and Nones. Compares equal to tuples and lists; symbolic sizes appear as None."""

    def __new__(cls, dims: Iterable[Any] = ()) -> TensorShape:
        return super().__new__(cls, [d if type(d) is int else _plain(d) for d in dims])

    @property
    def rank(self) -> int:
        return len(self)

    @property
    def ndims(self) -> int:
        return len(self)

    @property
    def dims(self) -> list[Any]:
        return list(self)

    def as_list(self) -> list[int | None]:
        return list(self)

    def num_elements(self) -> int | None:
        """The number of elements, None if a size is not known."""
        if not self.is_fully_defined():
            return None
        count = 1
        for dim in self:
            count *= dim
        return count

    def is_fully_defined(self) -> bool:
        return None not in self[:]

    def is_compatible_with(self, other: Any) -> bool:
        """Whether both can be the shape of one tensor."""
        shape = TensorShape(other)
        return len(shape) == len(self) and all(
            a is None or b is None or a == b for a, b in zip(self, shape, strict=True)
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        if not self.is_compatible_with(other):
            raise ArgumentError(f"shapes {self} and {TensorShape(other)} are incompatible")

    def concatenate(self, other: Any) -> TensorShape:
        return TensorShape((*self, *TensorShape(other)))

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        found = tuple.__getitem__(self, key)
        return TensorShape(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> TensorShape:
        return TensorShape((*self, *other))

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape((*other, *self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, list)) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return tuple.__hash__(self)

    def __repr__(self) -> str:
        return f"TensorShape({list(self)})"

    def __str__(self) -> str:
        return "(" + ", ".join(map(str, self)) + ("," if len(self) == 1 else "") + ")"


def _plain(dim: Any) -> int | None:
    return int(dim) if hasattr(dim, "__int__") and not hasattr(dim, "symbols") else None
