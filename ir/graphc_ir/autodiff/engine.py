"""Reverse-mode differentiation over a list of applied ops.

The list is a tape's records or a graph's nodes; the operands are whatever the current interpreter works on. So the
same engine computes eager gradients on arrays, records them again for higher orders, and appends to a graph.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from graphc_ir.errors import GradientError
from graphc_ir.graph import Graph
from graphc_ir.ops.base import NotDifferentiable, Op, Operand, current, type_of
from graphc_ir.ops.elementwise import add
from graphc_ir.ops.movement import broadcast_to
from graphc_ir.ops.reduction import sum_to_shape

Record = tuple[Op, tuple[Any, ...], tuple[Any, ...], tuple[Graph, ...], Sequence[Operand], Sequence[Operand]]
"""An applied op: the op, what stands for its operands and results (told apart by id), its regions, and the operands and
results themselves as the current interpreter takes them."""


def pull_back(records: Iterable[Record], cotangents: dict[int, Operand], wanted: Collection[int]) -> dict[int, Operand]:
    """Propagates cotangents from results to operands.

    ``records`` come in reverse order of execution. ``cotangents`` maps ``id(result)`` to its cotangent and is filled
    with those of every operand whose id is in ``wanted`` (all that lie between sources and targets).
    """
    shape_of = current().shape_of
    for op, keys, result_keys, regions, operands, results in records:
        single = len(result_keys) == 1
        g = cotangents.get(id(result_keys[0])) if single else _joint_cotangent(cotangents, result_keys, results)
        vjp = op.vjp
        if g is None or vjp.__class__ is NotDifferentiable:
            continue
        y = results[0] if single else tuple(results)
        found = vjp(g, y, *operands, regions=regions) if regions else vjp(g, y, *operands)
        if found.__class__ is not tuple:
            found = (found,)
        if len(found) != len(keys):
            raise GradientError(f"vjp of {op.name} gave {len(found)} cotangents for {len(keys)} operands")
        for key, operand, item in zip(keys, operands, found, strict=False):
            name = id(key)
            if item is None or name not in wanted:
                continue
            cotangent = item() if callable(item) else item
            if cotangent is None or cotangent.__class__ is NotDifferentiable:
                continue
            shape = shape_of(operand)
            if shape_of(cotangent) != shape:
                cotangent = sum_to_shape(cotangent, shape)
            before = cotangents.get(name)
            cotangents[name] = cotangent if before is None else add(before, cotangent)
    return cotangents


def _joint_cotangent(
    cotangents: dict[int, Operand], keys: Sequence[Any], results: Sequence[Operand]
) -> tuple[Operand, ...] | None:
    """The cotangents of all results of one op, zeros where none arrived; None if none arrived at all."""
    received = [cotangents.get(id(key)) for key in keys]
    if all(g is None for g in received):
        return None
    return tuple(zeros_like(r) if g is None else g for g, r in zip(received, results, strict=True))


def zeros_like(operand: Operand) -> Operand:
    """Zeros of the operand's type."""
    kind = type_of(operand)
    return broadcast_to(current().lift(0, kind.dtype), kind.shape)
