"""``keras.ops.nn``: statistics over axes, normalisation, attention."""

from __future__ import annotations

import math
from typing import Any

from graphc.keras.config import epsilon as fuzz_factor
from graphc.keras.engine.operation import operation
from graphc.keras.ops.linalg import norm
from graphc.keras.ops.promotion import as_bool, convert, floats, promoted, widened
from graphc_ir.dtypes import float16
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import normalization as ir
from graphc_ir.ops.arithmetic import clip_by_value, rsqrt
from graphc_ir.ops.attention import attention, causal_mask, lowest_score
from graphc_ir.ops.base import Operand, dtype_of, lift, normalize_axes, rank_of, shape_of
from graphc_ir.ops.elementwise import add, cast, div, maximum, mul, select, square, tanh
from graphc_ir.ops.linalg import matmul, swap_last
from graphc_ir.ops.movement import reshape, transpose
from graphc_ir.ops.nn import softmax
from graphc_ir.ops.rearrange import repeat
from graphc_ir.ops.reduction import reduce_mean, reduce_sum

__all__ = [
    "batch_normalization", "dot_product_attention", "layer_normalization", "moments", "normalize", "rms_normalization",
]  # fmt: skip


@operation("nn")
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Mean and variance over the axes; those that float16 cannot hold are its largest number.

    ``synchronized`` is accepted: there is one replica.
    """
    operand = floats(x)
    dtype = dtype_of(operand)
    found = ir.moments(widened(operand), axes, keepdims)
    if dtype is float16:
        found = tuple(clip_by_value(v, float(dtype.min), float(dtype.max)) for v in found)
    return cast(found[0], dtype), cast(found[1], dtype)


@operation("nn", "x mean variance offset scale", class_name="BatchNorm")
def batch_normalization(x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None,
                        epsilon: float = 1e-3) -> Any:  # fmt: skip
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset``, with vectors along ``axis``."""
    operand = floats(x)
    centre, spread, shift, factor = (
        None if v is None else convert(v, dtype_of(operand)) for v in (mean, variance, offset, scale)
    )
    return ir.batch_normalization(operand, centre, spread, shift, factor, epsilon, axis)


@operation("nn", "x gamma beta", class_name="LayerNorm")
def layer_normalization(x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None,
                        rms_scaling: bool = False) -> Any:  # fmt: skip
    """Standardised over the axes, times ``gamma``, plus ``beta``, which have the sizes of these axes.

    ``rms_scaling`` divides ``gamma * x`` by the standard deviation without centring.
    """
    operand = floats(x)
    if rms_scaling:
        spread = add(ir.moments(widened(operand), axis, True)[1], _epsilon(epsilon))
        scaled = _times(widened(operand), gamma, axis)
        return cast(mul(scaled, rsqrt(spread)), dtype_of(operand))
    normal = cast(ir.standardize(widened(operand), axis, _epsilon(epsilon))[0], dtype_of(operand))
    scaled = _times(normal, gamma, axis)
    return scaled if beta is None else add(scaled, _along(beta, scaled, axis))


@operation("nn", "x scale", class_name="RMSNorm")
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Any:
    """``x / sqrt(mean(x**2) + epsilon) * scale``, the mean over the axes, whose sizes ``scale`` has."""
    operand = floats(x)
    wide = widened(operand)
    level = rsqrt(add(reduce_mean(square(wide), axis, True), _epsilon(epsilon)))
    return _times(cast(mul(wide, level), dtype_of(operand)), scale, axis)


def _epsilon(given: float | None) -> float:
    return fuzz_factor() if given is None else given


def _times(x: Operand, factor: Any, axis: Any) -> Operand:
    return x if factor is None else mul(x, _along(factor, x, axis))


def _along(values: Any, x: Operand, axis: Any) -> Operand:
    """Values with the sizes of some axes of ``x``, to be broadcast against it."""
    given = convert(values, dtype_of(x))
    axes = normalize_axes(axis, rank_of(x))
    if rank_of(given) != len(axes):
        return given
    return reshape(given, tuple(d if i in axes else 1 for i, d in enumerate(shape_of(x))))


@operation("nn")
def normalize(x: Any, axis: Any = -1, order: Any = 2, epsilon: float | None = None) -> Any:
    """``x`` divided by its norm of this order over the axes, at least ``epsilon``.

    Raises ArgumentError for an order that is no positive number.
    """
    operand = floats(x)
    if not isinstance(order, (int, float)) or order < 1:
        raise ArgumentError(f"normalize: got order={order!r}, expected a number of at least 1")
    least = _epsilon(epsilon)
    if order == 2:
        return mul(operand, rsqrt(maximum(reduce_sum(square(operand), axis, True), least * least)))
    return div(operand, maximum(norm(operand, order, axis, True), least))


# --- attention -------------------------------------------------------------------------------------------------------


@operation("nn", "query key value bias mask scale")
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: Any = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """``softmax(query @ key * scale + bias) @ value`` per head: (batch, length, heads, depth).

    There may be fewer heads of keys and values, each shared by equally many of the query. ``bias`` and the bool
    ``mask`` (True: visible) broadcast to (batch, heads, queries, keys); ``scale`` is 1 / sqrt(depth) by default.
    ``attn_logits_soft_cap`` bounds scores smoothly. ``flash_attention`` is accepted: the way to compute it is the
    backend's choice. Raises ShapeError for tensors of other ranks.
    """
    q, k, v = promoted(query, key, value, at_least=(float,))
    if {rank_of(t) for t in (q, k, v)} != {4}:
        raise ShapeError(f"dot_product_attention: got query {tuple(shape_of(q))}, key {tuple(shape_of(k))} and value "
                         f"{tuple(shape_of(v))}, expected (batch, length, heads, depth)")  # fmt: skip
    heads, groups = shape_of(q)[2], shape_of(k)[2]
    # Heads first; keys and values that heads share are repeated.
    q, k, v = (transpose(t, (0, 2, 1, 3)) for t in (q, k, v))
    if heads != groups:
        k, v = (repeat(t, heads // groups, 1) for t in (k, v))
    factor = 1 / math.sqrt(shape_of(q)[-1]) if scale is None else scale
    hidden = _hidden(q, bias, mask)
    if attn_logits_soft_cap is None:
        found = attention(mul(q, factor), k, v, hidden, 1.0, is_causal)
    else:
        found = _capped_attention(mul(q, factor), k, v, hidden, is_causal, attn_logits_soft_cap)
    return transpose(found, (0, 2, 1, 3))


def _hidden(query: Operand, bias: Any, mask: Any) -> Operand | None:
    """What attention knows of visibility: a bool mask, or numbers that are added to the scores."""
    dtype = dtype_of(query)
    if bias is None:
        return None if mask is None else as_bool(mask)
    added = convert(bias, dtype)
    return added if mask is None else select(as_bool(mask), added, lift(lowest_score(dtype), dtype))


def _capped_attention(q: Operand, k: Operand, v: Operand, hidden: Operand | None, causal: bool, cap: float) -> Operand:
    scores = mul(tanh(div(matmul(q, swap_last(k)), cap)), cap)
    lowest = lift(lowest_score(dtype_of(scores)), dtype_of(scores))
    if hidden is not None:
        scores = select(hidden, scores, lowest) if dtype_of(hidden).is_bool else add(scores, hidden)
    if causal:
        scores = select(causal_mask(*shape_of(scores)[-2:]), scores, lowest)
    return matmul(softmax(scores), v)
