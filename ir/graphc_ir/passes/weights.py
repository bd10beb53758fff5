"""Folding of scales into constant weights: batch norm after a convolution or matrix product, and constant factors."""

from __future__ import annotations

from typing import Any, Final

from graphc_ir.graph import Graph, Value
from graphc_ir.ops.arithmetic import rsqrt
from graphc_ir.ops.base import bind
from graphc_ir.ops.conv import Conv
from graphc_ir.ops.elementwise import Mul, add, mul, sub
from graphc_ir.ops.linalg import MatMul, matmul
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.normalization import BatchNorm, vector_shape
from graphc_ir.passes.base import Pass, register_pass
from graphc_ir.rewrite.driver import apply_rewrites
from graphc_ir.rewrite.pattern import Const, Match, P, Var
from graphc_ir.rewrite.rule import Rewrite, rewrite_rule

x = Var("x")
_weights = Const(name="w")
_vectors = (Const(name="scale"), Const(name="offset"), Const(name="mean"), Const(name="variance"))


def _factor(m: Match) -> Any:
    return mul(m.scale, rsqrt(add(m.variance, m.op("norm").epsilon)))


def _filter_axis(op: Conv, w: Value) -> int:
    return w.type.rank - 1 if op.layout == "NHWC" else 0


def _is_over_channels(m: Match) -> str | None:
    rank = m.x.type.rank
    channels = rank - 1 if m.op("conv").layout == "NHWC" else 1
    return None if m.op("norm").axis == channels else "the batch norm is not over the channels"


@rewrite_rule(
    P(BatchNorm, P(Conv, x, _weights, name="conv", single_use=True), *_vectors, name="norm"),
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


WEIGHTS: Final[tuple[Rewrite, ...]] = (fold_batch_norm_into_conv, fold_batch_norm_into_matmul, fold_factor_into_matmul)


@register_pass
class FoldWeights(Pass):
    """Multiplies scales into constant weights. For inference: in training, weights are state and no constants."""

    def run(self, graph: Graph) -> bool:
        return bool(apply_rewrites(graph, WEIGHTS))
