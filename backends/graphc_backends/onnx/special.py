"""Special functions in ONNX: only the error function is an operator, the others are written by decomposition."""

from __future__ import annotations

from graphc_backends.onnx.rules import one_to_one
from graphc_ir.ops import special as ops

one_to_one({ops.Erf: "Erf"})
