"""Makes the many ``keras.ops`` functions that differ only in the function which computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.engine.operation import operation
from graphc.keras.ops.promotion import floats, promoted
from graphc_ir.ops.base import Operand

__all__ = ["binary", "reduction", "unary"]

Function = Callable[..., Any]


def unary(
    name: str,
    compute: Callable[[Any], Any],
    convert: Callable[[Any], Operand] = floats,
    module: str = "numpy",
    class_name: str | None = None,
) -> Function:
    """``name(x)``: ``compute`` of ``x`` as ``convert`` makes it a tensor."""

    def call(x: Any) -> Any:
        return compute(convert(x))

    return _named(call, name, compute, operation(module, "x", class_name))


def binary(name: str, compute: Callable[[Any, Any], Any], at_least: tuple[Any, ...] = ()) -> Function:
    """``name(x1, x2)``: ``compute`` of both in their common dtype, joined with those of ``at_least``."""

    def call(x1: Any, x2: Any) -> Any:
        return compute(*promoted(x1, x2, at_least=at_least))

    return _named(call, name, compute, operation("numpy", "x1 x2"))


def reduction(
    name: str,
    compute: Callable[[Any, Any, bool], Any],
    convert: Callable[[Any], Operand],
    module: str = "numpy",
) -> Function:
    """``name(x, axis=None, keepdims=False)``: ``compute`` over the axes, None meaning all of them."""

    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return compute(convert(x), axis, keepdims)

    return _named(call, name, compute, operation(module))


def _named(call: Function, name: str, compute: Function, decorate: Callable[[Function], Function]) -> Function:
    call.__name__ = call.__qualname__ = name
    call.__doc__ = compute.__doc__
    return decorate(call)
