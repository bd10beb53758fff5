"""Reverse-mode differentiation over a list of applied ops.

The list is a tape's records or a graph's nodes; the operands are whatever the current interpreter works on. So the
same engine computes eager gradients on arrays, records them again for higher orders, and appends to a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

from graphc_ir.errors import GradientError
from graphc_ir.graph import Graph
from graphc_ir.ops.base import NotDifferentiable, Op, Operand, current, shape_of, type_of
from graphc_ir.ops.elementwise import add
from graphc_ir.ops.movement import broadcast_to
from graphc_ir.ops.reduction import sum_to_shape


class Record(Protocol):
    """An applied op: a tape's record or a graph's node."""

    op: Op
    operands: tuple[Operand, ...]
    results: tuple[Operand, ...]
    regions: tuple[Graph, ...]


def pull_back(
    records: Iterable[Record],
    cotangents: dict[int, Operand],
    wanted: Collection[int],
    value_of: Callable[[Any], Operand] | None = None,
) -> dict[int, Operand]:
    """Propagates cotangents from results to operands.

    ``records`` come in reverse order of execution. ``cotangents`` maps ``id(result)`` to its cotangent and is filled
    with those of every operand whose id is in ``wanted`` (all that lie between sources and targets). ``value_of`` gives
    the current interpreter's operand for what a record holds, where the two differ.
    """
    for record in records:
        results = record.results
        received = [cotangents.get(id(result)) for result in results]
        if all(g is None for g in received):
            continue
        operands = record.operands
        if value_of is not None:
            operands, results = tuple(map(value_of, operands)), tuple(map(value_of, results))
        found = _operand_cotangents(record.op, record.regions, operands, results, received)
        for key, operand, g in zip(record.operands, operands, found, strict=True):
            if g is not None and id(key) in wanted:
                _accumulate(cotangents, id(key), operand, g)
    return cotangents


def _operand_cotangents(
    op: Op,
    regions: tuple[Graph, ...],
    operands: tuple[Operand, ...],
    results: tuple[Operand, ...],
    received: list[Operand | None],
) -> Sequence[Any]:
    if isinstance(op.vjp, NotDifferentiable):
        return (op.vjp,) * len(operands)
    options = {"regions": regions} if regions else {}
    if op.num_results == 1:
        found = op.vjp(received[0], results[0], *operands, **options)
    else:
        filled = tuple(zeros_like(r) if g is None else g for g, r in zip(received, results, strict=True))
        found = op.vjp(filled, results, *operands, **options)
    found = found if isinstance(found, tuple) else (found,)
    if len(found) != len(operands):
        raise GradientError(f"vjp of {op.name} gave {len(found)} cotangents for {len(operands)} operands")
    return found


def zeros_like(operand: Operand) -> Operand:
    """Zeros of the operand's type."""
    kind = type_of(operand)
    return broadcast_to(current().lift(0, kind.dtype), kind.shape)


def _accumulate(cotangents: dict[int, Operand], key: int, operand: Operand, g: Any) -> None:
    if callable(g):
        g = g()
    if g is None or isinstance(g, NotDifferentiable):
        return
    g = sum_to_shape(g, shape_of(operand))
    before = cotangents.get(key)
    cotangents[key] = g if before is None else add(before, g)
