"""Constants in ONNX. Writing them is the writer's own business: they become initializers."""

from __future__ import annotations

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.graph import Node
from graphc_ir.ops.base import Operand
from graphc_ir.ops.constant import StopGradient, constant

_SCALARS = (
    ("value_float", np.float32),
    ("value_floats", np.float32),
    ("value_int", np.int64),
    ("value_ints", np.int64),
)


@exports(StopGradient)
def _stop_gradient(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return operands[0]


@imports("Identity")
def _identity(context: ImportContext) -> Operand:
    return context.operands[0]


@imports("Constant")
def _constant(context: ImportContext) -> Operand:
    if context.has("value"):
        return constant(context.tensor("value"))
    for key, dtype in _SCALARS:
        if context.has(key):
            return constant(np.asarray(context.attribute(key), dtype))
    raise context.decline("the Constant has no dense numeric value")
