"""Convolutions and pooling that take in what stands around them: zeros that their data is padded with, and a bias."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from graphc_ir.dims import Shape
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.activation import Relu6, Sigmoid
from graphc_ir.ops.base import bind
from graphc_ir.ops.conv import Conv, ConvInputGrad, Windowed
from graphc_ir.ops.elementwise import Add, Relu
from graphc_ir.ops.movement import Pad, reshape
from graphc_ir.ops.pooling import MaxPool
from graphc_ir.passes.base import Pass, register_pass
from graphc_ir.rewrite.driver import apply_rewrites
from graphc_ir.rewrite.pattern import Const, Match, P, Var
from graphc_ir.rewrite.rule import Rewrite, rewrite_rule

x, w, b = Var("x"), Var("w"), Var("b")

_NOT_NEGATIVE: Final = (Relu, Relu6, Sigmoid)


def is_along(shape: Shape, axis: int, whole: Shape) -> bool:
    """Whether a tensor of this shape holds one number for each position on one axis of ``whole``, when broadcast."""
    aligned = (1,) * (len(whole) - len(shape)) + shape
    return len(aligned) == len(whole) and all(
        size == (whole[axis] if i == axis else 1) for i, size in enumerate(aligned)
    )


def channel_axis(op: Windowed) -> int:
    return op.spatial_rank + 1 if op.layout == "NHWC" else 1


def _is_bias(m: Match) -> str | None:
    axis, whole = channel_axis(m.op("conv")), m.root.result.type.shape
    if m.node("conv").result.type.shape != whole or not is_along(m.b.type.shape, axis, whole):
        return f"what is added, {m.b.type}, is not one number per channel"
    return None


@rewrite_rule(P(Add, P((Conv, ConvInputGrad), x, w, name="conv", single_use=True), b), check=_is_bias)
def fuse_conv_bias(m: Match) -> Any:
    return bind(m.op("conv"), m.x, m.w, _as_vector(m.b, m.root.result.type.shape[channel_axis(m.op("conv"))]))


def _as_vector(value: Value, size: Any) -> Value:
    found: Value = reshape(value, (size,)) if value.type.rank != 1 else value
    return found


def _pads_space_by_numbers(m: Match) -> str | None:
    pad, op = m.op("pad"), m.op("window")
    axis = channel_axis(op)
    if any(d != 0 for i in (0, axis) for d in (pad.before[i], pad.after[i])):
        return "the pad reaches over the batch or the channels"
    if not all(isinstance(d, int) for d in (*pad.before, *pad.after, *op.pad_low, *op.pad_high)):
        return "how much is padded is only known when the graph runs"
    return None


def _with_pad(op: Any, pad: Pad) -> Any:
    low = tuple(a + b for a, b in zip(op.pad_low, op.spatial(pad.before), strict=True))
    high = tuple(a + b for a, b in zip(op.pad_high, op.spatial(pad.after), strict=True))
    return dataclasses.replace(op, pad_low=low, pad_high=high)


@rewrite_rule(P(Conv, P(Pad, x, Const(0), name="pad"), w, name="window"), check=_pads_space_by_numbers)
def fold_pad_into_conv(m: Match) -> Any:
    return bind(_with_pad(m.op("window"), m.op("pad")), m.x, m.w)


def _never_wins(m: Match) -> str | None:
    """Zeros change no maximum where nothing is below 0 and every window has an element besides them."""
    if m.x.op is None or not isinstance(m.x.op, _NOT_NEGATIVE):
        return "the data may be below the zeros"
    op = _with_pad(m.op("window"), m.op("pad"))
    if any(rate != 1 for rate in op.dilations) or max(*op.pad_low, *op.pad_high) >= min(op.window):
        return "a window may hold nothing but zeros"
    return None


@rewrite_rule(
    P(MaxPool, P(Pad, x, Const(0), name="pad"), name="window"),
    check=lambda m: _pads_space_by_numbers(m) or _never_wins(m),
)
def fold_pad_into_max_pool(m: Match) -> Any:
    return bind(_with_pad(m.op("window"), m.op("pad")), m.x)


CONVOLUTION: Final[tuple[Rewrite, ...]] = (fold_pad_into_conv, fold_pad_into_max_pool, fuse_conv_bias)


@register_pass
class FuseConv(Pass):
    """Convolutions take in zeros that their data is padded with, and a bias that is added to their result; max pooling
    takes in zeros that win against nothing."""

    def run(self, graph: Graph) -> bool:
        return bool(apply_rewrites(graph, CONVOLUTION))
