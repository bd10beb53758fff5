"""Operators of KerasTensors and of weights: the functions of ``keras.ops``, with their dtype promotion.

On KerasTensors each records itself, as Keras does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.ops import arithmetic, comparison, indexing, movement, products
from graphc.keras.variable import Variable

__all__ = ["install_operators"]

Function = Callable[..., Any]

_ARITHMETIC: dict[str, Function] = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.true_divide,
    "floordiv": arithmetic.floor_divide,
    "mod": arithmetic.mod,
    "pow": arithmetic.power,
    "matmul": products.matmul,
    "and": comparison.logical_and,
    "or": comparison.logical_or,
    "xor": comparison.logical_xor,
}
_ORDER: dict[str, Function] = {
    "lt": comparison.less,
    "le": comparison.less_equal,
    "gt": comparison.greater,
    "ge": comparison.greater_equal,
}
_UNARY: dict[str, Function] = {
    "neg": arithmetic.negative,
    "abs": arithmetic.absolute,
    "invert": comparison.logical_not,
    "pos": lambda x: x,
    "round": arithmetic.round,
}


def _reflected(function: Function) -> Function:
    return lambda self, other: function(other, self)


def _equality(function: Function, if_foreign: bool) -> Function:
    """None and strings are no tensors: they are never equal to one.

    A KerasTensor has no value, but as a condition it tells whether both are the same tensor: ``x in model.inputs``
    works.
    """

    def operator(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, str):
            return if_foreign
        found = function(self, other)
        return found.decide((self is other) is not if_foreign) if isinstance(found, KerasTensor) else found

    return operator


def _item(self: KerasTensor, key: Any) -> Any:
    # A list picks elements; as an array it is not mistaken for a tuple, which files hold as a list.
    return indexing.get_item(self, np.asarray(key) if isinstance(key, list) else key)


def _reshape(self: KerasTensor, newshape: Any) -> Any:
    """The elements in another shape."""
    return movement.reshape(self, newshape)


def _squeeze(self: KerasTensor, axis: Any = None) -> Any:
    """Axes of size 1 removed."""
    return movement.squeeze(self, axis)


def install_operators() -> None:
    """Gives KerasTensors and weights the operators, and KerasTensors ``T``, ``reshape`` and ``squeeze``."""
    members: dict[str, Any] = {f"__{name}__": function for name, function in {**_ORDER, **_UNARY}.items()}
    for name, function in _ARITHMETIC.items():
        members |= {f"__{name}__": function, f"__r{name}__": _reflected(function)}
    members |= {
        "__eq__": _equality(comparison.equal, False),
        "__ne__": _equality(comparison.not_equal, True),
        "__getitem__": _item,
    }
    _set_members(Variable, members)
    transposed = property(movement.transpose, doc="The axes in opposite order.")
    _set_members(KerasTensor, {**members, "reshape": _reshape, "squeeze": _squeeze, "T": transposed})


def _set_members(cls: type, members: dict[str, Any]) -> None:
    for name, member in members.items():
        setattr(cls, name, member)
