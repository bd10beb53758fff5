"""Resizing in ONNX. Runtimes interpolate over the last axes only; what they lack is written as matrix products."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter, decomposition
from graphc_ir.dims import Shape
from graphc_ir.graph import Node
from graphc_ir.ops import resize as ops
from graphc_ir.ops.base import Operand, dtype_of, shape_of
from graphc_ir.types import TensorType

_MODES: Final = {"nearest": "nearest", "linear": "linear", "cubic": "cubic"}


@exports(ops.Resize)
def _resize(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op, x = cast(ops.Resize, node.op), node.operands[0].type
    order = _channels_first(op, x)
    if order is None:
        return writer.write_inline(decomposition(op, [x]), operands)[0]
    if order == tuple(range(x.rank)):
        return _write(writer, op, x.shape, operands[0], op.axes)
    moved = str(writer.emit("Transpose", operands, perm=list(order)))
    shape, axes = tuple(x.shape[i] for i in order), tuple(order.index(axis) for axis in op.axes)
    result = _write(writer, op, shape, moved, axes)
    return str(writer.emit("Transpose", [result], perm=np.argsort(order).tolist()))


def _channels_first(op: ops.Resize, x: TensorType) -> tuple[int, ...] | None:
    """The order of axes in which runtimes have a kernel; None if there is none."""
    order = tuple(range(x.rank))
    if op.method == "nearest":
        return order
    if op.antialias or op.method not in _MODES or not x.dtype.is_floating or x.rank not in (4, 5):
        return None
    # ONNX Runtime takes transposes away from around a Resize, although its cubic kernel has no other layout.
    if op.method == "cubic" and (x.rank != 4 or op.axes[0] < 2):
        return None
    if op.axes[0] >= 2:
        return order
    return (0, x.rank - 1, *range(1, x.rank - 1)) if op.axes[0] == 1 and op.axes[-1] < x.rank - 1 else None


def _write(writer: OnnxWriter, op: ops.Resize, shape: Shape, x: str, axes: tuple[int, ...]) -> str:
    # Whole factors need not be computed when the graph runs.
    factors = [ops.growth(size, shape[axis]) for axis, size in zip(axes, op.sizes, strict=True)]
    options: dict[str, Any] = {"mode": _MODES[op.method], "coordinate_transformation_mode": "half_pixel"}
    if op.method == "nearest":
        options["nearest_mode"] = "round_prefer_ceil"
    if op.method == "cubic":
        options |= {"cubic_coeff_a": -0.5, "exclude_outside": 1}
    if None not in factors:
        scales = np.ones(len(shape), np.float32)
        scales[list(axes)] = factors
        return str(writer.emit("Resize", [x, "", writer.constant(scales)], **options))
    sizes = list(shape)
    for axis, size in zip(axes, op.sizes, strict=True):
        sizes[axis] = size
    return str(writer.emit("Resize", [x, "", "", writer.sizes(tuple(sizes))], **options))


@imports("Resize", since=11)
def _read_resize(context: ImportContext) -> Operand:
    x = context.operands[0]
    method = context.attribute("mode", "nearest")
    _check_coordinates(context, method)
    axes = tuple(context.attribute("axes", range(len(shape_of(x)))))
    sizes = _target_sizes(context, tuple(shape_of(x)[axis] for axis in axes))
    if not dtype_of(x).is_floating and method != "nearest":
        raise context.decline("integers are interpolated by rounding rules of their own")
    return ops.resize(x, sizes, axes, method, bool(context.attribute("antialias", 0)))


def _check_coordinates(context: ImportContext, method: str) -> None:
    """Declines every other way to place the samples than that of the op."""
    wanted: dict[str, Any] = {"coordinate_transformation_mode": "half_pixel"}
    wanted |= {"nearest_mode": "round_prefer_ceil"} if method == "nearest" else {}
    wanted |= {"cubic_coeff_a": -0.5, "exclude_outside": 1} if method == "cubic" else {}
    defaults = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_floor",
                "cubic_coeff_a": -0.75, "exclude_outside": 0}  # fmt: skip
    for name, default in defaults.items():
        value = context.attribute(name, default)
        if name in wanted and value != wanted[name]:
            raise context.decline(f"Resize with {name}={value!r} has no counterpart")


def _target_sizes(context: ImportContext, sources: Shape) -> Shape:
    if len(context.operands) > 3 and context.operand(3) is not None:
        if context.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise context.decline("Resize that keeps an aspect ratio has no counterpart")
        return context.sizes(3)
    scales = context.array(2)
    if scales is None or not all(float(scale).is_integer() for scale in scales):
        raise context.decline("Resize by scales that are computed or no whole numbers has no counterpart")
    return tuple(size * int(scale) for size, scale in zip(sources, scales, strict=True))
