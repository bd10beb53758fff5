"""``keras.ops.core``: branches and loops. Python functions are traced as in TensorFlow's control flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc import control
from graphc.keras.engine.operation import operation
from graphc.keras.ops.promotion import as_index, convert
from graphc.pytree import leaves_of, map_leaves
from graphc_ir.dims import Dim, known_equal
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import clip_by_value
from graphc_ir.ops.base import Operand, dtype_of, normalize_axis, rank_of, shape_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import add, less
from graphc_ir.ops.indexing import getitem
from graphc_ir.ops.movement import concat, expand_dims, slice_axis, squeeze
from graphc_ir.ops.movement import reverse as flipped
from graphc_ir.ops.rearrange import moveaxis

__all__ = [
    "associative_scan", "cond", "fori_loop", "map", "scan", "switch", "vectorized_map", "while_loop",
]  # fmt: skip

Function = Callable[..., Any]


# --- branches --------------------------------------------------------------------------------------------------------


@operation("core", "pred true_fn false_fn")
def cond(pred: Any, true_fn: Function, false_fn: Function) -> Any:
    """The result of ``true_fn()`` if ``pred`` (a bool scalar) holds, else that of ``false_fn()``."""
    return control.cond(pred, true_fn, false_fn)


@operation("core", "index branches")
def switch(index: Any, branches: Sequence[Function], *operands: Any) -> Any:
    """The result of ``branches[index](*operands)``; an index outside of the branches takes the nearest one."""
    place = clip_by_value(as_index(index), 0, len(branches) - 1)
    return control.switch_case(place, [lambda branch=branch: branch(*operands) for branch in branches])


# --- loops -----------------------------------------------------------------------------------------------------------


@operation("core", "loop_vars")
def while_loop(cond: Function, body: Function, loop_vars: Any, maximum_iterations: int | None = None) -> Any:
    """``loop_vars = body(*loop_vars)`` while ``cond(*loop_vars)`` holds, at most ``maximum_iterations`` times.

    A single loop variable need not stand in a tuple. The variables keep their dtypes and shapes.
    """
    is_single = not isinstance(loop_vars, (list, tuple))
    start = map_leaves(convert, (loop_vars,) if is_single else tuple(loop_vars))

    def step(*values: Any) -> Any:
        found = body(*values)
        return found if isinstance(found, (list, tuple)) else (found,)

    found = control.while_loop(cond, step, start, maximum_iterations=maximum_iterations)
    return found[0] if is_single else tuple(found)


@operation("core", "init_val")
def fori_loop(lower: Any, upper: Any, body_fun: Function, init_val: Any) -> Any:
    """``value = body_fun(i, value)`` for ``i`` from ``lower`` up to before ``upper``, starting with ``init_val``."""
    end = as_index(upper)
    start = (as_index(lower), map_leaves(convert, init_val))
    return control.while_loop(lambda i, _: less(i, end), lambda i, value: (add(i, 1), body_fun(i, value)), start)[1]


@operation("core", "f xs")
def map(f: Function, xs: Any) -> Any:
    """``f`` of each element along the first axis, stacked. ``xs`` and the results may be nested structures."""
    return control.map_fn(f, map_leaves(convert, xs))


@operation("core", "elements")
def vectorized_map(function: Function, elements: Any) -> Any:
    """``function`` of each element along the first axis, stacked."""
    return control.map_fn(function, map_leaves(convert, elements))


@operation("core", "f init xs")
def scan(f: Function, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False,
         unroll: Any = 1) -> Any:  # fmt: skip
    """``carry, y = f(carry, x)`` along the first axis of ``xs``; the last carry, and all y stacked.

    Without ``xs``, ``length`` rounds with None for x. ``reverse`` starts from the last element. ``unroll`` True repeats
    the ops of ``f`` in place of a loop; a number is accepted and has no effect. Raises ArgumentError without both, or
    for another ``f`` or ``unroll``.
    """
    if not callable(f):
        raise ArgumentError(f"scan: got {f!r} as function, expected one of (carry, x)")
    if not isinstance(unroll, int) or (unroll < 1 and unroll is not False):
        raise ArgumentError(f"scan: got unroll={unroll!r}, expected True, False or a positive number of steps")
    if not leaves_of(xs) and length is None:
        raise ArgumentError("scan: got neither xs nor length; pass one of them to say how many rounds there are")
    elements = map_leaves(convert, xs) if leaves_of(xs) else iota(length or 0, dtype_of(convert(0)))
    if length is not None and leaves_of(xs) and not _is_length(leaves_of(elements)[0], length):
        raise ShapeError(f"scan: got length={length} for xs of length {shape_of(leaves_of(elements)[0])[0]}")

    def step(carry: Any, x: Any) -> Any:
        return f(carry, x if leaves_of(xs) else None)

    return control.scan_steps(step, map_leaves(convert, init), elements, reverse, unroll is True)


def _is_length(x: Operand, length: int) -> bool:
    size = shape_of(x)[0]
    return not isinstance(size, int) or size == length


@operation("core", "f elems")
def associative_scan(f: Function, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """The running combination of elements along an axis by an associative function ``f(a, b)``, in few rounds.

    ``f`` combines whole blocks: structures like ``elems``, element by element. Along an axis of open size, it combines
    one element after the other. Raises ShapeError if the sizes along the axis differ.
    """
    tensors = map_leaves(convert, elems)
    sizes = [shape_of(x)[normalize_axis(axis, rank_of(x))] for x in leaves_of(tensors)]
    if any(known_equal(size, sizes[0]) is False for size in sizes):
        raise ShapeError(f"associative_scan: got the sizes {sizes} along axis {axis}, expected the same everywhere")
    turned = map_leaves(lambda x: flipped(x, axis), tensors) if reverse else tensors
    size = sizes[0]
    found = _doubled(f, turned, size, axis) if isinstance(size, int) else _stepwise(f, turned, axis)
    return map_leaves(lambda x: flipped(x, axis), found) if reverse else found


def _stepwise(f: Function, tensors: Any, axis: int) -> Any:
    """Each element joined with all before it, one after the other, in blocks of one element each."""
    rows = map_leaves(lambda x: expand_dims(moveaxis(x, axis, 0), _place(x, axis) + 1), tensors)

    def step(carry: Any, block: Any) -> tuple[Any, Any]:
        found = f(carry, block)
        return found, found

    start = map_leaves(lambda x: getitem(x, 0), rows)
    later = control.scan_steps(step, start, map_leaves(lambda x: _part(x, 0, 1, shape_of(x)[0]), rows))[1]

    def joined(first: Operand, others: Operand) -> Operand:
        place = _place(first, axis)
        return moveaxis(squeeze(concat([expand_dims(first, 0), others], 0), place + 1), 0, place)

    return map_leaves(joined, start, later)


def _place(x: Operand, axis: int) -> int:
    return normalize_axis(axis, rank_of(x))


def _doubled(f: Function, tensors: Any, size: int, axis: int) -> Any:
    """Each element joined with the one ``reach`` places before it, for reaches 1, 2, 4, ..."""
    reach = 1
    while reach < size:
        earlier = map_leaves(lambda x, n=reach: _part(x, axis, 0, size - n), tensors)
        later = map_leaves(lambda x, n=reach: _part(x, axis, n, size), tensors)
        kept = map_leaves(lambda x, n=reach: _part(x, axis, 0, n), tensors)
        tensors = map_leaves(lambda a, b: concat([a, b], normalize_axis(axis, rank_of(a))), kept, f(earlier, later))
        reach *= 2
    return tensors


def _part(x: Operand, axis: int, start: Dim, stop: Dim) -> Operand:
    return slice_axis(x, normalize_axis(axis, rank_of(x)), start, stop)
