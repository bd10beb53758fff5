"""Rows for matrix factorisations."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ShapeError
from graphc_ir.ops import factorization as ops
from tests.samples.base import ErrorCase, Sample

_GENERAL = np.array([[3.0, 1.0, -0.5], [0.5, 2.5, 1.0], [-1.0, 0.3, 4.0]])
_POSITIVE = _GENERAL @ _GENERAL.T
_TALL = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.7]])

SAMPLES = [
    Sample(ops.Inv(), ("f64[3, 3]",), values=(_GENERAL,), min_opset=None),
    Sample(ops.Inv(), ("f64[b, 3, 3]",), {"b": 2}, values=(_GENERAL,), min_opset=None),
    Sample(ops.Det(), ("f64[3, 3]",), values=(_GENERAL,)),
    Sample(ops.Det(), ("f64[2, n, n]",), {"n": 3}, values=(_POSITIVE,)),
    Sample(ops.Slogdet(), ("f64[3, 3]",), values=(_GENERAL,), min_opset=None),
    Sample(ops.Solve(), ("f64[3, 3]", "f64[3, k]"), {"k": 2}, values=(_GENERAL, None), min_opset=None),
    Sample(ops.Solve(), ("f64[2, 3, 3]", "f64[3, 1]"), values=(_GENERAL, None), min_opset=None),
    Sample(ops.TriangularSolve(True), ("f64[3, 3]", "f64[3, 2]"), values=(_GENERAL, None), min_opset=None),
    Sample(ops.TriangularSolve(False), ("f64[3, 3]", "f64[3, 2]"), values=(_GENERAL, None), min_opset=None),
    # The gradient of Cholesky is that on symmetric matrices; finite differences move single elements.
    Sample(ops.Cholesky(), ("f64[3, 3]",), values=(_POSITIVE,), gradient=False, min_opset=None),
    Sample(ops.Qr(), ("f64[3, 2]",), values=(_TALL,), min_opset=None),
    Sample(ops.Eigh(), ("f64[3, 3]",), values=(_POSITIVE,), gradient=False, min_opset=None),
    Sample(ops.Eig(), ("f64[3, 3]",), values=(_GENERAL,), min_opset=None),
    Sample(ops.Eig(), ("f32[2, 3, 3]",), values=(_POSITIVE,), min_opset=None),
    Sample(ops.Lu(), ("f64[3, 3]",), values=(_GENERAL[[1, 0, 2]],), min_opset=None),
    Sample(ops.Lu(), ("f64[b, 3, 3]",), {"b": 2}, values=(_POSITIVE,), min_opset=None),
    Sample(ops.Svd(), ("f64[3, 2]",), values=(_TALL,), second_order=False, min_opset=None),
    Sample(ops.MatrixRank(None), ("f32[2, 3, 3]",), values=(_GENERAL,), min_opset=None),
    Sample(ops.Inv(), ("f16[3, 3]",), values=(_GENERAL,), gradient=False, min_opset=None, rtol=1e-2),
]

ERRORS = [
    ErrorCase(
        lambda: ops.Inv().infer(SAMPLES[10].types()[0]), ShapeError, r"square matrices, got f64\[3, 2\]", "not square"
    ),
    ErrorCase(
        lambda: ops.Qr().infer(Sample(ops.Qr(), ("f64[2, 3]",)).types()[0]), ShapeError, "as many rows", "wide qr"
    ),
]
