"""Matrix factorisations in ONNX, which has the determinant only."""

from __future__ import annotations

from graphc_backends.onnx.rules import NO_ONNX_FORM, one_to_one
from graphc_ir.ops import factorization as ops

one_to_one({ops.Det: "Det"})

for _op in (
    ops.Inv,
    ops.Slogdet,
    ops.Solve,
    ops.TriangularSolve,
    ops.Cholesky,
    ops.Qr,
    ops.Eigh,
    ops.Eig,
    ops.Lu,
    ops.Svd,
    ops.MatrixRank,
):
    NO_ONNX_FORM[_op] = "ONNX has no operators for matrix factorisations; run it on the numpy backend"
