"""Recognises composite ops in their written-out form. The fused op computes the same formula in one kernel, so results
may differ in the last digits; every rewrite here declares that."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from graphc_ir.graph import Graph, Value
from graphc_ir.ops.activation import Sigmoid, gelu, sigmoid, silu
from graphc_ir.ops.arithmetic import Reciprocal, Rsqrt
from graphc_ir.ops.attention import attention
from graphc_ir.ops.base import Array
from graphc_ir.ops.elementwise import Add, Div, Exp, Log, Mul, Neg, Sqrt, Square, Sub
from graphc_ir.ops.linalg import MatMul
from graphc_ir.ops.movement import Transpose
from graphc_ir.ops.nn import LogSoftmax, Softmax, log_softmax, softmax, softmax_cross_entropy_with_logits
from graphc_ir.ops.normalization import layer_norm
from graphc_ir.ops.reduction import ReduceMax, ReduceMean, ReduceSum, Reduction
from graphc_ir.ops.special import Erf
from graphc_ir.passes.base import Pass, register_pass
from graphc_ir.rewrite.driver import apply_rewrites
from graphc_ir.rewrite.pattern import Const, Match, P, Pattern, Var, constant_array
from graphc_ir.rewrite.rule import Hazard, Rewrite, register_rewrite, rewrite_rule

ROUNDING: Final[tuple[Hazard, ...]] = ("changes_rounding",)

x = Var("x")


def near(target: float) -> Const:
    """A constant that is ``target`` as well as its dtype can tell."""

    def is_near(array: Array) -> bool:
        if array.dtype.kind != "f" or not array.size:
            return False
        return bool(np.all(np.abs(array - target) <= 8 * np.finfo(array.dtype).eps * abs(target)))

    return Const(where=is_near)


# --- activations -----------------------------------------------------------------------------------------------------

_denominator = P(Add, P(Exp, P(Neg, x)), Const(1))


@rewrite_rule(P(Div, Const(1), _denominator), hazards=ROUNDING)
def fuse_sigmoid(m: Match) -> Any:
    return sigmoid(m.x)


@rewrite_rule(P(Reciprocal, _denominator), hazards=ROUNDING)
def fuse_sigmoid_reciprocal(m: Match) -> Any:
    return sigmoid(m.x)


@rewrite_rule(P(Mul, x, P(Sigmoid, x)), hazards=ROUNDING)
def fuse_silu(m: Match) -> Any:
    return silu(m.x)


def _gelu_forms() -> list[P]:
    """x, 1/2 and 1 + erf(x / sqrt(2)) multiplied in every order."""
    arguments: tuple[Pattern, ...] = (P(Mul, x, near(math.sqrt(0.5))), P(Div, x, near(math.sqrt(2))))
    forms = []
    for argument in arguments:
        bell = P(Add, P(Erf, argument), Const(1))
        forms.append(P(Mul, P(Mul, x, Const(0.5)), bell))
        forms.append(P(Mul, x, P(Mul, bell, Const(0.5))))
        forms.append(P(Mul, P(Mul, x, bell), Const(0.5)))
    return forms


def _gelu(m: Match) -> Any:
    return gelu(m.x)


_GELU = tuple(
    register_rewrite(Rewrite(f"fuse_gelu_{i}", form, _gelu, hazards=frozenset(ROUNDING)))
    for i, form in enumerate(_gelu_forms())
)


# --- softmax and its losses ------------------------------------------------------------------------------------------


def _kept_axis(op: Reduction) -> bool:
    return op.keepdims and len(op.axes) == 1


def _shifted(name: str) -> P:
    return P(Sub, x, P(ReduceMax, x, name=name, where=_kept_axis))


def _same_axis(m: Match) -> str | None:
    axes = {node.op.axes for node in m.nodes.values()}  # type: ignore[attr-defined]
    return None if len(axes) == 1 else "the maximum and the sum go over different axes"


def _softmax(m: Match) -> Any:
    return softmax(m.x, m.op("sum").axes[0])


def _softmax_form(inner: Callable[[str], Pattern]) -> P:
    return P(Div, P(Exp, inner("max")), P(ReduceSum, P(Exp, inner("max_below")), name="sum", where=_kept_axis))


@rewrite_rule(_softmax_form(lambda name: x), hazards=ROUNDING)
def fuse_softmax(m: Match) -> Any:
    return _softmax(m)


@rewrite_rule(_softmax_form(_shifted), check=_same_axis, hazards=ROUNDING)
def fuse_shifted_softmax(m: Match) -> Any:
    return _softmax(m)


@rewrite_rule(P(Log, P(Softmax, x, name="softmax")), hazards=ROUNDING)
def fuse_log_softmax(m: Match) -> Any:
    return log_softmax(m.x, m.op("softmax").axis)


_sum_of_exp = P(ReduceSum, P(Exp, x), name="sum", where=_kept_axis)


@rewrite_rule(P(Sub, x, P(Log, _sum_of_exp)), hazards=ROUNDING)
def fuse_log_softmax_difference(m: Match) -> Any:
    return log_softmax(m.x, m.op("sum").axes[0])


_log_likelihood = P(Mul, Var("labels"), P(LogSoftmax, x, name="softmax"))


def _is_cross_entropy(m: Match) -> str | None:
    last = m.x.type.rank - 1
    if m.op("sum").axes != (last,) or m.op("sum").keepdims or m.op("softmax").axis != last:
        return "the sum and the softmax do not both go over the last axis, which the sum drops"
    return None if m.labels.type == m.x.type else f"labels {m.labels.type} and logits {m.x.type} differ in type"


def _cross_entropy(m: Match) -> Any:
    return softmax_cross_entropy_with_logits(m.labels, m.x)


@rewrite_rule(
    P(Neg, P(ReduceSum, _log_likelihood, name="sum")), check=_is_cross_entropy, hazards=(*ROUNDING, "may_hide_nan")
)
def fuse_softmax_cross_entropy(m: Match) -> Any:
    """A label of 0 on an infinite logit then costs nothing, where the product gives NaN."""
    return _cross_entropy(m)


@rewrite_rule(
    P(ReduceSum, P(Neg, _log_likelihood), name="sum"), check=_is_cross_entropy, hazards=(*ROUNDING, "may_hide_nan")
)
def fuse_softmax_cross_entropy_inner(m: Match) -> Any:
    return _cross_entropy(m)


# --- normalization and attention -------------------------------------------------------------------------------------

_centred = P(Sub, x, P(ReduceMean, x, name="mean", where=lambda op: op.keepdims))
_variance = P(ReduceMean, P(Square, _centred), name="variance", where=lambda op: op.keepdims)
_spread = P(Add, _variance, Const(name="epsilon", where=lambda array: array.size == 1))
_scale, _offset = Var("scale"), Var("offset")


def _is_layer_norm(m: Match) -> str | None:
    axes, rank = m.op("mean").axes, m.x.type.rank
    if axes != m.op("variance").axes or not axes or axes != tuple(range(axes[0], rank)):
        return f"mean and variance go over axes {axes} and {m.op('variance').axes}, not both over the last ones"
    shape = m.x.type.shape[axes[0] :]
    if m.scale.type.shape != shape or m.offset.type.shape != shape:
        return f"scale {m.scale.type} and offset {m.offset.type} do not have the shape of the normalised axes"
    return None


def _number(value: Value) -> float:
    """A one-element constant as the shortest Python float that is the same in its dtype."""
    array = constant_array(value)
    assert array is not None
    return float(str(array.reshape(-1)[0]))


def _layer_norm(m: Match) -> Any:
    return layer_norm(m.x, m.scale, m.offset, m.op("mean").axes[0], _number(m.epsilon))


@rewrite_rule(
    P(Add, P(Mul, P(Div, _centred, P(Sqrt, _spread)), _scale), _offset), check=_is_layer_norm, hazards=ROUNDING
)
def fuse_layer_norm(m: Match) -> Any:
    return _layer_norm(m)


@rewrite_rule(
    P(Add, P(Mul, P(Mul, _centred, P(Rsqrt, _spread)), _scale), _offset), check=_is_layer_norm, hazards=ROUNDING
)
def fuse_layer_norm_rsqrt(m: Match) -> Any:
    return _layer_norm(m)


def _swaps_last(op: Transpose) -> bool:
    rank = len(op.permutation)
    return rank >= 2 and op.permutation == (*range(rank - 2), rank - 1, rank - 2)


_scores = P(MatMul, Var("q"), P(Transpose, Var("k"), where=_swaps_last), single_use=True)
_factor = Const(name="factor", where=lambda array: array.size == 1)


def _over_last(m: Match) -> str | None:
    rank = m.root.result.type.rank
    return None if m.op("softmax").axis == rank - 1 else "the softmax does not go over the keys"


@rewrite_rule(
    P(MatMul, P(Softmax, P(Mul, _scores, _factor), name="softmax", single_use=True), Var("v")),
    check=_over_last,
    hazards=ROUNDING,
)
def fuse_attention(m: Match) -> Any:
    return attention(m.q, m.k, m.v, scale=_number(m.factor))


@rewrite_rule(
    P(MatMul, P(Softmax, P(Div, _scores, _factor), name="softmax", single_use=True), Var("v")),
    check=_over_last,
    hazards=ROUNDING,
)
def fuse_attention_divided(m: Match) -> Any:
    return attention(m.q, m.k, m.v, scale=1 / _number(m.factor))


FUSIONS: Final[tuple[Rewrite, ...]] = (
    fuse_sigmoid, fuse_sigmoid_reciprocal, fuse_silu, *_GELU, fuse_shifted_softmax, fuse_softmax, fuse_log_softmax,
    fuse_log_softmax_difference, fuse_softmax_cross_entropy, fuse_softmax_cross_entropy_inner, fuse_layer_norm,
    fuse_layer_norm_rsqrt, fuse_attention, fuse_attention_divided,
)  # fmt: skip


@register_pass
class FuseComposites(Pass):
    """Puts composite ops (sigmoid, silu, gelu, softmax and its losses, layer norm, attention) in place of their
    written-out form."""

    def run(self, graph: Graph) -> bool:
        return bool(apply_rewrites(graph, FUSIONS))
