"""What happens to gradients before an optimizer uses them: missing ones are left out, sparse ones made dense, clipping.

Averages that decay by a factor need care when a gradient stays 0: they shrink into denormal numbers, which processors
compute many times slower. ``guarded`` (of :mod:`graphc_ir.ops.optim`) keeps them away from there by a tiny addition
to the gradient; :func:`flushed` is for optimizers whose step does not depend on the gradient's size, so that a tiny
gradient would move the weights.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final

from graphc.arrays import clip_by_global_norm, clip_by_norm, clip_by_value
from graphc.indexed_slices import IndexedSlices
from graphc.keras.variable import Variable as KerasVariable
from graphc.variable import Variable
from graphc_ir.dtypes import bfloat16, float32
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import abs_real
from graphc_ir.ops.base import Operand, dtype_of, lift
from graphc_ir.ops.elementwise import cast, less, select

__all__ = ["active_pairs", "clipped", "flushed", "is_replaced"]

_TINY: Final = {float32: 1e-34, bfloat16: 1e-34}


def flushed(average: Operand) -> Operand:
    """The average with 0 in place of what is about to become denormal."""
    tiny = _TINY.get(dtype_of(average))
    return average if tiny is None else select(less(abs_real(average), tiny), 0, average)


def active_pairs(grads: Sequence[Any], variables: Sequence[Variable]) -> tuple[list[Operand], list[Variable]]:
    """The gradients that there are, as dense tensors of their Variables' dtypes, and these Variables.

    Warns of Variables without a gradient. Raises ArgumentError when there is no gradient at all.
    """
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if len(missing) == len(grads):
        raise ArgumentError(f"no gradients for {', '.join(missing) or 'no Variables'}; compute the loss from them "
                            "inside the GradientTape")  # fmt: skip
    if missing:
        warnings.warn(f"gradients do not exist for variables {missing}, which keep their values; compute the loss from "
                      "them, or leave them out. (With model.compile(), is the loss given?)", stacklevel=4)  # fmt: skip
    pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [_dense(g, v) for g, v in pairs], [v for _, v in pairs]


def is_replaced(variable: Variable) -> bool:
    """Whether the gradient of a weight is its new value: ``overwrite_with_gradient``, for scales that are measured."""
    return isinstance(variable, KerasVariable) and variable.overwrite_with_gradient


def _dense(gradient: Any, variable: Variable) -> Operand:
    if isinstance(gradient, IndexedSlices):
        gradient = IndexedSlices(gradient.values, gradient.indices, tuple(variable.shape)).dense()
    dtype = variable.dtype
    return cast(lift(gradient, dtype), dtype)


def clipped(
    grads: list[Operand], clipnorm: float | None, global_clipnorm: float | None, clipvalue: float | None
) -> list[Operand]:
    """The gradients, each or all of them limited in length, or limited element by element."""
    if clipnorm:
        return [clip_by_norm(g, clipnorm) for g in grads]
    if global_clipnorm:
        scaled: list[Operand] = clip_by_global_norm(grads, global_clipnorm)[0]
        return scaled
    if clipvalue:
        return [clip_by_value(g, -clipvalue, clipvalue) for g in grads]
    return grads
