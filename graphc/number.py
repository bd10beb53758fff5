"""Python numbers that only a run of the graph tells, such as the counter of a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.tensor import SymbolicTensor
from graphc_ir.dtypes import DType
from graphc_ir.ops.base import KIND_ORDER, lift
from graphc_ir.ops.elementwise import cast

__all__ = ["Number", "adapted", "is_number"]


class Number(SymbolicTensor):
    """A scalar that is a number in the user's code: like one, it takes the dtype of the tensor that it meets.

    What Python numbers and it make of each other is a Number again.
    """

    __slots__ = ()


def is_number(value: Any) -> bool:
    """Whether a value is an int or float, known or not."""
    return isinstance(value, (int, float, Number)) and not isinstance(value, bool)


def adapted(value: Any, dtype: DType | None) -> Any:
    """A value as a tensor. Numbers, known or not, take ``dtype`` if they can: no float becomes an integer."""
    tensor = lift(value, dtype)
    if dtype is None or tensor.dtype is dtype or not isinstance(value, Number) or dtype.is_bool:
        return tensor
    return cast(tensor, dtype) if KIND_ORDER[tensor.dtype.kind] <= KIND_ORDER[dtype.kind] else tensor


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")


def _between_numbers(plain: Callable[..., Any]) -> Callable[..., Any]:
    def operator(self: Number, *others: Any) -> Any:
        found = plain(self, *others)
        return Number(found.value) if all(map(is_number, others)) else found

    return operator


def _install_operators() -> None:
    names = [f"__{side}{name}__" for name in _BINARY for side in ("", "r")] + ["__neg__", "__pos__", "__abs__"]
    for name in names:
        setattr(Number, name, _between_numbers(getattr(SymbolicTensor, name)))


_install_operators()
