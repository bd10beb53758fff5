"""Factorisations of matrices and what is built on them: inverse, determinant, linear systems, eigenvalues.

All work on the last two axes; leading axes are batches. Gradients follow Giles, "An extended collection of matrix
derivative results" (2008), written with differentiable ops, so that they can be differentiated again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Shape
from graphc_ir.dtypes import complex64, complex128, float64, int32
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Array, NotDifferentiable, Op, Operand, bind, dtype_of, lift, promote, shape_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.diagonal import diag, diag_part, eye, tril, triu
from graphc_ir.ops.elementwise import (
    add,
    cast,
    check_kind,
    div,
    equal,
    greater,
    log,
    mul,
    neg,
    select,
    square,
    sub,
)
from graphc_ir.ops.linalg import matmul, swap_last
from graphc_ir.ops.movement import expand_dims
from graphc_ir.ops.reduction import reduce_max, reduce_sum
from graphc_ir.types import TensorType

REAL_FLOAT = "f"


class MatrixOp(Op, abstract=True):
    """An op on square matrices."""

    def check_square(self, x: TensorType, kinds: str = REAL_FLOAT) -> None:
        check_kind(self, kinds, x)
        if x.rank < 2:
            raise ShapeError(f"{self.name} needs a matrix (rank 2 or more), got {x}")
        try:
            dims.require_equal(x.shape[-1], x.shape[-2], "the matrix' sizes")
        except ValueError as error:
            raise ShapeError(f"{self.name} needs square matrices, got {x}: {error}") from error


def _compute(function: Any, x: Array, *rest: Array) -> Any:
    """Runs a LAPACK routine; half precision is computed in float32."""
    wide = [a.astype(np.float32) if a.dtype.itemsize < 4 else a for a in (x, *rest)]
    found = function(*wide)
    narrow = [np.asarray(r).astype(x.dtype, copy=False) for r in (found if isinstance(found, tuple) else (found,))]
    return tuple(narrow) if isinstance(found, tuple) else narrow[0]


class Inv(MatrixOp):
    """The inverse matrix. Raises ArgumentError for a singular one."""

    def infer(self, x: TensorType) -> TensorType:
        self.check_square(x)
        return x

    def kernel(self, x: Array) -> Any:
        return _compute(np.linalg.inv, x)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        transposed = swap_last(y)
        return neg(matmul(matmul(transposed, g), transposed))


class Det(MatrixOp):
    """The determinant."""

    def infer(self, x: TensorType) -> TensorType:
        self.check_square(x)
        return x.with_shape(x.shape[:-2])

    def kernel(self, x: Array) -> Any:
        return _compute(np.linalg.det, x)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(expand_dims(mul(g, y), (-2, -1)), swap_last(inv(x)))


class Slogdet(MatrixOp):
    """The sign and the logarithm of the absolute value of the determinant."""

    @property
    def num_results(self) -> int:
        return 2

    def infer(self, x: TensorType) -> Any:
        self.check_square(x)
        result = x.with_shape(x.shape[:-2])
        return result, result

    def kernel(self, x: Array) -> Any:
        return tuple(_compute(lambda a: tuple(np.linalg.slogdet(a)), x))

    def vjp(self, g: Any, y: Any, x: Operand) -> Any:
        return mul(expand_dims(g[1], (-2, -1)), swap_last(inv(x)))


class Solve(MatrixOp):
    """``x`` with ``a @ x = b``; ``b`` holds right-hand sides in columns."""

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        self.check_square(a)
        check_kind(self, REAL_FLOAT, a, b)
        return b.with_shape((*_system_batch(self, a, b), *b.shape[-2:]))

    def kernel(self, a: Array, b: Array) -> Any:
        return _compute(np.linalg.solve, a, b)

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        gb = solve(swap_last(a), g)
        return lambda: neg(matmul(gb, swap_last(y))), gb


class TriangularSolve(MatrixOp):
    """``x`` with ``a @ x = b`` for a triangular ``a``, whose other half is not read."""

    lower: bool

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        self.check_square(a)
        check_kind(self, REAL_FLOAT, a, b)
        return b.with_shape((*_system_batch(self, a, b), *b.shape[-2:]))

    def kernel(self, a: Array, b: Array) -> Any:
        return _compute(np.linalg.solve, np.tril(a) if self.lower else np.triu(a), b)

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        gb = bind(TriangularSolve(not self.lower), swap_last(a), g)
        half = tril if self.lower else triu
        return lambda: neg(half(matmul(gb, swap_last(y)))), gb


def _system_batch(op: Op, a: TensorType, b: TensorType) -> Shape:
    try:
        if b.rank < 2:
            raise ValueError("the right-hand side must have rank 2 or more, one system per column")
        dims.require_equal(a.shape[-1], b.shape[-2], "rows")
        return dims.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError as error:
        raise ShapeError(f"{op.name}: {a} and {b} do not fit: {error}") from error


class Cholesky(MatrixOp):
    """The lower triangular ``l`` with ``l @ l.T = x``. Raises ArgumentError unless ``x`` is positive definite."""

    def infer(self, x: TensorType) -> TensorType:
        self.check_square(x)
        return x

    def kernel(self, x: Array) -> Any:
        return _compute(np.linalg.cholesky, x)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        inner = tril(matmul(swap_last(y), g))
        middle = sub(inner, mul(diag(diag_part(inner)), 0.5))
        right = bind(TriangularSolve(False), swap_last(y), middle)
        both = swap_last(bind(TriangularSolve(False), swap_last(y), swap_last(right)))
        return mul(add(both, swap_last(both)), 0.5)


class Qr(MatrixOp):
    """Orthonormal ``q`` and upper triangular ``r`` with ``q @ r = x`` (reduced form), for rows >= columns."""

    @property
    def num_results(self) -> int:
        return 2

    def infer(self, x: TensorType) -> Any:
        check_kind(self, REAL_FLOAT, x)
        if x.rank < 2 or dims.known_ge(x.shape[-2], x.shape[-1]) is not True:
            raise ShapeError(f"qr needs matrices with at least as many rows as columns, got {x}; transpose first")
        return x, x.with_shape((*x.shape[:-2], x.shape[-1], x.shape[-1]))

    def kernel(self, x: Array) -> Any:
        return tuple(_compute(lambda a: tuple(np.linalg.qr(a)), x))

    def vjp(self, g: Any, y: Any, x: Operand) -> Any:
        (gq, gr), (q, r) = g, y
        m = sub(matmul(r, swap_last(gr)), matmul(swap_last(gq), q))
        lower = tril(m, -1)
        symmetric = add(add(lower, swap_last(lower)), diag(diag_part(m)))
        right = add(gq, matmul(q, symmetric))
        return swap_last(bind(TriangularSolve(False), r, swap_last(right)))


class Eigh(MatrixOp):
    """Eigenvalues in ascending order and eigenvectors in columns, of symmetric matrices."""

    @property
    def num_results(self) -> int:
        return 2

    def infer(self, x: TensorType) -> Any:
        self.check_square(x)
        return x.with_shape(x.shape[:-1]), x

    def kernel(self, x: Array) -> Any:
        return tuple(_compute(lambda a: tuple(np.linalg.eigh(a)), x))

    def vjp(self, g: Any, y: Any, x: Operand) -> Any:
        (gw, gv), (w, v) = g, y
        gaps = sub(expand_dims(w, -2), expand_dims(w, -1))
        same = equal(gaps, 0)
        inverse_gaps = select(same, 0, div(1, select(same, 1, gaps)))
        inner = add(diag(gw), mul(inverse_gaps, matmul(swap_last(v), gv)))
        full = matmul(matmul(v, inner), swap_last(v))
        return mul(add(full, swap_last(full)), 0.5)


class Eig(MatrixOp):
    """Eigenvalues and eigenvectors (in columns, of length 1) of any matrices, complex."""

    vjp = NotDifferentiable("general matrices may have equal eigenvalues and no basis of eigenvectors; use eigh for "
                            "symmetric ones")  # fmt: skip

    @property
    def num_results(self) -> int:
        return 2

    def infer(self, x: TensorType) -> Any:
        self.check_square(x, "fc")
        dtype = complex128 if x.dtype in (float64, complex128) else complex64
        return TensorType(dtype, x.shape[:-1]), TensorType(dtype, x.shape)

    def kernel(self, x: Array) -> Any:
        dtype = complex128 if x.dtype in (np.float64, np.complex128) else complex64
        return tuple(found.astype(dtype.np) for found in np.linalg.eig(x.astype(dtype.np)))


class Lu(MatrixOp):
    """Unit lower (below the diagonal) and upper triangular factor in one matrix, and int32 row numbers ``p`` with
    ``lower @ upper = x[p]``: Gauss's elimination with the largest pivot of each column."""

    @property
    def num_results(self) -> int:
        return 2

    def infer(self, x: TensorType) -> Any:
        self.check_square(x)
        return x, TensorType(int32, x.shape[:-1])

    def kernel(self, x: Array) -> Any:
        wide = np.array(x, np.float32 if x.dtype.itemsize < 4 else x.dtype)
        flat = wide.reshape(-1, *wide.shape[-2:])
        rows = np.stack([_eliminate(matrix) for matrix in flat]) if len(flat) else np.zeros(flat.shape[:-1], np.int32)
        return flat.reshape(x.shape).astype(x.dtype), rows.reshape(x.shape[:-1])

    def vjp(self, g: Any, y: Any, x: Operand) -> Any:
        packed, p = y
        size = shape_of(packed)[-1]
        ones = eye(size, dtype=dtype_of(packed))
        lower, upper = add(tril(packed, -1), ones), triu(packed)
        inner = add(tril(matmul(swap_last(lower), tril(g[0], -1)), -1), triu(matmul(triu(g[0]), swap_last(upper))))
        left = bind(TriangularSolve(False), swap_last(lower), inner)
        permuted = swap_last(bind(TriangularSolve(False), upper, swap_last(left)))
        rows = cast(equal(expand_dims(p, -1), iota(size, int32)), dtype_of(packed))
        return matmul(swap_last(rows), permuted)


def _eliminate(matrix: Array) -> Array:
    """Turns a matrix into its factors in place; returns the order of its rows."""
    order = np.arange(len(matrix), dtype=np.int32)
    for k in range(len(matrix) - 1):
        pivot = k + int(np.argmax(np.abs(matrix[k:, k])))
        if pivot != k:
            matrix[[k, pivot]], order[[k, pivot]] = matrix[[pivot, k]], order[[pivot, k]]
        if matrix[k, k]:
            matrix[k + 1 :, k] /= matrix[k, k]
            matrix[k + 1 :, k + 1 :] -= np.outer(matrix[k + 1 :, k], matrix[k, k + 1 :])
    return order


class Svd(MatrixOp):
    """``u``, ``s``, ``v`` with ``u @ diag(s) @ v.T = x`` (reduced form); ``s`` in descending order."""

    @property
    def num_results(self) -> int:
        return 3

    def infer(self, x: TensorType) -> Any:
        check_kind(self, REAL_FLOAT, x)
        if x.rank < 2 or not all(isinstance(d, int) for d in x.shape[-2:]):
            raise ShapeError(f"svd needs matrices of known size, got {x}")
        rows, columns = x.shape[-2:]
        least = min(rows, columns)
        batch = x.shape[:-2]
        return (
            x.with_shape((*batch, rows, least)),
            x.with_shape((*batch, least)),
            x.with_shape((*batch, columns, least)),
        )

    def kernel(self, x: Array) -> Any:
        def reduced(a: Array) -> Any:
            u, s, vh = np.linalg.svd(a, full_matrices=False)
            return u, s, np.swapaxes(vh, -1, -2)

        return tuple(_compute(reduced, x))

    def vjp(self, g: Any, y: Any, x: Operand) -> Any:
        (gu, gs, gv), (u, s, v) = g, y
        squares = square(s)
        gaps = sub(expand_dims(squares, -2), expand_dims(squares, -1))
        same = equal(gaps, 0)
        f = select(same, 0, div(1, select(same, 1, gaps)))
        row, column = expand_dims(s, -2), expand_dims(s, -1)
        ju, jv = mul(f, matmul(swap_last(u), gu)), mul(f, matmul(swap_last(v), gv))
        inner = add(mul(add(ju, swap_last(ju)), row), mul(column, add(jv, swap_last(jv))))
        result = matmul(matmul(u, add(inner, diag(gs))), swap_last(v))
        outer_u = div(sub(gu, matmul(u, matmul(swap_last(u), gu))), row)
        outer_v = div(sub(gv, matmul(v, matmul(swap_last(v), gv))), row)
        return add(result, add(matmul(outer_u, swap_last(v)), matmul(u, swap_last(outer_v))))


class MatrixRank(MatrixOp):
    """The number of singular values above ``tolerance`` times the largest (None: machine epsilon times size), int32."""

    tolerance: float | None
    vjp = NotDifferentiable("a rank is piecewise constant")

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, REAL_FLOAT, x)
        if x.rank < 2:
            raise ShapeError(f"matrix_rank needs a matrix (rank 2 or more), got {x}")
        return TensorType(int32, x.shape[:-2])

    def kernel(self, x: Array) -> Any:
        wide = x.astype(np.float32) if x.dtype.itemsize < 4 else x
        return np.asarray(np.linalg.matrix_rank(wide, rtol=self.tolerance), np.int32)


def inv(x: Any, adjoint: bool = False) -> Operand:
    """The inverse matrix; with ``adjoint``, its transpose."""
    result = bind(Inv(), lift(x))
    return swap_last(result) if adjoint else result


def det(x: Any) -> Operand:
    """The determinant."""
    return bind(Det(), lift(x))


def slogdet(x: Any) -> tuple[Operand, Operand]:
    """Sign and log of the absolute value of the determinant."""
    result: tuple[Operand, Operand] = bind(Slogdet(), lift(x))
    return result


def solve(a: Any, b: Any, adjoint: bool = False) -> Operand:
    """``x`` with ``a @ x = b`` (or ``a.T @ x = b``)."""
    matrix, right = promote(a, b)
    return bind(Solve(), swap_last(matrix) if adjoint else matrix, right)


def triangular_solve(a: Any, b: Any, lower: bool = True, adjoint: bool = False) -> Operand:
    """``x`` with ``a @ x = b`` (or ``a.T @ x = b``) for a triangular ``a``."""
    matrix, right = promote(a, b)
    if adjoint:
        return bind(TriangularSolve(not lower), swap_last(matrix), right)
    return bind(TriangularSolve(lower), matrix, right)


def cholesky(x: Any) -> Operand:
    """The lower triangular factor of a symmetric positive definite matrix."""
    return bind(Cholesky(), lift(x))


def cholesky_solve(chol: Any, rhs: Any) -> Operand:
    """``x`` with ``a @ x = rhs``, given the Cholesky factor of ``a``."""
    return triangular_solve(chol, triangular_solve(chol, rhs), adjoint=True)


def qr(x: Any) -> tuple[Operand, Operand]:
    """Orthonormal and upper triangular factors, reduced form."""
    result: tuple[Operand, Operand] = bind(Qr(), lift(x))
    return result


def eigh(x: Any) -> tuple[Operand, Operand]:
    """Eigenvalues (ascending) and eigenvectors (columns) of symmetric matrices."""
    result: tuple[Operand, Operand] = bind(Eigh(), lift(x))
    return result


def eig(x: Any) -> tuple[Operand, Operand]:
    """Eigenvalues and eigenvectors (in columns) of any square matrices, complex and in no particular order."""
    result: tuple[Operand, Operand] = bind(Eig(), lift(x))
    return result


def lu(x: Any) -> tuple[Operand, Operand]:
    """Both triangular factors in one matrix (the lower one has a unit diagonal), and the row numbers ``p``, int32.

    ``lower @ upper = x[p]``.
    """
    result: tuple[Operand, Operand] = bind(Lu(), lift(x))
    return result


def svd(x: Any) -> tuple[Operand, Operand, Operand]:
    """``s, u, v`` with ``u @ diag(s) @ v.T = x``, in TensorFlow's order."""
    u, s, v = bind(Svd(), lift(x))
    return s, u, v


def matrix_rank(x: Any, tolerance: float | None = None) -> Operand:
    """The number of linearly independent rows."""
    return bind(MatrixRank(tolerance), lift(x))


def lstsq(a: Any, b: Any, l2_regularizer: float = 0.0) -> Operand:
    """``x`` that minimises ``|a @ x - b|^2 + l2_regularizer * |x|^2``, for a matrix of full rank."""
    matrix, right = promote(a, b)
    rows, columns = shape_of(matrix)[-2:]
    if l2_regularizer or dims.known_ge(rows, columns) is not True:
        return _regularized(matrix, right, l2_regularizer)
    q, r = qr(matrix)
    return triangular_solve(r, matmul(swap_last(q), right), lower=False)


def _regularized(a: Operand, b: Operand, weight: float) -> Operand:
    transposed = swap_last(a)
    if dims.known_ge(shape_of(a)[-2], shape_of(a)[-1]) is True:
        gram = matmul(transposed, a)
        return solve(add(gram, _scaled_eye(gram, weight)), matmul(transposed, b))
    gram = matmul(a, transposed)
    return matmul(transposed, solve(add(gram, _scaled_eye(gram, weight)), b))


def _scaled_eye(like: Operand, factor: float) -> Operand:
    return mul(eye(shape_of(like)[-1], dtype=dtype_of(like)), factor)


def pinv(a: Any, rcond: float | None = None) -> Operand:
    """The Moore-Penrose inverse; singular values below ``rcond`` times the largest count as 0."""
    s, u, v = svd(a)
    dtype = dtype_of(s)
    longest = max(shape_of(u)[-2], shape_of(v)[-2])
    cutoff = 10 * longest * float(np.finfo(dtype.np).eps) if rcond is None else rcond  # type: ignore[operator]
    kept = greater(s, mul(reduce_max(s, -1, True), cutoff))
    inverse = div(cast(kept, dtype), select(kept, s, 1))
    return matmul(mul(v, expand_dims(inverse, -2)), swap_last(u))


def logdet(x: Any) -> Operand:
    """The log of the determinant of a symmetric positive definite matrix."""
    return mul(reduce_sum(log(diag_part(cholesky(x))), -1), 2)


def expm(x: Any) -> Operand:
    """The matrix exponential, by scaling and squaring of a Taylor polynomial of degree 18."""
    matrix = lift(x)
    identity = eye(shape_of(matrix)[-1], dtype=dtype_of(matrix))
    scaled = mul(matrix, 2.0**-_SQUARINGS)
    result = add(identity, div(scaled, 18.0))
    for k in range(17, 0, -1):
        result = add(identity, matmul(div(scaled, float(k)), result))
    for _ in range(_SQUARINGS):
        result = matmul(result, result)
    return result


_SQUARINGS = 6
