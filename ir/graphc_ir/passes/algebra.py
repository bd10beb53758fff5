"""Rewrites of element-wise arithmetic. Those without a declared hazard give the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc_ir.dims import broadcast_shapes
from graphc_ir.graph import Value
from graphc_ir.ops.arithmetic import Abs, Pow
from graphc_ir.ops.base import Array, bind, lift
from graphc_ir.ops.constant import Constant
from graphc_ir.ops.elementwise import (
    Add,
    Binary,
    Cast,
    Div,
    Exp,
    Log,
    Maximum,
    Minimum,
    Mul,
    Neg,
    Predicate,
    Relu,
    Select,
    Square,
    Sub,
    Unary,
    add,
    div,
    mul,
    neg,
    sqrt,
    square,
    sub,
)
from graphc_ir.ops.logical import LogicalNot
from graphc_ir.ops.movement import BroadcastTo, broadcast_to
from graphc_ir.rewrite.pattern import Const, Match, P, Var, constant_array
from graphc_ir.rewrite.rule import Rewrite, rewrite_rule

x, y, a, b = Var("x"), Var("y"), Var("a"), Var("b")


def as_root(m: Match, value: Value) -> Value:
    """The value broadcast to the shape of what it replaces."""
    result: Value = broadcast_to(value, m.root.result.type.shape)
    return result


@rewrite_rule(P(Mul, x, Const(1)))
def mul_one(m: Match) -> Value:
    return as_root(m, m.x)


@rewrite_rule(P(Div, x, Const(1)))
def div_one(m: Match) -> Value:
    return as_root(m, m.x)


@rewrite_rule(P(Add, x, Const(0)), hazards=["changes_zero_sign"])
def add_zero(m: Match) -> Value:
    return as_root(m, m.x)


def _no_negative_zero(array: Array) -> bool:
    return not np.signbit(array).any() if array.dtype.kind in "f" else True


@rewrite_rule(P(Sub, x, Const(0, where=_no_negative_zero)))
def sub_zero(m: Match) -> Value:
    return as_root(m, m.x)


@rewrite_rule(P(Mul, x, Const(-1)))
def mul_minus_one(m: Match) -> Value:
    return as_root(m, neg(m.x))


@rewrite_rule(P(Neg, P(Neg, x)))
def neg_neg(m: Match) -> Value:
    return m.x


@rewrite_rule(P(Mul, P(Neg, x), P(Neg, y)))
def mul_neg_neg(m: Match) -> Any:
    return mul(m.x, m.y)


@rewrite_rule(P(Div, P(Neg, x), P(Neg, y)))
def div_neg_neg(m: Match) -> Any:
    return div(m.x, m.y)


@rewrite_rule(P(Add, x, P(Neg, y)))
def add_neg(m: Match) -> Any:
    return sub(m.x, m.y)


@rewrite_rule(P(Sub, x, P(Neg, y)))
def sub_neg(m: Match) -> Any:
    return add(m.x, m.y)


@rewrite_rule(P(Square, P((Neg, Abs), x)), check=lambda m: "x is complex" if m.x.type.dtype.is_complex else None)
def square_of_sign(m: Match) -> Any:
    return square(m.x)


@rewrite_rule(P(Abs, P(Neg, x)))
def abs_neg(m: Match) -> Any:
    return bind(m.root.op, m.x)


@rewrite_rule(P((Abs, Relu), P((Abs, Relu), x, name="inner")))
def repeated_abs_or_relu(m: Match) -> Value:
    return m.node("inner").result


@rewrite_rule(P(LogicalNot, P(LogicalNot, x)))
def not_not(m: Match) -> Value:
    return m.x


@rewrite_rule(P((Maximum, Minimum), x, x))
def extremum_of_itself(m: Match) -> Value:
    return m.x


@rewrite_rule(P(Select, Var("condition"), x, x))
def select_same(m: Match) -> Value:
    return as_root(m, m.x)


@rewrite_rule(P(Select, Const(1), x, y))
def select_true(m: Match) -> Value:
    return as_root(m, m.x)


@rewrite_rule(P(Select, Const(0), x, y))
def select_false(m: Match) -> Value:
    return as_root(m, m.y)


def _is_power_of_two(array: Array) -> bool:
    if array.dtype.kind != "f" or not array.size:
        return False
    mantissa, exponent = np.frexp(array)
    return bool(np.all((np.abs(mantissa) == 0.5) & (np.abs(exponent) < 100)))


@rewrite_rule(
    P(Div, x, Const(name="c", where=_is_power_of_two)),
    check=lambda m: "float16 reciprocals may be subnormal" if m.x.type.dtype.size < 4 else None,
)
def div_by_power_of_two(m: Match) -> Any:
    """Exact, since the reciprocal is; a product is cheaper than a quotient."""
    if m.c.node is None or not isinstance(m.c.op, Constant) or constant_array(m.x) is not None:
        return None
    return mul(m.x, lift(np.reciprocal(m.c.op.value.array)))


@rewrite_rule(P(Pow, x, Const(1)))
def pow_one(m: Match) -> Value:
    return as_root(m, m.x)


@rewrite_rule(P(Pow, x, Const(2)), hazards=["changes_rounding"])
def pow_two(m: Match) -> Value:
    return as_root(m, square(m.x))


@rewrite_rule(P(Pow, x, Const(0.5)), hazards=["changes_rounding", "may_hide_nan"])
def pow_half(m: Match) -> Value:
    return as_root(m, sqrt(m.x))


@rewrite_rule(P(Mul, x, Const(0, name="zero")), hazards=["may_hide_nan", "changes_zero_sign"])
def mul_zero(m: Match) -> Value:
    return as_root(m, m.zero)


@rewrite_rule(P(Sub, x, x), hazards=["may_hide_nan"])
def sub_itself(m: Match) -> Value:
    return as_root(m, lift(0, m.x.type.dtype))


@rewrite_rule(P(Div, x, x), hazards=["may_hide_nan"])
def div_itself(m: Match) -> Value:
    return as_root(m, lift(1, m.x.type.dtype))


@rewrite_rule(P(Log, P(Exp, x)), hazards=["changes_rounding", "may_hide_nan"])
def log_exp(m: Match) -> Value:
    return m.x


@rewrite_rule(P(Exp, P(Log, x)), hazards=["changes_rounding", "may_hide_nan"])
def exp_log(m: Match) -> Value:
    return m.x


def _reassociation(op: type[Binary], name: str, function: Callable[[Any, Any], Any]) -> Rewrite:
    """``(x op c1) op c2`` to ``x op (c1 op c2)``, which then folds."""

    @rewrite_rule(P(op, P(op, x, Const(name="c1")), Const(name="c2")), name=name, hazards=["changes_rounding"])
    def reassociate(m: Match) -> Any:
        return function(m.x, function(m.c1, m.c2)) if constant_array(m.x) is None else None

    return reassociate


reassociate_add = _reassociation(Add, "reassociate_add", add)
reassociate_mul = _reassociation(Mul, "reassociate_mul", mul)

_broadcast = P(BroadcastTo, Var("small"))


def _before_broadcast(m: Match) -> Any:
    """The op on operands as they are before they are broadcast; element-wise ops broadcast by themselves, and what is
    still missing comes after, on a result that is cheaper to compute."""
    slim = tuple(_origin(operand) for operand in m.root.operands)
    try:
        broadcast_shapes(*(operand.type.shape for operand in slim))
    except ValueError:
        return None  # sizes that only the broadcast says to be equal
    return as_root(m, bind(m.root.op, *slim))


def _origin(value: Value) -> Value:
    return value.node.operands[0] if value.node is not None and type(value.node.op) is BroadcastTo else value


@rewrite_rule(P((Binary, Predicate), _broadcast, y))
def broadcast_left(m: Match) -> Any:
    return _before_broadcast(m)


@rewrite_rule(P((Binary, Predicate), x, _broadcast))
def broadcast_right(m: Match) -> Any:
    return _before_broadcast(m)


@rewrite_rule(P((Unary, Cast), _broadcast))
def broadcast_below_unary(m: Match) -> Any:
    return _before_broadcast(m)


@rewrite_rule(P(Select, ...))
def broadcast_in_select(m: Match) -> Any:
    return _before_broadcast(m) if any(_origin(operand) is not operand for operand in m.root.operands) else None


ALGEBRA: tuple[Rewrite, ...] = (
    mul_one, div_one, add_zero, sub_zero, mul_minus_one, neg_neg, mul_neg_neg, div_neg_neg, add_neg, sub_neg,
    square_of_sign, abs_neg, repeated_abs_or_relu, not_not, extremum_of_itself, select_same, select_true, select_false,
    div_by_power_of_two, pow_one, pow_two, pow_half, mul_zero, sub_itself, div_itself, log_exp, exp_log,
    reassociate_add, reassociate_mul, broadcast_left, broadcast_right,
    broadcast_below_unary, broadcast_in_select,
)  # fmt: skip
