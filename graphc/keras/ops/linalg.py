"""``keras.ops.linalg``: factorisations, inverses, solutions and norms of matrices (the last two axes)."""

from __future__ import annotations

import math
from typing import Any

from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import unary
from graphc.keras.ops.promotion import convert, floats, promoted
from graphc.linalg import complete_basis
from graphc.linalg import qr as orthogonal_triangular
from graphc.tape import GradientTape
from graphc_ir.dtypes import int32
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import factorization as ir
from graphc_ir.ops.arithmetic import pow as power
from graphc_ir.ops.base import Operand, dtype_of, normalize_axes, rank_of, shape_of
from graphc_ir.ops.complex import abs as modulus
from graphc_ir.ops.diagonal import eye
from graphc_ir.ops.elementwise import cast, conj, not_equal
from graphc_ir.ops.linalg import matmul, swap_last
from graphc_ir.ops.movement import expand_dims, reshape
from graphc_ir.ops.rearrange import moveaxis
from graphc_ir.ops.reduction import reduce_euclidean_norm, reduce_max, reduce_min, reduce_sum
from graphc_ir.ops.sorting import argsort

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "lstsq", "lu_factor", "matrix_rank", "norm",
    "pinv", "qr", "solve", "solve_triangular", "svd",
]  # fmt: skip


det = unary("det", ir.det, module="linalg")
inv = unary("inv", ir.inv, module="linalg")
eig = unary("eig", ir.eig, module="linalg")
eigh = unary("eigh", ir.eigh, module="linalg")


@operation("linalg")
def cholesky(x: Any, upper: bool = False) -> Any:
    """The triangular factor of positive definite matrices: lower (``l @ l.T``) or upper (``u.T @ u``)."""
    factor = ir.cholesky(floats(x))
    return swap_last(factor) if upper else factor


@operation("linalg")
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverses of the matrices whose Cholesky factors these are."""
    factor = floats(x)
    lower = swap_last(factor) if upper else factor
    return ir.cholesky_solve(lower, eye(shape_of(lower)[-1], None, shape_of(lower)[:-2], dtype_of(lower)))


@operation("linalg", "a b")
def solve(a: Any, b: Any) -> Any:
    """``x`` with ``a @ x = b``; ``b`` holds vectors if it has one axis less than ``a``."""
    return _solve(ir.solve, a, b)


@operation("linalg", "a b")
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """``x`` with ``a @ x = b`` for triangular matrices, of which the other triangle is not read."""
    return _solve(lambda m, rhs: ir.triangular_solve(m, rhs, lower), a, b)


def _solve(compute: Any, a: Any, b: Any) -> Any:
    matrix, right = promoted(a, b, at_least=(float,))
    if rank_of(right) == rank_of(matrix) - 1:
        found = compute(matrix, expand_dims(right, -1))
        return reshape(found, shape_of(found)[:-1])
    return compute(matrix, right)


@operation("linalg", "a b")
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The ``x`` of least norm for which ``|a @ x - b|`` is least.

    Singular values below ``rcond`` times the largest count as 0 (by default the precision times the larger size).
    """
    matrix, right = promoted(a, b, at_least=(float,))
    vectors = rank_of(right) == rank_of(matrix) - 1
    found = matmul(ir.pinv(matrix, rcond), expand_dims(right, -1) if vectors else right)
    return reshape(found, shape_of(found)[:-1]) if vectors else found


@operation("linalg")
def pinv(x: Any, rcond: float | None = None) -> Any:
    """The Moore-Penrose inverses; singular values below ``rcond`` times the largest count as 0."""
    return ir.pinv(floats(x), rcond)


@operation("linalg")
def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """The number of singular values above ``tol``, int32; by default the largest times precision and larger size."""
    return cast(ir.matrix_rank(floats(x), tol), int32)


@operation("linalg")
def lu_factor(x: Any) -> Any:
    """Both triangular factors in one matrix (the lower one has a unit diagonal), and int32 row numbers ``p``:
    ``x = (lower @ upper)[p]``."""
    packed, order = ir.lu(floats(x))
    return packed, argsort(order)


# --- factorisations --------------------------------------------------------------------------------------------------


@operation("linalg")
def qr(x: Any, mode: str = "reduced") -> Any:
    """Orthonormal ``q`` and upper triangular ``r`` with ``q @ r = x``; mode "complete" gives a square ``q``.

    Raises ArgumentError for another mode.
    """
    if mode not in ("reduced", "complete"):
        raise ArgumentError(f"qr: got mode={mode!r}, expected 'reduced' or 'complete'")
    return orthogonal_triangular(floats(x), mode == "complete")


@operation("linalg", class_name="SVD")
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """``u``, the singular values in descending order, and ``v`` transposed; only the values without ``compute_uv``.

    ``full_matrices`` makes ``u`` and ``v`` square.
    """
    s, u, v = ir.svd(floats(x))
    if not compute_uv:
        return s
    if full_matrices:
        u, v = complete_basis(u), complete_basis(v)
    return u, s, conj(swap_last(v)) if dtype_of(v).is_complex else swap_last(v)


# --- norms -----------------------------------------------------------------------------------------------------------


@operation("linalg")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors (one axis) or matrices (two axes); of all elements, seen as a vector, without both.

    ``ord`` of vectors: any number, ``inf``, ``-inf``; 0 counts the elements that are not 0. Of matrices: "fro", "nuc",
    1, -1, 2, -2, ``inf``, ``-inf``. Raises ArgumentError for another one.
    """
    operand = floats(x)
    if axis is None and ord is None:
        return reduce_euclidean_norm(modulus(operand), None, keepdims)
    axes = tuple(range(rank_of(operand))) if axis is None else _axes(axis, rank_of(operand))
    if len(axes) == 1:
        return _vector_norm(modulus(operand), ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ArgumentError(f"norm: got axis={axis} for {tuple(shape_of(operand))}, expected one axis or two")
    return _matrix_norm(operand, ord, axes, keepdims)


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Non-negative axes in the order given: the first of two are the rows."""
    listed = axis if isinstance(axis, (list, tuple)) else [axis]
    return tuple(normalize_axes(a, rank)[0] for a in listed)


def _vector_norm(x: Operand, order: Any, axis: int, keepdims: bool) -> Operand:
    if order is None or order == 2:
        return reduce_euclidean_norm(x, axis, keepdims)
    if order == math.inf:
        return reduce_max(x, axis, keepdims)
    if order == -math.inf:
        return reduce_min(x, axis, keepdims)
    if order == 0:
        return reduce_sum(cast(not_equal(x, 0), dtype_of(x)), axis, keepdims)
    if order == 1:
        return reduce_sum(x, axis, keepdims)
    if not isinstance(order, (int, float)):
        raise ArgumentError(f"norm: got ord={order!r} for vectors, expected a number")
    return power(reduce_sum(power(x, float(order)), axis, keepdims), 1 / order)


def _matrix_norm(x: Operand, order: Any, axes: tuple[int, ...], keepdims: bool) -> Operand:
    rows, columns = axes
    if order in (None, "fro"):
        return reduce_euclidean_norm(modulus(x), axes, keepdims)
    if order in ("nuc", 2, -2):
        values = ir.svd(moveaxis(x, axes, (-2, -1)))[0]
        found = {"nuc": reduce_sum, 2: reduce_max, -2: reduce_min}[order](values, -1)
    elif order in (1, -1, math.inf, -math.inf):
        summed, kept = (rows, columns) if abs(order) == 1 else (columns, rows)
        sums = reduce_sum(modulus(x), summed)
        found = (reduce_max if order > 0 else reduce_min)(sums, kept - (kept > summed))
    else:
        raise ArgumentError(f"norm: got ord={order!r} for matrices, expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf")
    return expand_dims(found, tuple(sorted(axes))) if keepdims else found


# --- derivatives -----------------------------------------------------------------------------------------------------


def jvp(fun: Any, primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """``fun(*primals)``, and its derivative in the direction of the tangents.

    With ``has_aux`` the function returns a second value, which is returned as third. Raises ArgumentError for a number
    of tangents other than that of the primals.
    """
    points, directions = [convert(p) for p in primals], [convert(t) for t in tangents]
    if len(points) != len(directions):
        raise ArgumentError(f"jvp: got {len(points)} primals and {len(directions)} tangents, expected as many of both")
    with GradientTape() as outer:
        with GradientTape() as inner:
            inner.watch(points)
            found = fun(*points)
        value, extra = found if has_aux else (found, None)
        # The gradient is linear in what comes in from above: its own derivative by that is the jvp.
        above = value * 0
        outer.watch(above)
        pulled = inner.gradient(value, points, above)
    moved = outer.gradient(pulled, above, directions)
    moved = value * 0 if moved is None else moved
    return (value, moved, extra) if has_aux else (value, moved)
