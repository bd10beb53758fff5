"""What is known at build time of a small integer tensor: its elements as dims.

Shapes are often computed by ops (``tf.shape(x)[0] * 2``). Following the producers of such a value gives dims
again, so that ``reshape(x, computed)`` has a static attribute instead of a run-time operand.
"""

from __future__ import annotations

from collections.abc import Callable

from graphc_ir.dims import Dim, Shape, element_count
from graphc_ir.graph import Node, Value
from graphc_ir.ops import arithmetic, creation, elementwise, gather, movement, reduction
from graphc_ir.ops.base import Op
from graphc_ir.ops.constant import Constant

_LIMIT = 64  # elements: longer tensors are data, not shapes


def symbolic_value(value: Value) -> Shape | None:
    """The elements of a 0-D or 1-D integer value in order, or None if they are not all known."""
    if len(value.type.shape) > 1 or not value.type.dtype.is_integer or value.node is None:
        return None
    rule = _RULES.get(type(value.node.op))
    return None if rule is None else rule(value.node)


def _operands(node: Node) -> list[Shape] | None:
    known = [symbolic_value(operand) for operand in node.operands]
    return None if any(k is None for k in known) else known  # type: ignore[return-value]


def _constant(node: Node) -> Shape | None:
    op = node.op
    assert isinstance(op, Constant)
    array = op.value.array
    return tuple(int(d) for d in array.reshape(-1)) if array.size <= _LIMIT else None


def _dims(node: Node) -> Shape | None:
    assert isinstance(node.op, reduction.Dims)
    return node.op.dims


def _arithmetic(function: Callable[[Dim, Dim], Dim]) -> Callable[[Node], Shape | None]:
    def rule(node: Node) -> Shape | None:
        known = _operands(node)
        if known is None:
            return None
        a, b = known
        size = max(len(a), len(b))
        a, b = (a * size if len(a) == 1 else a), (b * size if len(b) == 1 else b)
        return tuple(map(function, a, b))

    return rule


def _same(node: Node) -> Shape | None:
    return symbolic_value(node.operands[0])


def _concat(node: Node) -> Shape | None:
    known = _operands(node)
    return None if known is None else tuple(d for part in known for d in part)


def _slice(node: Node) -> Shape | None:
    op, known = node.op, symbolic_value(node.operands[0])
    assert isinstance(op, movement.Slice)
    if known is None:
        return None
    start, stop, step = op.starts[0], op.stops[0], op.steps[0]
    return known[slice(start, None if stop == -1 else stop, step)]


def _gather(node: Node) -> Shape | None:
    known, where = symbolic_value(node.operands[0]), symbolic_value(node.operands[1])
    if known is None or where is None or not all(isinstance(i, int) and 0 <= i < len(known) for i in where):
        return None
    return tuple(known[i] for i in where if isinstance(i, int))


def _broadcast(node: Node) -> Shape | None:
    known, shape = symbolic_value(node.operands[0]), node.results[0].type.shape
    size = shape[0] if shape else 1
    if known is None or not isinstance(size, int) or size > _LIMIT:
        return None
    return known if len(known) == size else known * size


def _iota(node: Node) -> Shape | None:
    size = node.results[0].type.shape[0]
    return tuple(range(size)) if isinstance(size, int) and size <= _LIMIT else None


def _tile(node: Node) -> Shape | None:
    assert isinstance(node.op, movement.Tile)
    known, size = symbolic_value(node.operands[0]), node.results[0].type.shape
    if known is None or len(size) != 1 or not isinstance(size[0], int) or size[0] > _LIMIT:
        return None
    return known * (size[0] // len(known)) if known else known


def _division(function: Callable[[Dim, Dim], Dim]) -> Callable[[Node], Shape | None]:
    """Division by what may be 0 is left to the run."""
    rule = _arithmetic(function)

    def guarded(node: Node) -> Shape | None:
        divisor = symbolic_value(node.operands[1])
        return None if divisor is None or 0 in divisor else rule(node)

    return guarded


def _negative(node: Node) -> Shape | None:
    known = symbolic_value(node.operands[0])
    return None if known is None else tuple(-d for d in known)


def _product(node: Node) -> Shape | None:
    assert isinstance(node.op, reduction.ReduceProd)
    known = symbolic_value(node.operands[0])
    return (element_count(known),) if known is not None and node.op.axes else known


_RULES: dict[type[Op], Callable[[Node], Shape | None]] = {
    Constant: _constant,
    reduction.Dims: _dims,
    elementwise.Add: _arithmetic(lambda a, b: a + b),
    elementwise.Sub: _arithmetic(lambda a, b: a - b),
    elementwise.Mul: _arithmetic(lambda a, b: a * b),
    elementwise.Neg: _negative,
    arithmetic.FloorDiv: _division(lambda a, b: a // b),
    arithmetic.FloorMod: _division(lambda a, b: a % b),
    reduction.ReduceProd: _product,
    elementwise.Cast: _same,
    movement.Reshape: _same,
    movement.Concat: _concat,
    movement.Slice: _slice,
    movement.BroadcastTo: _broadcast,
    movement.Tile: _tile,
    gather.Gather: _gather,
    creation.Iota: _iota,
}
