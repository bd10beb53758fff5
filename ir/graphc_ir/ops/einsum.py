"""Sums of products by index notation, as transposes, reshapes and matrix products."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from graphc_ir import dims
from graphc_ir.dims import Dim
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand, lift, normalize_axes, normalize_axis, rank_of, shape_of
from graphc_ir.ops.diagonal import diag_part
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import reshape, transpose
from graphc_ir.ops.rearrange import moveaxis
from graphc_ir.ops.reduction import reduce_sum


def einsum(equation: str, *operands: Any) -> Operand:
    """Einstein's summation: ``einsum("bij,bjk->bik", a, b)``. Supports ellipsis and repeated (diagonal) labels.

    Raises ArgumentError for a malformed equation, ShapeError when sizes of one label differ.
    """
    tensors = [lift(x) for x in operands]
    inputs, output = _parse(equation, [rank_of(t) for t in tensors])
    _check_sizes(equation, inputs, tensors)
    terms = [_take_diagonals(t, labels) for t, labels in zip(tensors, inputs, strict=True)]
    result, labels = terms[0]
    for i, (tensor, other) in enumerate(terms[1:], start=1):
        later = set(output).union(*(names for _, names in terms[i + 1 :]))
        result, labels = _contract(result, labels, tensor, other, later)
    result, labels = _sum_out(result, labels, set(output))
    return _ordered(result, labels, output)


def tensordot(a: Any, b: Any, axes: Any) -> Operand:
    """Sums products over axes: the last ``axes`` of ``a`` with the first of ``b``, or two lists of axes."""
    x, y = lift(a), lift(b)
    if isinstance(axes, int):
        first = tuple(range(rank_of(x) - axes, rank_of(x)))
        second = tuple(range(axes))
    else:
        first, second = (tuple(normalize_axis(int(i), rank_of(t)) for i in (side if isinstance(side, (list, tuple)) else
                         [side])) for side, t in zip(axes, (x, y), strict=True))  # fmt: skip
    if len(first) != len(second):
        raise ArgumentError(f"tensordot needs as many axes of a as of b, got {list(first)} and {list(second)}")
    names = string.ascii_letters
    left = list(names[: rank_of(x)])
    right = list(names[rank_of(x) : rank_of(x) + rank_of(y)])
    for i, j in zip(first, second, strict=True):
        right[j] = left[i]
    kept = [n for i, n in enumerate(left) if i not in first] + [n for j, n in enumerate(right) if j not in second]
    return einsum(f"{''.join(left)},{''.join(right)}->{''.join(kept)}", x, y)


def _parse(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ranks):
        raise ArgumentError(f"einsum {equation!r} names {len(inputs)} operands, got {len(ranks)}")
    spare = [c for c in string.ascii_letters if c not in text]
    width = max((rank - len(labels.replace("...", "")) for labels, rank in zip(inputs, ranks, strict=True)
                 if "..." in labels), default=0)  # fmt: skip
    batch = "".join(spare[: max(width, 0)])
    expanded = [_expand(labels, rank, batch, equation) for labels, rank in zip(inputs, ranks, strict=True)]
    if not arrow:
        joined = "".join(expanded)
        right = ("..." if batch else "") + "".join(
            sorted(c for c in set(joined) if joined.count(c) == 1 and c not in batch)
        )
    output = right.replace("...", batch)
    unknown = set(output) - set("".join(expanded))
    if unknown or len(set(output)) != len(output) or (not output.isalpha() and output):
        raise ArgumentError(f"einsum {equation!r}: every output label must come once and from an operand")
    return expanded, output


def _expand(labels: str, rank: int, batch: str, equation: str) -> str:
    missing = rank - len(labels.replace("...", ""))
    full = labels.replace("...", batch[len(batch) - missing :] if missing > 0 else "")
    if len(full) != rank or not (full.isalpha() or not full):
        raise ArgumentError(f"einsum {equation!r}: {labels!r} does not name the axes of an operand of rank {rank}")
    return full


def _check_sizes(equation: str, inputs: list[str], tensors: list[Operand]) -> None:
    sizes: dict[str, Dim] = {}
    for labels, tensor in zip(inputs, tensors, strict=True):
        for label, size in zip(labels, shape_of(tensor), strict=True):
            try:
                dims.require_equal(sizes.setdefault(label, size), size, f"label {label!r}")
            except ValueError as error:
                raise ShapeError(f"einsum {equation!r}: {error}") from error


def _take_diagonals(tensor: Operand, labels: str) -> tuple[Operand, str]:
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            tensor = diag_part(moveaxis(tensor, (i, j), (-2, -1)))
            labels = labels[:i] + labels[i + 1 : j] + labels[j + 1 :] + label
    return tensor, labels


def _sum_out(tensor: Operand, labels: str, kept: set[str]) -> tuple[Operand, str]:
    axes = [i for i, label in enumerate(labels) if label not in kept]
    if not axes:
        return tensor, labels
    return reduce_sum(tensor, normalize_axes(axes, len(labels))), "".join(label for label in labels if label in kept)


def _contract(a: Operand, left: str, b: Operand, right: str, later: set[str]) -> tuple[Operand, str]:
    """The product of two terms, summed over labels that are needed nowhere else."""
    a, left = _sum_out(a, left, later | set(right))
    b, right = _sum_out(b, right, later | set(left))
    batch = [c for c in left if c in right and c in later]
    summed = [c for c in left if c in right and c not in later]
    rows, columns = [c for c in left if c not in right], [c for c in right if c not in left]
    x, y = _ordered(a, left, batch + rows + summed), _ordered(b, right, batch + summed + columns)
    sizes = dict(zip(left + right, (*shape_of(a), *shape_of(b)), strict=True))
    shape = [sizes[c] for c in batch]
    x = reshape(x, (*shape, _count(rows, sizes), _count(summed, sizes)))
    y = reshape(y, (*shape, _count(summed, sizes), _count(columns, sizes)))
    labels = batch + rows + columns
    return reshape(matmul(x, y), tuple(sizes[c] for c in labels)), "".join(labels)


def _count(labels: list[str], sizes: dict[str, Dim]) -> Dim:
    return dims.element_count(tuple(sizes[c] for c in labels))


def _ordered(tensor: Operand, labels: str, wanted: Sequence[str]) -> Operand:
    order = tuple(labels.index(c) for c in wanted)
    return tensor if order == tuple(range(len(order))) else transpose(tensor, order)
