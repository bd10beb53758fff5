"""``keras.ops.numpy``: products of vectors and matrices, and diagonals."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import binary, unary
from graphc.keras.ops.promotion import convert, promoted, summable
from graphc_ir.dtypes import int32
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import einsum as contraction
from graphc_ir.ops.base import Operand, dtype_of, normalize_axis, rank_of, shape_of
from graphc_ir.ops.diagonal import diag as on_diagonal
from graphc_ir.ops.diagonal import diag_part
from graphc_ir.ops.diagonal import tril as lower
from graphc_ir.ops.diagonal import triu as upper
from graphc_ir.ops.elementwise import cast, conj, mul, sub
from graphc_ir.ops.factorization import slogdet as sign_and_log_determinant
from graphc_ir.ops.linalg import matmul as product
from graphc_ir.ops.movement import expand_dims, reshape
from graphc_ir.ops.rearrange import moveaxis, stack, unstack
from graphc_ir.ops.reduction import reduce_sum

__all__ = [
    "cross", "diag", "diagflat", "diagonal", "dot", "einsum", "inner", "kron", "matmul", "outer", "slogdet",
    "tensordot", "trace", "tril", "triu", "vdot",
]  # fmt: skip


def _flat(x: Operand) -> Operand:
    return reshape(x, (-1,))


def _of_numbers(x: Operand, y: Operand, compute: Any) -> Operand:
    """A sum of products; of bools whether any product holds."""
    if not dtype_of(x).is_bool:
        return compute(x, y)
    return cast(compute(cast(x, int32), cast(y, int32)), dtype_of(x))


def _matmul(x: Operand, y: Operand) -> Operand:
    """The matrix product over the last two axes; a vector counts as a row on the left, as a column on the right."""
    return _of_numbers(x, y, _matrix_product)


def _matrix_product(x: Operand, y: Operand) -> Operand:
    if rank_of(x) == 1 and rank_of(y) == 1:
        return reduce_sum(mul(x, y))
    if rank_of(x) == 1:
        found = product(expand_dims(x, 0), y)
        return reshape(found, (*shape_of(found)[:-2], shape_of(found)[-1]))
    if rank_of(y) == 1:
        found = product(x, expand_dims(y, 1))
        return reshape(found, shape_of(found)[:-1])
    return product(x, y)


def _dot(x: Operand, y: Operand) -> Operand:
    """The sums of products over the last axis of ``x1`` and the last but one (a vector's only) of ``x2``."""
    return _of_numbers(x, y, _any_dot)


def _any_dot(x: Operand, y: Operand) -> Operand:
    if not rank_of(x) or not rank_of(y):
        return mul(x, y)
    return contraction.tensordot(x, y, [[rank_of(x) - 1], [max(rank_of(y) - 2, 0)]])


def _inner(x: Operand, y: Operand) -> Operand:
    """The sums of products over the last axes."""
    if not rank_of(x) or not rank_of(y):
        return mul(x, y)
    return _of_numbers(x, y, lambda a, b: contraction.tensordot(a, b, [[rank_of(a) - 1], [rank_of(b) - 1]]))


def _vdot(x: Operand, y: Operand) -> Operand:
    """The sum of the products of all elements, those of ``x1`` conjugated."""
    left = conj(x) if dtype_of(x).is_complex else x
    pair = (left, y) if rank_of(x) == rank_of(y) else (_flat(left), _flat(y))
    return _of_numbers(*pair, lambda a, b: reduce_sum(mul(a, b)))


def _outer(x: Operand, y: Operand) -> Operand:
    """The products of each element of ``x1`` with each of ``x2``, both flattened."""
    return _of_numbers(_flat(x), _flat(y), lambda a, b: mul(expand_dims(a, 1), b))


def _kron(x: Operand, y: Operand) -> Operand:
    """The Kronecker product: blocks of ``x2``, each times one element of ``x1``."""
    rank = max(rank_of(x), rank_of(y))
    a, b = (reshape(t, (1,) * (rank - rank_of(t)) + shape_of(t)) for t in (x, y))
    inside = tuple(size for d in shape_of(a) for size in (d, 1))
    outside = tuple(size for d in shape_of(b) for size in (1, d))
    shape = tuple(m * n for m, n in zip(shape_of(a), shape_of(b), strict=True))
    return reshape(mul(reshape(a, inside), reshape(b, outside)), shape)


matmul = binary("matmul", _matmul)
dot = binary("dot", _dot)
inner = binary("inner", _inner)
vdot = binary("vdot", _vdot)
outer = binary("outer", _outer)
kron = binary("kron", _kron)
slogdet = unary("slogdet", sign_and_log_determinant)


@operation("numpy", "x1 x2")
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The sums of products over the last ``axes`` axes of ``x1`` and the first of ``x2``, or over two lists of axes."""
    x, y = promoted(x1, x2)
    return _of_numbers(x, y, lambda a, b: contraction.tensordot(a, b, axes))


@operation("numpy", "")
def einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's summation, e.g. ``einsum("bij,bjk->bik", x, y)``, in the common dtype of the operands."""
    return contraction.einsum(subscripts, *promoted(*operands))


@operation("numpy", "x1 x2")
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of length 3 (or 2: their third part is 0), which lie along these axes.

    ``axis`` stands for all three. Of two vectors of length 2 only the third part is returned. Raises ArgumentError for
    other lengths.
    """
    first, second, result = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    x, y = promoted(x1, x2, at_least=(int,))
    a, b = (unstack(moveaxis(t, place, -1), axis=-1) for t, place in ((x, first), (y, second)))
    if not {len(a), len(b)} <= {2, 3}:
        raise ArgumentError(f"cross: got vectors of length {len(a)} and {len(b)}, expected 2 or 3")
    third = sub(mul(a[0], b[1]), mul(a[1], b[0]))
    if len(a) == 2 and len(b) == 2:
        return third
    (p, q, r), (u, v, w) = (parts if len(parts) == 3 else [*parts, mul(parts[0], 0)] for parts in (a, b))
    return moveaxis(stack([sub(mul(q, w), mul(r, v)), sub(mul(r, u), mul(p, w)), third], -1), -1, result)


# --- diagonals -------------------------------------------------------------------------------------------------------


@operation("numpy")
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals ``offset`` places above the main one, of the matrices in two axes; they lie along the last axis."""
    return _diagonal(convert(x), offset, axis1, axis2)


def _diagonal(x: Operand, offset: int, axis1: int, axis2: int) -> Operand:
    rank = rank_of(x)
    first, second = (normalize_axis(axis, rank) for axis in (axis1, axis2))
    if first == second:
        raise ArgumentError(f"axis1={axis1} and axis2={axis2} are the same axis, expected two different ones")
    return diag_part(moveaxis(x, (first, second), (-2, -1)), offset)


@operation("numpy")
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum along a diagonal of the matrices in two axes."""
    return reduce_sum(_diagonal(summable(convert(x)), offset, axis1, axis2), -1)


@operation("numpy")
def diag(x: Any, k: int = 0) -> Any:
    """A matrix with a vector on diagonal ``k``, or diagonal ``k`` of a matrix. Raises ShapeError for other ranks."""
    tensor = convert(x)
    if rank_of(tensor) not in (1, 2):
        raise ShapeError(f"diag: got x of shape {tuple(shape_of(tensor))}, expected a vector or a matrix")
    return on_diagonal(tensor, k) if rank_of(tensor) == 1 else diag_part(tensor, k)


@operation("numpy")
def diagflat(x: Any, k: int = 0) -> Any:
    """A matrix with the flattened elements on diagonal ``k``."""
    return on_diagonal(_flat(convert(x)), k)


@operation("numpy")
def tril(x: Any, k: int = 0) -> Any:
    """The lower triangles: zeros above diagonal ``k``."""
    return lower(convert(x), k)


@operation("numpy")
def triu(x: Any, k: int = 0) -> Any:
    """The upper triangles: zeros below diagonal ``k``."""
    return upper(convert(x), k)
