"""Complex numbers have no arithmetic in ONNX."""

from __future__ import annotations

from graphc_backends.onnx.rules import NO_COMPLEX, NO_ONNX_FORM
from graphc_ir.ops import complex as ops

NO_ONNX_FORM.update(dict.fromkeys((ops.Real, ops.Imag, ops.ComplexAbs, ops.Angle, ops.Complex), NO_COMPLEX))
