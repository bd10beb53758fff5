"""``keras.ops.nn``: activation functions. Integers become the default float dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import unary
from graphc.keras.ops.promotion import floats, no_bool
from graphc_ir.errors import ShapeError
from graphc_ir.ops import activation as ir
from graphc_ir.ops import nn
from graphc_ir.ops.arithmetic import abs_real, clip_by_value
from graphc_ir.ops.base import Operand, dtype_of, normalize_axis, rank_of, shape_of
from graphc_ir.ops.creation import iota, zeros_like
from graphc_ir.ops.cumulative import cumsum
from graphc_ir.ops.elementwise import (
    add,
    cast,
    div,
    exp,
    greater,
    maximum,
    minimum,
    mul,
    select,
    sqrt,
    square,
    sub,
    tanh,
)
from graphc_ir.ops.elementwise import relu as rectified
from graphc_ir.ops.logsumexp import reduce_logsumexp
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.movement import split as split_evenly
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.ops.sorting import sort

__all__ = [
    "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu",
    "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax",
    "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh_shrink",
    "threshold",
]  # fmt: skip


def _activation(name: str, compute: Callable[[Any], Any]) -> Callable[..., Any]:
    return unary(name, compute, floats, "nn")


def _rectified(x: Operand) -> Operand:
    """``max(x, 0)``, of integers too."""
    return rectified(x) if dtype_of(x).is_floating else maximum(x, 0)


def _rectified_to_6(x: Operand) -> Operand:
    """``min(max(x, 0), 6)``, of integers too."""
    return ir.relu6(x) if dtype_of(x).is_floating else minimum(maximum(x, 0), 6)


def _tanh_shrink(x: Operand) -> Operand:
    """``x - tanh(x)``."""
    return sub(x, tanh(x))


def _hard_tanh(x: Operand) -> Operand:
    """``x`` clipped to [-1, 1]."""
    return clip_by_value(x, -1, 1)


def _sparse_plus(x: Operand) -> Operand:
    """0 up to -1, ``x`` from 1 on, and ``(x + 1)**2 / 4`` between: the integral of :func:`sparse_sigmoid`."""
    bend = mul(square(add(clip_by_value(x, -1, 1), 1)), 0.25)
    return add(bend, rectified(sub(x, 1)))


def _sparse_sigmoid(x: Operand) -> Operand:
    """``(x + 1) / 2``, clipped to [0, 1]."""
    return mul(add(clip_by_value(x, -1, 1), 1), 0.5)


relu = unary("relu", _rectified, no_bool, "nn")
relu6 = unary("relu6", _rectified_to_6, no_bool, "nn")
sigmoid = _activation("sigmoid", ir.sigmoid)
log_sigmoid = _activation("log_sigmoid", ir.log_sigmoid)
softplus = _activation("softplus", ir.softplus)
softsign = _activation("softsign", ir.softsign)
silu = swish = _activation("silu", ir.silu)
selu = _activation("selu", ir.selu)
mish = _activation("mish", ir.mish)
hard_sigmoid = _activation("hard_sigmoid", ir.hard_sigmoid)
hard_silu = hard_swish = _activation("hard_silu", ir.hard_silu)
hard_tanh = _activation("hard_tanh", _hard_tanh)
tanh_shrink = _activation("tanh_shrink", _tanh_shrink)
sparse_plus = _activation("sparse_plus", _sparse_plus)
sparse_sigmoid = _activation("sparse_sigmoid", _sparse_sigmoid)


@operation("nn")
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """``x`` where positive, else ``negative_slope * x``."""
    return ir.leaky_relu(floats(x), negative_slope)


@operation("nn")
def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where positive, else ``alpha * (exp(x) - 1)``."""
    return ir.elu(floats(x), alpha)


@operation("nn")
def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where positive, else ``alpha * (exp(x / alpha) - 1)``: an elu with slope 1 at 0 for every ``alpha``."""
    return ir.celu(floats(x), alpha)


@operation("nn")
def gelu(x: Any, approximate: bool = True) -> Any:
    """``x`` times the normal distribution function of ``x``; ``approximate``: by tanh."""
    return ir.gelu(floats(x), approximate)


@operation("nn")
def squareplus(x: Any, b: float = 4) -> Any:
    """``(x + sqrt(x**2 + b)) / 2``: an algebraic softplus."""
    operand = floats(x)
    return mul(add(operand, sqrt(add(square(operand), b))), 0.5)


@operation("nn")
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """0 where ``|x| <= threshold``, else ``x``."""
    operand = floats(x)
    return select(greater(abs_real(operand), threshold), operand, zeros_like(operand))


@operation("nn")
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """``x`` moved by ``threshold`` towards 0, and 0 where it is nearer than that."""
    operand = floats(x)
    return sub(operand, clip_by_value(operand, -threshold, threshold))


@operation("nn")
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """``x`` where greater than ``threshold``, else ``default_value``."""
    operand = floats(x)
    return select(greater(operand, threshold), operand, default_value)


@operation("nn")
def glu(x: Any, axis: int = -1) -> Any:
    """The first half of ``x`` along ``axis``, gated by the sigmoid of the second.

    Raises ShapeError unless the size along ``axis`` is even.
    """
    operand = floats(x)
    place = normalize_axis(axis, rank_of(operand))
    size = shape_of(operand)[place]
    if isinstance(size, int) and size % 2:
        raise ShapeError(f"glu: got size {size} along axis {axis} of a tensor of shape {tuple(shape_of(operand))}, "
                         "expected an even one: half of it are the gates")  # fmt: skip
    value, gate = split_evenly(operand, 2, place)
    return mul(value, ir.sigmoid(gate))


# --- along an axis ---------------------------------------------------------------------------------------------------


@operation("nn")
def softmax(x: Any, axis: Any = -1) -> Any:
    """``exp(x) / sum(exp(x))`` along an axis, or over several together; None means all."""
    operand = floats(x)
    if isinstance(axis, int):
        return nn.softmax(operand, axis)
    return exp(_log_softmax(operand, axis))


@operation("nn")
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """The logarithm of softmax, computed stably. ``axis``: one, several, or None for all."""
    operand = floats(x)
    return nn.log_softmax(operand, axis) if isinstance(axis, int) else _log_softmax(operand, axis)


def _log_softmax(x: Operand, axis: Any) -> Operand:
    return sub(x, reduce_logsumexp(x, axis, True))


@operation("nn")
def sparsemax(x: Any, axis: int = -1) -> Any:
    """``max(x - t, 0)`` with a shift ``t`` per slice along ``axis``, which sets small values to 0.

    With ``k`` values above the others by little enough to count, sorted as z1 >= ... >= zk, the shift is that of Keras:
    ``((k z1 + (k - 1) z2 + ... + zk) - 1) / k``. For ``k = 1`` the result is one-hot; for larger ``k`` its sum is
    below 1, where the sparsemax of Martins and Astudillo (2016), with ``(z1 + ... + zk - 1) / k``, gives a
    distribution.
    """
    operand = floats(x)
    ordered = sort(operand, axis, "DESCENDING")
    running = cumsum(ordered, axis)
    counted = greater(ordered, div(sub(running, 1), _counts(operand, axis)))
    number = reduce_sum(cast(counted, dtype_of(operand)), axis, True)
    total = reduce_sum(select(counted, running, zeros_like(running)), axis, True)
    return rectified(sub(operand, div(sub(total, 1), number)))


def _counts(x: Operand, axis: int) -> Operand:
    """1, 2, 3, ... along ``axis``, to be broadcast against ``x``."""
    place, shape = normalize_axis(axis, rank_of(x)), shape_of(x)
    sizes = tuple(shape[place] if i == place else 1 for i in range(len(shape)))
    return add(reshape(iota(shape[place], dtype_of(x)), sizes), 1)
