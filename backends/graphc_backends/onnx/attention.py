"""Attention in ONNX: written through its decomposition, which every opset and runtime has."""

from __future__ import annotations

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import imports
from graphc_ir.errors import ImportModelError
from graphc_ir.ops import attention as ops
from graphc_ir.ops.base import Operand, rank_of


@imports("Attention", since=23)
def _read_attention(context: ImportContext) -> Operand:
    q, k, v = context.operands[:3]
    extras = any(context.operand(i) is not None for i in (4, 5, 6)) or any(context.node.output[1:])
    if extras or rank_of(q) != 4 or context.attribute("softcap", 0.0):
        raise ImportModelError(f"{context.where}: only 4-D operands without caches and softcap have a counterpart")
    causal = bool(context.attribute("is_causal", 0))
    return ops.attention(q, k, v, context.operand(3), context.attribute("scale", None), causal)
