"""``keras.ops.vectorize``: functions of scalars as functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.control import map_fn
from graphc.keras.ops.promotion import convert
from graphc.pytree import map_leaves
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, shape_of
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add
from graphc_ir.ops.movement import broadcast_to, reshape

__all__ = ["vectorize"]

Function = Callable[..., Any]


def vectorize(pyfunc: Function, *, excluded: Any = None, signature: str | None = None) -> Function:
    """A function that applies ``pyfunc``, written for scalars, to each element of its broadcast arguments.

    ``excluded`` are the positions of arguments that are passed on as they are. Raises ArgumentError for a signature:
    write functions of vectors with :func:`vectorized_map`.
    """
    if signature is not None:
        raise ArgumentError(f"vectorize: got signature={signature!r}; graphc vectorizes functions of scalars only, use "
                            "vectorized_map for functions of vectors")  # fmt: skip
    fixed = set(excluded or ())

    def call(*args: Any) -> Any:
        moving = [i for i in range(len(args)) if i not in fixed]
        grids = _broadcast([convert(args[i]) for i in moving])
        shape = shape_of(grids[0])

        def of_scalars(scalars: Any) -> Any:
            given = dict(zip(moving, scalars, strict=True))
            return pyfunc(*(given.get(i, arg) for i, arg in enumerate(args)))

        found = map_fn(of_scalars, [reshape(grid, (-1,)) for grid in grids])
        return map_leaves(lambda x: reshape(x, shape), found)

    return call


def _broadcast(tensors: list[Operand]) -> list[Operand]:
    total = zeros_like(tensors[0], "float32")
    for tensor in tensors[1:]:
        total = add(total, zeros_like(tensor, "float32"))
    return [broadcast_to(tensor, shape_of(total)) for tensor in tensors]
