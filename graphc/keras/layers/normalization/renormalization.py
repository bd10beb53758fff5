"""Batch renormalization: what lets a layer train on batch statistics as if they were the moving ones.

Source: Ioffe, "Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models", 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import clip_by_value
from graphc_ir.ops.base import Operand
from graphc_ir.ops.constant import stop_gradient
from graphc_ir.ops.elementwise import div, maximum, minimum, sub

__all__ = ["checked_clipping", "correction"]

_LIMITS = ("rmax", "rmin", "dmax")


def checked_clipping(clipping: Mapping[str, float] | None) -> dict[str, float]:
    """The limits of the correction. Raises ArgumentError for unknown ones and for ranges that are empty."""
    found = dict(clipping or {})
    unknown = sorted(found.keys() - set(_LIMITS))
    if unknown:
        raise ArgumentError(f"renorm_clipping has the limits {', '.join(_LIMITS)}, got {', '.join(unknown)}")
    if found.get("rmin", 0) > found.get("rmax", float("inf")):
        raise ArgumentError(f"renorm_clipping needs rmin <= rmax, got rmin={found['rmin']}, rmax={found['rmax']}")
    if found.get("dmax", 0) < 0:
        raise ArgumentError(f"renorm_clipping needs dmax >= 0, got {found['dmax']}")
    return found


def correction(
    mean: Operand, deviation: Operand, usual_mean: Operand, usual_deviation: Operand, limits: Mapping[str, float]
) -> tuple[Any, Any]:
    """The factor and the offset that take values normalized by a batch's statistics to those normalized by the usual
    ones. No gradient flows through them."""
    factor: Any = div(deviation, usual_deviation)
    offset: Any = div(sub(mean, usual_mean), usual_deviation)
    if "rmin" in limits:
        factor = maximum(factor, limits["rmin"])
    if "rmax" in limits:
        factor = minimum(factor, limits["rmax"])
    if "dmax" in limits:
        offset = clip_by_value(offset, -limits["dmax"], limits["dmax"])
    return stop_gradient(factor), stop_gradient(offset)
