"""Folding of scales into constant weights: batch norm after a convolution or matrix product (with a bias or not), and
constant factors."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from graphc_ir.graph import Graph, Value
from graphc_ir.ops.arithmetic import rsqrt
from graphc_ir.ops.base import bind, lift
from graphc_ir.ops.conv import Conv, ConvInputGrad, Convolution
from graphc_ir.ops.elementwise import Add, Mul, add, mul, sub
from graphc_ir.ops.linalg import MatMul, matmul
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.normalization import BatchNorm, vector_shape
from graphc_ir.passes.base import Pass, register_pass
from graphc_ir.passes.convolution import channel_axis, is_along
from graphc_ir.rewrite.driver import apply_rewrites
from graphc_ir.rewrite.pattern import Const, Match, P, Var, constant_array
from graphc_ir.rewrite.rule import Rewrite, rewrite_rule

x = Var("x")
_weights = Const(name="w")
_vectors = (Const(name="scale"), Const(name="offset"), Const(name="mean"), Const(name="variance"))


def _factor(m: Match) -> Any:
    return mul(m.scale, rsqrt(add(m.variance, m.op("norm").epsilon)))


def _is_over_bias(m: Match) -> str | None:
    fits = is_along(m.b.type.shape, m.op("norm").axis, m.root.result.type.shape)
    return None if fits else f"what is added, {m.b.type}, is not one number per position on the norm's axis"


@rewrite_rule(
    P(BatchNorm, P(Add, x, Const(name="b"), single_use=True), *_vectors, name="norm"),
    check=lambda m: _is_over_bias(m) or _keeps_shape(m),
    hazards=["changes_rounding"],
)
def fold_bias_into_batch_norm(m: Match) -> Any:
    """The mean is smaller by the bias without it. A constant again, so that the norm can be folded next."""
    mean: Any = constant_array(m.mean)
    bias: Any = constant_array(m.b)
    shape: Any = m.mean.type.shape
    shifted = lift(np.broadcast_to(mean.reshape(-1) - bias.reshape(-1), shape))
    return bind(m.op("norm"), m.x, m.scale, m.offset, shifted, m.variance)


def _keeps_shape(m: Match) -> str | None:
    have, want = m.x.type, m.root.result.type
    return None if have == want else f"the addition broadcasts {have} to {want}"


def _filter_axis(op: Convolution, w: Value) -> int:
    """The axis of the filters that stands for the result's channels."""
    rank = w.type.rank
    if isinstance(op, ConvInputGrad):
        return rank - 2 if op.layout == "NHWC" else 1
    return rank - 1 if op.layout == "NHWC" else 0


def _is_over_channels(m: Match) -> str | None:
    op = m.op("conv")
    if isinstance(op, ConvInputGrad) and op.groups != 1:
        return "the filters of a transposed convolution in groups hold only a part of the channels"
    return None if m.op("norm").axis == channel_axis(op) else "the batch norm is not over the channels"


@rewrite_rule(
    P(BatchNorm, P((Conv, ConvInputGrad), x, _weights, name="conv", single_use=True), *_vectors, name="norm"),
    check=_is_over_channels,
    hazards=["changes_rounding"],
)
def fold_batch_norm_into_conv(m: Match) -> Any:
    factor, shape = _factor(m), m.w.type.shape
    scaled = mul(m.w, reshape(factor, vector_shape(shape, _filter_axis(m.op("conv"), m.w))))
    shift = sub(m.offset, mul(m.mean, factor))
    along_channels = vector_shape(m.root.result.type.shape, m.op("norm").axis)
    return add(bind(m.op("conv"), m.x, scaled), reshape(shift, along_channels))


def _is_over_columns(m: Match) -> str | None:
    last = m.root.result.type.rank - 1
    if m.w.type.rank != 2:
        return f"the weights {m.w.type} are no matrix"
    return None if m.op("norm").axis == last else "the batch norm is not over the last axis"


@rewrite_rule(
    P(BatchNorm, P(MatMul, x, _weights, single_use=True), *_vectors, name="norm"),
    check=_is_over_columns,
    hazards=["changes_rounding"],
)
def fold_batch_norm_into_matmul(m: Match) -> Any:
    factor = _factor(m)
    return add(matmul(m.x, mul(m.w, factor)), sub(m.offset, mul(m.mean, factor)))


def _scales_columns(m: Match) -> str | None:
    if m.w.type.rank != 2:
        return f"the weights {m.w.type} are no matrix"
    fits = m.c.type.shape in ((), (1,), m.w.type.shape[1:])
    return None if fits else f"the factor {m.c.type} is not one per column"


@rewrite_rule(
    P(Mul, P(MatMul, x, _weights, single_use=True), Const(name="c")),
    check=_scales_columns,
    hazards=["changes_rounding"],
)
def fold_factor_into_matmul(m: Match) -> Any:
    return matmul(m.x, mul(m.w, m.c))


WEIGHTS: Final[tuple[Rewrite, ...]] = (
    fold_bias_into_batch_norm, fold_batch_norm_into_conv, fold_batch_norm_into_matmul, fold_factor_into_matmul,
)  # fmt: skip


@register_pass
class FoldWeights(Pass):
    """Multiplies scales into constant weights. For inference: in training, weights are state and no constants."""

    def run(self, graph: Graph) -> bool:
        return bool(apply_rewrites(graph, WEIGHTS))
