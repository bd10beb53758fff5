"""Activation functions in ONNX. Before an operator's first version, the decomposition is written."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports, one_to_one
from graphc_backends.onnx.writer import OnnxWriter, decomposition
from graphc_ir.dtypes import float32
from graphc_ir.graph import Node
from graphc_ir.ops import activation as ops
from graphc_ir.ops.base import Operand, dtype_of
from graphc_ir.ops.elementwise import add, greater, less, mul, select, sub

one_to_one({ops.Sigmoid: "Sigmoid", ops.Softplus: "Softplus", ops.Softsign: "Softsign"})
one_to_one({ops.HardSilu: "HardSwish"}, since=14)
one_to_one({ops.Mish: "Mish"}, since=18)


@exports(ops.Relu6)
def _relu6(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    kind = node.operands[0].type.dtype.np
    return str(writer.emit("Clip", [operands[0], writer.constant(0, kind), writer.constant(6, kind)]))


@exports(ops.LeakyRelu)
def _leaky_relu(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("LeakyRelu", operands, alpha=cast(ops.LeakyRelu, node.op).alpha))


@imports("LeakyRelu")
def _read_leaky_relu(context: ImportContext) -> Operand:
    return ops.leaky_relu(context.operands[0], context.attribute("alpha", 0.01))


@exports(ops.Elu)
def _elu(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Elu", operands, alpha=cast(ops.Elu, node.op).alpha))


@imports("Elu")
def _read_elu(context: ImportContext) -> Operand:
    return ops.elu(context.operands[0], context.attribute("alpha", 1.0))


@exports(ops.Selu)
def _selu(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Selu", operands, alpha=ops.SELU_ALPHA, gamma=ops.SELU_SCALE))


@imports("Selu")
def _read_selu(context: ImportContext) -> Operand:
    x = context.operands[0]
    alpha, gamma = context.attribute("alpha", ops.SELU_ALPHA), context.attribute("gamma", ops.SELU_SCALE)
    # The default that ONNX writes for gamma differs from the published constant in the seventh digit.
    if abs(alpha - ops.SELU_ALPHA) < 1e-6 and abs(gamma - ops.SELU_SCALE) < 1e-6:
        return ops.selu(x)
    return mul(ops.elu(x, alpha), gamma)


@exports(ops.Celu)
def _celu(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    kind = node.operands[0].type
    if kind.dtype is not float32:  # the operator has no other dtype
        return writer.write_inline(decomposition(node.op, [kind]), operands)[0]
    return str(writer.emit("Celu", operands, alpha=cast(ops.Celu, node.op).alpha))


@imports("Celu")
def _read_celu(context: ImportContext) -> Operand:
    return ops.celu(context.operands[0], context.attribute("alpha", 1.0))


@exports(ops.Gelu, since=20)
def _gelu(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    approximate = "tanh" if cast(ops.Gelu, node.op).approximate else "none"
    return str(writer.emit("Gelu", operands, approximate=approximate))


@imports("Gelu")
def _read_gelu(context: ImportContext) -> Operand:
    return ops.gelu(context.operands[0], context.attribute("approximate", "none") == "tanh")


# Silu is written by its decomposition: ONNX Runtime has no kernel for Swish.
@imports("Swish")
def _read_swish(context: ImportContext) -> Operand:
    return ops.silu(context.operands[0], context.attribute("alpha", 1.0))


@exports(ops.HardSigmoid)
def _hard_sigmoid(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.HardSigmoid, node.op)
    return str(writer.emit("HardSigmoid", operands, alpha=op.alpha, beta=op.beta))


@imports("HardSigmoid")
def _read_hard_sigmoid(context: ImportContext) -> Operand:
    alpha, beta = context.attribute("alpha", 0.2), context.attribute("beta", 0.5)
    # Keras' slope, one sixth, has no short decimal.
    return ops.hard_sigmoid(context.operands[0], 1 / 6 if np.float32(alpha) == np.float32(1 / 6) else alpha, beta)


@imports("PRelu")
def _read_prelu(context: ImportContext) -> Operand:
    x, slope = context.operands
    return select(less(x, 0), mul(x, slope), x)


@imports("ThresholdedRelu")
def _read_thresholded_relu(context: ImportContext) -> Operand:
    x = context.operands[0]
    return select(greater(x, context.attribute("alpha", 1.0)), x, 0)


@imports("Shrink")
def _read_shrink(context: ImportContext) -> Operand:
    x = context.operands[0]
    bias, threshold = context.attribute("bias", 0.0), context.attribute("lambd", 0.5)
    if not dtype_of(x).is_floating:
        raise context.decline("Shrink of integers has no counterpart")
    inner: Any = select(greater(x, threshold), sub(x, bias), 0)
    return select(less(x, -threshold), add(x, bias), inner)
