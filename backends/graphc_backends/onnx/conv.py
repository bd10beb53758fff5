"""Convolutions in ONNX, whose data is always channels first: the exporter has moved other layouts before.

ConvFilterGrad is written through its decomposition (window taps and one batched product).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ExportError, ImportModelError
from graphc_ir.graph import Node
from graphc_ir.ops import conv as ops
from graphc_ir.ops.base import Operand, bind, rank_of, shape_of
from graphc_ir.ops.elementwise import add
from graphc_ir.ops.movement import reshape


def _attributes(op: ops.Convolution, filters: Shape) -> dict[str, Any]:
    return {
        "kernel_shape": list(op.kernel_sizes(filters)),
        "strides": list(op.strides),
        "dilations": list(op.dilations),
        "group": op.groups,
    }


def padding_attributes(op: ops.Windowed, x: Shape, window: Sequence[int]) -> dict[str, Any]:
    """``pads``, or ``auto_pad`` where padding depends on sizes that are not known. Raises ExportError for other
    symbolic padding."""
    assert op.layout == "NCHW", "layouts are moved before anything is written"
    both = (op.pad_low, op.pad_high)
    if all(isinstance(d, int) for side in both for d in side):
        return {"pads": [*op.pad_low, *op.pad_high]}
    if ops.paddings_of("SAME", op.spatial(x), window, op.strides, op.dilations, op.layout) != both:
        raise ExportError(f"{op.name} is padded by {ops.shape_text(op.pad_low)} and {ops.shape_text(op.pad_high)}, but "
                          "ONNX knows no open padding besides 'SAME'; give the sizes, or pad before")  # fmt: skip
    return {"auto_pad": "SAME_UPPER"}


@exports(ops.Conv)
def _conv(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Conv, node.op)
    data, filters = node.operands[0].type.shape, node.operands[1].type.shape
    padding = padding_attributes(op, data, op.kernel_sizes(filters))
    return str(writer.emit("Conv", operands, **padding, **_attributes(op, filters)))


@exports(ops.ConvInputGrad)
def _conv_input_grad(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    """ConvTranspose. What the last window did not reach is ``output_padding``, or padded where sizes are not
    known."""
    op = cast(ops.ConvInputGrad, node.op)
    assert op.layout == "NCHW", "layouts are moved before anything is written"
    filters = node.operands[1].type.shape
    attributes = _attributes(op, filters)
    unreached = _unreached(op, op.spatial(node.operands[0].type.shape), op.kernel_sizes(filters))
    if all(isinstance(d, int) for d in (*unreached, *op.pad_low, *op.pad_high)):
        attributes |= {"pads": [*op.pad_low, *op.pad_high], "output_padding": list(unreached)}
        return str(writer.emit("ConvTranspose", operands, **attributes))
    return _open_conv_input_grad(writer, op, operands, unreached, attributes)


def _open_conv_input_grad(
    writer: OnnxWriter, op: ops.ConvInputGrad, operands: list[str], unreached: Shape, attributes: dict[str, Any]
) -> str:
    """The whole ConvTranspose, padded to what the last window did not reach and cropped; the bias comes last."""
    whole = writer.emit("ConvTranspose", operands[:2], **attributes)
    padded = writer.emit("Pad", [whole, writer.sizes((0,) * (len(unreached) + 4) + unreached)])
    stops = tuple(low + n for low, n in zip(op.pad_low, op.spatial_sizes, strict=True))
    axes = writer.constant(np.arange(2, op.spatial_rank + 2, dtype=np.int64))
    result = str(writer.emit("Slice", [padded, writer.sizes(op.pad_low), writer.sizes(stops), axes]))
    for bias in operands[2:]:
        column = writer.constant(np.array([-1, *(1,) * op.spatial_rank], np.int64))
        result = str(writer.emit("Add", [result, writer.emit("Reshape", [bias, column])]))
    return result


def _unreached(op: ops.ConvInputGrad, positions: Shape, kernel: Sequence[int]) -> Shape:
    sizes: list[Dim] = []
    for i, size in enumerate(op.spatial_sizes):
        reached = (positions[i] - 1) * op.strides[i] + (kernel[i] - 1) * op.dilations[i] + 1
        sizes.append(size + op.pad_low[i] + op.pad_high[i] - reached)
    return tuple(sizes)


# --- reading ------------------------------------------------------------------------------------------------


def ints(context: ImportContext, name: str, rank: int, default: int) -> tuple[int, ...]:
    return tuple(int(v) for v in context.attribute(name, [default] * rank))


def pads(
    context: ImportContext,
    spatial: Shape,
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> tuple[Shape, Shape]:
    """Low and high padding from ``pads`` or ``auto_pad``."""
    rank, kind = len(window), context.attribute("auto_pad", "NOTSET")
    if kind in ("NOTSET", ""):
        both = ints(context, "pads", 2 * rank, 0)
        return both[:rank], both[rank:]
    if kind == "VALID":
        return (0,) * rank, (0,) * rank
    low, high = ops.paddings_of("SAME", spatial, window, strides, dilations, "NCHW")
    if kind == "SAME_UPPER":
        return low, high
    if kind == "SAME_LOWER":
        return high, low
    raise ImportModelError(f"{context.where}: auto_pad {kind!r} is unknown")


def _read_window(context: ImportContext, spatial: Shape, kernel: Sequence[int]) -> ops.Window:
    rank = len(kernel)
    strides, dilations = ints(context, "strides", rank, 1), ints(context, "dilations", rank, 1)
    low, high = pads(context, spatial, kernel, strides, dilations)
    return ops.Window(strides, low, high, dilations, "NCHW")


def _with_bias(context: ImportContext, y: Operand) -> Operand:
    bias = context.operand(2)
    return y if bias is None else add(y, reshape(bias, (-1, *(1,) * (rank_of(y) - 2))))


def _kernel(context: ImportContext, w: Operand) -> tuple[int, ...]:
    sizes = shape_of(w)[2:]
    declared = tuple(context.attribute("kernel_shape", sizes))
    if declared != sizes:
        raise ImportModelError(f"{context.where}: kernel_shape {declared} differs from the filters' {sizes}")
    if not all(isinstance(s, int) for s in sizes):
        raise ImportModelError(f"{context.where}: the kernel sizes {list(sizes)} must be known")
    return sizes  # type: ignore[return-value]


@imports("Conv")
def _read_conv(context: ImportContext) -> Operand:
    x, w = context.operands[:2]
    window = _read_window(context, shape_of(x)[2:], _kernel(context, w))
    return _with_bias(context, bind(ops.Conv(*window, int(context.attribute("group", 1))), x, w))


@imports("ConvTranspose")
def _read_conv_transpose(context: ImportContext) -> Operand:
    g, w = context.operands[:2]
    kernel, have = _kernel(context, w), shape_of(g)[2:]
    rank = len(kernel)
    strides, dilations = ints(context, "strides", rank, 1), ints(context, "dilations", rank, 1)
    extra = ints(context, "output_padding", rank, 0)
    reached = tuple((have[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 + extra[i] for i in range(rank))
    low, high = _transposed_pads(context, reached, have, strides)
    spatial = tuple(reached[i] - low[i] - high[i] for i in range(rank))
    window = ops.Window(strides, low, high, dilations, "NCHW")
    return _with_bias(context, bind(ops.ConvInputGrad(*window, int(context.attribute("group", 1)), spatial), g, w))


def _transposed_pads(
    context: ImportContext, reached: Shape, have: Shape, strides: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """ConvTranspose gives either pads, or an output shape (auto_pad SAME: input size times stride) to pad
    for."""
    rank, kind = len(reached), context.attribute("auto_pad", "NOTSET")
    if kind == "VALID" or (kind in ("NOTSET", "") and not context.has("output_shape")):
        both = ints(context, "pads", 2 * rank, 0)
        return both[:rank], both[rank:]
    wanted = tuple(context.attribute("output_shape", [])) or tuple(n * s for n, s in zip(have, strides, strict=True))
    totals = [r - int(n) if isinstance(n, int) else r - n for r, n in zip(reached, wanted[-rank:], strict=True)]
    if not all(isinstance(t, int) and t >= 0 for t in totals):
        raise ImportModelError(f"{context.where}: cannot pad a result of {list(reached)} to {list(wanted)}")
    small = tuple(int(t) // 2 for t in totals)
    large = tuple(int(t) - s for t, s in zip(totals, small, strict=True))
    return (small, large) if kind == "SAME_UPPER" else (large, small)
