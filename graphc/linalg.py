"""``tf.linalg``: matrix products, factorisations, norms."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc.arrays import eye, global_norm
from graphc.math import l2_normalize
from graphc_ir import dims
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import complex as _complex
from graphc_ir.ops import diagonal as _diagonal
from graphc_ir.ops import einsum as _einsum
from graphc_ir.ops import elementwise as _elementwise
from graphc_ir.ops import factorization as _factorization
from graphc_ir.ops import gather as _gather
from graphc_ir.ops import linalg as _linalg
from graphc_ir.ops import movement as _movement
from graphc_ir.ops import rearrange as _rearrange
from graphc_ir.ops import reduction as _reduction
from graphc_ir.ops import sorting as _sorting
from graphc_ir.ops.arithmetic import pow as _power
from graphc_ir.ops.base import lift, rank_of, shape_of
from graphc_ir.ops.constant import stop_gradient as _stop_gradient

__all__ = [
    "adjoint", "band_part", "cholesky", "cholesky_solve", "cross", "det", "diag", "diag_part", "eig", "eigh", "eigvals",
    "eigvalsh", "einsum", "expm", "eye", "global_norm", "inv", "l2_normalize", "logdet", "lstsq", "lu",
    "lu_matrix_inverse", "lu_reconstruct", "lu_solve", "matmul", "matrix_rank", "matrix_transpose", "matvec", "norm",
    "normalize", "pinv", "qr", "set_diag", "slogdet", "solve", "sqrtm", "svd", "tensor_diag", "tensor_diag_part",
    "tensordot", "trace", "triangular_solve",
]  # fmt: skip


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
           adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False, output_type: Any = None,
           grad_a: bool = False, grad_b: bool = False, name: str | None = None) -> Any:  # fmt: skip
    """The matrix product over the last two axes, optionally of transposed or adjoint operands."""
    left = adjoint(a) if adjoint_a else matrix_transpose(a) if transpose_a else a
    right = adjoint(b) if adjoint_b else matrix_transpose(b) if transpose_b else b
    return _linalg.matmul(left, right)


def matvec(a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False,
           b_is_sparse: bool = False, name: str | None = None) -> Any:  # fmt: skip
    """The product of matrices and vectors (the last axis of ``b``)."""
    return _movement.squeeze(matmul(a, _movement.expand_dims(b, -1), transpose_a, False, adjoint_a), -1)


def matrix_transpose(a: Any, name: str | None = None, conjugate: bool = False) -> Any:
    """The last two axes exchanged."""
    swapped = _linalg.swap_last(lift(a))
    return _elementwise.conj(swapped) if conjugate else swapped


def adjoint(matrix: Any, name: str | None = None) -> Any:
    """The conjugate transpose."""
    tensor = lift(matrix)
    return matrix_transpose(tensor, conjugate=tensor.dtype.is_complex)


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    """Einstein's summation, e.g. ``einsum("bij,bjk->bik", a, b)``."""
    return _einsum.einsum(equation, *inputs)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Any:
    """Sums products over the last ``axes`` of ``a`` and the first of ``b``, or over two lists of axes."""
    return _einsum.tensordot(a, b, axes)


def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """The cross product of vectors of length 3 (the last axis)."""
    x, y = (_rearrange.unstack(t, axis=-1) for t in (a, b))
    if len(x) != 3 or len(y) != 3:
        raise ArgumentError(f"cross needs vectors of length 3, got {len(x)} and {len(y)}")
    pairs = ((1, 2), (2, 0), (0, 1))
    parts = [_elementwise.sub(_elementwise.mul(x[i], y[j]), _elementwise.mul(x[j], y[i])) for i, j in pairs]
    return _rearrange.stack(parts, -1)


def trace(x: Any, name: str | None = None) -> Any:
    """The sum of the diagonal."""
    return _diagonal.trace(x)


def diag(diagonal: Any, name: str = "diag", k: int = 0, num_rows: int = -1, num_cols: int = -1, padding_value: Any = 0,
         align: str = "RIGHT_LEFT") -> Any:  # fmt: skip
    """Matrices with the given diagonals; ``k`` above (or below) the main one."""
    return _diagonal.diag(diagonal, k, padding_value)


def diag_part(
    input: Any, name: str = "diag_part", k: int = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT"
) -> Any:
    """The diagonals of matrices."""
    return _diagonal.diag_part(input, k)


def set_diag(input: Any, diagonal: Any, name: str = "set_diag", k: int = 0, align: str = "RIGHT_LEFT") -> Any:
    """Matrices with their diagonal replaced."""
    return _diagonal.set_diag(input, diagonal, k)


def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """A tensor of twice the rank with ``diagonal`` on its diagonal and zeros elsewhere."""
    tensor = lift(diagonal)
    shape = shape_of(tensor)
    return _movement.reshape(_diagonal.diag(_movement.reshape(tensor, [-1])), (*shape, *shape))


def tensor_diag_part(input: Any, name: str | None = None) -> Any:
    """The diagonal of a tensor whose first half of axes equals the second."""
    shape = shape_of(lift(input))
    half = shape[: len(shape) // 2]
    if half != shape[len(shape) // 2 :]:
        raise ArgumentError(f"tensor_diag_part needs a shape whose halves are equal, got {lift(input).shape}")
    count = dims.element_count(half)
    return _movement.reshape(_diagonal.diag_part(_movement.reshape(input, [count, count])), half)


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:
    """Matrices with everything outside a band around the diagonal set to 0; -1 keeps a whole triangle."""
    return _diagonal.band_part(input, int(num_lower), int(num_upper))


def det(input: Any, name: str | None = None) -> Any:
    """The determinant."""
    return _factorization.det(input)


class SignAndLogDet(NamedTuple):
    """What :func:`slogdet` computes."""

    sign: Any
    log_abs_determinant: Any


def slogdet(input: Any, name: str | None = None) -> SignAndLogDet:
    """``sign`` and log of the absolute value of the determinant, ``log_abs_determinant``."""
    return SignAndLogDet(*_factorization.slogdet(input))


def logdet(matrix: Any, name: str | None = None) -> Any:
    """The log determinant of symmetric positive definite matrices."""
    return _factorization.logdet(matrix)


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """The inverse matrix."""
    return _factorization.inv(input, adjoint)


def pinv(a: Any, rcond: float | None = None, validate_args: bool = False, name: str | None = None) -> Any:
    """The Moore-Penrose inverse."""
    return _factorization.pinv(a, rcond)


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """``x`` with ``matrix @ x = rhs``."""
    return _factorization.solve(matrix, rhs, adjoint)


def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Any:
    """``x`` with ``matrix @ x = rhs`` for a triangular matrix."""
    return _factorization.triangular_solve(matrix, rhs, lower, adjoint)


def lstsq(matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None) -> Any:
    """The least-squares solution of ``matrix @ x = rhs``."""
    return _factorization.lstsq(matrix, rhs, l2_regularizer)


def cholesky(input: Any, name: str | None = None) -> Any:
    """The lower triangular factor of symmetric positive definite matrices."""
    return _factorization.cholesky(input)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Any:
    """Solves a linear system whose Cholesky factor is known."""
    return _factorization.cholesky_solve(chol, rhs)


class QR(NamedTuple):
    """What :func:`qr` computes."""

    q: Any
    r: Any


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> QR:
    """Orthonormal ``q`` and upper triangular ``r`` with ``q @ r = input``; ``full_matrices`` makes ``q`` square."""
    matrix = lift(input)
    *_, rows, columns = shape_of(matrix)
    q, r = _wide_qr(matrix, rows) if dims.known_ge(columns, rows) else _factorization.qr(matrix)
    if not full_matrices:
        return QR(q, r)
    missing = rows - shape_of(r)[-2]
    lead = (0,) * (rank_of(r) - 2)
    return QR(complete_basis(q), _movement.pad_with(r, (*lead, 0, 0), (*lead, missing, 0)))


def _wide_qr(matrix: Any, rows: Any) -> tuple[Any, Any]:
    """The square part on the left gives ``q``; ``r`` follows."""
    q, left = _factorization.qr(_movement.slice_axis(matrix, rank_of(matrix) - 1, 0, rows))
    rest = _movement.slice_axis(matrix, rank_of(matrix) - 1, rows, shape_of(matrix)[-1])
    return q, _movement.concat([left, _linalg.matmul(_linalg.swap_last(q), rest)], -1)


def complete_basis(q: Any) -> Any:
    """Orthonormal columns and, behind them, columns that make a basis of the whole space; these get no gradient."""
    columns = lift(q)
    *batch, size, count = shape_of(columns)
    if size == count:
        return columns
    projection = _linalg.matmul(columns, _linalg.swap_last(columns))
    outside = _elementwise.sub(eye(size, None, tuple(batch), columns.dtype), projection)
    # A projection has the eigenvalues 0 and 1, in this order: the latter belong to what is outside.
    basis = _factorization.eigh(_stop_gradient(outside))[1]
    return _movement.concat([columns, _movement.slice_axis(basis, rank_of(columns) - 1, count, size)], -1)


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Singular values ``s`` in descending order and vectors ``u``, ``v``; only ``s`` without ``compute_uv``.

    ``full_matrices`` makes ``u`` and ``v`` square.
    """
    s, u, v = _factorization.svd(tensor)
    if not compute_uv:
        return s
    return (s, complete_basis(u), complete_basis(v)) if full_matrices else (s, u, v)


def eigh(tensor: Any, name: str | None = None) -> Any:
    """Eigenvalues in ascending order and eigenvectors of symmetric matrices."""
    return _factorization.eigh(tensor)


def eigvalsh(tensor: Any, name: str | None = None) -> Any:
    """Eigenvalues of symmetric matrices, in ascending order."""
    return _factorization.eigh(tensor)[0]


def eig(tensor: Any, name: str | None = None) -> Any:
    """Eigenvalues and eigenvectors of any square matrices, complex and in no particular order."""
    return _factorization.eig(tensor)


def eigvals(tensor: Any, name: str | None = None) -> Any:
    """Eigenvalues of any square matrices, complex and in no particular order."""
    return _factorization.eig(tensor)[0]


class LU(NamedTuple):
    """What :func:`lu` computes."""

    lu: Any
    p: Any


def lu(input: Any, output_idx_type: Any = "int32", name: str | None = None) -> LU:
    """Both triangular factors in one matrix (the lower one has a unit diagonal), and ``p``: they give ``input[p]``."""
    packed, order = _factorization.lu(input)
    return LU(packed, _elementwise.cast(order, output_idx_type))


def _factors(lower_upper: Any) -> tuple[Any, Any]:
    packed = lift(lower_upper)
    ones = eye(shape_of(packed)[-1], dtype=packed.dtype)
    return _elementwise.add(_diagonal.tril(packed, -1), ones), _diagonal.triu(packed)


def lu_reconstruct(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """The matrices of which :func:`lu` made these factors."""
    lower, upper = _factors(lower_upper)
    places = _sorting.argsort(perm)
    return _gather.gather(_linalg.matmul(lower, upper), places, rank_of(places) - 1, rank_of(places) - 1)


def lu_solve(lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """``x`` with ``matrix @ x = rhs`` for the matrices of which :func:`lu` made these factors."""
    lower, upper = _factors(lower_upper)
    order = lift(perm)
    permuted = _gather.gather(rhs, order, rank_of(order) - 1, rank_of(order) - 1)
    return _factorization.triangular_solve(upper, _factorization.triangular_solve(lower, permuted), lower=False)


def lu_matrix_inverse(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """The inverses of the matrices of which :func:`lu` made these factors."""
    packed = lift(lower_upper)
    shape = shape_of(packed)
    return lu_solve(packed, perm, eye(shape[-1], batch_shape=shape[:-2], dtype=packed.dtype))


_ROOT_ROUNDS = 20


def sqrtm(input: Any, name: str | None = None) -> Any:
    """The matrix ``r`` with ``r @ r = input``, for matrices without eigenvalues on the negative axis and at 0.

    By the iteration of Denman and Beavers (1976), which converges quadratically once it is near.
    """
    root = lift(input)
    inverse_root = eye(shape_of(root)[-1], batch_shape=shape_of(root)[:-2], dtype=root.dtype)
    for _ in range(_ROOT_ROUNDS):
        nearer = _elementwise.add(root, _factorization.inv(inverse_root))
        inverse_root = _elementwise.mul(_elementwise.add(inverse_root, _factorization.inv(root)), 0.5)
        root = _elementwise.mul(nearer, 0.5)
    return root


def expm(input: Any, name: str | None = None) -> Any:
    """The matrix exponential."""
    return _factorization.expm(input)


def matrix_rank(a: Any, tol: float | None = None, validate_args: bool = False, name: str | None = None) -> Any:
    """The number of linearly independent rows."""
    return _factorization.matrix_rank(a, tol)


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The norm of vectors (one axis, or all elements) or matrices (two axes).

    ``ord``: ``"euclidean"`` / ``"fro"``, 1, 2, ``inf`` or any p > 0 (vectors).
    """
    x = _complex.abs(tensor)
    if isinstance(axis, (list, tuple)) and len(axis) == 2 and ord in (1, 2, np.inf):
        return _matrix_norm(tensor, x, ord, axis, keepdims)
    if ord in ("euclidean", "fro", 2):
        return _reduction.reduce_euclidean_norm(x, axis, keepdims)
    if ord == np.inf:
        return _reduction.reduce_max(x, axis, keepdims)
    if ord == 1:
        return _reduction.reduce_sum(x, axis, keepdims)
    if not isinstance(ord, (int, float)) or ord <= 0:
        raise ArgumentError(f"ord={ord!r}; expected 'euclidean', 'fro', 1, 2, inf or a positive number")
    return _power(_reduction.reduce_sum(_power(x, float(ord)), axis, keepdims), 1.0 / ord)


def _matrix_norm(tensor: Any, x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    rank = rank_of(x)
    rows, columns = (int(a) % rank for a in axis)
    if ord == 2:
        values = _factorization.svd(_rearrange.moveaxis(tensor, (rows, columns), (-2, -1)))[0]
        largest = _reduction.reduce_max(values, -1)
        return _movement.expand_dims(largest, (rows, columns)) if keepdims else largest
    first, second = (rows, columns) if ord == 1 else (columns, rows)
    sums = _reduction.reduce_sum(x, first, True)
    largest = _reduction.reduce_max(sums, second, True)
    return largest if keepdims else _movement.squeeze(largest, (rows, columns))


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> Any:
    """The tensor divided by its norm, and the norm."""
    length = norm(tensor, ord, axis, keepdims=True)
    return _elementwise.div(tensor, length), length
