"""Rewrites of ops that move elements, of casts, and of reductions over axes of size 1. All give the same bits."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np

from graphc_ir.dims import Shape, broadcast_shapes
from graphc_ir.dtypes import DType, bfloat16, bool_, float32, float64
from graphc_ir.graph import Value
from graphc_ir.ops.base import bind
from graphc_ir.ops.elementwise import Binary, Cast, Elementwise, Predicate, Unary, cast
from graphc_ir.ops.movement import (
    BroadcastTo,
    Concat,
    Pad,
    Reshape,
    Slice,
    Tile,
    Transpose,
    broadcast_to,
    reshape,
    transpose,
)
from graphc_ir.ops.reduction import Reduction, reduced_shape
from graphc_ir.rewrite.pattern import Match, P, Var
from graphc_ir.rewrite.rule import Rewrite, rewrite_rule

x, y = Var("x"), Var("y")

_SELECTING: Final = {"reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod"}
"""Reductions that give a single element back unchanged."""


def _keeps_type(m: Match) -> str | None:
    have, want = m.x.type, m.root.result.type
    return None if have == want else f"it changes the type from {have} to {want}"


@rewrite_rule(P((Reshape, BroadcastTo, Cast), x), check=_keeps_type)
def same_type(m: Match) -> Value:
    return m.x


@rewrite_rule(P(Reshape, P(Reshape, x), name="outer"))
def reshape_reshape(m: Match) -> Any:
    return reshape(m.x, m.op("outer").shape)


@rewrite_rule(P(Transpose, x, name="outer", where=lambda op: op.permutation == tuple(range(len(op.permutation)))))
def transpose_identity(m: Match) -> Value:
    return m.x


@rewrite_rule(P(Transpose, P(Transpose, x, name="inner"), name="outer"))
def transpose_transpose(m: Match) -> Any:
    inner = m.op("inner").permutation
    return transpose(m.x, tuple(inner[p] for p in m.op("outer").permutation))


def _moves_only_ones(m: Match) -> str | None:
    kept = [p for p in m.op("outer").permutation if m.x.type.shape[p] != 1]
    if kept != sorted(kept):
        return "axes of size other than 1 change places"
    # A reshape to several open sizes needs them computed when the graph runs.
    is_open = [not isinstance(d, int) for d in m.x.type.shape]
    return None if sum(is_open) <= 1 else "more than one size is open"


@rewrite_rule(P(Transpose, x, name="outer"), check=_moves_only_ones)
def transpose_of_ones(m: Match) -> Any:
    """Moving axes of size 1 moves no element."""
    return reshape(m.x, m.root.result.type.shape)


def _joint(a: Shape, b: Shape) -> Shape | None:
    try:
        return broadcast_shapes(a, b)
    except ValueError:
        return None


@rewrite_rule(P(BroadcastTo, P(BroadcastTo, x), name="outer"))
def broadcast_broadcast(m: Match) -> Any:
    shape = m.op("outer").shape
    return broadcast_to(m.x, shape) if _joint(m.x.type.shape, shape) == shape else None


@rewrite_rule(P(BroadcastTo, P(Reshape, x, name="inner")))
def broadcast_of_expanded(m: Match) -> Any:
    """A reshape that only adds leading axes of size 1 is what broadcasting does anyway."""
    have, shape = m.x.type.shape, m.op("inner").shape
    added = len(shape) - len(have)
    is_leading = added > 0 and shape[added:] == have and all(d == 1 for d in shape[:added])
    return broadcast_to(m.x, m.root.result.type.shape) if is_leading else None


@rewrite_rule(P(Reshape, P(BroadcastTo, x)))
def reshape_of_one_element(m: Match) -> Any:
    """One element that is repeated may be repeated into any shape."""
    if any(d != 1 for d in m.x.type.shape):
        return None
    scalar = reshape(m.x, ()) if m.x.type.shape else m.x
    return broadcast_to(scalar, m.root.result.type.shape)


def is_lossless(source: DType, target: DType) -> bool:
    """Whether every value of one dtype is a value of the other."""
    if source is bool_:
        return True
    if bfloat16 in (source, target):
        return source is target or (source is bfloat16 and target in (float32, float64))
    return bool(np.can_cast(source.np, target.np, "safe"))


def _passes_through(m: Match) -> str | None:
    source, between, target = m.x.type.dtype, m.op("inner").dtype, m.root.result.type.dtype
    if target is bool_ or not is_lossless(source, between):
        return f"the cast from {source.name} over {between.name} to {target.name} may lose information on the way"
    return None


@rewrite_rule(P(Cast, P(Cast, x, name="inner")), check=_passes_through)
def cast_cast(m: Match) -> Any:
    return cast(m.x, m.root.result.type.dtype)


@rewrite_rule(P(Reduction, x, name="outer", where=lambda op: op.name in _SELECTING))
def reduce_ones(m: Match) -> Any:
    """Reducing axes of size 1 changes only the shape."""
    if any(m.x.type.shape[axis] != 1 for axis in m.op("outer").axes):
        return None
    return reshape(m.x, m.root.result.type.shape)


@rewrite_rule(P(Reshape, P(Reduction, x, name="inner", where=lambda op: not op.keepdims, single_use=True)))
def reduce_then_expand(m: Match) -> Any:
    """A reduction whose axes are put back as size 1 is one with ``keepdims``."""
    op = m.op("inner")
    if m.root.result.type.shape != reduced_shape(m.x.type.shape, op.axes, True):
        return None
    return bind(dataclasses.replace(op, keepdims=True), m.x)


def _is_whole(m: Match) -> str | None:
    op, shape = m.op("outer"), m.x.type.shape
    whole = all(s == 0 for s in op.starts) and op.stops == shape and all(s == 1 for s in op.steps)
    return None if whole else "it leaves elements out"


@rewrite_rule(P(Slice, x, name="outer"), check=_is_whole)
def slice_whole(m: Match) -> Value:
    return m.x


def _reverses(m: Match) -> str | None:
    """Whether the outer slice takes all elements, backwards on some axes (which the inner one then does too)."""
    op, shape = m.op("outer"), m.x.type.shape
    backwards = tuple(step == -1 for step in op.steps)
    starts = tuple(d - 1 if back else 0 for back, d in zip(backwards, shape, strict=True))
    stops = tuple(-1 if back else d for back, d in zip(backwards, shape, strict=True))
    same = m.op("inner") == op and (op.starts, op.stops) == (starts, stops) and set(op.steps) <= {1, -1}
    return None if same else "it does not put all elements back where they were"


@rewrite_rule(P(Slice, P(Slice, x, name="inner"), name="outer"), check=_reverses)
def reverse_reverse(m: Match) -> Value:
    return m.x


@rewrite_rule(P(Concat, x))
def concat_one(m: Match) -> Value:
    return m.x


@rewrite_rule(P(Pad, x, Var("value"), where=lambda op: all(d == 0 for d in (*op.before, *op.after))))
def pad_nothing(m: Match) -> Value:
    return m.x


@rewrite_rule(P(Tile, x, where=lambda op: all(d == 1 for d in op.multiples)))
def tile_once(m: Match) -> Value:
    return m.x


@rewrite_rule(P((Unary, Cast), P(Transpose, x, name="inner", single_use=True)))
def sink_transpose(m: Match) -> Any:
    """Towards the results, where it may meet another one."""
    return transpose(bind(m.root.op, m.x), m.op("inner").permutation)


@rewrite_rule(P((Unary, Cast), P(Reshape, x, name="inner", single_use=True)))
def sink_reshape(m: Match) -> Any:
    return reshape(bind(m.root.op, m.x), m.op("inner").shape)


def _same_move(m: Match) -> str | None:
    a, b = m.op("left"), m.op("right")
    if a != b:
        return "the operands are moved in different ways"
    if isinstance(a, Reshape) and m.x.type.shape != m.y.type.shape:
        return f"the operands have different shapes before they are reshaped: {m.x.type} and {m.y.type}"
    return None if m.x.type.rank == m.y.type.rank else "the operands differ in rank"


_MOVED = (
    P((Transpose, Reshape), x, name="left", single_use=True),
    P((Transpose, Reshape), y, name="right", single_use=True),
)


@rewrite_rule(P((Binary, Predicate), *_MOVED), check=_same_move)
def sink_same_moves(m: Match) -> Any:
    """``f(move(x), move(y))`` to ``move(f(x, y))``."""
    return bind(m.op("left"), bind(m.root.op, m.x, m.y))


_SCALAR = Var("scalar", where=lambda value: value.type.shape == (), wanted="rank 0")


@rewrite_rule(P(Elementwise, P((Transpose, Reshape), x, name="inner", single_use=True), _SCALAR))
def sink_move_left(m: Match) -> Any:
    return bind(m.op("inner"), bind(m.root.op, m.x, m.scalar))


@rewrite_rule(P(Elementwise, _SCALAR, P((Transpose, Reshape), x, name="inner", single_use=True)))
def sink_move_right(m: Match) -> Any:
    return bind(m.op("inner"), bind(m.root.op, m.scalar, m.x))


MOVEMENT: tuple[Rewrite, ...] = (
    same_type, reshape_reshape, transpose_identity, transpose_transpose, transpose_of_ones, broadcast_broadcast,
    broadcast_of_expanded, reshape_of_one_element, cast_cast, reduce_ones, reduce_then_expand, slice_whole,
    reverse_reverse, concat_one, pad_nothing, tile_once,
)  # fmt: skip

SINKING: tuple[Rewrite, ...] = (sink_transpose, sink_reshape, sink_same_moves, sink_move_left, sink_move_right)
